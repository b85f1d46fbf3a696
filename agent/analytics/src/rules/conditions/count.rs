//! `count`: how many are there, how dense, how quickly they become more.

use std::collections::VecDeque;

use forewarn_domain::condition;

use super::ZoneCondition;
use crate::rules::error::{CompileError, Problem};
use crate::rules::gate::Gate;
use crate::rules::lookup::{COUNT, LEAVE, Lookup, micros};
use crate::rules::truth::Truth;
use crate::rules::watched::{COUNTED_US, Watched};

/// The most numbers that are remembered for a growth.
const MOST_NUMBERS: usize = 128;

/// What is measured of those who are counted. `enter` is the least for the condition to begin to hold, `leave` the least
/// for it to go on.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Measure {
    /// How many there are, each worth `each`: 1, or a part of a person per square metre.
    Number { each: f64 },
    /// How many more there are than at some time within `over_us`.
    Growth { over_us: i64 },
}

/// So many fulfil a condition, or more than before.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::rules) struct Count {
    measure: Measure,
    enter: f64,
    leave: f64,
    for_us: i64,
    gate: Gate,
    /// The number of those who fulfil it, over time; for a growth.
    numbers: VecDeque<(Watched, usize)>,
    /// Since when growth could be told.
    watched_since: Option<Watched>,
}

impl Count {
    pub(super) fn compile(count: &condition::Count, lookup: &Lookup<'_>, place: &str) -> Result<Self, CompileError> {
        let (measure, enter) = Measure::compile(count, lookup, place)?;
        let leave_place = format!("{place}.leave_below");
        let leave = lookup.number(count.leave_below.as_ref(), enter, f64::MIN_POSITIVE..=enter, LEAVE, &leave_place)?;
        let for_us = lookup.seconds_or(count.for_s.as_ref(), 0.0, &format!("{place}.for_s"))?;
        let (gate, numbers) = (Gate::default(), VecDeque::new());
        Ok(Self { measure, enter, leave, for_us, gate, numbers, watched_since: None })
    }

    /// For how long those who count must be in view, in microseconds. Growth is told from a moment long ago.
    pub(super) fn least_us(&self) -> i64 {
        match self.measure {
            Measure::Number { .. } => self.for_us.saturating_sub(COUNTED_US).max(0),
            Measure::Growth { .. } => 0,
        }
    }

    /// The number at the beginning of the span; none while it was not watched for so long. The median of the numbers of
    /// a tenth of the span, so that one miscounted frame is no growth.
    fn before(&mut self, n: usize, over_us: i64, now: Watched) -> Option<usize> {
        let watched_since = *self.watched_since.get_or_insert(now);
        self.numbers.retain(|(at, _)| now.micros_since(*at) <= over_us);
        let pause_us = over_us / MOST_NUMBERS as i64;
        if self.numbers.back().is_none_or(|(at, _)| now.micros_since(*at) >= pause_us) {
            self.numbers.push_back((now, n));
        }
        let oldest = self.numbers.iter().filter(|(at, _)| now.micros_since(*at) >= over_us - over_us / 10);
        let mut oldest: Vec<usize> = oldest.map(|(_, n)| *n).collect();
        oldest.sort_unstable();
        let median = oldest.get(oldest.len() / 2).copied();
        median.filter(|_| now.micros_since(watched_since) >= over_us - over_us / 10)
    }
}

impl Measure {
    /// What is measured, and from which value on the condition begins to hold.
    fn compile(count: &condition::Count, lookup: &Lookup<'_>, place: &str) -> Result<(Self, f64), CompileError> {
        if count.zone.is_some() && count.per_m2.is_none() {
            return Err(lookup.error(format!("{place}.zone"), Problem::Missing { keys: "per_m2, whose area it names" }));
        }
        match (&count.at_least, &count.per_m2, &count.growth) {
            (Some(least), None, None) => {
                let enter = lookup.whole(least, 1000.0, COUNT, &format!("{place}.at_least"))?;
                Ok((Self::Number { each: 1.0 }, f64::from(enter)))
            }
            (None, Some(density), None) => {
                let range = "write people for each square metre from 0.01 to 20";
                let enter = lookup.number(Some(density), 0.0, 0.01..=20.0, range, &format!("{place}.per_m2"))?;
                let zone = count.zone.as_ref().unwrap_or(&lookup.binding.key.zone);
                let area = lookup.binding.areas_m2.get(zone).copied().filter(|area| *area > 0.0 && area.is_finite());
                let no_area = || lookup.error(format!("{place}.per_m2"), Problem::NoArea { zone: zone.clone() });
                Ok((Self::Number { each: 1.0 / area.ok_or_else(no_area)? }, enter))
            }
            (None, None, Some(growth)) => {
                let enter = lookup.whole(&growth.by, 1000.0, COUNT, &format!("{place}.growth.by"))?;
                let range = "write seconds from 2 to 3600";
                let over_place = format!("{place}.growth.over_s");
                let over_s = lookup.number(Some(&growth.over_s), 0.0, 2.0..=3600.0, range, &over_place)?;
                Ok((Self::Growth { over_us: micros(over_s) }, f64::from(enter)))
            }
            (None, None, None) => Err(lookup.error(place, Problem::Missing { keys: "at_least, per_m2 or growth" })),
            _ => Err(lookup.error(place, Problem::TooMany { keys: "at_least, per_m2 and growth" })),
        }
    }
}

impl ZoneCondition for Count {
    fn count(&mut self, (surely, perhaps): (usize, usize), _step_us: i64, now: Watched) -> Truth {
        let values = match self.measure {
            Measure::Number { each } => (surely as f64 * each, perhaps as f64 * each),
            Measure::Growth { over_us } => {
                let before = self.before(surely, over_us, now);
                let grown = |n: usize| before.map_or(0.0, |before| n as f64 - before as f64);
                (grown(surely), grown(perhaps))
            }
        };
        self.gate.truth(values, (self.enter, self.leave), self.for_us, now)
    }

    fn recall(&mut self, now: Watched) {
        self.gate = Gate::passed(now.before(self.for_us));
    }

    fn at_once(&mut self) {
        self.for_us = 0;
    }

    fn hangs_on_before(&self) -> bool {
        matches!(self.measure, Measure::Growth { .. })
    }
}
