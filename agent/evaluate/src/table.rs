//! Evaluations and comparisons as text for people.

use std::io::{self, Write};

use crate::diff::{Change, Diff, Entry};
use crate::matching::Judged;
use crate::result::{ClipResult, Evaluation};
use crate::score::{Delay, Ratio, Score};

const HEADS: [&str; 12] = [
    "violation",
    "true",
    "found",
    "missed",
    "false",
    "dup",
    "precision",
    "recall",
    "F1",
    "false/h",
    "hours",
    "delay s",
];

/// Prints the figures, and what was missed and falsely found.
pub fn evaluation(out: &mut impl Write, evaluation: &Evaluation) -> io::Result<()> {
    let mut rows = vec![HEADS.map(str::to_owned).to_vec()];
    rows.extend(evaluation.violations.iter().map(row));
    if evaluation.violations.len() > 1 {
        rows.push(row(&evaluation.all));
    }
    grid(out, &rows)?;
    writeln!(out, "precision and recall with their Wilson 95 % intervals; delay: median / 90 % / longest")?;
    for clip in &evaluation.clips {
        mistakes(out, clip)?;
    }
    for failed in &evaluation.failed {
        writeln!(out, "not played: {}: {}", failed.clip, failed.reason)?;
    }
    Ok(())
}

/// Prints what a change gains and loses.
pub fn diff(out: &mut impl Write, diff: &Diff) -> io::Result<()> {
    let heads = ["violation", "found", "false", "precision", "recall", "F1", "false/h", "median delay s"];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    rows.extend(diff.violations.iter().chain([&diff.all]).map(change));
    grid(out, &rows)?;
    let lists: [(&str, &[Entry]); 4] = [
        ("gained", &diff.gained),
        ("lost", &diff.lost),
        ("new false alarm", &diff.false_alarms_new),
        ("false alarm gone", &diff.false_alarms_gone),
    ];
    for (what, entries) in lists {
        for entry in entries {
            let zone = entry.zone.as_deref().unwrap_or("any zone");
            let span = format!("{:.1} to {:.1} s", entry.from_s, entry.to_s);
            writeln!(out, "{what}: {} ({}): {} in {zone}, {span}", entry.clip, entry.camera, entry.violation)?;
        }
    }
    if lists.iter().all(|(_, entries)| entries.is_empty()) {
        writeln!(out, "nothing gained, nothing lost")?;
    }
    for (what, clips) in [
        ("only in the old evaluation", &diff.only_old),
        ("only in the new evaluation", &diff.only_new),
        ("left out, because the truth differs", &diff.truth_differs),
    ] {
        for clip in clips {
            writeln!(out, "{what}: {clip}")?;
        }
    }
    Ok(())
}

fn row(score: &Score) -> Vec<String> {
    vec![
        score.violation.clone(),
        score.truths.to_string(),
        score.true_positives.to_string(),
        score.missed.to_string(),
        score.false_positives.to_string(),
        score.duplicates.to_string(),
        ratio(score.precision),
        ratio(score.recall),
        number(score.f1, 3),
        number(score.false_alarms_per_hour, 2),
        format!("{:.3}", score.hours),
        score
            .delay
            .map_or_else(dash, |Delay { median_s, p90_s, max_s }| format!("{median_s:.1} / {p90_s:.1} / {max_s:.1}")),
    ]
}

fn change(change: &Change) -> Vec<String> {
    let both = |figure: &dyn Fn(&Score) -> String| {
        let side = |score: &Option<Score>| score.as_ref().map_or_else(dash, figure);
        let (old, new) = (side(&change.old), side(&change.new));
        if old == new { new } else { format!("{old} → {new}") }
    };
    vec![
        change.violation.clone(),
        both(&|score| format!("{}/{}", score.true_positives, score.truths)),
        both(&|score| score.false_positives.to_string()),
        both(&|score| number(score.precision.map(|p| p.value), 3)),
        both(&|score| number(score.recall.map(|r| r.value), 3)),
        both(&|score| number(score.f1, 3)),
        both(&|score| number(score.false_alarms_per_hour, 2)),
        both(&|score| number(score.delay.map(|delay| delay.median_s), 1)),
    ]
}

fn mistakes(out: &mut impl Write, clip: &ClipResult) -> io::Result<()> {
    for truth in clip.truths.iter().filter(|truth| truth.found.is_none()) {
        let zone = truth.zone.as_ref().map_or("any zone", |zone| zone.as_str());
        let span = format!("{:.1} to {:.1} s", truth.from_s, truth.to_s);
        writeln!(out, "missed: {}: {} in {zone}, {span}", clip.label(), truth.violation)?;
    }
    for known in &clip.alarms {
        let alarm = &known.alarm;
        let what = match known.verdict {
            Judged::False => "false alarm".to_owned(),
            Judged::Duplicate(truth) => {
                let first = clip.truths.get(truth).and_then(|truth| truth.found.as_deref()).unwrap_or("another");
                format!("duplicate of {first}")
            }
            Judged::Found(_) | Judged::Ignored => continue,
        };
        let [x0, y0, x1, y1] = <[f32; 4]>::from(alarm.bbox).map(f32::round);
        writeln!(
            out,
            "{what}: {}: {} in {}, {:.1} to {:.1} s, {} at [{x0}, {y0}, {x1}, {y1}], {}",
            clip.label(),
            alarm.violation,
            alarm.zone,
            alarm.confirmed_s,
            alarm.closed_s,
            alarm.class,
            alarm.id
        )?;
    }
    Ok(())
}

fn dash() -> String {
    "-".to_owned()
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(dash, |value| format!("{value:.digits$}"))
}

fn ratio(ratio: Option<Ratio>) -> String {
    ratio.map_or_else(dash, |r| format!("{:.3} [{:.2}, {:.2}]", r.value, r.low, r.high))
}

/// Prints rows in columns: the first to the left, the others to the right.
fn grid(out: &mut impl Write, rows: &[Vec<String>]) -> io::Result<()> {
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|c| c.chars().count()).max().unwrap_or(0);
    for row in rows {
        let cells = row.iter().enumerate().map(|(column, cell)| {
            let pad = " ".repeat(width(column).saturating_sub(cell.chars().count()));
            if column == 0 { format!("{cell}{pad}") } else { format!("{pad}{cell}") }
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}
