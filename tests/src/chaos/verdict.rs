//! Whether what came is what was recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::Context as _;
use forewarn_domain::{IncidentId, IncidentState};
use forewarn_report::{Event, WireTransition};

use super::Facts;
use crate::subscriber::Received;

/// How much two boxes overlap that show the same subject.
const SAME_PLACE: f32 = 0.5;

/// What a comparison found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Confirmed incidents that the outbox recorded or a message told of.
    pub incidents: usize,
    /// Different events that came.
    pub events: usize,
    /// Deliveries beyond the first of an event to the same consumer.
    pub repeats: usize,
    /// Reports that were recorded, or lie before one that came, and came to nobody.
    pub lost: Vec<String>,
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

impl Verdict {
    /// Compares `facts` from the outbox with what the two consumers got.
    pub fn of(facts: &Facts, platform: &[Received], witness: &[Received]) -> anyhow::Result<Self> {
        let mut verdict = Self::default();
        let (by_platform, by_witness) = (events(platform)?, events(witness)?);
        verdict.check_order("platform", &by_platform);
        verdict.check_order("witness", &by_witness);
        let mut first: BTreeMap<&str, (&Event, &str)> = BTreeMap::new();
        for (event, payload) in by_platform.iter().chain(&by_witness) {
            let (_, known) = *first.entry(&event.id).or_insert((event, payload));
            if known != *payload {
                verdict.altered.push(format!("{}: came as {known} and as {payload}", event.id));
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
            let missing = (1..=last).filter(|sequence| !came.contains_key(sequence));
            verdict.lost.extend(missing.map(|sequence| Event::id_of(id, sequence)));
            verdict.check_histories(came);
            let missed = came.values().filter(|event| !at_platform.contains(event.id.as_str())).count();
            verdict.lost_by_broker += missed;
            verdict.ends_lost_by_broker +=
                usize::from(came.values().next_back().is_some_and(|event| !at_platform.contains(event.id.as_str())));
        }
        verdict.incidents = incidents.len();
        verdict.events = first.len();
        verdict.doubles = doubles(&incidents);
        Ok(verdict)
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
        self.lost.is_empty() && self.altered.is_empty() && self.disordered.is_empty()
    }

    /// The table at the end of a run, with what is wrong.
    pub fn table(&self) -> String {
        let mut text = format!(
            "confirmed incidents            {:>6}\ndifferent events               {:>6}\nrepeated deliveries            {:>6}\n\
             reports lost                   {:>6}\nevents altered                 {:>6}\nevents out of order            {:>6}\n\
             acknowledged, lost by broker   {:>6}   of these the last of their incident: {}\n\
             second incidents of a subject  {:>6}\n",
            self.incidents,
            self.events,
            self.repeats,
            self.lost.len(),
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
