//! Where people stay: seconds of presence by cell of the picture, minute by minute.

use std::collections::BTreeMap;

use forewarn_domain::{Class, Timestamp, Track, TrackState};

/// Cells across and down that a picture is divided into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeatGrid {
    /// Columns.
    pub columns: u16,
    /// Rows.
    pub rows: u16,
}

impl Default for HeatGrid {
    /// Square cells in a 16:9 picture, as fine as foot points are true.
    fn default() -> Self {
        Self { columns: 64, rows: 36 }
    }
}

/// The presence of one minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeatMinute {
    /// When the minute began.
    pub from: Timestamp,
    /// Presence in milliseconds by cell (row · columns + column); cells without any are absent.
    pub presence_ms: BTreeMap<u32, u32>,
    /// How much of the minute was watched, in milliseconds.
    pub watched_ms: u32,
}

/// Adds up presence from tracks.
#[derive(Debug, Clone)]
pub struct HeatMeter {
    grid: HeatGrid,
    classes: Vec<Class>,
    before: Option<Timestamp>,
    minute: Option<HeatMinute>,
}

const MINUTE_US: i64 = 60_000_000;

/// Between frames further apart than this nobody knows who was where.
const MAX_STEP_MS: i64 = 5_000;

impl HeatMeter {
    /// A meter of the tracks of `classes`.
    pub fn new(grid: HeatGrid, classes: Vec<Class>) -> Self {
        Self { grid, classes, before: None, minute: None }
    }

    /// Takes the tracks of the frame that was taken at `at`, of `size` in pixels. Returns the minute before when a new
    /// one begins.
    ///
    /// Each track that is seen adds the time since the frame before to the cell of its foot point.
    pub fn observe(&mut self, at: Timestamp, size: (u32, u32), tracks: &[Track]) -> Option<HeatMinute> {
        if self.before.is_some_and(|before| at <= before) {
            return None;
        }
        let from = Timestamp::from_micros(at.as_micros().div_euclid(MINUTE_US) * MINUTE_US);
        let finished = self.minute.take_if(|minute| minute.from != from);
        let step_ms = self.before.map_or(0, |before| (at.as_micros() - before.as_micros()) / 1000);
        self.before = Some(at);
        let step_ms = u32::try_from(step_ms.clamp(0, MAX_STEP_MS)).unwrap_or(0);
        let minute =
            self.minute.get_or_insert_with(|| HeatMinute { from, presence_ms: BTreeMap::new(), watched_ms: 0 });
        minute.watched_ms += step_ms;
        if step_ms > 0 && size.0 > 0 && size.1 > 0 {
            let is_counted = |track: &&Track| track.state == TrackState::Seen && self.classes.contains(&track.class);
            for track in tracks.iter().filter(is_counted) {
                let foot = track.bbox.foot();
                let cell = cell(self.grid, foot.x / size.0 as f32, foot.y / size.1 as f32);
                *minute.presence_ms.entry(cell).or_default() += step_ms;
            }
        }
        finished
    }

    /// The minute that is not over yet, when nothing more will come.
    pub fn finish(&mut self) -> Option<HeatMinute> {
        self.minute.take()
    }
}

/// The cell of a normalised point; a point outside of the picture counts for the nearest cell.
fn cell(grid: HeatGrid, x: f32, y: f32) -> u32 {
    let index = |value: f32, n: u16| (value.clamp(0.0, 1.0) * f32::from(n)).floor().min(f32::from(n) - 1.0) as u32;
    index(y, grid.rows) * u32::from(grid.columns) + index(x, grid.columns)
}

#[cfg(test)]
mod tests {
    use forewarn_domain::{BBox, TrackId};
    use proptest::prelude::*;

    use super::*;

    fn track(class: &str, foot: (f32, f32), state: TrackState) -> Track {
        Track {
            id: TrackId(1),
            class: Class::new(class),
            score: 0.9,
            bbox: BBox::new(foot.0 - 5.0, foot.1 - 20.0, foot.0 + 5.0, foot.1),
            state,
            first_seen: Timestamp::ZERO,
            last_seen: Timestamp::ZERO,
        }
    }

    fn meter() -> HeatMeter {
        HeatMeter::new(HeatGrid { columns: 10, rows: 10 }, vec![Class::new("person")])
    }

    fn at(seconds: f64) -> Timestamp {
        Timestamp::from_secs_f64(seconds)
    }

    #[test]
    fn presence_is_the_time_between_frames_at_the_foot_point() {
        let mut meter = meter();
        let tracks = [
            track("person", (55.0, 95.0), TrackState::Seen),
            track("car", (5.0, 5.0), TrackState::Seen),
            track("person", (15.0, 5.0), TrackState::Lost),
        ];
        for tenth in 0..=20 {
            assert_eq!(meter.observe(at(f64::from(tenth) / 10.0), (100, 100), &tracks), None);
        }
        let minute = meter.finish().unwrap();
        assert_eq!(minute.presence_ms, BTreeMap::from([(95, 2000)]));
        assert_eq!(minute.watched_ms, 2000);
    }

    #[test]
    fn a_minute_is_handed_over_when_the_next_begins() {
        let mut meter = meter();
        let tracks = [track("person", (5.0, 5.0), TrackState::Seen)];
        meter.observe(at(59.0), (100, 100), &tracks);
        meter.observe(at(59.5), (100, 100), &tracks);
        let minute = meter.observe(at(60.5), (100, 100), &tracks).unwrap();
        assert_eq!((minute.from, minute.presence_ms[&0]), (at(0.0), 500));
        assert_eq!(meter.finish().unwrap().from, at(60.0));
    }

    #[test]
    fn an_outage_is_not_presence() {
        let mut meter = meter();
        let tracks = [track("person", (5.0, 5.0), TrackState::Seen)];
        meter.observe(at(0.0), (100, 100), &tracks);
        meter.observe(at(40.0), (100, 100), &tracks);
        meter.observe(at(30.0), (100, 100), &tracks);
        assert_eq!(meter.finish().unwrap().watched_ms, 5000);
    }

    proptest! {
        #[test]
        fn every_point_has_a_cell(x in -2.0..3.0_f32, y in -2.0..3.0_f32, columns in 1_u16..200, rows in 1_u16..200) {
            let grid = HeatGrid { columns, rows };
            prop_assert!(cell(grid, x, y) < u32::from(columns) * u32::from(rows));
        }
    }
}
