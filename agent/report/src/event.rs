//! The message upstream: a CloudEvents 1.0 event in structured JSON.
//!
//! Described for consumers in `docs/mqtt.md` and `docs/schema/incident-event.schema.json`.

use serde::{Deserialize, Serialize};

use forewarn_domain::{Cause, IncidentId, IncidentRecord, IncidentState, Report, Subject, Timestamp};

/// The media type of an event in structured JSON. Source: CloudEvents 1.0, JSON event format, section 3.
pub const CONTENT_TYPE: &str = "application/cloudevents+json";
/// The schema of `data`, part of the published schema.
pub const DATA_SCHEMA: &str = "urn:forewarn:schema:incident-event:1#data";
/// What every event's `type` begins with; the state follows.
pub const TYPE_PREFIX: &str = "io.forewarn.incident.";

/// Who reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventSource {
    /// The site's id, a slug.
    pub site: String,
    /// The agent's version.
    pub agent_version: String,
}

/// One event. Source: CloudEvents 1.0, section 3.1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Always `1.0`.
    pub specversion: String,
    /// `<incident id>/<sequence>`; the same in every repetition.
    pub id: String,
    /// `/<site>/<camera>`.
    pub source: String,
    /// `io.forewarn.incident.<state>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The incident's id.
    pub subject: String,
    /// When the transition happened, RFC 3339 in UTC.
    pub time: String,
    /// Always `application/json`.
    pub datacontenttype: String,
    /// [`DATA_SCHEMA`].
    pub dataschema: String,
    /// The incident.
    pub data: IncidentData,
}

/// What an event carries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IncidentData {
    /// Number of the transition in the incident's history, from 0.
    pub sequence: u32,
    /// The state before, null for the first.
    pub previous: Option<IncidentState>,
    /// The incident after the transition.
    pub incident: WireIncident,
    /// The version of the agent that reports.
    pub agent_version: String,
}

/// An incident on the wire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WireIncident {
    /// Its stable id.
    pub id: IncidentId,
    /// The site.
    pub site: String,
    /// The camera.
    pub camera: String,
    /// The violation.
    pub violation: String,
    /// The zone.
    pub zone: String,
    /// The state entered.
    pub state: IncidentState,
    /// Whom it concerns.
    pub subject: Subject,
    /// How many warnings were proven to have been played.
    pub warnings_played: u32,
    /// Whether a warning was due and no speaker played it.
    pub warning_not_delivered: bool,
    /// Every state so far, from `suspected` on.
    pub history: Vec<WireTransition>,
}

/// One step of the history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WireTransition {
    /// The state entered.
    pub state: IncidentState,
    /// Why.
    pub cause: Cause,
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// When, in microseconds since the Unix epoch.
    pub at_us: i64,
}

impl Event {
    /// The stable id of the message about one transition.
    pub fn id_of(incident: &IncidentId, sequence: u32) -> String {
        format!("{incident}/{sequence}")
    }

    /// The event that tells of a report.
    pub fn from_report(report: &Report, source: &EventSource) -> Self {
        let record = &report.incident;
        let at_sequence = |n: u32| record.history.get(n as usize).map(|t| t.state);
        let state = at_sequence(report.sequence).unwrap_or(record.state);
        Self {
            specversion: "1.0".to_owned(),
            id: Self::id_of(&record.id, report.sequence),
            source: format!("/{}/{}", source.site, record.rule.stream),
            kind: format!("{TYPE_PREFIX}{state}"),
            subject: record.id.to_string(),
            time: report.at.to_rfc3339(),
            datacontenttype: "application/json".to_owned(),
            dataschema: DATA_SCHEMA.to_owned(),
            data: IncidentData {
                sequence: report.sequence,
                previous: report.sequence.checked_sub(1).and_then(at_sequence),
                incident: WireIncident::new(record, state, source),
                agent_version: source.agent_version.clone(),
            },
        }
    }
}

impl WireIncident {
    fn new(record: &IncidentRecord, state: IncidentState, source: &EventSource) -> Self {
        let step = |t: &forewarn_domain::Transition| WireTransition {
            state: t.state,
            cause: t.cause,
            at: t.at.to_rfc3339(),
            at_us: t.at.as_micros(),
        };
        Self {
            id: record.id.clone(),
            site: source.site.clone(),
            camera: record.rule.stream.to_string(),
            violation: record.rule.violation.to_string(),
            zone: record.rule.zone.to_string(),
            state,
            subject: record.subject.clone(),
            warnings_played: record.warnings_played,
            warning_not_delivered: record.warning_not_delivered,
            history: record.history.iter().map(step).collect(),
        }
    }
}

/// The report of an incident's latest transition.
pub(crate) fn latest_report(record: &IncidentRecord) -> Report {
    Report {
        sequence: u32::try_from(record.history.len().saturating_sub(1)).unwrap_or(u32::MAX),
        at: record.history.last().map_or(Timestamp::ZERO, |t| t.at),
        incident: record.clone(),
    }
}
