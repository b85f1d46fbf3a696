//! Compiles a violation and a binding into a rule: parameters filled in, zones found, every number checked.

mod checks;
mod track;
mod zone;

use forewarn_domain::condition::{Anchor, Condition, Quantity};
use forewarn_domain::zone::ZoneShape;
use forewarn_domain::{Violation, Zone, ZoneId};

use super::RuleBinding;
use super::error::{CompileError, Problem, nearest};
use super::program::{Ask, CompiledRule, Leaf, Node, Place, ScoreOf, SensorOf, Term};

const SECONDS: &str = "write seconds from 0 to 31 days";
const PART: &str = "write a part from 0 to 1";
/// The longest time that a condition may ask for: a month.
const MOST_SECONDS: f64 = 31.0 * 86_400.0;

/// What a part of the tree speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    /// The time, and perhaps a sensor.
    World,
    Track,
    Zone,
}

/// Where in the tree a condition stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Within {
    /// Within the `of` of a condition about the zone.
    of: bool,
    /// Within a score.
    score: bool,
}

impl CompiledRule {
    /// Compiles `violation` for the zone, camera and site that `binding` names.
    pub fn compile(violation: &Violation, binding: &RuleBinding) -> Result<Self, CompileError> {
        let mut compiler = Compiler {
            violation,
            binding,
            zones: Vec::new(),
            leaves: Vec::new(),
            terms: Vec::new(),
            sensors: Vec::new(),
            scores: Vec::new(),
            asks: Vec::new(),
        };
        compiler.check_site()?;
        compiler.check_timing()?;
        let condition = compiler.node(&violation.condition, "condition", Within::default())?;
        compiler.ask_for_evidence();
        let is_zone = match compiler.about(&condition) {
            About::Zone => true,
            About::Track => false,
            About::World => !compiler.sensors.is_empty(),
        };
        // A line, or a zone that no condition names, has no place to be drawn; the picture stands for it.
        let own_zone = compiler.zone(None, false, "zone").ok().filter(|_| is_zone);
        let observe = &violation.observe;
        let forget_s = (observe.gone_after_s + observe.lost_after_s + 10.0).clamp(30.0, MOST_SECONDS);
        Ok(Self {
            key: binding.key.clone(),
            subject: violation.subject.clone(),
            min_confidence: violation.min_confidence,
            schedule: binding.schedule.clone(),
            zones: compiler.zones,
            own_zone,
            leaves: compiler.leaves,
            terms: compiler.terms,
            sensors: compiler.sensors,
            scores: compiler.scores,
            condition,
            is_zone,
            asks: compiler.asks,
            forget_after_us: micros(forget_s),
        })
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
    terms: Vec<Term>,
    sensors: Vec<SensorOf>,
    scores: Vec<ScoreOf>,
    asks: Vec<Ask>,
}

impl Compiler<'_> {
    fn error(&self, place: impl Into<String>, problem: Problem) -> CompileError {
        CompileError { rule: self.binding.key.clone(), place: place.into(), problem: Box::new(problem) }
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

    /// A whole number from 1 to `most`.
    fn whole(&self, quantity: &Quantity, most: f64, range: &'static str, place: &str) -> Result<u32, CompileError> {
        let number = self.quantity(quantity, place)?;
        let whole = number.floor().clamp(1.0, most);
        self.in_range(number, whole..=whole, range, place).map(|whole| whole as u32)
    }

    /// A quantity in a range, or `otherwise` where none is written.
    fn number(
        &self,
        quantity: Option<&Quantity>,
        otherwise: f64,
        allowed: std::ops::RangeInclusive<f64>,
        range: &'static str,
        place: &str,
    ) -> Result<f64, CompileError> {
        quantity.map_or(Ok(otherwise), |quantity| self.in_range(self.quantity(quantity, place)?, allowed, range, place))
    }

    /// Seconds, or `otherwise` where none are written.
    fn seconds_or(&self, quantity: Option<&Quantity>, otherwise: f64, place: &str) -> Result<i64, CompileError> {
        quantity.map_or(Ok(micros(otherwise)), |quantity| self.seconds(quantity, place))
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

    fn node(&mut self, condition: &Condition, place: &str, within: Within) -> Result<Node, CompileError> {
        let leaf = match condition {
            Condition::Class(classes) => self.class(classes, &format!("{place}.class"))?,
            Condition::Confidence(least) => {
                let place = format!("{place}.confidence");
                Leaf::Confidence(self.number(Some(least), 0.0, 0.0..=1.0, PART, &place)? as f32)
            }
            Condition::InZone(in_zone) => self.in_zone(in_zone, &format!("{place}.in_zone"))?,
            Condition::Dwell(dwell) => self.dwell(dwell, &format!("{place}.dwell"))?,
            Condition::Stationary(stationary) => self.stationary(stationary, &format!("{place}.stationary"))?,
            Condition::LineCrossed(crossed) => self.line_crossed(crossed, &format!("{place}.line_crossed"))?,
            Condition::Moving(moving) => self.moving(moving, &format!("{place}.moving"))?,
            Condition::Speed(speed) => self.speed(speed, &format!("{place}.speed"))?,
            Condition::Near(near) => self.near(near, &format!("{place}.near"))?,
            Condition::Appeared(appeared) => self.appeared(appeared, &format!("{place}.appeared"))?,
            Condition::Falls(falls) => self.falls(falls, &format!("{place}.falls"))?,
            Condition::Wearing(wearing) => self.wearing(wearing, &format!("{place}.wearing"))?,
            Condition::Count(count) => return self.count(count, &format!("{place}.count"), within),
            Condition::Absent(absent) => return self.absent(absent, &format!("{place}.absent"), within),
            Condition::Sensor(sensor) => return self.sensor(sensor, &format!("{place}.sensor")),
            Condition::Score(score) => return self.score(score, &format!("{place}.score"), within),
            Condition::Schedule(schedule) => return Ok(Node::Schedule(schedule.clone())),
            Condition::All(parts) => return Ok(Node::All(self.parts(parts, &format!("{place}.all"), within)?)),
            Condition::Any(parts) => return Ok(Node::Any(self.parts(parts, &format!("{place}.any"), within)?)),
            Condition::Not(part) => {
                return Ok(Node::Not(Box::new(self.node(part, &format!("{place}.not"), within)?)));
            }
        };
        self.leaves.push(leaf);
        Ok(Node::Leaf(self.leaves.len() - 1))
    }

    fn parts(&mut self, parts: &[Condition], place: &str, within: Within) -> Result<Vec<Node>, CompileError> {
        if parts.is_empty() {
            return Err(self.error(place, Problem::Empty { help: "write at least one condition" }));
        }
        let mut nodes = Vec::with_capacity(parts.len());
        for (i, part) in parts.iter().enumerate() {
            nodes.push(self.node(part, &format!("{place}[{i}]"), within)?);
        }
        self.check_mixed(nodes.iter(), place)?;
        Ok(nodes)
    }

    /// Conditions about single tracks and about the zone as a whole cannot be joined.
    fn check_mixed<'n>(&self, nodes: impl Iterator<Item = &'n Node>, place: &str) -> Result<(), CompileError> {
        let abouts: Vec<About> = nodes.map(|node| self.about(node)).collect();
        match abouts.iter().position(|a| *a == About::Track).filter(|_| abouts.contains(&About::Zone)) {
            Some(i) => Err(self.error(format!("{place}[{i}]"), Problem::MixedCount)),
            None => Ok(()),
        }
    }

    fn about(&self, node: &Node) -> About {
        match node {
            Node::Leaf(_) => About::Track,
            Node::Term(_) => About::Zone,
            Node::Schedule(_) | Node::Sensor(_) => About::World,
            Node::Score(i) => self.about_all(self.scores[*i].signs.iter().map(|sign| &sign.condition)),
            Node::Not(part) => self.about(part),
            Node::All(parts) | Node::Any(parts) => self.about_all(parts.iter()),
        }
    }

    fn about_all<'n>(&self, mut nodes: impl Iterator<Item = &'n Node>) -> About {
        nodes.find_map(|node| Some(self.about(node)).filter(|a| *a != About::World)).unwrap_or(About::World)
    }
}
