//! Truth files: what happens in a clip, when and where.
//!
//! ```toml
//! camera = "gate"                 # which camera of the site plays the clips; needed where the site has several
//!
//! [[clip]]
//! file = "parked.mp4"
//! [[clip.truth]]
//! violation = "illegal_parking"
//! zone = "kerb"
//! from_s = 12.0
//! to_s = 58.5
//! box = [310, 200, 420, 280]
//!
//! [[clip]]
//! file = "empty-street.mp4"
//! nothing = true
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::PathBuf;

use forewarn_domain::{BBox, StreamId, ViolationId, ZoneId};

/// How far an alarm may come after the end of what happened, or before its beginning, in seconds.
pub const TOLERANCE_S: f64 = 5.0;
/// One clip with all that happens in it.
#[derive(Debug, Clone)]
pub struct ClipTruth {
    /// The clip as the truth file names it.
    pub file: PathBuf,
    /// Which camera of the site plays it.
    pub camera: StreamId,
    /// When the clip began.
    pub start: Option<jiff::Timestamp>,
    /// Seconds of the clip that are judged; all if none.
    pub duration_s: Option<f64>,
    /// How far an alarm may be off in time, in seconds.
    pub tolerance_s: f64,
    /// The only violations that are judged; all if none.
    pub judged: Option<Vec<ViolationId>>,
    /// What happens.
    pub truths: Vec<Truth>,
    /// Where alarms count for nothing.
    pub ignored: Vec<Ignored>,
    /// Where the clip stands in the truth file, for messages.
    pub place: Range<usize>,
}

/// One thing that happens.
#[derive(Debug, Clone, PartialEq)]
pub struct Truth {
    /// What.
    pub violation: ViolationId,
    /// Where; anywhere if none.
    pub zone: Option<ZoneId>,
    /// From this second of the clip.
    pub from_s: f64,
    /// To this second of the clip.
    pub to_s: f64,
    /// Where in the picture, in pixels; anywhere if none.
    pub bbox: Option<BBox>,
}

/// A span in which nothing is held against the rules, as where even people disagree.
#[derive(Debug, Clone, PartialEq)]
pub struct Ignored {
    /// Of this violation; of any if none.
    pub violation: Option<ViolationId>,
    /// In this zone; in any if none.
    pub zone: Option<ZoneId>,
    /// From this second of the clip.
    pub from_s: f64,
    /// To this second of the clip.
    pub to_s: f64,
}

impl ClipTruth {
    /// Whether alarms of `violation` are judged.
    pub fn judges(&self, violation: &ViolationId) -> bool {
        self.judged.as_ref().is_none_or(|judged| judged.contains(violation))
    }
}

/// What truth files may name: the violations that exist, and the cameras of the site with their zones.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The violations.
    pub violations: BTreeSet<ViolationId>,
    /// The cameras with their zones.
    pub cameras: BTreeMap<StreamId, BTreeSet<ZoneId>>,
}
