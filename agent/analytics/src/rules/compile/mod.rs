//! Compiles a violation and a binding into a rule: parameters filled in, zones found, every number checked.

mod checks;

use forewarn_domain::condition::Score;
use forewarn_domain::{Condition, Violation};

use super::binding::RuleBinding;
use super::conditions::{self, Part, Sign, Threshold, Watch};
use super::error::{CompileError, Problem};
use super::lookup::{Lookup, MOST_SECONDS, micros};
use super::program::{Ask, CompiledRule, Term};
use super::tree::Node;
use crate::votes::Standard;

/// What a part of the tree speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speaks {
    /// Of the time, and perhaps of a sensor.
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
            lookup: Lookup { violation, binding },
            watches: Vec::new(),
            terms: Vec::new(),
            sensors: Vec::new(),
            scores: Vec::new(),
        };
        compiler.lookup.check_site()?;
        compiler.lookup.check_timing()?;
        let condition = compiler.node(&violation.condition, "condition", Within::default())?;
        let is_zone = match compiler.speaks(&condition) {
            Speaks::Zone => true,
            Speaks::Track => false,
            Speaks::World => !compiler.sensors.is_empty(),
        };
        // A line, or a zone that no condition names, has no place to be drawn; the picture stands for it.
        let own_zone = compiler.lookup.zone(None, false, "zone").ok().filter(|_| is_zone);
        let observe = &violation.observe;
        let forget_s = (observe.gone_after_s + observe.lost_after_s + 10.0).clamp(30.0, MOST_SECONDS);
        Ok(Self {
            key: binding.key.clone(),
            subject: violation.subject.clone(),
            min_confidence: violation.min_confidence,
            schedule: binding.schedule.clone(),
            own_zone,
            asks: compiler.asks(),
            watches: compiler.watches,
            terms: compiler.terms,
            sensors: compiler.sensors,
            scores: compiler.scores,
            condition,
            is_zone,
            forget_after_us: micros(forget_s),
        })
    }
}

struct Compiler<'a> {
    lookup: Lookup<'a>,
    watches: Vec<Watch>,
    terms: Vec<Term>,
    sensors: Vec<Threshold>,
    scores: Vec<conditions::Score>,
}

impl Compiler<'_> {
    fn node(&mut self, condition: &Condition, place: &str, within: Within) -> Result<Node, CompileError> {
        match Part::compile(condition, &self.lookup, place)? {
            Part::Track(watch) => {
                self.watches.push(watch);
                Ok(Node::Track(self.watches.len() - 1))
            }
            Part::Zone { key, of, watch } => {
                let place = format!("{place}.{key}");
                if within.of {
                    return Err(self.lookup.error(place, Problem::NestedCount));
                }
                let of = self.node(of, &format!("{place}.of"), Within { of: true, ..within })?;
                self.terms.push(Term { of, watch });
                Ok(Node::Zone(self.terms.len() - 1))
            }
            Part::Sensor(threshold) => {
                self.sensors.push(threshold);
                Ok(Node::Sensor(self.sensors.len() - 1))
            }
            Part::Score(score) => self.score(score, &format!("{place}.score"), within),
            Part::Schedule(schedule) => Ok(Node::Schedule(schedule.clone())),
            Part::All(parts) => Ok(Node::All(self.parts(parts, &format!("{place}.all"), within)?)),
            Part::Any(parts) => Ok(Node::Any(self.parts(parts, &format!("{place}.any"), within)?)),
            Part::Not(part) => Ok(Node::Not(Box::new(self.node(part, &format!("{place}.not"), within)?))),
        }
    }

    fn score(&mut self, score: &Score, place: &str, within: Within) -> Result<Node, CompileError> {
        if within.score {
            return Err(self.lookup.error(place, Problem::NestedScore));
        }
        let mut signs = Vec::with_capacity(score.of.len());
        for (i, sign) in score.of.iter().enumerate() {
            let place = format!("{place}.of[{i}]");
            let condition = self.node(&sign.condition, &format!("{place}.if"), Within { score: true, ..within })?;
            signs.push(Sign::compile(sign, condition, &self.lookup, &place)?);
        }
        self.check_mixed(signs.iter().map(Sign::condition), &format!("{place}.of"))?;
        let is_zone = self.all_speak(signs.iter().map(Sign::condition)) == Speaks::Zone;
        self.scores.push(conditions::Score::compile(score, (signs, is_zone), &self.lookup, place)?);
        Ok(Node::Score(self.scores.len() - 1))
    }

    fn parts(&mut self, parts: &[Condition], place: &str, within: Within) -> Result<Vec<Node>, CompileError> {
        if parts.is_empty() {
            return Err(self.lookup.error(place, Problem::Empty { help: "write at least one condition" }));
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
        let all: Vec<Speaks> = nodes.map(|node| self.speaks(node)).collect();
        match all.iter().position(|a| *a == Speaks::Track).filter(|_| all.contains(&Speaks::Zone)) {
            Some(i) => Err(self.lookup.error(format!("{place}[{i}]"), Problem::MixedCount)),
            None => Ok(()),
        }
    }

    fn speaks(&self, node: &Node) -> Speaks {
        match node {
            Node::Track(_) => Speaks::Track,
            Node::Zone(_) => Speaks::Zone,
            Node::Schedule(_) | Node::Sensor(_) => Speaks::World,
            Node::Score(i) => self.all_speak(self.scores[*i].signs().iter().map(Sign::condition)),
            Node::Not(part) => self.speaks(part),
            Node::All(parts) | Node::Any(parts) => self.all_speak(parts.iter()),
        }
    }

    fn all_speak<'n>(&self, mut nodes: impl Iterator<Item = &'n Node>) -> Speaks {
        nodes.find_map(|node| Some(self.speaks(node)).filter(|a| *a != Speaks::World)).unwrap_or(Speaks::World)
    }

    /// What closer looks are asked for, each attribute once. What is looked at for the record alone is left out where
    /// no model can tell it.
    fn asks(&self) -> Vec<Ask> {
        let Lookup { violation, binding } = self.lookup;
        let of_conditions = self.watches.iter().filter_map(|watch| match watch {
            Watch::Wearing(wearing) => Some((wearing.item(), wearing.standard())),
            _ => None,
        });
        let is_told = |attribute: &&_| binding.attributes.as_ref().is_none_or(|known| known.contains(*attribute));
        let of_record = violation.evidence.attributes.iter().filter(is_told);
        let of_record = of_record.map(|attribute| (attribute, Standard::default()));
        let mut asks: Vec<Ask> = Vec::new();
        for (attribute, standard) in of_conditions.chain(of_record) {
            if !asks.iter().any(|known| known.attribute == *attribute) {
                let need = binding.needs.get(attribute).copied().unwrap_or_default();
                asks.push(Ask { attribute: attribute.clone(), standard, need });
            }
        }
        asks
    }
}
