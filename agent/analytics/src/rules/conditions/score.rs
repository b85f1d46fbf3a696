//! `score`: a sum of weak signs.

use std::sync::Arc;

use forewarn_domain::condition;

use crate::rules::error::{CompileError, Problem};
use crate::rules::gate::Gate;
use crate::rules::lookup::{LEAVE, Lookup, micros};
use crate::rules::tree::{Facts, Node};
use crate::rules::truth::Truth;
use crate::rules::watched::Watched;

/// One sign of a score.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::rules) struct Sign {
    weight: f32,
    condition: Node,
    label: Option<String>,
}

/// What a score adds up.
#[derive(Debug, Clone, PartialEq)]
struct Sum {
    signs: Vec<Sign>,
    enter: f32,
    leave: f32,
    for_us: i64,
    half_life_us: i64,
    is_zone: bool,
}

/// Weak signs add up, of a track or of the zone as a whole.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::rules) struct Score {
    sum: Arc<Sum>,
    /// How much each sign counts, 1 when it is seen.
    levels: Vec<f32>,
    at: Option<Watched>,
    gate: Gate,
}

impl Sign {
    pub(in crate::rules) fn compile(
        sign: &condition::Sign,
        condition: Node,
        lookup: &Lookup<'_>,
        place: &str,
    ) -> Result<Self, CompileError> {
        let range = "write a weight from -1000 to 1000";
        let weight = lookup.number(Some(&sign.weight), 0.0, -1000.0..=1000.0, range, &format!("{place}.weight"))?;
        Ok(Self { weight: weight as f32, condition, label: sign.label.clone() })
    }

    /// When it counts.
    pub(in crate::rules) fn condition(&self) -> &Node {
        &self.condition
    }
}

impl Score {
    pub(in crate::rules) fn compile(
        score: &condition::Score,
        (signs, is_zone): (Vec<Sign>, bool),
        lookup: &Lookup<'_>,
        place: &str,
    ) -> Result<Self, CompileError> {
        if signs.is_empty() {
            let help = "write at least one sign, { weight = 1, if = … }";
            return Err(lookup.error(format!("{place}.of"), Problem::Empty { help }));
        }
        let most: f64 = signs.iter().map(|sign| f64::from(sign.weight.max(0.0))).sum();
        let range = "write a number above 0 that the weights can add up to";
        let at_least_place = format!("{place}.at_least");
        let enter =
            lookup.number(Some(&score.at_least), 0.0, f64::MIN_POSITIVE..=most + 1e-6, range, &at_least_place)?;
        let leave_place = format!("{place}.leave_below");
        let leave = lookup.number(score.leave_below.as_ref(), enter, f64::MIN_POSITIVE..=enter, LEAVE, &leave_place)?;
        let half_life_place = format!("{place}.half_life_s");
        let range = "write seconds from 0.1 to 3600";
        let half_life = lookup.number(score.half_life_s.as_ref(), 5.0, 0.1..=3600.0, range, &half_life_place)?;
        let for_us = lookup.seconds_or(score.for_s.as_ref(), 0.0, &format!("{place}.for_s"))?;
        let half_life_us = micros(half_life);
        let sum = Sum { signs, enter: enter as f32, leave: leave as f32, for_us, half_life_us, is_zone };
        Ok(Self { sum: Arc::new(sum), levels: Vec::new(), at: None, gate: Gate::default() })
    }

    /// What it adds up.
    pub(in crate::rules) fn signs(&self) -> &[Sign] {
        &self.sum.signs
    }

    /// Whether it is about the zone as a whole.
    pub(in crate::rules) fn is_zone(&self) -> bool {
        self.sum.is_zone
    }

    /// For how long its subject must be in view, in microseconds; that of a zone may be gone while signs still count.
    pub(in crate::rules) fn least_us(&self) -> i64 {
        if self.sum.is_zone { 0 } else { self.sum.for_us }
    }

    /// Takes in what is known of each sign.
    pub(in crate::rules) fn add_up(&mut self, facts: &Facts<'_>, now: Watched) -> Truth {
        let sum = &self.sum;
        let elapsed_us = self.at.map_or(0, |at| now.micros_since(at).max(0));
        self.at = Some(now);
        let kept = (-(elapsed_us as f32) / sum.half_life_us.max(1) as f32).exp2();
        self.levels.resize(sum.signs.len(), 0.0);
        let (mut least, mut most) = (0.0, 0.0);
        for (level, sign) in self.levels.iter_mut().zip(&sum.signs) {
            let truth = facts.truth(&sign.condition);
            *level = if truth.holds() { 1.0 } else { *level * kept };
            let weight = f64::from(sign.weight);
            let known = weight * f64::from(*level);
            // A sign that cannot be told may be there or not.
            let open = if truth == Truth::CannotTell { weight - known } else { 0.0 };
            least += known + open.min(0.0);
            most += known + open.max(0.0);
        }
        self.gate.truth((least, most), (f64::from(sum.enter), f64::from(sum.leave)), sum.for_us, now)
    }

    /// Holds as soon as it begins to.
    pub(in crate::rules) fn at_once(&mut self) {
        Arc::make_mut(&mut self.sum).for_us = 0;
    }

    /// Goes on as one that was reached at `now`, before a restart.
    pub(in crate::rules) fn recall(&mut self, now: Watched) {
        self.levels = self.sum.signs.iter().map(|sign| if sign.weight > 0.0 { 1.0 } else { 0.0 }).collect();
        self.at = Some(now);
        self.gate = Gate::passed(now.before(self.sum.for_us));
    }

    /// The names of the signs that count, and the part of the limit that they reach, at most 1.
    pub(in crate::rules) fn counting(&self) -> (Vec<&str>, f32) {
        let counted = self.sum.signs.iter().zip(&self.levels);
        let names = counted.clone().filter(|(sign, level)| **level >= 0.5 && sign.weight > 0.0);
        let sum: f32 = counted.map(|(sign, level)| sign.weight * level).sum();
        (names.filter_map(|(sign, _)| sign.label.as_deref()).collect(), (sum / self.sum.enter).clamp(0.0, 1.0))
    }
}
