//! The site file: read raw, checked, resolved.

mod area;
pub mod card;
pub mod civil_time;
pub mod doubts;
pub mod inference;
mod luma;
pub mod raw;
pub mod resolve;
pub mod schema;
pub mod site;
pub mod source;
#[cfg(test)]
mod tests;
pub mod violations;

pub use raw::RawSite;
pub use resolve::load;
pub use site::{Camera, FallWatch, Shadow, Site};
pub use source::{ConfigError, ConfigErrors};

/// An annotated site file to start from.
pub const EXAMPLE: &str = include_str!("example.toml");
