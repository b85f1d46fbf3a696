//! How well incidents agree with what truth files say happened.
//!
//! [`truth`] is what happened, [`reading`] checks it as it was written, [`alarms`] is what was found, [`matching`]
//! pairs the two, `score` counts, [`result`] is the document that comes out, [`diff`] compares two of them, and
//! [`table`] lays them out for people. Pure: files are read and clips are played by the caller.

pub mod alarms;
pub mod diff;
pub mod matching;
pub mod reading;
pub mod result;
mod score;
pub mod table;
#[cfg(test)]
mod tests;
pub mod truth;
