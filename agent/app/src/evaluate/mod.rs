//! How well a site's rules find what truth files say happened.
//!
//! [`truth`] reads what happened, [`run`] replays every clip and collects the incidents, [`matching`] pairs the two,
//! [`score`] counts, [`result`] is the document that comes out, [`diff`] compares two of them, and [`table`] shows
//! them to people. Pairing, counting and comparing are pure functions.

pub mod diff;
pub mod folder;
pub mod matching;
pub mod result;
pub mod run;
pub mod score;
pub mod table;
pub mod truth;

#[cfg(test)]
mod tests;
