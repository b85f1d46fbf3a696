//! Thresholds that flicker neither on nor off.

use super::truth::Truth;
use super::watched::Watched;

/// A threshold with a lower one for going back, and since when it is passed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Gate {
    since: Option<Watched>,
}

impl Gate {
    /// Takes in the least and the greatest value that a measure may have and tells since when the gate is passed, and
    /// whether that is certain. The gate passes from `enter` on until the value is below `leave`.
    pub(super) fn update(
        &mut self,
        value: (f64, f64),
        enter: f64,
        leave: f64,
        now: Watched,
    ) -> (Option<Watched>, bool) {
        let limit = if self.since.is_some() { leave } else { enter };
        // A hair below the limit is the limit: sums of parts are not exact.
        let reaches = |value: f64| value >= limit - 1e-6 * limit.abs().max(1.0);
        let (surely, perhaps) = (reaches(value.0), reaches(value.1));
        if surely {
            self.since.get_or_insert(now);
        } else if !perhaps {
            self.since = None;
        }
        (self.since, surely == perhaps)
    }

    /// The same as a truth, for a gate that must be passed for `for_us`.
    pub(super) fn truth(&mut self, value: (f64, f64), (enter, leave): (f64, f64), for_us: i64, now: Watched) -> Truth {
        let (since, is_certain) = self.update(value, enter, leave, now);
        let has_lasted = since.is_some_and(|since| now.micros_since(since) >= for_us);
        if is_certain { Truth::from(has_lasted) } else { Truth::CannotTell }
    }

    pub(super) fn passed(since: Watched) -> Self {
        Self { since: Some(since) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_does_not_flap_between_its_limits() {
        let (mut gate, mut changes, mut was) = (Gate::default(), 0, false);
        for n in 0..100_i64 {
            let value = 9.0 + f64::from((n % 3) as i32) * 0.6;
            let (since, _) = gate.update((value, value), 10.0, 8.5, Watched::START.after(n));
            changes += u32::from(since.is_some() != was);
            was = since.is_some();
        }
        assert_eq!((changes, was), (1, true));
        assert_eq!(gate.update((8.0, 8.0), 10.0, 8.5, Watched::START.after(100)), (None, true));
    }

    #[test]
    fn what_may_or_may_not_reach_the_limit_cannot_be_told() {
        let mut gate = Gate::default();
        assert_eq!(gate.truth((1.0, 3.0), (2.0, 2.0), 0, Watched::START), Truth::CannotTell);
        assert_eq!(gate.truth((2.0, 3.0), (2.0, 2.0), 0, Watched::START), Truth::True);
        assert_eq!(gate.truth((1.0, 3.0), (2.0, 2.0), 0, Watched::START), Truth::CannotTell);
        assert_eq!(gate.truth((1.0, 1.0), (2.0, 2.0), 0, Watched::START), Truth::False);
    }
}
