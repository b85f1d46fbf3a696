//! The time line of a running agent: how it begins, and how it reads on the wall.

use std::fmt;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::map::{Leap, WallMap};
use super::wall::{ClockReading, WallTime};
use super::{Clock, Timestamp, micros};

/// Two clocks that were read further apart than this were not read together.
const TOGETHER: Duration = Duration::from_millis(5);
/// Off for longer than this by its own clock, and the time line goes on by this: a box is more often wrong about the
/// date when it wakes than asleep for long.
const LONGEST_OFF: Duration = Duration::from_hours(24);

/// Since when the box runs, by a clock that nobody can set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boot {
    /// Names this boot.
    pub id: String,
    /// How long ago it was.
    pub up: Duration,
}

/// Where the time line of an agent stood; kept over a restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bookmark {
    /// The latest instant.
    pub at: Timestamp,
    /// The boot, where the box tells it.
    pub boot: Option<Boot>,
    /// How the line reads on the wall.
    pub map: WallMap,
}

impl Bookmark {
    /// Of an agent that kept none: `at` is the latest instant that is known of it.
    pub fn without_file(at: Timestamp) -> Self {
        Self { at, boot: None, map: WallMap::new(at, WallTime::from_micros(at.as_micros())) }
    }

    /// How long the box has run since, if it is the same boot.
    fn counted(&self, boot: Option<&Boot>) -> Option<Duration> {
        let (then, now) = self.boot.as_ref().zip(boot).filter(|(then, now)| then.id == now.id)?;
        Some(now.up.saturating_sub(then.up))
    }

    /// Where the line goes on now. Within one boot it is as if the agent had not been off; else as long has passed as
    /// the clock says, within reason. It never goes back.
    fn goes_on(&self, wall: WallTime, boot: Option<&Boot>) -> Timestamp {
        let off = match self.counted(boot) {
            Some(counted) => counted,
            None => super::wall::span_us(wall.micros_after(self.map.wall(self.at))).min(LONGEST_OFF),
        };
        // The kernel tells hundredths of a second.
        self.at + off + Duration::from_millis(20)
    }
}

/// The clock of a running agent. Its time line only grows, at the pace of seconds; nobody can set it.
pub struct AgentClock {
    began: Instant,
    origin: Timestamp,
    map: Mutex<WallMap>,
}

impl AgentClock {
    /// A clock that goes on where `bookmark` ends, or that begins with what the clock on the wall shows. With it, what was
    /// done to that clock meanwhile.
    #[expect(clippy::disallowed_methods, reason = "this is the one module that reads the clock")]
    pub fn resume(bookmark: Option<Bookmark>, boot: Option<&Boot>) -> (Self, Option<Leap>) {
        let (began, wall) = (Instant::now(), wall_now());
        let Some(bookmark) = bookmark else {
            let origin = Timestamp::from_micros(wall.as_micros());
            return (Self { began, origin, map: Mutex::new(WallMap::new(origin, wall)) }, None);
        };
        let origin = bookmark.goes_on(wall, boot);
        let is_counted = bookmark.counted(boot).is_some();
        let mut map = bookmark.map;
        let leap = if is_counted { map.observe(origin, wall) } else { map.resume(origin, wall) };
        (Self { began, origin, map: Mutex::new(map) }, leap)
    }

    /// Looks at the clock on the wall. Tells if it was set.
    #[expect(clippy::disallowed_methods, reason = "this is the one module that reads the clock")]
    pub fn watch(&self) -> Option<Leap> {
        let before = Instant::now();
        let wall = wall_now();
        let is_together = before.elapsed() < TOGETHER;
        // A thread that was put aside in between knows nothing; it looks again the next time.
        is_together.then(|| self.lock().observe(self.at(before), wall)).flatten()
    }

    /// How the clock on the wall reads now.
    pub fn reading(&self) -> ClockReading {
        self.lock().reading(self.now())
    }

    /// How the clock on the wall was last set, as far as that is known.
    pub fn last_set(&self) -> Option<Leap> {
        self.lock().last_set()
    }

    /// Where the line stands now, to be kept over a restart.
    pub fn bookmark(&self, boot: Option<Boot>) -> Bookmark {
        Bookmark { at: self.now(), boot, map: self.lock().clone() }
    }

    fn at(&self, instant: Instant) -> Timestamp {
        self.origin + instant.saturating_duration_since(self.began)
    }

    fn lock(&self) -> MutexGuard<'_, WallMap> {
        self.map.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for AgentClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentClock").field("origin", &self.origin).field("map", &self.map).finish_non_exhaustive()
    }
}

impl Clock for AgentClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one module that reads the clock")]
    fn now(&self) -> Timestamp {
        self.at(Instant::now())
    }

    fn wall(&self, at: Timestamp) -> WallTime {
        self.lock().wall(at)
    }

    fn age(&self, stamp: WallTime) -> Duration {
        self.lock().age(self.now(), stamp)
    }
}

/// The clock of a command that does one thing and ends: a time line that begins with what the clock on the wall shows when
/// it is first asked. All values of the type are one clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one module that reads the clock")]
    fn now(&self) -> Timestamp {
        static BEGAN: OnceLock<(Instant, WallTime)> = OnceLock::new();
        let (began, wall) = BEGAN.get_or_init(|| (Instant::now(), wall_now()));
        Timestamp::from_micros(wall.as_micros()) + began.elapsed()
    }
}

/// What the machine's clock shows, also before 1970; for what is written down and never for a decision.
#[expect(clippy::disallowed_methods, reason = "this is the one module that reads the clock")]
pub fn wall_now() -> WallTime {
    WallTime::from_micros(match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => micros(since),
        Err(before) => micros(before.duration()).saturating_neg(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn boot(id: &str, up_s: u64) -> Boot {
        Boot { id: id.to_owned(), up: Duration::from_secs(up_s) }
    }

    /// Seconds by which the line goes on where the clock went on by `by_s`, with these boots before and after.
    fn off_s(by_s: f64, then: Option<Boot>, now: Option<&Boot>) -> f64 {
        let at = Timestamp::from_secs_f64(1e9);
        let bookmark = Bookmark { boot: then, ..Bookmark::without_file(at) };
        let wall = WallTime::from_secs_f64(1e9 + by_s);
        (bookmark.goes_on(wall, now).micros_since(at) as f64 / 1e6).round()
    }

    #[test]
    fn within_one_boot_nobody_can_set_the_time_line() {
        for by_s in [90.0, -7200.0, 1e9] {
            assert_eq!(off_s(by_s, Some(boot("a", 100)), Some(&boot("a", 190))), 90.0, "{by_s}");
        }
    }

    #[test]
    fn over_a_boot_the_clock_is_believed_within_reason_and_the_line_never_goes_back() {
        for (by_s, expected) in [(90.0, 90.0), (-7200.0, 0.0), (1e9, DAY.as_secs_f64())] {
            assert_eq!(off_s(by_s, Some(boot("a", 100)), Some(&boot("b", 5))), expected, "{by_s}");
            assert_eq!(off_s(by_s, None, None), expected, "{by_s}");
        }
    }

    #[test]
    fn a_line_that_goes_on_reads_as_the_wall_does() {
        let ahead = SystemClock.now() + DAY * 400;
        let (clock, leap) = AgentClock::resume(Some(Bookmark::without_file(ahead)), None);
        assert!(leap.is_some_and(|leap| leap.by_us < -399 * micros(DAY)), "the clock was set back: {leap:?}");
        assert!(clock.now() > ahead);
        let shown = clock.wall(clock.now()).as_micros() - SystemClock.now().as_micros();
        assert!(shown.abs() < 60_000_000, "{shown}");
        assert_eq!(clock.reading().round, 1);
        assert_eq!(clock.watch(), None, "it is told once");
        let (again, leap) = AgentClock::resume(Some(clock.bookmark(None)), None);
        assert_eq!(leap, None);
        assert!(again.now() > ahead);
    }

    #[test]
    fn within_one_boot_it_is_known_that_the_time_did_not_pass() {
        let behind = Bookmark::without_file(SystemClock.now() - DAY * 400);
        let counted = Bookmark { boot: Some(boot("a", 100)), ..behind.clone() };
        let leap = |bookmark, now: &Boot| AgentClock::resume(Some(bookmark), Some(now)).1.map(|leap| leap.was_off);
        assert_eq!(leap(counted.clone(), &boot("a", 190)), Some(false));
        assert_eq!(leap(counted, &boot("b", 5)), Some(true));
        assert_eq!(leap(behind, &boot("a", 190)), Some(true));
    }

    #[test]
    fn a_first_line_begins_with_the_wall() {
        let (clock, leap) = AgentClock::resume(None, None);
        assert_eq!(leap, None);
        assert_eq!(clock.reading(), ClockReading::default());
        assert!(clock.now() <= clock.now());
    }
}
