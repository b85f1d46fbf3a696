//! Sums of weak signs, and thresholds that flicker neither on nor off.

use forewarn_domain::Timestamp;

use super::program::ScoreOf;
use super::tree::Truth;

/// A threshold with a lower one for going back, and since when it is passed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Gate {
    since: Option<Timestamp>,
}

impl Gate {
    /// Takes in the least and the greatest value that a measure may have and tells since when the gate is passed, and
    /// whether that is certain. The gate passes from `enter` on until the value is below `leave`.
    pub(super) fn update(
        &mut self,
        value: (f64, f64),
        enter: f64,
        leave: f64,
        now: Timestamp,
    ) -> (Option<Timestamp>, bool) {
        let limit = if self.since.is_some() { leave } else { enter };
        // A hair below the limit is the limit: sums of parts are not exact.
        let reaches = |value: f64| value >= limit - 1e-6 * limit.abs().max(1.0);
        let (surely, perhaps) = (reaches(value.0), reaches(value.1));
        if surely {
            self.since.get_or_insert(now);
        } else if !perhaps {
            self.since = None;
        }
        (self.since, surely == perhaps)
    }

    /// The same as a truth, for a gate that must be passed for `for_us`.
    pub(super) fn truth(
        &mut self,
        value: (f64, f64),
        (enter, leave): (f64, f64),
        for_us: i64,
        now: Timestamp,
    ) -> Truth {
        let (since, is_certain) = self.update(value, enter, leave, now);
        let has_lasted = since.is_some_and(|since| now.micros_since(since) >= for_us);
        if is_certain { Truth::from(has_lasted) } else { Truth::CannotTell }
    }

    pub(super) fn passed(since: Timestamp) -> Self {
        Self { since: Some(since) }
    }
}

/// What is remembered of a score for one track or zone.
#[derive(Debug, Clone, Default)]
pub(super) struct ScoreMemory {
    /// How much each sign counts, 1 when it is seen.
    levels: Vec<f32>,
    at: Option<Timestamp>,
    gate: Gate,
}

impl ScoreMemory {
    /// Takes in what is known of each sign.
    pub(super) fn update(&mut self, score: &ScoreOf, signs: &[Truth], now: Timestamp) -> Truth {
        let elapsed_us = self.at.map_or(0, |at| now.micros_since(at).max(0));
        self.at = Some(now);
        let kept = (-(elapsed_us as f32) / score.half_life_us.max(1) as f32).exp2();
        self.levels.resize(signs.len(), 0.0);
        let (mut least, mut most) = (0.0, 0.0);
        for ((level, truth), sign) in self.levels.iter_mut().zip(signs).zip(&score.signs) {
            *level = if truth.holds() { 1.0 } else { *level * kept };
            let weight = f64::from(sign.weight);
            let known = weight * f64::from(*level);
            // A sign that cannot be told may be there or not.
            let open = if *truth == Truth::CannotTell { weight - known } else { 0.0 };
            least += known + open.min(0.0);
            most += known + open.max(0.0);
        }
        self.gate.truth((least, most), (f64::from(score.enter), f64::from(score.leave)), score.for_us, now)
    }

    /// The memory of a score that was reached at `now`.
    pub(super) fn fulfilled(score: &ScoreOf, now: Timestamp) -> Self {
        let since = Timestamp::from_micros(now.as_micros().saturating_sub(score.for_us));
        let levels = score.signs.iter().map(|sign| if sign.weight > 0.0 { 1.0 } else { 0.0 }).collect();
        Self { levels, at: Some(now), gate: Gate::passed(since) }
    }

    /// When it was last brought up to date, in watched time.
    pub(super) fn at(&self) -> Option<Timestamp> {
        self.at
    }

    /// The names of the signs that count, and the part of the limit that they reach, at most 1.
    pub(super) fn signs<'a>(&self, score: &'a ScoreOf) -> (Vec<&'a str>, f32) {
        let counted = score.signs.iter().zip(&self.levels);
        let names = counted.clone().filter(|(sign, level)| **level >= 0.5 && sign.weight > 0.0);
        let sum: f32 = counted.map(|(sign, level)| sign.weight * level).sum();
        (names.filter_map(|(sign, _)| sign.label.as_deref()).collect(), (sum / score.enter).clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_does_not_flap_between_its_limits() {
        let (mut gate, mut changes, mut was) = (Gate::default(), 0, false);
        for n in 0..100_i64 {
            let value = 9.0 + f64::from((n % 3) as i32) * 0.6;
            let (since, _) = gate.update((value, value), 10.0, 8.5, Timestamp::from_micros(n));
            changes += u32::from(since.is_some() != was);
            was = since.is_some();
        }
        assert_eq!((changes, was), (1, true));
        assert_eq!(gate.update((8.0, 8.0), 10.0, 8.5, Timestamp::from_micros(100)), (None, true));
    }

    #[test]
    fn what_may_or_may_not_reach_the_limit_cannot_be_told() {
        let mut gate = Gate::default();
        assert_eq!(gate.truth((1.0, 3.0), (2.0, 2.0), 0, Timestamp::ZERO), Truth::CannotTell);
        assert_eq!(gate.truth((2.0, 3.0), (2.0, 2.0), 0, Timestamp::ZERO), Truth::True);
        assert_eq!(gate.truth((1.0, 3.0), (2.0, 2.0), 0, Timestamp::ZERO), Truth::CannotTell);
        assert_eq!(gate.truth((1.0, 1.0), (2.0, 2.0), 0, Timestamp::ZERO), Truth::False);
    }
}
