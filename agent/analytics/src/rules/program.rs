//! A rule as it is run: the tree of conditions with every name looked up and every number checked.

use std::time::Duration;

use forewarn_domain::{AttributeId, AttributeNeed, Class, RuleKey, Schedule, SensorId};

use super::conditions::{FALLING, Score, THINGS, Threshold, Watch, ZoneWatch};
use super::tree::Node;
use crate::votes::Standard;

/// A violation that is ready to be watched for in one zone.
#[derive(Debug, Clone, PartialEq)]
pub struct CompiledRule {
    pub(super) key: RuleKey,
    pub(super) subject: Vec<Class>,
    pub(super) min_confidence: f32,
    pub(super) schedule: Option<Schedule>,
    /// The rule's own zone among the camera's, where the rule is about the zone as a whole.
    pub(super) own_zone: Option<usize>,
    /// The conditions as they are before anything was seen.
    pub(super) watches: Vec<Watch>,
    pub(super) terms: Vec<Term>,
    pub(super) sensors: Vec<Threshold>,
    pub(super) scores: Vec<Score>,
    pub(super) condition: Node,
    /// Whether the rule is about the zone as a whole.
    pub(super) is_zone: bool,
    /// What closer looks are asked for, each attribute once.
    pub(super) asks: Vec<Ask>,
    /// How long an absent subject is remembered.
    pub(super) forget_after_us: i64,
}

impl CompiledRule {
    /// Violation, stream and zone.
    pub fn key(&self) -> &RuleKey {
        &self.key
    }

    /// The attributes that the condition hangs on; one may come more than once.
    pub fn worn(&self) -> impl Iterator<Item = &AttributeId> {
        self.watches.iter().filter_map(|watch| match watch {
            Watch::Wearing(wearing) => Some(wearing.item()),
            _ => None,
        })
    }

    /// The shortest time for which a thing must have stayed, in seconds; none if the rule is not about such things.
    pub fn shortest_appearance_s(&self) -> Option<f64> {
        let times = self.watches.iter().filter_map(|watch| match watch {
            Watch::Appeared(appeared) => Some(appeared.for_us()),
            _ => None,
        });
        times.min().map(|us| us as f64 / 1e6)
    }

    /// Whether the rule is about things that the detector of static objects finds.
    pub fn is_about_static_objects(&self) -> bool {
        self.concerns(&THINGS)
    }

    /// Whether the rule is about things that the detector of falling objects finds.
    pub fn is_about_falls(&self) -> bool {
        self.concerns(&[FALLING])
    }

    /// Whether the rule is about these classes, or asks whether one of them is near.
    fn concerns(&self, classes: &[&str]) -> bool {
        let near = self.watches.iter().flat_map(|watch| match watch {
            Watch::Near(near) => near.classes(),
            _ => &[],
        });
        self.subject.iter().chain(near).any(|class| classes.contains(&class.as_str()))
    }

    /// For how long a subject is in view at the least before the condition can hold. What is in view for a shorter time
    /// makes no difference to the rule.
    pub fn least_seen(&self) -> Duration {
        if self.is_of_sensors() {
            return Duration::MAX;
        }
        Duration::from_micros(self.least_us(&self.condition).max(0) as u64)
    }

    fn least_us(&self, node: &Node) -> i64 {
        let of_all = |parts: &[Node]| parts.iter().map(|part| self.least_us(part)).max();
        let least = match node {
            Node::Track(n) => self.watches.get(*n).map(Watch::least_us),
            Node::Zone(n) => self.terms.get(*n).map(|term| term.watch.least_us()),
            Node::Score(n) => self.scores.get(*n).map(Score::least_us),
            Node::All(parts) => of_all(parts),
            Node::Any(parts) => parts.iter().map(|part| self.least_us(part)).min(),
            Node::Sensor(_) | Node::Schedule(_) | Node::Not(_) => None,
        };
        least.unwrap_or(0)
    }

    /// Whether the rule is about the zone as a whole, with one subject for all that goes on there.
    pub fn is_crowd(&self) -> bool {
        self.is_zone
    }

    /// The sensors that the rule hangs on, each with the time without a value after which it is silent.
    pub fn sensors(&self) -> impl Iterator<Item = (&SensorId, Duration)> {
        self.sensors.iter().map(|sensor| (sensor.id(), sensor.silent_after()))
    }

    /// Whether the rule hangs on sensors alone, so that it can be judged without a frame.
    pub(super) fn is_of_sensors(&self) -> bool {
        self.is_zone && self.terms.is_empty() && !self.sensors.is_empty()
    }
}

/// A closer look that a rule asks for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ask {
    pub(super) attribute: AttributeId,
    pub(super) standard: Standard,
    pub(super) need: AttributeNeed,
}

/// A condition about all tracks.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Term {
    /// What those who count must fulfil.
    pub(super) of: Node,
    pub(super) watch: ZoneWatch,
}
