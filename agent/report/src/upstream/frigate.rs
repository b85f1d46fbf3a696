//! The topics of Frigate, for sites that come from it. Described for operators in `docs/recipients/frigate.md`.
//!
//! Source: <https://docs.frigate.video/integrations/mqtt>. What the agent does not know is there with the value that Frigate
//! gives when it does not know it either.

use std::sync::Arc;

use forewarn_base::setting::SettingError;
use forewarn_domain::{IncidentRecord, IncidentState, Timestamp};
use forewarn_wire::{EventSource, Presence};
use serde_json::{Value, json};

use super::Start;
use super::mqtt::listener::{USUAL, listener_table};
use super::mqtt::{Dialect, Pictures, Publication, Speaks};
use super::people::People;
use super::settings::{AdapterSettings, Surroundings, Usual};
use super::small::small;
use super::thin::MOST_PICTURE_BYTES;
use crate::outbox::QueuedReport;

listener_table! {
    /// Programs that read the topics of Frigate on a broker.
    pub struct FrigateConfig {}
}

impl AdapterSettings for FrigateConfig {
    fn usual(&self) -> Usual {
        USUAL
    }

    fn resolve_in(&self, around: Surroundings<'_>) -> Result<Arc<dyn Start>, SettingError> {
        let (people, listener) = (Arc::clone(around.people), self.listener());
        let pictures = listener.when_pictures();
        listener.open(around, "frigate", |prefix| Topics { prefix, people, pictures })
    }
}

/// Makes the dialect.
#[derive(Debug, Clone)]
pub struct Topics {
    prefix: String,
    people: Arc<People>,
    pictures: Pictures,
}

impl Speaks for Topics {
    fn dialect(&self, _: &EventSource) -> Box<dyn Dialect> {
        Box::new(Frigate(self.clone()))
    }
}

/// Says reports as events and reviews.
#[derive(Debug)]
struct Frigate(Topics);

/// An incident after one of its steps.
struct After<'a> {
    incident: &'a IncidentRecord,
    /// The number of the step.
    sequence: usize,
    has_picture: bool,
}

impl After<'_> {
    fn seconds(&self, at: Timestamp) -> f64 {
        self.incident.wall(at).as_secs_f64()
    }

    fn state(&self) -> IncidentState {
        self.incident.history.get(self.sequence).map_or(self.incident.state, |step| step.state)
    }

    fn start(&self) -> f64 {
        self.seconds(self.incident.history.first().map_or(Timestamp::ZERO, |step| step.at))
    }

    fn now(&self) -> f64 {
        self.seconds(self.incident.history.get(self.sequence).map_or(Timestamp::ZERO, |step| step.at))
    }

    fn end(&self) -> Option<f64> {
        (self.state() == IncidentState::Closed).then(|| self.now())
    }

    /// People must act, as Frigate's alerts mean it.
    fn severity(&self) -> &'static str {
        let steps = self.incident.history.get(..=self.sequence).unwrap_or(&self.incident.history);
        let is_alert = steps.iter().any(|step| step.state == IncidentState::Escalated);
        if is_alert { "alert" } else { "detection" }
    }

    fn event(&self) -> Value {
        let (subject, zone) = (&self.incident.subject, self.incident.rule.zone.as_str());
        let pixels =
            [subject.bbox.x0, subject.bbox.y0, subject.bbox.x1, subject.bbox.y1].map(|edge| edge.round() as i64);
        let [x1, y1, x2, y2] = pixels;
        let (width, height) = ((x2 - x1).max(0), (y2 - y1).max(0));
        let ratio = if height > 0 { width as f64 / height as f64 } else { 0.0 };
        let picture = json!({
            "frame_time": self.now(), "box": pixels, "area": width * height, "region": pixels, "score": 1.0,
            "attributes": [],
        });
        let plate = self.incident.findings.iter().find_map(|finding| finding.text.clone());
        let is_over = self.state().has_ended();
        json!({
            "id": self.incident.id,
            "camera": self.incident.rule.stream,
            "frame_time": self.now(),
            "snapshot": if self.has_picture { picture } else { Value::Null },
            "label": subject.class,
            // A pair of name and score, as Frigate tells whatever was recognised.
            "sub_label": [self.incident.rule.violation, 1.0],
            "top_score": 1.0,
            "false_positive": false,
            "start_time": self.start(),
            "end_time": self.end(),
            "score": 1.0,
            "box": pixels,
            "area": width * height,
            "ratio": ratio,
            "region": pixels,
            "active": !is_over,
            "stationary": false,
            "motionless_count": 0,
            "position_changes": 0,
            "current_zones": if is_over { vec![] } else { vec![zone] },
            "entered_zones": [zone],
            "has_clip": false,
            "has_snapshot": self.has_picture,
            "attributes": {},
            "current_attributes": [],
            "pending_loitering": false,
            "max_severity": self.severity(),
            "current_estimated_speed": 0,
            "average_estimated_speed": 0,
            "velocity_angle": 0,
            "path_data": [],
            "recognized_license_plate": plate,
        })
    }

    fn review(&self) -> Value {
        let plates: Vec<&str> = self.incident.findings.iter().filter_map(|finding| finding.text.as_deref()).collect();
        json!({
            "id": self.incident.id,
            "camera": self.incident.rule.stream,
            "start_time": self.start(),
            "end_time": self.end(),
            "severity": self.severity(),
            "thumb_path": "",
            "data": {
                "detections": [self.incident.id],
                "objects": [self.incident.subject.class],
                "sub_labels": plates,
                "zones": [self.incident.rule.zone],
                "audio": [],
            },
        })
    }
}

impl Dialect for Frigate {
    fn presence(&self, presence: Presence, _: Option<&str>) -> Publication {
        let word = if presence == Presence::Online { "online" } else { "offline" };
        Publication::text(format!("{}/available", self.0.prefix), word)
    }

    fn report(&mut self, queued: &QueuedReport) -> Vec<Publication> {
        let incident = &queued.report.incident;
        let are_wanted = self.0.pictures != Pictures::Never;
        let picture = are_wanted.then(|| self.0.people.picture(&queued.report)).flatten();
        let (sequence, has_picture) = (queued.report.sequence as usize, picture.is_some());
        let at = |sequence| After { incident, sequence, has_picture };
        // The first step that is reported is the second of the history.
        let (before, after) = (at(sequence.saturating_sub(1).max(1).min(sequence)), at(sequence));
        let kind = match after.state() {
            IncidentState::Closed => "end",
            _ if sequence <= 1 => "new",
            _ => "update",
        };
        let told = |before: Value, after: Value| json!({ "type": kind, "before": before, "after": after }).to_string();
        let prefix = &self.0.prefix;
        let mut messages = Vec::new();
        if let Some(picture) = picture.filter(|_| self.0.pictures == Pictures::Along) {
            messages.push(Publication::picture(self.snapshot_topic(incident), picture.bytes));
        }
        messages.push(Publication::passing(format!("{prefix}/events"), told(before.event(), after.event())));
        messages.push(Publication::passing(format!("{prefix}/reviews"), told(before.review(), after.review())));
        messages
    }

    fn picture(&self, queued: &QueuedReport) -> Option<Publication> {
        let picture = self.0.people.picture(&queued.report)?;
        let topic = self.snapshot_topic(&queued.report.incident);
        Some(Publication::picture(topic, small(&picture.bytes, MOST_PICTURE_BYTES)?))
    }
}

impl Frigate {
    fn snapshot_topic(&self, incident: &IncidentRecord) -> String {
        format!("{}/{}/{}/snapshot", self.0.prefix, incident.rule.stream, incident.subject.class)
    }
}

#[cfg(test)]
mod tests {
    use forewarn_wire::samples::{CLOSING, report, source};

    use super::*;

    fn said(sequence: u32) -> Vec<(String, Value)> {
        let topics = Topics { prefix: "frigate".to_owned(), people: Arc::default(), pictures: Pictures::Along };
        let queued = QueuedReport { seq: 1, report: report(1, sequence), source: source() };
        let messages = topics.dialect(&source()).report(&queued);
        messages.into_iter().map(|one| (one.topic, serde_json::from_slice(&one.payload).unwrap())).collect()
    }

    #[test]
    fn an_incident_is_new_goes_on_and_ends_field_for_field() {
        let kinds: Vec<Value> = (1..=CLOSING).map(|sequence| said(sequence)[0].1["type"].clone()).collect();
        assert_eq!(kinds, ["new", "update", "update", "update", "update", "end"]);
        let [(topic, event), (reviews, review)] = <[_; 2]>::try_from(said(5)).unwrap();
        assert_eq!((topic.as_str(), reviews.as_str()), ("frigate/events", "frigate/reviews"));
        for (key, value) in [
            ("id", json!("gate-illegal_parking-1769839447250-1")),
            ("camera", json!("gate")),
            ("label", json!("car")),
            ("sub_label", json!(["illegal_parking", 1.0])),
            ("path_data", json!([])),
            ("start_time", json!(1_769_839_447.25)),
            ("end_time", Value::Null),
            ("box", json!([653, 45, 722, 101])),
            ("current_zones", json!(["fire_lane"])),
            ("entered_zones", json!(["fire_lane"])),
            ("stationary", json!(false)),
            ("has_clip", json!(false)),
            ("has_snapshot", json!(false)),
            ("score", json!(1.0)),
        ] {
            assert_eq!(event["after"][key], value, "{key}");
        }
        assert_eq!(
            (&event["before"]["frame_time"], &event["after"]["frame_time"]),
            (&json!(1_769_839_467.25), &json!(1_769_839_472.25))
        );
        assert_eq!(
            (&review["before"]["severity"], &review["after"]["severity"]),
            (&json!("detection"), &json!("alert"))
        );
        assert_eq!(review["after"]["data"]["objects"], json!(["car"]));
        let (_, ended) = &said(CLOSING)[0];
        assert_eq!(
            (&ended["before"]["end_time"], &ended["after"]["end_time"]),
            (&Value::Null, &json!(1_769_839_477.25))
        );
    }

    #[test]
    fn presence_is_a_word() {
        let topics = Topics { prefix: "frigate".to_owned(), people: Arc::default(), pictures: Pictures::Along };
        let gone = topics.dialect(&source()).presence(Presence::Offline, None);
        assert_eq!(
            (gone.topic.as_str(), gone.payload.as_slice(), gone.is_retained),
            ("frigate/available", &b"offline"[..], true)
        );
    }
}
