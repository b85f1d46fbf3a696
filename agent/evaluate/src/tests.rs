//! Matching, figures and comparisons on hand-made incidents.

use std::collections::{BTreeMap, BTreeSet};

use forewarn_domain::{BBox, StreamId, ViolationId, ZoneId};
use proptest::prelude::*;

use crate::alarms::Alarm;
use crate::diff::compare;
use crate::matching::{Judged, judge, overlap, pair};
use crate::reading::{Mend, check};
use crate::result::{AlarmResult, ClipResult, Evaluation, ReadError, TruthResult};
use crate::score::{Delay, Ratio};
use crate::truth::{ClipTruth, Known};

fn known() -> Known {
    let violations = ["illegal_parking", "loitering", "crowding"].map(|id| ViolationId::new(id).unwrap()).into();
    let zones = BTreeSet::from([ZoneId::new("kerb").unwrap()]);
    Known { violations, cameras: BTreeMap::from([(StreamId::new("gate").unwrap(), zones)]) }
}

fn truth(entries: &str) -> ClipTruth {
    let text = format!("camera = \"gate\"\n[[clip]]\nfile = \"a.mp4\"\n{entries}");
    check(toml::from_str(&text).unwrap(), &known()).unwrap().remove(0)
}

fn parking(from_s: f64, to_s: f64) -> String {
    format!("[[clip.truth]]\nviolation = \"illegal_parking\"\nzone = \"kerb\"\nfrom_s = {from_s}\nto_s = {to_s}\n")
}

fn alarm(id: &str, violation: &str, confirmed_s: f64, closed_s: f64) -> Alarm {
    let bbox = BBox::new(10.0, 10.0, 50.0, 40.0);
    Alarm {
        id: id.to_owned(),
        violation: ViolationId::new(violation).unwrap(),
        zone: ZoneId::new("kerb").unwrap(),
        class: "car".to_owned(),
        confirmed_s,
        closed_s,
        bbox,
        last_box: bbox,
    }
}

#[test]
fn an_unknown_name_comes_with_the_names_that_there_are() {
    let text = "[[clip]]\nfile = \"a.mp4\"\n[[clip.truth]]\nviolation = \"loitering\"\nzone = \"kreb\"\nfrom_s = 3\nto_s = 2\n";
    let mistakes = check(toml::from_str(text).unwrap(), &known()).unwrap_err();
    let told: Vec<_> = mistakes.iter().map(|m| (&text[m.place.clone().unwrap()], m.problem.as_str())).collect();
    assert_eq!(
        told,
        [("2", "it ends at 2 s, before it begins at 3 s"), ("\"kreb\"", "camera `gate` has no zone `kreb`"),]
    );
    let Mend::Name { written, known, .. } = &mistakes[1].mend else { panic!("{mistakes:?}") };
    assert_eq!((written.as_str(), known.as_slice()), ("kreb", &["kerb".to_owned()][..]));
}

#[test]
fn an_alarm_is_the_entry_that_it_meets_in_time_zone_and_place() {
    let clip = truth(&parking(20.0, 60.0));
    let verdict = |alarm: Alarm| judge(&clip, &[alarm], 0.3)[0];
    assert_eq!(verdict(alarm("a", "illegal_parking", 30.0, 70.0)), Judged::Found(0));
    assert_eq!(verdict(alarm("late", "illegal_parking", 64.0, 70.0)), Judged::Found(0));
    assert_eq!(verdict(alarm("too-late", "illegal_parking", 66.0, 70.0)), Judged::False);
    assert_eq!(verdict(alarm("before", "illegal_parking", 5.0, 70.0)), Judged::False);
    assert_eq!(verdict(alarm("other", "loitering", 30.0, 70.0)), Judged::False);
    let elsewhere = Alarm { zone: ZoneId::new("whole").unwrap(), ..alarm("b", "illegal_parking", 30.0, 70.0) };
    assert_eq!(verdict(elsewhere), Judged::False);

    let placed = truth(&format!("{}box = [10, 10, 50, 40]\n", parking(20.0, 60.0)));
    let far = BBox::new(200.0, 10.0, 240.0, 40.0);
    let moved = Alarm { bbox: far, last_box: far, ..alarm("far", "illegal_parking", 30.0, 70.0) };
    assert_eq!(judge(&placed, &[moved], 0.3), [Judged::False]);
    assert_eq!(judge(&placed, &[alarm("near", "illegal_parking", 30.0, 70.0)], 0.3), [Judged::Found(0)]);
}

#[test]
fn a_second_alarm_of_one_entry_is_a_duplicate_and_two_entries_take_one_each() {
    let alarms = [alarm("a", "illegal_parking", 30.0, 70.0), alarm("b", "illegal_parking", 35.0, 40.0)];
    assert_eq!(judge(&truth(&parking(20.0, 60.0)), &alarms, 0.3), [Judged::Found(0), Judged::Duplicate(0)]);
    // The first alarm fits both entries and the second only the first: the pairing with more pairs is taken.
    let two = truth(&format!("{}{}", parking(20.0, 60.0), parking(34.0, 36.0)));
    let alarms = [alarm("a", "illegal_parking", 30.0, 70.0), alarm("b", "illegal_parking", 50.0, 55.0)];
    assert_eq!(judge(&two, &alarms, 0.3), [Judged::Found(1), Judged::Found(0)]);
}

#[test]
fn what_is_not_judged_counts_for_nothing() {
    let quiet = "judged = [\"illegal_parking\"]\nduration_s = 100\nnothing = true\nignore = [{ from_s = 0, to_s = 10 }, { violation = \"illegal_parking\", zone = \"kerb\", from_s = 20, to_s = 30 }]\n";
    let alarms = [
        alarm("start", "illegal_parking", 4.0, 8.0),
        alarm("span", "illegal_parking", 25.0, 50.0),
        alarm("counted", "illegal_parking", 40.0, 50.0),
        alarm("silent", "loitering", 40.0, 50.0),
        alarm("after", "illegal_parking", 101.0, 110.0),
    ];
    let verdicts = judge(&truth(quiet), &alarms, 0.3);
    let ignored = Judged::Ignored;
    assert_eq!(verdicts, [ignored, ignored, Judged::False, ignored, ignored]);
}

#[test]
fn boxes_agree_by_union_or_by_holding() {
    let large = BBox::new(0.0, 0.0, 100.0, 100.0);
    assert_eq!(overlap(&large, &large), 1.0);
    assert_eq!(overlap(&large, &BBox::new(10.0, 10.0, 20.0, 20.0)), 0.5);
    assert_eq!(overlap(&large, &BBox::new(200.0, 0.0, 210.0, 10.0)), 0.0);
}

#[test]
fn intervals_are_wilsons() {
    assert_eq!(Ratio::of(0, 0), None);
    // Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263 and 0 of 20.
    let ratio = Ratio::of(81, 263).unwrap();
    assert!((ratio.low - 0.2553).abs() < 5e-5 && (ratio.high - 0.3662).abs() < 5e-5, "{ratio:?}");
    let none = Ratio::of(0, 20).unwrap();
    assert!(none.low == 0.0 && (none.high - 0.1611).abs() < 5e-5, "{none:?}");
}

#[test]
fn delays_are_by_the_nearest_rank() {
    assert_eq!(Delay::of(&[]), None);
    let delays: Vec<f64> = (1..=10).rev().map(f64::from).collect();
    assert_eq!(Delay::of(&delays), Some(Delay { median_s: 5.0, p90_s: 9.0, max_s: 10.0 }));
    assert_eq!(Delay::of(&[2.5]), Some(Delay { median_s: 2.5, p90_s: 2.5, max_s: 2.5 }));
}

/// A clip of an hour with entries (found or not) and false alarms.
fn clip(name: &str, found: &[bool], false_at_s: &[f64]) -> ClipResult {
    let truths = found.iter().enumerate().map(|(n, &is_found)| TruthResult {
        violation: ViolationId::new("illegal_parking").unwrap(),
        zone: ZoneId::new("kerb").ok(),
        from_s: 100.0 * n as f64,
        to_s: 100.0 * n as f64 + 50.0,
        bbox: None,
        found: is_found.then(|| format!("found-{n}")),
        delay_s: is_found.then_some(12.0),
    });
    let alarms = false_at_s.iter().map(|&at_s| AlarmResult {
        alarm: alarm(&format!("false-{at_s}"), "illegal_parking", at_s, at_s + 10.0),
        verdict: Judged::False,
    });
    ClipResult {
        clip: name.to_owned(),
        camera: StreamId::new("gate").unwrap(),
        model: "nanodet-g-416".to_owned(),
        media_s: 3600.0,
        judged_s: 3600.0,
        frames: 36_000,
        analysed: 18_000,
        looked_for: vec![ViolationId::new("illegal_parking").unwrap()],
        truths: truths.collect(),
        alarms: alarms.collect(),
    }
}

#[test]
fn figures_follow_from_what_was_found() {
    let result = Evaluation::new(vec![clip("a.mp4", &[true, true, false], &[500.0]), clip("b.mp4", &[], &[])], vec![]);
    let score = &result.violations[0];
    assert_eq!((score.truths, score.true_positives, score.missed, score.false_positives), (3, 2, 1, 1));
    assert_eq!(score.precision.map(|p| p.value), Some(0.666_667));
    assert_eq!(score.f1, Some(0.666_667));
    assert_eq!((score.hours, score.false_alarms_per_hour), (2.0, Some(0.5)));
    assert_eq!(score.delay.map(|delay| delay.median_s), Some(12.0));
    let text = serde_json::to_string(&result).unwrap();
    assert_eq!(Evaluation::from_json(&text).unwrap(), result);
    let other = Evaluation { format: "forewarn-evaluation/0".to_owned(), ..result };
    let refused = Evaluation::from_json(&serde_json::to_string(&other).unwrap()).unwrap_err();
    assert!(matches!(&refused, ReadError::Format { found } if found == "forewarn-evaluation/0"), "{refused}");
    assert!(matches!(Evaluation::from_json("{}"), Err(ReadError::Document(_))));
}

#[test]
fn a_comparison_shows_what_is_gained_and_lost() {
    let old =
        Evaluation::new(vec![clip("a.mp4", &[true, false], &[500.0, 700.0]), clip("old.mp4", &[true], &[])], vec![]);
    let new =
        Evaluation::new(vec![clip("a.mp4", &[false, true], &[503.0, 900.0]), clip("new.mp4", &[true], &[])], vec![]);
    let diff = compare(&old, &new);
    assert_eq!(diff.gained.iter().map(|e| e.from_s).collect::<Vec<_>>(), [100.0]);
    assert_eq!(diff.lost.iter().map(|e| e.from_s).collect::<Vec<_>>(), [0.0]);
    assert_eq!(diff.false_alarms_new.iter().map(|e| e.from_s).collect::<Vec<_>>(), [900.0]);
    assert_eq!(diff.false_alarms_gone.iter().map(|e| e.from_s).collect::<Vec<_>>(), [700.0]);
    assert_eq!((diff.only_old.len(), diff.only_new.len()), (1, 1));
    assert!(diff.is_worse());
    // Only the clip that both have is counted.
    assert_eq!(diff.all.old.as_ref().map(|score| score.truths), Some(2));
    assert!(!compare(&new, &new).is_worse());
    let other_truth = Evaluation::new(vec![clip("a.mp4", &[true], &[])], vec![]);
    assert_eq!(compare(&old, &other_truth).truth_differs, ["a.mp4 (gate)"]);
}

proptest! {
    #[test]
    fn pairs_are_one_to_one_allowed_and_as_many_as_can_be(
        weights in prop::collection::vec(prop::collection::vec(prop::option::of(0.0..100.0f64), 4), 0..5)
    ) {
        let partners = pair(weights.len(), 4, |left, right| weights[left][right]);
        let chosen: Vec<(usize, usize)> =
            partners.iter().enumerate().filter_map(|(left, right)| Some((left, (*right)?))).collect();
        for (n, &(left, right)) in chosen.iter().enumerate() {
            prop_assert!(weights[left][right].is_some());
            prop_assert!(chosen[n + 1..].iter().all(|&(_, other)| other != right));
        }
        prop_assert_eq!(chosen.len(), most_pairs(&weights, &mut [false; 4]));
    }
}

/// The greatest number of pairs, by trying all.
fn most_pairs(rows: &[Vec<Option<f64>>], taken: &mut [bool; 4]) -> usize {
    let Some((row, rest)) = rows.split_first() else { return 0 };
    let mut best = most_pairs(rest, taken);
    for column in 0..4 {
        if row[column].is_some() && !taken[column] {
            taken[column] = true;
            best = best.max(1 + most_pairs(rest, taken));
            taken[column] = false;
        }
    }
    best
}
