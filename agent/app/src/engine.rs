//! One site's decisions: trackers, rules and the incident machine joined, without any I/O.
//!
//! [`Engine`] is fed with detections, outcomes and time, and is drained of outputs. The live loop and the replay share
//! it, so what a replay decides is what the agent would have decided.

use std::collections::BTreeMap;
use std::sync::Arc;

use forewarn_analytics::suppression::{Suppression, Suppressions};
use forewarn_analytics::{ReadingCounts, Rules, SubjectSeed, Tracker};
use forewarn_domain::{
    AnnounceOutcome, AnnouncementId, CivilTime, Coverage, Detection, Frame, IncidentId, IncidentRecord, Look, Reading,
    StreamId, Timestamp, Track,
};
use forewarn_incident::{IncidentInput, IncidentSnapshot, Incidents, Output, RulePolicy};

use crate::config::Site;

/// Tracker and rules of one stream.
struct StreamBrain {
    tracker: Tracker,
    rules: Rules,
}

/// All decisions of a site.
pub struct Engine {
    streams: BTreeMap<StreamId, StreamBrain>,
    incidents: Incidents,
    suppressions: Suppressions,
    civil: Arc<dyn CivilTime>,
}

impl Engine {
    /// Joins what the site names.
    pub fn new(site: &Site, civil: Arc<dyn CivilTime>) -> Self {
        let mut policies = BTreeMap::new();
        let mut streams = BTreeMap::new();
        for camera in &site.cameras {
            for rule in &camera.rules {
                policies.insert(
                    rule.key.clone(),
                    RulePolicy {
                        violation: rule.violation.clone(),
                        speakers: camera.speakers.clone(),
                        language: site.language,
                        quiet_hours: site.quiet_hours.clone(),
                    },
                );
            }
            let brain = StreamBrain {
                tracker: Tracker::new(site.tracker.clone()),
                rules: Rules::new(camera.rules.iter().map(|rule| rule.compiled.clone()).collect())
                    .with_groups(site.tracker.groups()),
            };
            streams.insert(camera.id.clone(), brain);
        }
        let incidents = Incidents::new(policies, Arc::clone(&civil));
        Self { streams, incidents, suppressions: Suppressions::default(), civil }
    }

    /// Passes over these instances from now on, in place of those of before.
    pub fn suppress(&mut self, list: Vec<Suppression>) {
        self.suppressions.replace(list);
    }

    /// Hits that were passed over because their subject is suppressed.
    pub fn passed_over(&self) -> u64 {
        self.suppressions.passed_over()
    }

    /// Takes the detections of one analysed frame at `now`. Returns the stream's tracks after it.
    ///
    /// Live `now` is the wall clock, not the frame's own time: a camera whose clock runs ahead must not push the time
    /// of every other stream.
    ///
    /// Where small subjects were looked for in parts of the picture only, `coverage` says in which.
    pub fn analysed(
        &mut self,
        frame: &Frame,
        detections: &[Detection],
        coverage: Option<&Coverage>,
        now: Timestamp,
    ) -> &[Track] {
        let Some(brain) = self.streams.get_mut(&frame.meta.stream) else {
            return &[];
        };
        let (at, size) = (frame.meta.captured_at, (frame.width, frame.height));
        let tracks = brain.tracker.update_in_part(at, size, detections, coverage);
        let hits = brain.rules.evaluate(at, size, tracks, &*self.civil);
        let incidents = &mut self.incidents;
        for hit in self.suppressions.filter(hits, frame, |rule, subject| incidents.is_open(rule, subject)) {
            incidents.handle_input(IncidentInput::Hit(hit), now);
        }
        tracks
    }

    /// The looks at tracks of the stream's latest frame that would help its rules, the most urgent first. Each is given
    /// out once; one that is not taken is asked for again after a moment.
    pub fn take_looks(&mut self, stream: &StreamId) -> Vec<Look> {
        self.streams.get_mut(stream).map(|brain| brain.rules.take_looks()).unwrap_or_default()
    }

    /// Takes in what looks at tracks of a stream said. They count from its next frame on.
    pub fn read(&mut self, stream: &StreamId, readings: &[Reading]) {
        if let Some(brain) = self.streams.get_mut(stream) {
            brain.rules.read(readings);
        }
    }

    /// What became of the readings of each stream.
    pub fn reading_counts(&self) -> impl Iterator<Item = (&StreamId, ReadingCounts)> {
        self.streams.iter().map(|(stream, brain)| (stream, brain.rules.reading_counts()))
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
        self.incidents.handle_input(IncidentInput::Announced { id, outcome }, now);
    }

    /// Time has come to `now`.
    pub fn timeout(&mut self, now: Timestamp) {
        self.incidents.handle_timeout(now);
    }

    /// When [`Engine::timeout`] is due next.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        self.incidents.poll_timeout().map(|(at, _reason)| at)
    }

    /// The next thing to carry out.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.incidents.poll_output()
    }

    /// Takes up the open incidents from before a restart, with their subjects.
    pub fn restore(&mut self, snapshots: Vec<IncidentSnapshot>, now: Timestamp) {
        for snapshot in &snapshots {
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

    /// What is needed to go on with an open incident after a restart.
    pub fn snapshot(&self, id: &IncidentId) -> Option<IncidentSnapshot> {
        self.incidents.snapshot(id)
    }

    /// Every incident that was confirmed and is not closed.
    pub fn open_incidents(&self) -> Vec<IncidentRecord> {
        self.incidents.open_incidents().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use forewarn_domain::clock::UnknownCivilTime;
    use forewarn_domain::{Answer, BBox, Class, ColourMatrix, FrameMeta, IncidentState, PixelFormat, Unclear, Verdict};
    use forewarn_incident::Output;

    use super::*;
    use crate::config::resolve::resolve;
    use crate::config::source::Source;

    const SITE: &str = r#"
        [site]
        id = "yard"
        [[camera]]
        id = "gate"
        url = "rtsp://cam/1"
        [[camera.rule]]
        violation = "no_hard_hat"
    "#;

    /// What a scene of one person in front of the camera comes to; `says` answers each look.
    fn outcome(says: impl Fn(f64) -> Answer) -> Vec<IncidentRecord> {
        let site = resolve(&Source::new("site.toml", SITE)).unwrap_or_else(|errors| panic!("{errors}"));
        let mut engine = Engine::new(&site, Arc::new(UnknownCivilTime));
        let stream = StreamId::new("gate").unwrap();
        let mut records: BTreeMap<IncidentId, IncidentRecord> = BTreeMap::new();
        for n in 0..900_u32 {
            let at_s = f64::from(n) / 5.0;
            let at = Timestamp::from_secs_f64(at_s);
            while let Some(due) = engine.poll_timeout().filter(|due| *due < at) {
                engine.timeout(due);
            }
            let bbox = BBox::new(200.0, 100.0, 280.0, 300.0);
            let detection = Detection { class: Class::new("person"), score: 0.9, bbox };
            let meta = FrameMeta { stream: stream.clone(), sequence: u64::from(n), captured_at: at, arrived_at: at };
            let grey = vec![128; 640 * 480 * 3 / 2];
            let frame = Frame::packed(meta, PixelFormat::I420, ColourMatrix::BT601, (640, 480), grey).unwrap();
            engine.analysed(&frame, &[detection], None, at);
            let looks = engine.take_looks(&stream);
            let reading = |look: &Look| Reading {
                track: look.track,
                attribute: look.attribute.clone(),
                at,
                bbox: look.bbox,
                quality: 0.8,
                answer: says(at_s),
            };
            engine.read(&stream, &looks.iter().map(reading).collect::<Vec<_>>());
            while let Some(output) = engine.poll_output() {
                if let Output::Report(report) = output {
                    records.insert(report.incident.id.clone(), report.incident);
                }
            }
        }
        records.into_values().collect()
    }

    #[test]
    fn who_puts_the_hat_on_complies_who_turns_away_is_lost_and_who_is_never_seen_well_is_no_incident() {
        let hat = |at: f64| Answer::Probability(if at < 20.0 { 0.02 } else { 0.98 });
        let complied = outcome(hat);
        let entered = |record: &IncidentRecord, state| record.first_entered(state).map(Timestamp::as_secs_f64);
        assert_eq!(complied.len(), 1);
        assert!(entered(&complied[0], IncidentState::Complied).is_some_and(|at| (22.0..32.0).contains(&at)));
        assert_eq!(complied[0].findings[0].verdict, Verdict::Yes);

        let turned =
            outcome(|at| if at < 20.0 { Answer::Probability(0.02) } else { Answer::CannotTell(Unclear::TurnedAway) });
        assert_eq!((turned.len(), entered(&turned[0], IncidentState::Complied)), (1, None));
        assert!(entered(&turned[0], IncidentState::Lost).is_some());
        assert_eq!(turned[0].findings[0].verdict, Verdict::No, "what was told is not undone");

        assert_eq!(outcome(|_| Answer::CannotTell(Unclear::TooSmall)), Vec::new());
        let (n_looks, even) = (std::cell::Cell::new(0_u32), |n: u32| if n.is_multiple_of(2) { 0.02 } else { 0.98 });
        let torn = |_: f64| Answer::Probability(even(n_looks.replace(n_looks.get() + 1)));
        assert_eq!(outcome(torn), Vec::new());
    }
}
