//! Spares a live decoder in software the filter at the borders of blocks, in pictures that follow each other closely.
//!
//! What is kept is what the camera sent: only what goes into the decoder is rewritten.

use std::sync::{Arc, Mutex};

use forewarn_base::sync::lock;
use gst::prelude::*;

use super::entrance::entry_of;
use crate::Codec;
use crate::thinning::DecodedPart;
use crate::unfiltered::{Groups, Unfilter};

#[derive(Default)]
struct Stream {
    groups: Groups,
    unfilter: Unfilter,
}

/// Rewrites what goes into `decoder`, which is one of H.264, and tells that.
pub(super) fn add(decoder: &gst::Element, told: &Arc<DecodedPart>) {
    let Some(pad) = decoder.static_pad("sink") else { return };
    let (stream, told) = (Mutex::new(Stream::default()), Arc::clone(told));
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        if let Some(buffer) = info.buffer_mut()
            && let Some(plain) = lock(&stream).plain(buffer)
        {
            told.go_plain(true);
            *buffer = plain;
        }
        gst::PadProbeReturn::Ok
    });
}

impl Stream {
    /// The unit without the filter; none if it stays as it is.
    fn plain(&mut self, unit: &gst::Buffer) -> Option<gst::Buffer> {
        let may_go_without = self.groups.may_go_without(entry_of(Codec::H264, unit));
        let bytes = unit.map_readable().ok()?;
        self.unfilter.learn(&bytes);
        if !may_go_without {
            return None;
        }
        let mut plain = gst::Buffer::from_mut_slice(self.unfilter.unit(&bytes)?);
        let parts = gst::BufferCopyFlags::FLAGS | gst::BufferCopyFlags::TIMESTAMPS | gst::BufferCopyFlags::META;
        unit.copy_into(plain.get_mut()?, parts, ..).ok()?;
        Some(plain)
    }
}
