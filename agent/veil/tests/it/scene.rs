//! A made-up scene: something with much detail goes to and fro before a plain ground.

use std::path::Path;
use std::time::Duration;

use forewarn_domain::{BBox, ColourMatrix, DetectorError, Frame, FrameMeta, PixelFormat, StreamId, Timestamp};
use forewarn_evidence::ModelUsed;
use forewarn_pipelines::{ClipEncoder, FileReplay, ReplayConfig};
use forewarn_veil::{Care, Looker, Seen, Sight, What};
use gst::prelude::*;

/// Width and height.
pub(crate) const SIZE: (u32, u32) = (320, 240);
/// Frames of the clip, 25 a second.
pub(crate) const FRAMES: usize = 100;
/// The side of the face.
pub(crate) const SIDE_PX: u32 = 64;

/// Where the face is: it goes to the right and turns back in the middle.
pub(crate) fn face_at(frame: usize) -> BBox {
    let way = if frame < 50 { frame } else { 100 - frame };
    let x = 20.0 + 3.0 * way as f32;
    BBox::new(x, 90.0, x + SIDE_PX as f32, 90.0 + SIDE_PX as f32)
}

fn pixels(frame: usize) -> Vec<u8> {
    let (w, h) = (SIZE.0 as usize, SIZE.1 as usize);
    let face = face_at(frame);
    let luma = (0..h).flat_map(|y| {
        (0..w).map(move |x| {
            let (fx, fy) = (x as f32 - face.x0, y as f32 - face.y0);
            let is_inside = fx >= 0.0 && fy >= 0.0 && fx < SIDE_PX as f32 && fy < SIDE_PX as f32;
            let is_dark = (fx as u32 / 2 + fy as u32 / 3).is_multiple_of(2);
            match (is_inside, is_dark) {
                (true, true) => 40,
                (true, false) => 210,
                // A slow slope, which shows where the ground was changed.
                (false, _) => (70 + x / 4) as u8,
            }
        })
    });
    luma.chain(std::iter::repeat_n(128, w * h / 2)).collect()
}

/// One frame as a picture.
pub(crate) fn picture(frame: usize, at: Timestamp) -> Frame {
    let stream = StreamId::new("gate").unwrap();
    let meta = FrameMeta { stream, sequence: frame as u64, captured_at: at, arrived_at: at };
    Frame::packed(meta, PixelFormat::I420, ColourMatrix::BT601, SIZE, pixels(frame)).unwrap()
}

/// Writes the clip, with a tone.
pub(crate) fn film(to: &Path) {
    let silent = to.with_extension("silent.mp4");
    let mut encoder = ClipEncoder::create(&silent, SIZE, Duration::from_millis(40), ColourMatrix::BT601).unwrap();
    let lasts = Duration::from_millis(40);
    (0..FRAMES).for_each(|frame| encoder.push(pixels(frame), lasts * frame as u32, lasts).unwrap());
    encoder.finish(Timestamp::ZERO).unwrap();
    let launch = format!(
        "filesrc location={} ! qtdemux ! h264parse ! mp4mux name=m ! filesink location={} \
         audiotestsrc num-buffers=100 ! audioconvert ! opusenc ! m.",
        silent.display(),
        to.display()
    );
    run(&launch);
    std::fs::remove_file(silent).unwrap();
}

/// Writes a clip in H.265 of one of GStreamer's test pictures, coded by that quantiser, five frames a second.
pub(crate) fn film_h265(to: &Path, (width, height): (u32, u32), (pattern, qp): (&str, u32), frames: usize) {
    let caps = format!("video/x-raw,format=I420,width={width},height={height},framerate=5/1");
    run(&format!(
        "videotestsrc num-buffers={frames} pattern={pattern} ! {caps} ! x265enc speed-preset=ultrafast qp={qp} \
         option-string=log-level=0 ! h265parse ! video/x-h265,stream-format=hvc1 ! mp4mux ! filesink location={}",
        to.display()
    ));
}

/// Runs a pipeline to its end.
fn run(line: &str) {
    forewarn_pipelines::init().unwrap();
    let pipeline = gst::parse::launch(line).unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let kinds = [gst::MessageType::Eos, gst::MessageType::Error];
    let message = pipeline.bus().unwrap().timed_pop_filtered(gst::ClockTime::from_seconds(60), &kinds).unwrap();
    assert_eq!(message.type_(), gst::MessageType::Eos, "{message:?}");
    pipeline.set_state(gst::State::Null).unwrap();
}

/// All pictures of a clip.
pub(crate) fn decoded(clip: &Path) -> Vec<Frame> {
    let mut replay = FileReplay::open(clip, ReplayConfig::new(StreamId::new("clip").unwrap())).unwrap();
    std::iter::from_fn(|| replay.next_frame().unwrap()).collect()
}

/// Sees the face where it is, in the frames in which it is seen.
pub(crate) struct Scripted {
    what: What,
    is_seen: fn(usize) -> bool,
    pub(crate) looks: usize,
}

impl Scripted {
    pub(crate) fn new(what: What, is_seen: fn(usize) -> bool) -> Self {
        Self { what, is_seen, looks: 0 }
    }
}

impl Sight for Scripted {
    fn what(&self) -> What {
        self.what
    }

    fn models(&self) -> Vec<ModelUsed> {
        vec![ModelUsed { card: "scripted".to_owned(), sha256: "00ff".to_owned() }]
    }

    fn lookers(&mut self) -> Vec<&mut dyn Looker> {
        vec![self]
    }
}

impl Looker for Scripted {
    fn look(&mut self, picture: &Frame, _: Care) -> Result<Seen, DetectorError> {
        self.looks += 1;
        // A photo is of frame 25.
        let number = if picture.format == PixelFormat::Rgb8 { 25 } else { picture.meta.sequence as usize };
        let boxes = if (self.is_seen)(number) { vec![face_at(number)] } else { Vec::new() };
        Ok(match self.what {
            // In the end it looks away, and only a head is found.
            What::Faces if number >= 60 => Seen { heads: boxes, ..Seen::default() },
            What::Faces => Seen { small: boxes, ..Seen::default() },
            _ => Seen { large: boxes, ..Seen::default() },
        })
    }
}
