//! What goes into the incident beside the subject: what closer looks told, which signs added up, what a sensor measured,
//! who brought a thing or from where it fell.

use forewarn_domain::{AttributeId, BestCrop, Finding, Origin, Timestamp, Verdict};

use super::attributes::Attributes;
use super::conditions::{Score, Threshold, Watch};
use super::program::CompiledRule;
use super::values::Values;

/// What is known of a subject of `rule`.
pub(super) fn of_subject(
    rule: &CompiledRule,
    attributes: &Attributes,
    scores: &[Score],
    origin: Option<&Origin>,
    at: Timestamp,
) -> Vec<Finding> {
    let told = rule.asks.iter().map(|ask| attributes.finding(&ask.attribute, &ask.standard, at));
    // Nothing is known of what nobody has looked at.
    let mut findings: Vec<Finding> = told.filter(|finding| finding.looks > 0).collect();
    findings.extend(scores.iter().filter(|score| !score.is_zone()).filter_map(of_score));
    let is_asked = |watch: &Watch| matches!(watch, Watch::Appeared(_) | Watch::Falls(_));
    if rule.watches.iter().any(is_asked) {
        findings.extend(origin.and_then(of_origin));
    }
    findings
}

/// What is known of a zone as a whole.
pub(super) fn of_zone(scores: &[Score]) -> Vec<Finding> {
    scores.iter().filter(|score| score.is_zone()).filter_map(of_score).collect()
}

/// The latest values of the sensors.
pub(super) fn of_sensors(sensors: &[Threshold], values: &Values) -> Vec<Finding> {
    let finding = |sensor: &Threshold| {
        let (at, value) = values.latest(sensor.id())?;
        // Four places are finer than any such sensor.
        let number = (value * 1e4).round() / 1e4;
        let text = sensor.unit().map_or_else(|| number.to_string(), |unit| format!("{number} {unit}"));
        told(sensor.id().as_str(), Some(at), 1.0, text)
    };
    sensors.iter().filter_map(finding).collect()
}

fn of_score(score: &Score) -> Option<Finding> {
    let (names, part) = score.counting();
    told("signs", None, part, names.join(", ")).filter(|_| !names.is_empty())
}

fn of_origin(origin: &Origin) -> Option<Finding> {
    let (name, at, text, bbox) = match origin {
        Origin::Brought(by) => ("brought_by", by.at, format!("{} {}", by.class, by.track), by.bbox),
        Origin::Fell { bbox, at, floor } => {
            let text = floor.map_or_else(|| "unknown floor".to_owned(), |floor| format!("floor {floor}"));
            ("fell_from", *at, text, *bbox)
        }
    };
    told(name, Some(at), 1.0, text)
        .map(|finding| Finding { best: Some(BestCrop { at, bbox, quality: 1.0 }), ..finding })
}

/// A finding that is a text, told once, at `at` if that is known.
fn told(name: &str, at: Option<Timestamp>, confidence: f32, text: String) -> Option<Finding> {
    Some(Finding {
        attribute: AttributeId::new(name).ok()?,
        verdict: Verdict::Yes,
        unclear: None,
        confidence,
        votes: 1,
        looks: 1,
        first_at: at,
        last_at: at,
        text: Some(text),
        best: None,
    })
}
