//! One site's decisions: trackers, rules and the incident machine joined, without any I/O.
//!
//! [`Engine`] is fed with detections, outcomes and time, and is drained of outputs. The live loop and the replay share
//! it, so what a replay decides is what the agent would have decided.

use std::collections::BTreeMap;
use std::sync::Arc;

use forewarn_analytics::{Rules, SubjectSeed, Tracker};
use forewarn_domain::{
    AnnounceOutcome, AnnouncementId, CivilTime, Detection, FrameMeta, IncidentId, IncidentRecord, StreamId, Timestamp,
    Track,
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
        Self { streams, incidents: Incidents::new(policies, Arc::clone(&civil)), civil }
    }

    /// Takes the detections of one analysed frame at `now`. Returns the stream's tracks after it.
    ///
    /// Live `now` is the wall clock, not the frame's own time: a camera whose clock runs ahead must not push the time
    /// of every other stream.
    pub fn analysed(
        &mut self,
        meta: &FrameMeta,
        size: (u32, u32),
        detections: &[Detection],
        now: Timestamp,
    ) -> &[Track] {
        let Some(brain) = self.streams.get_mut(&meta.stream) else {
            return &[];
        };
        let at = meta.captured_at;
        let tracks = brain.tracker.update(at, size, detections);
        for hit in brain.rules.evaluate(at, size, tracks, &*self.civil) {
            self.incidents.handle_input(IncidentInput::Hit(hit), now);
        }
        tracks
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
