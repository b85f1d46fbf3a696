//! From when on decoded pictures are whole.
//!
//! Where decoding begins in the middle of a stream, the first pictures may show parts of nothing: those that are shown
//! before the one with which it began, and those before a gradual refresh has come round.

use std::sync::Mutex;

use forewarn_base::sync::lock;

use crate::entry::Entry;

/// A refresh takes no longer than so many pictures, whatever the video says.
const LONGEST_REFRESH: u32 = 600;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// Every picture that comes is taken.
    #[default]
    Whole,
    /// So many units are still to pass.
    Refreshing { left: u32 },
    /// Pictures of this time and later are whole.
    From(gst::ClockTime),
}

/// Tells whole pictures from others.
#[derive(Debug, Default)]
pub(super) struct Wholeness(Mutex<State>);

impl Wholeness {
    /// A unit goes to the decoder; `begins` says how, if decoding begins with it.
    pub(super) fn pass(&self, begins: Option<Entry>, pts: Option<gst::ClockTime>) {
        let mut state = lock(&self.0);
        let left = match (begins, *state) {
            (Some(entry), _) => entry.lead_in().min(LONGEST_REFRESH),
            (None, State::Refreshing { left }) => left.saturating_sub(1),
            _ => return,
        };
        *state = if left > 0 { State::Refreshing { left } } else { pts.map_or(State::Whole, State::From) };
    }

    /// Whether a picture of that time is whole. Once one is, all are until decoding begins anew.
    pub(super) fn is_whole(&self, pts: Option<gst::ClockTime>) -> bool {
        let mut state = lock(&self.0);
        let is_whole = match *state {
            State::Whole => true,
            State::Refreshing { .. } => false,
            State::From(from) => pts.is_none_or(|pts| pts >= from),
        };
        if is_whole {
            *state = State::Whole;
        }
        is_whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "units may come without a time")]
    fn at(ms: u64) -> Option<gst::ClockTime> {
        Some(gst::ClockTime::from_mseconds(ms))
    }

    #[test]
    fn pictures_before_the_refresh_has_come_round_are_not_whole() {
        let wholeness = Wholeness::default();
        wholeness.pass(Some(Entry::Recovery { pictures: 2 }), at(40));
        assert!(!wholeness.is_whole(at(40)));
        wholeness.pass(None, at(80));
        assert!(!wholeness.is_whole(at(80)));
        wholeness.pass(None, at(120));
        assert!(!wholeness.is_whole(at(80)) && wholeness.is_whole(at(120)));
        assert!(wholeness.is_whole(at(0)), "times may begin anew");
    }

    #[test]
    fn pictures_shown_before_the_first_are_not_whole() {
        let wholeness = Wholeness::default();
        assert!(wholeness.is_whole(at(0)), "nothing is known");
        wholeness.pass(Some(Entry::Clean), at(120));
        assert!(!wholeness.is_whole(at(80)) && wholeness.is_whole(at(120)));
        wholeness.pass(Some(Entry::Clean), None);
        assert!(wholeness.is_whole(None));
    }
}
