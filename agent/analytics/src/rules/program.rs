//! A rule as it is run: the tree of conditions with every name looked up and every number checked. Times are in
//! microseconds.

use std::time::Duration;

use forewarn_domain::condition::{CrossingDirection, Told};
use forewarn_domain::{AttributeId, Class, RuleKey, Schedule, SensorId, Zone};

use crate::votes::Standard;

/// A violation that is ready to be watched for in one zone.
#[derive(Debug, Clone, PartialEq)]
pub struct CompiledRule {
    pub(super) key: RuleKey,
    pub(super) subject: Vec<Class>,
    pub(super) min_confidence: f32,
    pub(super) schedule: Option<Schedule>,
    pub(super) zones: Vec<Zone>,
    /// The rule's own zone, if it is one of `zones`; made one where the rule is about the zone as a whole.
    pub(super) own_zone: Option<usize>,
    pub(super) leaves: Vec<Leaf>,
    pub(super) terms: Vec<Term>,
    pub(super) sensors: Vec<SensorOf>,
    pub(super) scores: Vec<ScoreOf>,
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
        self.leaves.iter().filter_map(|leaf| match leaf {
            Leaf::Wearing { item, .. } => Some(item),
            _ => None,
        })
    }

    /// The shortest time for which a thing must have stayed, in seconds; none if the rule is not about such things.
    pub fn shortest_appearance_s(&self) -> Option<f64> {
        let times = self.leaves.iter().filter_map(|leaf| match leaf {
            Leaf::Appeared { for_us, .. } => Some(*for_us),
            _ => None,
        });
        times.min().map(|us| us as f64 / 1e6)
    }

    /// Whether the rule is about things that the detector of static objects finds.
    pub fn is_about_static_objects(&self) -> bool {
        self.concerns(&["new_object", "removed_object"])
    }

    /// Whether the rule is about things that the detector of falling objects finds.
    pub fn is_about_falls(&self) -> bool {
        self.concerns(&["falling_object"])
    }

    /// Whether the rule is about these classes, or asks whether one of them is near.
    fn concerns(&self, classes: &[&str]) -> bool {
        let near = self.leaves.iter().flat_map(|leaf| match leaf {
            Leaf::Near { classes, .. } => classes.as_slice(),
            _ => &[],
        });
        self.subject.iter().chain(near).any(|class| classes.contains(&class.as_str()))
    }

    /// Whether the rule is about the zone as a whole, with one subject for all that goes on there.
    pub fn is_crowd(&self) -> bool {
        self.is_zone
    }

    /// The sensors that the rule hangs on, each with the time without a value after which it is silent.
    pub fn sensors(&self) -> impl Iterator<Item = (&SensorId, Duration)> {
        let silent_after = |sensor: &SensorOf| Duration::from_micros(sensor.silent_after_us.max(0).cast_unsigned());
        self.sensors.iter().map(move |sensor| (&sensor.id, silent_after(sensor)))
    }

    /// Whether the rule hangs on sensors alone, so that it can be judged without a frame.
    pub(super) fn is_of_sensors(&self) -> bool {
        self.is_zone && self.terms.is_empty() && !self.sensors.is_empty()
    }
}

/// A condition about one track. Zones are indices into the rule's.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Leaf {
    Class(Vec<Class>),
    Confidence(f32),
    InZone { zone: usize, place: Place },
    Dwell { zone: usize, place: Place, for_us: i64 },
    Stationary { for_us: i64, within: f32 },
    LineCrossed { line: usize, direction: CrossingDirection, holds_for_us: i64 },
    Moving { distance: f32, over_us: i64, course: Course, within_deg: f32 },
    Speed { at_least: f32, at_most: f32, over_us: i64 },
    Near { classes: Vec<Class>, within: f32, at_least: usize, for_us: i64 },
    Appeared { for_us: i64, brought_by: Vec<Class>, left_us: Option<i64> },
    Falls { from_floor: u32 },
    Wearing { item: AttributeId, is: Told, standard: Standard },
}

/// Which way a track must move.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Course {
    Any,
    /// Towards this bearing in the picture, clockwise from up.
    Bearing(f32),
    /// Along a line, or against it.
    Line {
        line: usize,
        is_against: bool,
    },
}

/// A closer look that a rule asks for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ask {
    pub(super) attribute: AttributeId,
    pub(super) standard: Standard,
}

/// What of a box must lie inside of a zone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Place {
    Foot,
    Centre,
    Overlap(f32),
}

/// A condition about all tracks.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Term {
    pub(super) of: Node,
    pub(super) for_us: i64,
    pub(super) measure: Measure,
}

/// What is measured of those who fulfil a term.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Measure {
    /// How many there are, each worth `each`: 1, or a part of a person per square metre. `enter` is the least for the
    /// term to begin to hold, `leave` the least for it to go on.
    Number { each: f64, enter: f64, leave: f64 },
    /// How many more there are than at some time within `over_us`.
    Growth { over_us: i64, enter: f64, leave: f64 },
    /// Fewer than `least` of them.
    Absence { least: usize },
}

/// A threshold of a sensor.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SensorOf {
    pub(super) id: SensorId,
    /// What the values are measured in.
    pub(super) unit: Option<String>,
    pub(super) is_above: bool,
    pub(super) enter: f64,
    pub(super) leave: f64,
    pub(super) for_us: i64,
    pub(super) silent_after_us: i64,
}

/// A sum of weak signs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ScoreOf {
    pub(super) signs: Vec<SignOf>,
    pub(super) enter: f32,
    pub(super) leave: f32,
    pub(super) for_us: i64,
    pub(super) half_life_us: i64,
    /// Whether it is about the zone as a whole.
    pub(super) is_zone: bool,
}

/// One sign of a score.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SignOf {
    pub(super) weight: f32,
    pub(super) condition: Node,
    pub(super) label: Option<String>,
}

/// The tree of conditions; the numbers are indices into the rule's lists.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Leaf(usize),
    Term(usize),
    Sensor(usize),
    Score(usize),
    Schedule(Schedule),
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
}
