//! From verdicts to numbers.

use serde::{Deserialize, Serialize};

/// z of a two-sided 95 % interval of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// A part of a whole with its Wilson 95 % interval, which is honest about small counts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ratio {
    /// The part, 0 to 1.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

impl Ratio {
    /// `n` of `total`; none of nothing.
    ///
    /// The interval is Wilson's score interval (E. B. Wilson, JASA 22, 1927), rounded like the value to 1e-6.
    pub fn of(n: u64, total: u64) -> Option<Self> {
        if total == 0 {
            return None;
        }
        let (n_total, p) = (total as f64, n as f64 / total as f64);
        let centre = p + Z * Z / (2.0 * n_total);
        let margin = Z * (p * (1.0 - p) / n_total + Z * Z / (4.0 * n_total * n_total)).sqrt();
        let scale = 1.0 + Z * Z / n_total;
        let round = |v: f64| (v.clamp(0.0, 1.0) * 1e6).round() / 1e6;
        Some(Self { value: round(p), low: round((centre - margin) / scale), high: round((centre + margin) / scale) })
    }
}

/// How long after its beginning a violation was confirmed, in seconds.
#[expect(clippy::struct_field_names, reason = "units stand in names")]
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Delay {
    /// Half of the delays are at most this.
    pub median_s: f64,
    /// Nine of ten delays are at most this.
    pub p90_s: f64,
    /// The longest.
    pub max_s: f64,
}

impl Delay {
    /// Of some delays; none of none. Percentiles are by the nearest rank.
    pub fn of(delays_s: &[f64]) -> Option<Self> {
        let mut sorted = delays_s.to_vec();
        sorted.sort_by(f64::total_cmp);
        let rank = |part: f64| {
            let index = ((part * sorted.len() as f64).ceil() as usize).saturating_sub(1);
            sorted.get(index).map(|s| (s * 1e3).round() / 1e3)
        };
        Some(Self { median_s: rank(0.5)?, p90_s: rank(0.9)?, max_s: rank(1.0)? })
    }
}

/// What was counted of one violation.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Counts {
    /// Entries of the truth.
    pub truths: u64,
    /// Of these found.
    pub found: u64,
    /// Alarms that are no entry, duplicates among them.
    pub false_alarms: u64,
    /// Alarms of an entry that another alarm is already.
    pub duplicates: u64,
    /// Seconds of footage in which it was looked for.
    pub judged_s: f64,
    /// From the beginning to the confirmation of each that was found, in seconds.
    pub delays_s: Vec<f64>,
}

/// The figures of one violation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The violation; `all` for all together.
    pub violation: String,
    /// Entries of the truth.
    pub truths: u64,
    /// Entries found.
    pub true_positives: u64,
    /// Alarms without an entry, duplicates among them.
    pub false_positives: u64,
    /// Alarms of an entry that another alarm is already.
    pub duplicates: u64,
    /// Entries not found.
    pub missed: u64,
    /// The part of the alarms that was right; none without alarms.
    pub precision: Option<Ratio>,
    /// The part of the entries that was found; none without entries.
    pub recall: Option<Ratio>,
    /// Harmonic mean of both; none without either alarms or entries.
    pub f1: Option<f64>,
    /// Hours of footage in which it was looked for.
    pub hours: f64,
    /// False positives for each of these hours; none without footage.
    pub false_alarms_per_hour: Option<f64>,
    /// From the true beginning to the confirmation; none if nothing was found.
    pub delay: Option<Delay>,
}

impl Counts {
    /// Adds what was counted elsewhere.
    pub(crate) fn add(&mut self, other: &Self) {
        self.truths += other.truths;
        self.found += other.found;
        self.false_alarms += other.false_alarms;
        self.duplicates += other.duplicates;
        self.judged_s += other.judged_s;
        self.delays_s.extend(&other.delays_s);
    }

    /// The figures.
    pub(crate) fn score(&self, violation: impl Into<String>) -> Score {
        let missed = self.truths - self.found;
        let either = 2 * self.found + self.false_alarms + missed;
        let hours = self.judged_s / 3600.0;
        let round = |v: f64| (v * 1e6).round() / 1e6;
        Score {
            violation: violation.into(),
            truths: self.truths,
            true_positives: self.found,
            false_positives: self.false_alarms,
            duplicates: self.duplicates,
            missed,
            precision: Ratio::of(self.found, self.found + self.false_alarms),
            recall: Ratio::of(self.found, self.truths),
            f1: (either > 0).then(|| round(2.0 * self.found as f64 / either as f64)),
            hours: round(hours),
            false_alarms_per_hour: (hours > 0.0).then(|| round(self.false_alarms as f64 / hours)),
            delay: Delay::of(&self.delays_s),
        }
    }
}
