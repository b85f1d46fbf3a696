//! From the time of a device to the time line.
//!
//! Messages are late by turns, and never early: of many, the one that came soonest tells how far the two clocks lie apart.
//! It is sought among those of the last half minute, so that a clock that drifts is followed. Where the device tells its
//! Unix time and both clocks are right, that says how late even the soonest was.

use std::collections::VecDeque;

use forewarn_domain::Timestamp;

/// The soonest message of so long a time stands for all of it.
const SPAN_US: i64 = 5_000_000;
/// So many spans count.
const MOST_SPANS: usize = 6;
/// A device whose time goes back by more has started anew.
const RESTART_US: i64 = 1_000_000;
/// So late a message may be where both clocks are right; what is told beyond is a clock that is not.
const LATE_US: std::ops::RangeInclusive<i64> = -20_000..=2_000_000;

/// How far a device's clock lies from the time line.
#[derive(Debug, Clone, Default)]
pub(super) struct ClockMap {
    /// When each span began, and what the soonest message of it was away, in microseconds.
    spans: VecDeque<(Timestamp, i64)>,
    /// The device's latest time.
    latest_us: i64,
    /// What its Unix time says it is away.
    told_us: Option<i64>,
}

/// A message's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mapped {
    /// On the time line.
    pub(super) at: Timestamp,
    /// Whether the device has started anew since the message before.
    pub(super) is_anew: bool,
}

impl ClockMap {
    /// A message of the device's time `device_us` came at `now`.
    pub(super) fn map(&mut self, device_us: i64, now: Timestamp) -> Mapped {
        let is_anew = device_us < self.latest_us - RESTART_US;
        if is_anew {
            *self = Self::default();
        }
        self.latest_us = self.latest_us.max(device_us);
        let away = now.as_micros().saturating_sub(device_us);
        match self.spans.back_mut() {
            Some((began, soonest)) if now.micros_since(*began) < SPAN_US => *soonest = away.min(*soonest),
            _ => self.spans.push_back((now, away)),
        }
        while self.spans.len() > MOST_SPANS
            || self.spans.front().is_some_and(|(began, _)| now.micros_since(*began) > SPAN_US * MOST_SPANS as i64)
        {
            self.spans.pop_front();
        }
        let heard = self.spans.iter().map(|(_, away)| *away).min().unwrap_or(away);
        let away = self.told_us.filter(|told| LATE_US.contains(&(heard - told))).unwrap_or(heard);
        // What comes from the future is a clock that is not quite right.
        Mapped { at: Timestamp::from_micros(device_us.saturating_add(away)).min(now), is_anew }
    }

    /// The device says that its time `device_us` is this instant of the time line.
    pub(super) fn told(&mut self, device_us: i64, at: Timestamp) {
        self.told_us = Some(at.as_micros().saturating_sub(device_us));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000;

    #[test]
    fn late_messages_are_put_where_they_belong() {
        let mut map = ClockMap::default();
        let late = [40, 5, 90, 300, 12, 60].map(|ms| ms * MS);
        for (i, late) in late.into_iter().cycle().take(600).enumerate() {
            let device = 1_000_000 + i as i64 * 100 * MS;
            let true_at = device + 7_000_000;
            let at = map.map(device, Timestamp::from_micros(true_at + late)).at.as_micros();
            if i > 1 {
                assert_eq!(at, true_at + 5 * MS, "message {i}");
            }
        }
    }

    #[test]
    fn drift_is_followed_both_ways() {
        for ppm in [-100, 100] {
            let mut map = ClockMap::default();
            for i in 0..36_000_i64 {
                let now = Timestamp::from_micros(i * 100 * MS);
                let device = i * 100 * MS + i * ppm / 10;
                let off = map.map(device, now).at.micros_since(now);
                assert!(off.abs() <= 4 * MS, "{ppm} ppm after {i}: {off}");
            }
        }
    }

    #[test]
    fn right_clocks_say_how_late_the_soonest_is_and_wrong_ones_are_not_believed() {
        let now = |device: i64| Timestamp::from_micros(device + 400 * MS);
        let mapped = |told_us: i64| {
            let mut map = ClockMap::default();
            map.told(0, Timestamp::from_micros(told_us));
            map.map(9_000_000, now(9_000_000)).at.as_micros() - 9_000_000
        };
        assert_eq!(mapped(10 * MS), 10 * MS);
        assert_eq!(mapped(-60_000_000), 400 * MS, "a minute late is a clock that is wrong");
        assert_eq!(mapped(500 * MS), 400 * MS, "nothing comes from the future");
    }

    #[test]
    fn a_device_that_starts_anew_is_measured_anew() {
        let mut map = ClockMap::default();
        map.map(500_000_000, Timestamp::from_micros(600_000_000));
        let mapped = map.map(2_000_000, Timestamp::from_micros(630_000_000));
        assert_eq!(mapped, Mapped { at: Timestamp::from_micros(630_000_000), is_anew: true });
        assert!(!map.map(1_900_000, Timestamp::from_micros(630_100_000)).is_anew, "out of order is not anew");
    }
}
