//! The clock on the wall is set, forward and back: nothing that is decided changes, and what is told says so.

use forewarn_domain::Sight::{Absent, Violating};
use forewarn_domain::clock::{ClockReading, ClockSet};
use forewarn_domain::{IncidentRecord, Reckoning, Timestamp};
use forewarn_incident::{IncidentInput, Incidents};
use proptest::prelude::*;

use crate::support::{PARKING, Stage, policy, violation};

const HOUR_US: i64 = 3_600_000_000;

fn stage() -> Stage {
    Stage::new(policy(violation(PARKING), &["horn", "spare"]))
}

fn read(offset_us: i64) -> IncidentInput {
    IncidentInput::ClockRead(ClockReading { offset_us, round: 0 })
}

/// A car that stays, is warned, is escalated, drives off, and comes back; the clock reads so before each part.
fn story(offsets_us: [i64; 5]) -> Stage {
    let mut stage = stage();
    let parts = [(Violating, 0.5), (Violating, 4.0), (Violating, 60.0), (Absent, 12.0), (Violating, 6.0)];
    for ((sight, seconds), offset_us) in parts.into_iter().zip(offsets_us) {
        stage.input(read(offset_us));
        stage.show(sight, seconds);
    }
    stage
}

fn open(incidents: &Incidents) -> IncidentRecord {
    incidents.open_incidents().next().unwrap().clone()
}

proptest! {
    #[test]
    fn a_clock_that_is_set_decides_nothing(
        offsets_us in prop::array::uniform5((-400_000_i64..400_000).prop_map(|hours| hours * HOUR_US)),
    ) {
        prop_assert_eq!(story(offsets_us).transcript(), story([0; 5]).transcript());
    }
}

#[test]
fn a_suspicion_goes_by_the_new_clock_and_a_report_by_the_one_it_began_with() {
    let mut stage = stage();
    stage.show(Violating, 0.5);
    stage.input(read(2 * HOUR_US));
    stage.show(Violating, 4.0);
    let began = stage.reports[0].incident.clone();
    assert_eq!(began.clock, Reckoning { offset_us: 2 * HOUR_US, sets: Vec::new() });
    assert_eq!(began.wall(began.history[0].at).as_micros(), 2 * HOUR_US + 500_000);

    stage.input(read(-HOUR_US));
    stage.show(Violating, 60.0);
    let last = stage.reports.last().unwrap().incident.clone();
    let set = ClockSet { at: Timestamp::from_secs_f64(4.5), by_us: -3 * HOUR_US };
    assert_eq!(last.clock, Reckoning { offset_us: 2 * HOUR_US, sets: vec![set] });
    let times: Vec<_> = last.history.iter().map(|step| last.wall(step.at)).collect();
    assert!(times.is_sorted(), "one time line: {times:?}");
}

#[test]
fn a_clock_that_was_set_while_the_agent_was_off_is_noted_too() {
    let mut stage = stage();
    stage.show(Violating, 4.0);
    stage.restart(self::stage().incidents, 30.0);
    stage.input(read(5 * HOUR_US));
    let record = open(&stage.incidents);
    assert_eq!((record.clock.offset_us, record.clock.sets.len()), (0, 1));
    assert_eq!(record.clock.sets[0].by_us, 5 * HOUR_US);
}

#[test]
fn a_time_that_comes_again_names_no_second_incident_alike() {
    let id = |round: u32| {
        let mut stage = stage();
        stage.input(IncidentInput::ClockRead(ClockReading { offset_us: 0, round }));
        stage.show(Violating, 4.0);
        open(&stage.incidents).id
    };
    assert_eq!(id(0).as_str(), "gate-parking-500-1");
    assert_eq!(id(3).as_str(), "gate-parking-500-1-r3");
}
