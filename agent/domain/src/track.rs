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
