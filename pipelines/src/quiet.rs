//! How long nothing has come on a connection, and when that is too long.

use std::time::Duration;

/// A stream that brings data, and in all this time no parameter sets to read it by, is asked for anew.
const SETS_WITHIN: Duration = Duration::from_mins(5);

/// How long nothing has come on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quiet {
    /// Since the connection was begun.
    pub(crate) age: Duration,
    /// Since the last frame was decoded; `None` before the first.
    pub(crate) since_frame: Option<Duration>,
    /// Since the last coded data came, out of which units are made; `None` before the first.
    pub(crate) since_data: Option<Duration>,
    /// Since the last access unit came; `None` before the first.
    pub(crate) since_unit: Option<Duration>,
    /// Since the decoder was given the first access unit after the last frame; `None` if it was given none.
    pub(crate) since_given: Option<Duration>,
    /// Whether data or access units come, of which none could be given to the decoder since the last frame.
    pub(crate) is_waiting: bool,
}

impl Quiet {
    /// How long no frame has come.
    pub(crate) fn without_frame(self) -> Duration {
        self.since_frame.unwrap_or(self.age)
    }

    /// Whether the camera gives anything. Where nothing is encoded, pictures are all that there is.
    pub(crate) fn is_playing(self) -> bool {
        self.since_data.or(self.since_unit).or(self.since_frame).is_some()
    }

    /// How long to wait on before the connection counts as dead; `None` if it does.
    ///
    /// A camera may send a key frame only every minute, and nothing can be decoded before the first, nor before the next
    /// where units were left out: while access units come, that one is waited for as long as it takes. Where the parameter
    /// sets come with the key frame alone, there is not even a unit before it.
    pub(crate) fn time_left(self, stall_after: Duration) -> Option<Duration> {
        let quiet = match (self.since_unit, self.since_given) {
            (Some(since_unit), None) => since_unit,
            // The decoder has had something to do only since then.
            (Some(_), Some(since_given)) => since_given.min(self.without_frame()),
            (None, _) => match self.since_data {
                Some(since_data) if self.since_frame.is_none() && self.age < SETS_WITHIN => since_data,
                _ => self.without_frame(),
            },
        };
        Some(stall_after.saturating_sub(quiet)).filter(|left| !left.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Seconds left of a connection of an age, since its last frame, unit, and unit given to the decoder.
    fn left(age: u64, frame: Option<u64>, unit: Option<u64>, given: Option<u64>) -> u64 {
        let (since_frame, since_unit, since_given) = (frame.map(s), unit.map(s), given.map(s));
        let is_waiting = unit.is_some() && given.is_none();
        let quiet = Quiet { age: s(age), since_frame, since_data: None, since_unit, since_given, is_waiting };
        quiet.time_left(s(5)).map_or(0, |left| left.as_secs())
    }

    #[test]
    fn parameter_sets_are_waited_for_while_data_comes_and_not_for_ever() {
        let left = |age: u64, data: u64| {
            let since_data = Some(s(data));
            let (since_frame, since_unit, since_given, is_waiting) = (None, None, None, true);
            let quiet = Quiet { age: s(age), since_frame, since_data, since_unit, since_given, is_waiting };
            quiet.time_left(s(5)).map_or(0, |left| left.as_secs())
        };
        assert_eq!((left(60, 0), left(60, 4), left(60, 5), left(300, 0)), (5, 1, 0, 0));
    }

    #[test]
    fn a_camera_plays_also_where_pictures_alone_tell_it() {
        let quiet = |since_data, since_unit, since_frame| {
            Quiet { age: s(9), since_frame, since_data, since_unit, since_given: None, is_waiting: false }.is_playing()
        };
        let now = Some(s(0));
        assert!(!quiet(None, None, None) && quiet(now, None, None) && quiet(None, now, None));
        assert!(quiet(None, None, now), "Motion JPEG where no encoder is installed");
    }

    #[test]
    fn a_key_frame_is_waited_for_while_units_come() {
        assert_eq!(left(4, None, None, None), 1, "nothing has come");
        assert_eq!(left(5, None, None, None), 0);
        assert_eq!(left(5, None, Some(0), None), 5, "units come: looked at again in time");
        assert_eq!(left(900, None, Some(1), None), 4, "as long as it takes");
        assert_eq!(left(9, None, Some(5), None), 0, "the units have stopped");
        assert_eq!(left(60, Some(40), Some(0), None), 5, "the next key frame, where units were left out");
        assert_eq!(left(60, Some(40), Some(5), None), 0, "the units have stopped");
    }

    #[test]
    fn a_decoder_that_is_given_units_is_to_give_frames() {
        assert_eq!(left(60, Some(4), Some(0), Some(4)), 1);
        assert_eq!(left(60, Some(5), Some(0), Some(5)), 0);
        assert_eq!(left(60, Some(40), Some(0), Some(1)), 4, "it had nothing to do before");
        assert_eq!(left(7, None, Some(0), Some(6)), 0, "also right after the connection");
        assert_eq!(left(7, Some(6), None, None), 0, "a camera that gives raw pictures");
    }
}
