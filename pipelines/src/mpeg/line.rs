//! From a clock of 33 bits, which begins anew each 26.5 hours and wherever recordings were joined, to times that go on.

/// Values of the clock.
const ROUND: i64 = 1 << 33;
/// Ticks in a second.
const SECOND: i64 = 90_000;
/// Decoding times that go back so far begin anew.
const BACK_OF_DECODED: i64 = SECOND / 2;
/// Times at which pictures are shown go back by themselves, where pictures are decoded in another order: by so many
/// pictures (ITU-T H.264, A.3.1), and never by more than this.
const REORDERED: i64 = 16;
const BACK_OF_SHOWN: i64 = 2 * SECOND;
/// A longer pause is another recording. What is shorter may have passed in truth, as between two alarms.
const LONGEST_PAUSE: i64 = 3600 * SECOND;
/// From one picture to the next, until that is known.
const STEP: i64 = SECOND / 25;
/// Longest such step.
const LONGEST_STEP: i64 = SECOND;

/// The line on which a recording's times are put.
#[derive(Debug)]
pub(crate) struct Line {
    /// The clock that was read last, without its rounds.
    read: Option<i64>,
    /// From the clock to the line.
    shift: i64,
    /// The latest time at which a picture is shown.
    latest: i64,
    step: i64,
}

impl Default for Line {
    fn default() -> Self {
        Self { read: None, shift: 0, latest: 0, step: STEP }
    }
}

/// From one value of the clock to another, the shorter way round.
fn apart(to: i64, from: i64) -> i64 {
    (to - from + ROUND / 2).rem_euclid(ROUND) - ROUND / 2
}

impl Line {
    /// The second on the line of a time that something beside the video states; none before the video began.
    pub(super) fn at(&self, pts: Option<u64>) -> Option<f64> {
        let (stated, last) = (pts? as i64, self.read?);
        Some((last + apart(stated, last) + self.shift).max(0) as f64 / SECOND as f64)
    }

    /// Puts the times of a piece on the line, in nanoseconds from its first: when it is shown, and when decoded.
    pub(crate) fn place(&mut self, pts: Option<u64>, dts: Option<u64>) -> (Option<u64>, Option<u64>) {
        let Some(stated) = dts.or(pts) else { return (None, None) };
        let stated = stated as i64;
        let read = if let Some(last) = self.read {
            last + apart(stated, last)
        } else {
            self.shift = -stated;
            stated
        };
        let shown = pts.map(|pts| read + apart(pts as i64, stated));
        if let Some(last) = self.read {
            let back = if dts.is_some() {
                BACK_OF_DECODED
            } else {
                (REORDERED * self.step).clamp(BACK_OF_DECODED, BACK_OF_SHOWN)
            };
            let passed = read - last;
            if passed < -back || passed > LONGEST_PAUSE {
                // Its first picture follows the last that was shown.
                self.shift = self.latest + self.step - shown.unwrap_or(read);
            } else if passed > 0 {
                self.step = passed.min(LONGEST_STEP);
            }
        }
        self.read = Some(read);
        let place = |at: i64| (at + self.shift).max(0);
        let shown = shown.map(place);
        self.latest = self.latest.max(shown.unwrap_or(0));
        let ns = |ticks: i64| (ticks as u64).saturating_mul(100_000) / 9;
        (shown.map(ns), dts.map(|_| ns(place(read))))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Milliseconds at which pictures are shown whose clocks are these.
    fn shown(clocks: impl IntoIterator<Item = (i64, Option<i64>)>) -> Vec<u64> {
        let mut line = Line::default();
        let of = |at: i64| (at * 90).rem_euclid(ROUND) as u64;
        clocks.into_iter().map(|(pts, dts)| line.place(Some(of(pts)), dts.map(of)).0.unwrap() / 1_000_000).collect()
    }

    #[test]
    fn a_clock_that_comes_round_goes_on() {
        let before = ROUND / 90 - 70;
        let at = |n: i64| (before + n * 40 + 80, Some(before + n * 40));
        assert_eq!(shown((0..5).map(at)), [80, 120, 160, 200, 240]);
    }

    #[test]
    fn a_recording_that_was_joined_goes_on() {
        let part = |from: i64| (0..3).map(move |n| (from + n * 40, None));
        assert_eq!(shown(part(900_000).chain(part(1000))), [0, 40, 80, 120, 160, 200]);
        assert_eq!(shown(part(1000).chain(part(90_000_000))), [0, 40, 80, 120, 160, 200]);
        // Short recordings, whose clocks begin at the same time.
        let short = || (0..40).map(|n| (1400 + n * 40, None));
        assert_eq!(shown(short().chain(short())), (0..80).map(|n| n * 40).collect::<Vec<u64>>());
        let ordered = |from: i64| (0..3).map(move |n| (from + n * 40 + 80, Some(from + n * 40)));
        assert_eq!(shown(ordered(900_000).chain(ordered(0))), [80, 120, 160, 200, 240, 280]);
    }

    #[test]
    fn pauses_and_pictures_in_another_order_are_left_as_they_are() {
        assert_eq!(shown([(0, None), (120, None), (40, None), (80, None)]), [0, 120, 40, 80]);
        assert_eq!(shown([(0, None), (10_000, None), (1_200_000, None)]), [0, 10_000, 1_200_000]);
        let mut line = Line::default();
        assert_eq!(line.place(None, None), (None, None));
        assert_eq!(line.place(Some(ROUND as u64 - 1), Some(ROUND as u64 - 1)), (Some(0), Some(0)));
    }

    proptest! {
        #[test]
        fn any_clock_gives_times(
            clocks in prop::collection::vec((any::<Option<u64>>(), any::<Option<u64>>()), 0..30),
        ) {
            let mut line = Line::default();
            for (pts, dts) in clocks {
                let of = |clock: Option<u64>| clock.map(|clock| clock % ROUND as u64);
                let (shown, decoded) = line.place(of(pts), of(dts));
                prop_assert_eq!((shown.is_some(), decoded.is_some()), (pts.is_some(), dts.is_some()));
            }
        }
    }
}
