//! Truth files, matching, figures and comparisons on hand-made incidents.

use forewarn_domain::{BBox, StreamId, ViolationId, ZoneId};
use proptest::prelude::*;

use super::diff::compare;
use super::matching::{Alarm, Verdict, judge, overlap, pair};
use super::result::{AlarmResult, ClipResult, Evaluation, TruthResult};
use super::score::{Delay, Ratio};
use super::truth::{ClipTruth, Known, read};
use crate::config::resolve;
use crate::config::source::Source;

const SITE: &str = r#"
[site]
id = "north"
[[camera]]
id = "gate"
url = "file:gate.mp4"
[[camera.zone]]
id = "kerb"
polygon = [[0, 0], [100, 0], [100, 100]]
[[camera]]
id = "yard"
url = "file:yard.mp4"
"#;

fn known() -> Known {
    let mut known = Known::built_in().unwrap();
    known.add(&resolve(&Source::new("site.toml", SITE)).unwrap());
    known
}

fn truth(entries: &str) -> ClipTruth {
    let text = format!("camera = \"gate\"\n[[clip]]\nfile = \"a.mp4\"\n{entries}");
    read(&Source::new("truth.toml", text), &known()).unwrap_or_else(|errors| panic!("{errors}")).remove(0)
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

fn mistakes(text: &str) -> String {
    read(&Source::new("truth.toml", text), &known()).unwrap_err().to_string()
}

#[test]
fn mistakes_name_file_line_key_and_the_mend() {
    let head = "[[clip]]\nfile = \"a.mp4\"\ncamera = \"gate\"\n";
    for (entry, expected) in [
        (
            "[[clip.truth]]\nviolation = \"ilegal_parking\"\nfrom_s = 1\nto_s = 2\n",
            "truth.toml:5: violation: there is no violation `ilegal_parking`\n  mend: did you mean `illegal_parking`?",
        ),
        (
            "[[clip.truth]]\nviolation = \"loitering\"\nfrom_s = 5\nto_s = 2\n",
            "truth.toml:7: to_s: it ends at 2 s, before it begins at 5 s\n  mend: exchange the two",
        ),
        (
            "[[clip.truth]]\nviolation = \"loitering\"\nfrom_s = -1\nto_s = 2\n",
            "truth.toml:6: from_s: -1 is out of range",
        ),
        (
            "[[clip.truth]]\nviolation = \"loitering\"\nzone = \"kreb\"\nfrom_s = 1\nto_s = 2\n",
            "truth.toml:6: zone: camera `gate` has no zone `kreb`\n  mend: did you mean `kerb`?",
        ),
        (
            "[[clip.truth]]\nviolation = \"loitering\"\nform_s = 1\nto_s = 2\n",
            "truth.toml:6: form_s: unknown field `form_s`",
        ),
        (
            "[[clip.truth]]\nviolation = \"loitering\"\nfrom_s = 1\nto_s = 2\nbox = [5, 5, 1, 9]\n",
            "truth.toml:8: box: the box is empty or inside out",
        ),
        (
            "nothing = true\n[[clip.truth]]\nviolation = \"loitering\"\nfrom_s = 1\nto_s = 2\n",
            "truth.toml:4: nothing: `nothing` happens, and yet 1 entries say what does",
        ),
        (
            "judged = [\"crowding\"]\n[[clip.truth]]\nviolation = \"loitering\"\nfrom_s = 1\nto_s = 2\n",
            "`judged` leaves out `loitering`",
        ),
        ("start = \"noon\"\nnothing = true\n", "truth.toml:4: start: this is no time"),
        ("", "the clip has no entry that says what happens"),
    ] {
        let text = mistakes(&format!("{head}{entry}"));
        assert!(text.contains(expected), "{entry}\n{text}");
    }
    let several = mistakes("[[clip]]\nfile = \"a.mp4\"\nnothing = true\n");
    assert!(several.contains("the site has several cameras (gate, yard), and none is named"), "{several}");
    let other = mistakes("[[clip]]\nfile = \"a.mp4\"\ncamera = \"gat\"\nnothing = true\n");
    assert!(other.contains("truth.toml:3: camera: ") && other.contains("did you mean `gate`?"), "{other}");
    assert!(mistakes("").contains("names no clip"));
}

#[test]
fn an_alarm_is_the_entry_that_it_meets_in_time_zone_and_place() {
    let clip = truth(&parking(20.0, 60.0));
    let verdict = |alarm: Alarm| judge(&clip, &[alarm], 0.3)[0];
    assert_eq!(verdict(alarm("a", "illegal_parking", 30.0, 70.0)), Verdict::Found(0));
    assert_eq!(verdict(alarm("late", "illegal_parking", 64.0, 70.0)), Verdict::Found(0));
    assert_eq!(verdict(alarm("too-late", "illegal_parking", 66.0, 70.0)), Verdict::False);
    assert_eq!(verdict(alarm("before", "illegal_parking", 5.0, 70.0)), Verdict::False);
    assert_eq!(verdict(alarm("other", "loitering", 30.0, 70.0)), Verdict::False);
    let elsewhere = Alarm { zone: ZoneId::new("whole").unwrap(), ..alarm("b", "illegal_parking", 30.0, 70.0) };
    assert_eq!(verdict(elsewhere), Verdict::False);

    let placed = truth(&format!("{}box = [10, 10, 50, 40]\n", parking(20.0, 60.0)));
    let far = BBox::new(200.0, 10.0, 240.0, 40.0);
    let moved = Alarm { bbox: far, last_box: far, ..alarm("far", "illegal_parking", 30.0, 70.0) };
    assert_eq!(judge(&placed, &[moved], 0.3), [Verdict::False]);
    assert_eq!(judge(&placed, &[alarm("near", "illegal_parking", 30.0, 70.0)], 0.3), [Verdict::Found(0)]);
}

#[test]
fn a_second_alarm_of_one_entry_is_a_duplicate_and_two_entries_take_one_each() {
    let alarms = [alarm("a", "illegal_parking", 30.0, 70.0), alarm("b", "illegal_parking", 35.0, 40.0)];
    assert_eq!(judge(&truth(&parking(20.0, 60.0)), &alarms, 0.3), [Verdict::Found(0), Verdict::Duplicate(0)]);
    // The first alarm fits both entries and the second only the first: the pairing with more pairs is taken.
    let two = truth(&format!("{}{}", parking(20.0, 60.0), parking(34.0, 36.0)));
    let alarms = [alarm("a", "illegal_parking", 30.0, 70.0), alarm("b", "illegal_parking", 50.0, 55.0)];
    assert_eq!(judge(&two, &alarms, 0.3), [Verdict::Found(1), Verdict::Found(0)]);
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
    let ignored = Verdict::Ignored;
    assert_eq!(verdicts, [ignored, ignored, Verdict::False, ignored, ignored]);
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
        verdict: Verdict::False,
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
    assert_eq!(serde_json::from_str::<Evaluation>(&text).unwrap(), result);
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
