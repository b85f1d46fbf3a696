//! What the rules say of one subject after one analysed frame.

use serde::{Deserialize, Serialize};

use crate::{BBox, Class, Finding, Fix, StreamId, SubjectId, Timestamp, TrackId, ViolationId, ZoneId};

/// One violation watched for in one zone of one stream.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RuleKey {
    /// The stream.
    pub stream: StreamId,
    /// The violation.
    pub violation: ViolationId,
    /// The zone.
    pub zone: ZoneId,
}

/// What was seen of a subject in one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sight {
    /// The violation's condition holds.
    Violating,
    /// The subject is seen and the condition does not hold.
    Compliant,
    /// The subject is not seen though its place is in clear view.
    Absent,
    /// There is no view that tells: the subject's place is hidden behind another track, or the subject is seen and
    /// closer looks cannot tell whether the condition holds.
    Occluded,
    /// There is nothing to be told any more: what happened was a moment's matter, or the rule's hours ended.
    Over,
}

/// What the rules say of one subject after one analysed frame.
///
/// A subject is reported in each frame from the first in which its condition held until it has been forgotten.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleHit {
    /// The rule.
    pub rule: RuleKey,
    /// Whom it concerns; stays the same when the track's id changes.
    pub subject: SubjectId,
    /// What was seen.
    pub sight: Sight,
    /// The subject's class.
    pub class: Class,
    /// The subject's present track; none for a crowd and while the subject is not seen.
    pub track: Option<TrackId>,
    /// How many tracks take part; 1 for a single subject.
    pub count: u32,
    /// Where the subject is, or was last seen.
    #[serde(rename = "box")]
    pub bbox: BBox,
    /// The frame's time.
    pub at: Timestamp,
    /// What closer looks told of the subject; empty where the rule asks for none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// Where on earth the subject is, where the camera's telemetry tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
}
