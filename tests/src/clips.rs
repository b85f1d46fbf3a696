//! Short clips out of a longer one: cut at key frames and not re-encoded, or in another size.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use forewarn_domain::{ClipSpan, StreamId, Timestamp};
use forewarn_pipelines::{FileReplay, ReplayConfig, RingLimits};
use image::{GenericImageView as _, Rgb, RgbImage, imageops};

use crate::scenes::encode::Encoder;

/// Cuts `from_s` to `to_s` out of `clip` into `target`. It begins at the key frame at or before `from_s`.
pub fn cut(clip: &Path, from_s: f64, to_s: f64, target: &Path) -> anyhow::Result<()> {
    forewarn_pipelines::init()?;
    let (from, to) = (Timestamp::from_secs_f64(from_s), Timestamp::from_secs_f64(to_s));
    let mut config = ReplayConfig::new(StreamId::new("cut")?);
    config.ring = RingLimits { span: Duration::from_secs_f64(to_s + 30.0), ..RingLimits::default() };
    let mut replay = FileReplay::open(clip, config).with_context(|| format!("failed to open {}", clip.display()))?;
    let recorder = replay.ring().record(ClipSpan { from, to })?;
    while !recorder.is_complete() && replay.next_frame()?.is_some() {}
    recorder.finish(target).with_context(|| format!("failed to write {}", target.display()))?;
    Ok(())
}

/// Decodes a clip to its end. Returns the number of frames and the seconds from the first to the last.
pub fn decode(clip: &Path) -> anyhow::Result<(u64, f64)> {
    forewarn_pipelines::init()?;
    let mut replay = FileReplay::open(clip, ReplayConfig::new(StreamId::new("decode")?))?;
    let (mut frames, mut last_s) = (0, 0.0);
    while let Some(frame) = replay.next_frame()? {
        frames += 1;
        last_s = frame.meta.captured_at.as_secs_f64();
    }
    Ok((frames, last_s))
}

/// Writes the first seconds of `clip` to `target` as another stream of the same camera would show them: in another size,
/// whose sides are multiples of 8.
pub fn scaled(clip: &Path, seconds: f64, size: (u32, u32), target: &Path) -> anyhow::Result<()> {
    forewarn_pipelines::init()?;
    let mut replay = FileReplay::open(clip, ReplayConfig::new(StreamId::new("scaled")?))?;
    let mut encoder = Encoder::start(target, size, 10)?;
    while let Some(frame) = replay.next_frame()?.filter(|frame| frame.meta.captured_at.as_secs_f64() < seconds) {
        let picture = RgbImage::from_raw(frame.width, frame.height, frame.to_rgb8());
        let picture = picture.context("a frame has another size than it says")?;
        encoder.add(&imageops::thumbnail(&picture, size.0, size.1))?;
    }
    encoder.finish()
}

/// Writes `clip` to `target` in another profile of H.264, as `video/x-h264` names it, with a key picture every second.
pub fn in_profile(clip: &Path, profile: &str, target: &Path) -> anyhow::Result<()> {
    let mut command = Command::new("gst-launch-1.0");
    command.args(["--quiet", "filesrc", &format!("location={}", clip.display()), "!"]);
    command.args(["decodebin", "!", "videoconvert", "!", "x264enc", "threads=1", "bframes=0", "b-adapt=false"]);
    command.args(["pass=quant", "quantizer=26", "speed-preset=veryfast", "key-int-max=10", "!"]);
    command.args([&format!("video/x-h264,profile={profile}"), "!", "h264parse", "!", "mp4mux", "!"]);
    let status = command.args(["filesink", &format!("location={}", target.display())]).status();
    let status = status.context("failed to run gst-launch-1.0; install gstreamer1.0-tools and -plugins-ugly")?;
    anyhow::ensure!(status.success(), "the encoder of {} ended with {status}", target.display());
    Ok(())
}

/// A clip by which one sees whether what is drawn over a picture is of that very picture: its number is burnt in, and a person is
/// where the number says.
#[derive(Debug)]
pub struct Counted;

impl Counted {
    /// Pictures until it begins anew.
    pub const PICTURES: u32 = 76;
    /// How far the person goes to the right from one picture to the next.
    pub const STEP_PX: u32 = 8;
    /// Where the middle of the person is in the first picture.
    pub const FIRST_X_PX: u32 = 72;
    /// A row of the picture that crosses the person below the head.
    pub const ROW_PX: u32 = 320;
    /// The person in the demo clip: the number of the frame, and the window as left, top, width and height.
    const PERSON: (usize, [u32; 4]) = (239, [656, 256, 68, 136]);
    /// Side of a square that is a bit of the number, the lowest at the left, and from one to the next.
    const BIT_PX: (u32, u32) = (24, 32);

    /// Writes it, with the person of the demo clip.
    pub fn write(demo: &Path, target: &Path) -> anyhow::Result<()> {
        forewarn_pipelines::init()?;
        let (number, [left, top, width, height]) = Self::PERSON;
        let mut replay = FileReplay::open(demo, ReplayConfig::new(StreamId::new("counted")?))?;
        let mut frame = replay.next_frame()?;
        for _ in 0..number {
            frame = replay.next_frame()?;
        }
        let frame = frame.context("the demo clip is shorter than it should be")?;
        let size = (frame.width, frame.height);
        let picture = RgbImage::from_raw(size.0, size.1, frame.to_rgb8()).context("a frame has another size")?;
        let person = picture.view(left, top, width, height).to_image();
        let mut encoder = Encoder::coarse(target, size, 10, 20)?;
        for n in 0..Self::PICTURES {
            let mut image = RgbImage::from_pixel(size.0, size.1, Rgb([111, 112, 108]));
            let x = Self::FIRST_X_PX + n * Self::STEP_PX - width / 2;
            imageops::replace(&mut image, &person, x.into(), 220);
            for bit in (0..7).filter(|bit| (n >> bit) & 1 == 1) {
                let (side, apart) = Self::BIT_PX;
                let white = RgbImage::from_pixel(side, side, Rgb([255; 3]));
                imageops::replace(&mut image, &white, (16 + bit * apart).into(), 16);
            }
            encoder.add(&image)?;
        }
        encoder.finish()
    }
}
