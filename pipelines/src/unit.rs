//! Access units of H.264 and H.265 as the parser leaves them: Annex B byte stream, one picture each, parameter
//! sets in front of every key frame.

use std::sync::Arc;

use forewarn_domain::{Orientation, Timestamp};

use crate::Codec;
use crate::entry::Entry;

/// A NAL unit of messages that brings the certificate of a camera which signs its video.
pub(crate) type Certificate = Arc<[u8]>;

/// What all access units of one epoch of a ring have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamFormat {
    /// The codec.
    pub codec: Codec,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// How the pictures are turned when they are shown.
    pub orientation: Orientation,
    /// Caps of the units.
    pub(crate) caps: gst::Caps,
}

impl StreamFormat {
    /// The format of units with these caps.
    pub(crate) fn of(codec: Codec, caps: &gst::Caps, orientation: Orientation) -> Self {
        let size = |field| caps.structure(0).and_then(|s| s.get::<i32>(field).ok()).map_or(0, i32::unsigned_abs);
        let (width, height) = (size("width"), size("height"));
        Self { codec, width, height, orientation, caps: caps.clone() }
    }

    /// Width and height of a pixel in parts of each other, where the stream states it.
    pub(crate) fn pixel_aspect(&self) -> Option<(u32, u32)> {
        let aspect = self.caps.structure(0)?.get::<gst::Fraction>("pixel-aspect-ratio").ok()?;
        Some((aspect.numer().unsigned_abs(), aspect.denom().unsigned_abs()))
    }

    /// True if no clip can hold pictures of both: another size, shape or kind of samples. Parameter sets may differ, for
    /// each key frame brings its own.
    pub(crate) fn differs_from(&self, other: &Self) -> bool {
        let essence = |format: &Self| {
            let structure = format.caps.structure(0);
            let word = |field| structure.and_then(|s| s.value(field).ok()).map(|value| format!("{value:?}"));
            ["pixel-aspect-ratio", "chroma-format", "bit-depth-luma"].map(word)
        };
        self.codec != other.codec
            || (self.width, self.height) != (other.width, other.height)
            || self.orientation != other.orientation
            || essence(self) != essence(other)
    }
}

/// One coded picture. Cloning shares the bytes.
#[derive(Debug, Clone)]
pub(crate) struct AccessUnit {
    /// When the picture was taken, on the same time line as the decoded frame's.
    pub(crate) captured_at: Timestamp,
    /// True if decoding can start here.
    pub(crate) is_key: bool,
    /// How.
    pub(crate) entry: Entry,
    /// The latest certificate of a camera that signs its video, if it came before this unit; key units alone have it.
    pub(crate) certificate: Option<Certificate>,
    /// The bytes, with the decoder's parameter sets in front if this is a key frame.
    pub(crate) buffer: gst::Buffer,
}

impl AccessUnit {
    /// Size in bytes.
    pub(crate) fn size_bytes(&self) -> usize {
        self.buffer.size()
    }
}
