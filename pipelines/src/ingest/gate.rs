//! The gate in front of a live decoder: lets units in, leaves them out, and has those decoded after all that came while the
//! stream dozed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forewarn_base::sync::lock;
use gst::prelude::*;

use super::Site;
use super::entrance::entry_of;
use crate::Codec;
use crate::doze::{Doze, Turn, Wanted};
use crate::entry::Entry;
use crate::frame_map::running_time_ns;
use crate::thinning::{self, Admission, DecodedPart, Gate, WHOLE};

/// What is known of the units that have come.
struct Door {
    gate: Gate,
    doze: Doze<gst::Buffer>,
}

/// What becomes of a unit, and what the decoder is told before it.
struct Verdict {
    admission: Admission,
    has_ended_group: bool,
    has_opened: bool,
}

/// Puts a gate before `queue`, whose input is `pad`. Without a codec it passes raw pictures.
pub(super) fn add(site: &Arc<Site>, pad: &gst::Pad, queue: &gst::Element, limit: u32, codec: Option<Codec>) {
    let door = Mutex::new(Door { gate: Gate::new(limit), doze: Doze::default() });
    let (queue, site, part) = (queue.downgrade(), site.clone(), site.options.decoded_part.clone());
    let is_catching_up = AtomicBool::new(false);
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let (Some(buffer), Some(queue)) = (info.buffer(), queue.upgrade()) else {
            return gst::PadProbeReturn::Ok;
        };
        // What is given after all comes by here once more, in this thread.
        if is_catching_up.load(Ordering::Relaxed) {
            return gst::PadProbeReturn::Ok;
        }
        let turn = codec.map_or(Turn::Awake, |codec| turn(&mut lock(&door).doze, buffer, codec, &part));
        if let (Turn::Woken(units), Some(codec)) = (&turn, codec) {
            is_catching_up.store(true, Ordering::Relaxed);
            give_after_all(&site, pad, units, codec);
            is_catching_up.store(false, Ordering::Relaxed);
        }
        let level: u32 = queue.property("current-level-buffers");
        let verdict = judge(&mut lock(&door).gate, buffer, level, codec, &turn, &part);
        let admission = verdict.admission;
        if let Some(codec) = codec.filter(|_| admission == Admission::LetIn) {
            site.wholeness.pass(verdict.has_opened.then(|| entry_of(codec, buffer)).flatten(), buffer.pts());
        }
        site.intake.decode_queue(level, admission);
        if verdict.has_ended_group {
            // A decoder that reorders pictures holds some back until the next ones come, which is a key frame away. As
            // before a still frame it gives them now; it may, because nothing refers to them any more.
            pad.send_event(gst_video::StillFrameEvent::builder(true).build());
        }
        // A buffer that is handled is freed by the binding; one that is dropped GStreamer would free once more.
        if admission == Admission::LetIn { gst::PadProbeReturn::Ok } else { gst::PadProbeReturn::Handled }
    });
}

fn is_key(buffer: &gst::BufferRef) -> bool {
    !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT)
}

fn turn(doze: &mut Doze<gst::Buffer>, buffer: &gst::Buffer, codec: Codec, part: &DecodedPart) -> Turn<gst::Buffer> {
    if part.rests() {
        doze.clear();
        return Turn::Awake;
    }
    // Alone, a picture from which a gradual refresh begins shows nothing, and what follows one without a mark may refer to
    // those before it.
    let entry = if is_key(buffer) { entry_of(codec, buffer).unwrap_or_default() } else { Entry::No };
    let wanted = match (part.wanted(), entry.lead_in()) {
        (Wanted::Doze, 1..) => Wanted::All,
        (wanted, _) => wanted,
    };
    let begins = !matches!(entry, Entry::No | Entry::Intra);
    doze.take(buffer, begins, buffer.size(), buffer.pts().map(Duration::from), wanted)
}

fn judge(
    gate: &mut Gate,
    buffer: &gst::Buffer,
    level: u32,
    codec: Option<Codec>,
    turn: &Turn<gst::Buffer>,
    part: &DecodedPart,
) -> Verdict {
    let (was_thinned, was_shut) = (gate.is_group_thinned(), gate.is_shut());
    if part.rests() {
        let admission = gate.rest(is_key(buffer));
        return Verdict { admission, has_ended_group: !was_shut && !was_thinned, has_opened: false };
    }
    let thousandths = match turn {
        Turn::Asleep => 0,
        Turn::Woken(_) => {
            gate.catch_up();
            WHOLE
        }
        Turn::Awake if part.wanted() == Wanted::Doze => WHOLE,
        Turn::Awake => part.thousandths(),
    };
    let is_referred_to =
        |codec| buffer.map_readable().is_ok_and(|bytes| thinning::is_reference(codec, bytes.as_slice()));
    let is_reference = || codec.is_none_or(is_referred_to);
    let admission = gate.admit(level, is_key(buffer), thousandths, is_reference);
    let has_ended_group = gate.is_group_thinned() && !was_thinned;
    Verdict { admission, has_ended_group, has_opened: was_shut && !gate.is_shut() }
}

/// Gives the decoder units that begin with a key picture, which it has given before and which is not shown again.
fn give_after_all(site: &Site, pad: &gst::Pad, units: &[gst::Buffer], codec: Codec) {
    let segment = pad.sticky_event::<gst::event::Segment>(0);
    let first = units.first().and_then(|unit| running_time_ns(unit, segment.as_ref().map(|event| event.segment())));
    site.intake.goes_back(first);
    if let Some(event) = segment {
        // A decoder gives no picture an earlier time than the one before, unless a segment begins.
        pad.send_event(gst::event::Segment::new(event.segment()));
    }
    for (n, unit) in units.iter().enumerate() {
        let begins = if n == 0 { entry_of(codec, unit) } else { None };
        site.wholeness.pass(begins, unit.pts());
        if pad.chain(unit.clone()).is_err() {
            // The pipeline is ending, which its own thread is about to see.
            return;
        }
    }
}
