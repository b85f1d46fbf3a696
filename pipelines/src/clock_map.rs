//! One clock: presentation times of a connection mapped to the time line, once. Nobody can set the time line, so the map
//! holds whatever is done to the clock on the wall.
//!
//! Access units and decoded frames of one connection go through the same map, so that a box, its snapshot and
//! its clip agree. The map is a single offset. It comes from an RTCP sender report (RFC 3550, section 6.4.1)
//! where the camera sends one in time and its clock agrees with ours; otherwise from arrival: the least
//! difference of arrival and presentation time over the first units, for the unit that was held up least
//! tells the offset best. A picture cannot come from the future: where a sender report says so, arrival decides how
//! far the offset may go, and one that would come from the future later on moves the offset back. Until the offset is known
//! access units are kept waiting, and decoded frames are looked at by a guess: whoever is there at the start is seen a second
//! and a half sooner. The guess is never earlier than what becomes known, so that frames may be left out once, and none is
//! told twice.

use std::time::Duration;

use forewarn_domain::{Timestamp, WallTime};

/// How the offset is found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ClockMapConfig {
    /// Units to see before arrival decides.
    pub(crate) samples: u32,
    /// How long to wait for a sender report before arrival decides; zero where there is no RTCP.
    pub(crate) sender_report_wait: Duration,
    /// A camera whose clock differs from ours by more than this is not believed.
    pub(crate) max_camera_skew: Duration,
    /// Known time that the pipeline itself holds each unit back, such as the jitter buffer's.
    pub(crate) held_back: Duration,
}

impl Default for ClockMapConfig {
    fn default() -> Self {
        Self {
            samples: 5,
            sender_report_wait: Duration::ZERO,
            max_camera_skew: Duration::from_secs(5),
            held_back: Duration::ZERO,
        }
    }
}

/// Where the offset came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClockSource {
    /// The camera's RTCP sender reports.
    SenderReports,
    /// The arrival of the first units.
    Arrival,
}

/// The map of one connection. All inputs are arguments.
#[derive(Debug, Clone)]
pub(crate) struct ClockMap {
    config: ClockMapConfig,
    samples: u32,
    first_arrival: Option<Timestamp>,
    arrival_offset_us: i64,
    report_offset_us: Option<i64>,
    settled: Option<(i64, ClockSource)>,
}

impl ClockMap {
    /// A map that knows nothing yet.
    pub(crate) fn new(config: ClockMapConfig) -> Self {
        Self {
            config,
            samples: 0,
            first_arrival: None,
            arrival_offset_us: i64::MAX,
            report_offset_us: None,
            settled: None,
        }
    }

    /// A unit with presentation time `pts_ns` arrived.
    pub(crate) fn observe(&mut self, pts_ns: i64, arrived_at: Timestamp) {
        if self.settled.is_some() {
            return;
        }
        let held_back_us = self.config.held_back.as_micros() as i64;
        let offset = arrived_at.as_micros().saturating_sub(held_back_us).saturating_sub(pts_ns / 1000);
        self.arrival_offset_us = self.arrival_offset_us.min(offset);
        self.samples += 1;
        let first = *self.first_arrival.get_or_insert(arrived_at);
        let report = self.report_offset_us.filter(|&report| self.is_believable(report));
        let has_enough = self.samples >= self.config.samples;
        // The first units may have been held up more than most, so a report ahead of them is held against several.
        if let Some(report) = report.filter(|&report| report <= self.arrival_offset_us || has_enough) {
            self.settled = Some((report.min(self.arrival_offset_us), ClockSource::SenderReports));
        } else if report.is_none() && has_enough && arrived_at.since(first) >= self.config.sender_report_wait {
            self.settled = Some((self.arrival_offset_us, ClockSource::Arrival));
        }
    }

    /// The camera says that the picture with presentation time `pts_ns` was taken at `taken_at`.
    pub(crate) fn sender_report(&mut self, pts_ns: i64, taken_at: Timestamp) {
        self.report_offset_us.get_or_insert(taken_at.as_micros().saturating_sub(pts_ns / 1000));
    }

    /// A unit with presentation time `pts_ns` has arrived by `now`: the offset, where it is known, goes back as far as this
    /// picture would come from the future. So a camera whose clock runs too fast, or leaps ahead, is followed.
    pub(crate) fn not_after(&mut self, pts_ns: i64, now: Timestamp) {
        if let Some((offset_us, _)) = &mut self.settled {
            *offset_us = (*offset_us).min(now.as_micros().saturating_sub(pts_ns / 1000));
        }
    }

    /// Where the offset came from, once it is known.
    pub(crate) fn source(&self) -> Option<ClockSource> {
        self.settled.map(|(_, source)| source)
    }

    /// How far the camera's clock is ahead of ours in microseconds, network delay included, once a sender
    /// report and a unit have come.
    pub(crate) fn camera_skew_us(&self) -> Option<i64> {
        self.report_offset_us.filter(|_| self.samples > 0).map(|report| report.saturating_sub(self.arrival_offset_us))
    }

    /// The instant of a presentation time; `None` until the offset is known.
    pub(crate) fn map(&self, pts_ns: i64) -> Option<Timestamp> {
        self.settled.map(|(offset, _)| Timestamp::from_micros((pts_ns / 1000).saturating_add(offset)))
    }

    /// The same, as far as it can be told while the offset is not known: it may turn out to be earlier, never later.
    pub(crate) fn guess(&self, pts_ns: i64) -> Option<Timestamp> {
        let guessed = || Some(Timestamp::from_micros((pts_ns / 1000).saturating_add(self.guessed_offset_us()?)));
        self.map(pts_ns).or_else(guessed)
    }

    fn guessed_offset_us(&self) -> Option<i64> {
        let report = self.report_offset_us.filter(|&report| self.is_believable(report));
        let offset_us = report.map_or(self.arrival_offset_us, |report| report.min(self.arrival_offset_us));
        (self.samples >= self.config.samples).then_some(offset_us)
    }

    /// Nothing more comes: the guess, where there is one, is what is known.
    pub(crate) fn settle(&mut self) {
        let guessed = self.guessed_offset_us();
        self.settled = self.settled.or_else(|| Some((guessed?, ClockSource::Arrival)));
    }

    fn is_believable(&self, report_us: i64) -> bool {
        report_us.abs_diff(self.arrival_offset_us) <= self.config.max_camera_skew.as_micros() as u64
    }
}

/// An NTP time in nanoseconds since 1900 as a reading since 1970.
///
/// NTP's seconds have 32 bits and begin anew in 2036 (RFC 5905, section 6): a time before 1970 is one of the next era.
pub(crate) fn wall_of_ntp_ns(ntp_ns: u64) -> WallTime {
    /// Seconds from 1900-01-01 to 1970-01-01, RFC 868.
    const EPOCHS_APART_S: i64 = 2_208_988_800;
    const ERA_US: i64 = (1 << 32) * 1_000_000;
    let since_1970_us = (ntp_ns / 1000) as i64 - EPOCHS_APART_S * 1_000_000;
    WallTime::from_micros(if since_1970_us < 0 { since_1970_us + ERA_US } else { since_1970_us })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: i64 = 1_000_000;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_micros(ms * 1000)
    }

    fn with_wait(ms: u64) -> ClockMap {
        ClockMap::new(ClockMapConfig { sender_report_wait: Duration::from_millis(ms), ..ClockMapConfig::default() })
    }

    #[test]
    fn the_least_delayed_unit_sets_the_offset() {
        let mut map = with_wait(0);
        for (i, delay) in [300, 90, 40, 200, 55].into_iter().enumerate() {
            assert_eq!(map.map(0), None);
            map.observe(i as i64 * 100 * MS, at(10_000 + i as i64 * 100 + delay));
        }
        assert_eq!((map.map(0), map.source()), (Some(at(10_040)), Some(ClockSource::Arrival)));
    }

    #[test]
    fn a_sender_report_wins_at_once() {
        let mut map = with_wait(1000);
        map.observe(0, at(10_000));
        map.sender_report(0, at(9_800));
        assert_eq!(map.map(0), None);
        map.observe(100 * MS, at(10_100));
        assert_eq!((map.map(0), map.source()), (Some(at(9_800)), Some(ClockSource::SenderReports)));
        assert_eq!(map.camera_skew_us(), Some(-200_000));
    }

    #[test]
    fn until_the_offset_is_known_it_is_guessed_by_arrival_and_only_goes_back() {
        let mut map = with_wait(1500);
        for (i, delay) in [300, 90, 40, 200].into_iter().enumerate() {
            map.observe(i as i64 * 100 * MS, at(10_000 + i as i64 * 100 + delay));
            assert_eq!(map.guess(0), None, "the first units may have been held up");
        }
        map.observe(400 * MS, at(10_455));
        assert_eq!((map.map(0), map.guess(0)), (None, Some(at(10_040))));
        map.observe(500 * MS, at(10_510));
        assert_eq!(map.guess(0), Some(at(10_010)), "this one was held up less");
        map.sender_report(0, at(9_950));
        assert_eq!((map.map(0), map.guess(0)), (None, Some(at(9_950))));
        map.observe(600 * MS, at(10_630));
        assert_eq!((map.map(0), map.guess(0)), (Some(at(9_950)), Some(at(9_950))));
        let mut cut_off = with_wait(1500);
        for i in 0..5 {
            cut_off.settle();
            assert_eq!(cut_off.map(0), None);
            cut_off.observe(i * 100 * MS, at(10_020 + i * 100));
        }
        cut_off.settle();
        assert_eq!(cut_off.map(0), Some(at(10_020)));
    }

    #[test]
    fn a_camera_ahead_of_us_does_not_put_pictures_into_the_future() {
        let mut map = with_wait(1000);
        map.sender_report(0, at(12_000));
        for (i, delay) in [300, 90, 40, 200, 55].into_iter().enumerate() {
            assert_eq!(map.map(0), None);
            map.observe(i as i64 * 100 * MS, at(10_000 + i as i64 * 100 + delay));
        }
        assert_eq!((map.map(0), map.source()), (Some(at(10_040)), Some(ClockSource::SenderReports)));
        assert_eq!(map.camera_skew_us(), Some(1_960_000));
    }

    #[test]
    fn a_camera_with_a_wrong_clock_is_not_believed() {
        let mut map = with_wait(300);
        map.sender_report(0, at(0));
        for i in 0..5 {
            map.observe(i * 100 * MS, at(10_000 + i * 100));
        }
        assert_eq!((map.map(0), map.source()), (Some(at(10_000)), Some(ClockSource::Arrival)));
        assert_eq!(map.camera_skew_us(), Some(-10_000_000));
    }

    #[test]
    fn the_offset_never_changes_once_it_is_known() {
        let mut map = with_wait(0);
        for i in 0..5 {
            map.observe(i * MS, at(i));
        }
        let before = map.map(0);
        map.sender_report(0, at(1_000));
        map.observe(6 * MS, at(-5_000));
        assert_eq!(map.map(0), before);
    }

    #[test]
    fn a_clock_that_runs_fast_or_leaps_ahead_is_held_to_the_present() {
        let mut map = with_wait(0);
        for i in 0..5 {
            map.observe(i * 40 * MS, at(10_000 + i * 40));
        }
        for i in 5..500 {
            let (pts, now) = (i * 48 * MS + if i > 300 { 60_000 * MS } else { 0 }, at(10_000 + i * 40));
            map.not_after(pts, now);
            assert_eq!(map.map(pts), Some(now));
        }
        let before = map.map(0);
        map.not_after(0, at(90_000));
        assert_eq!(map.map(0), before, "it never goes forward");
    }

    #[test]
    fn ntp_counts_from_1900() {
        assert_eq!(wall_of_ntp_ns(2_208_988_801_500_000_000), WallTime::from_micros(1_500_000));
    }

    #[test]
    fn ntp_begins_anew_in_2036() {
        assert_eq!(wall_of_ntp_ns(((1 << 32) - 1) * 1_000_000_000).to_rfc3339(), "2036-02-07T06:28:15.000Z");
        assert_eq!(wall_of_ntp_ns(0).to_rfc3339(), "2036-02-07T06:28:16.000Z");
        assert_eq!(wall_of_ntp_ns(100_000_000 * 1_000_000_000).to_rfc3339(), "2039-04-09T16:14:56.000Z");
    }

    proptest! {
        #[test]
        fn nothing_is_taken_after_it_arrived(
            report_ms in prop::option::of(-8_000_i64..8_000),
            report_before in 0_usize..8,
            delays_ms in prop::collection::vec(0_i64..2_000, 1..12),
        ) {
            let mut map = with_wait(200);
            for (i, delay) in delays_ms.into_iter().enumerate() {
                if let Some(report) = report_ms.filter(|_| i == report_before) {
                    map.sender_report(0, at(10_000 + report));
                }
                let was_settled = map.source().is_some();
                let (pts, arrived_at) = (i as i64 * 40 * MS, at(10_000 + i as i64 * 40 + delay));
                map.observe(pts, arrived_at);
                if let Some(taken_at) = map.map(pts).filter(|_| !was_settled) {
                    prop_assert!(taken_at <= arrived_at);
                }
            }
        }

        #[test]
        fn spans_are_kept(pts in prop::collection::vec(-1_000_000_000_000_i64..1_000_000_000_000, 2..40), start in 0_i64..1_000_000) {
            let mut map = with_wait(0);
            for (i, &p) in pts.iter().enumerate() {
                map.observe(p, at(start + i as i64));
            }
            if let (Some(a), Some(b)) = (map.map(pts[0]), map.map(pts[1])) {
                prop_assert_eq!(b.as_micros() - a.as_micros(), pts[1] / 1000 - pts[0] / 1000);
            } else {
                prop_assert!(pts.len() < 5);
            }
        }
    }
}
