//! Live video for people: the access units of a ring as they come, muxed for browsers, from the latest key picture on.
//!
//! Whoever looks has a queue of his own, bounded in units and bytes. Where it is full, or is behind by
//! [`BEHIND`](self::BEHIND) when a key picture comes, all that waits is given up and counted, and he goes on with the next
//! key picture. So nobody who looks holds the stream up, and nobody falls further and further behind.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forewarn_base::sync::lock;
use forewarn_domain::{Timestamp, ViewPiece, Viewing, Wake};

use crate::StreamFormat;
use crate::described::Described;
use crate::entry::Entry;
use crate::fragment::{FragmentTime, fragment, header_of};
use crate::unit::AccessUnit;

/// Units that may wait for one who looks: a long group of pictures, with which he begins.
const MOST_UNITS: usize = 600;
/// Bytes that may wait. They are shared with the ring.
const MOST_BYTES: usize = 16 << 20;
/// Whoever is so far behind when a key picture comes goes on with that.
const BEHIND: Duration = Duration::from_secs(2);
/// Pictures whose order of presentation is looked at.
const LATEST: usize = 17;
/// How long a picture lasts as long as nothing is known.
const USUAL_US: i64 = 40_000;

#[derive(Debug, Default)]
struct Waiting {
    units: VecDeque<(AccessUnit, Arc<StreamFormat>)>,
    bytes: usize,
    needs_key: bool,
    given_up: u64,
    is_over: bool,
}

impl Waiting {
    fn give_up(&mut self) {
        self.given_up += self.units.len() as u64;
        self.units.clear();
        self.bytes = 0;
    }
}

/// The part of a view that the ring feeds.
pub(crate) struct ViewCell {
    waiting: Mutex<Waiting>,
    wake: Wake,
}

impl std::fmt::Debug for ViewCell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ViewCell").field("waiting", &self.waiting).finish_non_exhaustive()
    }
}

impl ViewCell {
    pub(crate) fn new(wake: Wake) -> Self {
        Self { waiting: Mutex::new(Waiting { needs_key: true, ..Waiting::default() }), wake }
    }

    /// Takes a unit.
    pub(crate) fn offer(&self, unit: &AccessUnit, format: &Arc<StreamFormat>) {
        let mut waiting = lock(&self.waiting);
        let is_entry = unit.entry == Entry::Clean;
        let oldest = waiting.units.front().map(|(unit, _)| unit.captured_at);
        let is_behind = is_entry && oldest.is_some_and(|oldest| unit.captured_at.since(oldest) > BEHIND);
        if is_behind || waiting.units.len() >= MOST_UNITS || waiting.bytes + unit.size_bytes() > MOST_BYTES {
            waiting.give_up();
            waiting.needs_key = true;
        }
        if waiting.needs_key && !is_entry {
            waiting.given_up += u64::from(oldest.is_some());
            return;
        }
        waiting.needs_key = false;
        waiting.bytes += unit.size_bytes();
        waiting.units.push_back((unit.clone(), Arc::clone(format)));
        drop(waiting);
        (self.wake)();
    }

    /// No unit will come any more.
    pub(crate) fn end(&self) {
        lock(&self.waiting).is_over = true;
        (self.wake)();
    }
}

/// What comes of a ring.
pub(crate) enum Next {
    /// A unit; the first one is one that decoding can begin with.
    Unit(AccessUnit, Arc<StreamFormat>),
    /// No more will come; told once.
    Over,
}

/// A ring's units for one who looks.
pub(crate) struct Units {
    cell: Arc<ViewCell>,
    is_over: bool,
}

impl Units {
    pub(crate) fn new(cell: Arc<ViewCell>) -> Self {
        Self { cell, is_over: false }
    }

    /// The next of them; none until the cell's [`Wake`] is called.
    pub(crate) fn take(&mut self) -> Option<Next> {
        let mut waiting = lock(&self.cell.waiting);
        let Some((unit, format)) = waiting.units.pop_front() else {
            let is_news = waiting.is_over && !std::mem::replace(&mut self.is_over, waiting.is_over);
            return is_news.then_some(Next::Over);
        };
        waiting.bytes -= unit.size_bytes();
        Some(Next::Unit(unit, format))
    }

    /// Units that were given up because they were not taken in time.
    pub(crate) fn given_up(&self) -> u64 {
        lock(&self.cell.waiting).given_up
    }
}

/// A ring's units as browsers take them.
pub(crate) struct View {
    units: Units,
    muxer: Muxer,
}

impl View {
    pub(crate) fn new(units: Units) -> Self {
        Self { units, muxer: Muxer::default() }
    }
}

impl Viewing for View {
    fn take(&mut self) -> Option<ViewPiece> {
        if let Some(piece) = self.muxer.ready.take() {
            return Some(piece);
        }
        loop {
            match self.units.take()? {
                Next::Over => return Some(ViewPiece::Over),
                Next::Unit(unit, format) => {
                    if let Some(piece) = self.muxer.take(&unit, &format) {
                        return Some(piece);
                    }
                }
            }
        }
    }

    fn given_up(&self) -> u64 {
        self.units.given_up()
    }
}

/// Turns units into pieces.
#[derive(Debug, Default)]
struct Muxer {
    described: Option<(Described, Arc<StreamFormat>)>,
    line: Option<Line>,
    number: u32,
    /// A picture whose header goes before it.
    ready: Option<ViewPiece>,
}

impl Muxer {
    /// The piece of a unit; none if it cannot be shown.
    fn take(&mut self, unit: &AccessUnit, format: &Arc<StreamFormat>) -> Option<ViewPiece> {
        let bytes = unit.buffer.map_readable().ok()?;
        let size_px = (format.width, format.height);
        let described = if unit.is_key { Described::of(format.codec, &bytes, size_px) } else { None };
        let is_new = described.as_ref().is_some_and(|now| {
            self.described.as_ref().is_none_or(|(known, of)| known != now || of.differs_from(format))
        });
        if is_new && let Some(described) = described {
            self.described = Some((described, Arc::clone(format)));
        }
        let (described, _) = self.described.as_ref()?;
        let line = self.line.get_or_insert_with(|| Line::from(unit.captured_at));
        self.number = self.number.wrapping_add(1);
        let is_key = unit.entry == Entry::Clean;
        let fragment = fragment(format.codec, self.number, line.time(unit.captured_at), is_key, &bytes);
        let picture = ViewPiece::Picture { captured_at: unit.captured_at, is_key, fragment };
        if !is_new {
            return Some(picture);
        }
        self.ready = Some(picture);
        let header = header_of(&described.entry, size_px, format.orientation);
        Some(ViewPiece::Start { codec: described.name.clone(), size_px, origin: line.origin, header })
    }
}

/// The line of the fragments, on which decoding times are worked out from the order of presentation alone.
#[derive(Debug)]
struct Line {
    origin: Timestamp,
    /// When the latest units are shown, in decoding order.
    shown_us: VecDeque<i64>,
    /// So many pictures that are decoded before another are shown after it.
    depth: usize,
    decoded_us: i64,
}

impl Line {
    fn from(first: Timestamp) -> Self {
        // Pictures that are shown before the first one must not lie before zero.
        let origin = first - Duration::from_secs(1);
        Self { origin, shown_us: VecDeque::new(), depth: 0, decoded_us: 0 }
    }

    /// Times of the next unit: with a reordering of n pictures, none is shown before the picture is decoded that is the n+1st
    /// from the latest. A picture that comes out of all order is decoded right after the one before it.
    ///
    /// Browsers give a stream up for lost until the next key picture if decoding times jump by more than twice the length
    /// of a picture; so a picture is said to last as long as the longest of the latest steps, twice.
    fn time(&mut self, captured_at: Timestamp) -> FragmentTime {
        let shown_us = captured_at.micros_since(self.origin).max(0);
        if self.shown_us.len() >= LATEST {
            self.shown_us.pop_front();
        }
        let later = self.shown_us.iter().filter(|other| **other > shown_us).count();
        self.depth = self.depth.max(later.min(LATEST - 2));
        self.shown_us.push_back(shown_us);
        let mut sorted: Vec<i64> = self.shown_us.iter().copied().collect();
        sorted.sort_unstable();
        let step_us =
            sorted.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(USUAL_US).clamp(10_000, 1_000_000);
        let nth = sorted.len().checked_sub(1 + self.depth).map_or(sorted[0], |i| sorted[i]);
        self.decoded_us = nth.min(shown_us).max(self.decoded_us + 1);
        FragmentTime {
            decoded_us: self.decoded_us as u64,
            shown_after_us: i32::try_from(shown_us - self.decoded_us).unwrap_or(0),
            lasts_us: 2 * step_us as u32,
        }
    }
}

#[cfg(test)]
mod tests;
