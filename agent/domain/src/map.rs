//! What the map of a site lies on.

use std::path::PathBuf;

/// What the map of a site lies on, and by which files its places are drawn and scored.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MapGround {
    /// A plan of the site, a picture.
    pub picture: Option<PathBuf>,
    /// The plan's lower left and upper right corner as longitude and latitude; without them, places on it are parts of its
    /// width and height from its upper left corner.
    pub corners: Option<[[f64; 2]; 2]>,
    /// A folder of tiles, `ZOOM/X/Y.png`, as maps of the web are cut.
    pub tiles: Option<PathBuf>,
    /// Outlines of places, GeoJSON.
    pub outlines: Option<PathBuf>,
    /// What counts how much for their scores.
    pub weights: Option<PathBuf>,
}

impl MapGround {
    /// Whether places are parts of the plan's width and height, and not longitude and latitude.
    pub fn is_plan(&self) -> bool {
        self.picture.is_some() && self.corners.is_none()
    }
}
