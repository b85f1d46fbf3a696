//! How the time line reads on the wall: the offsets that were in force, one after another.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::wall::{ClockReading, LEAP_US, WallTime, span_us};

/// A difference below this is the noise of reading two clocks.
const NOISE_US: i64 = 20_000;
/// So many offsets are remembered.
const MOST_STEPS: usize = 64;
/// Time that passed while the agent was off, by a clock that may be wrong, is believed after so much running: whoever
/// sets clocks right has done it by then.
const BELIEVED_AFTER: Duration = Duration::from_hours(24);

/// The clock was set, or time went by while the agent was off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leap {
    /// When it was noticed.
    pub at: Timestamp,
    /// By how many microseconds; below zero where it was set back.
    pub by_us: i64,
    /// What the clock shows now.
    pub wall: WallTime,
    /// The agent was off meanwhile, so that the time may truly have passed.
    pub was_off: bool,
}

impl Leap {
    /// `forward` or `back`.
    pub fn direction(&self) -> &'static str {
        if self.by_us < 0 { "back" } else { "forward" }
    }
}

/// An offset and from when on it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Step {
    from: Timestamp,
    offset_us: i64,
    /// It came to be while the agent was off, so that the time may truly have passed.
    #[serde(default, skip_serializing_if = "is_false")]
    was_off: bool,
    /// By how many microseconds the clock was set then. The difference of two offsets would count slow corrections, too.
    #[serde(default, skip_serializing_if = "is_nothing")]
    by_us: i64,
}

/// The map. All inputs are arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WallMap {
    /// In order; never empty.
    steps: Vec<Step>,
    /// How often the clock was set back.
    rounds: u32,
    /// Until the clock shows this, it shows what it has shown before.
    shown_until: WallTime,
}

impl WallMap {
    /// A map that begins at `at`, when the clock shows `wall`.
    pub fn new(at: Timestamp, wall: WallTime) -> Self {
        let offset_us = wall.as_micros().saturating_sub(at.as_micros());
        let shown_until = WallTime::from_micros(i64::MIN);
        Self { steps: vec![Step { from: at, offset_us, was_off: false, by_us: 0 }], rounds: 0, shown_until }
    }

    /// At `at` the clock shows `wall`. Tells if somebody has set it; a small difference is followed in silence.
    pub fn observe(&mut self, at: Timestamp, wall: WallTime) -> Option<Leap> {
        self.take(at, wall, false)
    }

    /// The same after the agent was off for a time that nobody counted.
    pub fn resume(&mut self, at: Timestamp, wall: WallTime) -> Option<Leap> {
        self.take(at, wall, true)
    }

    fn take(&mut self, at: Timestamp, wall: WallTime, was_off: bool) -> Option<Leap> {
        let expected = self.wall(at);
        let by_us = wall.micros_after(expected);
        let offset_us = wall.as_micros().saturating_sub(at.as_micros());
        if by_us.saturating_abs() < LEAP_US {
            if by_us.saturating_abs() >= NOISE_US
                && let Some(last) = self.steps.last_mut()
            {
                last.offset_us = offset_us;
            }
            return None;
        }
        if by_us < 0 {
            self.rounds = self.rounds.saturating_add(1);
            self.shown_until = self.shown_until.max(expected);
        }
        self.steps.push(Step { from: at, offset_us, was_off, by_us });
        if self.steps.len() > MOST_STEPS {
            self.steps.remove(0);
        }
        Some(Leap { at, by_us, wall, was_off })
    }

    /// How the clock was last set, as far as that is remembered. Time that may truly have gone by while the agent was off
    /// is no setting.
    pub fn last_set(&self) -> Option<Leap> {
        let is_set = |step: &&Step| step.by_us != 0 && !(step.was_off && step.by_us > 0);
        let Step { from: at, offset_us, was_off, by_us } = *self.steps.iter().rev().find(is_set)?;
        // By the clock as it reads now: the offset has followed slow corrections since.
        let wall = WallTime::from_micros(at.as_micros().saturating_add(offset_us));
        Some(Leap { at, by_us, wall, was_off })
    }

    /// What the clock showed at `at`, by the offset that was in force then.
    pub fn wall(&self, at: Timestamp) -> WallTime {
        let in_force = self.steps.iter().rev().find(|step| step.from <= at).or(self.steps.first());
        WallTime::from_micros(at.as_micros().saturating_add(in_force.map_or(0, |step| step.offset_us)))
    }

    /// How the clock reads at `now`, against the time line and against what it has shown before.
    pub fn reading(&self, now: Timestamp) -> ClockReading {
        let offset_us = self.steps.last().map_or(0, |step| step.offset_us);
        ClockReading { offset_us, round: if self.wall(now) <= self.shown_until { self.rounds } else { 0 } }
    }

    /// How long ago it was at `now` that the clock showed `stamp`.
    ///
    /// A clock that is set makes nothing older or younger. Where `stamp` was shown twice, the later time counts; what
    /// was never shown counts from when the clock leapt over it. Time that passed while the agent was off counts as far
    /// as the clock went on showing it.
    pub fn age(&self, now: Timestamp, stamp: WallTime) -> Duration {
        let at = self.shown_at(now, stamp);
        let believed = now - BELIEVED_AFTER;
        let passed = self.steps.windows(2).enumerate().filter_map(|(i, pair)| {
            let (before, step) = (pair[0], pair[1]);
            let counts = step.was_off && step.from > at && step.from <= believed;
            let lowest_us = self.steps[i + 1..].iter().map(|later| later.offset_us).min()?;
            counts.then(|| lowest_us.saturating_sub(before.offset_us).max(0))
        });
        span_us(passed.fold(now.micros_since(at), i64::saturating_add))
    }

    /// When the clock last showed `stamp`, or when it leapt over it.
    fn shown_at(&self, now: Timestamp, stamp: WallTime) -> Timestamp {
        let ends = self.steps.iter().skip(1).map(|next| next.from).chain([now]);
        let mut spans: Vec<(usize, Step, Timestamp)> =
            self.steps.iter().zip(ends).enumerate().map(|(i, (step, end))| (i, *step, end)).collect();
        spans.reverse();
        let by = |step: &Step| Timestamp::from_micros(stamp.as_micros().saturating_sub(step.offset_us));
        let begins = |i: usize, step: &Step| i == 0 || by(step) >= step.from;
        let within = spans.iter().find(|(i, step, end)| begins(*i, step) && by(step) <= *end);
        if let Some((_, step, _)) = within {
            return by(step);
        }
        let leapt = spans.iter().find(|(i, step, _)| begins(*i, step));
        leapt.map_or(now, |(_, step, end)| by(step).min(*end))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_nothing(by_us: &i64) -> bool {
    *by_us == 0
}

#[cfg(test)]
mod tests;
