//! Clips whose frames carry their number, and events with deadlines.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, OnceLock};
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
pub(crate) struct Recipe {
    pub(crate) name: &'static str,
    pub(crate) encoder: &'static str,
    pub(crate) size: (u32, u32),
    pub(crate) frames: usize,
    pub(crate) muxer: &'static str,
}

/// All clips, in a folder that is removed by the operating system.
pub(crate) struct Clips {
    folder: tempfile::TempDir,
}

/// The clips of this test run.
pub(crate) fn clips() -> &'static Clips {
    static CLIPS: OnceLock<Clips> = OnceLock::new();
    CLIPS.get_or_init(|| {
        forewarn_pipelines::init().unwrap();
        Clips { folder: tempfile::tempdir().unwrap() }
    })
}

impl Clips {
    /// Four seconds of H.264 at 25 frames a second, a key frame each second, no B-frames.
    pub(crate) fn h264(&self) -> TestClip {
        static ONCE: OnceLock<TestClip> = OnceLock::new();
        let recipe = Recipe {
            name: "plain.mp4",
            encoder: "x264enc threads=1 bframes=0 key-int-max=25 pass=quant quantizer=18 speed-preset=ultrafast ! h264parse",
            size: (320, 240),
            frames: 100,
            muxer: "mp4mux",
        };
        ONCE.get_or_init(|| self.make(&recipe)).clone()
    }

    /// Makes a clip: each frame shows its number as eight bars of black and white.
    pub(crate) fn make(&self, recipe: &Recipe) -> TestClip {
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
fn picture(n: usize, (w, h): (u32, u32)) -> Vec<u8> {
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
