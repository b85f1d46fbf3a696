//! What the agent shows and writes for people and programs.

pub mod timeline;
pub mod tracks;
