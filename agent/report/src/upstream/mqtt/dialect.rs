//! How reports are said on a broker: on which topics, in which words.

use std::fmt;

use forewarn_wire::{CONTENT_TYPE, Event, EventSource, Presence, Status};

use super::config::ContentMode;
use super::link::Publication;
use super::topic::Topics;
use crate::outbox::QueuedReport;
use crate::upstream::ear::Wish;
use crate::upstream::pattern::{Pattern, event_of};

/// When the picture of an incident goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pictures {
    /// It does not go.
    Never,
    /// With the words of the report, as it was taken.
    Along,
    /// After them, small, as the budget of a thin link allows.
    After,
}

/// What one kind of listener on a broker expects. Pure.
pub trait Dialect: fmt::Debug + Send {
    /// Whether the agent is there; also the last will.
    fn presence(&self, presence: Presence, reason: Option<&str>) -> Publication;

    /// What is said at the begin of each connection beside that.
    fn greeting(&mut self) -> Vec<Publication> {
        Vec::new()
    }

    /// A report, in at most [`MOST_MESSAGES`] messages. It is acknowledged when the broker has the last of them.
    fn report(&mut self, queued: &QueuedReport) -> Vec<Publication>;

    /// The small picture of a report whose words are there.
    fn picture(&self, _queued: &QueuedReport) -> Option<Publication> {
        None
    }

    /// The topics on which the other side asks for something; on none unless the site says so.
    fn ears(&self) -> Vec<String> {
        Vec::new()
    }

    /// What is asked for by a message on one of these.
    fn heard(&self, _topic: &str, _payload: &[u8]) -> Option<Wish> {
        None
    }

    /// What became of something that was asked for, where that has a place.
    fn told(&self, _told: &str) -> Option<Publication> {
        None
    }

    /// How the agent's parts fare, where that has a place.
    fn health(&self, _health: &str) -> Option<Publication> {
        None
    }
}

/// Messages that a report takes, at most.
pub(super) const MOST_MESSAGES: u16 = 6;

/// Events as CloudEvents, and whether the agent is there as a retained status.
#[derive(Debug)]
pub(super) struct CloudEvents {
    topics: Topics,
    source: EventSource,
    evidence: Option<Pattern>,
    mode: ContentMode,
}

impl CloudEvents {
    pub(super) fn new(prefix: &str, source: &EventSource, (evidence, mode): (Option<Pattern>, ContentMode)) -> Self {
        Self { topics: Topics::new(prefix, &source.site), source: source.clone(), evidence, mode }
    }

    /// An event in binary mode: its data is the body, and its attributes are user properties. Source: CloudEvents 1.0, MQTT
    /// protocol binding, section 3.1.
    fn binary(topic: String, event: Event) -> Publication {
        let payload = serde_json::to_string(&event.data).unwrap_or_default();
        let properties = vec![
            ("specversion", event.specversion),
            ("id", event.id),
            ("source", event.source),
            ("type", event.kind),
            ("subject", event.subject),
            ("time", event.time),
            ("dataschema", event.dataschema),
        ];
        Publication { properties, ..Publication::passing(topic, payload) }
    }
}

impl Dialect for CloudEvents {
    fn presence(&self, presence: Presence, reason: Option<&str>) -> Publication {
        Publication::retained(self.topics.status(), Status::json(presence, reason, &self.source))
    }

    fn report(&mut self, queued: &QueuedReport) -> Vec<Publication> {
        let rule = &queued.report.incident.rule;
        let event = event_of(queued, self.evidence.as_ref());
        let (camera, violation) = (rule.stream.as_str(), rule.violation.as_str());
        let topic = match &queued.report.seal {
            Some(_) => self.topics.evidence(camera, violation),
            None if queued.report.is_of_case() => self.topics.cases(camera, violation),
            None => self.topics.incidents(camera, violation),
        };
        if self.mode == ContentMode::Binary {
            return vec![Self::binary(topic, event)];
        }
        // An event of texts and numbers always has a JSON form.
        let payload = serde_json::to_string(&event).unwrap_or_default();
        vec![Publication { content_type: CONTENT_TYPE, ..Publication::passing(topic, payload) }]
    }

    fn health(&self, health: &str) -> Option<Publication> {
        Some(Publication::retained(self.topics.health(), health))
    }
}
