//! Minutes of presence on disk: `heat/CAMERA/DAY.jsonl`, one line a minute, and `heat/CAMERA/scene.jpg`.
//!
//! A line is appended and never changed, so that a kill costs at most the line that was being written; a torn line is
//! skipped when the file is read. A minute may have several lines, as after a restart; they add up.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use forewarn_analytics::heat::{HeatGrid, HeatMinute};
use forewarn_base::durable;
use forewarn_domain::{Frame, StreamId, Timestamp};
use forewarn_engine::civil_time::SiteTime;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// How old the picture of a scene gets before another takes its place.
const SCENE_EVERY: Duration = Duration::from_hours(1);

/// Minutes of presence of all cameras.
#[derive(Debug)]
pub struct HeatStore {
    dir: PathBuf,
    civil: SiteTime,
    grid: HeatGrid,
}

/// The store failed.
#[derive(Debug, thiserror::Error)]
#[error("failed to {what} {}: {source}; heat maps lack this time", path.display())]
pub struct HeatStoreError {
    what: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// One line.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    /// When the minute began, RFC 3339.
    from: String,
    columns: u16,
    rows: u16,
    watched_ms: u32,
    /// Cell and milliseconds.
    cells: Vec<(u32, u32)>,
}

/// What a period held.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Heat {
    /// Columns.
    pub columns: u16,
    /// Rows.
    pub rows: u16,
    /// Seconds of presence, row after row.
    pub presence_s: Vec<f64>,
    /// Seconds that were watched.
    pub watched_s: f64,
}

impl Heat {
    fn empty(grid: HeatGrid) -> Self {
        let n = usize::from(grid.columns) * usize::from(grid.rows);
        Self { columns: grid.columns, rows: grid.rows, presence_s: vec![0.0; n], watched_s: 0.0 }
    }

    /// The mean number of subjects at a time.
    pub fn mean_count(&self) -> f64 {
        if self.watched_s > 0.0 { self.presence_s.iter().sum::<f64>() / self.watched_s } else { 0.0 }
    }
}

impl HeatStore {
    /// Minutes in `dir`, by days of `civil`'s time zone.
    pub fn new(dir: PathBuf, civil: SiteTime) -> Self {
        Self { dir, civil, grid: HeatGrid::default() }
    }

    /// Where they lie.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    fn fail(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> HeatStoreError {
        let path = path.to_owned();
        move |source| HeatStoreError { what, path, source }
    }

    /// Adds a minute.
    pub fn append(&self, stream: &StreamId, minute: &HeatMinute) -> Result<(), HeatStoreError> {
        let Some(from) = self.civil.instant(minute.from) else { return Ok(()) };
        let dir = self.dir.join(stream.as_str());
        fs::create_dir_all(&dir).map_err(Self::fail("make", &dir))?;
        let path = dir.join(format!("{}.jsonl", from.to_zoned(self.civil.time_zone()).date()));
        let line = Line {
            from: from.to_string(),
            columns: self.grid.columns,
            rows: self.grid.rows,
            watched_ms: minute.watched_ms,
            cells: minute.presence_ms.iter().map(|(cell, ms)| (*cell, *ms)).collect(),
        };
        let write = || {
            let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
            let mut text = serde_json::to_string(&line)?;
            text.push('\n');
            file.write_all(text.as_bytes())
        };
        write().map_err(Self::fail("append to", &path))
    }

    /// Keeps a picture of the scene to draw over, in place of one that is older than an hour.
    pub fn keep_scene(&self, frame: &Frame) -> Result<(), HeatStoreError> {
        let path = self.scene(&frame.meta.stream);
        let kept = fs::metadata(&path).and_then(|meta| meta.modified()).ok();
        let kept = kept.and_then(|at| jiff::Timestamp::try_from(at).ok());
        if kept.is_some_and(|at| self.civil.age(at, frame.meta.captured_at) < SCENE_EVERY) {
            return Ok(());
        }
        let picture = image::RgbImage::from_raw(frame.width, frame.height, frame.to_rgb8());
        let write = || {
            let picture = picture.ok_or_else(|| io::Error::other("the frame has no pixels"))?;
            let mut jpeg = io::Cursor::new(Vec::new());
            picture.write_to(&mut jpeg, image::ImageFormat::Jpeg).map_err(io::Error::other)?;
            durable::replace(&path, jpeg.get_ref())
        };
        write().map_err(Self::fail("write", &path))
    }

    /// Where the picture of a camera's scene is.
    pub fn scene(&self, stream: &StreamId) -> PathBuf {
        self.dir.join(stream.as_str()).join("scene.jpg")
    }

    /// The days of which a camera has minutes, in order.
    pub fn days(&self, stream: &StreamId) -> Result<Vec<Date>, HeatStoreError> {
        let dir = self.dir.join(stream.as_str());
        let entries = match fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Self::fail("read", &dir)(error)),
        };
        let name = |entry: io::Result<fs::DirEntry>| entry.ok()?.file_name().into_string().ok();
        let mut days: Vec<Date> =
            entries.filter_map(name).filter_map(|name| name.strip_suffix(".jsonl")?.parse().ok()).collect();
        days.sort();
        Ok(days)
    }

    /// What some days held together: all of each, or one hour of the day in the store's time zone.
    pub fn sum(
        &self,
        stream: &StreamId,
        (first, last): (Option<Date>, Option<Date>),
        hour: Option<i8>,
    ) -> Result<Heat, HeatStoreError> {
        let mut sum = Heat::empty(self.grid);
        let is_wanted = |day: &Date| first.is_none_or(|first| first <= *day) && last.is_none_or(|last| *day <= last);
        for day in self.days(stream)?.into_iter().filter(is_wanted) {
            self.each(stream, day, |from, line| {
                if hour.is_none_or(|hour| from.to_zoned(self.time_zone()).hour() == hour) {
                    sum.add(line);
                }
            })?;
        }
        Ok(sum)
    }

    /// Shows the minutes of a day, one after the other.
    fn each(
        &self,
        stream: &StreamId,
        day: Date,
        mut take: impl FnMut(jiff::Timestamp, &Line),
    ) -> Result<(), HeatStoreError> {
        let path = self.dir.join(stream.as_str()).join(format!("{day}.jsonl"));
        let file = File::open(&path).map_err(Self::fail("open", &path))?;
        for text in BufReader::new(file).lines() {
            let text = text.map_err(Self::fail("read", &path))?;
            let Ok(line) = serde_json::from_str::<Line>(&text) else { continue };
            if (line.columns, line.rows) != (self.grid.columns, self.grid.rows) {
                continue;
            }
            let Ok(from) = line.from.parse::<jiff::Timestamp>() else { continue };
            take(from, &line);
        }
        Ok(())
    }

    /// What each span held, the spans being half-open and in any order.
    pub fn read(&self, stream: &StreamId, spans: &[(Timestamp, Timestamp)]) -> Result<Vec<Heat>, HeatStoreError> {
        let mut heats = vec![Heat::empty(self.grid); spans.len()];
        for day in self.days(stream)? {
            self.each(stream, day, |from, line| {
                let at = Timestamp::from_micros(from.as_microsecond());
                for (heat, _) in heats.iter_mut().zip(spans).filter(|(_, span)| (span.0..span.1).contains(&at)) {
                    heat.add(line);
                }
            })?;
        }
        Ok(heats)
    }

    /// Deletes the days that ended longer than `keep` before `now`, whatever was done to the clock since.
    pub fn forget(&self, keep: Duration, now: Timestamp) -> Result<(), HeatStoreError> {
        let cameras = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Self::fail("read", &self.dir)(error)),
        };
        let is_old = |day: &Date| {
            let end = day.tomorrow().and_then(|next| next.to_zoned(self.civil.time_zone()));
            end.is_ok_and(|end| self.civil.age(end.timestamp(), now) > keep)
        };
        for camera in cameras.filter_map(Result::ok).filter_map(|e| StreamId::new(e.file_name().to_str()?).ok()) {
            for day in self.days(&camera)?.into_iter().filter(is_old) {
                let path = self.dir.join(camera.as_str()).join(format!("{day}.jsonl"));
                fs::remove_file(&path).map_err(Self::fail("delete", &path))?;
            }
        }
        Ok(())
    }

    /// The time zone of the days.
    pub fn time_zone(&self) -> TimeZone {
        self.civil.time_zone()
    }
}

impl Heat {
    fn add(&mut self, line: &Line) {
        self.watched_s += f64::from(line.watched_ms) / 1000.0;
        for &(cell, ms) in &line.cells {
            if let Some(presence_s) = self.presence_s.get_mut(cell as usize) {
                *presence_s += f64::from(ms) / 1000.0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn minute(from_s: f64, cell: u32) -> HeatMinute {
        HeatMinute {
            from: Timestamp::from_secs_f64(from_s),
            presence_ms: BTreeMap::from([(cell, 2500)]),
            watched_ms: 60_000,
        }
    }

    #[test]
    fn minutes_add_up_over_days_and_a_torn_line_is_skipped() {
        let dir = tempfile::tempdir().unwrap();
        let store = HeatStore::new(dir.path().to_owned(), SiteTime::live(TimeZone::UTC));
        let gate = StreamId::new("gate").unwrap();
        for (from_s, cell) in [(0.0, 3), (60.0, 3), (86_400.0, 4)] {
            store.append(&gate, &minute(from_s, cell)).unwrap();
        }
        let path = dir.path().join("gate/1970-01-01.jsonl");
        OpenOptions::new().append(true).open(path).unwrap().write_all(b"{\"from\":\"19").unwrap();
        let all = (Timestamp::ZERO, Timestamp::from_secs_f64(1e6));
        let first = (Timestamp::ZERO, Timestamp::from_secs_f64(60.0));
        let heats = store.read(&gate, &[all, first]).unwrap();
        assert_eq!((heats[0].presence_s[3], heats[0].presence_s[4], heats[0].watched_s), (5.0, 2.5, 180.0));
        assert_eq!((heats[1].presence_s[3], heats[1].watched_s), (2.5, 60.0));
        let sum = |days, hour| store.sum(&gate, days, hour).unwrap().watched_s;
        let second = Some("1970-01-02".parse().unwrap());
        assert_eq!(
            (sum((None, None), None), sum((second, None), None), sum((None, None), Some(0))),
            (180.0, 60.0, 180.0)
        );
        assert_eq!((sum((None, None), Some(1)), sum((None, second), Some(0))), (0.0, 180.0));
        store.forget(Duration::from_hours(24), Timestamp::from_secs_f64(86_400.0 + 90_000.0)).unwrap();
        assert_eq!(store.days(&gate).unwrap(), ["1970-01-02".parse().unwrap()]);
    }

    #[test]
    fn a_camera_without_minutes_is_cold() {
        let dir = tempfile::tempdir().unwrap();
        let store = HeatStore::new(dir.path().to_owned(), SiteTime::live(TimeZone::UTC));
        let heats = store.read(&StreamId::new("gate").unwrap(), &[(Timestamp::ZERO, Timestamp::ZERO)]).unwrap();
        assert_eq!(heats[0].mean_count(), 0.0);
    }
}
