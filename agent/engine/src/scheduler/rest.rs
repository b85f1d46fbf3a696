//! When a stream may rest: how urgent its looks are, and how long one of them may be put off.
//!
//! The scheduler plans by it, and a replay leaves frames out by it, so that both look equally seldom at a still scene.

use std::time::Duration;

use forewarn_domain::Timestamp;

use super::Rank;

/// Motion counts on for so long after it was last seen.
pub const LINGER: Duration = Duration::from_secs(2);

/// Settings of one stream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StreamSettings {
    /// Time between two looks where something moves.
    pub interval: Duration,
    /// Longest time between two looks while somebody is tracked.
    pub idle: Duration,
    /// Longest time between two looks at an empty scene.
    pub empty: Duration,
    /// Whether a still scene is looked at less often.
    pub is_gated: bool,
    /// What is in view for less than this makes no difference to anybody.
    pub brief: Duration,
}

/// What is known of a stream's scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scene {
    /// Tracks, seen and lost.
    pub tracks: usize,
    /// Incidents that are not closed.
    pub open_incidents: usize,
}

/// What says whether a stream may rest.
#[derive(Debug, Clone)]
pub struct StreamRest {
    settings: StreamSettings,
    scene: Scene,
    moved_at: Option<Timestamp>,
    looked_at: Option<Timestamp>,
}

impl StreamRest {
    /// A stream that was never looked at.
    pub fn new(settings: StreamSettings) -> Self {
        Self { settings, scene: Scene::default(), moved_at: None, looked_at: None }
    }

    /// The settings.
    pub fn settings(&self) -> &StreamSettings {
        &self.settings
    }

    /// The scene as it was last told.
    pub fn scene(&self) -> Scene {
        self.scene
    }

    /// The scene is such now.
    pub fn set_scene(&mut self, scene: Scene) {
        self.scene = scene;
    }

    /// Something moves.
    pub fn moved(&mut self, now: Timestamp) {
        self.moved_at = Some(now);
    }

    /// A look begins.
    pub fn looked(&mut self, now: Timestamp) {
        self.looked_at = Some(now);
    }

    /// When the last look began.
    pub fn looked_at(&self) -> Option<Timestamp> {
        self.looked_at
    }

    /// How urgent a look is.
    pub fn rank(&self, now: Timestamp) -> Rank {
        let is_moving = self.moved_at.is_some_and(|at| now.since(at) <= LINGER);
        if self.scene.open_incidents > 0 {
            Rank::Incident
        } else if is_moving || !self.settings.is_gated {
            Rank::Moving
        } else {
            Rank::Still
        }
    }

    /// Longest time between looks that is promised.
    pub fn longest(&self) -> Duration {
        let longest = if self.scene.tracks > 0 { self.settings.idle } else { self.settings.empty };
        longest.max(self.settings.interval)
    }

    /// Whether the next look can wait: the scene is still and the last look is not too long ago.
    pub fn may_rest(&self, now: Timestamp) -> bool {
        self.rank(now) == Rank::Still && self.looked_at.is_some_and(|at| now.since(at) < self.longest())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Timestamp {
        Timestamp::from_secs_f64(seconds)
    }

    fn rest(is_gated: bool) -> StreamRest {
        let seconds = Duration::from_secs;
        let interval = Duration::from_millis(200);
        StreamRest::new(StreamSettings { interval, idle: seconds(1), empty: seconds(4), is_gated, brief: seconds(3) })
    }

    #[test]
    fn a_still_scene_rests_as_long_as_it_may_and_motion_counts_on_for_a_moment() {
        let mut stream = rest(true);
        assert!(!stream.may_rest(at(0.0)), "it was never looked at");
        stream.moved(at(0.0));
        stream.looked(at(0.0));
        assert!(!stream.may_rest(at(2.0)) && stream.may_rest(at(2.1)));
        assert!(stream.may_rest(at(3.9)) && !stream.may_rest(at(4.0)));
        stream.set_scene(Scene { tracks: 1, open_incidents: 0 });
        assert!(!stream.may_rest(at(3.0)), "somebody is tracked");
        stream.looked(at(3.0));
        assert!(stream.may_rest(at(3.9)) && !stream.may_rest(at(4.0)));
    }

    #[test]
    fn neither_a_stream_with_an_open_incident_nor_one_without_a_gate_rests() {
        let mut stream = rest(true);
        stream.looked(at(0.0));
        assert!(stream.may_rest(at(0.1)));
        stream.set_scene(Scene { tracks: 0, open_incidents: 1 });
        assert!(!stream.may_rest(at(0.1)));
        let mut open = rest(false);
        open.looked(at(0.0));
        assert!(!open.may_rest(at(0.1)));
    }
}
