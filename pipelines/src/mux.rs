//! Muxing of access units into an MP4 file, without re-encoding.
//!
//! The file is made for players and browsers: `avc1` or `hvc1`, the index in front of the samples, the first
//! picture at time zero. Decoding times, which RTP does not carry, are worked out from the order of the units
//! and their presentation times. The same units give the same bytes.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use forewarn_base::durable::Unfinished;
use gst::prelude::*;

use crate::clip_error::ClipError;
use crate::pairing::{Framing, pair_up};
use crate::plugin::make;
use crate::unit::AccessUnit;
use crate::{Codec, StreamFormat, mp4};

/// Longest silence of the muxer before it is given up.
const MUX_TIMEOUT: gst::ClockTime = gst::ClockTime::from_seconds(30);

/// Writes `units`, given in decoding order, to `path` and returns the size of the file.
pub(crate) fn write_mp4(format: &StreamFormat, units: &[AccessUnit], path: &Path) -> Result<u64, ClipError> {
    let io = |source| ClipError::Io { path: path.display().to_string(), source };
    let clip = Unfinished::beside(path);
    // The muxer collects the samples here before it knows the index; they are never put in a place.
    let samples = Unfinished::beside(&path.with_added_extension("samples"));
    File::create(clip.path()).map_err(io)?;
    run_muxer(format, units, clip.path(), samples.path(), path)?;
    let first_at = units.iter().map(|unit| unit.captured_at).min().unwrap_or(forewarn_domain::Timestamp::ZERO);
    mp4::finish(clip.path(), first_at, format.orientation).map_err(io)?;
    clip.place().and_then(|()| path.metadata()).map(|meta| meta.len()).map_err(io)
}

fn run_muxer(
    format: &StreamFormat,
    units: &[AccessUnit],
    out: &Path,
    samples: &Path,
    path: &Path,
) -> Result<(), ClipError> {
    let mux_error = |reason: String| ClipError::Mux { path: path.display().to_string(), reason };
    let source = gst_app::AppSrc::builder().caps(&format.caps).format(gst::Format::Time).max_bytes(0).build();
    let parser = make(format.codec.parser())?;
    let sample_entry = gst::Caps::builder(format.codec.media_type())
        .field("stream-format", if format.codec == Codec::H264 { "avc" } else { "hvc1" })
        .field("alignment", "au")
        .build();
    let filter = make("capsfilter")?;
    filter.set_property("caps", &sample_entry);
    keep_first_caps(&filter);
    // The parser takes fields apart that came as one unit.
    pair_up(&filter, format.codec, Framing::Lengths);
    let muxer = make("mp4mux")?;
    muxer.set_property("faststart", true);
    muxer.set_property("faststart-file", samples.to_string_lossy().as_ref());
    let sink = make("filesink")?;
    sink.set_property("location", out.to_string_lossy().as_ref());
    let pipeline = Running(gst::Pipeline::new());
    let elements = [source.upcast_ref(), &parser, &filter, &muxer, &sink];
    pipeline.0.add_many(elements).map_err(|e| mux_error(e.to_string()))?;
    gst::Element::link_many(elements).map_err(|e| mux_error(e.to_string()))?;
    pipeline.0.set_state(gst::State::Playing).map_err(|e| mux_error(e.to_string()))?;
    for buffer in timed_buffers(units) {
        source.push_buffer(buffer).map_err(|e| mux_error(e.to_string()))?;
    }
    source.end_of_stream().map_err(|e| mux_error(e.to_string()))?;
    let bus = pipeline.0.bus().ok_or_else(|| mux_error("the pipeline has no bus".into()))?;
    match bus.timed_pop_filtered(MUX_TIMEOUT, &[gst::MessageType::Eos, gst::MessageType::Error]) {
        None => Err(mux_error("the muxer did not finish in time".into())),
        Some(message) => match message.view() {
            gst::MessageView::Error(error) => {
                let debug = error.debug().unwrap_or_default();
                let detail = debug.lines().last().unwrap_or_default();
                Err(mux_error(format!("{} {detail}", error.error())))
            }
            _ => Ok(()),
        },
    }
}

/// Lets only the first description of the samples through. Another one comes where parameter sets change, which the muxer
/// would refuse; decoders find the sets in front of the key pictures.
fn keep_first_caps(element: &gst::Element) {
    let Some(pad) = element.static_pad("src") else { return };
    let has_caps = AtomicBool::new(false);
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        let is_caps = info.event().is_some_and(|event| event.type_() == gst::EventType::Caps);
        if is_caps && has_caps.swap(true, Ordering::Relaxed) {
            gst::PadProbeReturn::Drop
        } else {
            gst::PadProbeReturn::Ok
        }
    });
}

/// A pipeline that is stopped when it goes out of scope.
pub(crate) struct Running(pub(crate) gst::Pipeline);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.set_state(gst::State::Null);
    }
}

/// Copies that share the bytes and carry times from zero.
fn timed_buffers(units: &[AccessUnit]) -> Vec<gst::Buffer> {
    let shown_us: Vec<i64> = units.iter().map(|unit| unit.captured_at.as_micros()).collect();
    let times = sample_times(&shown_us);
    let timed = |(unit, time): (&AccessUnit, &SampleTime)| {
        let mut buffer = unit.buffer.copy();
        {
            let buffer = buffer.make_mut();
            buffer.set_pts(gst::ClockTime::from_useconds(time.shown_us));
            buffer.set_dts(gst::ClockTime::from_useconds(time.decoded_us));
            buffer.set_duration(gst::ClockTime::from_useconds(time.lasts_us));
        }
        buffer
    };
    units.iter().zip(&times).map(timed).collect()
}

/// When a sample is decoded and shown, and how long it lasts, in microseconds from the clip's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "the unit stands in each name")]
pub(crate) struct SampleTime {
    pub(crate) decoded_us: u64,
    pub(crate) shown_us: u64,
    pub(crate) lasts_us: u64,
}

/// Times of samples that are given in decoding order by when they are shown.
///
/// The n-th sample is decoded when the n-th picture in order of presentation would be shown were there no
/// reordering; all are shown later by the least delay with which none is shown before it is decoded.
pub(crate) fn sample_times(shown_us: &[i64]) -> Vec<SampleTime> {
    let mut sorted = shown_us.to_vec();
    sorted.sort_unstable();
    let Some(&first) = sorted.first() else { return Vec::new() };
    let delay = sorted.iter().zip(shown_us).map(|(decoded, shown)| decoded - shown).max().unwrap_or(0).max(0);
    let mut steps: Vec<i64> = sorted.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // The last sample has no successor, so it lasts as long as most others do.
    let mut by_length = steps.clone();
    by_length.sort_unstable();
    steps.push(by_length.get(by_length.len() / 2).copied().unwrap_or(40_000));
    let sample = |((decoded, shown), step): ((&i64, &i64), &i64)| SampleTime {
        decoded_us: (decoded - first) as u64,
        shown_us: (shown - first + delay) as u64,
        lasts_us: *step as u64,
    };
    sorted.iter().zip(shown_us).zip(&steps).map(sample).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn without_reordering_pictures_are_shown_when_decoded() {
        let times = sample_times(&[1_000, 41_000, 81_000]);
        assert!(times.iter().all(|t| t.decoded_us == t.shown_us && t.lasts_us == 40_000));
        assert_eq!(times[0].shown_us, 0);
    }

    #[test]
    fn b_frames_get_a_delay() {
        // I P B B in decoding order, shown as I B B P.
        let times = sample_times(&[0, 120, 40, 80]);
        assert_eq!(times.iter().map(|t| t.decoded_us).collect::<Vec<_>>(), [0, 40, 80, 120]);
        assert_eq!(times.iter().map(|t| t.shown_us).collect::<Vec<_>>(), [40, 160, 80, 120]);
    }

    proptest! {
        #[test]
        fn decoding_goes_forward_and_never_lags(shown in prop::collection::vec(0_i64..10_000_000, 0..60)) {
            let times = sample_times(&shown);
            prop_assert_eq!(times.len(), shown.len());
            prop_assert!(times.windows(2).all(|pair| pair[0].decoded_us <= pair[1].decoded_us));
            prop_assert!(times.iter().all(|t| t.decoded_us <= t.shown_us));
            for (a, b) in (0..shown.len()).zip(1..shown.len()) {
                let moved = times[b].shown_us as i64 - times[a].shown_us as i64;
                prop_assert_eq!(moved, shown[b] - shown[a]);
            }
        }
    }
}
