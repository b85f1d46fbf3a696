//! Compiles a violation and a binding into a rule: parameters filled in, zones found, every number checked.

use forewarn_domain::condition::{
    Anchor, Condition, Count, CrossingDirection, Dwell, InZone, LineCrossed, Quantity, Stationary, Told, Wearing,
};
use forewarn_domain::zone::ZoneShape;
use forewarn_domain::{AttributeId, Class, RuleKey, Schedule, Violation, Zone, ZoneId};

use super::RuleBinding;
use super::error::{CompileError, Problem, nearest};
use crate::votes::Standard;

const SECONDS: &str = "write seconds from 0 to 31 days";
const PART: &str = "write a part from 0 to 1";
/// The longest time that a condition may ask for: a month.
const MOST_SECONDS: f64 = 31.0 * 86_400.0;

/// A violation that is ready to be watched for in one zone. Times are in microseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct CompiledRule {
    pub(super) key: RuleKey,
    pub(super) subject: Vec<Class>,
    pub(super) min_confidence: f32,
    pub(super) schedule: Option<Schedule>,
    pub(super) zones: Vec<Zone>,
    pub(super) leaves: Vec<Leaf>,
    pub(super) counts: Vec<CountOf>,
    pub(super) condition: Node,
    /// What closer looks are asked for, each attribute once.
    pub(super) asks: Vec<Ask>,
    /// How long an absent subject is remembered.
    pub(super) forget_after_us: i64,
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
    Wearing { item: AttributeId, is: Told, standard: Standard },
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
pub(super) struct CountOf {
    pub(super) of: Node,
    pub(super) at_least: u32,
    pub(super) for_us: i64,
}

/// The tree of conditions; leaves and counts are indices into the rule's.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Leaf(usize),
    Count(usize),
    Schedule(Schedule),
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
}

/// What a part of the tree speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    Time,
    Track,
    Zone,
}

impl CompiledRule {
    /// Compiles `violation` for the zone, camera and site that `binding` names.
    pub fn compile(violation: &Violation, binding: &RuleBinding) -> Result<Self, CompileError> {
        let mut compiler = Compiler {
            violation,
            binding,
            zones: Vec::new(),
            leaves: Vec::new(),
            counts: Vec::new(),
            asks: Vec::new(),
        };
        compiler.check_site()?;
        compiler.check_timing()?;
        let condition = compiler.node(&violation.condition, "condition", false)?;
        compiler.ask_for_evidence();
        let observe = &violation.observe;
        let forget_s = (observe.gone_after_s + observe.lost_after_s + 10.0).clamp(30.0, MOST_SECONDS);
        Ok(Self {
            key: binding.key.clone(),
            subject: violation.subject.clone(),
            min_confidence: violation.min_confidence,
            schedule: binding.schedule.clone(),
            zones: compiler.zones,
            leaves: compiler.leaves,
            counts: compiler.counts,
            condition,
            asks: compiler.asks,
            forget_after_us: micros(forget_s),
        })
    }

    /// Violation, stream and zone.
    pub fn key(&self) -> &RuleKey {
        &self.key
    }

    /// Whether the rule is about the zone as a whole, with one subject for the crowd.
    pub fn is_crowd(&self) -> bool {
        !self.counts.is_empty()
    }
}

pub(super) fn micros(seconds: f64) -> i64 {
    (seconds * 1e6).round() as i64
}

struct Compiler<'a> {
    violation: &'a Violation,
    binding: &'a RuleBinding,
    zones: Vec<Zone>,
    leaves: Vec<Leaf>,
    counts: Vec<CountOf>,
    asks: Vec<Ask>,
}

impl Compiler<'_> {
    fn error(&self, place: impl Into<String>, problem: Problem) -> CompileError {
        CompileError { rule: self.binding.key.clone(), place: place.into(), problem: Box::new(problem) }
    }

    /// Checks what does not hang on a condition.
    fn check_site(&self) -> Result<(), CompileError> {
        if self.violation.subject.is_empty() {
            return Err(self.error("subject", Problem::Empty { help: "name the classes of the subjects" }));
        }
        self.check_classes(&self.violation.subject, "subject")?;
        let confidence = f64::from(self.violation.min_confidence);
        self.in_range(confidence, 0.0..=1.0, PART, "min_confidence")?;
        let known = &self.violation.parameters;
        for (name, &value) in &self.binding.parameters {
            if !known.contains_key(name) {
                let nearest = nearest(name, known.keys().map(String::as_str));
                let known = known.keys().cloned().collect();
                return Err(self.error("parameters", Problem::UnknownOverride { name: name.clone(), nearest, known }));
            }
            self.in_range(value, f64::MIN..=f64::MAX, "write a finite number", &format!("parameters.{name}"))?;
        }
        Ok(())
    }

    /// Checks the times and counts of confirmation, warning, observation and evidence.
    fn check_timing(&self) -> Result<(), CompileError> {
        let Violation { confirm, warning, observe, evidence, .. } = self.violation;
        let of_warning = warning.iter().flat_map(|warning| {
            [("warning.timeout_s", warning.timeout_s), ("warning.cool_down_s", warning.cool_down_s)]
        });
        let seconds = [
            ("confirm.for_s", confirm.for_s),
            ("confirm.forgive_s", confirm.forgive_s),
            ("observe.for_s", observe.for_s),
            ("observe.complied_after_s", observe.complied_after_s),
            ("observe.gone_after_s", observe.gone_after_s),
            ("observe.lost_after_s", observe.lost_after_s),
            ("observe.close_after_s", observe.close_after_s),
            ("evidence.pre_roll_s", evidence.pre_roll_s),
            ("evidence.post_roll_s", evidence.post_roll_s),
        ];
        for (place, value) in seconds.into_iter().chain(of_warning) {
            self.in_range(value, 0.0..=MOST_SECONDS, SECONDS, place)?;
        }
        let hits = f64::from(confirm.hits);
        self.in_range(hits, 1.0..=f64::from(u32::MAX), "write a whole number from 1", "confirm.hits")?;
        if let Some(warning) = warning {
            let range = "write a whole number from 0 to 100";
            self.in_range(f64::from(warning.times), 0.0..=100.0, range, "warning.times")?;
        }
        Ok(())
    }

    fn check_classes(&self, classes: &[Class], place: &str) -> Result<(), CompileError> {
        let known = &self.binding.classes;
        let unknown = classes.iter().find(|class| !known.is_empty() && !known.contains(class));
        unknown.map_or(Ok(()), |class| {
            let nearest = nearest(class.as_str(), known.iter().map(Class::as_str));
            Err(self.error(place, Problem::UnknownClass { class: class.clone(), nearest }))
        })
    }

    fn in_range(
        &self,
        value: f64,
        allowed: std::ops::RangeInclusive<f64>,
        range: &'static str,
        place: &str,
    ) -> Result<f64, CompileError> {
        if allowed.contains(&value) { Ok(value) } else { Err(self.error(place, Problem::OutOfRange { value, range })) }
    }

    fn quantity(&self, quantity: &Quantity, place: &str) -> Result<f64, CompileError> {
        let text = match quantity {
            Quantity::Number(number) => return Ok(*number),
            Quantity::Parameter(text) => text,
        };
        let Some(name) = text.strip_prefix('$') else {
            return Err(self.error(place, Problem::NotAQuantity { text: text.clone() }));
        };
        let known = &self.violation.parameters;
        self.binding
            .parameters
            .get(name)
            .filter(|_| known.contains_key(name))
            .or_else(|| known.get(name))
            .copied()
            .ok_or_else(|| {
                let nearest = nearest(name, known.keys().map(String::as_str)).map(|name| format!("${name}"));
                let known = known.keys().map(|name| format!("${name}")).collect();
                self.error(place, Problem::UnknownParameter { name: name.to_owned(), nearest, known })
            })
    }

    fn seconds(&self, quantity: &Quantity, place: &str) -> Result<i64, CompileError> {
        let seconds = self.quantity(quantity, place)?;
        self.in_range(seconds, 0.0..=MOST_SECONDS, SECONDS, place).map(micros)
    }

    /// The index of a zone, the rule's own if none is named.
    fn zone(&mut self, named: Option<&ZoneId>, is_line: bool, place: &str) -> Result<usize, CompileError> {
        let id = named.unwrap_or(&self.binding.key.zone).clone();
        let Some(zone) = self.binding.zones.iter().find(|zone| zone.id == id) else {
            let known: Vec<String> = self.binding.zones.iter().map(|zone| zone.id.to_string()).collect();
            let nearest = nearest(id.as_str(), known.iter().map(String::as_str));
            return Err(self.error(place, Problem::UnknownZone { zone: id, nearest, known }));
        };
        let (points, least, reason) = match &zone.shape {
            ZoneShape::Polygon(_) if is_line => return Err(self.error(place, Problem::NotALine { zone: id })),
            ZoneShape::Line(_) if !is_line => return Err(self.error(place, Problem::NotAnArea { zone: id })),
            ZoneShape::Polygon(polygon) => (&polygon.points, 3, "an area needs three corners or more"),
            ZoneShape::Line(points) => (points, 2, "a line needs two points or more"),
        };
        if points.len() < least {
            return Err(self.error(place, Problem::BadShape { zone: id, reason }));
        }
        if !points.iter().all(|p| p.x.is_finite() && p.y.is_finite()) {
            return Err(
                self.error(place, Problem::BadShape { zone: id, reason: "a coordinate is not a finite number" })
            );
        }
        let index = self.zones.iter().position(|zone| zone.id == id).unwrap_or_else(|| {
            self.zones.push(zone.clone());
            self.zones.len() - 1
        });
        Ok(index)
    }

    fn place(&self, by: Anchor, at_least: Option<&Quantity>, place: &str) -> Result<Place, CompileError> {
        let place = format!("{place}.at_least");
        match (by, at_least) {
            (Anchor::Overlap, None) => Ok(Place::Overlap(0.5)),
            (Anchor::Overlap, Some(quantity)) => {
                let part = self.quantity(quantity, &place)?;
                self.in_range(part, 0.0..=1.0, PART, &place).map(|part| Place::Overlap(part as f32))
            }
            (_, Some(_)) => Err(self.error(place, Problem::NeedlessOverlap)),
            (Anchor::Foot, None) => Ok(Place::Foot),
            (Anchor::Centre, None) => Ok(Place::Centre),
        }
    }

    fn node(&mut self, condition: &Condition, place: &str, in_count: bool) -> Result<Node, CompileError> {
        let leaf = match condition {
            Condition::Class(classes) => self.class(classes, &format!("{place}.class"))?,
            Condition::Confidence(least) => {
                let place = format!("{place}.confidence");
                let least = self.quantity(least, &place)?;
                Leaf::Confidence(self.in_range(least, 0.0..=1.0, PART, &place)? as f32)
            }
            Condition::InZone(in_zone) => self.in_zone(in_zone, &format!("{place}.in_zone"))?,
            Condition::Dwell(dwell) => self.dwell(dwell, &format!("{place}.dwell"))?,
            Condition::Stationary(stationary) => self.stationary(stationary, &format!("{place}.stationary"))?,
            Condition::LineCrossed(crossed) => self.line_crossed(crossed, &format!("{place}.line_crossed"))?,
            Condition::Wearing(wearing) => self.wearing(wearing, &format!("{place}.wearing"))?,
            Condition::Count(count) => return self.count(count, &format!("{place}.count"), in_count),
            Condition::Schedule(schedule) => return Ok(Node::Schedule(schedule.clone())),
            Condition::All(parts) => return Ok(Node::All(self.parts(parts, &format!("{place}.all"), in_count)?)),
            Condition::Any(parts) => return Ok(Node::Any(self.parts(parts, &format!("{place}.any"), in_count)?)),
            Condition::Not(part) => {
                return Ok(Node::Not(Box::new(self.node(part, &format!("{place}.not"), in_count)?)));
            }
        };
        self.leaves.push(leaf);
        Ok(Node::Leaf(self.leaves.len() - 1))
    }

    fn parts(&mut self, parts: &[Condition], place: &str, in_count: bool) -> Result<Vec<Node>, CompileError> {
        if parts.is_empty() {
            return Err(self.error(place, Problem::Empty { help: "write at least one condition" }));
        }
        let mut nodes = Vec::with_capacity(parts.len());
        let mut abouts = Vec::with_capacity(parts.len());
        for (i, part) in parts.iter().enumerate() {
            let node = self.node(part, &format!("{place}[{i}]"), in_count)?;
            abouts.push(about(&node));
            nodes.push(node);
        }
        if let Some(i) = abouts.iter().position(|a| *a == About::Track).filter(|_| abouts.contains(&About::Zone)) {
            return Err(self.error(format!("{place}[{i}]"), Problem::MixedCount));
        }
        Ok(nodes)
    }

    fn class(&self, classes: &[Class], place: &str) -> Result<Leaf, CompileError> {
        if classes.is_empty() {
            return Err(self.error(place, Problem::Empty { help: "name one class or more" }));
        }
        self.check_classes(classes, place)?;
        Ok(Leaf::Class(classes.to_vec()))
    }

    fn in_zone(&mut self, in_zone: &InZone, place: &str) -> Result<Leaf, CompileError> {
        let zone = self.zone(in_zone.zone.as_ref(), false, &format!("{place}.zone"))?;
        let place = self.place(in_zone.by, in_zone.at_least.as_ref(), place)?;
        Ok(Leaf::InZone { zone, place })
    }

    fn dwell(&mut self, dwell: &Dwell, place: &str) -> Result<Leaf, CompileError> {
        let zone = self.zone(dwell.zone.as_ref(), false, &format!("{place}.zone"))?;
        let for_us = self.seconds(&dwell.for_s, &format!("{place}.for_s"))?;
        Ok(Leaf::Dwell { zone, place: self.place(dwell.by, None, place)?, for_us })
    }

    fn stationary(&self, stationary: &Stationary, place: &str) -> Result<Leaf, CompileError> {
        let for_us = self.seconds(&stationary.for_s, &format!("{place}.for_s"))?;
        let within_place = format!("{place}.within");
        let within = match &stationary.within {
            Some(quantity) => self.quantity(quantity, &within_place)?,
            None => 0.25,
        };
        let within = self.in_range(within, 0.01..=1.0, "write a part of the diagonal from 0.01 to 1", &within_place)?;
        Ok(Leaf::Stationary { for_us, within: within as f32 })
    }

    fn line_crossed(&mut self, crossed: &LineCrossed, place: &str) -> Result<Leaf, CompileError> {
        let line = self.zone(crossed.line.as_ref(), true, &format!("{place}.line"))?;
        let holds_for_us = match &crossed.holds_for_s {
            Some(quantity) => self.seconds(quantity, &format!("{place}.holds_for_s"))?,
            None => 5_000_000,
        };
        Ok(Leaf::LineCrossed { line, direction: crossed.direction, holds_for_us })
    }

    fn wearing(&mut self, wearing: &Wearing, place: &str) -> Result<Leaf, CompileError> {
        let Wearing { item, is, min_votes, spread_s, confidence } = wearing;
        if let Some(known) = self.binding.attributes.as_ref().filter(|known| !known.contains(item)) {
            let nearest = nearest(item.as_str(), known.iter().map(AttributeId::as_str));
            let known = known.iter().map(ToString::to_string).collect();
            let problem = Problem::UnknownAttribute { attribute: item.clone(), nearest, known };
            return Err(self.error(format!("{place}.item"), problem));
        }
        let mut standard = Standard::default();
        if let Some(votes) = min_votes {
            standard.min_votes =
                self.whole(votes, 100.0, "write a whole number from 1 to 100", &format!("{place}.min_votes"))?;
        }
        if let Some(spread) = spread_s {
            let place = format!("{place}.spread_s");
            let range = "write seconds from 0 to 20: looks of longer ago are forgotten";
            standard.spread_us = micros(self.in_range(self.quantity(spread, &place)?, 0.0..=20.0, range, &place)?);
        }
        if let Some(least) = confidence {
            let place = format!("{place}.confidence");
            let range = "write a part from 0.5 (a toss-up) to 0.99";
            standard.confidence = self.in_range(self.quantity(least, &place)?, 0.5..=0.99, range, &place)? as f32;
        }
        if !self.asks.iter().any(|ask| ask.attribute == *item) {
            self.asks.push(Ask { attribute: item.clone(), standard });
        }
        Ok(Leaf::Wearing { item: item.clone(), is: *is, standard })
    }

    /// What is looked at for the record alone is left out where no model can tell it.
    fn ask_for_evidence(&mut self) {
        for attribute in &self.violation.evidence.attributes {
            let is_told = self.binding.attributes.as_ref().is_none_or(|known| known.contains(attribute));
            if is_told && !self.asks.iter().any(|ask| ask.attribute == *attribute) {
                self.asks.push(Ask { attribute: attribute.clone(), standard: Standard::default() });
            }
        }
    }

    /// A whole number from 1 to `most`.
    fn whole(&self, quantity: &Quantity, most: f64, range: &'static str, place: &str) -> Result<u32, CompileError> {
        let number = self.quantity(quantity, place)?;
        let whole = number.floor().clamp(1.0, most);
        self.in_range(number, whole..=whole, range, place).map(|whole| whole as u32)
    }

    fn count(&mut self, count: &Count, place: &str, in_count: bool) -> Result<Node, CompileError> {
        if in_count {
            return Err(self.error(place, Problem::NestedCount));
        }
        let of = self.node(&count.of, &format!("{place}.of"), true)?;
        let range = "write a whole number from 1 to 1000";
        let at_least = self.whole(&count.at_least, 1000.0, range, &format!("{place}.at_least"))?;
        let for_us = match &count.for_s {
            Some(quantity) => self.seconds(quantity, &format!("{place}.for_s"))?,
            None => 0,
        };
        self.counts.push(CountOf { of, at_least, for_us });
        Ok(Node::Count(self.counts.len() - 1))
    }
}

fn about(node: &Node) -> About {
    match node {
        Node::Leaf(_) => About::Track,
        Node::Count(_) => About::Zone,
        Node::Schedule(_) => About::Time,
        Node::Not(part) => about(part),
        Node::All(parts) | Node::Any(parts) => {
            parts.iter().map(about).find(|a| *a != About::Time).unwrap_or(About::Time)
        }
    }
}
