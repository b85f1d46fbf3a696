//! Seconds as files state them.

use std::time::Duration;

/// Seconds of a file as a span; what is negative or no number counts as nothing, what is too much as for ever.
pub(crate) fn span(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(if seconds > 0.0 { Duration::MAX } else { Duration::ZERO })
}

#[cfg(test)]
mod tests {
    use forewarn_domain::Timestamp;

    use super::*;

    #[test]
    fn odd_seconds_do_no_harm() {
        assert_eq!(span(-1.0), Duration::ZERO);
        assert_eq!(span(f64::NAN), Duration::ZERO);
        assert_eq!(span(f64::INFINITY), Duration::MAX);
        assert_eq!(span(0.25), Duration::from_millis(250));
        assert_eq!((Timestamp::from_micros(5) + span(1e300)).as_micros(), i64::MAX);
    }
}
