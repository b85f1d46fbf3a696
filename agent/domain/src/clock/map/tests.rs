//! The map under clocks that are set forward and back.

use proptest::prelude::*;

use super::*;

const HOUR: f64 = 3600.0;
const DAY: f64 = 86_400.0;
const YEAR: f64 = 365.0 * DAY;

fn at(seconds: f64) -> Timestamp {
    Timestamp::from_secs_f64(seconds)
}

fn wall(seconds: f64) -> WallTime {
    WallTime::from_secs_f64(seconds)
}

/// A map of a clock that agrees with the time line up to `leap_at` and is set by `by` seconds then.
fn leapt(leap_at: f64, by: f64) -> (WallMap, Option<Leap>) {
    let mut map = WallMap::new(at(0.0), wall(0.0));
    assert_eq!(map.observe(at(leap_at - 1.0), wall(leap_at - 1.0)), None);
    let leap = map.observe(at(leap_at), wall(leap_at + by));
    (map, leap)
}

#[test]
fn a_leap_is_told_once_and_both_sides_of_it_are_known() {
    for by in [11.0 * 60.0, 2.0 * HOUR, 8.0 * HOUR, DAY, YEAR, 12.0 * YEAR] {
        for by in [by, -by] {
            let (mut map, leap) = leapt(100.0, by);
            assert_eq!(
                leap,
                Some(Leap { at: at(100.0), by_us: (by * 1e6) as i64, wall: wall(100.0 + by), was_off: false })
            );
            assert_eq!(map.observe(at(200.0), wall(200.0 + by)), None);
            assert_eq!((map.wall(at(50.0)), map.wall(at(150.0))), (wall(50.0), wall(150.0 + by)));
        }
    }
}

#[test]
fn corrections_and_leap_seconds_are_followed_in_silence() {
    let mut map = WallMap::new(at(0.0), wall(1000.0));
    for (second, by) in [(1, 0.3), (2, -0.7), (3, -1.7), (4, -0.7), (5, -0.699)] {
        assert_eq!(map.observe(at(f64::from(second)), wall(f64::from(second) + 1000.0 + by)), None, "{by}");
    }
    assert_eq!(map.wall(at(10.0)), wall(1009.3), "the last millisecond is noise");
}

#[test]
fn a_second_that_is_counted_twice_is_no_leap() {
    // 2016-12-31T23:59:60Z: the kernel's clock goes back by one second at midnight.
    let midnight = 1_483_228_800.0;
    let mut map = WallMap::new(at(midnight - 10.0), wall(midnight - 10.0));
    assert_eq!(map.observe(at(midnight + 0.5), wall(midnight - 0.5)), None);
    assert_eq!(map.wall(at(midnight + 5.0)), wall(midnight + 4.0));
    assert_eq!(map.reading(at(midnight + 5.0)).round, 0);
}

#[test]
fn what_is_shown_again_is_told_apart_until_it_has_passed() {
    let (mut map, _) = leapt(100.0, -2.0 * HOUR);
    assert_eq!(map.reading(at(100.0)).round, 1);
    assert_eq!(map.reading(at(100.0 + 2.0 * HOUR - 1.0)).round, 1);
    assert_eq!(map.reading(at(101.0 + 2.0 * HOUR)).round, 0);
    map.observe(at(200.0), wall(200.0 - 3.0 * HOUR));
    assert_eq!(map.reading(at(200.0)).round, 2);
    assert_eq!(leapt(100.0, YEAR).0.reading(at(150.0)).round, 0, "forward nothing comes again");
}

#[test]
fn a_clock_that_is_set_makes_nothing_older_or_younger() {
    for by in [2.0 * HOUR, YEAR, -2.0 * HOUR, -YEAR] {
        let (mut map, _) = leapt(10.0 * DAY, by);
        map.observe(at(10.0 * DAY + HOUR), wall(10.0 * DAY + HOUR));
        let now = at(12.0 * DAY);
        let days = |stamp: f64| map.age(now, wall(stamp)).as_secs_f64() / DAY;
        assert!((days(2.0 * DAY) - 10.0).abs() < 1e-6, "from before the leap: {}", days(2.0 * DAY));
        let wrong = days(10.0 * DAY + by + 600.0);
        assert!(wrong <= 2.0, "from while the clock was wrong by {by}: {wrong}");
        assert!((days(11.5 * DAY) - 0.5).abs() < 1e-6, "from after it");
    }
}

#[test]
fn time_that_passed_while_the_agent_was_off_counts_when_the_clock_has_shown_it_for_a_day() {
    let mut map = WallMap::new(at(0.0), wall(0.0));
    map.resume(at(2.0 * DAY), wall(60.0 * DAY)).unwrap();
    let age = |map: &WallMap, now: f64| map.age(at(now), wall(DAY)).as_secs_f64() / DAY;
    assert_eq!((age(&map, 2.5 * DAY), age(&map, 3.5 * DAY)), (1.5, 60.5));
    // A clock that was wrong at the start and was set right an hour later made nothing older.
    map.observe(at(2.0 * DAY + HOUR), wall(2.0 * DAY + HOUR)).unwrap();
    assert_eq!((age(&map, 2.5 * DAY), age(&map, 3.5 * DAY)), (1.5, 2.5));
}

#[test]
fn a_clock_that_is_set_all_the_time_takes_no_more_room() {
    let mut map = WallMap::new(at(0.0), wall(0.0));
    for i in 1..1000 {
        let by = f64::from(i % 2) * DAY;
        assert!(map.observe(at(f64::from(i)), wall(f64::from(i) + by)).is_some());
    }
    assert_eq!(map.steps.len(), MOST_STEPS);
    let again: WallMap = serde_json::from_str(&serde_json::to_string(&map).unwrap()).unwrap();
    assert_eq!(again, map);
}

proptest! {
    #[test]
    fn whatever_is_done_to_the_clock_nothing_grows_old_before_its_time(
        leaps in prop::collection::vec((1.0_f64..2e5, -1e8_f64..1e8), 0..8),
        stamped in 0.0_f64..1.0,
        later in 0.0_f64..4e5,
    ) {
        let mut map = WallMap::new(at(0.0), wall(1e9));
        let mut now = 0.0;
        let mut stamps = vec![(0.0, map.wall(at(0.0)))];
        for (pause, offset) in leaps {
            now += pause;
            map.observe(at(now), wall(1e9 + now + offset));
            let shown = map.wall(at(now)).as_secs_f64();
            prop_assert!((shown - (1e9 + now + offset)).abs() < 0.1, "the clock is followed");
            let when = now + stamped;
            stamps.push((when, map.wall(at(when))));
        }
        now += 1.0 + later;
        for (when, stamp) in stamps {
            let age = map.age(at(now), stamp).as_secs_f64();
            prop_assert!(age <= now - when + 2.1, "{age} s old after {} s", now - when);
        }
        // The newest instant is never in doubt.
        prop_assert!(map.age(at(now), map.wall(at(now))).as_secs_f64() < 1e-3);
    }
}

#[test]
fn the_last_setting_is_remembered_over_a_restart_without_slow_corrections() {
    let (mut map, leap) = leapt(100.0, -HOUR);
    assert_eq!(map.last_set(), leap);
    for second in 101..200 {
        let drifted = 100.0 + f64::from(second - 100) * 1.05;
        map.observe(at(f64::from(second)), wall(drifted - HOUR));
    }
    let kept: WallMap = serde_json::from_str(&serde_json::to_string(&map).unwrap()).unwrap();
    let told = kept.last_set().unwrap();
    assert_eq!((told.at, told.by_us), (at(100.0), -3_600_000_000), "{told:?}");
    // Time that may have gone by while the agent was off is none; a clock that is behind after that is one.
    let mut map = WallMap::new(at(0.0), wall(0.0));
    map.resume(at(10.0), wall(DAY));
    assert_eq!(map.last_set(), None);
    map.resume(at(20.0), wall(HOUR));
    assert!(map.last_set().is_some_and(|leap| leap.by_us < 0 && leap.was_off));
}
