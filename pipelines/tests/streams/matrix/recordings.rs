//! Recordings as recorders and mishaps leave them: what must be seen of each, and when.

use std::path::{Path, PathBuf};

use forewarn_domain::Orientation;
use forewarn_pipelines::FileReplay;

use super::make::{Feed, PICTURES, make, run_at};
use super::pack::{FlvName, Unit, avi, code, flv, program, sound, transport};
use super::rows::{H264, H265, PLAIN, Property};
use super::{SIZE, check_all, config, numbers};
use crate::support::clips;

/// One round of the clock of 33 bits, in its ticks.
const ROUND: i64 = 1 << 33;

/// What is seen of a recording: the numbers of its pictures, and the milliseconds at which they are shown.
pub(super) type Truth = Vec<(usize, i64)>;

/// A name, a file's bytes and what is to be seen of it.
pub(super) type Row = (String, Vec<u8>, Truth);

fn write(name: &str, bytes: &[u8]) -> PathBuf {
    let path = clips().path(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

pub(super) fn check(path: &Path, truth: &[(usize, i64)]) -> Result<(), String> {
    let seen = numbers(path, SIZE, false)?;
    let seen: Truth = seen.into_iter().map(|(n, at)| (n, (at.as_micros() + 500) / 1000)).collect();
    let is_right = |(a, b): (&(usize, i64), &(usize, i64))| a.0 == b.0 && (a.1 - b.1).abs() <= 2;
    if seen.len() == truth.len() && seen.iter().zip(truth).all(is_right) { Ok(()) } else { Err(format!("{seen:?}")) }
}

/// The pictures from one on, each so many milliseconds after the one before it.
pub(super) fn evenly(from: usize, apart_ms: i64) -> Truth {
    (from..PICTURES).map(|n| (n, (n - from) as i64 * apart_ms)).collect()
}

/// The same again, so many milliseconds later.
fn twice(truth: &Truth, later_ms: i64) -> Truth {
    truth.iter().copied().chain(truth.iter().map(|&(n, at)| (n, at + later_ms))).collect()
}

fn named(properties: &'static [Property], name: &str) -> Property {
    *properties.iter().find(|property| property.name == name).unwrap()
}

fn units_of(property: &Property, at_ms: impl Fn(usize) -> u64) -> Vec<Unit> {
    forewarn_pipelines::init().unwrap();
    code(property, &property.stored(Orientation::UPRIGHT), at_ms).unwrap()
}

/// Pictures with B pictures among them, and without.
pub(super) fn codings() -> [Property; 4] {
    [PLAIN, named(H264, "b-pyramid"), named(H265, "plain"), named(H265, "b-pyramid")]
}

pub(super) fn check_rows(rows: &[Row]) {
    check_all(rows, |(name, ..)| name.clone(), |(name, bytes, truth)| check(&write(name, bytes), truth));
}

#[test]
fn program_streams_of_recorders_are_seen_whole() {
    let mut rows: Vec<Row> = Vec::new();
    for property in codings() {
        let units = units_of(&property, |n| n as u64 * 40);
        let name = |what: &str| format!("{:?}-{}-{what}.mpg", property.coding, property.name);
        let (truth, one) = (evenly(0, 40), program(&units, 1, 90_000 * 3600));
        let head = [&b"IMKH"[..], &[0; 36]].concat();
        rows.push((name("headed"), [head, one.clone()].concat(), truth.clone()));
        rows.push((name("sound-first"), [sound(3), one.clone()].concat(), truth.clone()));
        rows.push((name("shared-packets"), program(&units, 3, 0), truth.clone()));
        rows.push((name("round"), program(&units, 1, ROUND - 45_000), truth.clone()));
        let joined = [one, program(&units, 1, 900)].concat();
        rows.push((name("joined"), joined, twice(&truth, PICTURES as i64 * 40)));
    }
    check_rows(&rows);
}

#[test]
fn transport_streams_keep_their_pauses_and_go_on_where_they_were_joined() {
    let mut rows: Vec<Row> = Vec::new();
    for property in codings() {
        let units = units_of(&property, |n| n as u64 * 40);
        let name = |what: &str| format!("{:?}-{}-{what}.ts", property.coding, property.name);
        let truth = evenly(0, 40);
        rows.push((name("round"), transport(&units, ROUND - 45_000), truth.clone()));
        let joined = [transport(&units, ROUND / 2), transport(&units, 900)].concat();
        rows.push((name("joined"), joined, twice(&truth, PICTURES as i64 * 40)));
        let pause = |n: usize| n as u64 * 40 + if n < 10 { 0 } else { 25_000 };
        let paused = transport(&units_of(&property, pause), 900);
        rows.push((name("paused"), paused, truth.iter().map(|&(n, _)| (n, pause(n) as i64)).collect()));
        rows.push((name("slow"), transport(&units_of(&property, |n| n as u64 * 10_000), 900), evenly(0, 10_000)));
    }
    // Begun between two key pictures.
    let units = units_of(&PLAIN, |n| n as u64 * 40);
    let second = (1..PICTURES).find(|&n| units[n].is_key).unwrap();
    rows.push(("mid-group.ts".to_owned(), transport(&units[4..], 900), evenly(second, 40)));
    check_rows(&rows);
}

#[test]
fn flash_video_keeps_its_pauses_and_goes_on_where_it_was_joined() {
    let mut rows: Vec<Row> = Vec::new();
    for property in codings() {
        let is_h264 = H264.iter().any(|other| other.coding == property.coding);
        let names = if is_h264 { &[FlvName::H264][..] } else { &[FlvName::H265, FlvName::Hvc1] };
        let units = units_of(&property, |n| n as u64 * 40);
        let pause = |n: usize| n as u64 * 40 + if n < 10 { 0 } else { 25_000 };
        let paused = units_of(&property, pause);
        for &of in names {
            let name = |what: &str| format!("{of:?}-{}-{what}.flv", property.name);
            let (truth, one) = (evenly(0, 40), flv(&units, of, 1_700_000_000));
            rows.push((name("late"), one.clone(), truth.clone()));
            let joined = [one, flv(&units, of, 0)].concat();
            rows.push((name("joined"), joined, twice(&truth, PICTURES as i64 * 40)));
            let truth = truth.iter().map(|&(n, _)| (n, pause(n) as i64)).collect();
            rows.push((name("paused"), flv(&paused, of, 0), truth));
        }
    }
    check_rows(&rows);
}

#[test]
fn pictures_without_a_time_are_kept_for_those_that_refer_to_them() {
    let mut units = units_of(&PLAIN, |n| n as u64 * 40);
    for n in (1..PICTURES).step_by(2) {
        (units[n].pts, units[n].dts) = (units[n - 1].pts, units[n - 1].dts);
    }
    let path = write("times-of-half.ts", &transport(&units, 900));
    let mut replay = FileReplay::open(&path, config()).unwrap();
    while replay.next_frame().unwrap().is_some() {}
    assert_eq!((replay.frames(), replay.ring().level().taken), (PICTURES as u64, PICTURES as u64));
}

#[test]
fn pictures_of_avi_are_shown_when_it_says_and_not_at_its_rate() {
    let rows: Vec<Row> = codings()
        .iter()
        .map(|property| {
            let units = units_of(property, |n| n as u64 * 40);
            let name = if H264.iter().any(|other| other.coding == property.coding) { *b"H264" } else { *b"hevc" };
            let size = property.stored(Orientation::UPRIGHT).size;
            let file = format!("{:?}-{}-twice.avi", property.coding, property.name);
            (file, avi(&units, name, size, 25), evenly(0, 40))
        })
        .collect();
    check_rows(&rows);
}

#[test]
fn recordings_that_are_slow_or_begin_late_are_whole() {
    let stored = PLAIN.stored(Orientation::UPRIGHT);
    let muxers = [("mp4", "mp4mux"), ("mov", "qtmux"), ("mkv", "matroskamux"), ("flv", "flvmux")];
    let rows: Vec<(&str, &str, u64, u64)> = muxers
        .iter()
        .flat_map(|&(ending, muxer)| [(1000, 0), (10_000, 0), (40, 18_000_000)].map(|(a, b)| (ending, muxer, a, b)))
        .collect();
    check_all(
        &rows,
        |row| format!("{row:?}"),
        |&(ending, muxer, apart_ms, from_ms)| {
            let path = clips().path(&format!("apart-{apart_ms}-{from_ms}.{ending}"));
            let line = format!("{} ! {muxer} ! filesink location={}", PLAIN.source(stored.size), path.display());
            let at_ms = |n: usize| from_ms + n as u64 * apart_ms;
            run_at(&line, Feed { picture: &|n| stored.picture(n), at_ms: &at_ms })?;
            check(&path, &evenly(0, apart_ms as i64))
        },
    );
}

#[test]
fn a_recording_without_an_index_says_so() {
    let path = make(&clips().path(""), &PLAIN, ("no-index.mp4", "mp4mux"), Orientation::UPRIGHT).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let cut = write("cut-before-index.mp4", &bytes[..bytes.len() / 2]);
    let error = FileReplay::open(&cut, config()).err().unwrap().to_string();
    assert!(error.contains("no index (moov box)") && error.contains("cut off"), "{error}");
}
