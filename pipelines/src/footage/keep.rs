//! Which files of footage there are, and which of them go. Deciding is pure.
//!
//! What goes, the oldest file of any camera first: what is older than the days, what exceeds the bytes, and what keeps
//! the disk from having the room that is left to evidence. The files that are being written stay.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use forewarn_domain::{StreamId, WallTime};

/// How much footage is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FootageLimits {
    /// From when a file was begun.
    pub max_age: Duration,
    /// Bytes of all cameras together.
    pub max_bytes: u64,
    /// Bytes that stay free on the disk, for evidence above all.
    pub min_free_bytes: u64,
}

/// One file of footage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Minute {
    pub(crate) begun: WallTime,
    pub(crate) bytes: u64,
    pub(crate) is_open: bool,
}

/// What is to go.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan<'a> {
    pub(crate) doomed: Vec<&'a Path>,
    /// Bytes that lack on the disk when all of that has gone.
    pub(crate) short_bytes: u64,
}

/// Decides what goes, of files in any order.
pub(crate) fn plan<'a>(
    minutes: impl Iterator<Item = (&'a Path, &'a Minute)>,
    limits: &FootageLimits,
    age: &dyn Fn(WallTime) -> Duration,
    free_bytes: u64,
) -> Plan<'a> {
    let mut all: Vec<_> = minutes.collect();
    all.sort_by_key(|(path, minute)| (minute.begun, *path));
    let mut total: u64 = all.iter().map(|(_, minute)| minute.bytes).sum();
    let (mut free, mut doomed) = (free_bytes, Vec::new());
    for (path, minute) in all.into_iter().filter(|(_, minute)| !minute.is_open) {
        let is_too_much = total > limits.max_bytes || free < limits.min_free_bytes;
        if !is_too_much && age(minute.begun) <= limits.max_age {
            continue;
        }
        total = total.saturating_sub(minute.bytes);
        free = free.saturating_add(minute.bytes);
        doomed.push(path);
    }
    Plan { doomed, short_bytes: limits.min_free_bytes.saturating_sub(free) }
}

/// Where a file lies that begins at `at`: a folder a camera, in it one a day, in UTC. `n` tells those apart that begin in one
/// second, because the clock was set or the picture changed.
pub(crate) fn place(root: &Path, camera: &StreamId, at: WallTime, n: u32) -> PathBuf {
    let text = at.to_rfc3339();
    let (day, time) = (&text[..10], text[11..19].replace(':', "-"));
    let name = if n == 0 { format!("{time}.mp4") } else { format!("{time}_{n}.mp4") };
    root.join(camera.as_str()).join(day).join(name)
}

/// When a file begins, by the names of its day and its own; none if it is no file of footage.
fn begun(day: &str, name: &str) -> Option<WallTime> {
    let time = name.strip_suffix(".mp4")?;
    let (time, n) = time.split_once('_').unwrap_or((time, "0"));
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<i64>().ok()).flatten();
    number(n)?;
    let mut parts = day.split('-').chain(time.split('-')).map(number);
    let mut next = || parts.next().flatten();
    WallTime::of_utc([next()?, next()?, next()?], [next()?, next()?, next()?])
}

/// The files of a camera in order, by their names. A folder that is not there has none.
pub(crate) fn files(root: &Path, camera: &str) -> io::Result<Vec<(PathBuf, WallTime)>> {
    let mut found = Vec::new();
    for day in entries(&root.join(camera))? {
        let name = day.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for path in if day.is_dir() { entries(&day)? } else { Vec::new() } {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            if let Some(at) = begun(&name, &file) {
                found.push((path, at));
            }
        }
    }
    found.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
    Ok(found)
}

/// The cameras of which there is footage in a folder.
pub fn cameras(root: &Path) -> io::Result<Vec<String>> {
    let folders = entries(root)?.into_iter().filter(|path| path.is_dir());
    let mut names: Vec<String> =
        folders.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect();
    names.sort();
    Ok(names)
}

fn entries(dir: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(dir) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_when_the_file_begins() {
        let camera = StreamId::new("gate").unwrap();
        for micros in [0, 951_826_399_000_000, 1_796_083_199_000_000] {
            let at = WallTime::from_micros(micros);
            for n in [0, 3] {
                let path = place(Path::new("/f"), &camera, at, n);
                let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
                assert_eq!(begun(&name(path.parent().unwrap()), &name(&path)), Some(at), "{}", path.display());
            }
        }
        for (day, name) in [("2026-13-01", "00-00-00.mp4"), ("2026-01-01", "00-00.mp4"), ("x", "y.mp4"), ("", "a")] {
            assert_eq!(begun(day, name), None, "{day}/{name}");
        }
    }

    /// Files of 10 bytes that begin each hour; the last one is open.
    fn doomed(limits: FootageLimits, free_bytes: u64) -> (Vec<u32>, u64) {
        let hour = |n: u32| WallTime::from_secs_f64(f64::from(n) * 3600.0);
        let minutes: Vec<_> = (0..5_u32)
            .map(|n| (PathBuf::from(n.to_string()), Minute { begun: hour(n), bytes: 10, is_open: n == 4 }))
            .collect();
        let age = |at: WallTime| Duration::from_micros((hour(5).as_micros() - at.as_micros()) as u64);
        let plan = plan(minutes.iter().map(|(path, minute)| (path.as_path(), minute)), &limits, &age, free_bytes);
        (plan.doomed.iter().map(|path| path.to_str().unwrap().parse().unwrap()).collect(), plan.short_bytes)
    }

    #[test]
    fn the_oldest_goes_for_age_for_bytes_and_for_the_room_of_evidence() {
        let ample = FootageLimits { max_age: Duration::from_hours(99), max_bytes: 1000, min_free_bytes: 0 };
        assert_eq!(doomed(ample, 0), (vec![], 0));
        assert_eq!(doomed(FootageLimits { max_age: Duration::from_hours(3), ..ample }, 0), (vec![0, 1], 0));
        assert_eq!(doomed(FootageLimits { max_bytes: 35, ..ample }, 0), (vec![0, 1], 0));
        assert_eq!(doomed(FootageLimits { min_free_bytes: 25, ..ample }, 20), (vec![0], 0));
        let all_and_still_short = doomed(FootageLimits { min_free_bytes: 100, ..ample }, 20);
        assert_eq!(all_and_still_short, (vec![0, 1, 2, 3], 40), "what is being written stays");
    }
}
