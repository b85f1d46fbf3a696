//! What the civility index is computed from: the cameras' places, and incidents from outboxes and replays.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use forewarn_domain::{IncidentRecord, IncidentState, StreamId, Timestamp, ViolationId};
use forewarn_index::{CameraPlace, Case};
use forewarn_report::IncidentLedger;
use serde::Deserialize;

use crate::config::{Camera, StorageDir};

/// The places of a site's cameras.
pub fn cameras(site: &StreamId, cameras: &[Camera]) -> Vec<CameraPlace> {
    let camera =
        |camera: &Camera| CameraPlace { site: site.clone(), camera: camera.id.clone(), place: camera.place.clone() };
    cameras.iter().map(camera).collect()
}

/// The confirmed incidents that an agent's outbox remembers. None where the agent has never run.
pub fn from_outbox(site: &StreamId, storage: &StorageDir) -> anyhow::Result<Vec<Case>> {
    let path = storage.outbox();
    if !path.exists() {
        return Ok(Vec::new());
    }
    let ledger = IncidentLedger::open(&path)?;
    let entries = ledger.latest(u32::MAX)?;
    Ok(entries.iter().filter_map(|entry| case(site, &entry.record)).collect())
}

fn case(site: &StreamId, record: &IncidentRecord) -> Option<Case> {
    let steps = record.history.iter().map(|step| (step.state, step.at));
    let told = Course::of(steps)?;
    Some(Case {
        site: site.clone(),
        camera: record.rule.stream.clone(),
        violation: record.rule.violation.clone(),
        confirmed_at: told.confirmed_at,
        outcome: told.outcome,
        settled_at: told.settled_at,
    })
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
            let is_settled = matches!(state, IncidentState::Complied | IncidentState::Escalated | IncidentState::Lost);
            if is_settled {
                settled_at = Some(at);
            }
        }
        Some(Self { confirmed_at: confirmed_at?, outcome, settled_at })
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

/// The incidents of a replay, whose clips began at `start`.
pub fn from_replay(site: &StreamId, path: &Path, start: jiff::Timestamp) -> anyhow::Result<Vec<Case>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
    let mut cases = Vec::new();
    for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let line: Line = serde_json::from_str(line).map_err(|error| {
            anyhow!("{}:{}: {error}; give an incidents.jsonl that `forewarn replay` wrote", path.display(), i + 1)
        })?;
        let at = |at_s: f64| Timestamp::from_micros(start.as_microsecond() + (at_s * 1e6).round() as i64);
        let steps = line.history.iter().map(|step| (step.state, at(step.at_s)));
        let Some(told) = Course::of(steps) else { continue };
        cases.push(Case {
            site: site.clone(),
            camera: line.camera,
            violation: line.violation,
            confirmed_at: told.confirmed_at,
            outcome: told.outcome,
            settled_at: told.settled_at,
        });
    }
    Ok(cases)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_becomes_cases_on_the_wall_clock() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("incidents.jsonl");
        let line = r#"{"id":"a","violation":"loitering","camera":"gate","zone":"z","state":"closed","history":[
            {"state":"suspected","at_s":1.0,"cause":"condition_held"},{"state":"confirmed","at_s":2.5,"cause":"held_long_enough"},
            {"state":"complied","at_s":9.0,"cause":"no_longer_seen"},{"state":"closed","at_s":14.0,"cause":"settled"}]}"#;
        std::fs::write(&path, line.replace('\n', "")).unwrap();
        let site = StreamId::new("s").unwrap();
        let start: jiff::Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let cases = from_replay(&site, &path, start).unwrap();
        assert_eq!(cases.len(), 1);
        assert_eq!(cases[0].outcome, IncidentState::Complied);
        assert_eq!(cases[0].confirmed_at.as_micros(), start.as_microsecond() + 2_500_000);
        assert_eq!(cases[0].settled_at.unwrap().as_micros(), start.as_microsecond() + 9_000_000);
        std::fs::write(&path, "{}\n").unwrap();
        let error = from_replay(&site, &path, start).unwrap_err().to_string();
        assert!(error.contains("incidents.jsonl:1") && error.contains("forewarn replay"), "{error}");
    }
}
