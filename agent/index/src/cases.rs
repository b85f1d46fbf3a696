//! Incidents as the index sees them, from the records that an agent remembers and from the lines of a replay.

use forewarn_domain::{IncidentRecord, IncidentState, StreamId, Timestamp, ViolationId};
use serde::Deserialize;

use crate::Case;

impl Case {
    /// The incident of a site that a record tells of; none if it was never confirmed.
    pub fn of_record(site: &StreamId, record: &IncidentRecord) -> Option<Self> {
        // The calendar's periods are those of the clock on the wall.
        let shown = |at| Timestamp::from_micros(record.wall(at).as_micros());
        let course = Course::of(record.history.iter().map(|step| (step.state, shown(step.at))))?;
        Some(course.case(site, record.rule.stream.clone(), record.rule.violation.clone()))
    }

    /// The confirmed incidents of a replay, from the text of its `incidents.jsonl`; its clips began at `start`.
    pub fn of_replay(site: &StreamId, text: &str, start: jiff::Timestamp) -> Result<Vec<Self>, LineError> {
        let mut cases = Vec::new();
        for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let line: Line = serde_json::from_str(line).map_err(|source| LineError { line: i + 1, source })?;
            let at = |at_s: f64| Timestamp::from_micros(start.as_microsecond() + (at_s * 1e6).round() as i64);
            let steps = line.history.iter().map(|step| (step.state, at(step.at_s)));
            let Some(course) = Course::of(steps) else { continue };
            cases.push(course.case(site, line.camera, line.violation));
        }
        Ok(cases)
    }
}

/// A line is not one of a replay.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {source}; give an incidents.jsonl that `forewarn replay` wrote")]
pub struct LineError {
    /// Its number, from 1.
    pub line: usize,
    source: serde_json::Error,
}

/// What a history tells of an incident.
struct Course {
    confirmed_at: Timestamp,
    outcome: IncidentState,
    settled_at: Option<Timestamp>,
}

impl Course {
    fn of(steps: impl Iterator<Item = (IncidentState, Timestamp)>) -> Option<Self> {
        let (mut confirmed_at, mut outcome, mut settled_at) = (None, IncidentState::Suspected, None);
        for (state, at) in steps {
            if state == IncidentState::Confirmed {
                confirmed_at = confirmed_at.or(Some(at));
            }
            if state != IncidentState::Closed {
                outcome = state;
            }
            if state.is_outcome() {
                settled_at = Some(at);
            }
        }
        Some(Self { confirmed_at: confirmed_at?, outcome, settled_at })
    }

    fn case(self, site: &StreamId, camera: StreamId, violation: ViolationId) -> Case {
        let Self { confirmed_at, outcome, settled_at } = self;
        Case { site: site.clone(), camera, violation, confirmed_at, outcome, settled_at }
    }
}

/// One line of `incidents.jsonl`, as far as the index needs it.
#[derive(Deserialize)]
struct Line {
    violation: ViolationId,
    camera: StreamId,
    history: Vec<LineStep>,
}

#[derive(Deserialize)]
struct LineStep {
    state: IncidentState,
    at_s: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_becomes_cases_on_the_wall_clock() {
        let line = r#"{"id":"a","violation":"loitering","camera":"gate","zone":"z","state":"closed","history":[
            {"state":"suspected","at_s":1.0,"cause":"condition_held"},{"state":"confirmed","at_s":2.5,"cause":"held_long_enough"},
            {"state":"complied","at_s":9.0,"cause":"no_longer_seen"},{"state":"closed","at_s":14.0,"cause":"settled"}]}"#;
        let site = StreamId::new("s").unwrap();
        let start: jiff::Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let cases = Case::of_replay(&site, &line.replace('\n', ""), start).unwrap();
        assert_eq!(cases.len(), 1);
        assert_eq!(cases[0].outcome, IncidentState::Complied);
        assert_eq!(cases[0].confirmed_at.as_micros(), start.as_microsecond() + 2_500_000);
        assert_eq!(cases[0].settled_at.unwrap().as_micros(), start.as_microsecond() + 9_000_000);
        let error = Case::of_replay(&site, "\n{}\n", start).unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("forewarn replay"), "{error}");
    }
}
