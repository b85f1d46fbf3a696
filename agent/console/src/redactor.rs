//! Copies of evidence: those in which faces, bystanders or plates are hidden, and small ones for browsers that cannot play the
//! clips. `forewarn evidence export` makes each, as a program of its
//! own with the least priority: the agent's decisions do not wait for it, and what it takes of memory ends with it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forewarn_base::child::{self, ChildError, Limits};
use forewarn_base::sync::lock;
use serde::Serialize;

use crate::job::{Busy, emptied};

/// A copy takes about as long as the clips are, on a small box several times as long.
const LIMITS: Limits = Limits { time: Duration::from_hours(1), output_bytes: 64 * 1024 };

/// What is hidden.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Hidden {
    Faces,
    PersonsButSubject,
    Plates,
    /// Nothing is: small copies of the clips that any browser plays.
    Nothing,
}

impl Hidden {
    /// As the command takes it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Faces => "faces",
            Self::PersonsButSubject => "persons-but-subject",
            Self::Plates => "plates",
            Self::Nothing => "nothing",
        }
    }
}

/// How far a copy has come.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub(crate) enum Progress {
    /// None is made of this incident.
    None,
    /// So many of its files are there.
    Running { hidden: Hidden, files: usize, of: usize },
    /// It can be taken out.
    Done { hidden: Hidden },
    /// It could not be made.
    Failed { hidden: Hidden, why: String },
}

/// The copy that is made, or was made last: one at a time, since each takes a processor for minutes.
#[derive(Debug)]
struct Job {
    incident: String,
    hidden: Hidden,
    to: PathBuf,
    of: usize,
    ended: Option<Result<(), String>>,
}

/// Makes copies, one at a time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Redactor(Arc<Mutex<Option<Job>>>);

/// What a copy is made of, and by whom.
#[derive(Debug)]
pub(crate) struct Order<'a> {
    pub incident: &'a str,
    pub bundle: &'a Path,
    pub hidden: Hidden,
    pub who: &'a str,
    /// The site whose device signs it.
    pub site_file: Option<&'a Path>,
    /// Where copies lie until they are taken out.
    pub scratch: &'a Path,
    /// The agent's own program.
    pub program: &'a Path,
}

impl Redactor {
    /// Begins to make a copy. The one that was made before goes.
    pub(crate) fn begin(&self, order: &Order<'_>) -> io::Result<Result<(), Busy>> {
        let mut job = lock(&self.0);
        if job.as_ref().is_some_and(|job| job.ended.is_none()) {
            return Ok(Err(Busy));
        }
        let name = if order.hidden == Hidden::Nothing { "previews" } else { "redacted" };
        let to = emptied(order.scratch, name)?;
        let command = command(order, &to);
        let of = files_in(order.bundle);
        *job = Some(Job { incident: order.incident.to_owned(), hidden: order.hidden, to, of, ended: None });
        drop(job);
        let jobs = Arc::clone(&self.0);
        let work = move || {
            let ended = run(command);
            if let Some(job) = lock(&jobs).as_mut() {
                job.ended = Some(ended);
            }
        };
        std::thread::Builder::new().name("redactor".to_owned()).spawn(work)?;
        Ok(Ok(()))
    }

    /// How far the copy of an incident has come.
    pub(crate) fn progress(&self, incident: &str) -> Progress {
        match lock(&self.0).as_ref().filter(|job| job.incident == incident) {
            None => Progress::None,
            Some(Job { hidden, to, of, ended: None, .. }) => {
                Progress::Running { hidden: *hidden, files: files_in(to).min(*of), of: *of }
            }
            Some(Job { hidden, ended: Some(Ok(())), .. }) => Progress::Done { hidden: *hidden },
            Some(Job { hidden, ended: Some(Err(why)), .. }) => Progress::Failed { hidden: *hidden, why: why.clone() },
        }
    }

    /// The folder of a copy that is done.
    pub(crate) fn done(&self, incident: &str) -> Option<(PathBuf, Hidden)> {
        let job = lock(&self.0);
        let job = job.as_ref().filter(|job| job.incident == incident && job.ended == Some(Ok(())))?;
        Some((job.to.clone(), job.hidden))
    }
}

fn command(order: &Order<'_>, to: &Path) -> Command {
    let mut command = child::idle(order.program);
    command.args(["evidence", "export"]).arg(order.bundle);
    command.arg("--out").arg(to).args(["--as", order.who, "--reason", "in the console"]);
    if order.hidden == Hidden::Nothing {
        command.arg("--preview");
        return command;
    }
    command.args(["--redact", order.hidden.as_str(), "--threads", "1"]);
    if let Some(site_file) = order.site_file {
        command.arg("--config").arg(site_file);
    }
    command
}

fn run(command: Command) -> Result<(), String> {
    let ended = child::run(command, &[], LIMITS).map_err(|error: ChildError| error.to_string())?;
    if ended.status.success() {
        return Ok(());
    }
    Err(ended.why())
}

fn files_in(dir: &Path) -> usize {
    fs::read_dir(dir).map(|entries| entries.filter_map(Result::ok).count()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use forewarn_domain::clock::Stopwatch;

    use super::*;

    /// A program in place of the agent's, and the end of what it makes.
    fn made_by(script: &str, hidden: Hidden) -> (Progress, Option<Vec<String>>) {
        let dir = tempfile::tempdir().unwrap();
        let (bundle, program) = (dir.path().join("bundle"), dir.path().join("forewarn"));
        fs::create_dir(&bundle).unwrap();
        fs::write(bundle.join("confirmed.jpg"), "").unwrap();
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let (redactor, scratch) = (Redactor::default(), dir.path().join("scratch"));
        let order = Order {
            incident: "i1",
            bundle: &bundle,
            hidden,
            who: "ann",
            site_file: Some(Path::new("site.toml")),
            scratch: &scratch,
            program: &program,
        };
        redactor.begin(&order).unwrap().unwrap();
        let watch = Stopwatch::start();
        while matches!(redactor.progress("i1"), Progress::Running { .. }) {
            assert!(watch.elapsed() < Duration::from_secs(30), "it does not end");
            std::thread::yield_now();
        }
        assert_eq!(redactor.progress("i2"), Progress::None);
        let kept = redactor
            .done("i1")
            .map(|(to, _)| fs::read_to_string(to.join("arguments")).unwrap().lines().map(str::to_owned).collect());
        (redactor.progress("i1"), kept)
    }

    #[test]
    fn a_copy_is_made_by_the_command_and_why_it_failed_is_told() {
        let tell = "mkdir -p \"$5\"; printf '%s\\n' \"$@\" > \"$5/arguments\"";
        let (done, arguments) = made_by(tell, Hidden::Faces);
        assert_eq!(done, Progress::Done { hidden: Hidden::Faces });
        let arguments = arguments.unwrap().join(" ");
        let of_redacted = " --as ann --reason in the console --redact faces --threads 1 --config site.toml";
        assert!(arguments.starts_with("evidence export ") && arguments.ends_with(of_redacted), "{arguments}");
        let (previewed, arguments) = made_by(tell, Hidden::Nothing);
        let arguments = arguments.unwrap().join(" ");
        assert!(arguments.ends_with("/previews --as ann --reason in the console --preview"), "{arguments}");
        assert_eq!(previewed, Progress::Done { hidden: Hidden::Nothing });
        let (failed, none) = made_by("echo 'forewarn: it is not sealed' >&2; exit 65", Hidden::Faces);
        let why = "forewarn: it is not sealed".to_owned();
        assert_eq!((failed, none), (Progress::Failed { hidden: Hidden::Faces, why }, None));
    }
}
