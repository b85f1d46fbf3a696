//! Exponential back-off between attempts.

use std::time::Duration;

/// Bounds of the waits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BackoffLimits {
    /// The longest wait after the first failure.
    pub first: Duration,
    /// The longest wait of all.
    pub longest: Duration,
    /// The part of each wait that is left to chance, 0 to 1.
    pub jitter: f64,
}

impl BackoffLimits {
    /// From half a second to half a minute, each wait drawn from the upper half, so that what failed together does not
    /// come back together.
    pub const USUAL: Self = Self { first: Duration::from_millis(500), longest: Duration::from_secs(30), jitter: 0.5 };
    /// The same waits for what nobody else waits for.
    pub const STEADY: Self = Self { jitter: 0.0, ..Self::USUAL };
}

/// Gives one wait after another. The same seed gives the same waits.
///
/// The span doubles with each failure from `first` to `longest`; each wait is drawn evenly from its upper part, which
/// `jitter` measures.
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
        let factor = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        let span = self.limits.first.saturating_mul(factor).min(self.limits.longest);
        self.failures = self.failures.saturating_add(1);
        // Of the 64 random bits, the upper 53 make an even number in 0..1.
        let share = (self.next_random() >> 11) as f64 / (1_u64 << 53) as f64;
        span.mul_f64(1.0 - self.limits.jitter.clamp(0.0, 1.0) * share)
    }

    /// A wait of the longest kind, whatever failed so far.
    pub fn long_wait(&mut self) -> Duration {
        self.failures = u32::MAX;
        self.next_wait()
    }

    /// Forgets the failures, after an attempt that was of use.
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

/// A seed that differs from name to name and from salt to salt (FNV-1a, 64 bits).
pub fn seed_of(name: &str, salt: u64) -> u64 {
    name.bytes().fold(0xCBF2_9CE4_8422_2325 ^ salt, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01B3))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn waits(limits: BackoffLimits, seed: u64, n: usize) -> Vec<Duration> {
        let mut backoff = Backoff::new(limits, seed);
        (0..n).map(|_| backoff.next_wait()).collect()
    }

    proptest! {
        #[test]
        fn waits_stay_in_bounds_grow_and_begin_anew(
            seed: u64,
            first_ms in 1_u64..2_000,
            factor in 1_u64..100,
            jitter in 0.0..=1.0,
            n in 1_usize..80,
        ) {
            let first = Duration::from_millis(first_ms);
            let limits = BackoffLimits { first, longest: first * factor as u32, jitter };
            let mut backoff = Backoff::new(limits, seed);
            let mut span = first;
            for _ in 0..n {
                let wait = backoff.next_wait();
                prop_assert!(wait >= span.mul_f64(1.0 - jitter) && wait <= span, "{wait:?} of {span:?}");
                span = (span * 2).min(limits.longest);
            }
            backoff.reset();
            prop_assert!(backoff.next_wait() <= first);
        }

        #[test]
        fn a_seed_fixes_the_waits(seed: u64) {
            prop_assert_eq!(waits(BackoffLimits::USUAL, seed, 10), waits(BackoffLimits::USUAL, seed, 10));
        }
    }

    #[test]
    fn without_jitter_waits_double_exactly_and_never_overflow() {
        let millis: Vec<u128> = waits(BackoffLimits::STEADY, 0, 9).iter().map(Duration::as_millis).collect();
        assert_eq!(millis, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
        let last = waits(BackoffLimits::STEADY, 0, 200).pop();
        assert_eq!(last, Some(BackoffLimits::STEADY.longest));
    }

    #[test]
    fn names_and_salts_do_not_wait_in_step() {
        let first = |name, salt| waits(BackoffLimits::USUAL, seed_of(name, salt), 1);
        assert_ne!(first("gate", 0), first("yard", 0));
        assert_ne!(first("gate", 0), first("gate", 1));
    }
}
