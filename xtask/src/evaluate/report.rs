//! The table of what is found in scenes, as a page shows it.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::intervals::{median, poisson};

/// What stands around the table in the page.
const BEGIN: &str = "<!-- The table of `cargo xtask evaluate --write` begins here. -->";
const END: &str = "<!-- The table of `cargo xtask evaluate --write` ends here. -->";

/// What of a saved evaluation is shown.
#[derive(Debug, Deserialize)]
pub(super) struct Evaluation {
    violations: Vec<Score>,
    all: Score,
    clips: Vec<Scene>,
}

#[derive(Debug, Deserialize)]
struct Score {
    violation: String,
    truths: u64,
    true_positives: u64,
    false_positives: u64,
    precision: Option<Ratio>,
    recall: Option<Ratio>,
    hours: f64,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Ratio {
    value: f64,
    low: f64,
    high: f64,
}

#[derive(Debug, Deserialize)]
struct Scene {
    clip: String,
    model: String,
    media_s: f64,
    truths: Vec<Truth>,
    alarms: Vec<Alarm>,
}

#[derive(Debug, Deserialize)]
struct Truth {
    violation: String,
    from_s: f64,
    delay_s: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct Alarm {
    violation: String,
    confirmed_s: f64,
    verdict: String,
}

/// The page with `section` between its marks.
pub(super) fn placed(page: &str, section: &str) -> Result<String> {
    let (before, rest) = page.split_once(BEGIN).with_context(|| format!("the line `{BEGIN}` is missing"))?;
    let (_, after) = rest.split_once(END).with_context(|| format!("the line `{END}` is missing"))?;
    Ok(format!("{before}{BEGIN}\n\n{section}\n{END}{after}"))
}

/// The figures of each violation, and what was missed and falsely found.
pub(super) fn section(result: &Evaluation, part: &str, seed: &str) -> String {
    let minutes = result.clips.iter().map(|clip| clip.media_s).sum::<f64>() / 60.0;
    let model = result.clips.first().map_or("no model", |clip| clip.model.as_str());
    let n = result.clips.len();
    let mut text = format!(
        "The {n} scenes of the {part} part, seed {seed}, {minutes:.0} minutes, `{model}`; in brackets 95 % intervals (Wilson; \
         Garwood for what comes by the hour; of a median by ranks, from six on).\n\n"
    );
    text += "| violation | true | found | false | precision | recall | hours | false an hour | median delay, s |\n";
    text += "|---|---|---|---|---|---|---|---|---|\n";
    for score in result.violations.iter().chain([&result.all]) {
        text += &row(score, &delays(result, score));
    }
    text.push('\n');
    text += &mistakes(result);
    text
}

/// The delays of what was found of a violation, sorted; of all for the row of all.
fn delays(result: &Evaluation, score: &Score) -> Vec<f64> {
    let truths = result.clips.iter().flat_map(|clip| &clip.truths);
    let of_score = truths.filter(|truth| score.violation == "all" || truth.violation == score.violation);
    let mut delays: Vec<f64> = of_score.filter_map(|truth| truth.delay_s).collect();
    delays.sort_by(f64::total_cmp);
    delays
}

fn row(score: &Score, delays: &[f64]) -> String {
    let ratio = |ratio: Option<Ratio>| {
        ratio.map_or_else(|| "–".to_owned(), |r| format!("{:.2} ({:.2} to {:.2})", r.value, r.low, r.high))
    };
    let by_the_hour = if score.hours > 0.0 {
        let (low, high) = poisson(score.false_positives);
        let rate = |n: f64| format!("{:.1}", n / score.hours);
        format!("{} ({} to {})", rate(score.false_positives as f64), rate(low), rate(high))
    } else {
        "–".to_owned()
    };
    let delay = match (delays.get(delays.len().saturating_sub(1) / 2), median(delays)) {
        (None, _) => "–".to_owned(),
        (Some(middle), None) => format!("{middle:.1}"),
        (Some(middle), Some((low, high))) => format!("{middle:.1} ({low:.1} to {high:.1})"),
    };
    let name = if score.violation == "all" { "**all**".to_owned() } else { format!("`{}`", score.violation) };
    format!(
        "| {name} | {} | {} | {} | {} | {} | {:.2} | {by_the_hour} | {delay} |\n",
        score.truths,
        score.true_positives,
        score.false_positives,
        ratio(score.precision),
        ratio(score.recall),
        score.hours,
    )
}

fn mistakes(result: &Evaluation) -> String {
    let mut text = String::new();
    for clip in &result.clips {
        let scene = clip.clip.split('/').next().unwrap_or(&clip.clip);
        for truth in clip.truths.iter().filter(|truth| truth.delay_s.is_none()) {
            let _ = writeln!(text, "- `{scene}`: `{}` of {:.0} s is missed.", truth.violation, truth.from_s);
        }
        for alarm in clip.alarms.iter().filter(|alarm| matches!(alarm.verdict.as_str(), "false" | "duplicate")) {
            let _ = writeln!(text, "- `{scene}`: `{}` at {:.0} s is false.", alarm.violation, alarm.confirmed_s);
        }
    }
    if text.is_empty() { "Nothing is missed, and nothing found that is not there.\n".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESULT: &str = r#"{
        "violations": [{ "violation": "left_object", "truths": 2, "true_positives": 1, "false_positives": 1,
            "precision": { "value": 0.5, "low": 0.09, "high": 0.91 },
            "recall": { "value": 0.5, "low": 0.09, "high": 0.91 }, "hours": 0.5 }],
        "all": { "violation": "all", "truths": 2, "true_positives": 1, "false_positives": 1,
            "precision": null, "recall": null, "hours": 0.5 },
        "clips": [{ "clip": "bag-left/clip.mp4", "model": "site-nano-416", "media_s": 1800.0,
            "truths": [{ "violation": "left_object", "from_s": 7.0, "delay_s": 12.25 },
                       { "violation": "left_object", "from_s": 31.0, "delay_s": null }],
            "alarms": [{ "violation": "left_object", "confirmed_s": 19.2, "verdict": "found", "truth": 0 },
                       { "violation": "left_object", "confirmed_s": 3.0, "verdict": "false" }] }]
    }"#;

    #[test]
    fn a_result_becomes_a_table_with_its_mistakes() {
        let text = section(&serde_json::from_str(RESULT).unwrap(), "test", "1");
        assert!(text.starts_with("The 1 scenes of the test part, seed 1, 30 minutes, `site-nano-416`"), "{text}");
        let row = "| `left_object` | 2 | 1 | 1 | 0.50 (0.09 to 0.91) | 0.50 (0.09 to 0.91) | 0.50 | 2.0 (0.1 to 11.1) | 12.2 |";
        assert!(text.lines().any(|line| line == row), "{text}");
        assert!(text.contains("`bag-left`: `left_object` of 31 s is missed."), "{text}");
        assert!(text.contains("`bag-left`: `left_object` at 3 s is false."), "{text}");
    }

    #[test]
    fn the_table_takes_the_place_of_the_one_before() {
        let page = format!("head\n{BEGIN}\nold\n{END}\nfoot\n");
        let once = placed(&page, "new\n").unwrap();
        assert_eq!(once, format!("head\n{BEGIN}\n\nnew\n\n{END}\nfoot\n"));
        assert_eq!(placed(&once, "new\n").unwrap(), once);
        assert!(placed("no marks", "new").is_err());
    }
}
