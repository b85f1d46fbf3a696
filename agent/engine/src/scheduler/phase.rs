//! Which of the frames that come by and by are taken, so that each is taken as it arrives.
//!
//! Were a look due one interval after the last one *began*, looks would drift against the camera: whatever delays one look
//! delays all later ones, nothing brings them forward, and in the end every frame waits for its look as long as it may.
//! So it is the arrivals of frames that are counted, and a frame may come half an interval early. What it came early is
//! kept in mind, so that no more frames are taken in the long run than the interval allows.

use std::time::Duration;

use forewarn_domain::Timestamp;

/// When the last frame was taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Phase {
    /// When it arrived.
    arrived_at: Timestamp,
    /// When it should have arrived, had the frames before come in time; later than it did where they came early.
    in_step_at: Timestamp,
}

impl Phase {
    /// The phase after a frame was taken, with `interval` since the one before.
    pub(super) fn after(before: Option<Self>, arrived_at: Timestamp, interval: Duration) -> Self {
        let in_step_at = before.map_or(arrived_at, |before| before.step(interval).max(arrived_at));
        Self { arrived_at, in_step_at }
    }

    /// Frames that arrive from then on are taken; at most one interval after the last.
    pub(super) fn due(self, interval: Duration) -> Timestamp {
        (self.in_step_at + interval / 2).min(self.arrived_at + interval)
    }

    /// The next step; a shorter interval than before makes up for nothing.
    fn step(self, interval: Duration) -> Timestamp {
        self.in_step_at.min(self.arrived_at + interval / 2) + interval
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INTERVAL: Duration = Duration::from_millis(100);

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_micros(ms * 1000)
    }

    /// Which of frames that arrive then are taken, in ms.
    fn taken(arrivals: impl IntoIterator<Item = i64>) -> Vec<i64> {
        let mut phase = None;
        let is_taken = |ms: &i64| {
            let is_due = phase.is_none_or(|phase: Phase| phase.due(INTERVAL) <= at(*ms));
            if is_due {
                phase = Some(Phase::after(phase, at(*ms), INTERVAL));
            }
            is_due
        };
        arrivals.into_iter().filter(is_taken).collect()
    }

    #[test]
    fn a_camera_of_the_wanted_rate_has_every_frame_taken_though_its_frames_jitter_by_a_quarter() {
        let jitter = [0, 20, -25, 10, 25, -20, 0, -25, 15];
        let arrivals: Vec<i64> = (0..90).map(|n| n * 100 + jitter[n as usize % jitter.len()]).collect();
        assert_eq!(taken(arrivals.clone()), arrivals);
    }

    #[test]
    fn of_a_faster_camera_every_so_many_frames_are_taken() {
        let n = taken((0..1000).map(|n| n * 40)).len();
        assert!((395..=401).contains(&n), "{n} of 40 s, 10 a second wanted");
    }

    proptest! {
        #[test]
        fn the_rate_is_kept_and_nothing_waits_for_longer_than_an_interval(gaps in prop::collection::vec(1i64..250, 2..300)) {
            let arrivals: Vec<i64> = gaps.iter().scan(0, |sum, gap| { *sum += gap; Some(*sum) }).collect();
            let taken = taken(arrivals.iter().copied());
            let (first, last) = (taken[0], taken[taken.len() - 1]);
            prop_assert!((taken.len() - 1) as i64 * 100 <= last - first + 50, "{taken:?}");
            for pair in taken.windows(2) {
                prop_assert!(pair[1] - pair[0] >= 50, "{pair:?}");
                let passed_over = arrivals.iter().filter(|ms| (pair[0] + 100..pair[1]).contains(*ms)).count();
                prop_assert_eq!(passed_over, 0, "a frame came one interval after the last and was not taken: {:?}", pair);
            }
        }
    }
}
