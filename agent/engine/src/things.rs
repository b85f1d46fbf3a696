//! Things in a stream's picture that no model names: what appears and stays, and what falls. Found on small grey planes.

use std::collections::VecDeque;
use std::sync::Arc;

use forewarn_analytics::Exclusions;
use forewarn_analytics::luma::{
    BroughtBy, Fall, LearnedScene, LumaPlane, StaticObject, StaticObjectConfig, StaticObjectDetector,
};
use forewarn_domain::{BBox, Bringer, Exclusion, Origin, Timestamp, Track};

/// Falls that may wait for the next analysed frame; of more the oldest is given up. Only hail or a frame
/// that is long in coming brings so many.
const MOST_FALLEN: usize = 64;

/// A thing as a track, with how it came to be there.
pub(crate) type Thing = (Track, Option<Origin>);

/// The things of one stream.
#[derive(Debug, Default)]
pub(crate) struct Things {
    still: Option<Still>,
    /// Where nothing counts that stays.
    exclusions: Exclusions,
    /// Falls that the rules have not been told of.
    fallen: VecDeque<Fall>,
}

/// Things that stay. The detector is made for the size of the picture.
#[derive(Debug)]
struct Still {
    config: StaticObjectConfig,
    rows: u32,
    detector: StaticObjectDetector,
    /// The scene that was learned before a restart.
    learned: Option<LearnedScene>,
}

impl Things {
    /// Things of a stream whose rules are about what `still` says, but for those in `exclusions`.
    pub(crate) fn new(still: Option<StaticObjectConfig>, exclusions: Arc<[Exclusion]>) -> Self {
        let still = still.map(|config| Still {
            rows: 0,
            detector: StaticObjectDetector::new(config.clone()),
            config,
            learned: None,
        });
        Self { still, exclusions: Exclusions::new(exclusions), fallen: VecDeque::new() }
    }

    /// Seeks what `still` says from now on; begins anew where that is another manner.
    pub(crate) fn adopt(&mut self, still: Option<StaticObjectConfig>, exclusions: Arc<[Exclusion]>) {
        let Self { still, exclusions, .. } = Self::new(still, exclusions);
        self.exclusions = exclusions;
        if self.still.as_ref().map(|known| &known.config) != still.as_ref().map(|known| &known.config) {
            self.still = still;
        }
    }

    /// Which samples of a plane lie where no movement counts; nothing if there is no such place.
    pub(crate) fn passed_over(&mut self, plane: &LumaPlane) -> &[bool] {
        self.exclusions.passed_over(plane)
    }

    /// Something fell; the rules are told with the next frame. Returns how many older falls were given up for it.
    pub(crate) fn fell(&mut self, fall: Fall) -> usize {
        self.fallen.push_back(fall);
        let n_over = self.fallen.len().saturating_sub(MOST_FALLEN);
        self.fallen.drain(..n_over).count()
    }

    /// Takes in the small grey plane of a frame with its tracks; returns the things that are in it. A fall is told once.
    pub(crate) fn observe(&mut self, at: Timestamp, plane: &LumaPlane, tracks: &[Track]) -> Vec<Thing> {
        let still = self.still.as_mut().map(|still| still.observe(at, plane, tracks)).unwrap_or_default();
        let mut things: Vec<Thing> =
            still.iter().map(|object| (object.to_track(at), object.brought_by.as_ref().map(brought))).collect();
        things.retain(|(thing, _)| !self.exclusions.hold(&thing.class, &thing.bbox, plane.frame_px()));
        things.append(&mut self.take_fallen());
        things
    }

    /// The falls that the rules have not been told of.
    pub(crate) fn take_fallen(&mut self) -> Vec<Thing> {
        self.fallen.drain(..).map(|fall| (fall.to_track(), Some(fell(&fall)))).collect()
    }

    /// The empty scene as it was learned; none where no rule needs it or none was seen.
    pub(crate) fn scene(&self, at: Timestamp) -> Option<LearnedScene> {
        self.still.as_ref().filter(|still| still.rows > 0).map(|still| still.detector.save(at))
    }

    /// Goes on with a scene that was learned before.
    pub(crate) fn recall(&mut self, scene: LearnedScene) {
        if let Some(still) = &mut self.still {
            still.learned = Some(scene);
        }
    }
}

impl Still {
    fn observe(&mut self, at: Timestamp, plane: &LumaPlane, tracks: &[Track]) -> &[StaticObject] {
        let rows = plane.frame_px().1;
        if self.rows != rows {
            self.rows = rows;
            let config = self.config.for_rows(rows);
            // A scene that cannot be used was told when it was read, and is learned anew.
            let learned =
                self.learned.take().and_then(|scene| StaticObjectDetector::restore(config.clone(), &scene).ok());
            self.detector = learned.unwrap_or_else(|| StaticObjectDetector::new(config));
        }
        self.detector.observe(at, plane, tracks)
    }
}

fn brought(by: &BroughtBy) -> Origin {
    let BroughtBy { track, class, bbox, at, left_at } = by.clone();
    Origin::Brought(Bringer { track, class, bbox, at, left_at })
}

fn fell(fall: &Fall) -> Origin {
    let half = (fall.size_px * 0.5).max(2.0);
    let start = &fall.start;
    let bbox = BBox::new(start.x - half, start.y - half, start.x + half, start.y + half);
    Origin::Fell { bbox, at: fall.started_at, floor: fall.floor.map(|floor| floor.likeliest) }
}

#[cfg(test)]
mod tests {
    use forewarn_domain::Point;

    use super::*;

    #[test]
    fn falls_that_wait_too_long_give_way_to_newer_ones() {
        let fall = |id| Fall {
            id,
            start: Point::new(300.0, 100.0),
            end: Point::new(310.0, 400.0),
            release: Point::new(300.0, 90.0),
            started_at: Timestamp::from_micros(id as i64),
            ended_at: Timestamp::from_secs_f64(1.0),
            acceleration_px_s2: 300.0,
            path: vec![],
            size_px: 9.0,
            confidence: 0.8,
            floor: None,
        };
        let mut things = Things::default();
        assert_eq!((0..70).map(|id| things.fell(fall(id))).sum::<usize>(), 6);
        let told = things.observe(Timestamp::from_secs_f64(2.0), &LumaPlane::empty(), &[]);
        let started = told.iter().map(|(_, origin)| match origin {
            Some(Origin::Fell { at, .. }) => at.as_micros(),
            other => panic!("{other:?}"),
        });
        assert_eq!(started.collect::<Vec<_>>(), (6..70).collect::<Vec<_>>());
        assert!(things.observe(Timestamp::from_secs_f64(3.0), &LumaPlane::empty(), &[]).is_empty(), "told once");
    }
}
