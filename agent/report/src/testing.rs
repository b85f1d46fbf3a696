//! Reports for this crate's tests.

use forewarn_domain::{
    BBox, Cause, Class, IncidentId, IncidentRecord, IncidentState, Report, RuleKey, StreamId, Subject, SubjectId,
    Timestamp, TrackId, Transition, ViolationId, ZoneId,
};

use crate::event::EventSource;

pub(crate) fn source() -> EventSource {
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

/// The number of the closing transition in [`report`].
pub(crate) const CLOSING: u32 = 6;

/// The report of transition `sequence` (0 to [`CLOSING`]) of incident number `n`.
pub(crate) fn report(n: u64, sequence: u32) -> Report {
    let began = 1_769_839_387_250_000 + n as i64 * 60_000_000;
    let history: Vec<Transition> = PATH[..=sequence as usize]
        .iter()
        .enumerate()
        .map(|(i, &(state, cause))| Transition {
            state,
            at: Timestamp::from_micros(began + i as i64 * 5_000_000),
            cause,
        })
        .collect();
    let (stream, violation) = (StreamId::new("gate").unwrap(), ViolationId::new("illegal_parking").unwrap());
    let last = *history.last().unwrap();
    let incident = IncidentRecord {
        id: IncidentId::compose(&stream, &violation, Timestamp::from_micros(began), SubjectId(n)),
        rule: RuleKey { stream, violation, zone: ZoneId::new("fire_lane").unwrap() },
        state: last.state,
        history,
        subject: Subject {
            class: Class::new("car"),
            track: Some(TrackId(17)),
            count: 1,
            bbox: BBox::new(653.0, 44.5, 722.0, 101.0),
        },
        warnings_played: u32::from(sequence >= 3),
        warning_not_delivered: false,
        findings: Vec::new(),
    };
    Report { incident, sequence, at: last.at }
}
