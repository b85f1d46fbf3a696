//! A rehearsal: the footage of a camera is played through the site as it is, or as somebody means to change it, and what that
//! would have raised is told, before anything is saved.
//!
//! - [`Rehearsal`]: which site, and which files of footage.
//! - [`Watcher`]: writes down what is raised, with a picture, and how far the rehearsal has come, as
//!   [lines](forewarn_wire::RehearsalLine).
//! - [`Sights`]: writes down what is seen in each picture of a clip, for whoever compares two decisions about it.
//!
//! The replay itself is the caller's: the same by which every clip is replayed.

mod error;
mod prepare;
mod sights;
mod watcher;

pub use error::RehearsalError;
pub use prepare::Rehearsal;
pub use sights::Sights;
pub use watcher::{PictureOf, Watcher};
