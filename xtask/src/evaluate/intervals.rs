//! 95 % intervals of counts and of delays, without assuming that they are many.

/// Either tail's probability outside of a 95 % interval.
const TAIL: f64 = 0.025;

/// The interval of the mean of a Poisson count of which `n` were seen (Garwood, Biometrika 28, 1936).
pub(super) fn poisson(n: u64) -> (f64, f64) {
    let most = 10.0 + 3.0 * n as f64;
    // The least mean with which so many and more are not too seldom, and the largest with which so few are not.
    let low = if n == 0 { 0.0 } else { crossing(most, |mean| 1.0 - at_most(n - 1, mean) >= TAIL) };
    (low, crossing(most, |mean| at_most(n, mean) <= TAIL))
}

/// The interval of the median of what was drawn: of its sorted values those between which it lies with 95 %, whatever
/// the distribution. None of fewer than six, which cannot be as sure.
pub(super) fn median(sorted: &[f64]) -> Option<(f64, f64)> {
    let n = sorted.len();
    // With a fair coin for each value, so many on one side are too seldom.
    let mut outside = 0.5_f64.powi(i32::try_from(n).ok()?);
    let mut at = outside;
    if outside > TAIL {
        return None;
    }
    let mut rank = 0;
    loop {
        at *= (n - rank) as f64 / (rank + 1) as f64;
        if outside + at > TAIL {
            return Some((sorted[rank], sorted[n - 1 - rank]));
        }
        outside += at;
        rank += 1;
    }
}

/// The probability that a Poisson count of this mean is at most `n`.
fn at_most(n: u64, mean: f64) -> f64 {
    let mut term = (-mean).exp();
    let mut sum = term;
    for k in 1..=n {
        term *= mean / k as f64;
        sum += term;
    }
    sum
}

/// Where in 0 to `most` a condition that holds from some value on begins to hold.
fn crossing(most: f64, holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, most);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if holds(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_the_intervals_of_the_tables() {
        // Of the chi-square distribution's tables.
        for (n, low, high) in [(0, 0.0, 3.689), (1, 0.0253, 5.572), (4, 1.090, 10.242), (20, 12.217, 30.888)] {
            let found = poisson(n);
            assert!((found.0 - low).abs() < 2e-3 && (found.1 - high).abs() < 2e-3, "{n}: {found:?}");
        }
    }

    #[test]
    fn a_median_of_few_has_no_interval_and_of_many_a_narrow_one() {
        let values: Vec<f64> = (1..=20).map(f64::from).collect();
        assert_eq!(median(&values[..5]), None);
        assert_eq!(median(&values[..6]), Some((1.0, 6.0)));
        // Ranks 6 and 15 of 20, as in Conover's table of the binomial distribution.
        assert_eq!(median(&values), Some((6.0, 15.0)));
    }
}
