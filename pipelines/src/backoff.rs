//! Jittered exponential back-off between attempts to connect.

use std::time::Duration;

/// Bounds of the wait.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BackoffLimits {
    /// Wait after the first failure.
    pub first: Duration,
    /// Longest wait.
    pub longest: Duration,
}

impl Default for BackoffLimits {
    fn default() -> Self {
        Self { first: Duration::from_millis(500), longest: Duration::from_secs(30) }
    }
}

/// Gives one wait after another. The same seed gives the same waits.
///
/// The span doubles with each failure up to `longest`; each wait is drawn evenly from its upper half ("equal
/// jitter"), so that the cameras of a site that failed together do not come back together.
#[derive(Debug, Clone)]
pub struct Backoff {
    limits: BackoffLimits,
    failures: u32,
    random: u64,
}

impl Backoff {
    /// Starts with no failure.
    pub fn new(limits: BackoffLimits, seed: u64) -> Self {
        Self { limits, failures: 0, random: seed }
    }

    /// Counts a failure and says how long to wait.
    pub fn next_wait(&mut self) -> Duration {
        let first = self.limits.first.min(self.limits.longest);
        let factor = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        let span = first.saturating_mul(factor).min(self.limits.longest);
        self.failures = self.failures.saturating_add(1).min(31);
        // Of the 64 random bits, the upper 53 make an even number in 0..1.
        let share = (self.next_random() >> 11) as f64 / (1_u64 << 53) as f64;
        // The first wait is never shorter than its bound.
        (span.mul_f64(0.5 + share / 2.0)).max(first)
    }

    /// Forgets the failures, after a connection that lasted.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
    fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

/// A seed that differs from name to name (FNV-1a).
pub(crate) fn seed_of(name: &str, salt: u64) -> u64 {
    name.bytes().fold(0xCBF2_9CE4_8422_2325 ^ salt, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01B3))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn waits_stay_in_bounds_and_grow(seed: u64, first_ms in 1_u64..2_000, factor in 1_u64..100, n in 1_usize..80) {
            let limits = BackoffLimits {
                first: Duration::from_millis(first_ms),
                longest: Duration::from_millis(first_ms * factor),
            };
            let mut backoff = Backoff::new(limits, seed);
            let mut span = limits.first;
            for _ in 0..n {
                let wait = backoff.next_wait();
                prop_assert!(wait >= limits.first && wait <= limits.longest);
                prop_assert!(wait >= span / 2 && wait <= span);
                span = (span * 2).min(limits.longest);
            }
            backoff.reset();
            prop_assert_eq!(backoff.next_wait(), limits.first);
        }

        #[test]
        fn a_seed_fixes_the_waits(seed: u64) {
            let draw = || {
                let mut backoff = Backoff::new(BackoffLimits::default(), seed);
                (0..10).map(|_| backoff.next_wait()).collect::<Vec<_>>()
            };
            prop_assert_eq!(draw(), draw());
        }
    }

    #[test]
    fn streams_do_not_wait_in_step() {
        let waits = |name| {
            let mut backoff = Backoff::new(BackoffLimits::default(), seed_of(name, 0));
            (0..5).map(|_| backoff.next_wait()).collect::<Vec<_>>()
        };
        assert_ne!(waits("gate"), waits("yard"));
    }
}
