//! Rehearsals: what a camera's footage would have raised with changes that are not saved. `forewarn rehearse` does each, as a
//! program of its own at the system's idle priority: the agent's decisions do not wait for it, and what it takes of memory ends
//! with it.

mod compare;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use forewarn_base::child::{self, ChildError, Limits};
use forewarn_base::private;
use forewarn_base::sync::lock;
use forewarn_wire::{RaisedLine, RehearsalLine};
use serde::Serialize;

use crate::job::{Busy, emptied};

pub(crate) use compare::{Row, compare};

/// What an hour of footage needs on a small box that is busy; what was looked at by then is told.
const LIMITS: Limits = Limits { time: Duration::from_mins(30), output_bytes: 1024 * 1024 };
/// The file in which the program writes what it finds.
const RESULTS: &str = "rehearsal.jsonl";

/// How a rehearsal stands.
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = RehearsalStanding))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub(crate) enum Standing {
    /// There is none of this camera.
    None,
    /// It goes on.
    Running,
    /// All the footage was looked at.
    Done,
    /// Somebody stopped it.
    Stopped,
    /// Its time was up.
    OutOfTime,
    /// It failed.
    Failed { why: String },
}

/// What a rehearsal has found so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Findings {
    /// From when to when there is footage.
    pub span_us: Option<(i64, i64)>,
    /// What lacks of it.
    pub gaps: Vec<[i64; 2]>,
    /// It was looked at so far.
    pub until_us: Option<i64>,
    /// What would have been raised.
    pub raised: Vec<RaisedLine>,
}

#[derive(Debug)]
struct Job {
    camera: String,
    to: PathBuf,
    stop: Arc<AtomicBool>,
    standing: Standing,
    thread: Option<JoinHandle<()>>,
}

/// Does rehearsals, one at a time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rehearsals(Arc<Mutex<Option<Job>>>);

/// What is rehearsed.
#[derive(Debug)]
pub(crate) struct Order<'a> {
    pub camera: &'a str,
    pub site_file: &'a Path,
    /// The changes as JSON; none for the site as it is.
    pub changes: Option<String>,
    pub minutes: u32,
    /// Where results lie until the next rehearsal.
    pub scratch: &'a Path,
    /// The agent's own program.
    pub program: &'a Path,
}

impl Rehearsals {
    /// Begins one. What came of the one before goes.
    pub(crate) fn begin(&self, order: &Order<'_>) -> io::Result<Result<(), Busy>> {
        self.wait_for_the_stopped();
        let mut job = lock(&self.0);
        if job.as_ref().is_some_and(|job| job.standing == Standing::Running) {
            return Ok(Err(Busy));
        }
        let to = emptied(order.scratch, "rehearsal")?;
        private::create_dirs(&to)?;
        let command = command(order, &to)?;
        let (jobs, stop) = (Arc::clone(&self.0), Arc::new(AtomicBool::new(false)));
        let is_stopped = Arc::clone(&stop);
        let work = move || {
            let ended = run(command, &is_stopped);
            if let Some(job) = lock(&jobs).as_mut() {
                job.standing = ended;
            }
        };
        // The thread cannot end before the job stands in its place: that is locked until then.
        let thread = Some(Builder::new().name("rehearsal".to_owned()).spawn(work)?);
        *job = Some(Job { camera: order.camera.to_owned(), to, stop, standing: Standing::Running, thread });
        Ok(Ok(()))
    }

    /// How the rehearsal of a camera stands, and what it has found so far.
    pub(crate) fn of(&self, camera: &str) -> (Standing, Findings) {
        let job = lock(&self.0);
        match job.as_ref().filter(|job| job.camera == camera) {
            None => (Standing::None, Findings::default()),
            Some(job) => (job.standing.clone(), findings(&job.to.join(RESULTS))),
        }
    }

    /// Stops the one of a camera; whether there was one.
    pub(crate) fn stop(&self, camera: &str) -> bool {
        let job = lock(&self.0);
        let running = job.as_ref().filter(|job| job.camera == camera && job.standing == Standing::Running);
        running.inspect(|job| job.stop.store(true, Ordering::Release)).is_some()
    }

    /// Stops what goes on, and waits until it is gone.
    pub(crate) fn end(&self) {
        if let Some(job) = lock(&self.0).as_ref() {
            job.stop.store(true, Ordering::Release);
        }
        self.wait_for_the_stopped();
    }

    /// What was stopped is gone within a moment.
    fn wait_for_the_stopped(&self) {
        let is_stopped = |job: &&mut Job| job.stop.load(Ordering::Acquire);
        let thread = lock(&self.0).as_mut().filter(is_stopped).and_then(|job| job.thread.take());
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread of a rehearsal panicked");
        }
    }

    /// A picture of what would have been raised, by its name.
    pub(crate) fn picture(&self, camera: &str, name: &str) -> Option<PathBuf> {
        let number = name.strip_suffix(".jpg").filter(|number| number.bytes().all(|b| b.is_ascii_digit()))?;
        let job = lock(&self.0);
        let job = job.as_ref().filter(|job| job.camera == camera)?;
        Some(job.to.join(format!("{number}.jpg"))).filter(|path| path.is_file())
    }
}

fn command(order: &Order<'_>, to: &Path) -> io::Result<Command> {
    let mut command = child::idle(order.program);
    command.args(["rehearse", "--camera", order.camera, "--last", &order.minutes.to_string(), "--config"]);
    command.arg(order.site_file).arg("--out").arg(to);
    if let Some(changes) = &order.changes {
        let file = to.join("changes.json");
        fs::write(&file, changes)?;
        command.arg("--changes").arg(file);
    }
    Ok(command)
}

fn run(command: Command, stop: &AtomicBool) -> Standing {
    match child::run_unless(command, &[], LIMITS, &|| stop.load(Ordering::Acquire)) {
        Ok(ended) if ended.status.success() => Standing::Done,
        Ok(ended) => Standing::Failed { why: ended.why() },
        Err(ChildError::Stopped { .. }) => Standing::Stopped,
        Err(ChildError::Timeout { .. }) => Standing::OutOfTime,
        Err(error) => Standing::Failed { why: error.to_string() },
    }
}

/// What stands in the file. Its last line may be half there.
fn findings(path: &Path) -> Findings {
    let mut found = Findings::default();
    let text = fs::read_to_string(path).unwrap_or_default();
    for line in text.lines().filter_map(|line| serde_json::from_str(line).ok()) {
        match line {
            RehearsalLine::Begun { from_us, to_us, gaps } => {
                (found.span_us, found.gaps) = (Some((from_us, to_us)), gaps);
            }
            RehearsalLine::Until { at_us } => found.until_us = Some(at_us),
            RehearsalLine::Raised(raised) => found.raised.push(raised),
            RehearsalLine::Done => found.until_us = found.span_us.map(|(_, to)| to),
        }
    }
    found
}
