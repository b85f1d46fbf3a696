//! One site's decisions: trackers, rules and the incident machine joined, without any I/O.
//!
//! [`Engine`] is fed with detections, outcomes and time, and is drained of outputs. The live loop and the replay share
//! it, so what a replay decides is what the agent would have decided.

use std::collections::BTreeMap;
use std::sync::Arc;

use forewarn_analytics::luma::{CameraMove, CameraShift, Fall, LearnedScene, LumaPlane};
use forewarn_analytics::suppression::{Suppression, Suppressions};
use forewarn_analytics::{
    Appearance, Beside, Rules, RulesMemory, StillZones, SubjectSeed, Tracker, TrackerConfig, View,
};
use forewarn_domain::clock::ClockReading;
use forewarn_domain::{
    AnnounceOutcome, Announcement, AnnouncementId, BBox, CaseCommand, CivilTime, Coverage, Detection, Fix, Frame,
    IncidentId, IncidentRecord, Motion, SensorId, Sight, StreamId, Timestamp, Track,
};
use forewarn_ground::Sample;
use forewarn_incident::{
    CaseRefusal, IncidentInput, IncidentSnapshot, Incidents, Output, Silence, SilenceRefusal, TimeoutReason,
};
use serde::{Deserialize, Serialize};

use crate::ground::{Above, GroundWatch};
use crate::look::Looking;
use crate::payload::{self, Payloads};
use crate::setup::{EngineSetup, StreamSetup};
use crate::things::{Thing, Things};
use crate::{eye, heads};

/// So far, in parts of the picture's width, corners may lie apart by telemetry and by the picture for both to tell one motion.
const AGREE_WITHIN: f32 = 0.01;

/// What falls due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DueReason {
    /// The rules of this stream: somebody is missed for long enough, or a sensor is silent for too long.
    Rules(StreamId),
    /// A step of an incident.
    Incident(TimeoutReason),
}

/// Tracker and rules of one stream.
struct StreamBrain {
    camera: CameraShift,
    tracker: Tracker,
    rules: Rules,
    zones: StillZones,
    /// What no model names.
    things: Things,
    /// Where the camera is, if it flies.
    ground: Option<GroundWatch>,
    /// Whether the latest frame could not be judged for want of telemetry.
    is_blind: bool,
    /// What somebody has looked for just now.
    looking: Option<Looking>,
}

/// What the rules remember over a restart beside open incidents: since when somebody is missed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EngineMemory(BTreeMap<StreamId, RulesMemory>);

/// All decisions of a site.
pub struct Engine {
    streams: BTreeMap<StreamId, StreamBrain>,
    incidents: Incidents,
    suppressions: Suppressions,
    civil: Arc<dyn CivilTime>,
    /// Whether the tracker tells subjects apart by their colours.
    knows_looks: bool,
    payloads: Payloads,
    /// The time of the latest input.
    now: Timestamp,
}

impl StreamBrain {
    fn new(of: StreamSetup, tracker: &TrackerConfig) -> Self {
        Self {
            camera: CameraShift::new(),
            tracker: Tracker::new(tracker.clone()),
            rules: Rules::new(of.rules).with_groups(tracker.groups()),
            zones: StillZones::new(of.zones),
            things: Things::new(of.static_objects, of.exclusions),
            ground: of.ground.map(GroundWatch::new),
            is_blind: false,
            looking: None,
        }
    }

    /// Moves all that is known of places along with a camera that was shaken, or that flies.
    ///
    /// What the picture tells is exact to the pixel, which telemetry is not; where the two differ, as over a slope or a crowd,
    /// telemetry counts.
    fn steady(&mut self, at: Timestamp, size: (u32, u32), plane: &LumaPlane) {
        let subjects: Vec<BBox> = self.tracker.tracks().iter().map(|track| track.bbox).collect();
        let seen = self.camera.observe_but(plane, &subjects, self.things.passed_over(plane));
        let flown = self.ground.as_mut().and_then(|ground| ground.look(at, size));
        match (seen, flown) {
            (Some(seen), Some(flown)) if !seen.is_near(&flown, size, AGREE_WITHIN) => self.go(&flown),
            (Some(CameraMove::Shift(dx, dy)), _) => self.shift(dx, dy),
            (Some(CameraMove::Turn(motion)), _) => self.go(&motion),
            (None, Some(flown)) => self.go(&flown),
            (None, None) => {}
        }
    }

    fn shift(&mut self, dx: f32, dy: f32) {
        if (dx, dy) != (0.0, 0.0) {
            self.tracker.shifted(dx, dy);
            self.every_rules().for_each(|rules| rules.shifted(dx, dy));
        }
    }

    /// The rules that are watched, and those that are looked for.
    fn every_rules(&mut self) -> impl Iterator<Item = &mut Rules> {
        std::iter::once(&mut self.rules).chain(self.looking.as_mut().map(|looking| &mut looking.rules))
    }

    fn go(&mut self, motion: &Motion) {
        self.tracker.moved(motion);
        self.every_rules().for_each(|rules| rules.moved(motion));
    }
}

/// An analysed frame.
#[derive(Debug)]
pub struct Analysed {
    /// The frame.
    pub frame: Frame,
    /// The frame, small and grey.
    pub plane: LumaPlane,
    /// What was found in it.
    pub detections: Vec<Detection>,
    /// The heads that were found beside, which are no subjects of their own.
    pub heads: Vec<Detection>,
    /// In which parts of the picture small subjects were looked for, where that was not all of it.
    pub coverage: Option<Coverage>,
}

impl Analysed {
    /// A frame with what was found in it. Its plane is that of the glance, or is made here where a glance needed none.
    pub fn new(
        frame: Frame,
        plane: Option<LumaPlane>,
        mut detections: Vec<Detection>,
        coverage: Option<Coverage>,
    ) -> Self {
        let heads = heads::taken_out(&mut detections);
        Self { plane: plane.unwrap_or_else(|| eye::plane_of(&frame)), frame, detections, heads, coverage }
    }

    /// A frame that was looked at as a whole, without a glance.
    pub fn whole(frame: Frame, detections: Vec<Detection>) -> Self {
        Self::new(frame, None, detections, None)
    }
}

/// What each detection looks like.
fn looks_of(frame: &Frame, detections: &[Detection]) -> Vec<Option<Appearance>> {
    detections.iter().map(|detection| Appearance::of_colours(frame, &detection.bbox)).collect()
}

impl Engine {
    /// Joins what the site is set up for.
    pub fn new(setup: EngineSetup, civil: Arc<dyn CivilTime>) -> Self {
        let EngineSetup { streams, policies, tracker, payloads } = setup;
        let streams = streams.into_iter().map(|(stream, of)| (stream, StreamBrain::new(of, &tracker))).collect();
        let incidents = Incidents::new(policies, Arc::clone(&civil));
        let (suppressions, knows_looks) = (Suppressions::default(), tracker.appearance);
        Self { streams, incidents, suppressions, civil, knows_looks, payloads, now: Timestamp::ZERO }
    }

    /// Passes over these instances from now on, in place of those of before.
    pub fn suppress(&mut self, list: Vec<Suppression>) {
        self.suppressions.replace(list);
    }

    /// Hits that were passed over because their subject is suppressed.
    pub fn passed_over(&self) -> u64 {
        self.suppressions.passed_over()
    }

    /// Takes in one analysed frame at `now`. Returns the stream's tracks after it.
    ///
    /// Live `now` is the agent's clock, not the frame's own time: a camera whose clock runs ahead must not push the time
    /// of every other stream.
    pub fn analysed(&mut self, analysed: &Analysed, now: Timestamp) -> &[Track] {
        let Analysed { frame, plane, detections, heads, coverage } = analysed;
        self.now = now;
        let Some(brain) = self.streams.get_mut(&frame.meta.stream) else {
            return &[];
        };
        let (at, size) = (frame.meta.captured_at, (frame.width, frame.height));
        brain.steady(at, size, plane);
        let looks = if self.knows_looks { looks_of(frame, detections) } else { Vec::new() };
        let own = heads::own_of(detections, heads);
        let beside = Beside { appearances: &looks, heads: &own, coverage: coverage.as_ref() };
        let tracks = brain.tracker.update_beside(at, size, detections, beside);
        let heads = heads::owners(tracks, heads);
        brain.looking = brain.looking.take().filter(|looking| looking.goes_on(now));
        if let Some(looking) = &mut brain.looking {
            looking.rules.set_heads(heads.clone());
            looking.detected(detections);
        }
        brain.rules.set_heads(heads);
        let things = brain.things.observe(at, plane, tracks);
        if brain.ground.as_ref().is_some_and(GroundWatch::is_blind) {
            // Nobody knows who is in which zone: that is no sign that somebody left it.
            self.incidents.handle_input(IncidentInput::StreamInterrupted { stream: frame.meta.stream.clone() }, now);
            brain.is_blind = true;
        } else {
            if std::mem::take(&mut brain.is_blind) {
                self.incidents.handle_input(IncidentInput::StreamResumed { stream: frame.meta.stream.clone() }, now);
            }
            self.judge(frame, things, now);
        }
        self.streams.get(&frame.meta.stream).map_or(&[], |brain| brain.tracker.tracks())
    }

    /// No more frames of a stream come after `last`, its latest: what fell since is judged before what is there.
    pub fn finish(&mut self, last: &Frame, now: Timestamp) {
        let Some(brain) = self.streams.get_mut(&last.meta.stream).filter(|brain| !brain.is_blind) else { return };
        let things = brain.things.take_fallen();
        if !things.is_empty() {
            self.judge(last, things, now);
        }
    }

    /// Shows the rules of a frame's stream its tracks and things, and the incidents what the rules say.
    fn judge(&mut self, frame: &Frame, things: Vec<Thing>, now: Timestamp) {
        let Some(brain) = self.streams.get_mut(&frame.meta.stream) else { return };
        let (at, size, tracks) = (frame.meta.captured_at, (frame.width, frame.height), brain.tracker.tracks());
        let zones = match &mut brain.ground {
            Some(ground) => ground.laid_out(&mut brain.zones, size),
            None => brain.zones.laid_out(size),
        };
        let view = View { at, size, zones, tracks, civil: &*self.civil };
        brain.rules.set_births(brain.tracker.births());
        let mut all: Vec<Track> = Vec::new();
        let hits = if things.is_empty() {
            brain.rules.evaluate(&view)
        } else {
            let origins = things.iter().filter_map(|(track, origin)| Some((track.id, origin.clone()?)));
            let origins: BTreeMap<_, _> = origins.collect();
            if let Some(looking) = &mut brain.looking {
                looking.rules.set_origins(origins.clone());
            }
            brain.rules.set_origins(origins);
            all = tracks.iter().cloned().chain(things.into_iter().map(|(track, _)| track)).collect();
            brain.rules.evaluate(&View { tracks: &all, ..view })
        };
        if let Some(looking) = &mut brain.looking {
            let tracks = if all.is_empty() { tracks } else { &all };
            looking.see(&View { at, size, zones: &[], tracks, civil: &*self.civil }, brain.ground.as_mut());
        }
        let incidents = &mut self.incidents;
        for mut hit in self.suppressions.filter(hits, frame, |rule, subject| incidents.is_open(rule, subject)) {
            let is_here = matches!(hit.sight, Sight::Violating | Sight::Compliant);
            hit.fix = brain.ground.as_ref().filter(|_| is_here).and_then(|ground| ground.fix(&hit.bbox));
            looks::tell_how_near(brain, &mut hit);
            incidents.handle_input(IncidentInput::Hit(hit), now);
        }
    }

    /// Closer looks at a stream see pictures whose sides are so many times as long as those of its frames.
    pub fn set_zoom(&mut self, stream: &StreamId, zoom: f32) {
        if let Some(brain) = self.streams.get_mut(stream) {
            brain.every_rules().for_each(|rules| rules.set_zoom(zoom));
        }
    }

    /// Whether the latest frame of a stream was not judged, because nobody says where its camera was.
    pub fn is_blind(&self, stream: &StreamId) -> bool {
        self.streams.get(stream).is_some_and(|brain| brain.is_blind)
    }

    /// Whether the camera of a stream flies.
    pub fn flies(&self, stream: &StreamId) -> bool {
        self.streams.get(stream).is_some_and(|brain| brain.ground.is_some())
    }

    /// The camera of a stream in its latest frame, if it flies and telemetry says where.
    pub fn above(&self, stream: &StreamId) -> Option<Above> {
        self.streams.get(stream)?.ground.as_ref()?.above()
    }

    /// Where on earth somebody stands who is in the latest frame of a stream.
    pub fn fix(&self, stream: &StreamId, bbox: &BBox) -> Option<Fix> {
        self.streams.get(stream)?.ground.as_ref()?.fix(bbox)
    }

    /// The telemetry of a stream's camera says this.
    pub fn telemetry(&mut self, stream: &StreamId, sample: Sample) {
        if let Some(ground) = self.streams.get_mut(stream).and_then(|brain| brain.ground.as_mut()) {
            ground.hear(sample);
        }
    }

    /// Something fell in a stream's picture; it counts with the next frame. Returns how many older falls were given up
    /// because too many wait for that frame.
    pub fn fell(&mut self, stream: &StreamId, fall: Fall) -> usize {
        self.streams.get_mut(stream).map_or(0, |brain| brain.things.fell(fall))
    }

    /// The empty scenes that were learned, to be kept for a restart.
    pub fn scenes(&self, at: Timestamp) -> Vec<(StreamId, LearnedScene)> {
        let scene = |(stream, brain): (&StreamId, &StreamBrain)| Some((stream.clone(), brain.things.scene(at)?));
        self.streams.iter().filter_map(scene).collect()
    }

    /// Goes on with the empty scene of a stream, before its first frame.
    pub fn recall_scene(&mut self, stream: &StreamId, scene: LearnedScene) {
        if let Some(brain) = self.streams.get_mut(stream) {
            brain.things.recall(scene);
        }
    }

    /// A sensor of the site measured `value` at `at`.
    pub fn sensor(&mut self, id: &SensorId, value: f64, at: Timestamp, now: Timestamp) {
        for brain in self.streams.values_mut() {
            if let Some(looking) = &mut brain.looking {
                let _ = looking.rules.sensor(id, value, at, &*self.civil);
            }
            for hit in brain.rules.sensor(id, value, at, &*self.civil) {
                self.incidents.handle_input(IncidentInput::Hit(hit), now);
            }
        }
    }

    /// What is to be kept for a restart beside the snapshots of open incidents.
    pub fn memory(&self) -> EngineMemory {
        EngineMemory(self.streams.iter().map(|(stream, brain)| (stream.clone(), brain.rules.memory())).collect())
    }

    /// Goes on with what was kept; streams that the site no longer has are passed over.
    pub fn remember(&mut self, memory: EngineMemory) {
        for (stream, memory) in memory.0 {
            if let Some(brain) = self.streams.get_mut(&stream) {
                brain.rules.remember(memory);
            }
        }
    }

    /// A stream's picture is gone.
    pub fn interrupted(&mut self, stream: &StreamId, now: Timestamp) {
        self.incidents.handle_input(IncidentInput::StreamInterrupted { stream: stream.clone() }, now);
    }

    /// A stream's picture is back.
    pub fn resumed(&mut self, stream: &StreamId, now: Timestamp) {
        self.incidents.handle_input(IncidentInput::StreamResumed { stream: stream.clone() }, now);
    }

    /// A loudspeaker said what became of an announcement.
    pub fn announced(&mut self, id: AnnouncementId, outcome: AnnounceOutcome, now: Timestamp) {
        self.now = now;
        self.incidents.handle_input(IncidentInput::Announced { id, outcome }, now);
    }

    /// Somebody tells a step of a case.
    pub fn case(&mut self, command: &CaseCommand, now: Timestamp) -> Result<(), CaseRefusal> {
        self.incidents.case(command, now)
    }

    /// Somebody wants nothing to be announced in a zone for a while.
    pub fn silence(&mut self, silence: Silence, now: Timestamp) -> Result<(), SilenceRefusal> {
        self.incidents.silence(silence, now)
    }

    /// The clock on the wall reads so against the time line from now on.
    pub fn clock_read(&mut self, reading: ClockReading, now: Timestamp) {
        self.incidents.handle_input(IncidentInput::ClockRead(reading), now);
    }

    /// Time has come to `now`.
    pub fn timeout(&mut self, now: Timestamp) {
        self.now = now;
        for brain in self.streams.values_mut() {
            for hit in brain.rules.timeout(now, &*self.civil) {
                self.incidents.handle_input(IncidentInput::Hit(hit), now);
            }
        }
        self.incidents.handle_timeout(now);
    }

    /// When [`Engine::timeout`] is due next, and for what.
    pub fn poll_timeout(&self) -> Option<(Timestamp, DueReason)> {
        let of_rules = self.streams.iter().filter_map(|(stream, brain)| {
            let at = brain.rules.poll_timeout()?;
            Some((at, DueReason::Rules(stream.clone())))
        });
        let of_incidents = self.incidents.poll_timeout().map(|(at, reason)| (at, DueReason::Incident(reason)));
        of_rules.chain(of_incidents).min_by_key(|(at, _)| *at)
    }

    /// The next thing to carry out. What a loudspeaker that flies could not make the subject hear has failed by then.
    pub fn poll_output(&mut self) -> Option<Output> {
        loop {
            let announcement = match self.incidents.poll_output()? {
                Output::Announce(announcement) => announcement,
                other => return Some(other),
            };
            match self.unheard(&announcement) {
                None => return Some(Output::Announce(payload::shortened(&self.payloads, announcement))),
                Some(outcome) => self.announced(announcement.id, outcome, self.now),
            }
        }
    }

    /// What becomes of an announcement over a loudspeaker that flies, where the subject would not hear it.
    fn unheard(&self, announcement: &Announcement) -> Option<AnnounceOutcome> {
        let payload = *self.payloads.get(&announcement.speaker)?;
        let record = self.incidents.records().find(|record| record.id == announcement.incident)?;
        payload::unheard(payload, self.above(&record.rule.stream).as_ref(), record.subject.fix.as_ref())
    }

    /// Takes up the open incidents from before a restart, with their subjects.
    pub fn restore(&mut self, snapshots: Vec<IncidentSnapshot>, now: Timestamp) {
        for snapshot in snapshots.iter().filter(|snapshot| !snapshot.is_closed()) {
            let record = snapshot.record();
            if let Some(brain) = self.streams.get_mut(&record.rule.stream) {
                // A seed of a rule that the site no longer has comes back unused; its incident ends by itself.
                let _ = brain.rules.restore(vec![SubjectSeed {
                    subject: snapshot.subject(),
                    rule: record.rule.clone(),
                    class: record.subject.class.clone(),
                    bbox: record.subject.bbox,
                    at: now,
                }]);
            }
        }
        self.incidents.restore(snapshots, now);
    }

    /// Takes up the open incidents from before a restart that could not be read when it began; they end as lost.
    pub fn restore_late(&mut self, snapshots: Vec<IncidentSnapshot>, now: Timestamp) {
        self.incidents.restore_late(snapshots, now);
    }

    /// Watches for what `setup` says from now on; what did not change goes on as if nothing had happened, and so do open
    /// incidents, while those of streams that are gone end as lost. Trackers stay as they are in streams that were there
    /// before, and so does what is known of empty scenes, unless things are sought there in another manner.
    pub fn adopt(&mut self, setup: EngineSetup, now: Timestamp) {
        let EngineSetup { streams, policies, tracker, payloads } = setup;
        self.payloads = payloads;
        let incidents = &self.incidents;
        self.streams.retain(|stream, _| streams.contains_key(stream));
        for (stream, of) in streams {
            match self.streams.get_mut(&stream) {
                Some(brain) => {
                    brain.rules.adopt(of.rules, |rule, subject| incidents.is_open(rule, subject));
                    brain.zones = StillZones::new(of.zones);
                    brain.things.adopt(of.static_objects, of.exclusions);
                    match (&mut brain.ground, of.ground) {
                        (Some(ground), Some(setup)) => ground.adopt(setup),
                        (ground, setup) => *ground = setup.map(GroundWatch::new),
                    }
                }
                None => drop(self.streams.insert(stream, StreamBrain::new(of, &tracker))),
            }
        }
        self.incidents.adopt(policies, now);
    }

    /// What is needed to go on with an open incident after a restart.
    pub fn snapshot(&self, id: &IncidentId) -> Option<IncidentSnapshot> {
        self.incidents.snapshot(id)
    }

    /// What is seen of a stream now: its tracks, and its incidents that go on, suspicions among them.
    pub fn scene(&self, stream: &StreamId) -> (&[Track], impl Iterator<Item = &IncidentRecord>) {
        let tracks = self.streams.get(stream).map_or(&[][..], |brain| brain.tracker.tracks());
        let goes_on = move |record: &&IncidentRecord| record.rule.stream == *stream && !record.state.has_ended();
        (tracks, self.incidents.records().filter(goes_on))
    }

    /// Every incident that was confirmed and is not closed.
    pub fn open_incidents(&self) -> Vec<IncidentRecord> {
        self.incidents.open_incidents().cloned().collect()
    }
}

mod looks;
#[cfg(test)]
mod tests;
mod unseen;
