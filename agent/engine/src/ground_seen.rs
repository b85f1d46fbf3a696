//! What a flight saw of the ground, so that a height or a place that is not that of the flight is told: rules fire nowhere then,
//! and nothing else says why.

use std::fmt;

use forewarn_domain::zone::ZoneShape;
use forewarn_domain::{BBox, Timestamp, ZoneId};
use forewarn_ground::{Ground, GroundZone, Shot, Terrain as _};

/// A flight that goes on is judged when it has been seen for so long.
const LEAST_US: i64 = 10_000_000;
/// So far below the ground no height is off that is read while the drone stands on it.
const GRAVE_BELOW_M: f64 = 10.0;
/// No flight towards a zone begins farther from it.
const GRAVE_AWAY_M: f64 = 10_000.0;

/// What is hardly meant.
#[derive(Debug, Clone, PartialEq)]
pub enum GroundDoubt {
    /// The camera was below the ground in every frame.
    Below {
        /// How many they are.
        frames: u64,
        /// By how much at least, in metres.
        least_m: f64,
    },
    /// A zone was in view in none.
    Unseen {
        /// Its name.
        zone: ZoneId,
        /// How near the camera came to it, in metres over ground.
        nearest_m: f64,
    },
}

impl GroundDoubt {
    /// In words that stay the same while a flight goes on, so that they are told once.
    pub(crate) fn without_count(&self) -> String {
        match self {
            Self::Below { .. } => {
                "the camera is told below the ground, so that nothing in its picture has a place; see \
                                   `ground_m`, `terrain` and `height` of `[camera.telemetry]`"
                    .to_owned()
            }
            Self::Unseen { zone, nearest_m } => format!(
                "zone `{zone}` is more than {:.0} km away, so see whether its corners are those of this place",
                (nearest_m / 10_000.0).floor() * 10.0
            ),
        }
    }
}

impl fmt::Display for GroundDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Below { frames, least_m } => write!(
                f,
                "nothing had a place on the ground in any of {frames} frames, as the camera is told {least_m:.1} m or more below \
                 it; see `ground_m`, `terrain` and `height` of `[camera.telemetry]`"
            ),
            Self::Unseen { zone, nearest_m } if *nearest_m < 1_000.0 => {
                write!(f, "zone `{zone}` was never in view; the camera came as near as {nearest_m:.0} m")
            }
            Self::Unseen { zone, nearest_m } => write!(
                f,
                "zone `{zone}` was never in view; the camera came no nearer than {:.1} km, so see whether its corners are those \
                 of this place",
                nearest_m / 1_000.0
            ),
        }
    }
}

/// What frames saw of the ground.
#[derive(Debug, Clone, Default)]
pub(crate) struct GroundSeen {
    span: Option<(Timestamp, Timestamp)>,
    frames: u64,
    /// By how much the camera was below the ground at least; none once it was above.
    below_m: Option<f64>,
    /// Of each ground zone how near the camera came; none once it was in view.
    nearest_m: Vec<Option<f64>>,
}

impl GroundSeen {
    /// A frame was taken from here.
    pub(crate) fn frame(&mut self, at: Timestamp, shot: &Shot, ground: &Ground) {
        let is_first = self.frames == 0;
        self.frames += 1;
        self.span = Some((self.span.map_or(at, |(first, _)| first), at));
        let place = &shot.pose.position;
        let below_m = ground.height_m(place.lat_deg, place.lon_deg).map(|height| height - place.height_m);
        let below_m = below_m.filter(|below| *below > 0.0);
        self.below_m = if is_first { below_m } else { self.below_m.zip(below_m).map(|(before, now)| before.min(now)) };
    }

    /// The ground zone at a place of the list lies so in the latest frame.
    pub(crate) fn zone(&mut self, at: usize, shape: &ZoneShape, shot: &Shot, zone: &GroundZone) {
        if self.nearest_m.len() <= at {
            self.nearest_m.resize(at + 1, Some(f64::INFINITY));
        }
        let Some(nearest_m) = self.nearest_m.get_mut(at).filter(|nearest| nearest.is_some()) else { return };
        let picture = BBox::new(0.0, 0.0, shot.size.0 as f32, shot.size.1 as f32);
        let is_seen = matches!(shape, ZoneShape::Polygon(polygon) if polygon.overlap(&picture) > 0.0);
        let place = &shot.pose.position;
        let away_m = || zone.away_m(place.lat_deg, place.lon_deg);
        *nearest_m = if is_seen { None } else { nearest_m.map(|nearest| nearest.min(away_m())) };
    }

    /// What is hardly meant, of zones by their places in the list; `is_grave`: what no flight that goes on makes right.
    pub(crate) fn doubts<'a>(
        &'a self,
        is_grave: bool,
        name: impl Fn(usize) -> Option<ZoneId> + 'a,
    ) -> impl Iterator<Item = GroundDoubt> + 'a {
        let is_long = self.span.is_some_and(|(first, last)| last.micros_since(first) >= LEAST_US);
        let (below_m, away_m) = if is_grave { (GRAVE_BELOW_M, GRAVE_AWAY_M) } else { (0.0, 0.0) };
        let is_told = is_long || !is_grave;
        let frames = self.frames;
        let below = self.below_m.filter(|least| is_told && *least > below_m);
        let unseen = self.nearest_m.iter().enumerate().filter(move |_| is_told && below.is_none());
        let unseen = unseen.filter_map(move |(at, nearest)| {
            let nearest_m = nearest.filter(|nearest| nearest.is_finite() && *nearest >= away_m)?;
            Some(GroundDoubt::Unseen { zone: name(at)?, nearest_m })
        });
        below.map(|least_m| GroundDoubt::Below { frames, least_m }).into_iter().chain(unseen)
    }
}
