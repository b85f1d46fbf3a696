//! Waits between attempts to reach a sensor.

use std::time::Duration;

/// The first wait.
const MIN: Duration = Duration::from_millis(500);
/// The longest wait.
const MAX: Duration = Duration::from_secs(30);

/// Waits that double from half a second to half a minute. They are not jittered: few boxes share a sensor.
#[derive(Debug, Clone, Default)]
pub(super) struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// How long to wait before the next attempt.
    pub(super) fn next_wait(&mut self) -> Duration {
        let wait = MIN.saturating_mul(1 << self.attempts.min(16)).min(MAX);
        self.attempts = self.attempts.saturating_add(1);
        wait
    }

    /// Begins anew after a value.
    pub(super) fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_to_the_limit_and_begin_anew() {
        let mut backoff = Backoff::default();
        let waits: Vec<u128> = (0..9).map(|_| backoff.next_wait().as_millis()).collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
        backoff.reset();
        assert_eq!(backoff.next_wait(), MIN);
        backoff.attempts = u32::MAX;
        assert_eq!(backoff.next_wait(), MAX);
    }
}
