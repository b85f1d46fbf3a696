//! What the agent shows and writes for people and programs.

pub mod incidents;
pub mod timeline;
pub mod tracks;

pub use incidents::IncidentLine;
