//! Models that look at a part of a track: which part, and what their answer means.

use serde::Deserialize;

/// Which part of a track is cut out and shown to the model.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Crop {
    /// The part.
    pub of: CropOf,
    /// What is added on each side, as a part of that side's length; 0 to 2.
    #[serde(default)]
    pub margin: f32,
    /// Parts whose shorter side is below this are not shown to the model, in frame pixels.
    pub min_side_px: u32,
    /// Whether the shorter side is widened to the longer one, about the part's centre.
    #[serde(default)]
    pub square: bool,
}

/// A part of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CropOf {
    /// The track's own box.
    Box,
    /// A face, found by a face detector.
    Face,
    /// The head: around the face or the key points of the head, or the top of a person's box.
    Head,
    /// From the shoulders to the hips.
    Torso,
    /// Around each ear.
    Ears,
}

/// How a classifier's probability becomes an answer.
///
/// The probability of *yes* is the sum over the classes that mean yes. At or above `yes_at_least` the answer is yes,
/// at or below `no_at_most` it is no, and between them the model cannot tell.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Answer {
    /// The classes that mean yes.
    pub yes: Vec<String>,
    /// Least calibrated probability of a yes, 0 to 1.
    pub yes_at_least: f32,
    /// Highest calibrated probability of a no, below `yes_at_least`.
    pub no_at_most: f32,
}
