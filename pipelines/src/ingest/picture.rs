//! What a container says of its pictures beside the coded video: how they are turned, and their colours.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use forewarn_base::sync::lock;
use forewarn_domain::Orientation;
use gst::prelude::*;

use super::Site;
use crate::{Codec, StreamFault};

/// What a container has said so far.
#[derive(Debug, Default)]
pub(super) struct Stated(Mutex<Words>);

#[derive(Debug, Default)]
struct Words {
    /// Of each track, by its number, where the header was read.
    of_tracks: BTreeMap<u32, Orientation>,
    of_track: Option<Orientation>,
    orientation: Option<Orientation>,
    of_video: Orientation,
    colorimetry: Option<String>,
}

impl Stated {
    /// How pictures are turned: as the container says, else as the coded video does.
    pub(super) fn orientation(&self) -> Orientation {
        let words = lock(&self.0);
        // An upright track says nothing against the video in it.
        let of_track = words.of_track.filter(|orientation| *orientation != Orientation::UPRIGHT);
        of_track.or(words.orientation).unwrap_or(words.of_video)
    }

    /// The tracks of a file are turned so.
    pub(super) fn know_tracks(&self, of_tracks: BTreeMap<u32, Orientation>) {
        lock(&self.0).of_tracks = of_tracks;
    }

    /// The track that `pad` gives is watched.
    pub(super) fn take_track(&self, pad: &gst::Pad) {
        // The demuxer ends the name of each stream with the number of its track.
        let name = pad.sticky_event::<gst::event::StreamStart>(0).map(|event| event.stream_id().to_owned());
        let number = name.and_then(|name| name.rsplit_once('/')?.1.parse().ok());
        let mut words = lock(&self.0);
        words.of_track = number.and_then(|number: u32| words.of_tracks.get(&number).copied());
    }

    pub(super) fn turned_by_video(&self, orientation: Orientation) {
        lock(&self.0).of_video = orientation;
    }

    pub(super) fn colorimetry(&self) -> Option<String> {
        lock(&self.0).colorimetry.clone()
    }
}

/// Reads what the container says where its video enters `element`.
///
/// The colours of a container are taken out of the caps: a parser passes them on in place of those that the video itself
/// states, and the box of an MP4 file has lost the range on the way. They are used where the video states none.
pub(super) fn listen(site: &Arc<Site>, element: &gst::Element, codec: Option<Codec>) {
    let Some(pad) = element.static_pad("sink") else { return };
    let site = site.clone();
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        let Some(event) = info.event() else { return gst::PadProbeReturn::Ok };
        match event.view() {
            gst::EventView::Tag(tag) => {
                if let Some(orientation) = orientation_of(tag.tag()) {
                    lock(&site.stated.0).orientation = Some(orientation);
                }
            }
            gst::EventView::Caps(caps) if codec.is_some() => {
                let mut caps = caps.caps_owned();
                let colorimetry = caps.structure(0).and_then(|s| s.get::<String>("colorimetry").ok());
                if colorimetry.is_some() {
                    caps.make_mut().iter_mut().for_each(|structure| structure.remove_field("colorimetry"));
                    info.data = Some(gst::PadProbeData::Event(gst::event::Caps::new(&caps)));
                }
                lock(&site.stated.0).colorimetry = colorimetry;
            }
            _ => {}
        }
        gst::PadProbeReturn::Ok
    });
}

/// The turn that a demuxer's tag asks for.
fn orientation_of(tags: &gst::TagListRef) -> Option<Orientation> {
    let text = tags.get::<gst::tags::ImageOrientation>()?;
    let text = text.get();
    let (is_mirrored, degrees) = match text.strip_prefix("flip-") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let degrees = degrees.strip_prefix("rotate-")?.parse().ok()?;
    Some(Orientation { is_mirrored, ..Orientation::clockwise(degrees)? })
}

/// Says once for each layout that pictures are converted, where the samples that enter `converter` are none of ours.
pub(super) fn tell_of_conversion(site: &Arc<Site>, converter: &gst::Element, decoder: &str) {
    let Some(pad) = converter.static_pad("sink") else { return };
    let (intake, decoder, told) = (site.intake.clone(), decoder.to_owned(), Mutex::new(String::new()));
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        let format = info.event().and_then(|event| match event.view() {
            gst::EventView::Caps(caps) => caps.structure()?.get::<String>("format").ok(),
            _ => None,
        });
        if let Some(format) = format.filter(|format| format != "I420" && format != "NV12") {
            let mut told = lock(&told);
            if *told != format {
                told.clone_from(&format);
                intake.degraded(StreamFault::Converted { format, decoder: decoder.clone() });
            }
        }
        gst::PadProbeReturn::Ok
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_of_a_demuxer_is_read() {
        crate::init().unwrap();
        let of = |text: &str| {
            let mut tags = gst::TagList::new();
            tags.get_mut().unwrap().add::<gst::tags::ImageOrientation>(&text, gst::TagMergeMode::Replace);
            orientation_of(&tags)
        };
        for (text, exif) in [
            ("rotate-0", 1),
            ("flip-rotate-0", 2),
            ("rotate-180", 3),
            ("flip-rotate-180", 4),
            ("flip-rotate-270", 5),
            ("rotate-90", 6),
            ("flip-rotate-90", 7),
            ("rotate-270", 8),
        ] {
            assert_eq!(of(text), Orientation::of_exif(exif), "{text}");
        }
        assert_eq!((of("upside down"), of("rotate-7")), (None, None));
        assert_eq!(orientation_of(&gst::TagList::new()), None);
    }
}
