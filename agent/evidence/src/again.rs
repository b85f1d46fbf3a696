//! Whether the clip of a bundle, decided again, shows the same incident. Pure: who decides again is somebody else.

use std::fmt;

use forewarn_domain::{BBox, IncidentRecord, IncidentState, Moment, Timestamp};
use serde::Serialize;
use serde_json::Value;

use crate::record::{BundleRecord, ClipEntry};
use crate::sealed_to::is_sealed_to_key;
use crate::setting::Setting;

/// Boxes that share less of their union are of something else, or of another moment.
const LEAST_OVERLAP: f32 = 0.5;
/// The confirmation may come later or earlier by this and two looks: the clip begins at another frame than the camera's looks.
const LEEWAY_S: f64 = 0.5;

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The same incident.
    Same,
    /// Another, or none.
    Different,
    /// The clip begins after that began which must last for so long.
    TooShort,
}

/// What was found when the clip was decided again.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Again {
    /// What came of it.
    pub outcome: Outcome,
    /// How the setting differs from the one that was kept.
    pub setting: Vec<String>,
    /// How the incident differs.
    pub incident: Vec<String>,
    /// What agrees, in words.
    pub agrees: Vec<String>,
}

/// A bundle with the clip that is decided again.
#[derive(Debug, Clone, Copy)]
pub struct Kept<'a> {
    record: &'a BundleRecord,
    /// The clip of the confirmation.
    pub clip: &'a ClipEntry,
    setting: &'a Setting,
}

impl<'a> Kept<'a> {
    /// What a bundle keeps; none if it has no clip of its confirmation that can be read, or no setting.
    pub fn of(record: &'a BundleRecord, setting: Option<&'a Setting>) -> Option<Self> {
        let is_readable = |clip: &&ClipEntry| !is_sealed_to_key(&clip.file);
        let clip = record.clips.iter().find(|clip| clip.moment == Moment::Confirmed).filter(is_readable)?;
        Some(Self { record, clip, setting: setting? })
    }

    /// Compares with the incidents of a replay as they were when they were confirmed, by the time of the clip.
    pub fn compare(&self, now: Option<&Setting>, found: &[IncidentRecord]) -> Again {
        let setting =
            now.map_or_else(|| vec!["the site has no such rule any more".to_owned()], |now| self.differences(now));
        let (mut incident, mut agrees) = (Vec::new(), Vec::new());
        let rule = &self.record.incident.rule;
        let (expected_s, leeway_s) = (self.expected_s(), 2.0 * self.setting.analysis_interval_s + LEEWAY_S);
        let off_s = |found: &IncidentRecord| (confirmed_s(found) - expected_s).abs();
        let same_rule = found.iter().filter(|found| found.rule == *rule);
        // Of several of the rule, the one that shares the place; of those the nearest in time.
        let nearest = same_rule.min_by(|a, b| {
            let is_elsewhere = |found: &IncidentRecord| self.overlap(found).is_some_and(|share| share < LEAST_OVERLAP);
            is_elsewhere(a).cmp(&is_elsewhere(b)).then(off_s(a).total_cmp(&off_s(b)))
        });
        match nearest {
            None => {
                let others: Vec<String> = found.iter().map(|found| found.rule.violation.to_string()).collect();
                let seen = if others.is_empty() { "nothing".to_owned() } else { others.join(", ") };
                incident.push(format!("no {} in zone {} was confirmed; what was: {seen}", rule.violation, rule.zone));
            }
            Some(found) => {
                agrees.push(format!("{} in zone {}", rule.violation, rule.zone));
                let at_s = confirmed_s(found);
                let words = format!("confirmed {at_s:.2} s into the clip, {expected_s:.2} s as it was kept");
                if off_s(found) <= leeway_s {
                    agrees.push(words);
                } else {
                    incident.push(words);
                }
                if let Some(share) = self.overlap(found) {
                    let words = format!("the boxes share {:.0} % of their union", share * 100.0);
                    if share >= LEAST_OVERLAP {
                        agrees.push(words);
                    } else {
                        incident.push(words);
                    }
                }
                self.compare_subject(found, &mut agrees, &mut incident);
            }
        }
        let outcome = match (incident.is_empty(), self.short_of_s()) {
            (true, _) => Outcome::Same,
            (false, Some((there_s, needed_s))) if setting.is_empty() => {
                let words =
                    "the clip begins {there} s before the suspicion, for which something had to last for {needed} s";
                let words =
                    words.replace("{there}", &format!("{there_s:.1}")).replace("{needed}", &format!("{needed_s:.1}"));
                incident.push(words);
                Outcome::TooShort
            }
            (false, _) => Outcome::Different,
        };
        Again { outcome, setting, incident, agrees }
    }

    fn compare_subject(&self, found: &IncidentRecord, agrees: &mut Vec<String>, incident: &mut Vec<String>) {
        let (was, is) = (&self.record.incident.subject.class, &found.subject.class);
        if was == is {
            agrees.push(format!("the subject is a {is}"));
        } else {
            incident.push(format!("the subject is a {is}; as it was kept: a {was}"));
        }
        // What follows the confirmation hangs on loudspeakers and on people, and is not decided by the clip alone.
        let until = |history: &mut dyn Iterator<Item = IncidentState>| -> Vec<String> {
            let mut states = Vec::new();
            for state in history {
                states.push(state.as_str().to_owned());
                if state == IncidentState::Confirmed {
                    break;
                }
            }
            states
        };
        let was = until(&mut self.record.history.iter().map(|step| step.state));
        let is = until(&mut found.history.iter().map(|step| step.state));
        if was == is {
            agrees.push(format!("states: {}", is.join(", ")));
        } else {
            incident.push(format!("states: {}; as they were kept: {}", is.join(", "), was.join(", ")));
        }
    }

    /// When it was confirmed, in seconds of the clip.
    fn expected_s(&self) -> f64 {
        self.at_s(IncidentState::Confirmed).unwrap_or_default() - self.clip.from.seconds
    }

    fn at_s(&self, state: IncidentState) -> Option<f64> {
        self.record.history.iter().find(|step| step.state == state).map(|step| step.at.seconds)
    }

    /// How long the clip shows what led to the suspicion, and how long that had to last, where the former is less.
    fn short_of_s(&self) -> Option<(f64, f64)> {
        let there_s = self.at_s(IncidentState::Suspected)? - self.clip.from.seconds;
        let condition = serde_json::to_value(&self.setting.violation.condition).ok()?;
        let needed_s = longest_s(&condition, self.setting);
        (there_s < needed_s).then_some((there_s, needed_s))
    }

    /// How much the box of the kept snapshot and the one found share of their union; none if nobody kept one.
    fn overlap(&self, found: &IncidentRecord) -> Option<f32> {
        let snapshot = self.record.snapshots.iter().find(|snapshot| snapshot.moment == Moment::Confirmed)?;
        let kept: BBox = snapshot.subject?;
        let (width, height) = snapshot.boxes_of.unwrap_or((snapshot.width, snapshot.height));
        let scale = |to: u32, from: u32| to as f32 / from.max(1) as f32;
        let kept = kept.scaled(scale(self.clip.width, width), scale(self.clip.height, height));
        Some(kept.iou(&found.subject.bbox))
    }

    fn differences(&self, now: &Setting) -> Vec<String> {
        let (was, mut told) = (self.setting, Vec::new());
        for model in &was.models {
            match now.models.iter().find(|other| other.what == model.what) {
                Some(other) if other == model => {}
                Some(other) => told.push(format!(
                    "{}: {} (sha256 {}), {} (sha256 {}) as it was kept",
                    model.what,
                    other.card,
                    other.sha256.as_deref().unwrap_or("unknown"),
                    model.card,
                    model.sha256.as_deref().unwrap_or("unknown")
                )),
                None => told.push(format!("{}: none, {} as it was kept", model.what, model.card)),
            }
        }
        let interval = |setting: &Setting| format!("{:.3} s", setting.analysis_interval_s);
        if interval(was) != interval(now) {
            told.push(format!("a look every {}, {} as it was kept", interval(now), interval(was)));
        }
        let parts = [
            ("the violation", was.violation != now.violation),
            ("the zone", was.zone != now.zone),
            ("the tracker's settings", was.tracking.is_some() && was.tracking != now.tracking),
        ];
        told.extend(parts.iter().filter(|(_, differs)| *differs).map(|(what, _)| format!("{what} differs")));
        told
    }
}

fn confirmed_s(found: &IncidentRecord) -> f64 {
    found.first_entered(IncidentState::Confirmed).map_or(f64::INFINITY, Timestamp::as_secs_f64)
}

/// The longest time that a condition names, in seconds.
fn longest_s(condition: &Value, setting: &Setting) -> f64 {
    let of = |key: &str, value: &Value| match value {
        Value::Number(number) if key.ends_with("_s") => number.as_f64().unwrap_or(0.0),
        Value::String(name) if key.ends_with("_s") => {
            let named = name.strip_prefix('$').and_then(|name| setting.violation.parameters.get(name));
            named.copied().unwrap_or(0.0)
        }
        other => longest_s(other, setting),
    };
    match condition {
        Value::Object(fields) => fields.iter().map(|(key, value)| of(key, value)).fold(0.0, f64::max),
        Value::Array(values) => values.iter().map(|value| of("", value)).fold(0.0, f64::max),
        _ => 0.0,
    }
}

impl fmt::Display for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.outcome {
            Outcome::Same => "the same incident",
            Outcome::Different => "NOT the same incident",
            Outcome::TooShort => "the clip is too short to show it",
        };
        writeln!(f, "{verdict}")?;
        for line in &self.agrees {
            writeln!(f, "  {line}")?;
        }
        for line in &self.incident {
            writeln!(f, "  differs: {line}")?;
        }
        for line in &self.setting {
            writeln!(f, "  setting: {line}")?;
        }
        Ok(())
    }
}
