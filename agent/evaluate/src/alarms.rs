//! The incidents of a clip as far as matching needs them.

use std::collections::BTreeMap;

use forewarn_domain::{BBox, IncidentId, IncidentRecord, IncidentState, Timestamp, ViolationId, ZoneId};
use serde::{Deserialize, Serialize};

/// A confirmed incident, in seconds of the clip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// The incident's id.
    pub id: String,
    /// What.
    pub violation: ViolationId,
    /// Where.
    pub zone: ZoneId,
    /// The class of the subject.
    pub class: String,
    /// When it was confirmed.
    pub confirmed_s: f64,
    /// When it was closed; the clip's end if it never was.
    pub closed_s: f64,
    /// The subject's box when it was confirmed, in pixels.
    #[serde(rename = "box")]
    pub bbox: BBox,
    /// The subject's box when it was last seen, in pixels.
    pub last_box: BBox,
}

/// Every incident of a clip, with its box at the time of confirmation.
#[derive(Debug, Clone, Default)]
pub struct Sightings(BTreeMap<IncidentId, Seen>);

#[derive(Debug, Clone)]
struct Seen {
    record: IncidentRecord,
    confirmed_box: Option<BBox>,
}

impl Sightings {
    /// An incident entered a state.
    pub fn moved(&mut self, record: &IncidentRecord) {
        let fresh = || Seen { record: record.clone(), confirmed_box: None };
        let seen = self.0.entry(record.id.clone()).or_insert_with(fresh);
        if record.state == IncidentState::Confirmed && seen.confirmed_box.is_none() {
            seen.confirmed_box = Some(record.subject.bbox);
        }
        seen.record = record.clone();
    }

    /// The incidents that were confirmed in a clip of `end_s` seconds, by the time of confirmation.
    pub fn alarms(&self, end_s: f64) -> Vec<Alarm> {
        let mut alarms: Vec<Alarm> = self.0.values().filter_map(|seen| seen.alarm(end_s)).collect();
        alarms.sort_by(|a, b| a.confirmed_s.total_cmp(&b.confirmed_s).then_with(|| a.id.cmp(&b.id)));
        alarms
    }
}

impl Seen {
    fn alarm(&self, end_s: f64) -> Option<Alarm> {
        let record = &self.record;
        let confirmed = record.first_entered(IncidentState::Confirmed)?;
        let closed_s = record.first_entered(IncidentState::Closed).map_or(end_s, seconds);
        Some(Alarm {
            id: record.id.as_str().to_owned(),
            violation: record.rule.violation.clone(),
            zone: record.rule.zone.clone(),
            class: record.subject.class.as_str().to_owned(),
            confirmed_s: seconds(confirmed),
            closed_s,
            bbox: self.confirmed_box.unwrap_or(record.subject.bbox),
            last_box: record.subject.bbox,
        })
    }
}

/// Seconds to the millisecond.
fn seconds(at: Timestamp) -> f64 {
    (at.as_micros() as f64 / 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use forewarn_domain::{Cause, Class, Reckoning, RuleKey, StreamId, Subject, Transition};

    use super::*;

    fn record(id: &str, steps: &[(IncidentState, f64)], x: f32) -> IncidentRecord {
        let step = |&(state, at_s)| Transition::new(state, Timestamp::from_secs_f64(at_s), Cause::Settled);
        let (stream, violation) = (StreamId::new("gate").unwrap(), ViolationId::new("loitering").unwrap());
        let bbox = BBox::new(x, 0.0, x + 10.0, 10.0);
        IncidentRecord {
            id: IncidentId::from_stored(id),
            rule: RuleKey { stream, violation, zone: ZoneId::new("whole").unwrap() },
            state: steps.last().map_or(IncidentState::Suspected, |(state, _)| *state),
            history: steps.iter().map(step).collect(),
            subject: Subject { class: Class::new("person"), track: None, count: 1, bbox, fix: None },
            warnings_played: 0,
            warning_not_delivered: false,
            said: None,
            findings: Vec::new(),
            clock: Reckoning::default(),
            case: None,
        }
    }

    #[test]
    fn an_alarm_has_its_box_of_the_confirmation_and_ends_with_the_clip_at_the_latest() {
        use IncidentState::{Closed, Confirmed, Suspected};
        let mut sightings = Sightings::default();
        sightings.moved(&record("late", &[(Suspected, 6.0), (Confirmed, 7.0)], 5.0));
        sightings.moved(&record("early", &[(Suspected, 1.0), (Confirmed, 2.0)], 1.0));
        sightings.moved(&record("early", &[(Suspected, 1.0), (Confirmed, 2.0), (Closed, 4.0)], 3.0));
        sightings.moved(&record("never", &[(Suspected, 3.0), (Closed, 4.0)], 9.0));
        let alarms = sightings.alarms(10.0);
        let told: Vec<_> =
            alarms.iter().map(|a| (&*a.id, a.confirmed_s, a.closed_s, a.bbox.x0, a.last_box.x0)).collect();
        assert_eq!(told, [("early", 2.0, 4.0, 1.0, 3.0), ("late", 7.0, 10.0, 5.0, 5.0)]);
    }
}
