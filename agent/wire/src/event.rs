//! One step of one incident: a CloudEvents 1.0 event in structured JSON.
//!
//! Described for consumers in `docs/mqtt.md` and `docs/schema/incident-event.schema.json`.

use forewarn_domain::{IncidentId, IncidentState, Report};
use serde::{Deserialize, Serialize};

use crate::WireIncident;

/// The media type of an event in structured JSON. Source: CloudEvents 1.0, JSON event format, section 3.
pub const CONTENT_TYPE: &str = "application/cloudevents+json";
/// The schema of `data`, part of the published schema.
pub(crate) const DATA_SCHEMA: &str = "urn:forewarn:schema:incident-event:1#data";
/// What every event's `type` begins with; the state follows.
pub(crate) const TYPE_PREFIX: &str = "io.forewarn.incident.";

/// Who reports.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventSource {
    /// The site's id, a slug.
    pub site: String,
    /// The agent's version.
    pub agent_version: String,
}

/// One event. Source: CloudEvents 1.0, section 3.1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
            time: record.wall(report.at).to_rfc3339(),
            datacontenttype: "application/json".to_owned(),
            dataschema: DATA_SCHEMA.to_owned(),
            data: IncidentData {
                sequence: report.sequence,
                previous: report.sequence.checked_sub(1).and_then(at_sequence),
                incident: WireIncident::new(record, state, &source.site),
                agent_version: source.agent_version.clone(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use forewarn_domain::{BBox, Class, Timestamp, TrackId, Unclear, Verdict};
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::samples::{CLOSING, finding, report, source};

    /// Events as the first release sent them, one a line: in several states, with findings of several kinds and without.
    const GOLDEN: &str = include_str!("../tests/golden/events.jsonl");

    fn golden_events() -> Vec<Event> {
        let mut reports = vec![report(4, 4), report(5, CLOSING), report(6, 3)];
        let unclear = finding(Verdict::CannotTell, Some(Unclear::Blurred));
        for (n, findings) in [(7, Vec::new()), (8, vec![unclear]), (9, Vec::new())] {
            let mut report = report(n, 1);
            report.incident.findings = findings;
            reports.push(report);
        }
        reports.extend((10..=15).map(|n| report(n, 2)));
        reports.iter().map(|report| Event::from_report(report, &source())).collect()
    }

    #[test]
    fn events_are_sent_byte_for_byte_as_ever() {
        let sent: Vec<String> = golden_events().iter().map(|event| serde_json::to_string(event).unwrap()).collect();
        assert_eq!(sent, GOLDEN.lines().collect::<Vec<_>>());
    }

    #[test]
    fn events_of_the_first_release_are_read() {
        let read: Vec<Event> = GOLDEN.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(read, golden_events());
    }

    #[test]
    fn a_reader_passes_over_what_a_later_agent_adds() {
        let mut event = serde_json::to_value(Event::from_report(&report(1, 5), &source())).unwrap();
        event["data"]["incident"]["weather"] = "rain".into();
        event["traceparent"] = "00-0".into();
        assert_eq!(serde_json::from_value::<Event>(event).unwrap(), Event::from_report(&report(1, 5), &source()));
    }

    #[test]
    fn the_documented_example_is_what_is_sent() {
        let page = include_str!("../../../docs/mqtt.md");
        let example = page.split("```json").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
        let sent = serde_json::to_string_pretty(&Event::from_report(&report(1, 5), &source())).unwrap();
        let documented: Value = serde_json::from_str(example).expect("the example is JSON");
        assert_eq!(documented, serde_json::from_str::<Value>(&sent).unwrap(), "docs/mqtt.md should show:\n{sent}");
    }

    #[test]
    fn events_tell_their_transition_even_when_the_incident_has_gone_on() {
        let mut early = report(1, CLOSING);
        early.sequence = 2;
        let event = Event::from_report(&early, &source());
        assert_eq!(
            (event.kind.as_str(), event.data.previous),
            ("io.forewarn.incident.warned", Some(IncidentState::Confirmed))
        );
        assert_eq!(event.id, format!("{}/2", early.incident.id));
    }

    proptest! {
        #[test]
        fn events_survive_the_wire(
            sequence in 0u32..=CLOSING,
            class in "\\PC{1,20}",
            track in prop::option::of(0u64..1 << 53),
            count in any::<u32>(),
            corners in prop::array::uniform4(-1e6f32..1e6),
            at_us in -60_000_000_000_000_000i64..4_000_000_000_000_000,
        ) {
            let mut report = report(3, sequence);
            report.incident.subject.class = Class::new(&class);
            report.incident.subject.track = track.map(TrackId);
            report.incident.subject.count = count;
            report.incident.subject.bbox = BBox::from(corners);
            report.incident.history[0].at = Timestamp::from_micros(at_us);
            let event = Event::from_report(&report, &source());
            let json = serde_json::to_string(&event).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Event>(&json).unwrap(), &event);
        }

        #[test]
        fn damaged_events_are_errors(sequence in 0u32..=CLOSING, cut in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut json = serde_json::to_vec(&Event::from_report(&report(1, sequence), &source())).unwrap();
            let at = cut.index(json.len());
            prop_assert!(serde_json::from_slice::<Event>(&json[..at]).is_err());
            json[at] = byte;
            // Whatever one changed byte makes of it: an event or an error, never a panic.
            let _ = serde_json::from_slice::<Event>(&json);
        }
    }
}
