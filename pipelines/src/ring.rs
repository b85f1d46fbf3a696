//! The pre-roll ring: the last seconds of access units, so that a clip can begin before the violation was seen.
//!
//! Units are kept in groups of pictures, each of which begins with a key frame. The ring is bounded in seconds
//! and in bytes; whole groups are evicted, oldest first, and counted. It keeps *at least* the stated seconds,
//! up to one group more, unless the bytes run out first. A group that alone exceeds the bytes is given up and
//! the ring waits for the next key frame.
//!
//! An *epoch* is a stretch of one format on one connection. A reconnection or a change of format begins a new
//! one, and no clip holds units of two.

mod group;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use forewarn_base::sync::lock;
use forewarn_domain::{ClipSpan, Showing, Timestamp, Viewing, Wake};

use crate::StreamFormat;
use crate::clip::ClipRecorder;
use crate::clip_error::ClipError;
use crate::entry::Entry;
use crate::footage::FootageCell;
use crate::recorder::{CLEAN_WITHIN, EpochEnd, RecorderCell};
use crate::signed::certificate_of;
use crate::unit::{AccessUnit, Certificate};
use crate::viewing::{Units, View, ViewCell};
use group::Group;

/// Bounds of a ring.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RingLimits {
    /// Seconds to keep at least.
    pub span: Duration,
    /// Bytes to keep at most.
    pub bytes: usize,
    /// Bytes of one clip at most; a longer clip ends early.
    pub clip_bytes: usize,
    /// Clips that may be recorded at the same time.
    pub recorders: usize,
}

impl Default for RingLimits {
    /// 30 s or 64 MiB; clips up to 256 MiB, 16 at a time.
    fn default() -> Self {
        Self { span: Duration::from_secs(30), bytes: 64 << 20, clip_bytes: 256 << 20, recorders: 16 }
    }
}

/// How full a ring is, and what it gave up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RingLevel {
    /// Bytes kept.
    pub bytes: usize,
    /// Span kept in milliseconds, from the oldest unit to the newest.
    pub span_ms: u64,
    /// Units kept.
    pub units: usize,
    /// Units taken in since the start.
    pub taken: u64,
    /// Units evicted for age or size since the start.
    pub evicted: u64,
    /// Units refused because no key frame had come before them.
    pub refused: u64,
}

/// How a stream's units follow each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rhythm {
    /// Pictures a second on average.
    pub pictures_per_s: f64,
    /// From the first unit to the last.
    pub span: Duration,
    /// The longest time from one key frame to the next; none where only one was seen.
    pub key_distance: Option<Duration>,
    /// Width and height of a pixel in parts of each other, where the stream states it.
    pub pixel_aspect: Option<(u32, u32)>,
}

#[derive(Debug)]
struct Epoch {
    format: Arc<StreamFormat>,
    gops: VecDeque<Group>,
    newest: Option<Timestamp>,
    has_reordering: bool,
    /// The latest of a camera that signs its video.
    certificate: Option<Certificate>,
    end: Option<EpochEnd>,
}

#[derive(Debug, Default)]
struct RingState {
    epochs: VecDeque<Epoch>,
    recorders: Vec<Weak<RecorderCell>>,
    views: Vec<Weak<ViewCell>>,
    footage: Option<Weak<FootageCell>>,
    level: RingLevel,
}

/// The ring of one stream. Shared by `Arc`; every method takes `&self`.
#[derive(Debug)]
pub struct PreRollRing {
    limits: RingLimits,
    state: Mutex<RingState>,
}

impl PreRollRing {
    /// An empty ring.
    pub fn new(limits: RingLimits) -> Self {
        Self { limits, state: Mutex::default() }
    }

    /// How full the ring is.
    pub fn level(&self) -> RingLevel {
        let state = self.lock();
        let span_ms = state.span().map_or(0, |(oldest, newest)| newest.since(oldest).as_millis() as u64);
        RingLevel { span_ms, ..state.level }
    }

    /// Width and height of the pictures of the present connection as they are shown; none where there is none.
    pub(crate) fn shown_size(&self) -> Option<(u32, u32)> {
        let state = self.lock();
        let epoch = state.epochs.back().filter(|epoch| epoch.end.is_none())?;
        let pixel_aspect = epoch.format.pixel_aspect().unwrap_or((1, 1));
        let showing = Showing { orientation: epoch.format.orientation, pixel_aspect };
        Some(showing.shown_size((epoch.format.width, epoch.format.height)))
    }

    /// Whether units come: a connection is there.
    pub(crate) fn is_fed(&self) -> bool {
        self.lock().epochs.back().is_some_and(|epoch| epoch.end.is_none())
    }

    /// The rhythm of what the ring holds of the present connection; none before the second unit.
    pub fn rhythm(&self) -> Option<Rhythm> {
        let state = self.lock();
        let epoch = state.epochs.back()?;
        let first = epoch.gops.front()?.begins_at();
        let span = epoch.newest?.since(first);
        let pictures: usize = epoch.gops.iter().map(|gop| gop.units().len()).sum();
        if pictures < 2 || span.is_zero() {
            return None;
        }
        let begins: Vec<Timestamp> = epoch.gops.iter().map(Group::begins_at).collect();
        Some(Rhythm {
            pictures_per_s: (pictures - 1) as f64 / span.as_secs_f64(),
            span,
            key_distance: begins.windows(2).map(|pair| pair[1].since(pair[0])).max(),
            pixel_aspect: epoch.format.pixel_aspect(),
        })
    }

    /// Times of the oldest and the newest unit.
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        self.lock().span()
    }

    /// Starts to record `span`: what is in the ring is taken now, the rest as it arrives.
    ///
    /// If the ring holds several epochs, the newest one that begins before the span's end is taken.
    pub fn record(&self, span: ClipSpan) -> Result<ClipRecorder, ClipError> {
        if span.to <= span.from {
            return Err(ClipError::EmptySpan { from: span.from, to: span.to });
        }
        let mut state = self.lock();
        state.recorders.retain(|cell| cell.strong_count() > 0);
        if state.recorders.len() >= self.limits.recorders {
            return Err(ClipError::TooManyRecorders { limit: self.limits.recorders });
        }
        let cell = Arc::new(RecorderCell::new(span, self.limits.clip_bytes));
        if let Some(epoch) = state.epoch_for(span) {
            epoch.feed(&cell, span);
            if let Some(end) = epoch.end {
                cell.end(end);
            }
        }
        if !cell.is_complete() {
            state.recorders.push(Arc::downgrade(&cell));
        }
        Ok(ClipRecorder::new(cell))
    }

    /// Shows the video as it comes, from the latest key picture on that decoding can begin with. `wake` is called when there
    /// is something to take.
    pub fn view(&self, wake: Wake) -> Box<dyn Viewing> {
        Box::new(View::new(self.units(wake)))
    }

    /// The units as they come, from the latest one on that decoding can begin with.
    pub(crate) fn units(&self, wake: Wake) -> Units {
        let mut state = self.lock();
        let cell = Arc::new(ViewCell::new(wake));
        if let Some(epoch) = state.epochs.back().filter(|epoch| epoch.end.is_none()) {
            let first = epoch.gops.iter().rposition(|gop| gop.units()[0].entry == Entry::Clean);
            let since = epoch.gops.iter().skip(first.unwrap_or(epoch.gops.len()));
            since.flat_map(Group::units).for_each(|unit| cell.offer(unit, &epoch.format));
        }
        state.views.push(Arc::downgrade(&cell));
        Units::new(cell)
    }

    /// Whether pictures of the present connection come in another order than they are shown.
    pub(crate) fn has_reordering(&self) -> bool {
        self.lock().epochs.back().is_some_and(|epoch| epoch.has_reordering)
    }

    /// Hands over all units from now on.
    pub(crate) fn keep(&self, cell: &Arc<FootageCell>) {
        self.lock().footage = Some(Arc::downgrade(cell));
    }

    /// The codec of the latest connection, and width and height of its coded pictures.
    pub(crate) fn coded_size(&self) -> Option<(String, u32, u32)> {
        let state = self.lock();
        let format = &state.epochs.back()?.format;
        Some((format.codec.to_string(), format.width, format.height))
    }

    /// A new connection or format; the epoch before it, if any, must have been ended.
    pub(crate) fn begin_epoch(&self, format: StreamFormat) {
        let mut state = self.lock();
        state.end_epoch(EpochEnd::Interrupted);
        state.epochs.push_back(Epoch {
            format: Arc::new(format),
            gops: VecDeque::new(),
            newest: None,
            has_reordering: false,
            certificate: None,
            end: None,
        });
    }

    /// The current epoch is over; recorders that have begun are complete.
    pub(crate) fn end_epoch(&self, end: EpochEnd) {
        self.lock().end_epoch(end);
    }

    /// Takes a unit in, in decoding order.
    pub(crate) fn push(&self, mut unit: AccessUnit) {
        let mut state = self.lock();
        let Some(epoch) = state.epochs.back_mut().filter(|epoch| epoch.end.is_none()) else {
            state.level.refused += 1;
            return;
        };
        let size = unit.size_bytes();
        let is_open = epoch.gops.back().is_some();
        if !unit.is_key && !is_open {
            state.level.refused += 1;
            return;
        }
        unit.certificate = epoch.certificate.clone().filter(|_| unit.is_key);
        let brought = unit.buffer.map_readable().ok().and_then(|bytes| certificate_of(epoch.format.codec, &bytes));
        epoch.certificate = brought.or(epoch.certificate.take());
        epoch.has_reordering |= epoch.newest.is_some_and(|newest| unit.captured_at < newest);
        epoch.newest = epoch.newest.max(Some(unit.captured_at));
        let (format, has_reordering) = (epoch.format.clone(), epoch.has_reordering);
        if unit.is_key {
            epoch.gops.back_mut().into_iter().for_each(Group::settle);
            epoch.gops.push_back(Group::default());
        }
        if let Some(gop) = epoch.gops.back_mut() {
            gop.push(unit.clone());
        }
        state.level.taken += 1;
        state.level.units += 1;
        state.level.bytes += size;
        if let Some(cell) = state.footage.as_ref().and_then(Weak::upgrade) {
            cell.offer(&unit, &format);
        }
        state.views.retain(|cell| cell.upgrade().inspect(|cell| cell.offer(&unit, &format)).is_some());
        state.recorders.retain(|cell| match cell.upgrade() {
            Some(cell) => {
                cell.offer(&unit, &format, has_reordering);
                !cell.is_complete()
            }
            None => false,
        });
        self.evict(&mut state);
    }

    /// Evicts whole groups while the rest still spans the stated seconds, or the bytes are too many.
    fn evict(&self, state: &mut RingState) {
        loop {
            let Some((_, newest)) = state.span() else { return };
            let second = state.epochs.iter().flat_map(|epoch| &epoch.gops).nth(1).map(Group::begins_at);
            let is_too_old = second.is_some_and(|begins_at| newest.since(begins_at) >= self.limits.span);
            if !is_too_old && state.level.bytes <= self.limits.bytes {
                return;
            }
            state.evict_oldest_gop();
        }
    }

    fn lock(&self) -> MutexGuard<'_, RingState> {
        lock(&self.state)
    }
}

impl RingState {
    fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let oldest = self.epochs.iter().find_map(|epoch| epoch.gops.front())?.begins_at();
        let newest = self.epochs.iter().filter(|epoch| !epoch.gops.is_empty()).filter_map(|e| e.newest).next_back()?;
        Some((oldest, newest))
    }

    /// The newest epoch that has units before the span's end, else the current one.
    fn epoch_for(&self, span: ClipSpan) -> Option<&Epoch> {
        let begins_before_end = |epoch: &&Epoch| epoch.gops.front().is_some_and(|gop| gop.begins_at() < span.to);
        self.epochs.iter().rev().find(begins_before_end)
    }

    fn end_epoch(&mut self, end: EpochEnd) {
        if end == EpochEnd::StreamEnded {
            self.views.drain(..).filter_map(|cell| cell.upgrade()).for_each(|cell| cell.end());
        }
        let Some(epoch) = self.epochs.back_mut().filter(|epoch| epoch.end.is_none()) else {
            return;
        };
        epoch.end = Some(end);
        let is_lost = end != EpochEnd::FormatChanged;
        if let Some(cell) = self.footage.as_ref().and_then(Weak::upgrade).filter(|_| is_lost) {
            cell.interrupt();
        }
        if epoch.gops.is_empty() {
            self.epochs.pop_back();
        }
        // A recorder that has no unit yet goes on waiting for the next epoch, unless there will be none.
        self.recorders.retain(|cell| {
            cell.upgrade().is_some_and(|cell| {
                cell.end(end);
                !cell.is_complete()
            })
        });
    }

    fn evict_oldest_gop(&mut self) {
        let Some(epoch) = self.epochs.iter_mut().find(|epoch| !epoch.gops.is_empty()) else { return };
        if let Some(gop) = epoch.gops.pop_front() {
            self.level.bytes -= gop.bytes();
            self.level.units -= gop.units().len();
            self.level.evicted += gop.units().len() as u64;
        }
        self.epochs.retain(|epoch| epoch.end.is_none() || !epoch.gops.is_empty());
    }
}

impl Epoch {
    /// Gives a recorder what is kept, from the last place to begin that is good enough at the span's beginning.
    fn feed(&self, cell: &RecorderCell, span: ClipSpan) {
        let first = self.first_group(span.from);
        for unit in self.gops.iter().skip(first).flat_map(Group::units) {
            cell.offer(unit, &self.format, self.has_reordering);
        }
    }

    /// The group with which a clip begins that is to be whole at `from`: the last that begins with a clean picture, because
    /// browsers play no others, unless that is too long ago; else the last whose pictures are whole by then.
    fn first_group(&self, from: Timestamp) -> usize {
        let is_clean = |gop: &Group| gop.units()[0].entry == Entry::Clean && gop.begins_at() <= from;
        let clean = self.gops.iter().rposition(is_clean);
        let is_near = |i: &usize| from.since(self.gops[*i].begins_at()) <= CLEAN_WITHIN;
        let is_whole = |i: &usize| {
            let lead_in = self.gops[*i].units()[0].entry.lead_in() as usize;
            let whole = self.gops.iter().skip(*i).flat_map(Group::units).nth(lead_in);
            whole.is_some_and(|unit| unit.captured_at <= from)
        };
        clean.filter(is_near).or_else(|| (0..self.gops.len()).rev().find(is_whole)).or(clean).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
