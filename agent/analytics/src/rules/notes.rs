//! What goes into the incident beside the subject: what closer looks told, which signs added up, what a sensor measured,
//! who brought a thing or from where it fell.

use forewarn_domain::{About, BestCrop, Finding, Origin, Timestamp};

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
        findings.extend(origin.map(of_origin));
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
        Some(Finding::told(About::Sensor(sensor.id().clone()), Some(at), 1.0, text))
    };
    sensors.iter().filter_map(finding).collect()
}

fn of_score(score: &Score) -> Option<Finding> {
    let (names, part) = score.counting();
    (!names.is_empty()).then(|| Finding::told(About::Signs, None, part, names.join(", ")))
}

fn of_origin(origin: &Origin) -> Finding {
    let (about, at, text, bbox) = match origin {
        Origin::Brought(by) => (About::Brought, by.at, format!("{} {}", by.class, by.track), by.bbox),
        Origin::Fell { bbox, at, floor } => {
            let text = floor.map_or_else(|| "unknown floor".to_owned(), |floor| format!("floor {floor}"));
            (About::Fell, *at, text, *bbox)
        }
    };
    let seen = BestCrop { at, bbox, quality: 1.0 };
    Finding { best: Some(seen), ..Finding::told(about, Some(at), 1.0, text) }
}
