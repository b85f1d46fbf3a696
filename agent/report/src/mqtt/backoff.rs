//! Jittered exponential back-off between connection attempts.

use std::time::Duration;

/// Waits that double from `min` to `max`, each shortened by up to half so that a fleet does not return as one.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    min: Duration,
    max: Duration,
    attempt: u32,
    random: u64,
}

impl Backoff {
    /// Starts at `min`; the jitter follows from `seed`, such as the client's id.
    pub(crate) fn new(min: Duration, max: Duration, seed: &str) -> Self {
        // FNV-1a, 64 bit.
        let random = seed
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        Self { min, max, attempt: 0, random }
    }

    /// How long to wait before the next attempt.
    pub(crate) fn next_wait(&mut self) -> Duration {
        let full = self.min.saturating_mul(1 << self.attempt.min(20)).min(self.max);
        self.attempt = self.attempt.saturating_add(1);
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        full.mul_f64(0.5 + 0.5 * unit(self.random))
    }

    /// Begins anew after a connection that was of use.
    pub(crate) fn reset(&mut self) {
        self.attempt = 0;
    }
}

/// A number in 0..1 from a counter: the mixing of SplitMix64 (Steele, Lea, Flood 2014).
fn unit(counter: u64) -> f64 {
    let mut z = counter;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_limit_and_begin_anew() {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30), "forewarn-x");
        let waits: Vec<Duration> = (0..40).map(|_| backoff.next_wait()).collect();
        for (attempt, wait) in waits.iter().enumerate() {
            let full = Duration::from_millis(500 << attempt.min(10)).min(Duration::from_secs(30));
            assert!(*wait >= full / 2 && *wait <= full, "attempt {attempt}: {wait:?}");
        }
        backoff.reset();
        assert!(backoff.next_wait() <= Duration::from_millis(500));
        let other = Backoff::new(Duration::from_millis(500), Duration::from_secs(30), "forewarn-y").next_wait();
        assert_ne!(other, waits[0], "two clients wait differently");
    }
}
