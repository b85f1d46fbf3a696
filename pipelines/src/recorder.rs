//! The part of a recorder that the ring feeds: which units belong to the clip, and when it is over.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use forewarn_base::sync::{held, lock};
use forewarn_domain::ClipSpan;

use crate::StreamFormat;
use crate::entry::Entry;
use crate::unit::AccessUnit;

/// Pictures that a decoder may hold back to reorder them: ITU-T H.264, section A.3.1, `MaxDpbFrames`.
const MAX_REORDERED: usize = 16;

/// A clip may begin so much earlier to begin with a clean picture.
pub(crate) const CLEAN_WITHIN: Duration = Duration::from_secs(20);

/// Why an epoch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EpochEnd {
    /// The connection was lost.
    Interrupted,
    /// Size or parameter sets changed.
    FormatChanged,
    /// The stream is over.
    StreamEnded,
}

/// How a clip ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClipEnd {
    /// With the last unit before the span's end.
    Complete,
    /// The stream ended, was interrupted or changed its format before.
    Epoch(EpochEnd),
    /// The limit of bytes was reached before.
    SizeLimit,
    /// The owner finished it before.
    FinishedEarly,
}

#[derive(Debug)]
struct Recording {
    units: Vec<AccessUnit>,
    format: Option<Arc<StreamFormat>>,
    bytes: usize,
    /// Where the clip would begin instead, once the pictures from there on are whole.
    later_start: Option<usize>,
    /// Number of units up to the last one before the span's end.
    n_in_span: usize,
    end: Option<ClipEnd>,
}

impl Recording {
    /// Gives up what was taken before the unit of that number.
    fn start_at(&mut self, first: usize) {
        self.bytes -= self.units.drain(..first).map(|unit| unit.size_bytes()).sum::<usize>();
        self.n_in_span = self.n_in_span.saturating_sub(first);
        self.later_start = None;
    }

    /// Begins later, if that is meant and the newest unit, which came in time or not, completes the refresh.
    fn start_later(&mut self, is_in_time: bool) {
        let Some(start) = self.later_start else { return };
        let lead_in = self.units.get(start).map_or(0, |unit| unit.entry.lead_in() as usize);
        if !is_in_time {
            self.later_start = None;
        } else if start + lead_in < self.units.len() {
            self.start_at(start);
        }
    }
}

/// What a recording has in the end.
pub(crate) struct Taken {
    /// The format of all units; none if no unit came.
    pub(crate) format: Option<Arc<StreamFormat>>,
    pub(crate) units: Vec<AccessUnit>,
    pub(crate) end: ClipEnd,
}

/// The part of a recorder that the ring feeds.
#[derive(Debug)]
pub(crate) struct RecorderCell {
    span: ClipSpan,
    max_bytes: usize,
    state: Mutex<Recording>,
    completed: Condvar,
}

impl RecorderCell {
    pub(crate) fn new(span: ClipSpan, max_bytes: usize) -> Self {
        let state = Recording { units: Vec::new(), format: None, bytes: 0, later_start: None, n_in_span: 0, end: None };
        Self { span, max_bytes, state: Mutex::new(state), completed: Condvar::new() }
    }

    /// Takes a unit if it belongs to the clip. `has_reordering` says whether units of this epoch came out of
    /// the order of presentation, so that a unit before the span's end may still follow one after it.
    pub(crate) fn offer(&self, unit: &AccessUnit, format: &Arc<StreamFormat>, has_reordering: bool) {
        let mut state = self.lock();
        if state.end.is_some() || (state.units.is_empty() && !unit.is_key) {
            return;
        }
        if state.bytes + unit.size_bytes() > self.max_bytes {
            return self.complete(state, ClipEnd::SizeLimit);
        }
        let is_in_span = unit.captured_at < self.span.to;
        let n_after = state.units.len() - state.n_in_span;
        let is_clean = unit.entry == Entry::Clean;
        if !is_in_span && (!has_reordering || is_clean || n_after >= MAX_REORDERED) {
            return self.complete(state, ClipEnd::Complete);
        }
        if unit.is_key && unit.captured_at <= self.span.from {
            self.consider_start(&mut state, is_clean);
        }
        state.format.get_or_insert_with(|| format.clone());
        state.bytes += unit.size_bytes();
        state.units.push(unit.clone());
        if is_in_span {
            state.n_in_span = state.units.len();
        }
        state.start_later(unit.captured_at <= self.span.from);
    }

    /// A key frame comes while the span lies ahead: the clip begins here at the earliest, if the pictures are whole in time.
    fn consider_start(&self, state: &mut Recording, is_clean: bool) {
        if is_clean {
            return state.start_at(state.units.len());
        }
        let is_clean_near = state.units.first().is_some_and(|first| {
            first.entry == Entry::Clean && self.span.from.since(first.captured_at) <= CLEAN_WITHIN
        });
        if !is_clean_near {
            state.later_start = Some(state.units.len());
        }
    }

    pub(crate) fn end(&self, end: EpochEnd) {
        let state = self.lock();
        let will_go_on = state.units.is_empty() && end != EpochEnd::StreamEnded;
        if state.end.is_none() && !will_go_on {
            self.complete(state, ClipEnd::Epoch(end));
        }
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.lock().end.is_some()
    }

    fn complete(&self, mut state: MutexGuard<'_, Recording>, end: ClipEnd) {
        // Units after the last one of the span were kept only for as long as one of the span could follow.
        let n = state.n_in_span;
        state.units.truncate(n);
        state.end = Some(end);
        self.completed.notify_all();
    }

    pub(crate) fn span(&self) -> ClipSpan {
        self.span
    }

    /// Number of units taken so far, and how the recording ended.
    pub(crate) fn level(&self) -> (usize, Option<ClipEnd>) {
        let state = self.lock();
        (state.units.len(), state.end)
    }

    #[cfg(test)]
    pub(crate) fn peek(&self) -> (Vec<AccessUnit>, Option<ClipEnd>) {
        let state = self.lock();
        (state.units.clone(), state.end)
    }

    /// Waits until no further unit will be taken; false if `timeout` is over first.
    pub(crate) fn wait(&self, timeout: Duration) -> bool {
        let state = self.lock();
        let waited = self.completed.wait_timeout_while(state, timeout, |state| state.end.is_none());
        held(waited).0.end.is_some()
    }

    /// Ends the recording where it is and gives what was taken.
    pub(crate) fn take(&self) -> Taken {
        let mut state = self.lock();
        let n = state.n_in_span;
        state.units.truncate(n);
        let end = *state.end.get_or_insert(ClipEnd::FinishedEarly);
        Taken { format: state.format.take(), units: std::mem::take(&mut state.units), end }
    }

    fn lock(&self) -> MutexGuard<'_, Recording> {
        lock(&self.state)
    }
}
