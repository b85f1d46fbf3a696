//! What the incident machine asks the evidence keeper for.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{IncidentRecord, Timestamp};

/// The moment that a piece of evidence shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// The violation was confirmed.
    Confirmed,
    /// The subject after a warning was played and the observation ran out.
    AfterWarning,
    /// The outcome: complied, escalated or lost.
    Ended,
}

impl Moment {
    /// The word used in file names.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::AfterWarning => "after_warning",
            Self::Ended => "ended",
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A part of a stream's encoded video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClipSpan {
    /// The clip starts at the last key frame not after this, or at the oldest that is kept.
    pub from: Timestamp,
    /// The clip ends with the last access unit before this.
    pub to: Timestamp,
}

/// Keep a snapshot of this moment, and a clip around it if a span is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvidenceRequest {
    /// The incident as it stands, with its subject's box.
    pub incident: IncidentRecord,
    /// Which moment this is.
    pub moment: Moment,
    /// When it is.
    pub at: Timestamp,
    /// The video to keep.
    pub clip: Option<ClipSpan>,
}
