//! The civility index: how orderly a grid cell was in a period, as one score of 0 to 100 and one colour.
//!
//! The score of a cell joins three parts, each 0 to 100, by weights that stand in a file ([`Weights`]):
//!
//! - **calm**: how few incidents there were, each weighted by its violation, for each camera and day that was watched;
//!   `100 / (1 + load / half_load)`, so that no number of incidents makes the score negative and each one counts;
//! - **compliance**: of the incidents that ended, the share in which the subject complied, smoothed by Laplace's rule
//!   so that one case does not decide a cell;
//! - **promptness**: how soon incidents were settled, the mean over them of `min(1, target / time to close)`.
//!
//! A wider place is scored from all incidents and cameras below it, not from the mean of its cells, so that a cell with
//! one camera does not count as much as one with fifty. A place without a watched camera has no score at all: nobody
//! looked is not the same as nothing happened.

mod cases;
pub mod geometry;
pub mod map;
pub mod periods;
pub mod render;
mod score;
pub mod stats;
mod weights;

use forewarn_domain::{IncidentState, Place, PlaceLevel, StreamId, Timestamp, ViolationId};
use serde::Serialize;

pub use cases::LineError;
pub use score::compute;
pub use weights::{Colour, Grades, Target, Weights, WeightsError};

/// A camera and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct CameraPlace {
    /// The site that the camera belongs to; a camera's id is unique in its site.
    pub site: StreamId,
    /// The camera.
    pub camera: StreamId,
    /// Where it stands.
    pub place: Place,
}

/// One confirmed incident as the index sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The site.
    pub site: StreamId,
    /// The camera.
    pub camera: StreamId,
    /// What it was.
    pub violation: ViolationId,
    /// When it was confirmed; decides to which period it belongs.
    pub confirmed_at: Timestamp,
    /// What became of it: the last state but `closed`.
    pub outcome: IncidentState,
    /// When the violation ended or was handed over: entry of `complied`, `escalated` or `lost`; none while it is open.
    pub settled_at: Option<Timestamp>,
}

/// A span of time, from `from` up to but not including `to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// What people call it, such as `2026-11-22` or `2026-W47`.
    pub label: String,
    /// Its first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub to: Timestamp,
}

/// The index of all places and periods.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Index {
    /// The scores, ordered by period, level and place.
    pub scores: Vec<Score>,
}

/// The score of one place in one period.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Score {
    /// The period's label.
    pub period: String,
    /// The place's level.
    pub level: PlaceLevel,
    /// The place, up to that level.
    pub place: Place,
    /// 0 to 100; none if no camera watched.
    pub score: Option<f64>,
    /// The colour of the score.
    pub colour: Colour,
    /// The parts of the score, 0 to 100 each; none if no camera watched.
    pub parts: Option<Parts>,
    /// Cameras in the place.
    pub cameras: u32,
    /// Confirmed incidents.
    pub incidents: u32,
    /// Of these, the ones in which the subject complied.
    pub complied: u32,
    /// Of these, the ones that were escalated.
    pub escalated: u32,
    /// Of these, the ones that are not settled yet.
    pub open: u32,
    /// Median time from confirmation to settlement, in seconds; none without a settled incident.
    pub median_close_s: Option<f64>,
    /// Incidents by violation.
    pub by_violation: std::collections::BTreeMap<ViolationId, u32>,
}

/// The parts of a score, 0 to 100 each.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Parts {
    /// Few incidents.
    pub calm: f64,
    /// Subjects comply.
    pub compliance: f64,
    /// Incidents are settled soon.
    pub promptness: f64,
}
