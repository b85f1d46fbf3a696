//! What one look costs.

/// How much a new measurement weighs.
const WEIGHT: f64 = 0.1;
/// A measurement counts for at most so many times the mean, so that one stall of the machine is not taken for a price.
const MOST: f64 = 4.0;
/// Nothing is free: the least that a look costs, in seconds.
const LEAST_S: f64 = 1e-5;

/// A moving average of what something costs, in processor seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    mean_s: f64,
    is_measured: bool,
}

impl Cost {
    /// A cost that was not measured yet.
    pub fn assumed(seconds: f64) -> Self {
        Self { mean_s: seconds.max(LEAST_S), is_measured: false }
    }

    /// Takes in a measurement; the first one replaces the assumption.
    pub fn measured(&mut self, seconds: f64) {
        if !seconds.is_finite() || seconds < 0.0 {
            return;
        }
        if self.is_measured {
            self.mean_s += WEIGHT * (seconds.min(MOST * self.mean_s) - self.mean_s);
        } else {
            self.mean_s = seconds;
            self.is_measured = true;
        }
        self.mean_s = self.mean_s.max(LEAST_S);
    }

    /// The mean.
    pub fn seconds(&self) -> f64 {
        self.mean_s
    }
}
