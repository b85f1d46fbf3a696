//! Tests of footage with pictures that are made up: files, gaps, what a kill leaves, a disk that refuses.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use forewarn_domain::{Clock, Orientation, StreamId, Timestamp, WallTime};

use super::cell::FootageCell;
use super::read::contents;
use super::writer::Writer;
use super::*;
use crate::entry::Entry;
use crate::unit::AccessUnit;
use crate::{Codec, StreamFormat};

/// 2026-11-30T08:00:30Z.
const BEGIN_US: i64 = 1_796_025_630_000_000;

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(BEGIN_US)
    }
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_micros(BEGIN_US + ms * 1000)
}

fn wall(ms: i64) -> WallTime {
    WallTime::from_micros(BEGIN_US + ms * 1000)
}

fn unit(ms: i64, is_key: bool) -> AccessUnit {
    crate::init().unwrap();
    let entry = if is_key { Entry::Clean } else { Entry::No };
    let head = [0, 0, 0, 1, 0x67, 66, 0, 30, 0x80, 0, 0, 0, 1, 0x68, 0x80, 7, 0, 0, 0, 1, 0x65, 9, 9];
    let bytes = if is_key { head.to_vec() } else { vec![0, 0, 0, 1, 0x41, 9, 9] };
    AccessUnit { captured_at: at(ms), is_key, entry, certificate: None, buffer: gst::Buffer::from_slice(bytes) }
}

fn format() -> Arc<StreamFormat> {
    crate::init().unwrap();
    Arc::new(StreamFormat::of(Codec::H264, &Codec::H264.unit_caps(), Orientation::UPRIGHT))
}

fn gate() -> StreamId {
    StreamId::new("gate").unwrap()
}

const AMPLE: FootageLimits =
    FootageLimits { max_age: Duration::from_hours(24), max_bytes: 1 << 30, min_free_bytes: 1 << 20 };

/// Has what `feed` puts into the queue written, and tells what came of it.
fn written(root: &Path, free: fn(&Path) -> std::io::Result<u64>, feed: impl Fn(&FootageCell)) -> FootageNow {
    let clock: Arc<dyn Clock> = Arc::new(Still);
    let footage = Footage::start_on(root.to_owned(), AMPLE, Arc::clone(&clock), free).unwrap();
    let mut writer = Writer::start(&gate(), footage, clock).unwrap();
    feed(writer.cell());
    writer.stop();
    writer.now()
}

/// Ten pictures a second from `from` to before `to`, a key picture each second.
fn pictures(cell: &FootageCell, from: i64, to: i64) {
    let format = format();
    for ms in (from..to).step_by(100) {
        cell.offer(&unit(ms, ms % 1000 == 0), &format);
    }
}

#[expect(clippy::unnecessary_wraps, reason = "as a disk answers")]
fn ample(_: &Path) -> std::io::Result<u64> {
    Ok(1 << 40)
}

fn names(root: &Path) -> Vec<String> {
    let files = keep::files(root, "gate").unwrap();
    files.iter().map(|(path, _)| path.strip_prefix(root).unwrap().display().to_string()).collect()
}

#[test]
fn each_minute_is_a_file_and_together_they_lack_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let now = written(folder.path(), ample, |cell| pictures(cell, 0, 95_000));
    assert_eq!((now.failing, now.counts.gaps), (None, [0; 3]));
    assert_eq!(now.counts.kept_ms, 94_900);
    let days = ["08-00-30", "08-01-00", "08-02-00"].map(|time| format!("gate/2026-11-30/{time}.mp4"));
    assert_eq!(names(folder.path()), days);
    let stretches = stretches(folder.path(), "gate").unwrap();
    assert_eq!(stretches.len(), 1, "{stretches:?}");
    assert_eq!((stretches[0].from, stretches[0].to), (wall(0), wall(95_000)));
    assert_eq!(
        stretches[0].bytes,
        now.counts.bytes + 3 * contents(&folder.path().join(&days[0])).unwrap().header_bytes
    );
}

#[test]
fn a_span_over_several_files_is_cut_from_the_key_picture_before_to_the_second() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), ample, |cell| pictures(cell, 0, 95_000));
    let out = folder.path().join("clip.mp4");
    let made = cut(folder.path(), &gate(), wall(28_500), wall(91_500), &out).unwrap();
    assert_eq!((made.from, made.to, made.pictures), (wall(28_000), wall(92_000), 640));
    assert_eq!((made.gaps, made.rest), (vec![], None));
    let clip = contents(&out).unwrap();
    assert_eq!(clip.whole_bytes, out.metadata().unwrap().len());
    let shown: Vec<u64> = clip.fragments.iter().map(|fragment| fragment.decoded_us).collect();
    assert_eq!(shown, (0..64).map(|s| s * 1_000_000).collect::<Vec<u64>>(), "as on the wall");
    let again = cut(folder.path(), &gate(), wall(0), wall(1000), &out).unwrap_err().to_string();
    assert!(again.contains("is there already"), "{again}");
    let none = cut(folder.path(), &gate(), wall(200_000), wall(201_000), &folder.path().join("b.mp4")).unwrap_err();
    assert!(none.to_string().contains("no footage of camera gate"), "{none}");
}

#[test]
fn files_are_told_one_by_one_and_what_is_whole_of_the_last_is_copied() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    written(root, ample, |cell| pictures(cell, 0, 95_000));
    let growing = root.join("gate/2026-11-30/08-02-00.mp4");
    let whole_bytes = growing.metadata().unwrap().len();
    let half = std::fs::OpenOptions::new().append(true).open(&growing).unwrap();
    half.set_len(whole_bytes + 100).unwrap();
    let last = root.join("last.mp4");
    let found = parts(root, &gate(), (wall(0), wall(100_000)), &last).unwrap();
    let told: Vec<_> = found.iter().map(|part| (part.from, part.to)).collect();
    assert_eq!(told, [(wall(0), wall(30_000)), (wall(30_000), wall(90_000)), (wall(90_000), wall(95_000))]);
    assert_eq!((&found[2].path, last.metadata().unwrap().len()), (&last, whole_bytes));
    let begun = |from, to| {
        let found = parts(root, &gate(), (wall(from), wall(to)), &last).unwrap();
        found.iter().map(|part| part.from).collect::<Vec<_>>()
    };
    assert_eq!(begun(10_000, 80_000), [wall(0), wall(30_000)], "the one that goes on beyond the beginning, too");
    assert_eq!(begun(30_000, 80_000), [wall(30_000)]);
    assert_eq!(begun(91_000, 92_000), [wall(90_000)]);
    let none = parts(root, &gate(), (wall(100_000), wall(200_000)), &last).unwrap_err();
    assert!(matches!(none, CutError::Nothing { .. }), "{none}");
}

#[test]
fn a_camera_that_was_away_leaves_a_gap_that_is_counted_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    let now = written(folder.path(), ample, |cell| {
        pictures(cell, 0, 5000);
        cell.interrupt();
        pictures(cell, 19_000, 25_000);
    });
    assert_eq!((now.counts.gaps, now.counts.gap_ms), ([1, 0, 0], [14_100, 0, 0]));
    assert_eq!(now.counts.kept_ms, 4900 + 5900);
    let found: Vec<_> = stretches(folder.path(), "gate").unwrap().into_iter().map(|one| (one.from, one.to)).collect();
    assert_eq!(found, [(wall(0), wall(5000)), (wall(19_000), wall(25_000))]);
    let made = cut(folder.path(), &gate(), wall(0), wall(25_000), &folder.path().join("c.mp4")).unwrap();
    assert_eq!(made.gaps, [(wall(5000), wall(19_000))]);
}

#[test]
fn a_disk_that_does_not_keep_up_loses_footage_and_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let (cell, format) = (FootageCell::default(), format());
    for ms in (0..200_000).step_by(100) {
        cell.offer(&unit(ms, ms % 1000 == 0), &format);
    }
    let items = cell.take().unwrap();
    assert!(items.len() <= 1001, "{}", items.len());
    let now = written(folder.path(), ample, |of_writer| {
        for item in &items {
            match item {
                cell::Item::Unit(unit, format) => of_writer.offer(unit, format),
                cell::Item::Break(why) => assert_eq!(*why, Why::Behind),
            }
        }
    });
    assert_eq!(now.counts.kept_ms, 99_900, "up to where the queue was full");
}

#[test]
fn what_a_kill_leaves_is_whole_up_to_the_last_second_and_mended_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), ample, |cell| pictures(cell, 0, 20_000));
    let path = folder.path().join("gate/2026-11-30/08-00-30.mp4");
    let whole = std::fs::read(&path).unwrap();
    let marks: Vec<u64> = contents(&path).unwrap().fragments.iter().map(|fragment| fragment.at).collect();
    for cut_at in (0..whole.len()).step_by(97) {
        // What the disk had not taken is not there, or is zeros.
        for rest in [0, 4096] {
            std::fs::write(&path, [&whole[..cut_at], &vec![0; rest]].concat()).unwrap();
            let seconds =
                stretches(folder.path(), "gate").unwrap().first().map_or(0, |one| one.to.micros_after(wall(0)));
            let bytes = place::mend(&path).unwrap();
            // Zeros may stand for the last pictures of a fragment, and for no further one.
            assert!(bytes <= (cut_at + rest) as u64 && (rest > 0 || bytes <= cut_at as u64));
            let begun = marks.iter().filter(|mark| **mark <= cut_at as u64).count() as i64;
            assert!((seconds - begun * 1_000_000).abs() <= 1_000_000, "{cut_at}: {seconds} of {begun}");
            assert_eq!(path.exists(), bytes > 0);
            if bytes > 0 {
                assert_eq!((path.metadata().unwrap().len(), place::mend(&path).unwrap()), (bytes, bytes));
            }
        }
    }
}

#[test]
fn a_disk_without_room_keeps_none_and_says_so() {
    #[expect(clippy::unnecessary_wraps, reason = "as a disk answers")]
    fn none(_: &Path) -> std::io::Result<u64> {
        Ok(1000)
    }
    let folder = tempfile::tempdir().unwrap();
    let now = written(folder.path(), none, |cell| pictures(cell, 0, 5000));
    let told = now.failing.unwrap();
    assert!(told.contains("lacks 1 MiB of the 1 MiB that stay free for evidence"), "{told}");
    assert_eq!((now.counts.bytes, names(folder.path()).len()), (0, 0));
}
