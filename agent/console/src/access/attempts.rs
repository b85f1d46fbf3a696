//! How often somebody may try to sign in. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use forewarn_domain::Timestamp;

/// So many may fail before anybody waits.
const FREE: u32 = 5;
/// The longest wait between two attempts; a person who has forgotten his password must not be kept out by another.
const LONGEST: Duration = Duration::from_mins(1);
/// What failed so long ago counts no more.
const FORGOTTEN: Duration = Duration::from_mins(15);
/// Names of whom failures are remembered; beyond that the one that failed longest ago is forgotten.
const NAMES: usize = 1024;

#[derive(Debug, Clone, Copy)]
struct Failures {
    n: u32,
    last: Timestamp,
}

/// The failed attempts by name.
#[derive(Debug, Default)]
pub(crate) struct Attempts(BTreeMap<String, Failures>);

impl Attempts {
    /// How long whoever signs in by this name must wait; none if he may try.
    pub(crate) fn wait(&self, name: &str, now: Timestamp) -> Option<Duration> {
        let failures = self.0.get(name).filter(|failures| now.since(failures.last) < FORGOTTEN)?;
        let doublings = failures.n.checked_sub(FREE)?.min(6);
        let until = failures.last + Duration::from_secs(1 << doublings).min(LONGEST);
        Some(until.since(now)).filter(|left| !left.is_zero())
    }

    /// One has failed.
    pub(crate) fn failed(&mut self, name: &str, now: Timestamp) {
        self.0.retain(|_, failures| now.since(failures.last) < FORGOTTEN);
        if self.0.len() >= NAMES && !self.0.contains_key(name) {
            let oldest = self.0.iter().min_by_key(|(_, failures)| failures.last).map(|(name, _)| name.clone());
            oldest.map(|oldest| self.0.remove(&oldest));
        }
        let failures = self.0.entry(name.to_owned()).or_insert(Failures { n: 0, last: now });
        *failures = Failures { n: failures.n.saturating_add(1), last: now };
    }

    /// One was right.
    pub(crate) fn succeeded(&mut self, name: &str) {
        self.0.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: u64) -> Timestamp {
        Timestamp::ZERO + Duration::from_secs(s)
    }

    #[test]
    fn after_five_failures_each_attempt_waits_longer_and_never_more_than_a_minute() {
        let mut attempts = Attempts::default();
        for _ in 0..4 {
            attempts.failed("ann", at(0));
        }
        assert_eq!(attempts.wait("ann", at(0)), None);
        attempts.failed("ann", at(0));
        assert_eq!(attempts.wait("ann", at(0)), Some(Duration::from_secs(1)));
        assert_eq!((attempts.wait("ann", at(1)), attempts.wait("bob", at(0))), (None, None));
        for _ in 0..20 {
            attempts.failed("ann", at(10));
        }
        assert_eq!(attempts.wait("ann", at(10)), Some(Duration::from_mins(1)));
        assert_eq!(attempts.wait("ann", at(10 + 15 * 60)), None, "it is forgotten");
        attempts.succeeded("ann");
        assert_eq!(attempts.wait("ann", at(10)), None);
    }

    #[test]
    fn names_that_are_made_up_fill_no_memory() {
        let mut attempts = Attempts::default();
        for n in 0..3000 {
            attempts.failed(&format!("name-{n}"), at(n / 10));
        }
        assert_eq!(attempts.0.len(), NAMES);
    }
}
