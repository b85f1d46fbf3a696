//! From a decoder's sample to a [`Frame`] without touching the pixels.

use std::sync::Arc;

use forewarn_domain::{ColourMatrix, Frame, FrameMeta, PixelFormat, Plane};
use gst_video::{VideoColorMatrix, VideoColorRange, VideoFormat, VideoInfo, VideoMeta};

use crate::StreamFault;

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

/// Makes a frame of a sample of raw video. With `is_copied` the pixels are copied, so that a decoder with a small
/// pool of buffers gets its own back at once.
pub(crate) fn frame_of_sample(
    sample: &gst::Sample,
    meta: FrameMeta,
    decoder: &str,
    is_copied: bool,
) -> Result<Frame, StreamFault> {
    let caps = sample.caps().ok_or_else(|| StreamFault::other("a picture came without caps"))?;
    let info = VideoInfo::from_caps(caps).map_err(StreamFault::other)?;
    let format = match info.format() {
        VideoFormat::I420 => PixelFormat::I420,
        VideoFormat::Nv12 => PixelFormat::Nv12,
        other => {
            let format = other.to_str().to_string();
            return Err(StreamFault::UnsupportedPixelFormat { format, decoder: decoder.to_owned() });
        }
    };
    let buffer = sample.buffer_owned().ok_or_else(|| StreamFault::other("a sample came without a picture"))?;
    let planes: Vec<Plane> = match buffer.meta::<VideoMeta>() {
        Some(video) => planes_of(video.offset(), video.stride()),
        None => planes_of(info.offset(), info.stride()),
    };
    let mapped = buffer
        .into_mapped_buffer_readable()
        .map_err(|_| StreamFault::other("a decoded picture cannot be mapped into memory"))?;
    let size = (info.width(), info.height());
    let bytes: forewarn_domain::frame::FrameBytes =
        if is_copied { Arc::new(mapped.as_slice().to_vec()) } else { Arc::new(MappedPicture(mapped)) };
    Frame::new(meta, format, colour_of(&info), size, &planes, bytes).map_err(StreamFault::other)
}

fn planes_of(offsets: &[usize], strides: &[i32]) -> Vec<Plane> {
    let plane = |(&offset, &stride): (&usize, &i32)| Plane { offset, stride: stride.unsigned_abs() as usize };
    offsets.iter().zip(strides).map(plane).collect()
}

/// The matrix that the stream states; GStreamer fills in BT.601 for standard and BT.709 for high definition
/// where it states none.
fn colour_of(info: &VideoInfo) -> ColourMatrix {
    let colorimetry = info.colorimetry();
    let is_bt709 = match colorimetry.matrix() {
        VideoColorMatrix::Bt709 => true,
        VideoColorMatrix::Bt601 | VideoColorMatrix::Fcc | VideoColorMatrix::Smpte240m => false,
        _ => info.height() >= 720,
    };
    ColourMatrix { is_bt709, is_full_range: colorimetry.range() == VideoColorRange::Range0_255 }
}

#[cfg(test)]
mod tests {
    use forewarn_domain::{StreamId, Timestamp};

    use super::*;

    fn sample(format: VideoFormat, size: (u32, u32), colorimetry: &str) -> gst::Sample {
        crate::init().unwrap();
        let colorimetry = colorimetry.parse().unwrap();
        let info = VideoInfo::builder(format, size.0, size.1).colorimetry(&colorimetry).build().unwrap();
        let mut buffer = gst::Buffer::with_size(info.size()).unwrap();
        buffer.get_mut().unwrap().map_writable().unwrap().as_mut_slice().fill(128);
        gst::Sample::builder().buffer(&buffer).caps(&info.to_caps().unwrap()).build()
    }

    fn meta() -> FrameMeta {
        let stream = StreamId::new("s").unwrap();
        FrameMeta { stream, sequence: 0, captured_at: Timestamp::ZERO, arrived_at: Timestamp::ZERO }
    }

    #[test]
    fn size_format_and_colour_are_taken_over() {
        for is_copied in [false, true] {
            let hd = frame_of_sample(&sample(VideoFormat::Nv12, (1280, 720), "bt709"), meta(), "x", is_copied).unwrap();
            assert_eq!((hd.width, hd.height, hd.format), (1280, 720, PixelFormat::Nv12));
            assert_eq!(hd.colour, ColourMatrix::BT709);
            let odd = frame_of_sample(&sample(VideoFormat::I420, (35, 33), "bt601"), meta(), "x", is_copied).unwrap();
            // GStreamer pads rows to 4 bytes.
            assert_eq!((odd.plane(0).1, odd.plane(1).1), (36, 20));
            assert_eq!(odd.rgb_at(34, 32), [130, 130, 130]);
        }
    }

    #[test]
    fn other_layouts_are_refused_by_name() {
        let refused = frame_of_sample(&sample(VideoFormat::Y42b, (64, 64), "bt601"), meta(), "avdec_h264", false);
        let fault = refused.err().unwrap();
        assert!(matches!(&fault, StreamFault::UnsupportedPixelFormat { format, .. } if format == "Y42B"), "{fault}");
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
