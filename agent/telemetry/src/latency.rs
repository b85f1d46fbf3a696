//! How long frames take from their arrival to the decision.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Buckets of one millisecond; the last takes everything above.
const BUCKETS: usize = 2000;

/// Latencies of a run, counted by the millisecond.
#[derive(Debug)]
pub struct Latencies {
    counts: Vec<AtomicU64>,
}

impl Default for Latencies {
    fn default() -> Self {
        Self { counts: std::iter::repeat_with(AtomicU64::default).take(BUCKETS).collect() }
    }
}

impl Latencies {
    /// Counts one frame.
    pub fn record(&self, latency: Duration) {
        let bucket = (latency.as_millis() as usize).min(BUCKETS - 1);
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The latency in milliseconds that a `part` of the frames does not exceed; none before the first frame.
    pub fn quantile_ms(&self, part: f64) -> Option<u64> {
        let counts: Vec<u64> = self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let total: u64 = counts.iter().sum();
        let wanted = ((total as f64 * part).ceil() as u64).max(1);
        let mut seen = 0;
        let bucket = counts.iter().position(|&count| {
            seen += count;
            seen >= wanted
        })?;
        Some(bucket as u64 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_round_up_to_the_millisecond() {
        let latencies = Latencies::default();
        assert_eq!(latencies.quantile_ms(0.5), None);
        for ms in 1..=100 {
            latencies.record(Duration::from_micros(ms * 1000 - 500));
        }
        assert_eq!(latencies.quantile_ms(0.5), Some(50));
        assert_eq!(latencies.quantile_ms(0.99), Some(99));
        latencies.record(Duration::from_hours(1));
        assert_eq!(latencies.quantile_ms(1.0), Some(BUCKETS as u64));
    }
}
