//! Reads MOT detections: `frame,-1,left,top,width,height,score[,class]`, frames from 1.

use std::collections::BTreeMap;
use std::error::Error;

use forewarn_analytics::TrackerConfig;
use forewarn_domain::{BBox, Class, Detection, Timestamp};

/// Number, time and detections of a frame.
pub(crate) type Frame = (u32, Timestamp, Vec<Detection>);

/// What both programs take.
pub(crate) struct Options {
    pub(crate) fps: f64,
    pub(crate) size: (u32, u32),
    pub(crate) every: u32,
    pub(crate) config: TrackerConfig,
}

impl Default for Options {
    fn default() -> Self {
        Self { fps: 10.0, size: (768, 576), every: 1, config: TrackerConfig::default() }
    }
}

impl Options {
    /// Takes one option; false if it is none of these.
    pub(crate) fn take(&mut self, name: &str, value: &str) -> Result<bool, Box<dyn Error>> {
        match name {
            "--fps" => self.fps = value.parse()?,
            "--size" => {
                let (width, height) = value.split_once('x').ok_or("write --size WIDTHxHEIGHT")?;
                self.size = (width.parse()?, height.parse()?);
            }
            "--every" => self.every = value.parse::<u32>()?.max(1),
            "--config" => {
                self.config = toml::from_str(value)?;
                self.config.check()?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Each frame that is analysed, from standard input.
    pub(crate) fn frames(&self) -> Result<Vec<Frame>, Box<dyn Error>> {
        let mut frames: BTreeMap<u32, Vec<Detection>> = BTreeMap::new();
        for line in std::io::stdin().lines() {
            let line = line?;
            let (frame, detection) = detection(&line).ok_or_else(|| format!("no MOT detection: {line}"))?;
            frames.entry(frame).or_default().push(detection);
        }
        let last = frames.keys().next_back().copied().unwrap_or(0);
        let analysed = (1..=last).step_by(self.every as usize);
        let at = |frame| Timestamp::from_secs_f64(f64::from(frame - 1) / self.fps);
        Ok(analysed.map(|frame| (frame, at(frame), frames.remove(&frame).unwrap_or_default())).collect())
    }
}

/// Reads one line: the frame's number and the detection.
pub(crate) fn detection(line: &str) -> Option<(u32, Detection)> {
    let fields: Vec<&str> = line.trim().split(',').collect();
    let number = |i: usize| fields.get(i)?.trim().parse::<f32>().ok();
    let (left, top) = (number(2)?, number(3)?);
    let bbox = BBox::new(left, top, left + number(4)?, top + number(5)?);
    let class = Class::new(fields.get(7).map_or("person", |name| name.trim()));
    Some((number(0)? as u32, Detection { class, score: number(6)?, bbox }))
}
