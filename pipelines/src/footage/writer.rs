//! The thread that writes the footage of one camera, and what it tells.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forewarn_base::sync::lock;
use forewarn_base::thread::{Thread, ThreadError};
use forewarn_domain::{Clock, StreamId, Timestamp};
use serde::Serialize;

use super::cell::{FootageCell, Item};
use super::minutes::{Minutes, Step};
use super::place::{Footage, mend};
use super::why::Why;

/// A disk that refused is tried again after this time.
const AGAIN_AFTER: Duration = Duration::from_secs(5);
/// What lacks for less is no gap.
const GAP_FROM: Duration = Duration::from_secs(1);
/// A stream that ends waits for so long for its last pictures to be written.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is counted of the footage of one camera.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct FootageCounts {
    /// Whether any is to be kept.
    pub is_kept: bool,
    /// Milliseconds of video that were kept.
    pub kept_ms: u64,
    /// Bytes that were written.
    pub bytes: u64,
    /// Gaps that are over, by reason, in the order of [`Why::ALL`].
    pub gaps: [u32; 3],
    /// Their length in all.
    pub gap_ms: [u64; 3],
}

impl FootageCounts {
    /// The same of a stream that goes on where `before` ended.
    #[must_use]
    pub(crate) fn after(self, before: Self) -> Self {
        Self {
            is_kept: self.is_kept,
            kept_ms: self.kept_ms + before.kept_ms,
            bytes: self.bytes + before.bytes,
            gaps: [0, 1, 2].map(|i| self.gaps[i] + before.gaps[i]),
            gap_ms: [0, 1, 2].map(|i| self.gap_ms[i] + before.gap_ms[i]),
        }
    }
}

/// What is told of the footage of one camera.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FootageNow {
    /// What is counted.
    pub counts: FootageCounts,
    /// Why nothing is written now; none if that which comes is.
    pub failing: Option<String>,
    /// When the latest picture was taken that is on the disk.
    pub kept_until: Option<Timestamp>,
}

struct Open {
    path: PathBuf,
    file: File,
    bytes: u64,
}

/// Writes the footage of one stream.
pub(crate) struct Writer {
    cell: Arc<FootageCell>,
    now: Arc<Mutex<FootageNow>>,
    thread: Thread,
}

impl Writer {
    /// Starts the thread of `camera`.
    pub(crate) fn start(camera: &StreamId, footage: Arc<Footage>, clock: Arc<dyn Clock>) -> Result<Self, ThreadError> {
        let counts = FootageCounts { is_kept: true, ..FootageCounts::default() };
        let now = Arc::new(Mutex::new(FootageNow { counts, ..FootageNow::default() }));
        let cell = Arc::<FootageCell>::default();
        let work = Work {
            camera: camera.clone(),
            footage,
            clock,
            minutes: Minutes::default(),
            open: None,
            broken: None,
            rests_until: None,
            now: Arc::clone(&now),
        };
        let of_thread = Arc::clone(&cell);
        let thread = Thread::spawn(format!("footage-{camera}"), move || work.run(&of_thread))?;
        Ok(Self { cell, now, thread })
    }

    /// What a ring hands units to.
    pub(crate) fn cell(&self) -> &Arc<FootageCell> {
        &self.cell
    }

    /// What is told now.
    pub(crate) fn now(&self) -> FootageNow {
        lock(&self.now).clone()
    }

    /// Waits for what has come to be written, as long as the disk answers.
    pub(crate) fn stop(&mut self) {
        self.cell.end();
        if self.cell.wait_done(PATIENCE) {
            let _ = self.thread.join();
        } else {
            tracing::warn!("the disk has not taken the last footage; it is left behind");
        }
    }
}

struct Work {
    camera: StreamId,
    footage: Arc<Footage>,
    clock: Arc<dyn Clock>,
    minutes: Minutes,
    open: Option<Open>,
    /// Why that which comes does not go on where the footage ended.
    broken: Option<Why>,
    rests_until: Option<Timestamp>,
    now: Arc<Mutex<FootageNow>>,
}

impl Work {
    fn run(mut self, cell: &FootageCell) {
        while let Some(items) = cell.take() {
            for item in items {
                self.take(item);
            }
        }
        let steps = self.interrupted();
        self.carry_out(steps);
        cell.done();
    }

    fn take(&mut self, item: Item) {
        let steps = match item {
            Item::Break(why) => {
                // What came before it is no part of the gap.
                let steps = self.interrupted();
                self.carry_out(steps);
                self.broken = self.broken.or(Some(why));
                return;
            }
            Item::Unit(..) if self.rests_until.is_some_and(|until| self.clock.now() < until) => return,
            Item::Unit(unit, format) => {
                self.rests_until = None;
                let clock = Arc::clone(&self.clock);
                self.minutes.take(unit, &format, &|at| clock.wall(at))
            }
        };
        self.carry_out(steps);
    }

    fn interrupted(&mut self) -> Vec<Step> {
        let clock = Arc::clone(&self.clock);
        self.minutes.interrupt(&|at| clock.wall(at))
    }

    /// Where one step fails, the next cannot be done.
    fn carry_out(&mut self, steps: Vec<Step>) {
        for step in steps {
            if let Err(why) = self.carry_out_one(step) {
                self.fail(why);
                return;
            }
        }
    }

    fn carry_out_one(&mut self, step: Step) -> Result<(), String> {
        if let Some(full) = self.footage.full().filter(|_| !matches!(step, Step::End)) {
            return Err(full);
        }
        let root = self.footage.root().display().to_string();
        let told = |error: io::Error| format!("the disk does not take footage in {root}: {error}");
        match step {
            Step::Begin { at, header } => {
                let (path, file) = self.footage.begin(&self.camera, at).map_err(told)?;
                let open = self.open.insert(Open { path, file, bytes: 0 });
                open.file.write_all(&header).map_err(told)?;
                open.bytes = header.len() as u64;
            }
            Step::Piece { bytes, from, to } => {
                let Some(open) = &mut self.open else { return Ok(()) };
                open.file.write_all(&bytes).map_err(told)?;
                open.bytes += bytes.len() as u64;
                self.footage.note(&open.path, open.bytes, true);
                self.kept(bytes.len() as u64, from, to);
            }
            Step::End => {
                if let Some(open) = self.open.take() {
                    self.footage.note(&open.path, open.bytes, false);
                    open.file.sync_data().map_err(told)?;
                }
            }
        }
        Ok(())
    }

    /// A piece is on the disk.
    fn kept(&mut self, bytes: u64, from: Timestamp, to: Timestamp) {
        let mut now = lock(&self.now);
        if now.failing.take().is_some() {
            tracing::info!(camera = %self.camera, "footage is kept again");
        }
        let before = now.kept_until;
        if let (Some(why), Some(until)) = (self.broken.take(), before) {
            let length = from.since(until);
            if length >= GAP_FROM {
                now.counts.gaps[why as usize] += 1;
                now.counts.gap_ms[why as usize] += length.as_millis() as u64;
                tracing::warn!(camera = %self.camera, why = why.as_str(), "footage lacks {:.1} s", length.as_secs_f64());
            }
        }
        // From one piece to the next, too, unless something lacks between them.
        let since = before.filter(|until| from.since(*until) < GAP_FROM).unwrap_or(from);
        now.counts.kept_ms += to.since(since).as_millis() as u64;
        now.counts.bytes += bytes;
        now.kept_until = before.max(Some(to));
    }

    /// What was begun is closed as far as it is whole, and after a while the next key picture is tried.
    fn fail(&mut self, why: String) {
        self.minutes.give_up();
        self.broken = self.broken.or(Some(Why::Disk));
        self.rests_until = Some(self.clock.now() + AGAIN_AFTER);
        if let Some(open) = self.open.take() {
            drop(open.file);
            let bytes = mend(&open.path).unwrap_or(open.bytes);
            self.footage.note(&open.path, bytes, false);
        }
        let mut now = lock(&self.now);
        if now.failing.is_none() {
            tracing::error!(camera = %self.camera, "no footage is kept: {why}");
        }
        now.failing = Some(why);
    }
}
