//! Short clips out of a longer one: cut at key frames and not re-encoded, or in another size.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use forewarn_domain::{ClipSpan, StreamId, Timestamp};
use forewarn_pipelines::{FileReplay, ReplayConfig, RingLimits};
use image::{RgbImage, imageops};

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
