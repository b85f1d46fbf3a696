//! The message upstream: a CloudEvents 1.0 event in structured JSON.
//!
//! Described for consumers in `docs/mqtt.md` and `docs/schema/incident-event.schema.json`.

use serde::{Deserialize, Serialize};

use forewarn_domain::{
    BBox, Cause, Finding, IncidentId, IncidentRecord, IncidentState, Report, Subject, Timestamp, Unclear, Verdict,
};

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
    /// What closer looks told of the subject; absent where nobody looked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<WireFinding>,
}

/// What closer looks told of one attribute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WireFinding {
    /// The attribute, such as `dust_mask` or `plate`.
    pub attribute: String,
    /// What the looks say together.
    pub verdict: Verdict,
    /// Why they cannot tell; null where they can.
    pub unclear: Option<Unclear>,
    /// How sure that is, 0 to 1.
    pub confidence: f32,
    /// How many looks said yes or no, or read a text.
    pub votes: u32,
    /// How many looks there were.
    pub looks: u32,
    /// When the first vote was given, RFC 3339 in UTC.
    pub first_at: Option<String>,
    /// When the last vote was given, RFC 3339 in UTC.
    pub last_at: Option<String>,
    /// The text that was read, for an attribute that is a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The best crop that voted for the verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<WireCrop>,
}

/// Where and when something is to be seen best.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WireCrop {
    /// When its frame was taken, RFC 3339 in UTC.
    pub at: String,
    /// The same in microseconds since the Unix epoch.
    pub at_us: i64,
    /// Where it lies, in pixels of the full frame.
    #[serde(rename = "box")]
    pub bbox: BBox,
    /// How good it is, 0 to 1.
    pub quality: f32,
}

impl WireFinding {
    fn new(finding: &Finding) -> Self {
        let instant = |at: Option<Timestamp>| at.map(Timestamp::to_rfc3339);
        Self {
            attribute: finding.attribute.to_string(),
            verdict: finding.verdict,
            unclear: finding.unclear,
            confidence: finding.confidence,
            votes: finding.votes,
            looks: finding.looks,
            first_at: instant(finding.first_at),
            last_at: instant(finding.last_at),
            text: finding.text.clone(),
            best: finding.best.map(|best| WireCrop {
                at: best.at.to_rfc3339(),
                at_us: best.at.as_micros(),
                bbox: best.bbox,
                quality: best.quality,
            }),
        }
    }
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
            findings: record.findings.iter().map(WireFinding::new).collect(),
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use forewarn_domain::{BBox, Class, TrackId, Transition};

    use super::*;
    use crate::testing::{CLOSING, finding, report, source};

    const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/");

    fn validator() -> jsonschema::Validator {
        let schema = std::fs::read_to_string(format!("{DOCS}schema/incident-event.schema.json")).unwrap();
        jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap()
    }

    fn complaints(validator: &jsonschema::Validator, event: &Value) -> Vec<String> {
        validator.iter_errors(event).map(|e| format!("{}: {e}", e.instance_path())).collect()
    }

    #[test]
    fn every_state_and_cause_is_in_the_schema() {
        let validator = validator();
        let causes = [
            Cause::ConditionHeld,
            Cause::HeldLongEnough,
            Cause::NotConfirmed,
            Cause::WarningSent,
            Cause::PlaybackProven,
            Cause::CoveredByRecentWarning,
            Cause::WarningNotDelivered,
            Cause::QuietHours,
            Cause::NoWarningConfigured,
            Cause::StillViolating,
            Cause::SeenComplying,
            Cause::NoLongerSeen,
            Cause::WarningsUsedUp,
            Cause::OutOfSight,
            Cause::StreamInterrupted,
            Cause::Settled,
        ];
        for state in IncidentState::ALL {
            for cause in causes {
                let mut report = report(1, 1);
                let step = Transition { state, cause, at: report.at };
                report.incident.state = state;
                report.incident.history[1] = step;
                let event = serde_json::to_value(Event::from_report(&report, &source())).unwrap();
                assert_eq!(complaints(&validator, &event), Vec::<String>::new());
            }
        }
    }

    #[test]
    fn every_finding_is_in_the_schema_and_survives_the_wire() {
        let validator = validator();
        let reasons = [
            Unclear::NotLooked,
            Unclear::TooSmall,
            Unclear::Blurred,
            Unclear::BadLight,
            Unclear::CutOff,
            Unclear::PartNotFound,
            Unclear::TurnedAway,
            Unclear::Hidden,
            Unclear::Undecided,
            Unclear::Contradictory,
            Unclear::TooFewVotes,
            Unclear::ModelFailed,
        ];
        let cannot_tell = reasons.map(|reason| (Verdict::CannotTell, Some(reason)));
        for (verdict, unclear) in [(Verdict::Yes, None), (Verdict::No, None)].into_iter().chain(cannot_tell) {
            let mut report = report(1, 5);
            report.incident.findings = vec![finding(verdict, unclear)];
            let event = Event::from_report(&report, &source());
            let json = serde_json::to_value(&event).unwrap();
            assert_eq!(complaints(&validator, &json), Vec::<String>::new());
            assert_eq!(serde_json::from_value::<Event>(json).unwrap(), event);
        }
        let mut bare = finding(Verdict::CannotTell, Some(Unclear::NotLooked));
        (bare.first_at, bare.last_at, bare.text, bare.best) = (None, None, None, None);
        let mut report = report(1, 5);
        report.incident.findings = vec![bare];
        let event = serde_json::to_value(Event::from_report(&report, &source())).unwrap();
        assert_eq!(complaints(&validator, &event), Vec::<String>::new());
    }

    #[test]
    fn the_schema_refuses_what_is_no_event() {
        let validator = validator();
        let mut with_finding = report(1, 5);
        with_finding.incident.findings = vec![finding(Verdict::Yes, None)];
        let good = serde_json::to_value(Event::from_report(&with_finding, &source())).unwrap();
        for (pointer, wrong) in [
            ("/specversion", "0.3".into()),
            ("/type", "io.forewarn.incident.exploded".into()),
            ("/time", "yesterday".into()),
            ("/data/sequence", (-1).into()),
            ("/data/incident/history", Value::Array(Vec::new())),
            ("/data/incident/subject/box", serde_json::json!([1, 2, 3])),
            ("/data/incident/history/0/cause", "boredom".into()),
            ("/data/incident/findings/0/verdict", "maybe".into()),
            ("/data/incident/findings/0/confidence", 1.5.into()),
            ("/data/incident/findings/0/best/at", "noon".into()),
        ] {
            let mut event = good.clone();
            *event.pointer_mut(pointer).unwrap() = wrong;
            assert_ne!(complaints(&validator, &event), Vec::<String>::new(), "{pointer} went through");
        }
    }

    #[test]
    fn the_documented_example_is_what_is_sent() {
        let page = std::fs::read_to_string(format!("{DOCS}mqtt.md")).unwrap();
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
            prop_assert_eq!(complaints(&validator(), &serde_json::from_str(&json).unwrap()), Vec::<String>::new());
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
