//! Which of a file's video tracks is the recording.
//!
//! Drones, dash cameras and phones put a preview or a cover picture beside the recording, before or behind it. Demuxers
//! that know all tracks before the first picture comes are waited for, and the best of all is taken.

use std::sync::{Arc, Mutex};

use forewarn_base::sync::lock;
use gst::prelude::*;

use super::{Site, fork, mask};
use crate::mpeg::Coding;
use crate::plugin::make;
use crate::{Codec, StreamFault};

/// Whether this demuxer shows all tracks before it gives a picture of any.
pub(super) fn is_complete_at_start(demuxer: &str) -> bool {
    matches!(demuxer, "qtdemux" | "matroskademux" | "avidemux")
}

/// The video tracks that a demuxer has shown so far.
#[derive(Debug, Default)]
pub(super) struct Tracks(Mutex<Vec<(gst::Pad, gst::Caps)>>);

impl Tracks {
    pub(super) fn add(&self, pad: &gst::Pad, caps: gst::Caps) {
        lock(&self.0).push((pad.clone(), caps));
    }

    /// Takes the best and forgets the others.
    pub(super) fn choose(&self, site: &Arc<Site>) -> Result<(), StreamFault> {
        let tracks = std::mem::take(&mut *lock(&self.0));
        let rank = |(pad, caps): &(gst::Pad, gst::Caps)| Rank::of(caps, is_default(pad));
        // Of equals the first.
        let best = (0..tracks.len()).rev().max_by_key(|&i| rank(&tracks[i]));
        for (i, (pad, caps)) in tracks.iter().enumerate() {
            if Some(i) == best {
                take_video(site, pad, caps)?;
            } else {
                tracing::debug!(%caps, "a video track beside the recording is left out");
                fork::ignore(site, pad)?;
            }
        }
        Ok(())
    }
}

/// What makes a track the recording, the weightiest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    is_kept_encoded: bool,
    is_moving: bool,
    is_default: bool,
    area_px: i64,
}

impl Rank {
    fn of(caps: &gst::Caps, is_default: bool) -> Self {
        let structure = caps.structure(0);
        let side = |name: &str| structure.and_then(|s| s.get::<i32>(name).ok()).map_or(0, i64::from);
        Self {
            is_kept_encoded: Codec::of_caps(caps).is_some(),
            is_moving: structure.is_some_and(|s| s.name().starts_with("video/")),
            is_default,
            area_px: side("width") * side("height"),
        }
    }
}

pub(super) fn is_video(caps: &gst::Caps) -> bool {
    caps.structure(0).is_some_and(|s| s.name().starts_with("video/") || s.name().starts_with("image/"))
}

/// Takes the first video track and forgets all others.
pub(super) fn take_video(site: &Arc<Site>, pad: &gst::Pad, caps: &gst::Caps) -> Result<(), StreamFault> {
    let name = caps.structure(0).map(|s| s.name().to_string()).unwrap_or_default();
    if !is_video(caps) || !site.claim_video() {
        return fork::ignore(site, pad);
    }
    site.stated.take_track(pad);
    if is_h265_of_avi(caps) {
        let named = make("capssetter")?;
        named.set_property("caps", Coding::Kept(Codec::H265).caps());
        named.set_property("join", false);
        named.set_property("replace", true);
        let out = named.static_pad("src").ok_or_else(|| StreamFault::other("capssetter has no output"))?;
        fork::attach(site, pad, &[&named])?;
        return take_kept(site, &out, Codec::H265);
    }
    let Some(codec) = Codec::of_caps(caps) else {
        if site.options.is_any_codec_accepted {
            return mask::decode_only(site, pad, name == "video/x-raw");
        }
        return Err(StreamFault::UnsupportedCodec { codec: name });
    };
    take_kept(site, pad, codec)
}

fn take_kept(site: &Arc<Site>, pad: &gst::Pad, codec: Codec) -> Result<(), StreamFault> {
    if !site.is_paced {
        return mask::fork(site, pad, codec);
    }
    // A file that stands for a camera would run ahead of time.
    let pacer = make("clocksync")?;
    let paced = pacer.static_pad("src").ok_or_else(|| StreamFault::other("clocksync has no output"))?;
    fork::attach(site, pad, &[&pacer])?;
    mask::fork(site, &paced, codec)
}

/// Whether this is H.265 in AVI, whose name GStreamer 1.22 does not know.
fn is_h265_of_avi(caps: &gst::Caps) -> bool {
    let fourcc = caps.structure(0).and_then(|s| s.get::<i32>("fourcc").ok()).unwrap_or(0).to_le_bytes();
    [b"hev1", b"hvc1", b"hevc", b"h265", b"x265"].iter().any(|name| fourcc.eq_ignore_ascii_case(*name))
}

/// Whether the file marks the track as the one to be played.
fn is_default(pad: &gst::Pad) -> bool {
    pad.sticky_event::<gst::event::StreamStart>(0)
        .is_some_and(|event| event.stream_flags().contains(gst::StreamFlags::SELECT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recording_wins_over_previews_and_covers() {
        crate::init().unwrap();
        let rank = |name: &str, width: i32, is_default| {
            let caps = gst::Caps::builder(name).field("width", width).field("height", 10_i32).build();
            Rank::of(&caps, is_default)
        };
        let small = rank("video/x-h264", 320, false);
        assert!(small > rank("image/jpeg", 4000, true));
        assert!(small > rank("video/x-vp8", 4000, true));
        assert!(rank("video/x-vp8", 10, false) > rank("image/jpeg", 4000, true));
        assert!(small < rank("video/x-h265", 640, false));
        assert!(rank("video/x-h264", 160, true) > small, "marked as the one to be played");
    }
}
