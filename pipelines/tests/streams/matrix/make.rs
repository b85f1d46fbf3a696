//! Makes the clips of the matrix, each by one pipeline of its own in this process.

use std::path::{Path, PathBuf};

use forewarn_domain::Orientation;
use gst::prelude::*;

use super::rows::{Coding, Property};
use super::scene::{SHOWN, Stored};

/// Pictures of a clip; a key picture or the like is wanted each ten.
pub(super) const PICTURES: usize = 30;

impl Property {
    /// How its pictures are stored, turned as `orientation` says.
    pub(super) fn stored(&self, orientation: Orientation) -> Stored {
        let (wide, high) = self.aspect;
        let (width, height) = if orientation.is_sideways() { (SHOWN.1, SHOWN.0) } else { SHOWN };
        let size = if wide > high { (width * high / wide, height) } else { (width, height * wide / high) };
        Stored { format: self.format, size, colour: self.colour, orientation }
    }

    /// What encodes it, and parses it if there is anything to parse.
    fn encoder(&self) -> String {
        match self.coding {
            Coding::H264 => format!(
                "x264enc threads=1 key-int-max=10 pass=quant quantizer=12 speed-preset=ultrafast {} option-string={} ! h264parse",
                self.element, self.options
            ),
            Coding::H265 => format!(
                "x265enc speed-preset=ultrafast key-int-max=10 qp=12 option-string=pools=1:frame-threads=1:log-level=0:{} ! h265parse",
                self.options
            ),
            Coding::Other(encoder) => encoder.to_owned(),
        }
    }

    /// The pictures, coded.
    pub(super) fn source(&self, size: (usize, usize)) -> String {
        format!("appsrc name=src format=time max-bytes=0 caps=\"{}\" ! {}", self.caps(size), self.encoder())
    }

    fn caps(&self, (width, height): (usize, usize)) -> String {
        let colour = match (self.colour.is_bt709, self.colour.is_full_range) {
            (true, true) => "1:3:5:1",
            (false, true) => "1:4:0:0",
            (true, false) => "bt709",
            (false, false) => "bt601",
        };
        let colour = if self.format == "GRAY8" { String::new() } else { format!(",colorimetry={colour}") };
        format!(
            "video/x-raw,format={},width={width},height={height},framerate={}/1,pixel-aspect-ratio={}/{}{colour}",
            self.format, self.rate, self.aspect.0, self.aspect.1
        )
    }
}

/// Makes a clip. Of a `raw` one the bytes are those that the parser gives.
pub(super) fn make(
    folder: &Path,
    property: &Property,
    (ending, muxer): (&str, &str),
    turned: Orientation,
) -> Result<PathBuf, String> {
    let (n, m) = (turned.quarter_turns, turned.is_mirrored);
    let path =
        folder.join(format!("{:?}-{}-{n}{m}.{ending}", property.coding, property.name).replace([' ', '"', '='], "_"));
    let muxer = if ending == "raw" {
        let name = if property.coding == Coding::H264 { "h264" } else { "h265" };
        format!("video/x-{name},stream-format=byte-stream,alignment=au")
    } else {
        muxer.to_owned()
    };
    let stored = property.stored(turned);
    run(
        &format!("{} ! {muxer} ! filesink location={}", property.source(stored.size), path.display()),
        property.rate,
        |n| stored.picture(n),
    )?;
    if turned != Orientation::UPRIGHT {
        turn_header(&path, turned);
    }
    Ok(path)
}

/// Pictures, and the milliseconds at which they are shown.
#[derive(Clone, Copy)]
pub(super) struct Feed<'a> {
    pub(super) picture: &'a dyn Fn(usize) -> Vec<u8>,
    pub(super) at_ms: &'a dyn Fn(usize) -> u64,
}

/// Starts `line`, whose source `src` is given the pictures.
pub(super) fn feed(line: &str, pictures: Feed) -> Result<gst::Pipeline, String> {
    let pipeline = gst::parse::launch(line).map_err(|error| format!("{error}: {line}"))?;
    let pipeline = pipeline.downcast::<gst::Pipeline>().unwrap();
    let src = pipeline.by_name("src").unwrap().downcast::<gst_app::AppSrc>().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    for n in 0..PICTURES {
        let mut buffer = gst::Buffer::from_mut_slice((pictures.picture)(n));
        let (at_ms, next_ms) = ((pictures.at_ms)(n), (pictures.at_ms)(n + 1));
        buffer.get_mut().unwrap().set_pts(gst::ClockTime::from_mseconds(at_ms));
        buffer.get_mut().unwrap().set_duration(gst::ClockTime::from_mseconds(next_ms - at_ms));
        if src.push_buffer(buffer).is_err() {
            break;
        }
    }
    let _ = src.end_of_stream();
    Ok(pipeline)
}

/// Runs `line`, whose source `src` is given the pictures, to its end.
pub(super) fn run(line: &str, rate: usize, picture: impl Fn(usize) -> Vec<u8>) -> Result<(), String> {
    run_at(line, Feed { picture: &picture, at_ms: &|n| (n * 1000 / rate) as u64 })
}

/// The same, with the pictures shown when they say.
pub(super) fn run_at(line: &str, pictures: Feed) -> Result<(), String> {
    play_out(&feed(line, pictures)?, line)
}

/// Waits for the end of a pipeline that was made of `line` and is given all that it gets.
pub(super) fn play_out(pipeline: &gst::Pipeline, line: &str) -> Result<(), String> {
    let kinds = [gst::MessageType::Eos, gst::MessageType::Error];
    let end = pipeline.bus().unwrap().timed_pop_filtered(gst::ClockTime::from_seconds(60), &kinds);
    pipeline.set_state(gst::State::Null).unwrap();
    match end {
        Some(end) if end.type_() == gst::MessageType::Eos => Ok(()),
        other => Err(format!("{other:?}: {line}")),
    }
}

/// Writes the matrix of the track header as ISO/IEC 14496-12, 8.3.2, has it, as cameras do.
fn turn_header(path: &Path, orientation: Orientation) {
    let mut bytes = std::fs::read(path).unwrap();
    let at = bytes.windows(4).position(|kind| kind == b"tkhd").unwrap() + 4;
    let at = at + 4 + if bytes[at] == 1 { 32 } else { 20 } + 16;
    let one = 1_i32 << 16;
    let [a, b, c, d] = match orientation.quarter_turns {
        0 => [one, 0, 0, one],
        1 => [0, one, -one, 0],
        2 => [-one, 0, 0, -one],
        _ => [0, -one, one, 0],
    };
    let sign = if orientation.is_mirrored { -1 } else { 1 };
    for (i, value) in [sign * a, sign * b, 0, c, d, 0, 0, 0, 1 << 30].into_iter().enumerate() {
        bytes[at + i * 4..][..4].copy_from_slice(&value.to_be_bytes());
    }
    std::fs::write(path, bytes).unwrap();
}
