//! Watches raw I420 frames on standard input for motion, static objects and falls, and prints what it saw.
//!
//! `gst-launch-1.0 -q filesrc location=clip.mp4 ! decodebin ! videoconvert ! video/x-raw,format=I420 ! fdsink |
//! watch_luma --size 768x576 --fps 10 [--appear-after 20] [--width 320] [--falls-width 640] [--verbose]
//! [--detections det.txt --detected-every 4]`
//!
//! MOT detections of the same clip, of every fourth frame, say, are tracked and cover the scene.

#[expect(dead_code, reason = "the detections come from a file here")]
#[path = "mot/mod.rs"]
mod mot;

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::time::Duration;

use forewarn_analytics::luma::{
    FallingObjectConfig, FallingObjectDetector, LookReason, LumaPlane, MotionGate, MotionGateConfig,
    StaticObjectConfig, StaticObjectDetector,
};
use forewarn_analytics::{Tracker, TrackerConfig};
use forewarn_domain::clock::Stopwatch;
use forewarn_domain::{ColourMatrix, Detection, Frame, FrameMeta, PixelFormat, StreamId, Timestamp};

/// What is asked for on the command line.
struct Options {
    size: (u32, u32),
    fps: f64,
    width: u32,
    falls_width: u32,
    is_verbose: bool,
    still: StaticObjectConfig,
    detections: BTreeMap<u32, Vec<Detection>>,
    detected_every: u32,
}

fn options() -> Result<Options, Box<dyn Error>> {
    let still = StaticObjectConfig::default();
    let mut options = Options {
        size: (768, 576),
        fps: 10.0,
        width: 320,
        falls_width: 640,
        is_verbose: false,
        still,
        detections: BTreeMap::new(),
        detected_every: 1,
    };
    let mut args = std::env::args().skip(1);
    while let Some(name) = args.next() {
        if name == "--verbose" {
            options.is_verbose = true;
            continue;
        }
        let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--size" => {
                let (width, height) = value.split_once('x').ok_or("write --size WIDTHxHEIGHT")?;
                options.size = (width.parse()?, height.parse()?);
            }
            "--fps" => options.fps = value.parse()?,
            "--appear-after" => options.still.appear_after_s = value.parse()?,
            "--detected-every" => options.detected_every = value.parse::<u32>()?.max(1),
            "--detections" => {
                for line in std::fs::read_to_string(value)?.lines() {
                    let (frame, detection) = mot::detection(line).ok_or("no MOT detection")?;
                    options.detections.entry(frame).or_default().push(detection);
                }
            }
            "--width" => options.width = value.parse()?,
            "--falls-width" => options.falls_width = value.parse()?,
            _ => return Err(format!("unknown option {name}").into()),
        }
    }
    options.still.check()?;
    Ok(options)
}

/// Reads the next frame, `None` at the end.
fn read(options: &Options, sequence: u64, at: Timestamp) -> Result<Option<Frame>, Box<dyn Error>> {
    let shapes = PixelFormat::I420.plane_shapes(options.size.0, options.size.1);
    let mut bytes = vec![0; shapes.into_iter().map(|(rows, row_bytes)| rows * row_bytes).sum()];
    match std::io::stdin().lock().read_exact(&mut bytes) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let meta = FrameMeta { stream: StreamId::new("clip")?, sequence, captured_at: at, arrived_at: at };
    Ok(Some(Frame::packed(meta, PixelFormat::I420, ColourMatrix::BT601, options.size, bytes)?))
}

/// Runs `work` and adds the time that it took to `spent`.
fn timed<T>(spent: &mut Duration, work: impl FnOnce() -> T) -> T {
    let watch = Stopwatch::start();
    let result = work();
    *spent += watch.elapsed();
    result
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = options()?;
    let mut out = std::io::stdout().lock();
    let mut gate = MotionGate::new(MotionGateConfig::default());
    let mut still = StaticObjectDetector::new(options.still.clone());
    let mut falls = FallingObjectDetector::new(FallingObjectConfig::default());
    let (mut tracker, mut tracks) = (Tracker::new(TrackerConfig::default()), Vec::new());
    let (mut small, mut large) = (LumaPlane::empty(), LumaPlane::empty());
    let mut spent = [Duration::ZERO; 5];
    let (mut n, mut n_moved, mut n_falls, mut known) = (0u32, 0u32, 0u32, Vec::<u64>::new());
    loop {
        let at = Timestamp::from_secs_f64(f64::from(n) / options.fps);
        let Some(frame) = read(&options, u64::from(n), at)? else { break };
        n += 1;
        if !options.detections.is_empty() && (n - 1).is_multiple_of(options.detected_every) {
            let seen = options.detections.get(&n).map_or(&[][..], Vec::as_slice);
            tracks = tracker.update(at, options.size, seen).to_vec();
        }
        timed(&mut spent[0], || small.refill(&frame, options.width));
        timed(&mut spent[1], || large.refill(&frame, options.falls_width));
        let motion = timed(&mut spent[2], || {
            let motion = gate.look(at, &small);
            if motion.reason.is_some() {
                gate.mark_analysed();
            }
            motion
        });
        n_moved += u32::from(matches!(motion.reason, Some(LookReason::Moved | LookReason::SceneChanged)));
        let objects = timed(&mut spent[3], || still.observe(at, &small, &tracks).to_vec());
        for o in objects.iter().filter(|o| !known.contains(&o.id)) {
            writeln!(
                out,
                "{at} {:?} object {} at {:?}, since {}, confidence {:.2}",
                o.kind, o.id, o.bbox, o.appeared_at, o.confidence
            )?;
        }
        for id in known.iter().filter(|id| !objects.iter().any(|o| o.id == **id)) {
            writeln!(out, "{at} object {id} is gone")?;
        }
        known = objects.iter().map(|o| o.id).collect();
        for fall in timed(&mut spent[4], || falls.observe(at, &large)) {
            n_falls += 1;
            writeln!(
                out,
                "{at} fall {} from {:?} to {:?}, {:.0} px/s2, confidence {:.2}",
                fall.id, fall.start, fall.end, fall.acceleration_px_s2, fall.confidence
            )?;
        }
        if options.is_verbose {
            writeln!(out, "{at} {:?} {:.3} {:?}", motion.reason, motion.moved_part, motion.regions_normalised)?;
        }
    }
    let per_frame = |spent: Duration| spent.as_secs_f64() * 1e6 / f64::from(n.max(1));
    writeln!(out, "{n} frames; {n_moved} with motion; scene known to {:.2}; {n_falls} falls", still.known_part())?;
    let names = ["small plane", "large plane", "motion gate", "static objects", "falls"];
    for (name, spent) in names.iter().zip(spent) {
        writeln!(out, "{name}: {:.0} us a frame", per_frame(spent))?;
    }
    Ok(())
}
