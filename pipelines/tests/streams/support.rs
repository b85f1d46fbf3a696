//! Clips whose frames carry their number, and events with deadlines.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use forewarn_domain::Frame;
use forewarn_domain::clock::Stopwatch;
use forewarn_pipelines::{EventSink, StreamEvent};
use gst::prelude::*;

/// Longest wait for anything.
pub(crate) const WAIT: Duration = Duration::from_secs(15);

/// A clip that was made for the tests.
#[derive(Clone)]
pub(crate) struct TestClip {
    pub(crate) path: PathBuf,
    pub(crate) frames: usize,
}

/// How to make a clip.
#[derive(Clone, Copy)]
pub(crate) struct Recipe {
    pub(crate) name: &'static str,
    pub(crate) encoder: &'static str,
    pub(crate) size: (u32, u32),
    pub(crate) frames: usize,
    pub(crate) muxer: &'static str,
}

const X264: &str = "x264enc threads=1 bframes=0 key-int-max=25 pass=quant quantizer=18 speed-preset=ultrafast";

/// Four seconds of H.264 at 25 frames a second, a key frame each second, no B-frames.
pub(crate) const PLAIN: Recipe =
    Recipe { name: "plain.mp4", encoder: X264, size: (320, 240), frames: 100, muxer: "h264parse ! mp4mux" };
/// The same, larger.
pub(crate) const LARGER: Recipe = Recipe { name: "larger.mp4", size: (480, 360), ..PLAIN };
/// The same in Matroska.
pub(crate) const MATROSKA: Recipe = Recipe { name: "plain.mkv", muxer: "h264parse ! matroskamux", ..PLAIN };
/// The same in an MPEG transport stream.
pub(crate) const TRANSPORT: Recipe = Recipe { name: "plain.ts", muxer: "h264parse ! mpegtsmux", ..PLAIN };
/// The same in Flash video.
pub(crate) const FLASH: Recipe = Recipe { name: "plain.flv", muxer: "h264parse ! flvmux", ..PLAIN };
/// H.264 with B-frames.
pub(crate) const B_FRAMES: Recipe = Recipe {
    name: "b.mp4",
    encoder: "x264enc threads=1 bframes=3 b-adapt=false key-int-max=25 pass=quant quantizer=18 speed-preset=fast \
              option-string=scenecut=0",
    ..PLAIN
};
/// H.264 with B-frames, of which some are sent a third of a second behind a picture that is shown after them.
pub(crate) const DEEP_B_FRAMES: Recipe = Recipe {
    name: "deep-b.mp4",
    encoder: "x264enc threads=1 bframes=8 b-adapt=false b-pyramid=true key-int-max=27 pass=quant quantizer=18 \
              speed-preset=fast option-string=scenecut=0",
    ..PLAIN
};
/// H.265.
pub(crate) const H265: Recipe = Recipe {
    name: "h265.mp4",
    encoder: "x265enc speed-preset=ultrafast key-int-max=25 option-string=pools=1:frame-threads=1:bframes=0:log-level=0",
    muxer: "h265parse ! mp4mux",
    ..PLAIN
};
/// Motion JPEG in AVI: neither H.264 nor H.265.
pub(crate) const JPEG_AVI: Recipe = Recipe { name: "jpeg.avi", encoder: "jpegenc", muxer: "avimux", ..PLAIN };

/// All clips, in a folder of this run.
pub(crate) struct Clips {
    folder: tempfile::TempDir,
    made: Mutex<BTreeMap<&'static str, TestClip>>,
}

/// The clips of this test run.
pub(crate) fn clips() -> &'static Clips {
    static CLIPS: OnceLock<Clips> = OnceLock::new();
    CLIPS.get_or_init(|| {
        forewarn_pipelines::init().unwrap();
        Clips { folder: tempfile::tempdir().unwrap(), made: Mutex::default() }
    })
}

impl Clips {
    /// The clip of a recipe, made when it is first asked for.
    pub(crate) fn get(&self, recipe: &Recipe) -> TestClip {
        let mut made = self.made.lock().unwrap();
        made.entry(recipe.name).or_insert_with(|| self.make(recipe)).clone()
    }

    /// A path for a file of a test's own.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes a clip: each frame shows its number as eight bars of black and white.
    fn make(&self, recipe: &Recipe) -> TestClip {
        let path = self.folder.path().join(recipe.name);
        let (w, h) = recipe.size;
        let line = format!(
            "appsrc name=src format=time caps=video/x-raw,format=I420,width={w},height={h},framerate=25/1 ! {} ! {} ! \
             filesink location={}",
            recipe.encoder,
            recipe.muxer,
            path.display()
        );
        let pipeline = gst::parse::launch(&line).unwrap().downcast::<gst::Pipeline>().unwrap();
        let src = pipeline.by_name("src").unwrap().downcast::<gst_app::AppSrc>().unwrap();
        src.set_property("block", true);
        pipeline.set_state(gst::State::Playing).unwrap();
        for n in 0..recipe.frames {
            let mut buffer = gst::Buffer::from_mut_slice(picture(n, recipe.size));
            let frame_time = gst::ClockTime::from_mseconds(40);
            buffer.get_mut().unwrap().set_pts(frame_time * n as u64);
            buffer.get_mut().unwrap().set_duration(frame_time);
            src.push_buffer(buffer).unwrap();
        }
        src.end_of_stream().unwrap();
        let kinds = [gst::MessageType::Eos, gst::MessageType::Error];
        let end = pipeline.bus().unwrap().timed_pop_filtered(gst::ClockTime::from_seconds(30), &kinds).unwrap();
        pipeline.set_state(gst::State::Null).unwrap();
        assert_eq!(end.type_(), gst::MessageType::Eos, "{end:?}");
        TestClip { path, frames: recipe.frames }
    }
}

/// I420 with eight vertical bars, white for each bit of `n` that is set, and a square that moves.
pub(crate) fn picture(n: usize, (w, h): (u32, u32)) -> Vec<u8> {
    let (w, h) = (w as usize, h as usize);
    let mut bytes = vec![128; w * h * 3 / 2];
    for y in 0..h {
        for x in 0..w {
            let bit = x * 8 / w;
            let is_square = y >= h / 2 && (x + w - n * 3 % w) % w < 24 && y < h / 2 + 24;
            bytes[y * w + x] = if is_square {
                128
            } else if n >> bit & 1 == 1 {
                220
            } else {
                40
            };
        }
    }
    bytes
}

/// The number that a frame shows.
pub(crate) fn number_of(frame: &Frame) -> u64 {
    let (luma, stride) = frame.plane(0);
    let (w, h) = (frame.width as usize, frame.height as usize);
    (0..8).filter(|bit| luma[h / 4 * stride + (bit * 2 + 1) * w / 16] > 128).map(|bit| 1 << bit).sum()
}

/// The luma plane without padding.
pub(crate) fn luma_of(frame: &Frame) -> Vec<u8> {
    let (luma, stride) = frame.plane(0);
    luma.chunks(stride).take(frame.height as usize).flat_map(|row| &row[..frame.width as usize]).copied().collect()
}

/// The events of one stream, in order.
pub(crate) struct Events {
    receiver: Receiver<StreamEvent>,
}

impl Events {
    pub(crate) fn new() -> (Self, EventSink) {
        let (sender, receiver) = sync_channel(1000);
        (Self { receiver }, Arc::new(move |event| drop(sender.try_send(event))))
    }

    /// The next event for which `is_it` holds; those before it are passed over.
    pub(crate) fn wait_for(&self, is_it: impl Fn(&StreamEvent) -> bool) -> StreamEvent {
        let watch = Stopwatch::start();
        let mut before = Vec::new();
        loop {
            match self.receiver.recv_timeout(WAIT.saturating_sub(watch.elapsed())) {
                Ok(event) if is_it(&event) => return event,
                Ok(event) => before.push(event),
                Err(error) => panic!("{error} after {before:?}"),
            }
        }
    }
}

impl Events {
    /// Whether such an event comes within this time.
    pub(crate) fn comes_within(&self, time: Duration, is_it: impl Fn(&StreamEvent) -> bool) -> bool {
        let watch = Stopwatch::start();
        std::iter::from_fn(|| self.receiver.recv_timeout(time.saturating_sub(watch.elapsed())).ok()).any(|e| is_it(&e))
    }
}

/// A pipeline that runs until it goes out of scope.
pub(crate) struct Player(gst::Element);

impl Player {
    pub(crate) fn start(line: &str) -> Self {
        forewarn_pipelines::init().unwrap();
        let pipeline = gst::parse::launch(line).unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        Self(pipeline)
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        let _ = self.0.set_state(gst::State::Null);
    }
}

/// Keeps the thread busy for a moment.
pub(crate) fn spend_time() {
    let watch = Stopwatch::start();
    while watch.elapsed() < Duration::from_millis(150) {
        std::hint::spin_loop();
    }
}
