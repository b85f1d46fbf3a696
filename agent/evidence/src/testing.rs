//! Incidents and frames for this crate's tests.

use forewarn_domain::clock::ClockReading;
use forewarn_domain::{
    BBox, Cause, Class, ColourMatrix, Frame, FrameMeta, IncidentId, IncidentRecord, IncidentState, PixelFormat,
    Reckoning, RuleKey, StreamId, Subject, SubjectId, Timestamp, TrackId, Transition, ViolationId, ZoneId,
};

/// 2026-01-31 06:03:07.250 UTC.
pub(crate) const T0: Timestamp = Timestamp::from_micros(1_769_839_387_250_000);

pub(crate) fn incident(subject: u64, states: &[(IncidentState, Cause)]) -> IncidentRecord {
    let (stream, violation) = (StreamId::new("gate").unwrap(), ViolationId::new("illegal_parking").unwrap());
    let history: Vec<Transition> = states
        .iter()
        .enumerate()
        .map(|(i, &(state, cause))| {
            Transition::new(state, Timestamp::from_micros(T0.as_micros() + i as i64 * 5_000_000), cause)
        })
        .collect();
    IncidentRecord {
        id: IncidentId::compose(&stream, &violation, T0, ClockReading::default(), SubjectId(subject)),
        rule: RuleKey { stream, violation, zone: ZoneId::new("no_parking").unwrap() },
        state: history.last().unwrap().state,
        history,
        subject: Subject {
            class: Class::new("car"),
            track: Some(TrackId(3)),
            count: 1,
            bbox: BBox::new(40.0, 30.0, 90.0, 60.0),
            fix: None,
        },
        warnings_played: 1,
        warning_not_delivered: false,
        said: None,
        findings: Vec::new(),
        clock: Reckoning::default(),
        case: None,
    }
}

pub(crate) fn confirmed(subject: u64) -> IncidentRecord {
    incident(
        subject,
        &[(IncidentState::Suspected, Cause::ConditionHeld), (IncidentState::Confirmed, Cause::HeldLongEnough)],
    )
}

pub(crate) fn escalated(subject: u64) -> IncidentRecord {
    let mut record = closed(subject);
    record.history.pop();
    record.state = IncidentState::Escalated;
    record
}

pub(crate) fn closed(subject: u64) -> IncidentRecord {
    incident(
        subject,
        &[
            (IncidentState::Suspected, Cause::ConditionHeld),
            (IncidentState::Confirmed, Cause::HeldLongEnough),
            (IncidentState::Warned, Cause::WarningSent),
            (IncidentState::Observing, Cause::PlaybackProven),
            (IncidentState::Escalated, Cause::WarningsUsedUp),
            (IncidentState::Closed, Cause::Settled),
        ],
    )
}

pub(crate) fn frame(width: u32, height: u32) -> Frame {
    let meta = FrameMeta { stream: StreamId::new("gate").unwrap(), sequence: 77, captured_at: T0, arrived_at: T0 };
    let luma = (0..width * height).map(|i| (60 + (i % width) * 120 / width) as u8);
    let chroma = width.div_ceil(2) * height.div_ceil(2) * 2;
    let bytes = luma.chain((0..chroma).map(|_| 128)).collect();
    Frame::packed(meta, PixelFormat::I420, ColourMatrix::BT601, (width, height), bytes).unwrap()
}
