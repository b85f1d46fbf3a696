//! Cameras on the network that speak ONVIF: who is there, by WS-Discovery, and which streams one of them offers.

mod error;
mod offer;
mod probe;

pub use error::DiscoveryError;
pub use offer::streams;
pub use probe::{GROUP, find};
