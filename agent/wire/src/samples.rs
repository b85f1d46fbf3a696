//! Reports for the tests of this crate and of those who use it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use forewarn_domain::clock::ClockReading;
use forewarn_domain::{
    About, AttributeId, BBox, BestCrop, Case, CaseCause, CaseStage, CaseStep, Cause, Class, Finding, IncidentId,
    IncidentRecord, IncidentState, Reckoning, Report, RuleKey, Seal, StreamId, Subject, SubjectId, Timestamp, TrackId,
    Transition, Unclear, Verdict, ViolationId, ZoneId,
};

use crate::EventSource;

/// Who reports.
pub fn source() -> EventSource {
    EventSource { site: "north-gate".to_owned(), agent_version: "0.1.0".to_owned() }
}

const PATH: [(IncidentState, Cause); 7] = [
    (IncidentState::Suspected, Cause::ConditionHeld),
    (IncidentState::Confirmed, Cause::HeldLongEnough),
    (IncidentState::Warned, Cause::WarningSent),
    (IncidentState::Observing, Cause::PlaybackProven),
    (IncidentState::Persisted, Cause::StillViolating),
    (IncidentState::Escalated, Cause::WarningsUsedUp),
    (IncidentState::Closed, Cause::Settled),
];

/// What looks told of a plate.
pub fn finding(verdict: Verdict, unclear: Option<Unclear>) -> Finding {
    let at = |seconds: i64| Timestamp::from_micros(1_769_839_420_250_000 + seconds * 1_000_000);
    Finding {
        about: About::Attribute(AttributeId::new("plate").unwrap()),
        verdict,
        unclear,
        confidence: 0.875,
        votes: 6,
        looks: 7,
        first_at: Some(at(0)),
        last_at: Some(at(9)),
        text: Some("\u{82cf}A12340".to_owned()),
        fly_within_m: None,
        best: Some(BestCrop { at: at(4), bbox: BBox::new(671.0, 80.5, 701.0, 90.0), quality: 0.75 }),
    }
}

/// The number of the closing transition in [`report`].
pub const CLOSING: u32 = 6;

/// The report of transition `sequence` (0 to [`CLOSING`]) of incident number `n`.
pub fn report(n: u64, sequence: u32) -> Report {
    let began = 1_769_839_387_250_000 + n as i64 * 60_000_000;
    let history: Vec<Transition> = PATH[..=sequence as usize]
        .iter()
        .enumerate()
        .map(|(i, &(state, cause))| Transition::new(state, Timestamp::from_micros(began + i as i64 * 5_000_000), cause))
        .collect();
    let (stream, violation) = (StreamId::new("gate").unwrap(), ViolationId::new("illegal_parking").unwrap());
    let last = history.last().unwrap().clone();
    let incident = IncidentRecord {
        id: IncidentId::compose(
            &stream,
            &violation,
            Timestamp::from_micros(began),
            ClockReading::default(),
            SubjectId(n),
        ),
        rule: RuleKey { stream, violation, zone: ZoneId::new("fire_lane").unwrap() },
        state: last.state,
        history,
        subject: Subject {
            class: Class::new("car"),
            track: Some(TrackId(17)),
            count: 1,
            bbox: BBox::new(653.0, 44.5, 722.0, 101.0),
            fix: None,
        },
        warnings_played: u32::from(sequence >= 3),
        warning_not_delivered: false,
        said: None,
        findings: vec![finding(Verdict::Yes, None)],
        clock: Reckoning::default(),
        case: None,
    };
    Report { incident, sequence, at: last.at, seal: None, evidence: None }
}

/// The report of a case that was escalated 5 s ago, sent, reminded of and received: of that step.
pub fn case_report(n: u64) -> Report {
    let Report { mut incident, at, .. } = report(n, 5);
    let step = |stage, cause, after_s: u64| CaseStep {
        stage,
        cause,
        at: at + Duration::from_secs(after_s),
        by: None,
        to: Some("officer-1".to_owned()),
        note: String::new(),
    };
    let told = CaseStep { by: Some("ann".to_owned()), to: None, ..step(CaseStage::Received, CaseCause::Told, 40) };
    let steps = vec![
        step(CaseStage::Sent, CaseCause::IncidentEscalated, 0),
        step(CaseStage::Sent, CaseCause::LimitPassed, 30),
        CaseStep { note: "on my way".to_owned(), ..told },
    ];
    let due = Some(at + Duration::from_secs(100));
    incident.case = Some(Box::new(Case { stage: CaseStage::Received, steps, due, is_reminded: false }));
    Report::of_case(incident).unwrap()
}

/// The report of a seal of incident number `n` after transition `sequence`.
pub fn seal_report(n: u64, sequence: u32) -> Report {
    let Report { incident, at, .. } = report(n, sequence);
    let seal = Seal {
        bundle: format!("2026-01-31/{}", incident.id),
        number: 7,
        manifest_sha256: "5a".repeat(32),
        previous: Some("c4".repeat(32)),
        supersedes: Some(5),
        key: "e1".repeat(32),
        is_final: false,
    };
    Report::of_seal(incident, seal, at)
}
