//! Frames to H.264 in MP4, as a camera of middling quality would encode them.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, bail};
use forewarn_domain::Timestamp;
use image::RgbImage;

/// The quantiser of a camera of middling quality.
pub const QUANTIZER: u32 = 30;

/// Writes one clip.
#[derive(Debug)]
pub struct Encoder {
    child: Child,
    target: std::path::PathBuf,
    planes: Vec<u8>,
}

impl Encoder {
    /// Begins a clip that shows the blocks that cameras show. The sides of the picture are multiples of 8, so that no row of
    /// any plane needs padding.
    pub fn start(target: &Path, size: (u32, u32), fps: u32) -> anyhow::Result<Self> {
        Self::coarse(target, size, fps, QUANTIZER)
    }

    /// Begins a clip that is coded with a quantiser of H.264 of 0 to 51.
    pub fn coarse(target: &Path, (width, height): (u32, u32), fps: u32, quantizer: u32) -> anyhow::Result<Self> {
        anyhow::ensure!(width % 8 == 0 && height % 8 == 0, "{width}x{height} are no multiples of 8");
        let mut command = Command::new("gst-launch-1.0");
        command.args(["--quiet", "fdsrc", "fd=0", &format!("blocksize={}", width * height * 3 / 2), "!"]);
        command.args(["rawvideoparse", "format=i420", &format!("width={width}"), &format!("height={height}")]);
        command.args([&format!("framerate={fps}/1"), "!"]);
        // One thread and a fixed quantiser give the same bytes every time.
        command.args([
            "x264enc",
            "threads=1",
            "bframes=0",
            "b-adapt=false",
            "pass=quant",
            &format!("quantizer={quantizer}"),
        ]);
        command.args(["speed-preset=veryfast", &format!("key-int-max={}", fps * 2), "!"]);
        command.args(["video/x-h264,profile=main", "!", "h264parse", "!", "mp4mux", "faststart=true", "!"]);
        command.args(["filesink", &format!("location={}", target.display())]);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
        let child = child.context("failed to run gst-launch-1.0; install gstreamer1.0-tools and -plugins-ugly")?;
        Ok(Self { child, target: target.to_owned(), planes: Vec::new() })
    }

    /// Adds a frame.
    pub fn add(&mut self, image: &RgbImage) -> anyhow::Result<()> {
        to_i420(image, &mut self.planes);
        let input = self.child.stdin.as_mut().context("the encoder's input is closed")?;
        input.write_all(&self.planes).with_context(|| format!("failed to encode {}", self.target.display()))
    }

    /// Ends the clip.
    pub fn finish(mut self) -> anyhow::Result<()> {
        drop(self.child.stdin.take());
        let status = self.child.wait().context("failed to wait for the encoder")?;
        if !status.success() {
            bail!("the encoder of {} ended with {status}", self.target.display());
        }
        // The muxer writes the time of day, by which two runs would differ.
        forewarn_pipelines::set_creation_time(&self.target, Timestamp::ZERO)
            .with_context(|| format!("failed to finish {}", self.target.display()))
    }
}

/// BT.601 in the limited range, colours averaged over two by two pixels.
fn to_i420(image: &RgbImage, planes: &mut Vec<u8>) {
    let (width, height) = image.dimensions();
    planes.clear();
    for pixel in image.pixels() {
        let [r, g, b] = pixel.0.map(i32::from);
        planes.push((((66 * r + 129 * g + 25 * b + 128) >> 8) + 16) as u8);
    }
    let mean = |x: u32, y: u32| {
        let four = [(x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1)].map(|(x, y)| image.get_pixel(x, y).0);
        [0, 1, 2].map(|channel| four.iter().map(|pixel| i32::from(pixel[channel])).sum::<i32>() / 4)
    };
    for weights in [[-38, -74, 112], [112, -94, -18]] {
        for y in (0..height).step_by(2) {
            for x in (0..width).step_by(2) {
                let [r, g, b] = mean(x, y);
                planes.push((((weights[0] * r + weights[1] * g + weights[2] * b + 128) >> 8) + 128) as u8);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    #[test]
    fn colours_become_those_of_bt601() {
        let mut planes = Vec::new();
        to_i420(&RgbImage::from_pixel(4, 2, Rgb([255, 255, 255])), &mut planes);
        assert_eq!(planes, [[235_u8; 8].as_slice(), &[128; 2], &[128; 2]].concat());
        to_i420(&RgbImage::from_pixel(2, 2, Rgb([255, 0, 0])), &mut planes);
        assert_eq!(planes, [82, 82, 82, 82, 90, 240]);
    }
}
