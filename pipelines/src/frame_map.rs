//! From a decoder's sample to a [`Frame`] without touching the pixels.

use std::sync::Arc;

use forewarn_domain::{ColourMatrix, Frame, FrameMeta, Orientation, PixelFormat, Plane, Showing};
use gst_video::{
    VideoColorMatrix, VideoColorRange, VideoColorimetry, VideoFormat, VideoInfo, VideoInterlaceMode, VideoMeta,
};

use crate::StreamFault;

/// A decoded picture with what the container says of it.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    pub(crate) sample: gst::Sample,
    pub(crate) orientation: Orientation,
    /// The container's colorimetry, in GStreamer's words.
    pub(crate) colorimetry: Option<String>,
}

/// Running time of a buffer in nanoseconds; `None` if it carries no time.
pub(crate) fn running_time_ns(buffer: &gst::BufferRef, segment: Option<&gst::Segment>) -> Option<i64> {
    let pts = buffer.pts().or_else(|| buffer.dts())?;
    let Some(segment) = segment.and_then(|s| s.downcast_ref::<gst::ClockTime>()) else {
        return Some(pts.nseconds() as i64);
    };
    let running = segment.to_running_time_full(pts)?;
    Some(match running {
        gst::Signed::Positive(time) => time.nseconds() as i64,
        gst::Signed::Negative(time) => -(time.nseconds() as i64),
    })
}

/// Keeps a buffer mapped for as long as a frame needs its bytes.
struct MappedPicture(gst::MappedBuffer<gst::buffer::Readable>);

impl AsRef<[u8]> for MappedPicture {
    fn as_ref(&self) -> &[u8] {
        self.0.as_slice()
    }
}

/// Makes a frame of a decoded picture, as it is stored, and says how it is shown. With `is_copied` the pixels are copied,
/// so that a decoder with a small pool of buffers gets its own back at once.
pub(crate) fn frame_of_picture(
    Picture { sample, orientation, colorimetry }: &Picture,
    meta: FrameMeta,
    is_copied: bool,
) -> Result<(Frame, Showing), StreamFault> {
    let caps = sample.caps().ok_or_else(|| StreamFault::other("a picture came without caps"))?;
    let info = VideoInfo::from_caps(caps).map_err(StreamFault::other)?;
    let format = match info.format() {
        VideoFormat::I420 => PixelFormat::I420,
        VideoFormat::Nv12 => PixelFormat::Nv12,
        other => return Err(StreamFault::other(format!("a picture came as {other}, which was to be converted"))),
    };
    let buffer = sample.buffer_owned().ok_or_else(|| StreamFault::other("a sample came without a picture"))?;
    let planes: Vec<Plane> = match buffer.meta::<VideoMeta>() {
        Some(video) => planes_of(video.offset(), video.stride()),
        None => planes_of(info.offset(), info.stride()),
    };
    let mapped = buffer
        .into_mapped_buffer_readable()
        .map_err(|_| StreamFault::other("a decoded picture cannot be mapped into memory"))?;
    let is_field = info.interlace_mode() == VideoInterlaceMode::Alternate;
    let size = (info.width(), if is_field { info.field_height() } else { info.height() });
    let bytes: forewarn_domain::frame::FrameBytes =
        if is_copied { Arc::new(mapped.as_slice().to_vec()) } else { Arc::new(MappedPicture(mapped)) };
    let colour = colour_of(&info, caps, colorimetry.as_deref());
    let frame = Frame::new(meta, format, colour, size, &planes, bytes).map_err(StreamFault::other)?;
    Ok((frame, Showing { orientation: *orientation, pixel_aspect: pixel_aspect(&info, is_field) }))
}

/// Width of a pixel to its height. The rows of a field lie twice as far apart as those of its frame.
fn pixel_aspect(info: &VideoInfo, is_field: bool) -> (u32, u32) {
    let side = |side: i32| u32::try_from(side).unwrap_or(0);
    let (wide, high) = (side(info.par().numer()), side(info.par().denom()));
    (wide, if is_field { high.saturating_mul(2) } else { high })
}

fn planes_of(offsets: &[usize], strides: &[i32]) -> Vec<Plane> {
    let plane = |(&offset, &stride): (&usize, &i32)| Plane { offset, stride: stride.unsigned_abs() as usize };
    offsets.iter().zip(strides).map(plane).collect()
}

/// The colours that the video states, else those that its container states. Where neither says so, high definition is
/// BT.709 and smaller pictures are BT.601, of limited range.
///
/// `VideoInfo` is not asked: it replaces a description without a matrix by its own and loses the range with it.
fn colour_of(info: &VideoInfo, caps: &gst::CapsRef, of_container: Option<&str>) -> ColourMatrix {
    let of_video = caps.structure(0).and_then(|s| s.get::<String>("colorimetry").ok());
    let stated: Vec<VideoColorimetry> =
        of_video.as_deref().into_iter().chain(of_container).filter_map(|text| text.parse().ok()).collect();
    let matrix = stated.iter().find_map(|colours| match colours.matrix() {
        VideoColorMatrix::Bt709 | VideoColorMatrix::Bt2020 => Some(true),
        VideoColorMatrix::Bt601 | VideoColorMatrix::Fcc | VideoColorMatrix::Smpte240m => Some(false),
        _ => None,
    });
    let range = stated.iter().map(VideoColorimetry::range).find(|range| *range != VideoColorRange::Unknown);
    ColourMatrix {
        is_bt709: matrix.unwrap_or(info.height() >= 720),
        is_full_range: range == Some(VideoColorRange::Range0_255),
    }
}

#[cfg(test)]
mod tests {
    use forewarn_domain::{Orientation, StreamId, Timestamp};

    use super::*;

    fn sample(format: VideoFormat, size: (u32, u32), colorimetry: &str) -> gst::Sample {
        crate::init().unwrap();
        let colorimetry = colorimetry.parse().unwrap();
        let info = VideoInfo::builder(format, size.0, size.1).colorimetry(&colorimetry).build().unwrap();
        let mut buffer = gst::Buffer::with_size(info.size()).unwrap();
        buffer.get_mut().unwrap().map_writable().unwrap().as_mut_slice().fill(128);
        gst::Sample::builder().buffer(&buffer).caps(&info.to_caps().unwrap()).build()
    }

    fn frame(sample: gst::Sample, is_copied: bool) -> Result<(Frame, Showing), StreamFault> {
        frame_of_picture(&Picture { sample, orientation: Orientation::UPRIGHT, colorimetry: None }, meta(), is_copied)
    }

    fn meta() -> FrameMeta {
        let stream = StreamId::new("s").unwrap();
        FrameMeta { stream, sequence: 0, captured_at: Timestamp::ZERO, arrived_at: Timestamp::ZERO }
    }

    #[test]
    fn size_format_and_colour_are_taken_over() {
        for is_copied in [false, true] {
            let (hd, showing) = frame(sample(VideoFormat::Nv12, (1280, 720), "bt709"), is_copied).unwrap();
            assert_eq!((hd.width, hd.height, hd.format), (1280, 720, PixelFormat::Nv12));
            assert_eq!((hd.colour, showing), (ColourMatrix::BT709, Showing::AS_STORED));
            let (odd, _) = frame(sample(VideoFormat::I420, (35, 33), "bt601"), is_copied).unwrap();
            // GStreamer pads rows to 4 bytes.
            assert_eq!((odd.plane(0).1, odd.plane(1).1), (36, 20));
            assert_eq!(odd.rgb_at(34, 32), [130, 130, 130]);
        }
    }

    #[test]
    fn other_layouts_are_refused_by_name() {
        let fault = frame(sample(VideoFormat::Y42b, (64, 64), "bt601"), false).err().unwrap();
        assert!(fault.to_string().contains("Y42B"), "{fault}");
    }

    #[test]
    fn the_video_says_its_colours_before_the_container_does() {
        crate::init().unwrap();
        let colour = |height: u32, of_video: Option<&str>, of_container: Option<&str>| {
            let info = VideoInfo::builder(VideoFormat::I420, 64, height).build().unwrap();
            let mut caps = info.to_caps().unwrap();
            let structure = caps.make_mut().structure_mut(0).unwrap();
            structure.remove_field("colorimetry");
            if let Some(text) = of_video {
                structure.set("colorimetry", text);
            }
            let colour = colour_of(&info, &caps, of_container);
            (colour.is_bt709, colour.is_full_range)
        };
        assert_eq!(colour(64, None, None), (false, false));
        assert_eq!(colour(720, None, None), (true, false));
        assert_eq!(colour(64, Some("1:3:5:1"), Some("bt601")), (true, true));
        assert_eq!(colour(64, Some("1:0:0:0"), None), (false, true), "the range alone is stated");
        assert_eq!(colour(64, Some("1:0:0:0"), Some("bt709")), (true, true));
        assert_eq!(colour(720, None, Some("bt601")), (false, false));
        assert_eq!(colour(720, Some("bt2100-hlg"), None), (true, false));
    }

    #[test]
    fn a_field_has_half_the_rows_and_pixels_twice_as_high() {
        crate::init().unwrap();
        let info = VideoInfo::builder(VideoFormat::I420, 64, 48)
            .interlace_mode(VideoInterlaceMode::Alternate)
            .par(gst::Fraction::new(12, 11))
            .build()
            .unwrap();
        assert_eq!((info.field_height(), pixel_aspect(&info, true)), (24, (12, 22)));
    }

    #[test]
    fn running_time_can_lie_before_the_segment() {
        crate::init().unwrap();
        let mut segment = gst::FormattedSegment::<gst::ClockTime>::new();
        segment.set_start(gst::ClockTime::from_seconds(10));
        let mut buffer = gst::Buffer::new();
        assert_eq!(running_time_ns(&buffer, Some(segment.upcast_ref())), None);
        buffer.get_mut().unwrap().set_pts(gst::ClockTime::from_seconds(9));
        assert_eq!(running_time_ns(&buffer, Some(segment.upcast_ref())), Some(-1_000_000_000));
    }
}
