//! What goes into the incident beside the subject: what closer looks told, which signs added up, what a sensor measured,
//! who brought a thing or from where it fell.

use forewarn_domain::{AttributeId, BestCrop, Finding, Origin, Timestamp, Verdict};

use super::attributes::Attributes;
use super::program::{CompiledRule, Leaf, ScoreOf, SensorOf};
use super::score::ScoreMemory;
use super::sensors::Values;

/// What is known of a subject of `rule`.
pub(super) fn of_subject(
    rule: &CompiledRule,
    attributes: &Attributes,
    scores: &[ScoreMemory],
    origin: Option<&Origin>,
    at: Timestamp,
) -> Vec<Finding> {
    let told = rule.asks.iter().map(|ask| attributes.finding(&ask.attribute, &ask.standard, at));
    // Nothing is known of what nobody has looked at.
    let mut findings: Vec<Finding> = told.filter(|finding| finding.looks > 0).collect();
    findings.extend(rule.scores.iter().zip(scores).filter(|(score, _)| !score.is_zone).filter_map(of_score));
    let is_asked = |leaf: &Leaf| matches!(leaf, Leaf::Appeared { .. } | Leaf::Falls { .. });
    if rule.leaves.iter().any(is_asked) {
        findings.extend(origin.and_then(of_origin));
    }
    findings
}

/// What is known of a zone as a whole.
pub(super) fn of_zone(rule: &CompiledRule, scores: &[ScoreMemory]) -> Vec<Finding> {
    rule.scores.iter().zip(scores).filter(|(score, _)| score.is_zone).filter_map(of_score).collect()
}

/// The latest values of the sensors.
pub(super) fn of_sensors(sensors: &[SensorOf], values: &Values) -> Vec<Finding> {
    let finding = |sensor: &SensorOf| {
        let (at, value) = values.latest(&sensor.id)?;
        // Four places are finer than any such sensor.
        let number = (value * 1e4).round() / 1e4;
        let text = sensor.unit.as_ref().map_or_else(|| number.to_string(), |unit| format!("{number} {unit}"));
        told(sensor.id.as_str(), at, 1.0, text)
    };
    sensors.iter().filter_map(finding).collect()
}

fn of_score((score, memory): (&ScoreOf, &ScoreMemory)) -> Option<Finding> {
    let (names, part) = memory.signs(score);
    let at = memory.at()?;
    let finding = told("signs", at, part, names.join(", "))?;
    // The time of a score is watched time, which says nothing outside of the rules.
    (!names.is_empty()).then_some(Finding { first_at: None, last_at: None, ..finding })
}

fn of_origin(origin: &Origin) -> Option<Finding> {
    let (name, at, text, bbox) = match origin {
        Origin::Brought(by) => ("brought_by", by.at, format!("{} {}", by.class, by.track), by.bbox),
        Origin::Fell { bbox, at, floor } => {
            let text = floor.map_or_else(|| "unknown floor".to_owned(), |floor| format!("floor {floor}"));
            ("fell_from", *at, text, *bbox)
        }
    };
    told(name, at, 1.0, text).map(|finding| Finding { best: Some(BestCrop { at, bbox, quality: 1.0 }), ..finding })
}

/// A finding that is a text, told once at `at`.
fn told(name: &str, at: Timestamp, confidence: f32, text: String) -> Option<Finding> {
    Some(Finding {
        attribute: AttributeId::new(name).ok()?,
        verdict: Verdict::Yes,
        unclear: None,
        confidence,
        votes: 1,
        looks: 1,
        first_at: Some(at),
        last_at: Some(at),
        text: Some(text),
        best: None,
    })
}
