//! Cameras that answer on the network, before a site names them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A camera that answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundCamera {
    /// Where it is asked for its streams.
    pub address: String,
    /// What it calls itself; empty where it says nothing.
    pub name: String,
    /// What it is; empty where it says nothing.
    pub model: String,
}

/// A camera that is asked for its streams.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedCamera {
    /// Where it is asked.
    pub address: String,
    /// By which name it lets the agent in; empty for one that asks nobody.
    #[serde(default)]
    pub user: String,
    /// And by which password.
    #[serde(default)]
    pub password: String,
}

impl fmt::Debug for AskedCamera {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AskedCamera").field("address", &self.address).finish_non_exhaustive()
    }
}

/// A stream that a camera offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundStream {
    /// What the camera calls it.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// How it is coded.
    pub coding: String,
    /// Width and height in pixels.
    pub size_px: (u32, u32),
}
