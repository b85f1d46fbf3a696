//! A clip of evidence decided twice: by the setting that lies in its bundle, and by the site as it is now or by another model.
//! `forewarn evidence replay` does each, as a program of its own with the least priority.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forewarn_base::child::{self, Limits};
use forewarn_base::sync::lock;
use serde::Serialize;
use serde_json::Value;

use crate::job::{Busy, emptied};

/// A clip is a minute at most; on a small box that is busy it takes several times as long.
const LIMITS: Limits = Limits { time: Duration::from_mins(15), output_bytes: 256 * 1024 };
/// The file of what is seen in each picture.
const SIGHTS: &str = "sights.jsonl";

/// One of the two.
#[cfg_attr(test, derive(utoipa::ToSchema), schema(rename_all = "snake_case"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// By the setting that lies in the bundle.
    Kept,
    /// By the site as it is now, or by another model.
    Now,
}

impl Side {
    const BOTH: [Self; 2] = [Self::Kept, Self::Now];

    /// As a path names it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::BOTH.into_iter().find(|side| side.as_str() == name)
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Now => "now",
        }
    }
}

/// How one of them stands.
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Decision))]
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub(crate) enum Standing {
    /// It waits for its turn, or goes on.
    Running,
    /// It was decided.
    Done {
        /// As `forewarn evidence replay --json` tells it.
        #[cfg_attr(test, schema(value_type = Object))]
        answer: Value,
    },
    /// It could not be.
    Failed {
        /// Why.
        why: String,
    },
}

/// How both stand.
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = TwoDecisions))]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Told {
    /// The model of the second, where another one was asked for.
    model: Option<String>,
    kept: Standing,
    now: Standing,
}

#[derive(Debug)]
struct Job {
    incident: String,
    to: PathBuf,
    told: Told,
}

/// Decides clips twice, one at a time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Comparisons(Arc<Mutex<Option<Job>>>);

/// What is decided twice, and for whom.
#[derive(Debug)]
pub(crate) struct Order<'a> {
    pub incident: &'a str,
    pub bundle: &'a Path,
    pub who: &'a str,
    /// The site as it is now.
    pub site_file: Option<&'a Path>,
    /// Another model.
    pub model: Option<String>,
    /// Where what is seen lies until the next.
    pub scratch: &'a Path,
    /// The agent's own program.
    pub program: &'a Path,
}

impl Comparisons {
    /// Begins one. What came of the one before goes.
    pub(crate) fn begin(&self, order: &Order<'_>) -> io::Result<Result<(), Busy>> {
        let mut job = lock(&self.0);
        let is_running = |job: &Job| [&job.told.kept, &job.told.now].contains(&&Standing::Running);
        if job.as_ref().is_some_and(is_running) {
            return Ok(Err(Busy));
        }
        let to = emptied(order.scratch, "again")?;
        let commands = Side::BOTH.map(|side| (side, command(order, side, &to)));
        let told = Told { model: order.model.clone(), kept: Standing::Running, now: Standing::Running };
        *job = Some(Job { incident: order.incident.to_owned(), to, told });
        drop(job);
        let jobs = Arc::clone(&self.0);
        let work = move || {
            for (side, command) in commands {
                let ended = run(command);
                if let Some(job) = lock(&jobs).as_mut() {
                    *match side {
                        Side::Kept => &mut job.told.kept,
                        Side::Now => &mut job.told.now,
                    } = ended;
                }
            }
        };
        std::thread::Builder::new().name("again".to_owned()).spawn(work)?;
        Ok(Ok(()))
    }

    /// How the one of an incident stands.
    pub(crate) fn of(&self, incident: &str) -> Option<Told> {
        lock(&self.0).as_ref().filter(|job| job.incident == incident).map(|job| job.told.clone())
    }

    /// What is seen by one side, a JSON line for each picture, as far as it is there.
    pub(crate) fn sights(&self, incident: &str, side: Side) -> Option<String> {
        let folder =
            lock(&self.0).as_ref().filter(|job| job.incident == incident).map(|job| job.to.join(side.as_str()));
        fs::read_to_string(folder?.join(SIGHTS)).ok()
    }
}

fn command(order: &Order<'_>, side: Side, to: &Path) -> Command {
    let mut command = child::idle(order.program);
    command.args(["evidence", "replay", "--json", "--as", order.who, "--reason", "in the console"]);
    command.arg("--out").arg(to.join(side.as_str()));
    if side == Side::Now {
        command.args(order.site_file.map(|_| "--config")).args(order.site_file);
        command.args(order.model.as_ref().map(|_| "--model")).args(&order.model);
    }
    command.arg(order.bundle);
    command
}

/// A clip that comes out otherwise, or is too short to show it, has an answer as well.
fn run(command: Command) -> Standing {
    let ended = match child::run(command, &[], LIMITS) {
        Ok(ended) => ended,
        Err(error) => return Standing::Failed { why: error.to_string() },
    };
    match serde_json::from_slice(&ended.output) {
        Ok(answer) => Standing::Done { answer },
        Err(_) => Standing::Failed { why: ended.why() },
    }
}
