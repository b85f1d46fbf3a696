//! Which incident is which entry of the truth: one to one, the same violation and zone, at the same time and place.

use forewarn_domain::BBox;
use pathfinding::prelude::{Matrix, kuhn_munkres};
use serde::{Deserialize, Serialize};

use crate::alarms::Alarm;
use crate::truth::{ClipTruth, Ignored, Truth};

/// What an alarm turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict", content = "truth")]
pub enum Judged {
    /// It is this entry of the truth.
    Found(usize),
    /// Another alarm is this entry already.
    Duplicate(usize),
    /// Nothing of the kind happened.
    False,
    /// It is not judged: of a violation that the truth is silent about, in an ignored span, or after the judged part.
    Ignored,
}

impl Judged {
    /// Whether it counts against the rules.
    pub fn is_false_alarm(&self) -> bool {
        matches!(self, Self::False | Self::Duplicate(_))
    }
}

/// Pairs alarms with the truth of one clip. Returns a verdict for each alarm, in the order given.
///
/// Of all ways to pair them the one with the most pairs is taken, and of these the one with the most time in common
/// (Kuhn–Munkres).
pub fn judge(clip: &ClipTruth, alarms: &[Alarm], min_overlap: f32) -> Vec<Judged> {
    let is_candidate = |alarm: &Alarm, truth: &Truth| is_match(alarm, truth, clip.tolerance_s, min_overlap);
    let weight = |alarm: usize, truth: usize| {
        let (alarm, truth) = (&alarms[alarm], &clip.truths[truth]);
        is_candidate(alarm, truth).then(|| shared_s((alarm.confirmed_s, alarm.closed_s), (truth.from_s, truth.to_s)))
    };
    let paired = pair(alarms.len(), clip.truths.len(), weight);
    let verdict = |(alarm, paired): (&Alarm, Option<usize>)| {
        if let Some(truth) = paired {
            return Judged::Found(truth);
        }
        if is_ignored(clip, alarm) {
            return Judged::Ignored;
        }
        let duplicate = clip.truths.iter().position(|truth| is_candidate(alarm, truth));
        duplicate.map_or(Judged::False, Judged::Duplicate)
    };
    alarms.iter().zip(paired).map(verdict).collect()
}

/// Whether an alarm can be an entry of the truth: the same violation, in its zone, open at some time of it, not raised
/// before it began, and at its place. `tolerance_s` is allowed at both ends, because truth is marked by hand.
pub fn is_match(alarm: &Alarm, truth: &Truth, tolerance_s: f64, min_overlap: f32) -> bool {
    alarm.violation == truth.violation
        && truth.zone.as_ref().is_none_or(|zone| *zone == alarm.zone)
        && alarm.confirmed_s >= truth.from_s - tolerance_s
        && alarm.confirmed_s <= truth.to_s + tolerance_s
        && alarm.closed_s >= truth.from_s
        && truth.bbox.is_none_or(|bbox| {
            overlap(&alarm.bbox, &bbox) >= min_overlap || overlap(&alarm.last_box, &bbox) >= min_overlap
        })
}

/// How well two boxes agree, 0 to 1: intersection over union, or, where one holds the other, the part held.
pub fn overlap(a: &BBox, b: &BBox) -> f32 {
    let smaller = a.area().min(b.area());
    let held = if smaller > 0.0 { a.intersection(b) / smaller } else { 0.0 };
    // A small box anywhere within a large one must not count in full: the part held weighs half.
    a.iou(b).max(held * 0.5)
}

/// Seconds that two spans share.
pub fn shared_s(a: (f64, f64), b: (f64, f64)) -> f64 {
    (a.1.min(b.1) - a.0.max(b.0)).max(0.0)
}

/// Pairs `n_left` with `n_right` things one to one: as many as can be, then those of the greatest total `weight` in
/// seconds. `None` forbids a pair. Returns the partner of each on the left.
pub fn pair(n_left: usize, n_right: usize, weight: impl Fn(usize, usize) -> Option<f64>) -> Vec<Option<usize>> {
    /// Worth of a pair as such, in milliseconds; more than any clip is long, so that more pairs always win.
    const PAIR: i64 = 1 << 40;
    if n_left == 0 || n_right == 0 {
        return vec![None; n_left];
    }
    // The algorithm wants at least as many columns as rows; a column without a partner is worth nothing.
    let columns = n_right.max(n_left);
    let worth = |(row, column): (usize, usize)| {
        let weight = (column < n_right).then(|| weight(row, column)).flatten();
        weight.map_or(0, |seconds| PAIR + (seconds * 1e3).round() as i64)
    };
    let matrix = Matrix::from_fn(n_left, columns, worth);
    let (_, chosen) = kuhn_munkres(&matrix);
    let allowed = |(row, column): (usize, usize)| (worth((row, column)) > 0).then_some(column);
    chosen.into_iter().enumerate().map(allowed).collect()
}

fn is_ignored(clip: &ClipTruth, alarm: &Alarm) -> bool {
    let within = |ignored: &Ignored| {
        ignored.violation.as_ref().is_none_or(|violation| *violation == alarm.violation)
            && ignored.zone.as_ref().is_none_or(|zone| *zone == alarm.zone)
            && (ignored.from_s..=ignored.to_s).contains(&alarm.confirmed_s)
    };
    !clip.judges(&alarm.violation)
        || clip.duration_s.is_some_and(|duration_s| alarm.confirmed_s > duration_s)
        || clip.ignored.iter().any(within)
}
