//! Tracks MOT detections: reads det.txt on standard input and writes MOT tracks to standard output.
//!
//! `track_mot [--fps 10] [--size 768x576] [--every 1] [--config 'high_score = 0.4']`; input lines are
//! `frame,-1,left,top,width,height,score[,class]`, output lines `frame,id,left,top,width,height,score,-1,-1,-1` of the
//! tracks that were seen in the frame. With `--every N` only each Nth frame is analysed.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;

use forewarn_analytics::{Tracker, TrackerConfig};
use forewarn_domain::{BBox, Class, Detection, Timestamp, TrackState};

struct Options {
    fps: f64,
    size: (u32, u32),
    every: u32,
    config: TrackerConfig,
}

fn options() -> Result<Options, Box<dyn Error>> {
    let mut options = Options { fps: 10.0, size: (768, 576), every: 1, config: TrackerConfig::default() };
    let mut args = std::env::args().skip(1);
    while let Some(name) = args.next() {
        let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--fps" => options.fps = value.parse()?,
            "--size" => {
                let (width, height) = value.split_once('x').ok_or("write --size WIDTHxHEIGHT")?;
                options.size = (width.parse()?, height.parse()?);
            }
            "--every" => options.every = value.parse::<u32>()?.max(1),
            "--config" => options.config = toml::from_str(&value)?,
            _ => return Err(format!("unknown option {name}").into()),
        }
    }
    options.config.check()?;
    Ok(options)
}

fn detection(line: &str) -> Option<(u32, Detection)> {
    let fields: Vec<&str> = line.trim().split(',').collect();
    let number = |i: usize| fields.get(i)?.trim().parse::<f32>().ok();
    let (left, top) = (number(2)?, number(3)?);
    let bbox = BBox::new(left, top, left + number(4)?, top + number(5)?);
    let class = Class::new(fields.get(7).map_or("person", |name| name.trim()));
    Some((number(0)? as u32, Detection { class, score: number(6)?, bbox }))
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = options()?;
    let mut frames: BTreeMap<u32, Vec<Detection>> = BTreeMap::new();
    for line in std::io::stdin().lines() {
        let line = line?;
        let (frame, detection) = detection(&line).ok_or_else(|| format!("no MOT detection: {line}"))?;
        frames.entry(frame).or_default().push(detection);
    }
    let last = frames.keys().next_back().copied().unwrap_or(0);
    let mut tracker = Tracker::new(options.config);
    let mut out = std::io::stdout().lock();
    for frame in (1..=last).step_by(options.every as usize) {
        let at = Timestamp::from_secs_f64(f64::from(frame - 1) / options.fps);
        let detections = frames.get(&frame).map_or(&[][..], Vec::as_slice);
        for track in tracker.update(at, options.size, detections).iter().filter(|t| t.state == TrackState::Seen) {
            let b = track.bbox;
            let (id, w, h, score) = (track.id, b.width(), b.height(), track.score);
            writeln!(out, "{frame},{id},{:.2},{:.2},{w:.2},{h:.2},{score:.3},-1,-1,-1", b.x0, b.y0)?;
        }
    }
    Ok(())
}
