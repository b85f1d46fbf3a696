//! Codec × container × property × {file, live}: what must be seen of each, in the pictures and in a clip.
//!
//! Each row makes a small clip whose pictures tell their number, their orientation and their colours, plays it as a file or
//! from an RTSP server, and looks at every picture and at a clip that was recorded meanwhile.

mod edits;
mod fields;
mod make;
mod pack;
mod paff;
mod players;
mod recordings;
mod rows;
mod scene;
mod signed;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use forewarn_domain::{ClipSpan, Frame, Orientation, StreamId, SystemClock, Timestamp};
use forewarn_pipelines::{
    Codec, FileReplay, LiveStream, ReplayConfig, RtspTransport, SimCamera, SimConfig, StreamConfig, StreamEvent,
};

use self::make::{PICTURES, make, run};
use self::rows::{CONTAINERS, Coding, H264, H265, OTHERS, PLAIN, Property, turns};
use self::scene::{SHOWN, number_of};
use crate::support::{Events, WAIT, clips};

/// Rows that run at the same time.
const AT_ONCE: usize = 6;

fn config() -> ReplayConfig {
    ReplayConfig::new(StreamId::new("row").unwrap())
}

/// The numbers of all pictures of a file, and when each is shown; every picture is looked at.
fn numbers(path: &Path, size: (u32, u32), is_grey: bool) -> Result<Vec<(usize, Timestamp)>, String> {
    numbers_by(path, config(), size, is_grey)
}

fn numbers_by(
    path: &Path,
    config: ReplayConfig,
    size: (u32, u32),
    is_grey: bool,
) -> Result<Vec<(usize, Timestamp)>, String> {
    let mut replay = FileReplay::open(path, config).map_err(|error| error.to_string())?;
    let mut numbers = Vec::new();
    while let Some(frame) = replay.next_frame().map_err(|error| format!("{error} after {}", numbers.len()))? {
        numbers.push((look(&frame, size, is_grey)?, frame.meta.captured_at));
    }
    Ok(numbers)
}

fn look(frame: &Frame, size: (u32, u32), is_grey: bool) -> Result<usize, String> {
    if (frame.width, frame.height) != size {
        return Err(format!("{}x{} in place of {size:?}", frame.width, frame.height));
    }
    number_of(frame, is_grey)
}

/// The pictures of a clip follow each other without a gap, and so many are there at least.
fn check_clip(path: &Path, size: (u32, u32), least: usize) -> Result<(), String> {
    let shown = numbers(path, size, false).map_err(|why| format!("the clip: {why}"))?;
    // The last picture may be there only because one that is shown before it refers to it.
    let sure = shown.len().saturating_sub(3);
    let is_whole = shown[..sure].windows(2).all(|pair| (pair[0].0 + 1) % PICTURES == pair[1].0);
    if shown.len() >= least && is_whole { Ok(()) } else { Err(format!("the clip shows {shown:?}")) }
}

/// The size of every picture as it is shown.
const SIZE: (u32, u32) = (SHOWN.0 as u32, SHOWN.1 as u32);

/// Plays a file and records a clip out of its middle.
fn check_file(path: &Path, property: &Property, codec: Option<Codec>, size: (u32, u32)) -> Result<(), String> {
    let is_grey = property.format == "GRAY8";
    let shown = numbers(path, size, is_grey)?;
    let expected: Vec<usize> = (0..PICTURES).collect();
    if shown.iter().map(|(n, _)| *n).collect::<Vec<_>>() != expected {
        return Err(format!("pictures {:?}", shown.iter().map(|(n, _)| *n).collect::<Vec<_>>()));
    }
    let step_us = 1_000_000 / property.rate as i64;
    let off_us = shown.iter().map(|(n, at)| (at.as_micros() - *n as i64 * step_us).abs()).max().unwrap_or(0);
    if off_us > 2_000 {
        return Err(format!("times are off by {off_us} us"));
    }
    let mut replay = FileReplay::open(path, config()).map_err(|error| error.to_string())?;
    if replay.codec() != codec {
        return Err(format!("coded as {:?}", replay.codec()));
    }
    let at = |n: i64| Timestamp::from_micros(n * step_us);
    let recorder = replay.ring().record(ClipSpan { from: at(12), to: at(25) }).map_err(|error| error.to_string())?;
    while replay.next_frame().map_err(|error| error.to_string())?.is_some() {}
    let out = path.with_added_extension("clip.mp4");
    let recorded = recorder.finish(&out).map_err(|error| error.to_string());
    if codec.is_none() {
        return if recorded.is_err() { Ok(()) } else { Err("a clip of what is not kept".to_owned()) };
    }
    let info = recorded?;
    if info.first_unit_at > at(12) || info.last_unit_at < at(24) {
        return Err(format!("{info:?}"));
    }
    check_clip(&out, size, 13)
}

/// Serves a file as a camera, and records a clip of what comes.
fn check_live(path: &Path, size: (u32, u32), transport: RtspTransport) -> Result<(), String> {
    let camera = SimCamera::start(&SimConfig::new(path)).map_err(|error| error.to_string())?;
    let (events, sink) = Events::new();
    let source = camera.url().parse().map_err(|error| format!("{error}"))?;
    let stream = StreamConfig { transport, ..StreamConfig::new(config().stream, source) };
    let live = LiveStream::start(stream, Arc::new(SystemClock), sink).map_err(|error| error.to_string())?;
    let event = events.wait_for(|event| !matches!(event, StreamEvent::Degraded { .. }));
    if !matches!(event, StreamEvent::Connected { width, height, .. } if (width, height) == size) {
        return Err(format!("{event:?}"));
    }
    let mut frames = Vec::new();
    for _ in 0..3 {
        let frame = live.slot().wait(WAIT).ok_or("no picture")?;
        look(&frame, size, false)?;
        frames.push(frame.meta.captured_at);
    }
    let span = ClipSpan { from: frames[0], to: frames[0] + Duration::from_millis(900) };
    let recorder = live.ring().record(span).map_err(|error| error.to_string())?;
    if !recorder.wait(WAIT) {
        return Err(format!("{recorder:?} is not complete: {:?}", live.stats()));
    }
    let out = path.with_added_extension("live.mp4");
    let info = recorder.finish(&out).map_err(|error| error.to_string())?;
    let stats = live.stats();
    if stats.failed_attempts + stats.format_changes > 0 || info.units < 4 {
        return Err(format!("{info:?} {stats:?}"));
    }
    check_clip(&out, size, 3)
}

/// Runs rows, a few at a time, and fails with all that went wrong. Gives their number.
fn check_all<T: Sync>(
    rows: &[T],
    name: impl Fn(&T) -> String + Sync,
    check: impl Fn(&T) -> Result<(), String> + Sync,
) -> usize {
    forewarn_pipelines::init().unwrap();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let wrong = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(row) = rows.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    if let Err(why) = check(row) {
                        wrong.lock().unwrap().push(format!("{}: {why}", name(row)));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {} rows are wrong:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    rows.len()
}

fn codec_of(coding: Coding) -> Option<Codec> {
    match coding {
        Coding::H264 => Some(Codec::H264),
        Coding::H265 => Some(Codec::H265),
        Coding::Other(_) => None,
    }
}

#[test]
fn every_property_is_seen_in_every_container() {
    let folder = clips().path("");
    let rows: Vec<(Property, (&str, &str))> = (H264.iter().chain(H265))
        .flat_map(|&property| CONTAINERS.iter().map(move |&container| (property, container)))
        .chain(OTHERS.iter().map(|&(property, ending, muxer)| (property, (ending, muxer))))
        // A raw stream says nothing of its rate but what its parameter sets do.
        .filter(|(property, (ending, _))| *ending != "raw" || property.rate == 25)
        .collect();
    let name = |(property, (ending, _)): &(Property, (&str, &str))| {
        format!("{:?} {} {ending}", property.coding, property.name)
    };
    let n = check_all(&rows, name, |(property, container)| {
        let path = make(&folder, property, *container, Orientation::UPRIGHT)?;
        check_file(&path, property, codec_of(property.coding), SIZE)
    });
    assert!(n > 150, "{n} rows");
}

#[test]
fn every_property_is_seen_live() {
    let folder = clips().path("");
    let rows: Vec<Property> = H264.iter().chain(H265).copied().collect();
    check_all(
        &rows,
        |row| format!("{:?} {} live", row.coding, row.name),
        |property| {
            let path = make(&folder, property, ("live.ts", "mpegtsmux"), Orientation::UPRIGHT)?;
            check_live(&path, SIZE, RtspTransport::Tcp)
        },
    );
}

#[test]
fn some_properties_are_seen_live_over_udp() {
    let folder = clips().path("");
    let of = |rows: &[Property], names: &[&str]| -> Vec<Property> {
        rows.iter().filter(|row| names.contains(&row.name)).copied().collect()
    };
    let mut rows = of(H264, &["plain", "b-pyramid", "refresh", "slices", "10-bit"]);
    rows.extend(of(H265, &["plain", "open-gop", "slices"]));
    let n = check_all(
        &rows,
        |row| format!("{:?} {} over UDP", row.coding, row.name),
        |property| {
            let path = make(&folder, property, ("udp.ts", "mpegtsmux"), Orientation::UPRIGHT)?;
            check_live(&path, SIZE, RtspTransport::Udp)
        },
    );
    assert_eq!(n, 8);
}

#[test]
fn every_turn_of_a_track_header_is_obeyed() {
    let folder = clips().path("");
    let rows: Vec<(Orientation, &str)> = turns().flat_map(|turn| [(turn, "mp4"), (turn, "mov")]).collect();
    check_all(
        &rows,
        |row| format!("{row:?}"),
        |&(orientation, ending)| {
            let muxer = if ending == "mp4" { "mp4mux" } else { "qtmux" };
            let wide = Property { name: "turned", aspect: (2, 1), ..PLAIN };
            let path = make(&folder, &wide, (ending, muxer), orientation)?;
            check_file(&path, &wide, Some(Codec::H264), SIZE)
        },
    );
}

#[test]
fn the_recording_is_taken_beside_a_preview_and_its_own_end_counts() {
    let folder = clips().path("");
    let stored = PLAIN.stored(Orientation::UPRIGHT);
    let video = "x264enc threads=1 bframes=0 key-int-max=10 pass=quant quantizer=12 speed-preset=ultrafast ! h264parse";
    let preview =
        "videotestsrc num-buffers=30 ! video/x-raw,format=I420,width=64,height=48,framerate=25/1 ! jpegenc ! m.";
    let sound = "audiotestsrc num-buffers=200 ! audioconvert ! avenc_aac ! aacparse ! m.";
    let rows: Vec<(&str, &str, &str)> = [("mp4", "mp4mux"), ("mov", "qtmux"), ("mkv", "matroskamux")]
        .into_iter()
        .flat_map(|(ending, muxer)| [(ending, muxer, preview), (ending, muxer, sound)])
        .filter(|(ending, _, beside)| *ending != "mp4" || *beside == sound)
        .collect();
    check_all(
        &rows,
        |row| format!("{row:?}"),
        |&(ending, muxer, beside)| {
            for is_first in [true, false] {
                let kind = if beside == sound { "sound" } else { "preview" };
                let path = folder.join(format!("{kind}-{is_first}.{ending}"));
                let source = format!(
                    "appsrc name=src format=time max-bytes=0 caps=\"{}\" ! {video} ! queue ! m.",
                    "video/x-raw,format=I420,width=128,height=96,framerate=25/1,colorimetry=bt601"
                );
                let (first, second) = if is_first { (beside, source.as_str()) } else { (source.as_str(), beside) };
                run(&format!("{muxer} name=m ! filesink location={} {first} {second}", path.display()), 25, |n| {
                    stored.picture(n)
                })?;
                check_file(&path, &PLAIN, Some(Codec::H264), SIZE)?;
            }
            Ok(())
        },
    );
}
