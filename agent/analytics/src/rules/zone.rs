//! What is true of a zone as a whole: how many are there, how dense, how quickly they become more, whether anybody is.

use std::collections::VecDeque;

use forewarn_domain::{BBox, Class, Timestamp};
use serde::{Deserialize, Serialize};

use super::identity::Identity;
use super::program::{Measure, Term};
use super::score::Gate;
use super::tree::Truth;

/// The most numbers that are remembered for a growth.
const MOST_NUMBERS: usize = 128;

/// What is remembered of one term of one rule.
#[derive(Debug, Clone, Default)]
pub(super) struct TermMemory {
    gate: Gate,
    /// The number of those who fulfil it, over time; for a growth.
    numbers: VecDeque<(Timestamp, usize)>,
    /// Since when growth could be told.
    watched_since: Option<Timestamp>,
    /// Watched time without those who are missed.
    pub(super) absence: Absence,
}

/// Watched time without those who are missed; goes on after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Absence {
    /// Microseconds.
    pub(super) absent_us: i64,
}

impl TermMemory {
    /// Takes in how many fulfil the term, surely and perhaps, `step_us` after the last frame.
    pub(super) fn update(&mut self, term: &Term, n: (usize, usize), step_us: i64, now: Timestamp) -> Truth {
        match term.measure {
            Measure::Number { each, enter, leave } => {
                self.gate.truth((n.0 as f64 * each, n.1 as f64 * each), (enter, leave), term.for_us, now)
            }
            Measure::Growth { over_us, enter, leave } => {
                let before = self.before(n.0, over_us, now);
                let grown = |n: usize| before.map_or(0.0, |before| n as f64 - before as f64);
                self.gate.truth((grown(n.0), grown(n.1)), (enter, leave), term.for_us, now)
            }
            Measure::Absence { least } => {
                if n.0 >= least {
                    self.absence.absent_us = 0;
                    return Truth::False;
                }
                // Whoever may be there is not missed; the time does not run.
                if n.1 >= least {
                    return Truth::CannotTell;
                }
                self.absence.absent_us = self.absence.absent_us.saturating_add(step_us);
                Truth::from(self.absence.absent_us >= term.for_us)
            }
        }
    }

    /// The rule does not hold now, so that nothing is missed.
    pub(super) fn close(&mut self) {
        self.absence = Absence::default();
    }

    /// The memory of a term that was fulfilled at `now`.
    pub(super) fn fulfilled(term: &Term, now: Timestamp) -> Self {
        let since = Timestamp::from_micros(now.as_micros().saturating_sub(term.for_us));
        Self { gate: Gate::passed(since), absence: Absence { absent_us: term.for_us }, ..Self::default() }
    }

    /// The number at the beginning of the span; none while it was not watched for so long. The median of the numbers of
    /// a tenth of the span, so that one miscounted frame is no growth.
    fn before(&mut self, n: usize, over_us: i64, now: Timestamp) -> Option<usize> {
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

/// The class of most members, the earliest member's where classes are equal in number.
pub(super) fn most_common(members: &[&Identity]) -> Option<Class> {
    let count = |class: &Class| members.iter().filter(|m| m.class == *class).count();
    let mut best = None;
    for member in members {
        let n = count(&member.class);
        if best.as_ref().is_none_or(|(most, _)| n > *most) {
            best = Some((n, member.class.clone()));
        }
    }
    best.map(|(_, class)| class)
}

/// The smallest box around a shape.
pub(super) fn around(shape: &forewarn_domain::zone::ZoneShape) -> Option<BBox> {
    use forewarn_domain::zone::ZoneShape::{Line, Polygon};
    let points = match shape {
        Polygon(polygon) => &polygon.points,
        Line(points) => points,
    };
    points.iter().map(|p| BBox::new(p.x, p.y, p.x, p.y)).reduce(|a, b| a.union(&b))
}
