//! One step of one incident, or a seal of its evidence: a CloudEvents 1.0 event in structured JSON.
//!
//! Described for consumers in `docs/mqtt.md` and `docs/schema/incident-event.schema.json`.

use forewarn_domain::{CaseCause, EvidenceRef, IncidentId, IncidentState, Report, Seal};
use serde::{Deserialize, Serialize};

use crate::WireIncident;

/// The media type of an event in structured JSON. Source: CloudEvents 1.0, JSON event format, section 3.
pub const CONTENT_TYPE: &str = "application/cloudevents+json";
/// The schema of `data`, part of the published schema.
pub(crate) const DATA_SCHEMA: &str = "urn:forewarn:schema:incident-event:1#data";
/// What every event's `type` begins with; the state follows.
pub(crate) const TYPE_PREFIX: &str = "io.forewarn.incident.";

/// The `type` of an event that tells of a seal.
pub(crate) const SEALED: &str = "io.forewarn.incident.sealed";

/// What the `type` of an event that tells of a step of a case begins with; `reminded`, `handed_on`, `nobody_left` or the stage
/// follows.
pub(crate) const CASE_PREFIX: &str = "io.forewarn.case.";

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
    /// `<incident id>/<sequence>`, of a step of the case `<incident id>/case/<number>`, of a seal
    /// `<incident id>/seal/<number>`; the same in every repetition.
    pub id: String,
    /// `/<site>/<camera>`.
    pub source: String,
    /// `io.forewarn.incident.<state>`, `io.forewarn.case.<step>`, or [`SEALED`].
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
    /// Where the evidence lies, with the seal that is told, or the latest when a transition was reported. Absent from events
    /// of former versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<WireEvidence>,
}

/// The evidence of an incident on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireEvidence {
    /// The bundle: its folder on the box.
    pub id: String,
    /// Where it is found; none where the site does not say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its seal; none if it was not sealed yet.
    #[serde(flatten)]
    pub seal: Option<WireSeal>,
}

/// The seal of an incident's evidence on the wire. Whoever keeps it can tell later whether a bundle is still the one that
/// was sealed, and whether one before it is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireSeal {
    /// The seal's number in the chain of the device.
    pub number: u32,
    /// sha256 of the bundle's manifest.
    pub manifest_sha256: String,
    /// sha256 of the link of the chain before; null for the first.
    pub previous: Option<String>,
    /// The number of the seal of the same incident that it takes the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<u32>,
    /// The device's public key, 64 hexadecimal digits.
    pub key: String,
    /// Whether nothing more will come of this incident.
    #[serde(rename = "final")]
    pub is_final: bool,
}

impl WireEvidence {
    /// What a report says; none if it is of a transition that a former version wrote down.
    fn of(report: &Report) -> Option<Self> {
        let of_seal = |seal: &Seal| Self { id: seal.bundle.clone(), url: None, seal: Some(seal.into()) };
        let of_transition = |evidence: &EvidenceRef| Self {
            id: evidence.bundle.clone(),
            url: None,
            seal: evidence.seal.as_ref().map(WireSeal::from),
        };
        report.seal.as_ref().map(of_seal).or_else(|| report.evidence.as_deref().map(of_transition))
    }
}

impl From<&Seal> for WireSeal {
    fn from(seal: &Seal) -> Self {
        Self {
            number: seal.number,
            manifest_sha256: seal.manifest_sha256.clone(),
            previous: seal.previous.clone(),
            supersedes: seal.supersedes,
            key: seal.key.clone(),
            is_final: seal.is_final,
        }
    }
}

impl Event {
    /// The stable id of the message about one transition, or about a seal.
    pub fn id_of(incident: &IncidentId, sequence: u32) -> String {
        let from = |first: u32| sequence.checked_sub(first);
        match (from(Report::FIRST_SEAL), from(Report::FIRST_CASE_STEP)) {
            (Some(number), _) => format!("{incident}/seal/{number}"),
            (None, Some(number)) => format!("{incident}/case/{number}"),
            (None, None) => format!("{incident}/{sequence}"),
        }
    }

    /// The event that tells of a report.
    pub fn from_report(report: &Report, source: &EventSource) -> Self {
        let record = &report.incident;
        let at_sequence = |n: u32| record.history.get(n as usize).map(|t| t.state);
        let latest = u32::try_from(record.history.len().saturating_sub(1)).unwrap_or(u32::MAX);
        let is_aside = report.seal.is_some() || report.is_of_case();
        let sequence = if is_aside { latest } else { report.sequence };
        let state = at_sequence(sequence).unwrap_or(record.state);
        Self {
            specversion: "1.0".to_owned(),
            id: Self::id_of(&record.id, report.sequence),
            source: format!("/{}/{}", source.site, record.rule.stream),
            kind: kind_of(report, state),
            subject: record.id.to_string(),
            time: record.wall(report.at).to_rfc3339(),
            datacontenttype: "application/json".to_owned(),
            dataschema: DATA_SCHEMA.to_owned(),
            data: IncidentData {
                sequence,
                previous: sequence.checked_sub(1).and_then(at_sequence),
                incident: WireIncident::new(record, state, &source.site),
                agent_version: source.agent_version.clone(),
                evidence: WireEvidence::of(report),
            },
        }
    }
}

fn kind_of(report: &Report, state: IncidentState) -> String {
    if report.seal.is_some() {
        return SEALED.to_owned();
    }
    let Some(step) = report.case_step() else { return format!("{TYPE_PREFIX}{state}") };
    let word = match step.cause {
        CaseCause::IncidentEscalated | CaseCause::Told => step.stage.as_str(),
        CaseCause::LimitPassed => "reminded",
        CaseCause::HandedOn => "handed_on",
        CaseCause::NobodyLeft => "nobody_left",
    };
    format!("{CASE_PREFIX}{word}")
}

#[cfg(test)]
mod tests {
    use forewarn_domain::clock::ClockReading;
    use forewarn_domain::{
        About, AttributeId, BBox, Class, Ellipse, Finding, Fix, Gcj02, RuleKey, StreamId, SubjectId, Timestamp,
        TrackId, Unclear, Verdict, ViolationId, ZoneId,
    };
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::samples::{CLOSING, case_report, finding, report, seal_report, source};

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
    fn a_seal_is_told_with_the_incident_as_it_was_and_survives_the_wire() {
        let event = Event::from_report(&seal_report(1, 5), &source());
        assert_eq!((event.kind.as_str(), event.data.sequence), (SEALED, 5));
        assert_eq!(event.id, format!("{}/seal/7", event.subject));
        assert_eq!(event.data.incident.state, IncidentState::Escalated);
        let json = serde_json::to_value(&event).unwrap();
        assert_eq!(json["data"]["evidence"]["manifest_sha256"], "5a".repeat(32));
        assert_eq!(serde_json::from_value::<Event>(json).unwrap(), event);
        let page = include_str!("../../../docs/mqtt.md");
        let sent = serde_json::to_string(&event.data.evidence).unwrap();
        assert!(page.contains(&sent), "docs/mqtt.md should show: {sent}");
    }

    #[test]
    fn a_step_of_a_case_is_told_beside_the_transitions_and_survives_the_wire() {
        let event = Event::from_report(&case_report(1), &source());
        assert_eq!((event.kind.as_str(), event.data.sequence), ("io.forewarn.case.received", 5));
        assert_eq!(event.id, format!("{}/case/2", event.subject));
        assert_eq!(event.time, "2026-01-31T06:05:12.250Z");
        let json = serde_json::to_value(&event).unwrap();
        let page = include_str!("../../../docs/mqtt.md");
        let sent = serde_json::to_string_pretty(&json["data"]["incident"]["case"]).unwrap();
        let documented = page.split("```jsonc").nth(1).and_then(|rest| rest.split("```").next()).unwrap_or_default();
        let documented: Value = serde_json::from_str(documented).unwrap_or_default();
        assert_eq!(documented, json["data"]["incident"]["case"], "docs/mqtt.md should show:\n{sent}");
        assert_eq!(serde_json::from_value::<Event>(json).unwrap(), event);
        let mut reminder = case_report(1);
        reminder.sequence -= 1;
        assert_eq!(Event::from_report(&reminder, &source()).kind, "io.forewarn.case.reminded");
    }

    #[test]
    fn a_transition_names_the_evidence_with_its_latest_seal_and_survives_the_wire() {
        let seal = seal_report(1, 5).seal;
        let mut report = report(1, CLOSING);
        let bundle = report.incident.bundle();
        assert_eq!(Some(&bundle), seal.as_ref().map(|seal| &seal.bundle));
        for seal in [None, seal] {
            report.evidence = Some(Box::new(EvidenceRef { bundle: bundle.clone(), seal: seal.clone() }));
            let event = Event::from_report(&report, &source());
            let json = serde_json::to_value(&event).unwrap();
            let told = &json["data"]["evidence"];
            assert_eq!(told["id"], bundle);
            assert_eq!(
                (told["number"].as_u64(), told.get("key").is_some()),
                (seal.as_ref().map(|_| 7), seal.is_some())
            );
            assert_eq!(serde_json::from_value::<Event>(json).unwrap(), event);
        }
    }

    /// What a drone reports of somebody without mask and hat, with ids as long as people make them.
    fn of_a_drone(sequence: u32) -> Event {
        let mut report = report(1, sequence);
        let record = &mut report.incident;
        let (stream, violation) = ("drone-mavic3-hill", "no_dust_mask");
        record.rule = RuleKey {
            stream: StreamId::new(stream).unwrap(),
            violation: ViolationId::new(violation).unwrap(),
            zone: ZoneId::new("work-area-north-slope").unwrap(),
        };
        let (began, clock) = (record.history[0].at, ClockReading::default());
        record.id = IncidentId::compose(&record.rule.stream, &record.rule.violation, began, clock, SubjectId(1_234));
        let ellipse = Ellipse { major_m: 37.0 / 3.0, minor_m: 10.0 / 3.0, bearing_deg: 370.0 / 3.0 };
        let gcj02 = Some(Gcj02 { lat_deg: 90.815_237 / 3.0, lon_deg: 360.479_5 / 3.0 });
        let (lat_deg, lon_deg) = (90.822_337 / 3.0, 360.465_1 / 3.0);
        record.subject.class = Class::new("person");
        record.subject.fix = Some(Fix { lat_deg, lon_deg, height_m: 22.0 / 3.0, ellipse, gcj02 });
        let told = |attribute: &str| Finding {
            about: About::Attribute(AttributeId::new(attribute).unwrap()),
            text: None,
            ..finding(Verdict::No, None)
        };
        let unclear = (Verdict::CannotTell, Some(Unclear::TooSmall), Some(24.39));
        let hat = told("hard_hat");
        let hat = Finding { verdict: unclear.0, unclear: unclear.1, fly_within_m: unclear.2, ..hat };
        record.findings = vec![told("dust_mask"), hat];
        report.evidence = Some(Box::new(EvidenceRef { bundle: report.incident.bundle(), seal: None }));
        Event::from_report(&report, &source())
    }

    #[test]
    fn what_a_drone_sends_first_is_at_most_2_kb_and_its_place_is_kept_to_the_millimetre() {
        let bytes = |sequence| serde_json::to_vec(&of_a_drone(sequence)).unwrap().len();
        assert!(bytes(1) <= 2_048, "confirmed: {} bytes", bytes(1));
        // With each step the history grows, and what is told of the whole is larger.
        assert!(bytes(CLOSING) <= 3_072, "closed: {} bytes", bytes(CLOSING));
        let fix = of_a_drone(1).data.incident.subject.fix.unwrap();
        assert_eq!((fix.lat_deg, fix.ellipse.major_m), (30.274_112_33, 12.333));
        let json = serde_json::to_value(of_a_drone(1)).unwrap();
        assert_eq!(json["data"]["incident"]["findings"][1]["fly_within_m"], 24.3);
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
