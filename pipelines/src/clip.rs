//! Recording of a clip from the ring, and what came of it.
//!
//! A recorder takes units from the last key frame not after the span's beginning (or the oldest that is kept)
//! up to the last unit before the span's end, and as many later units as that one needs to be decoded. It ends
//! early, and says why, when the stream ends, is interrupted or changes its format, or at the limit of bytes.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use forewarn_base::sync::{held, lock};
use forewarn_domain::{ClipSpan, Timestamp};

use crate::mux::write_mp4;
use crate::ring::EpochEnd;
use crate::{AccessUnit, Codec, MissingElement, StreamFormat};

/// Pictures that a decoder may hold back to reorder them: ITU-T H.264, section A.3.1, `MaxDpbFrames`.
const MAX_REORDERED: usize = 16;

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

/// A clip that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClipInfo {
    /// When the first picture was taken; the clip's time zero.
    pub first_unit_at: Timestamp,
    /// When the last picture was taken.
    pub last_unit_at: Timestamp,
    /// Number of pictures.
    pub units: usize,
    /// Size of the file.
    pub bytes: u64,
    /// The codec.
    pub codec: Codec,
    /// Width of the coded picture in pixels.
    pub width: u32,
    /// Height of the coded picture in pixels.
    pub height: u32,
    /// How it ended.
    pub end: ClipEnd,
}

/// Why there is no clip.
#[derive(Debug, thiserror::Error)]
pub enum ClipError {
    /// The span's end is not after its beginning.
    #[error("the clip's span from {from} to {to} is empty")]
    EmptySpan {
        /// Beginning.
        from: Timestamp,
        /// End.
        to: Timestamp,
    },
    /// No access unit lies in the span.
    #[error("no video was kept between {from} and {to}; the stream was away or the ring is too short")]
    NoVideo {
        /// Beginning.
        from: Timestamp,
        /// End.
        to: Timestamp,
    },
    /// Too many clips at a time.
    #[error("{limit} clips of this stream are being recorded already; the limit is ring.recorders")]
    TooManyRecorders {
        /// The limit.
        limit: usize,
    },
    /// A missing element.
    #[error(transparent)]
    MissingElement(#[from] MissingElement),
    /// The file system refused.
    #[error("failed to write the clip {path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// The reason.
        source: std::io::Error,
    },
    /// GStreamer refused.
    #[error("failed to mux the clip {path}: {reason}")]
    Mux {
        /// The file.
        path: String,
        /// The reason.
        reason: String,
    },
}

#[derive(Debug)]
struct Recording {
    units: Vec<AccessUnit>,
    format: Option<Arc<StreamFormat>>,
    bytes: usize,
    /// Number of units up to the last one before the span's end.
    n_in_span: usize,
    end: Option<ClipEnd>,
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
        let state = Recording { units: Vec::new(), format: None, bytes: 0, n_in_span: 0, end: None };
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
        if !is_in_span && (!has_reordering || unit.is_key || n_after >= MAX_REORDERED) {
            return self.complete(state, ClipEnd::Complete);
        }
        if unit.is_key && unit.captured_at <= self.span.from {
            // The span lies ahead, so the clip begins here at the earliest.
            state.units.clear();
            (state.bytes, state.n_in_span) = (0, 0);
        }
        state.format.get_or_insert_with(|| format.clone());
        state.bytes += unit.size_bytes();
        state.units.push(unit.clone());
        if is_in_span {
            state.n_in_span = state.units.len();
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

    fn lock(&self) -> MutexGuard<'_, Recording> {
        lock(&self.state)
    }
}

/// Records one clip. Dropping it gives the units up.
pub struct ClipRecorder {
    cell: Arc<RecorderCell>,
}

impl fmt::Debug for ClipRecorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.cell.lock();
        write!(
            f,
            "ClipRecorder({} to {}, {} units, {:?})",
            self.span().from,
            self.span().to,
            state.units.len(),
            state.end
        )
    }
}

impl ClipRecorder {
    pub(crate) fn new(cell: Arc<RecorderCell>) -> Self {
        Self { cell }
    }

    /// The span that is recorded.
    pub fn span(&self) -> ClipSpan {
        self.cell.span
    }

    /// True once no further unit will be taken.
    pub fn is_complete(&self) -> bool {
        self.cell.is_complete()
    }

    #[cfg(test)]
    pub(crate) fn peek(&self) -> (Vec<AccessUnit>, Option<ClipEnd>) {
        let state = self.cell.lock();
        (state.units.clone(), state.end)
    }

    /// Waits until the clip is complete; false if `timeout` is over first.
    pub fn wait(&self, timeout: Duration) -> bool {
        let state = self.cell.lock();
        let waited = self.cell.completed.wait_timeout_while(state, timeout, |s| s.end.is_none());
        let (state, _) = held(waited);
        state.end.is_some()
    }

    /// Writes the units taken so far as MP4 to `path`, over a temporary file beside it that is renamed when it
    /// is whole and synced. An incomplete clip is cut where it is.
    ///
    /// Blocks for as long as muxing takes; call it from a thread that may.
    pub fn finish(self, path: &Path) -> Result<ClipInfo, ClipError> {
        let (format, units, end) = {
            let mut state = self.cell.lock();
            let n = state.n_in_span;
            state.units.truncate(n);
            let end = *state.end.get_or_insert(ClipEnd::FinishedEarly);
            (state.format.take(), std::mem::take(&mut state.units), end)
        };
        let ClipSpan { from, to } = self.cell.span;
        let no_video = ClipError::NoVideo { from, to };
        let (Some(format), Some(first)) = (format, units.first().map(|u| u.captured_at)) else { return Err(no_video) };
        // Pictures that are shown before the first key frame refer to pictures before it, which are not there.
        let units: Vec<AccessUnit> = units.into_iter().filter(|u| u.captured_at >= first).collect();
        let last = units.iter().map(|u| u.captured_at).max().unwrap_or(first);
        let bytes = write_mp4(&format, &units, path)?;
        let (codec, width, height) = (format.codec, format.width, format.height);
        Ok(ClipInfo { first_unit_at: first, last_unit_at: last, units: units.len(), bytes, codec, width, height, end })
    }
}
