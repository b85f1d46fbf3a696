//! Where a share truly lies.

/// The standard score of 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// Wilson's interval of 95 % for the true share of which `successes` of `n` were seen; none of nothing.
pub fn wilson(successes: u32, n: u32) -> Option<(f64, f64)> {
    if n == 0 {
        return None;
    }
    let n_f = f64::from(n);
    let share = f64::from(successes.min(n)) / n_f;
    let scale = 1.0 + Z * Z / n_f;
    let centre = (share + Z * Z / (2.0 * n_f)) / scale;
    let half = Z / scale * (share * (1.0 - share) / n_f + Z * Z / (4.0 * n_f * n_f)).sqrt();
    Some(((centre - half).max(0.0), (centre + half).min(1.0)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_interval_is_that_of_the_tables() {
        // R. G. Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I, method 3.
        for (k, n, low, high) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
        {
            let (l, h) = wilson(k, n).unwrap();
            assert!((l - low).abs() < 5e-5 && (h - high).abs() < 5e-5, "{k}/{n}: {l} {h}");
        }
        assert_eq!(wilson(0, 0), None);
    }

    proptest! {
        #[test]
        fn it_holds_the_seen_share_and_shrinks_with_more(n in 1..10_000_u32, k in 0..10_000_u32) {
            let k = k.min(n);
            let (low, high) = wilson(k, n).unwrap();
            let share = f64::from(k) / f64::from(n);
            prop_assert!(0.0 <= low && low <= share + 1e-12 && share <= high + 1e-12 && high <= 1.0);
            let (more_low, more_high) = wilson(k * 4, n * 4).unwrap();
            prop_assert!(more_high - more_low < high - low);
        }
    }
}
