//! Tracks MOT detections: reads det.txt on standard input and writes MOT tracks to standard output.
//!
//! `track_mot [--fps 10] [--size 768x576] [--every 1] [--config 'high_score = 0.4']`; input lines are
//! `frame,-1,left,top,width,height,score[,class]`, output lines `frame,id,left,top,width,height,score,-1,-1,-1` of the
//! tracks that were seen in the frame. With `--every N` only each Nth frame is analysed.
//!
//! `--frames PATH` names raw I420 pictures of the analysed frames, one after another; then the camera's shake is
//! measured and, if the setting `appearance` is on, the colours of each box. `--motions PATH` names a table of how the picture
//! has moved since the analysed frame before, a row a frame: where its four corners are now, `x,y` clockwise from the upper left.
//! `--told PATH` writes such a table of what is measured in the pictures.

#[path = "mot/mod.rs"]
mod mot;

use std::error::Error;
use std::fs::File;
use std::io::{BufReader, Read, Write};

use forewarn_analytics::luma::{CameraMove, CameraShift, LumaPlane};
use forewarn_analytics::{Appearance, Beside, Tracker};
use forewarn_domain::{
    BBox, ColourMatrix, Detection, Frame, FrameMeta, Motion, PixelFormat, Point, StreamId, Timestamp, TrackState,
};

/// The pictures of the analysed frames.
struct Pictures {
    file: BufReader<File>,
    camera: CameraShift,
}

/// What a picture tells besides its detections: the camera's shift, and what each detection looks like.
type Seen = (Option<CameraMove>, Vec<Option<Appearance>>);

impl Pictures {
    /// Reads the next picture.
    fn next(
        &mut self,
        at: Timestamp,
        size: (u32, u32),
        detections: &[Detection],
        with_looks: bool,
    ) -> Result<Seen, Box<dyn Error>> {
        let shapes = PixelFormat::I420.plane_shapes(size.0, size.1);
        let mut bytes = vec![0; shapes.into_iter().map(|(rows, row_bytes)| rows * row_bytes).sum()];
        self.file.read_exact(&mut bytes)?;
        let meta = FrameMeta { stream: StreamId::new("clip")?, sequence: 0, captured_at: at, arrived_at: at };
        let frame = Frame::packed(meta, PixelFormat::I420, ColourMatrix::BT601, size, bytes)?;
        let boxes: Vec<BBox> = detections.iter().filter(|d| d.score >= 0.4).map(|d| d.bbox).collect();
        let shift = self.camera.observe(&LumaPlane::from_frame(&frame, 320), &boxes);
        let look = |d: &Detection| Appearance::of_colours(&frame, &d.bbox);
        Ok((shift, if with_looks { detections.iter().map(look).collect() } else { Vec::new() }))
    }
}

/// The motion that takes the corners of a picture to where a row says.
fn motion(row: &str, (width, height): (u32, u32)) -> Result<Motion, Box<dyn Error>> {
    let numbers = row.split(',').map(|cell| cell.trim().parse::<f32>()).collect::<Result<Vec<_>, _>>()?;
    let [x0, y0, x1, y1, x2, y2, x3, y3] = numbers[..] else { return Err(format!("no four corners: {row}").into()) };
    let (w, h) = (width as f32, height as f32);
    let from = [[0.0, 0.0], [w, 0.0], [w, h], [0.0, h]].map(Point::from);
    let to = [[x0, y0], [x1, y1], [x2, y2], [x3, y3]].map(Point::from);
    let pairs = [(from[0], to[0]), (from[1], to[1]), (from[2], to[2]), (from[3], to[3])];
    Motion::through(pairs).ok_or_else(|| format!("no motion takes corners there: {row}").into())
}

/// Where the corners of a picture have come to lie, as a row of `--motions`; empty where the picture did not tell.
fn corners(seen: Option<CameraMove>, (width, height): (u32, u32)) -> String {
    let Some(motion) = seen.map(|seen| seen.motion()) else { return String::new() };
    let (w, h) = (width as f32, height as f32);
    let at = |p: [f32; 2]| motion.point(Point::from(p));
    let cells = [[0.0, 0.0], [w, 0.0], [w, h], [0.0, h]].map(|p| format!("{:.3},{:.3}", at(p).x, at(p).y));
    cells.join(",")
}

fn main() -> Result<(), Box<dyn Error>> {
    let (mut options, mut pictures, mut motions) = (mot::Options::default(), None::<Pictures>, String::new());
    let mut told = None;
    let mut args = std::env::args().skip(1);
    while let Some(name) = args.next() {
        let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
        if name == "--frames" {
            pictures = Some(Pictures { file: BufReader::new(File::open(value)?), camera: CameraShift::new() });
        } else if name == "--told" {
            told = Some(File::create(value)?);
        } else if name == "--motions" {
            motions = std::fs::read_to_string(value)?;
        } else if !options.take(&name, &value)? {
            return Err(format!("unknown option {name}").into());
        }
    }
    let mut tracker = Tracker::new(options.config.clone());
    let mut out = std::io::stdout().lock();
    let mut motions = motions.lines();
    for (frame, at, detections) in options.frames()? {
        let flown = motions.next().map(|row| motion(row, options.size)).transpose()?;
        let mut seen = None;
        let mut looks = Vec::new();
        if let Some(pictures) = &mut pictures {
            (seen, looks) = pictures.next(at, options.size, &detections, options.config.appearance)?;
            if let Some(told) = &mut told {
                writeln!(told, "{}", corners(seen, options.size))?;
            }
        }
        // As the agent does: the picture, unless telemetry tells another motion.
        match (seen, flown) {
            (Some(seen), Some(flown)) if !seen.is_near(&flown, options.size, 0.01) => tracker.moved(&flown),
            (Some(CameraMove::Shift(dx, dy)), _) => tracker.shifted(dx, dy),
            (Some(CameraMove::Turn(motion)), _) => tracker.moved(&motion),
            (None, Some(flown)) => tracker.moved(&flown),
            (None, None) => {}
        }
        let beside = Beside { appearances: &looks, ..Beside::default() };
        let tracks = tracker.update_beside(at, options.size, &detections, beside);
        for track in tracks.iter().filter(|t| t.state == TrackState::Seen) {
            let b = track.bbox;
            let (id, w, h, score) = (track.id, b.width(), b.height(), track.score);
            writeln!(out, "{frame},{id},{:.2},{:.2},{w:.2},{h:.2},{score:.3},-1,-1,-1", b.x0, b.y0)?;
        }
    }
    Ok(())
}
