//! The agent's time line: taken up where it stood, kept over a restart, and held against the clock on the wall.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use forewarn_domain::clock::{AgentClock, Bookmark, Boot, ClockReading, Leap};
use forewarn_domain::{Timestamp, WallTime};

use crate::{Due, Kept, Shelf};

/// How often it is written where the line stands; after a loss of power it goes on from there.
const EVERY: Duration = Duration::from_mins(1);
/// For so long a clock that was set is a trouble; after that it is history.
const TROUBLE_LASTS: Duration = Duration::from_mins(10);

/// Watches the clock on the wall.
pub struct ClockWatch {
    clock: Arc<AgentClock>,
    boot: fn() -> Option<Boot>,
    file: Kept<Bookmark>,
    due: Due,
    told: Option<ClockReading>,
    latest: Option<Leap>,
}

/// What is new of the clock on the wall.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClockNews {
    /// How it reads.
    pub reading: ClockReading,
    /// How it was set, if it was.
    pub leap: Option<Leap>,
}

impl ClockWatch {
    /// Takes the time line up where the agent that kept `file` left it. `boot` asks since when the box runs; `latest` is
    /// the latest instant that other files know, for a bookmark is up to a minute older than the end of the agent that
    /// wrote it, or it is lost.
    pub fn take_up(file: PathBuf, boot: fn() -> Option<Boot>, latest: Option<Timestamp>) -> Self {
        let mut file = Kept::<Bookmark>::open(file, "the time line goes on with the latest report");
        let ask = boot;
        let boot = ask();
        let is_of_this_boot = |mark: &Bookmark| mark.boot.as_ref().map(|b| &b.id) == boot.as_ref().map(|b| &b.id);
        let bookmark = match (file.value().cloned(), latest) {
            (Some(mark), Some(at)) if at > mark.at && !is_of_this_boot(&mark) => Some(Bookmark { at, ..mark }),
            (Some(mark), _) => Some(mark),
            (None, latest) => latest.map(Bookmark::without_file),
        };
        let (clock, leap) = AgentClock::resume(bookmark, boot.as_ref());
        let latest = leap.filter(|leap| {
            // Forward it cannot always be told from time that went by, which is no trouble.
            let may_have_passed = leap.was_off && leap.by_us > 0;
            if may_have_passed {
                tracing::info!("since the agent last ran its box was off for longer, or {}", in_words(*leap));
            }
            !may_have_passed
        });
        file.keep(&clock.bookmark(boot));
        Self { clock: Arc::new(clock), boot: ask, file, due: Due::every(EVERY), told: None, latest }
    }

    /// Writes through `shelf` from now on.
    #[must_use]
    pub fn on(mut self, shelf: &Shelf) -> Self {
        self.file = self.file.on(shelf);
        self
    }

    /// The clock.
    pub fn clock(&self) -> Arc<AgentClock> {
        Arc::clone(&self.clock)
    }

    /// Looks at the clock on the wall. How it reads, if that is new.
    pub fn look(&mut self) -> Option<ClockNews> {
        let leap = self.clock.watch();
        if leap.is_some() {
            self.latest = leap;
            self.due = Due::every(EVERY);
        }
        let reading = self.clock.reading();
        if self.told == Some(reading) {
            return None;
        }
        self.told = Some(reading);
        Some(ClockNews { reading, leap })
    }

    /// Keeps where the line stands, now and then.
    pub fn keep(&mut self, now: Timestamp) {
        if self.due.take(now) {
            self.finish();
        }
    }

    /// Keeps where the line stands: the agent stops.
    pub fn finish(&mut self) {
        self.file.keep(&self.clock.bookmark((self.boot)()));
    }

    /// What is wrong with the clock, or with keeping where it stands.
    pub fn trouble(&self, now: Timestamp) -> Option<String> {
        let leap = self.latest.filter(|leap| now.since(leap.at) < TROUBLE_LASTS);
        leap.map(in_words).or_else(|| self.file.trouble())
    }
}

fn in_words(leap: Leap) -> String {
    let before = WallTime::from_micros(leap.wall.as_micros().saturating_sub(leap.by_us));
    let direction = leap.direction();
    format!(
        "the clock was set {direction} by {}, from {} to {}; open incidents keep the times that they began with, new ones \
         go by the new time; if nobody set it on purpose, look at the box's time synchronisation",
        span_in_words(leap.by_us.unsigned_abs() / 1_000_000),
        before.to_rfc3339(),
        leap.wall.to_rfc3339()
    )
}

/// A span by its two greatest units.
fn span_in_words(seconds: u64) -> String {
    let parts = [(seconds / 86_400, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
    let told: Vec<String> = parts
        .into_iter()
        .skip_while(|(value, _)| *value == 0)
        .take(2)
        .filter(|(value, _)| *value > 0)
        .map(|(value, unit)| format!("{value} {unit}"))
        .collect();
    if told.is_empty() { "0 s".to_owned() } else { told.join(" ") }
}

#[cfg(test)]
mod tests {
    use forewarn_domain::Clock as _;

    use super::*;

    #[test]
    fn spans_are_told_by_their_two_greatest_units() {
        for (seconds, text) in
            [(0, "0 s"), (3, "3 s"), (661, "11 min 1 s"), (7200, "2 h"), (90_000, "1 d 1 h"), (31_536_059, "365 d")]
        {
            assert_eq!(span_in_words(seconds), text);
        }
    }

    #[test]
    fn a_time_line_goes_on_in_its_directory_and_is_told_of_a_clock_that_is_behind() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("clock.json");
        let take_up = || ClockWatch::take_up(file.clone(), || None, None);
        let first = take_up();
        let began = first.clock().now();
        assert_eq!(first.trouble(began), None);
        drop(first);
        let mut second = take_up();
        assert!(second.clock().now() > began);
        let reading = second.look().expect("it is told how the clock reads").reading;
        assert!(reading.offset_us.abs() < 2_000_000, "{reading:?}");
        assert_eq!(second.look(), None);

        // An agent whose clock was a year ahead.
        let ahead = second.clock().now() + Duration::from_hours(24 * 365);
        std::fs::write(&file, serde_json::to_string(&Bookmark::without_file(ahead)).unwrap()).unwrap();
        let third = take_up();
        let now = third.clock().now();
        assert!(now > ahead, "the time line never goes back");
        let told = third.trouble(now).unwrap();
        assert!(told.contains("set back by 36"), "{told}");
        assert_eq!(third.trouble(now + TROUBLE_LASTS), None, "it becomes history");
    }
}
