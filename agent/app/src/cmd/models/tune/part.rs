//! A process of this program that measures with one ONNX Runtime library: a process has one, and a provider that crashes
//! takes no more with it than its own process. One that hangs is waited for only so long.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use anyhow::Context as _;
use forewarn_base::thread::Thread;
use forewarn_models::runtime::LIBRARY_VARIABLE;
use forewarn_models::tune::{OpenWay, Way};
use forewarn_models::{Card, Store};
use serde::{Deserialize, Serialize};

use crate::config::{self, ConfigError, card};
use crate::exit::CommandResult;

/// A provider may compile a card for minutes when it is opened, and at the first look.
const OPENED_WITHIN: Duration = Duration::from_mins(10);
const LOOKED_WITHIN: Duration = Duration::from_mins(2);

/// Where a card is read from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Origin {
    /// What a site names.
    Site {
        /// The site file.
        path: PathBuf,
    },
    /// A built-in card, or a file in a folder.
    Named {
        /// The name, or the path in the folder.
        name: String,
        /// The folder.
        directory: PathBuf,
    },
}

/// What the process is told, a line each.
#[derive(Debug, Serialize, Deserialize)]
enum Order {
    /// Open a card by a way.
    Open { origin: Origin, way: Way },
    /// Look once by what was opened, counted from 0.
    Look { index: usize },
}

/// What it answers, a line each.
#[derive(Debug, Serialize, Deserialize)]
enum Answer {
    Opened,
    Took(Took),
    Failed(String),
}

/// What one look took.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Took {
    /// From the frame to the boxes, in microseconds.
    pub(super) look_us: u32,
    /// Processor time of all threads meanwhile, in microseconds.
    pub(super) processor_us: u32,
}

/// The process as the one that started it sees it; it ends when this is dropped.
pub(super) struct Part {
    child: Child,
    orders: ChildStdin,
    /// Its lines; none any more once it has ended.
    answers: Receiver<String>,
    opened: usize,
    /// Whether it did not answer in time: then it may be in its driver, out of which not even a signal brings it.
    hangs: bool,
}

impl Part {
    /// Starts one that loads `library`.
    pub(super) fn start(library: &Path) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("failed to find the own program")?;
        let mut command = Command::new(&program);
        command.args(["--log", "error", "models", "tune", "--measures"]).env(LIBRARY_VARIABLE, library);
        Self::of(command)
    }

    /// By a command that answers orders.
    fn of(mut command: Command) -> anyhow::Result<Self> {
        let program = PathBuf::from(command.get_program());
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.with_context(|| format!("failed to start {}", program.display()))?;
        let orders = child.stdin.take().context("a process without an input was started")?;
        let output = BufReader::new(child.stdout.take().context("a process without an output was started")?);
        let (to_asker, answers) = sync_channel(1);
        // It ends with the process, whose output it reads, and is waited for by nobody.
        Thread::spawn("tune-answers", move || {
            let _ = output.lines().map_while(Result::ok).try_for_each(|line| to_asker.send(line));
        })?;
        Ok(Self { child, orders, answers, opened: 0, hangs: false })
    }

    /// Opens a card by a way; returns the number by which it is looked with.
    pub(super) fn open(&mut self, origin: &Origin, way: &Way) -> Result<usize, String> {
        match self.ask(&Order::Open { origin: origin.clone(), way: way.clone() }, OPENED_WITHIN)? {
            Answer::Opened => {
                self.opened += 1;
                Ok(self.opened - 1)
            }
            answer => Err(unexpected(answer)),
        }
    }

    /// Looks once.
    pub(super) fn look(&mut self, index: usize) -> Result<Took, String> {
        match self.ask(&Order::Look { index }, LOOKED_WITHIN)? {
            Answer::Took(took) => Ok(took),
            answer => Err(unexpected(answer)),
        }
    }

    fn ask(&mut self, order: &Order, within: Duration) -> Result<Answer, String> {
        if self.hangs {
            return Err("the process that measures on this library hangs since another way was tried".to_owned());
        }
        let asked = serde_json::to_string(order).map_err(|error| error.to_string())?;
        let told = writeln!(self.orders, "{asked}").map_err(|_| RecvTimeoutError::Disconnected);
        match told.and_then(|()| self.answers.recv_timeout(within)) {
            Ok(line) => serde_json::from_str(&line).map_err(|error| error.to_string()),
            Err(RecvTimeoutError::Timeout) => {
                self.hangs = true;
                let minutes = within.as_secs() / 60;
                Err(format!(
                    "it gave no answer within {minutes} min, as where a driver hangs, and is waited for no longer; `dmesg` may say why"
                ))
            }
            // The provider, or what it loads, took the process with it.
            Err(RecvTimeoutError::Disconnected) => Err(match self.child.wait() {
                Ok(status) => format!("the process that measured it ended with {status}"),
                Err(error) => format!("the process that measured it is lost: {error}"),
            }),
        }
    }
}

fn unexpected(answer: Answer) -> String {
    match answer {
        Answer::Failed(why) => why,
        other => format!("an answer to something else came: {other:?}"),
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // It waits for the next order, or has ended, or hangs; there is nothing that it could lose.
        let wait = |child: &mut Child| if self.hangs { child.try_wait().map(drop) } else { child.wait().map(drop) };
        let ended = self.child.kill().and_then(|()| wait(&mut self.child));
        if let Err(error) = ended {
            tracing::warn!(%error, "a process that measured a model did not end");
        }
    }
}

/// Measures until nobody asks any more.
pub(super) fn serve() -> CommandResult {
    let store = Store::locate();
    let mut open = Vec::new();
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let answer = match serde_json::from_str(&line?)? {
            Order::Open { origin, way } => match found(&origin).and_then(|card| OpenWay::open(&way, &card, &store)) {
                Ok(way) => {
                    open.push(way);
                    Answer::Opened
                }
                Err(why) => Answer::Failed(why),
            },
            Order::Look { index } => look(open.get_mut(index)),
        };
        writeln!(out, "{}", serde_json::to_string(&answer)?)?;
        out.flush()?;
    }
    Ok(())
}

fn found(origin: &Origin) -> Result<Card, String> {
    match origin {
        Origin::Site { path } => config::load(path).map(|site| site.model.card).map_err(|errors| errors.to_string()),
        Origin::Named { name, directory } => {
            card::find(name, directory).map_err(|error| ConfigError::from(error).to_string())
        }
    }
}

fn look(way: Option<&mut OpenWay>) -> Answer {
    let micros = |took: std::time::Duration| u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
    match way.map(OpenWay::look) {
        Some(Ok(took)) => Answer::Took(Took { look_us: micros(took.look), processor_us: micros(took.processor) }),
        Some(Err(why)) => Answer::Failed(why),
        None => Answer::Failed("nothing is open by that number".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(script: &str, within: Duration) -> (Part, Result<Answer, String>) {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let mut part = Part::of(command).unwrap();
        let answer = part.ask(&Order::Look { index: 0 }, within);
        (part, answer)
    }

    #[test]
    fn a_process_that_hangs_is_told_and_not_asked_again() {
        let (mut part, answer) = asked("exec sleep 600", Duration::from_millis(50));
        assert!(answer.unwrap_err().contains("as where a driver hangs"));
        assert!(part.look(0).unwrap_err().contains("hangs since another way"));
    }

    #[test]
    fn a_process_that_ends_is_told_with_how_and_one_that_answers_is_heard() {
        let (_part, answer) = asked("read order; exit 3", LOOKED_WITHIN);
        assert!(answer.unwrap_err().contains("ended with exit status: 3"));
        let answers = r#"read order; echo '{"Took":{"look_us":5,"processor_us":4}}'; read more"#;
        let (_part, answer) = asked(answers, LOOKED_WITHIN);
        assert!(matches!(answer, Ok(Answer::Took(Took { look_us: 5, processor_us: 4 }))));
    }
}
