//! What is sent upstream fits the published schema, judged by a full validator.

use std::sync::LazyLock;

use forewarn_domain::{
    BBox, Cause, Class, EvidenceRef, IncidentState, Report, Timestamp, TrackId, Transition, Unclear, Verdict,
};
use forewarn_wire::samples::{CLOSING, finding, report, seal_report, source};
use forewarn_wire::{Event, schema};
use proptest::prelude::*;
use serde_json::Value;

static VALIDATOR: LazyLock<jsonschema::Validator> =
    LazyLock::new(|| jsonschema::validator_for(&serde_json::from_str(schema::INCIDENT_EVENT).unwrap()).unwrap());

fn complaints(event: &Value) -> Vec<String> {
    VALIDATOR.iter_errors(event).map(|e| format!("{}: {e}", e.instance_path())).collect()
}

#[test]
fn every_state_and_cause_is_in_the_schema() {
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
        Cause::NoLongerJudged,
        Cause::WarningsUsedUp,
        Cause::ToldToEscalate,
        Cause::OutOfSight,
        Cause::StreamInterrupted,
        Cause::Settled,
    ];
    for state in IncidentState::ALL {
        for cause in causes {
            let mut report = report(1, 1);
            let step = Transition::new(state, report.at, cause);
            report.incident.state = state;
            report.incident.history[1] = step;
            let event = serde_json::to_value(Event::from_report(&report, &source())).unwrap();
            assert_eq!(complaints(&event), Vec::<String>::new());
        }
    }
}

#[test]
fn every_finding_is_in_the_schema_and_survives_the_wire() {
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
        assert_eq!(complaints(&json), Vec::<String>::new());
        assert_eq!(serde_json::from_value::<Event>(json).unwrap(), event);
    }
    let mut bare = finding(Verdict::CannotTell, Some(Unclear::NotLooked));
    (bare.first_at, bare.last_at, bare.text, bare.best) = (None, None, None, None);
    let mut report = report(1, 5);
    report.incident.findings = vec![bare];
    let event = serde_json::to_value(Event::from_report(&report, &source())).unwrap();
    assert_eq!(complaints(&event), Vec::<String>::new());
}

#[test]
fn the_evidence_of_a_transition_and_of_a_seal_is_in_the_schema_whole_or_by_its_name() {
    let event = |report: &Report| serde_json::to_value(Event::from_report(report, &source())).unwrap();
    let sealed = seal_report(1, 5);
    assert_eq!(complaints(&event(&sealed)), Vec::<String>::new());
    for seal in [None, sealed.seal.clone()] {
        let evidence = Some(Box::new(EvidenceRef { bundle: report(1, 5).incident.bundle(), seal }));
        let named = event(&Report { evidence, ..report(1, 5) });
        assert_eq!(complaints(&named), Vec::<String>::new());
    }
    for key in ["number", "manifest_sha256", "key", "final"] {
        let mut torn = event(&sealed);
        torn["data"]["evidence"].as_object_mut().unwrap().remove(key);
        assert_ne!(complaints(&torn), Vec::<String>::new(), "{key}");
    }
}

#[test]
fn the_schema_refuses_what_is_no_event() {
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
        assert_ne!(complaints(&event), Vec::<String>::new(), "{pointer} went through");
    }
}

proptest! {
    #[test]
    fn whatever_is_sent_fits(
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
        let json = serde_json::to_value(Event::from_report(&report, &source())).unwrap();
        prop_assert_eq!(complaints(&json), Vec::<String>::new());
    }
}
