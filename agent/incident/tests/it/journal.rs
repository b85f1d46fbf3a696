//! A recorded journal of inputs gives the same outputs, byte for byte. Update the golden files with
//! `UPDATE_EXPECT=1`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use expect_test::expect_file;
use forewarn_domain::RuleKey;
use forewarn_domain::Sight::{Absent, Compliant, Occluded, Violating};
use forewarn_domain::clock::UnknownCivilTime;
use forewarn_incident::{Incidents, JournalEntry, RulePolicy};
use serde::Serialize;

use crate::support::{PARKING, Stage, policy, rule, violation};

fn rules() -> BTreeMap<RuleKey, RulePolicy> {
    BTreeMap::from([(rule("parking", "kerb"), policy(violation(PARKING), &["horn", "spare"]))])
}

fn lines<T: Serialize>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().fold(String::new(), |mut text, item| {
        let _infallible = writeln!(text, "{}", serde_json::to_string(&item).unwrap());
        text
    })
}

/// Two cars at the kerb: the first one stays whatever is said and drives off at last, the second one complies; the
/// first speaker is dead and the stream has an outage.
#[test]
fn the_journal_records_every_call() {
    let mut stage = Stage::with(rules(), Arc::new(UnknownCivilTime)).dead_speaker("horn");
    stage.show(Violating, 8.0);
    stage.show_all(&[(1, Violating), (2, Violating)], 4.0);
    stage.show_all(&[(1, Violating), (2, Compliant)], 3.0);
    stage.show(Occluded, 2.0);
    stage.interrupt();
    stage.wait(4.0);
    stage.resume();
    stage.show(Violating, 35.0);
    stage.show(Absent, 6.0);
    stage.wait(10.0);
    expect_file!["goldens/kerb.journal.jsonl"].assert_eq(&lines(&stage.journal));
}

#[test]
fn a_journal_replayed_gives_the_same_outputs() {
    let journal = include_str!("goldens/kerb.journal.jsonl");
    let replay = || {
        let mut incidents = Incidents::new(rules(), Arc::new(UnknownCivilTime));
        let mut outputs = Vec::new();
        for line in journal.lines() {
            let entry: JournalEntry = serde_json::from_str(line).unwrap();
            incidents.replay(entry);
            outputs.extend(std::iter::from_fn(|| incidents.poll_output()));
        }
        lines(outputs)
    };
    let outputs = replay();
    assert_eq!(outputs, replay());
    expect_file!["goldens/kerb.outputs.jsonl"].assert_eq(&outputs);
}
