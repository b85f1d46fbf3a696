//! Holds spending to a rate.

use forewarn_domain::Timestamp;

/// A bucket that fills at a steady rate, runs over at so many seconds' worth, and may be overdrawn by the job that is
/// under way.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    /// Processor seconds a second.
    rate: f64,
    burst_s: f64,
    level: f64,
    filled_at: Option<Timestamp>,
}

impl Bucket {
    /// A full one.
    pub(super) fn new(rate: f64, burst_s: f64) -> Self {
        Self { rate, burst_s, level: rate * burst_s, filled_at: None }
    }

    pub(super) fn set_rate(&mut self, rate: f64) {
        self.rate = rate;
    }

    /// Time has come to `now`. A clock that went back fills nothing.
    pub(super) fn fill(&mut self, now: Timestamp) {
        let elapsed_s = self.filled_at.map_or(0.0, |at| now.since(at).as_secs_f64());
        self.filled_at = Some(now);
        self.level = (self.level + self.rate * elapsed_s).min(self.rate * self.burst_s);
    }

    pub(super) fn take(&mut self, amount: f64) {
        self.level -= amount;
    }

    pub(super) fn level(&self) -> f64 {
        self.level
    }

    pub(super) fn is_in_debt(&self) -> bool {
        self.level < 0.0
    }

    /// When it is not in debt any more.
    pub(super) fn solvent_at(&self, now: Timestamp) -> Timestamp {
        let debt_s = if self.level < 0.0 { -self.level / self.rate.max(1e-6) } else { 0.0 };
        // A microsecond more, so that rounding never wakes the caller a moment too early.
        let micros = (debt_s.min(3600.0) * 1e6).ceil() as i64 + i64::from(debt_s > 0.0);
        let from = self.filled_at.unwrap_or(now);
        Timestamp::from_micros(from.as_micros().saturating_add(micros)).max(now)
    }
}
