//! Whether what came is what was recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::Context as _;
use forewarn_domain::{IncidentId, IncidentRecord, IncidentState};
use forewarn_wire::{Event, WireTransition};

use crate::subscriber::Received;

/// What the outbox recorded of each incident.
pub type Facts = BTreeMap<IncidentId, IncidentRecord>;

/// How much two boxes overlap that show the same subject.
const SAME_PLACE: f32 = 0.5;

/// What a comparison found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Confirmed incidents that the outbox recorded or a message told of.
    pub incidents: usize,
    /// Different events that came.
    pub events: usize,
    /// Deliveries beyond the first of an event to the same consumer.
    pub repeats: usize,
    /// Reports that were recorded, or lie before one that came, and came to nobody.
    pub lost: Vec<String>,
    /// Incidents that were recorded or told of and that the outbox, read last, does not know, or not as far.
    pub forgotten: Vec<String>,
    /// Events that came twice with different content, or whose history contradicts a later one.
    pub altered: Vec<String>,
    /// Events whose first delivery to a consumer came after that of a later event of the same incident.
    pub disordered: Vec<String>,
    /// Events that the witness got and the platform did not: the broker acknowledged them and lost them.
    pub lost_by_broker: usize,
    /// Incidents that the platform cannot know to the end, because it missed the latest event of the incident.
    pub ends_lost_by_broker: usize,
    /// Incidents that began while another was open of the same rule, class and place.
    pub doubles: Vec<String>,
}

impl Judgement {
    /// Compares what the outbox held at any reading (`facts`) and at the last one (`latest`) with what the two
    /// consumers got.
    pub fn of(facts: &Facts, latest: &Facts, platform: &[Received], witness: &[Received]) -> anyhow::Result<Self> {
        let mut judgement = Self::default();
        let (by_platform, by_witness) = (events(platform)?, events(witness)?);
        judgement.check_order("platform", &by_platform);
        judgement.check_order("witness", &by_witness);
        let mut first: BTreeMap<&str, (&Event, &str)> = BTreeMap::new();
        for (event, payload) in by_platform.iter().chain(&by_witness) {
            let (_, known) = *first.entry(&event.id).or_insert((event, payload));
            if known != *payload {
                judgement.altered.push(format!("{}: came as {known} and as {payload}", event.id));
            }
        }
        let mut incidents: BTreeMap<&IncidentId, BTreeMap<u32, &Event>> =
            facts.keys().map(|id| (id, BTreeMap::new())).collect();
        for (event, _) in first.values() {
            incidents.entry(&event.data.incident.id).or_default().insert(event.data.sequence, event);
        }
        let at_platform: BTreeSet<&str> = by_platform.iter().map(|(event, _)| event.id.as_str()).collect();
        for (id, came) in &incidents {
            let recorded = facts.get(*id).map_or(0, |record| record.history.len().saturating_sub(1));
            let last = came.keys().next_back().copied().unwrap_or(0).max(u32::try_from(recorded)?);
            if latest.get(*id).is_none_or(|record| record.history.len() <= last as usize) {
                judgement.forgotten.push(id.to_string());
            }
            let missing = (1..=last).filter(|sequence| !came.contains_key(sequence));
            judgement.lost.extend(missing.map(|sequence| Event::id_of(id, sequence)));
            judgement.check_histories(came);
            let missed = came.values().filter(|event| !at_platform.contains(event.id.as_str())).count();
            judgement.lost_by_broker += missed;
            judgement.ends_lost_by_broker +=
                usize::from(came.values().next_back().is_some_and(|event| !at_platform.contains(event.id.as_str())));
        }
        judgement.incidents = incidents.len();
        judgement.events = first.len();
        judgement.doubles = doubles(&incidents);
        Ok(judgement)
    }

    fn check_order(&mut self, consumer: &str, events: &[(Event, &str)]) {
        let mut highest: BTreeMap<&IncidentId, u32> = BTreeMap::new();
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for (event, _) in events {
            let highest = highest.entry(&event.data.incident.id).or_insert(0);
            if !seen.insert(&event.id) {
                self.repeats += 1;
            } else if event.data.sequence <= *highest {
                self.disordered.push(format!("{} came to the {consumer} after sequence {highest}", event.id));
            }
            *highest = event.data.sequence.max(*highest);
        }
    }

    /// Each event's history must be a beginning of the latest one, as long as its sequence says.
    fn check_histories(&mut self, came: &BTreeMap<u32, &Event>) {
        let Some(latest) = came.values().next_back() else { return };
        let whole: &[WireTransition] = &latest.data.incident.history;
        for (sequence, event) in came {
            let history = &event.data.incident.history;
            if history.len() != *sequence as usize + 1 || !whole.starts_with(history) {
                self.altered.push(format!("{}: its history is no beginning of that of {}", event.id, latest.id));
            }
        }
    }

    /// Whether nothing was lost, altered or out of order.
    pub fn is_good(&self) -> bool {
        self.lost.is_empty() && self.forgotten.is_empty() && self.altered.is_empty() && self.disordered.is_empty()
    }

    /// The table at the end of a run, with what is wrong.
    pub fn table(&self) -> String {
        let mut text = format!(
            "confirmed incidents            {:>6}\ndifferent events               {:>6}\nrepeated deliveries            {:>6}\n\
             reports lost                   {:>6}\nincidents forgotten            {:>6}\nevents altered                 {:>6}\nevents out of order            {:>6}\n\
             acknowledged, lost by broker   {:>6}   of these the last of their incident: {}\n\
             second incidents of a subject  {:>6}\n",
            self.incidents,
            self.events,
            self.repeats,
            self.lost.len(),
            self.forgotten.len(),
            self.altered.len(),
            self.disordered.len(),
            self.lost_by_broker,
            self.ends_lost_by_broker,
            self.doubles.len()
        );
        let kinds = [
            ("lost", &self.lost),
            ("altered", &self.altered),
            ("out of order", &self.disordered),
            ("second incident", &self.doubles),
        ];
        for (kind, list) in kinds {
            for item in list {
                let _ = writeln!(text, "{kind}: {item}");
            }
        }
        text
    }
}

fn events(messages: &[Received]) -> anyhow::Result<Vec<(Event, &str)>> {
    let mut events = Vec::new();
    for message in messages {
        if let Some(event) = message.event().context("a message is no event")? {
            events.push((event, message.payload.as_str()));
        }
    }
    Ok(events)
}

/// The incidents that began while another one of the same rule and class was open at the same place.
fn doubles(incidents: &BTreeMap<&IncidentId, BTreeMap<u32, &Event>>) -> Vec<String> {
    let begins_beside = |new: &Event, other: &BTreeMap<u32, &Event>| {
        let at = |event: &Event| event.data.incident.history.last().map_or(0, |step| step.at_us);
        // The other incident as it was when the new one began.
        let then = other.values().rev().find(|event| at(event) <= at(new))?;
        let (a, b) = (&new.data.incident, &then.data.incident);
        let is_same_rule = (&a.camera, &a.violation, &a.zone) == (&b.camera, &b.violation, &b.zone);
        let is_open = b.state != IncidentState::Closed;
        let is_same_subject = a.subject.class == b.subject.class && a.subject.bbox.iou(&b.subject.bbox) > SAME_PLACE;
        let is_double = a.id != b.id && is_same_rule && is_open && is_same_subject;
        is_double.then(|| format!("{} beside {}, which was {}", a.id, b.id, b.state))
    };
    let beginnings = incidents.values().filter_map(|came| came.get(&1));
    beginnings.filter_map(|new| incidents.values().find_map(|other| begins_beside(new, other))).collect()
}

#[cfg(test)]
mod tests {
    use forewarn_domain::{
        BBox, Cause, Class, Reckoning, Report, RuleKey, StreamId, Subject, Timestamp, TrackId, Transition, ViolationId,
        ZoneId,
    };
    use forewarn_wire::EventSource;

    use super::*;

    fn record(n: u32, steps: usize) -> IncidentRecord {
        let states = [
            (IncidentState::Suspected, Cause::ConditionHeld),
            (IncidentState::Confirmed, Cause::HeldLongEnough),
            (IncidentState::Observing, Cause::NoWarningConfigured),
            (IncidentState::Complied, Cause::SeenComplying),
            (IncidentState::Closed, Cause::Settled),
        ];
        let at = |i: usize| Timestamp::from_secs_f64(f64::from(n * 100) + i as f64);
        let step = |(i, &(state, cause)): (usize, &(IncidentState, Cause))| Transition::new(state, at(i), cause);
        IncidentRecord {
            id: IncidentId::from_stored(&format!("gate-loitering-{n}")),
            rule: RuleKey {
                stream: StreamId::new("gate").unwrap(),
                violation: ViolationId::new("loitering").unwrap(),
                zone: ZoneId::new("plaza").unwrap(),
            },
            state: states[steps - 1].0,
            history: states.iter().take(steps).enumerate().map(step).collect(),
            subject: Subject {
                class: Class::new("person"),
                track: Some(TrackId(1)),
                count: 1,
                bbox: BBox::new(0.0, 0.0, 10.0, 20.0),
                fix: None,
            },
            warnings_played: 0,
            warning_not_delivered: false,
            said: None,
            findings: Vec::new(),
            clock: Reckoning::default(),
            case: None,
        }
    }

    /// The message about the incident's step number `sequence`.
    fn message(n: u32, sequence: u32) -> Received {
        let incident = record(n, sequence as usize + 1);
        let at = incident.history[sequence as usize].at;
        let source = EventSource { site: "north".to_owned(), agent_version: "1".to_owned() };
        let event = Event::from_report(&Report { incident, sequence, at, seal: None, evidence: None }, &source);
        let payload = serde_json::to_string(&event).unwrap();
        Received { topic: "forewarn/north/incidents/gate/loitering".to_owned(), payload, is_retained: false }
    }

    fn facts(steps: &[(u32, usize)]) -> Facts {
        steps.iter().map(|&(n, steps)| record(n, steps)).map(|record| (record.id.clone(), record)).collect()
    }

    fn judge(platform: &[Received], witness: &[Received]) -> Judgement {
        let facts = facts(&[(1, 4), (2, 3)]);
        Judgement::of(&facts, &facts, platform, witness).unwrap()
    }

    #[test]
    fn what_came_in_order_to_either_consumer_is_good() {
        let all: Vec<Received> = [(1, 1), (1, 2), (2, 1), (1, 2), (1, 3), (2, 2)].map(|(n, s)| message(n, s)).to_vec();
        let judgement = judge(&all[..4], &all[4..]);
        assert!(judgement.is_good(), "{}", judgement.table());
        assert_eq!((judgement.incidents, judgement.events, judgement.repeats), (2, 5, 1));
        assert_eq!((judgement.lost_by_broker, judgement.ends_lost_by_broker), (2, 2));
    }

    #[test]
    fn a_report_that_came_to_nobody_is_named() {
        let judgement = judge(&[message(1, 1), message(1, 3), message(2, 1)], &[]);
        assert_eq!(judgement.lost, ["gate-loitering-1/2", "gate-loitering-2/2"]);
        assert!(!judgement.is_good() && judgement.table().contains("lost: gate-loitering-1/2"));
    }

    #[test]
    fn an_incident_that_the_outbox_forgot_is_named() {
        let all = [message(1, 1), message(1, 2), message(1, 3), message(2, 1), message(2, 2)];
        let judgement = Judgement::of(&facts(&[(1, 4), (2, 3)]), &facts(&[(1, 3)]), &all, &[]).unwrap();
        assert_eq!(judgement.forgotten, ["gate-loitering-1", "gate-loitering-2"]);
        assert!(!judgement.is_good());
    }

    #[test]
    fn other_content_under_the_same_id_is_named() {
        let mut other = message(2, 1);
        other.payload = other.payload.replace("\"count\":1", "\"count\":2");
        let rest = [message(1, 1), message(1, 2), message(1, 3), message(2, 1), message(2, 2)];
        let judgement = judge(&rest, &[other]);
        assert_eq!(judgement.altered.len(), 1, "{}", judgement.table());
        let mut torn = message(1, 3);
        torn.payload = torn.payload.replacen("condition_held", "settled", 1);
        let judgement = judge(&[message(1, 1), message(1, 2), torn, message(2, 1), message(2, 2)], &[]);
        assert_eq!(judgement.altered.len(), 2, "the two events before contradict the last: {}", judgement.table());
    }

    #[test]
    fn an_event_whose_first_delivery_follows_a_later_one_is_named() {
        let judgement = judge(&[message(1, 1), message(1, 3), message(1, 2), message(2, 1), message(2, 2)], &[]);
        assert_eq!(judgement.disordered.len(), 1, "{}", judgement.table());
        assert!(judgement.lost.is_empty());
    }

    #[test]
    fn a_second_incident_at_the_place_of_an_open_one_is_counted() {
        let judgement = judge(&[message(1, 1), message(1, 2), message(1, 3), message(2, 1), message(2, 2)], &[]);
        assert_eq!(judgement.doubles, ["gate-loitering-2 beside gate-loitering-1, which was complied"]);
        assert!(judgement.is_good());
    }
}
