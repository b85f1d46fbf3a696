//! Places on earth, and how well they are known.

use serde::{Deserialize, Serialize};

/// A place on earth with its uncertainty.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Fix {
    /// WGS84 latitude in degrees.
    pub lat_deg: f64,
    /// WGS84 longitude in degrees.
    pub lon_deg: f64,
    /// Height of the ground there in metres, in the reckoning of the camera's height.
    pub height_m: f64,
    /// Where the true place lies with a likelihood of 95 %.
    pub ellipse: Ellipse,
    /// The same place as maps in China are drawn, where the site asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gcj02: Option<Gcj02>,
}

/// A place in the shifted coordinates by which maps in China are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Gcj02 {
    /// Latitude in degrees.
    pub lat_deg: f64,
    /// Longitude in degrees.
    pub lon_deg: f64,
}

/// An ellipse on the ground around a place that holds the true one with a likelihood of 95 %.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ellipse {
    /// Its longer half axis, in metres.
    pub major_m: f64,
    /// Its shorter half axis, in metres.
    pub minor_m: f64,
    /// Where the longer one points, in degrees east of north, from 0 to below 180.
    pub bearing_deg: f64,
}
