//! In front of the fork: marks the units with which decoding can begin, and puts the parameter sets in force in front of
//! those that come without.
//!
//! A parser calls every intra picture a key picture, and puts sets in front of some kinds only. From here on a unit without
//! the flag `DELTA_UNIT` is one with which decoding and clips can begin.

use std::sync::{Arc, Mutex};

use forewarn_base::sync::lock;
use gst::prelude::*;

use super::{Site, Times};
use crate::Codec;
use crate::entry::{Entry, marks};
use crate::sets::Sets;

/// Units without any mark after which an intra picture without one is good enough; after twice as many any picture is.
const PATIENCE_UNITS: u32 = 250;

/// How decoding begins with a picture that says nothing of itself, as of encoders that refresh by and by in silence.
const WITHOUT_MARK: Entry = Entry::Recovery { pictures: PATIENCE_UNITS };

/// How decoding begins with a unit; `None` if it cannot.
pub(super) fn entry_of(codec: Codec, buffer: &gst::BufferRef) -> Option<Entry> {
    if buffer.flags().contains(gst::BufferFlags::DELTA_UNIT) {
        return None;
    }
    let entry = buffer.map_readable().map_or(Entry::No, |bytes| marks(codec, &bytes).entry);
    Some(if entry == Entry::No { WITHOUT_MARK } else { entry })
}

/// Counted units are given time stamps so far apart.
const COUNT: gst::ClockTime = gst::ClockTime::from_mseconds(40);

/// Kinds of time stamp that decoders hand on with the picture; the usual ones they put in order again.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stamp {
    /// The number of a counted unit.
    Number,
    /// When it is shown, as the container says.
    Shown,
    /// When it is decoded, as the container says.
    Decoded,
}

impl Stamp {
    fn caps(self) -> gst::Caps {
        gst::Caps::new_empty_simple(match self {
            Self::Number => "timestamp/x-forewarn-number",
            Self::Shown => "timestamp/x-forewarn-shown",
            Self::Decoded => "timestamp/x-forewarn-decoded",
        })
    }

    fn put(self, buffer: &mut gst::BufferRef, at: gst::ClockTime) {
        gst::ReferenceTimestampMeta::add(buffer, &self.caps(), at, None);
    }

    /// What a buffer bears of this kind.
    pub(super) fn of(self, buffer: &gst::BufferRef) -> Option<i64> {
        let (mut stamps, caps) = (buffer.iter_meta::<gst::ReferenceTimestampMeta>(), self.caps());
        let stamp = stamps.find(|stamp| *stamp.reference() == *caps)?;
        i64::try_from(stamp.timestamp().nseconds()).ok()
    }
}

/// The number of a unit or picture that was counted.
pub(crate) fn count_of(buffer: &gst::BufferRef) -> Option<i64> {
    Stamp::Number.of(buffer)
}

/// Numbers a unit. What is stated of its times is put aside, for decoders make sense of all times or none.
fn count(buffer: &mut gst::BufferRef, number: u64, times: Times) {
    let stated = match times {
        Times::Stated | Times::Partial => Some((Stamp::Shown, buffer.pts())),
        Times::OfDecoding => Some((Stamp::Decoded, buffer.dts())),
        // A parser makes some up.
        Times::Missing => None,
    };
    buffer.set_pts(COUNT * number);
    buffer.set_dts(None);
    Stamp::Number.put(buffer, gst::ClockTime::from_nseconds(number));
    if let Some((stamp, Some(at))) = stated {
        stamp.put(buffer, at);
    }
}

#[derive(Default)]
struct Entrance {
    sets: Sets,
    units: u64,
    units_without_entry: u32,
    has_marks: bool,
}

impl Entrance {
    /// Whether decoding can begin with a unit that says this of itself.
    fn is_entry(&mut self, entry: Entry) -> bool {
        self.units_without_entry = self.units_without_entry.saturating_add(1);
        let is_marked = matches!(entry, Entry::Clean | Entry::Recovery { .. });
        self.has_marks |= is_marked;
        let patience = if entry == Entry::Intra { PATIENCE_UNITS } else { PATIENCE_UNITS * 2 };
        let is_entry = is_marked || (!self.has_marks && self.units_without_entry > patience);
        if is_entry && entry != Entry::Intra {
            self.units_without_entry = 0;
        }
        is_entry
    }
}

/// Watches over what leaves `element`, which gives whole access units.
pub(super) fn watch(site: &Arc<Site>, element: &gst::Element, codec: Codec) {
    let Some(pad) = element.static_pad("src") else { return };
    let (site, entrance) = (site.clone(), Mutex::new(Entrance::default()));
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        if let Some(buffer) = info.buffer_mut() {
            let mut entrance = lock(&entrance);
            if site.is_counted() {
                count(buffer.make_mut(), entrance.units, site.times());
                entrance.units += 1;
            }
            let completed = {
                let Ok(bytes) = buffer.map_readable() else { return gst::PadProbeReturn::Ok };
                let said = marks(codec, &bytes);
                if let Some(orientation) = said.orientation {
                    site.stated.turned_by_video(orientation);
                }
                entrance.sets.learn(codec, &bytes);
                let is_entry = entrance.is_entry(said.entry);
                (is_entry, if is_entry { entrance.sets.completed(codec, &bytes) } else { None })
            };
            mark(buffer, completed);
        }
        gst::PadProbeReturn::Ok
    });
}

/// Sets the flag of a unit, and gives it other bytes if there are any.
fn mark(buffer: &mut gst::Buffer, (is_entry, bytes): (bool, Option<Vec<u8>>)) {
    if let Some(bytes) = bytes {
        let mut whole = gst::Buffer::from_mut_slice(bytes);
        if let Some(target) = whole.get_mut() {
            let _ = buffer.copy_into(
                target,
                gst::BufferCopyFlags::FLAGS | gst::BufferCopyFlags::TIMESTAMPS | gst::BufferCopyFlags::META,
                ..,
            );
        }
        *buffer = whole;
    }
    if buffer.flags().contains(gst::BufferFlags::DELTA_UNIT) == is_entry {
        let buffer = buffer.make_mut();
        if is_entry {
            buffer.unset_flags(gst::BufferFlags::DELTA_UNIT);
        } else {
            buffer.set_flags(gst::BufferFlags::DELTA_UNIT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_intra_picture_without_a_mark_counts_only_where_nothing_else_comes() {
        let mut entrance = Entrance::default();
        assert!(!entrance.is_entry(Entry::Intra));
        assert!((0..PATIENCE_UNITS).all(|_| !entrance.is_entry(Entry::No)));
        assert!(entrance.is_entry(Entry::Intra) && entrance.is_entry(Entry::Intra));
        assert!(entrance.is_entry(Entry::Recovery { pictures: 3 }) && !entrance.is_entry(Entry::Intra));
        let mut entrance = Entrance::default();
        assert!(entrance.is_entry(Entry::Clean));
        assert!((0..PATIENCE_UNITS * 3).all(|_| !entrance.is_entry(Entry::Intra)));
    }

    #[test]
    fn a_stream_without_any_mark_begins_somewhere() {
        let mut entrance = Entrance::default();
        let entries = (0..PATIENCE_UNITS * 5).filter(|_| entrance.is_entry(Entry::No)).count();
        assert_eq!(entries, 2);
    }
}
