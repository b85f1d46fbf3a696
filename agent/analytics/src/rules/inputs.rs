//! What comes in beside the tracks: readings of closer looks, values of sensors, origins of things, and what was
//! remembered before a restart.

use std::collections::BTreeMap;
use std::time::Duration;

use forewarn_domain::{
    Answer, AttributeId, BBox, CivilTime, Finding, Look, Origin, Reading, RuleHit, RuleKey, SeenHead, SensorId,
    TextKind, Timestamp, TrackId, plate,
};
use serde::{Deserialize, Serialize};

use super::attributes::ReadingCounts;
use super::conditions::Absence;
use super::stream::{RuleState, Rules};

/// How often a rule that hangs on sensors alone speaks of an incident of its own while no frames come.
const LOOK_AGAIN_EVERY: Duration = Duration::from_secs(1);

/// What the rules of a stream remember over a restart, beside the subjects of open incidents.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RulesMemory {
    /// Since when somebody is missed.
    #[serde(default)]
    absences: Vec<RememberedAbsence>,
}

/// The absence of one condition of one rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RememberedAbsence {
    rule: RuleKey,
    /// Which of the rule's conditions about the zone it is, from 0.
    term: usize,
    absence: Absence,
}

impl Rules {
    /// Closer looks see pictures whose sides are so many times as long as those of the frames that are watched.
    pub fn set_zoom(&mut self, zoom: f32) {
        self.zoom = zoom;
    }

    /// The looks at tracks of the latest frame that would help, the most urgent first; each is given out once.
    ///
    /// What is not looked at is asked for again after a moment. There are none before the first frame.
    pub fn take_looks(&mut self) -> Vec<Look> {
        let looks = std::mem::take(&mut self.looks);
        let Some(at) = self.at else { return looks };
        for look in &looks {
            if let Some(identity) = self.identities.iter_mut().find(|i| i.track == Some(look.track)) {
                identity.attributes.ask(&look.attribute, at);
            }
        }
        looks
    }

    /// Takes in what looks said. They count from the next frame on.
    ///
    /// A reading of a track that is no longer known, or of an attribute that no rule asks for, is dropped and counted.
    pub fn read(&mut self, readings: &[Reading]) {
        for reading in readings {
            let mut asks = self.states.iter().flat_map(|state| &state.rule.asks);
            let Some(ask) = asks.find(|ask| ask.attribute == reading.attribute) else {
                self.reading_counts.unasked += 1;
                continue;
            };
            let Some(identity) = self.identities.iter_mut().find(|i| i.track == Some(reading.track)) else {
                self.reading_counts.unknown_track += 1;
                continue;
            };
            self.reading_counts.taken += 1;
            let mut reading = reading.clone();
            if ask.need.text == Some(TextKind::ChinesePlate)
                && let Answer::Text { text, confidence } = &mut reading.answer
            {
                *confidence = plate::lowered(text, *confidence);
            }
            identity.attributes.read(&reading);
        }
    }

    /// What closer looks told of a track at `at`, for each attribute that a rule asks for.
    pub fn told(&self, track: TrackId, at: Timestamp) -> Vec<Finding> {
        let Some(identity) = self.identities.iter().find(|i| i.track == Some(track)) else { return Vec::new() };
        let asks: BTreeMap<_, _> =
            self.states.iter().flat_map(|state| &state.rule.asks).map(|ask| (&ask.attribute, &ask.standard)).collect();
        asks.into_iter().map(|(attribute, standard)| identity.attributes.finding(attribute, standard, at)).collect()
    }

    /// From which height of its box on, in pixels of the frame, a subject is worth a look at an attribute; none where no rule asks for that.
    pub fn least_height_px(&self, attribute: &AttributeId) -> Option<f32> {
        let mut asks = self.states.iter().flat_map(|state| &state.rule.asks);
        asks.find(|ask| ask.attribute == *attribute).map(|ask| ask.need.least_height_px / self.zoom)
    }

    /// The attributes that a rule asks for.
    pub fn asked_by(&self, rule: &RuleKey) -> impl Iterator<Item = &AttributeId> {
        let states = self.states.iter().filter(move |state| state.rule.key == *rule);
        states.flat_map(|state| state.rule.asks.iter().map(|ask| &ask.attribute))
    }

    /// What became of the readings so far.
    pub fn reading_counts(&self) -> ReadingCounts {
        self.reading_counts
    }

    /// Takes in a sensor's value of `at`, and answers with the hits of the rules that hang on sensors alone: they need
    /// no frame. Other rules hear of it with the next frame. A value that is no number, or is older than the sensor's
    /// latest, is passed over.
    pub fn sensor(&mut self, id: &SensorId, value: f64, at: Timestamp, civil: &dyn CivilTime) -> Vec<RuleHit> {
        if !self.values.take(id, value, at) {
            return Vec::new();
        }
        let mut hits = Vec::new();
        for index in 0..self.states.len() {
            let state = &mut self.states[index];
            let mut is_concerned = false;
            for threshold in state.thresholds.iter_mut().filter(|threshold| threshold.id() == id) {
                threshold.take(value, at);
                is_concerned = true;
            }
            if is_concerned && state.rule.is_of_sensors() {
                state.hear(&self.values, at);
                hits.extend(self.crowd_hit(index, at, 0, civil));
            }
        }
        hits
    }

    /// When [`Rules::timeout`] is due next: when time alone, without a frame or a value, changes what a rule that hangs
    /// on sensors alone says; and each second while its incident may be open, for those who look again.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        self.states.iter().filter_map(RuleState::turns_at).min()
    }

    /// Lets time come to `at` for the rules that hang on sensors alone.
    pub fn timeout(&mut self, at: Timestamp, civil: &dyn CivilTime) -> Vec<RuleHit> {
        let mut hits = Vec::new();
        for index in 0..self.states.len() {
            if self.states[index].turns_at().is_some_and(|turn| turn <= at) {
                self.states[index].hear(&self.values, at);
                hits.extend(self.crowd_hit(index, at, 0, civil));
            }
        }
        hits
    }

    /// Takes in how things came to be where they are: all that are known, by track. It counts from the next frame on.
    pub fn set_origins(&mut self, origins: BTreeMap<TrackId, Origin>) {
        self.origins = origins;
    }

    /// Takes in which tracks of the next frame are new, and where each was detected first.
    pub fn set_births(&mut self, births: &[(TrackId, BBox)]) {
        self.births = births.iter().copied().collect();
    }

    /// Takes in the heads that were found on tracks of the next frame.
    pub fn set_heads(&mut self, heads: BTreeMap<TrackId, SeenHead>) {
        self.heads = heads;
    }

    /// What is to be kept for a restart.
    pub fn memory(&self) -> RulesMemory {
        let absences = self.states.iter().flat_map(|state| {
            let absent = state.terms.iter().enumerate().filter_map(|(i, term)| Some((i, term.watch.absence()?)));
            absent.map(|(term, absence)| RememberedAbsence { rule: state.rule.key.clone(), term, absence })
        });
        RulesMemory { absences: absences.collect() }
    }

    /// Goes on with what was kept, before the first frame. What belongs to no rule any more is passed over.
    pub fn remember(&mut self, memory: RulesMemory) {
        for RememberedAbsence { rule, term, absence } in memory.absences {
            let state = self.states.iter_mut().find(|state| state.rule.key == rule);
            if let Some(term) = state.and_then(|state| state.terms.get_mut(term)) {
                term.watch.remember(absence);
            }
        }
    }
}

impl RuleState {
    /// When time alone changes what the rule says next.
    fn turns_at(&self) -> Option<Timestamp> {
        if !self.rule.is_of_sensors() {
            return None;
        }
        let turn = self.thresholds.iter().filter_map(|threshold| threshold.turns_at(self.heard_at)).min();
        let again = self.crowd.as_ref().filter(|crowd| crowd.is_reported).map(|_| self.heard_at + LOOK_AGAIN_EVERY);
        [turn, again].into_iter().flatten().min()
    }
}
