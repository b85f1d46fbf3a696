//! Joins two fields that are pictures of their own to one unit, behind a parser of H.264.
//!
//! GStreamer's parser hands each field out for itself, and its decoder then loses the time of every second picture.

use std::sync::Mutex;

use forewarn_base::sync::lock;
use gst::prelude::*;

use crate::Codec;
use crate::codec::nal_units;
use crate::fields::{Field, Fields};

/// How the NAL units of a unit are told from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// By start codes: ITU-T H.264, annex B.
    StartCodes,
    /// By lengths of four bytes: ISO/IEC 14496-15.
    Lengths,
}

impl Framing {
    fn nal_units(self, unit: &[u8]) -> Box<dyn Iterator<Item = &[u8]> + '_> {
        match self {
            Self::StartCodes => Box::new(nal_units(unit).filter(|nal| !nal.is_empty())),
            Self::Lengths => Box::new(long_units(unit)),
        }
    }
}

fn long_units(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, behind) = rest.split_first_chunk::<4>()?;
        let (nal, behind) = behind.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        rest = behind;
        (!nal.is_empty()).then_some(nal)
    })
}

#[derive(Default)]
struct Pairing {
    fields: Fields,
    /// A field whose other one is waited for.
    first: Option<(Field, gst::Buffer)>,
    /// Whether what passes was let go by this.
    lets_go: bool,
}

/// What becomes of a unit.
enum Fate {
    /// It goes on.
    Passes,
    /// It waits for the other field.
    Waits,
    /// It goes on, behind a field whose other one did not come.
    Follows(gst::Buffer),
    /// It waits, and a field whose other one did not come goes on.
    Replaces(gst::Buffer),
}

impl Pairing {
    fn take(&mut self, buffer: &mut gst::Buffer, framing: Framing) -> Fate {
        if self.lets_go {
            return Fate::Passes;
        }
        let field = buffer.map_readable().ok().and_then(|bytes| self.fields.field_of(framing.nal_units(&bytes)));
        let Some(field) = field else {
            return self.first.take().map_or(Fate::Passes, |(_, alone)| Fate::Follows(alone));
        };
        match self.first.take() {
            Some((first, mut whole)) if field.completes(first) => {
                join(&mut whole, std::mem::take(buffer), framing);
                *buffer = whole;
                Fate::Passes
            }
            Some((_, alone)) => {
                self.first = Some((field, std::mem::take(buffer)));
                Fate::Replaces(alone)
            }
            None => {
                self.first = Some((field, std::mem::take(buffer)));
                Fate::Waits
            }
        }
    }
}

/// Puts the second field behind the first, whose times and flags hold for both.
fn join(first: &mut gst::Buffer, second: gst::Buffer, framing: Framing) {
    let delimiter = second.map_readable().ok().and_then(|bytes| {
        let nal = framing.nal_units(&bytes).next().filter(|nal| Codec::H264.is_delimiter(nal))?;
        // Up to its end, which lies in these very bytes.
        Some(nal.as_ptr() as usize - bytes.as_ptr() as usize + nal.len())
    });
    let lasts = first.duration().filter(|lasts| second.duration() == Some(*lasts)).map(|lasts| lasts * 2);
    let second = match delimiter.and_then(|end| second.copy_region(gst::BufferCopyFlags::MEMORY, end..).ok()) {
        Some(behind) => behind,
        None => second,
    };
    if let Some(lasts) = lasts {
        first.make_mut().set_duration(lasts);
    }
    first.append(second);
}

/// Has both fields of a picture leave `element` as one unit.
pub(crate) fn pair_up(element: &gst::Element, codec: Codec, framing: Framing) {
    let Some(pad) = element.static_pad("src").filter(|_| codec == Codec::H264) else { return };
    let pairing = Mutex::new(Pairing::default());
    let kinds = gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM | gst::PadProbeType::EVENT_FLUSH;
    pad.add_probe(kinds, move |pad, info| {
        let (fate, is_unit) = match &mut info.data {
            Some(gst::PadProbeData::Buffer(buffer)) => (lock(&pairing).take(buffer, framing), true),
            Some(gst::PadProbeData::Event(event)) => (at_event(&mut lock(&pairing), event), false),
            _ => return gst::PadProbeReturn::Ok,
        };
        let (alone, goes_on) = match fate {
            Fate::Passes => return gst::PadProbeReturn::Ok,
            Fate::Waits => (None, false),
            Fate::Follows(alone) => (Some(alone), true),
            Fate::Replaces(alone) => (Some(alone), false),
        };
        let gone = alone.map_or(Ok(gst::FlowSuccess::Ok), |alone| {
            lock(&pairing).lets_go = true;
            let gone = pad.push(alone);
            lock(&pairing).lets_go = false;
            gone
        });
        if is_unit && (!goes_on || gone.is_err()) {
            info.flow_res = gone;
            info.data = None;
            return gst::PadProbeReturn::Handled;
        }
        gst::PadProbeReturn::Ok
    });
}

/// A field waits no longer than for what is to come behind it.
fn at_event(pairing: &mut Pairing, event: &gst::Event) -> Fate {
    if pairing.lets_go {
        return Fate::Passes;
    }
    match event.type_() {
        gst::EventType::FlushStart | gst::EventType::FlushStop => pairing.first = None,
        gst::EventType::Eos | gst::EventType::Segment | gst::EventType::Caps | gst::EventType::Gap => {
            return pairing.first.take().map_or(Fate::Passes, |(_, alone)| Fate::Follows(alone));
        }
        _ => {}
    }
    Fate::Passes
}
