//! A stream whose camera flies: where it was in each frame, where its ground zones lie in the picture, where on earth its
//! subjects are.

use std::sync::Arc;

use forewarn_analytics::StillZones;
use forewarn_domain::zone::ZoneShape;
use forewarn_domain::{BBox, Fix, Gcj02, Motion, Timestamp};
use forewarn_ground::{
    Flight, Ground, GroundZone, Lens, Limits, NoFix, Sample, Shot, Uncertainty, gcj02, locate, motion,
};

use crate::ground_seen::{GroundDoubt, GroundSeen};

/// Samples of a live flight that are kept: a minute of a quick autopilot.
const MOST_SAMPLES: usize = 4_096;

/// What the lens is known by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LensKind {
    /// By a calibration.
    Calibrated(Lens),
    /// By the degrees that it sees across.
    View(f64),
}

/// What is known of a camera that flies.
#[derive(Debug, Clone)]
pub struct GroundSetup {
    /// The telemetry that is there from the start: all of a recorded flight, nothing of a live one.
    pub flight: Arc<Flight>,
    /// The lens at zoom 1.
    pub lens: LensKind,
    /// The height of the ground, in the reckoning of the camera's.
    pub ground: Ground,
    /// Areas on the ground, each with its place among the stream's zones.
    pub zones: Vec<(usize, GroundZone)>,
    /// How well all this is known.
    pub uncertainty: Uncertainty,
    /// How far away places are told.
    pub limits: Limits,
    /// How far telemetry may lie from the frame in time, in microseconds.
    pub max_age_us: i64,
    /// Whether places are also told in GCJ-02.
    pub has_gcj02: bool,
}

/// A camera over the ground, as it took its stream's latest frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Above {
    /// When.
    pub at: Timestamp,
    /// Where it was and looked.
    pub shot: Shot,
    /// The ground below it.
    pub ground: Ground,
    /// How far away places are told.
    pub limits: Limits,
}

/// The camera of one stream over the ground.
pub(crate) struct GroundWatch {
    setup: GroundSetup,
    flight: Flight,
    shot: Option<Shot>,
    /// When the latest frame was taken.
    at: Timestamp,
    shapes: Vec<ZoneShape>,
    seen: GroundSeen,
}

impl GroundWatch {
    pub(crate) fn new(setup: GroundSetup) -> Self {
        Self {
            flight: (*setup.flight).clone(),
            setup,
            shot: None,
            at: Timestamp::ZERO,
            shapes: Vec::new(),
            seen: GroundSeen::default(),
        }
    }

    /// Goes on with other zones and settings; what was heard of a live flight stays.
    pub(crate) fn adopt(&mut self, setup: GroundSetup) {
        if !setup.flight.is_empty() {
            self.flight = (*setup.flight).clone();
        }
        self.setup = setup;
        self.seen = GroundSeen::default();
    }

    pub(crate) fn hear(&mut self, sample: Sample) {
        self.flight.push(sample, MOST_SAMPLES);
    }

    /// Finds where the camera is in the frame of `at`, and how the ground has moved since the frame before.
    pub(crate) fn look(&mut self, at: Timestamp, size: (u32, u32)) -> Option<Motion> {
        let now = self.shot_at(at, size).ok();
        self.at = at;
        let before = std::mem::replace(&mut self.shot, now);
        if let Some(shot) = &self.shot {
            self.seen.frame(at, shot, &self.setup.ground);
        }
        let motion = motion::between(&before?, self.shot.as_ref()?, &self.setup.ground)?;
        motion.is_sane(size).then_some(motion)
    }

    fn shot_at(&self, at: Timestamp, size: (u32, u32)) -> Result<Shot, NoFix> {
        let pose = self.flight.at(at, self.setup.max_age_us, &self.setup.uncertainty)?;
        let lens = match self.setup.lens {
            LensKind::Calibrated(lens) => lens,
            LensKind::View(across_deg) => Lens::of_view(across_deg, size).map_err(|_| NoFix::BeyondLens)?,
        };
        Ok(Shot::new(pose, &lens, size))
    }

    /// The camera in the latest frame; none where telemetry says nothing of it.
    pub(crate) fn above(&self) -> Option<Above> {
        let GroundSetup { ground, limits, .. } = &self.setup;
        Some(Above { at: self.at, shot: self.shot?, ground: ground.clone(), limits: *limits })
    }

    /// Whether rules cannot be judged, because nobody knows where the ground zones lie.
    pub(crate) fn is_blind(&self) -> bool {
        self.shot.is_none() && !self.setup.zones.is_empty()
    }

    /// Where all zones lie in the latest frame.
    pub(crate) fn laid_out<'a>(&'a mut self, still: &'a mut StillZones, size: (u32, u32)) -> &'a [ZoneShape] {
        let still = still.laid_out(size);
        let Some(shot) = self.shot.as_ref().filter(|_| !self.setup.zones.is_empty()) else { return still };
        self.shapes.clear();
        self.shapes.extend_from_slice(still);
        for (n, (index, zone)) in self.setup.zones.iter().enumerate() {
            if let Some(shape) = self.shapes.get_mut(*index) {
                *shape = ZoneShape::Polygon(zone.in_picture(shot, &self.setup.ground));
                self.seen.zone(n, shape, shot, zone);
            }
        }
        &self.shapes
    }

    /// What is hardly meant of what was seen, or of that what no flight that goes on makes right; `names` are those of the zones.
    pub(crate) fn doubts<'a>(
        &'a self,
        is_grave: bool,
        names: &'a StillZones,
    ) -> impl Iterator<Item = GroundDoubt> + 'a {
        self.seen.doubts(is_grave, move |n| names.id(self.setup.zones.get(n)?.0).cloned())
    }

    /// Where on earth somebody stands who is in the latest frame.
    pub(crate) fn fix(&self, bbox: &BBox) -> Option<Fix> {
        let fix = locate(self.shot.as_ref()?, bbox.foot(), &self.setup.ground, &self.setup.limits).ok()?;
        let (lat_deg, lon_deg) = gcj02::from_wgs84((fix.lat_deg, fix.lon_deg));
        Some(Fix { gcj02: self.setup.has_gcj02.then_some(Gcj02 { lat_deg, lon_deg }), ..fix })
    }
}
