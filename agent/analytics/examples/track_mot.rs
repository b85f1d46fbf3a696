//! Tracks MOT detections: reads det.txt on standard input and writes MOT tracks to standard output.
//!
//! `track_mot [--fps 10] [--size 768x576] [--every 1] [--config 'high_score = 0.4']`; input lines are
//! `frame,-1,left,top,width,height,score[,class]`, output lines `frame,id,left,top,width,height,score,-1,-1,-1` of the
//! tracks that were seen in the frame. With `--every N` only each Nth frame is analysed.

#[path = "mot/mod.rs"]
mod mot;

use std::error::Error;
use std::io::Write;

use forewarn_analytics::Tracker;
use forewarn_domain::TrackState;

fn main() -> Result<(), Box<dyn Error>> {
    let mut options = mot::Options::default();
    let mut args = std::env::args().skip(1);
    while let Some(name) = args.next() {
        let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
        if !options.take(&name, &value)? {
            return Err(format!("unknown option {name}").into());
        }
    }
    let mut tracker = Tracker::new(options.config.clone());
    let mut out = std::io::stdout().lock();
    for (frame, at, detections) in options.frames()? {
        for track in tracker.update(at, options.size, &detections).iter().filter(|t| t.state == TrackState::Seen) {
            let b = track.bbox;
            let (id, w, h, score) = (track.id, b.width(), b.height(), track.score);
            writeln!(out, "{frame},{id},{:.2},{:.2},{w:.2},{h:.2},{score:.3},-1,-1,-1", b.x0, b.y0)?;
        }
    }
    Ok(())
}
