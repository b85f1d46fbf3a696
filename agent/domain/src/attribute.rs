//! What a closer look at a subject says: what a person wears, what a plate reads.
//!
//! A detector sees that somebody is there; an attribute is seen on a crop by a second model, and only now and then.
//! A [`Look`] asks for one crop, a [`Reading`] is what one crop said, and a [`Finding`](crate::Finding) is what all
//! readings of a subject say together. Whoever cannot tell says so: *cannot tell* is an answer and never counts as *no*.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{AttributeId, BBox, Class, DetectorError, Frame, Timestamp, TrackId};

/// A wish to look closer at one track of a frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// The track.
    pub track: TrackId,
    /// What the detector holds it for.
    pub class: Class,
    /// Where it is, in pixels of the full frame.
    #[serde(rename = "box")]
    pub bbox: BBox,
    /// What is asked.
    pub attribute: AttributeId,
    /// Width and height of the frame in which the box is, where the look is at a larger picture of the same moment; the
    /// reading's box is in it, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<(u32, u32)>,
    /// The subject's head, where the detector finds heads and found it; in pixels of the same frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<SeenHead>,
}

/// A head that the detector itself found on a subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeenHead {
    /// Where it is, in pixels of the full frame.
    #[serde(rename = "box")]
    pub bbox: BBox,
    /// What the detector holds it for.
    pub class: Class,
    /// How sure it is of that, 0 to 1.
    pub score: f32,
    /// Whether another head may as well be the subject's, as that of somebody behind.
    pub is_doubtful: bool,
}

impl Look {
    /// Pixels of the picture that is looked at for each pixel of the frame in which the box is, across and down.
    pub fn zoom(&self, picture: &Frame) -> (f32, f32) {
        let (width, height) = self.of.unwrap_or((picture.width, picture.height));
        (picture.width as f32 / width.max(1) as f32, picture.height as f32 / height.max(1) as f32)
    }
}

/// What a look at an attribute needs of the subject's box, and what is told of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AttributeNeed {
    /// Least height of the box in pixels.
    pub least_height_px: f32,
    /// The part of the box that matters, as parts of its height from the top.
    pub part: (f32, f32),
    /// Whether a box that the edge of the picture cuts off is of no use, because what is looked for may be beyond it.
    pub is_whole: bool,
    /// What kind of text it is; none for what is there or not.
    pub text: Option<TextKind>,
    /// What is needed of a head that the detector found itself, where it shows on heads: this counts in place of the box.
    pub head: Option<HeadNeed>,
}

/// What a look at an attribute needs of the subject's head.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeadNeed {
    /// Least side in pixels.
    pub least_px: f32,
    /// Whether all of it must be in the picture.
    pub is_whole: bool,
}

impl Default for AttributeNeed {
    /// A whole box of 64 pixels, and no text.
    fn default() -> Self {
        Self { least_height_px: 64.0, part: (0.0, 1.0), is_whole: true, text: None, head: None }
    }
}

/// What kind of text an attribute is, for the check of what was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TextKind {
    /// Any text; nothing is checked.
    Any,
    /// A Chinese number plate.
    ChinesePlate,
}

/// Why a look, or all looks together, could not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unclear {
    /// Nobody has looked yet.
    NotLooked,
    /// The crop has too few pixels.
    TooSmall,
    /// The crop is out of focus or smeared by motion.
    Blurred,
    /// The crop is too dark, too bright or without contrast.
    BadLight,
    /// The part that matters lies outside of the picture.
    CutOff,
    /// The part that matters was not found: no face, no ear, no plate.
    PartNotFound,
    /// The subject is turned away.
    TurnedAway,
    /// Something else hides the part that matters.
    Hidden,
    /// The model is between yes and no.
    Undecided,
    /// Good looks contradict each other.
    Contradictory,
    /// There are fewer good looks, or over less time, than the violation asks for.
    TooFewVotes,
    /// The model failed on the crop.
    ModelFailed,
}

impl Unclear {
    /// The word used in files and topics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotLooked => "not_looked",
            Self::TooSmall => "too_small",
            Self::Blurred => "blurred",
            Self::BadLight => "bad_light",
            Self::CutOff => "cut_off",
            Self::PartNotFound => "part_not_found",
            Self::TurnedAway => "turned_away",
            Self::Hidden => "hidden",
            Self::Undecided => "undecided",
            Self::Contradictory => "contradictory",
            Self::TooFewVotes => "too_few_votes",
            Self::ModelFailed => "model_failed",
        }
    }
}

impl fmt::Display for Unclear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What one look said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The calibrated probability, 0 to 1, that the attribute is there (the mask is worn).
    Probability(f32),
    /// The attribute is a text.
    Text {
        /// The text as it was read, never edited.
        text: String,
        /// The least confidence of its characters, 0 to 1. The rules lower it where the text breaks the rules of its
        /// kind.
        confidence: f32,
    },
    /// It cannot be told from this crop.
    CannotTell(Unclear),
}

/// What one look at one track said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// The track that was looked at.
    pub track: TrackId,
    /// What was asked.
    pub attribute: AttributeId,
    /// When the frame was taken.
    pub at: Timestamp,
    /// The part that was looked at (face, head, plate), or the whole subject if no part was found; in pixels of the
    /// full frame.
    #[serde(rename = "box")]
    pub bbox: BBox,
    /// How good the crop was, 0 to 1: its size, sharpness and light. Weighs the vote and chooses the best crop.
    pub quality: f32,
    /// What it said.
    pub answer: Answer,
}

/// Looks closer at tracks. ONNX models on crops, or recorded readings in tests.
pub trait Reader: Send {
    /// The attributes that can be asked for.
    fn attributes(&self) -> &[AttributeId];

    /// What it does otherwise than it was asked to, and why; none where it does as asked.
    fn shortfall(&self) -> Option<String> {
        None
    }

    /// One reading for each look, in their order; each look is at a track of the frame beside it. A model that fails on
    /// one crop answers [`Unclear::ModelFailed`] for it; the error is for what makes further reading pointless.
    fn read(&mut self, looks: &[(&Frame, &Look)]) -> Result<Vec<Reading>, DetectorError>;
}
