//! One clock: presentation times of a connection mapped to the time line, once. Nobody can set the time line, so the map
//! holds whatever is done to the clock on the wall.
//!
//! Access units and decoded frames of one connection go through the same map, so that a box, its snapshot and
//! its clip agree. The map is a single offset. At first it comes from arrival: the least difference of arrival and
//! presentation time over the first units, for the unit that was held up least tells the offset best. As soon as the camera
//! sends an RTCP sender report (RFC 3550, section 6.4.1), and its clock agrees with ours, the offset goes by that, and
//! follows drift by those that come later, so that two streams of one camera agree. A picture cannot come from the future:
//! arrival decides how far the offset may go.
//!
//! The offset goes so slowly that pictures stay in the order in which they are shown, unless it has far to go.

use std::collections::VecDeque;
use std::time::Duration;

use forewarn_domain::{Timestamp, WallTime};

/// How the offset is found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ClockMapConfig {
    /// Units to see before arrival decides.
    pub(crate) samples: usize,
    /// A camera whose clock differs from ours by more than this is not believed.
    pub(crate) max_camera_skew: Duration,
}

impl Default for ClockMapConfig {
    fn default() -> Self {
        Self { samples: 5, max_camera_skew: Duration::from_secs(5) }
    }
}

/// Farther than this the offset goes in one leap: it was wrong, not late.
const LEAPS_FROM_US: i64 = 500_000;

/// A report that tells of no more than this tells how two clocks, or the times that a receiver gives, drift apart.
const DRIFTS_BY_US: u64 = 500_000;

/// An offset that was found, in microseconds, on its way to where it belongs.
#[derive(Debug, Clone, Copy)]
struct Offset {
    from: i64,
    to: i64,
    /// The presentation time at which it sets out.
    leaves: i64,
}

impl Offset {
    fn at(found_us: i64) -> Self {
        Self { from: found_us, to: found_us, leaves: i64::MIN }
    }

    /// The offset of one presentation time: it goes half as fast as that, so that no picture overtakes another.
    fn of(self, pts_us: i64) -> i64 {
        let gone_us = (pts_us.saturating_sub(self.leaves) / 2).max(0);
        self.from + (self.to - self.from).clamp(-gone_us, gone_us)
    }

    /// Sends it to `to_us` from a presentation time on.
    fn go_to(&mut self, to_us: i64, pts_us: i64) {
        let leaves = self.leaves.max(pts_us);
        let from = self.of(leaves);
        let is_far = from.saturating_sub(to_us).abs() > LEAPS_FROM_US;
        *self = if is_far { Self::at(to_us) } else { Self { from, to: to_us, leaves } };
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
    /// Differences of arrival and presentation time of the latest units: a receiver that is short of processor moves the
    /// times of earlier ones.
    recent_us: VecDeque<i64>,
    report_offset_us: Option<i64>,
    settled: Option<(Offset, ClockSource)>,
}

impl ClockMap {
    /// A map that knows nothing yet.
    pub(crate) fn new(config: ClockMapConfig) -> Self {
        Self { config, recent_us: VecDeque::new(), report_offset_us: None, settled: None }
    }

    /// A unit with presentation time `pts_ns` arrived.
    pub(crate) fn observe(&mut self, pts_ns: i64, arrived_at: Timestamp) {
        if self.settled.is_some() {
            return;
        }
        self.arrived(arrived_at.as_micros().saturating_sub(pts_ns / 1000));
        let Some(latest) = self.latest_us() else { return };
        let has_enough = self.recent_us.len() >= self.config.samples;
        // The first units may have been held up more than most, so a report ahead of them is held against several.
        match self.report_offset_us.filter(|&report| self.is_believable(report)) {
            Some(report) if report <= latest || has_enough => {
                self.settled = Some((Offset::at(report.min(latest)), ClockSource::SenderReports));
            }
            None if has_enough => self.settled = Some((Offset::at(latest), ClockSource::Arrival)),
            _ => {}
        }
    }

    /// The camera says that the picture with presentation time `pts_ns` was taken at `taken_at`. True if the offset, which
    /// arrival had decided, goes by that from now on.
    ///
    /// Once a report counts, others do as far as they tell of drift: a clock that was set tells nothing new.
    pub(crate) fn sender_report(&mut self, pts_ns: i64, taken_at: Timestamp) -> bool {
        let pts_us = pts_ns / 1000;
        let report = taken_at.as_micros().saturating_sub(pts_us);
        let (is_first, latest) = (self.report_offset_us.is_none(), self.latest_us().unwrap_or(i64::MAX));
        self.report_offset_us.get_or_insert(report);
        let is_believed = is_first && self.is_believable(report);
        let Some((offset, source)) = &mut self.settled else { return false };
        let is_drift = *source == ClockSource::SenderReports && report.abs_diff(offset.to) <= DRIFTS_BY_US;
        if !is_believed && !is_drift {
            return false;
        }
        offset.go_to(report.min(latest), pts_us);
        std::mem::replace(source, ClockSource::SenderReports) == ClockSource::Arrival
    }

    /// A unit with presentation time `pts_ns` has arrived by `now`: the offset, where it is known, goes back as far as this
    /// picture would come from the future. So a camera whose clock runs too fast, or leaps ahead, is followed.
    pub(crate) fn not_after(&mut self, pts_ns: i64, now: Timestamp) {
        let (pts_us, offset_us) = (pts_ns / 1000, now.as_micros().saturating_sub(pts_ns / 1000));
        self.arrived(offset_us);
        if let Some((offset, _)) = &mut self.settled
            && offset_us < offset.to
        {
            offset.go_to(offset_us, pts_us);
        }
    }

    fn arrived(&mut self, offset_us: i64) {
        if self.recent_us.len() >= self.config.samples {
            self.recent_us.pop_front();
        }
        self.recent_us.push_back(offset_us);
    }

    /// Where the offset came from, once it is known.
    pub(crate) fn source(&self) -> Option<ClockSource> {
        self.settled.map(|(_, source)| source)
    }

    /// How far the camera's clock is ahead of ours in microseconds, network delay included, once a sender
    /// report and a unit have come.
    pub(crate) fn camera_skew_us(&self) -> Option<i64> {
        Some(self.report_offset_us?.saturating_sub(self.latest_us()?))
    }

    /// The instant of a presentation time; `None` until the offset is known.
    pub(crate) fn map(&self, pts_ns: i64) -> Option<Timestamp> {
        let pts_us = pts_ns / 1000;
        self.settled.map(|(offset, _)| Timestamp::from_micros(pts_us.saturating_add(offset.of(pts_us))))
    }

    /// The latest offset with which none of the latest units comes from the future.
    fn latest_us(&self) -> Option<i64> {
        self.recent_us.iter().copied().min()
    }

    fn is_believable(&self, report_us: i64) -> bool {
        let most_us = self.config.max_camera_skew.as_micros() as u64;
        self.latest_us().is_some_and(|latest| report_us.abs_diff(latest) <= most_us)
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

    fn fresh() -> ClockMap {
        ClockMap::new(ClockMapConfig::default())
    }

    #[test]
    fn the_least_delayed_unit_sets_the_offset() {
        let mut map = fresh();
        for (i, delay) in [300, 90, 40, 200, 55].into_iter().enumerate() {
            assert_eq!(map.map(0), None);
            map.observe(i as i64 * 100 * MS, at(10_000 + i as i64 * 100 + delay));
        }
        assert_eq!((map.map(0), map.source()), (Some(at(10_040)), Some(ClockSource::Arrival)));
    }

    #[test]
    fn a_sender_report_wins_at_once() {
        let mut map = fresh();
        map.observe(0, at(10_000));
        map.sender_report(0, at(9_800));
        assert_eq!(map.map(0), None);
        map.observe(100 * MS, at(10_100));
        assert_eq!((map.map(0), map.source()), (Some(at(9_800)), Some(ClockSource::SenderReports)));
        assert_eq!(map.camera_skew_us(), Some(-200_000));
    }

    #[test]
    fn a_camera_ahead_of_us_does_not_put_pictures_into_the_future() {
        let mut map = fresh();
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
        let mut map = fresh();
        map.sender_report(0, at(0));
        for i in 0..5 {
            map.observe(i * 100 * MS, at(10_000 + i * 100));
        }
        assert_eq!((map.map(0), map.source()), (Some(at(10_000)), Some(ClockSource::Arrival)));
        assert_eq!(map.camera_skew_us(), Some(-10_000_000));
    }

    #[test]
    fn arrival_changes_nothing_once_the_offset_is_known() {
        let mut map = fresh();
        for i in 0..5 {
            map.observe(i * MS, at(i));
        }
        let before = map.map(0);
        map.observe(6 * MS, at(-5_000));
        assert_eq!(map.map(0), before);
    }

    #[test]
    fn a_clock_that_runs_fast_or_leaps_ahead_is_held_to_the_present() {
        let mut map = fresh();
        for i in 0..5 {
            map.observe(i * 40 * MS, at(10_000 + i * 40));
        }
        for i in 5..500 {
            let (pts, now) = (i * 48 * MS + if i > 300 { 60_000 * MS } else { 0 }, at(10_000 + i * 40));
            map.not_after(pts, now);
            let ahead = map.map(pts).unwrap().as_micros() - now.as_micros();
            let allowed = if i < 10 { 40_000 } else { 8_000 };
            assert!((0..=allowed).contains(&ahead), "what it ran fast since the picture before: {ahead}");
        }
        let before = map.map(0);
        map.not_after(0, at(90_000));
        assert_eq!(map.map(0), before, "it never goes forward");
    }

    #[test]
    fn a_late_sender_report_moves_the_offset_and_no_picture_overtakes_another() {
        let mut map = fresh();
        for i in 0..10 {
            map.observe(i * 40 * MS, at(10_450 + i * 40));
        }
        assert_eq!((map.map(0), map.source()), (Some(at(10_450)), Some(ClockSource::Arrival)));
        assert!(map.sender_report(2_000 * MS, at(12_000)));
        let shown = |pts_ms: i64| map.map(pts_ms * MS).unwrap();
        assert_eq!([shown(1_960), shown(2_000), shown(2_040)], [at(12_410), at(12_450), at(12_470)]);
        assert_eq!([shown(2_900), shown(3_000)], [at(12_900), at(13_000)], "it has come back");
        let mut other = fresh();
        for i in 0..5 {
            other.observe(i * 40 * MS, at(10_000 + i * 40));
        }
        for i in 44..50 {
            other.not_after(i * 40 * MS, at(10_500 + i * 40));
        }
        assert!(other.sender_report(2_000 * MS, at(12_450)));
        let shown = |pts_ms: i64| other.map(pts_ms * MS).unwrap();
        assert_eq!([shown(2_000), shown(2_040), shown(3_000)], [at(12_000), at(12_060), at(13_450)]);
        let mut again = map.clone();
        assert!(!again.sender_report(4_000 * MS, at(13_000)), "that clock was set");
        assert_eq!((again.map(5_000 * MS), again.source()), (Some(at(15_000)), Some(ClockSource::SenderReports)));
        again.sender_report(6_000 * MS, at(15_900));
        assert_eq!(again.map(7_000 * MS), Some(at(16_900)), "that is drift");
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
            let mut map = fresh();
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
        fn pictures_stay_in_the_order_in_which_they_are_shown(
            delays_ms in prop::collection::vec(0_i64..900, 5..40),
            reports in prop::collection::vec((5_usize..40, -900_i64..900), 0..4),
        ) {
            let mut map = fresh();
            for (i, delay) in delays_ms.iter().enumerate() {
                let (pts_ms, due_ms) = (i as i64 * 40, 10_000 + i as i64 * 40);
                for (_, taken_ms) in reports.iter().filter(|(before, _)| *before == i) {
                    map.sender_report(pts_ms * MS, at(due_ms + taken_ms));
                }
                if map.source().is_some() {
                    map.not_after(pts_ms * MS, at(due_ms + delay));
                } else {
                    map.observe(pts_ms * MS, at(due_ms + delay));
                }
                // Pictures that follow, in whatever order they arrive.
                let shown: Vec<_> = (0..60).filter_map(|later| map.map((pts_ms + later * 20) * MS)).collect();
                prop_assert!(shown.windows(2).all(|pair| pair[0] < pair[1]));
            }
        }

        #[test]
        fn spans_are_kept(pts in prop::collection::vec(-1_000_000_000_000_i64..1_000_000_000_000, 2..40), start in 0_i64..1_000_000) {
            let mut map = fresh();
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
