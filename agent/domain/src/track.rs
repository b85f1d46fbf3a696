//! One subject followed over frames of one stream.

use serde::{Deserialize, Serialize};

use crate::{BBox, Class, Timestamp, TrackId};

/// How well a track is supported by what was seen last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrackState {
    /// Matched in the latest analysed frame.
    Seen,
    /// Not matched in the latest frame; the box is a prediction.
    Lost,
}

/// A track as the rules see it after one frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Track {
    /// Its number, unique in the stream until the agent restarts.
    pub id: TrackId,
    /// What it is.
    pub class: Class,
    /// Confidence of the latest matched detection.
    pub score: f32,
    /// Where it is, in pixels of the full frame.
    #[serde(rename = "box")]
    pub bbox: BBox,
    /// Whether it was matched in the latest frame.
    pub state: TrackState,
    /// When it was first detected.
    pub first_seen: Timestamp,
    /// When it was last matched.
    pub last_seen: Timestamp,
}

/// Who was at a place just before something appeared there, or went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bringer {
    /// The track.
    pub track: TrackId,
    /// Its class.
    pub class: Class,
    /// Where it was when it was nearest, in pixels of the full frame.
    #[serde(rename = "box")]
    pub bbox: BBox,
    /// When that was.
    pub at: Timestamp,
    /// When it had left the place; none while it is still there.
    pub left_at: Option<Timestamp>,
}

/// What the detector of a thing knows of how the thing came to be where it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// It was brought, or taken away.
    Brought(Bringer),
    /// It fell.
    Fell {
        /// Where it was first seen to fall, in pixels of the full frame.
        #[serde(rename = "box")]
        bbox: BBox,
        /// When that was.
        at: Timestamp,
        /// From which floor, 1 for the ground floor, where the site says where the floors are.
        floor: Option<u32>,
    },
}
