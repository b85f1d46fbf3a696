//! The rules' own time line: the stream's, with its outages cut out.
//!
//! Time in which nobody looked counts neither for nor against a subject, so what the rules remember of subjects is
//! measured in watched time. It says nothing outside of the rules: an instant of it has a type of its own, and there is
//! no way from it to a [`Timestamp`](forewarn_domain::Timestamp), which findings, votes, sensors and schedules go by.

/// A counted subject that is missed counts on for this long, in microseconds.
pub(super) const COUNTED_US: i64 = 1_500_000;

/// An instant of watched time, in microseconds since the stream was first watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Watched(i64);

impl Watched {
    /// Before the first frame.
    pub(super) const START: Self = Self(0);

    /// Microseconds of watching since `earlier`; below zero if it lies ahead.
    pub(super) const fn micros_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The instant `us` microseconds of watching later.
    #[must_use]
    pub(super) const fn after(self, us: i64) -> Self {
        Self(self.0.saturating_add(us))
    }

    /// The instant `us` microseconds of watching earlier; it may lie before the start, as for what was remembered.
    #[must_use]
    pub(super) const fn before(self, us: i64) -> Self {
        Self(self.0.saturating_sub(us))
    }
}
