//! The disk under the outbox fails at every step of many runs: what was recorded is never lost, half a report never appears, and
//! the outbox goes on.
//!
//! The layer that fails is SQLite's default for the whole process once it is there, and its index of the log does not keep
//! threads apart as the real one does: so these tests have a process of their own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod disk;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use forewarn_domain::Timestamp;
use forewarn_report::{Cursor, Destination, Outbox, OutboxError, OutboxLimits, OutboxSettings, Receipt};
use forewarn_wire::Event;
use forewarn_wire::samples::{CLOSING, report, source};

use disk::{Failure, on_a_disk};

/// Failures of each kind, at least.
const CUTS: u64 = 1000;
const REFUSALS: u64 = 300;
/// The one upstream.
const CITY: &str = "city";

/// What a run was told.
#[derive(Debug, Default)]
struct Told {
    /// Reports that the outbox took, in order, and those of which it said that it could not.
    recorded: Vec<String>,
    refused: BTreeSet<String>,
    /// Those that the upstream acknowledged.
    acknowledged: BTreeSet<String>,
    /// The latest sequence of each incident that is open.
    open: BTreeMap<u64, u32>,
}

fn opened(dir: &Path) -> Result<Outbox, OutboxError> {
    let upstreams = vec![Destination::required(CITY)];
    let settings = OutboxSettings { limits: OutboxLimits::default(), source: source(), upstreams };
    let opened = Outbox::open(dir.join("outbox.db"), settings, Timestamp::from_micros(1_769_850_000_000_000))?;
    assert_eq!(opened.set_aside, None, "nothing is damaged");
    opened.refused.map_or(Ok(opened.outbox), Err)
}

/// Records and acknowledges in an order of its own. What the disk refuses is tried again, as the agent does, up to so many times.
fn live(dir: &Path, seed: u64, tries: usize) -> Told {
    let mut told = Told::default();
    let Some(mut outbox) = (0..tries).find_map(|_| opened(dir).ok()) else { return told };
    for turn in 0..7_u64 {
        let dice = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(turn as u32 * 7);
        if dice.is_multiple_of(4) {
            let mut lane = outbox.lane(CITY);
            let waiting = lane.pending_after(Cursor::default(), 2);
            told.acknowledged.extend(waiting.iter().map(forewarn_report::QueuedReport::id));
            lane.ack(&waiting.iter().map(forewarn_report::QueuedReport::receipt).collect::<Vec<Receipt>>());
            continue;
        }
        let n = dice / 4 % 3;
        let sequence = told.open.get(&n).map_or(1, |last| last + 1);
        if sequence > CLOSING {
            continue;
        }
        let step = report(n, sequence);
        let id = Event::id_of(&step.incident.id, sequence);
        let is_taken = (0..tries).any(|_| outbox.record(&step, Some(&format!("{n}/{sequence}"))).is_ok());
        if is_taken {
            told.recorded.push(id);
            told.open.insert(n, sequence);
        } else {
            told.refused.insert(id);
            return told;
        }
    }
    told
}

/// What the next start finds.
fn check(dir: &Path, told: &Told, place: &str) {
    let outbox = opened(dir).unwrap();
    let waiting: Vec<String> = outbox
        .lane(CITY)
        .pending_after(Cursor::default(), 1000)
        .iter()
        .map(forewarn_report::QueuedReport::id)
        .collect();
    let known: Vec<&String> = waiting.iter().filter(|id| !told.refused.contains(*id)).collect();
    // What an upstream has may be sent to it again, if the disk died before that was noted.
    let owed = |id: &&String| !told.acknowledged.contains(*id) || waiting.contains(id);
    let expected: Vec<&String> = told.recorded.iter().filter(owed).collect();
    assert_eq!(known, expected, "{place}: {told:?}");
    let snapshots: BTreeMap<String, (u32, String)> = outbox
        .open_snapshots()
        .unwrap()
        .into_iter()
        .map(|one| (one.incident.to_string(), (one.last_sequence, one.snapshot)))
        .collect();
    for (&n, &sequence) in &told.open {
        let id = report(n, 1).incident.id;
        let in_flight = sequence + u32::from(told.refused.contains(&Event::id_of(&id, sequence + 1)));
        let kept = snapshots.get(id.as_str());
        let is_one_of = |kept: &(u32, String)| (sequence..=in_flight).any(|at| *kept == (at, format!("{n}/{at}")));
        let is_closed = in_flight >= CLOSING && kept.is_none();
        assert!(is_closed || kept.is_some_and(is_one_of), "{place}: incident {n} at {sequence}: {kept:?}");
    }
}

/// A folder in memory, where there is one.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

#[test]
fn wherever_the_disk_fails_under_the_outbox_nothing_that_was_recorded_is_lost() {
    let (mut cuts, mut refusals, mut seed) = (0, 0, 0);
    while cuts < CUTS || refusals < REFUSALS {
        seed += 1;
        let whole = folder();
        let (told, steps) = on_a_disk(whole.path(), Failure::None, || live(whole.path(), seed, 1));
        assert!(told.refused.is_empty(), "{told:?}");
        check(whole.path(), &told, "uncut");
        for at in (seed % 2..steps).step_by(2) {
            let root = folder();
            let lost = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(at as u32);
            let failure = Failure::Power { at, seed: lost };
            let (told, _) = on_a_disk(root.path(), failure, || live(root.path(), seed, 1));
            check(root.path(), &told, &format!("run {seed}, power cut at step {at} of {steps}"));
            cuts += 1;
        }
        for at in (seed % 7..steps).step_by(7) {
            for failure in [Failure::Refusal { at, steps: 1 + at % 3 }, Failure::Full { at, steps: 1 + at % 5 }] {
                let root = folder();
                let (told, _) = on_a_disk(root.path(), failure, || live(root.path(), seed, 12));
                let place = format!("run {seed}, {failure:?} of {steps} steps");
                assert!(told.refused.is_empty(), "{place}: it went on refusing");
                check(root.path(), &told, &place);
                refusals += 1;
            }
        }
    }
}
