//! The source of a recording that is read without a demuxer of GStreamer's.

use std::fs::File;
use std::sync::Arc;

use gst::prelude::*;

use super::tracks::take_video;
use super::{Site, Times};
use crate::StreamFault;
use crate::mpeg::{Line, Recording};

/// Builds what plays `recording`.
pub(super) fn build(site: &Arc<Site>, recording: Recording<File>) -> Result<(), StreamFault> {
    let caps = recording.coding.caps();
    // Several pictures may share a packet of a program stream, which states when the first is shown.
    site.set_times(if recording.is_program { Times::Partial } else { Times::Stated });
    let source = gst_app::AppSrc::builder().caps(&caps).format(gst::Format::Time).build();
    let (mut recording, mut line) = (recording, Line::default());
    let feed = move |source: &gst_app::AppSrc, _wanted: u32| {
        let pieces = match recording.read() {
            Ok(Some(pieces)) => pieces,
            Ok(None) => {
                let _ = source.end_of_stream();
                return;
            }
            Err(error) => {
                gst::element_error!(source, gst::ResourceError::Read, ("the file cannot be read further: {error}"));
                let _ = source.end_of_stream();
                return;
            }
        };
        for piece in pieces {
            let (pts, dts) = line.place(piece.pts, piece.dts);
            let mut buffer = gst::Buffer::from_mut_slice(piece.bytes);
            if let Some(buffer) = buffer.get_mut() {
                buffer.set_pts(pts.map(gst::ClockTime::from_nseconds));
                buffer.set_dts(dts.map(gst::ClockTime::from_nseconds));
            }
            // It is refused when the pipeline is shut down.
            if source.push_buffer(buffer).is_err() {
                return;
            }
        }
    };
    source.set_callbacks(gst_app::AppSrcCallbacks::builder().need_data(feed).build());
    site.pipeline()?.add(&source).map_err(StreamFault::other)?;
    let pad = source.static_pad("src").ok_or_else(|| StreamFault::other("a source has no output"))?;
    take_video(site, &pad, &caps)
}
