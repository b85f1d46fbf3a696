//! The picture of one moment out of access units in memory. Nothing is written anywhere, and only what the picture rests
//! on is decoded: the units of its group up to it, without those that no other refers to.

use forewarn_domain::{Frame, FrameMeta, Showing, Timestamp};
use gst::prelude::*;

use crate::frame_map::{Picture, frame_of_picture};
use crate::mux::Running;
use crate::plugin::make;
use crate::unit::AccessUnit;
use crate::{DecoderPreference, MissingElement, NoDecoderError, StreamFault, StreamFormat, decoder, thinning};

/// Without a picture for so long decoding is given up.
const GIVE_UP_AFTER: gst::ClockTime = gst::ClockTime::from_seconds(10);

/// What the wanted picture bears instead of its time, and no other does. A receiver that is short of processor moves times
/// by more than a picture lasts, and GStreamer's decoders give a picture whose time goes back that of the one before it.
const MARK: gst::ClockTime = gst::ClockTime::from_seconds(3600);

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MomentError {
    /// Nothing decodes the codec.
    #[error(transparent)]
    Decoder(#[from] NoDecoderError),
    /// A missing element.
    #[error(transparent)]
    MissingElement(#[from] MissingElement),
    /// GStreamer refused.
    #[error("failed to decode the picture of {at}: {reason}")]
    Failed {
        /// When it was taken.
        at: Timestamp,
        /// The reason.
        reason: String,
    },
    /// What came out is no picture.
    #[error("failed to take the picture of {at}: {fault}")]
    Picture {
        /// When it was taken.
        at: Timestamp,
        /// The reason.
        fault: StreamFault,
    },
}

/// How far one instant is from another.
pub(crate) fn apart(a: Timestamp, b: Timestamp) -> std::time::Duration {
    a.since(b).max(b.since(a))
}

/// The picture of `units`, which are in decoding order and begin with a key frame, that was taken nearest to `meta`'s
/// time, as it is shown; `None` where there are no units. It is given the time at which it was taken.
pub(crate) fn nearest(
    format: &StreamFormat,
    units: &[AccessUnit],
    meta: FrameMeta,
) -> Result<Option<Frame>, MomentError> {
    let Some(first) = units.first().map(|unit| unit.captured_at) else { return Ok(None) };
    // Pictures that are shown before the first key frame refer to pictures before it, which are not there.
    let shown = units.iter().enumerate().filter(|(_, unit)| unit.captured_at >= first);
    let Some((place, best)) = shown.min_by_key(|(_, unit)| apart(unit.captured_at, meta.captured_at)) else {
        return Ok(None);
    };
    let at = best.captured_at;
    let failed = |reason: String| MomentError::Failed { at, reason };
    let needed = units[..=place].iter().filter(|unit| {
        let is_referred_to =
            || unit.buffer.map_readable().is_ok_and(|bytes| thinning::is_reference(format.codec, bytes.as_slice()));
        unit.captured_at == at || (unit.captured_at >= first && is_referred_to())
    });
    let source = gst_app::AppSrc::builder().caps(&format.caps).format(gst::Format::Time).max_bytes(0).build();
    let opened = decoder::open(format.codec, &DecoderPreference::Software, &[], 1)?;
    let converter = make("videoconvert")?;
    drop_unmarked(&opened.element);
    let caps = gst::Caps::builder("video/x-raw").field("format", gst::List::new(["I420", "NV12"])).build();
    let sink = gst_app::AppSink::builder().caps(&caps).sync(false).max_buffers(1).build();
    let pipeline = Running(gst::Pipeline::new());
    let elements = [source.upcast_ref(), &opened.element, &converter, sink.upcast_ref()];
    pipeline.0.add_many(elements).map_err(|e| failed(e.to_string()))?;
    gst::Element::link_many(elements).map_err(|e| failed(e.to_string()))?;
    pipeline.0.set_state(gst::State::Playing).map_err(|e| failed(e.to_string()))?;
    for unit in needed {
        let mut buffer = unit.buffer.copy();
        let timed = buffer.make_mut();
        timed.set_pts(if std::ptr::eq(unit, best) { Some(MARK) } else { None });
        timed.set_dts(gst::ClockTime::NONE);
        source.push_buffer(buffer).map_err(|e| failed(e.to_string()))?;
    }
    source.end_of_stream().map_err(|e| failed(e.to_string()))?;
    let Some(sample) = sink.try_pull_sample(GIVE_UP_AFTER) else {
        let error = pipeline.0.bus().and_then(|bus| bus.pop_filtered(&[gst::MessageType::Error]));
        let said = error.and_then(|message| match message.view() {
            gst::MessageView::Error(error) => Some(error.error().to_string()),
            _ => None,
        });
        return Err(failed(said.unwrap_or_else(|| "the decoder gave no picture".to_owned())));
    };
    let picture = Picture { sample, orientation: format.orientation, colorimetry: None };
    let meta = FrameMeta { captured_at: at, ..meta };
    let (frame, showing): (Frame, Showing) =
        frame_of_picture(&picture, meta, true).map_err(|fault| MomentError::Picture { at, fault })?;
    Ok(Some(frame.shown(showing)))
}

/// Lets only the marked picture out of the decoder: the others are not converted.
fn drop_unmarked(decoder: &gst::Element) {
    let Some(pad) = decoder.static_pad("src") else { return };
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let is_wanted = info.buffer().is_none_or(|buffer| buffer.pts() == Some(MARK));
        // As everywhere, what is handled is freed by the binding.
        if is_wanted { gst::PadProbeReturn::Ok } else { gst::PadProbeReturn::Handled }
    });
}
