//! The log: what is written of it, and that nobody ever waits for it.
//!
//! Whoever reads the log of a running agent may be stuck: a journal whose disk is full, a pipe that nobody empties, a
//! terminal that was halted. So a thread of its own writes; what it cannot take in time is left out and counted.

use std::io::{IsTerminal as _, Write as _};
use std::sync::OnceLock;
use std::time::Duration;

use forewarn_cli::{Cli, Command};
use forewarn_domain::Timestamp;
use forewarn_engine::Engine;
use forewarn_memory::{Due, Keeper};
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer as _, Registry, fmt};

use crate::exit::{CommandError, CommandResult, ExitCode, OrExit as _};
use crate::telemetry;

/// Lines that wait to be written, at most.
const WAITING_LINES: usize = 4096;
/// How often the lines that were left out are counted.
const EVERY: Duration = Duration::from_secs(1);
/// What counts the lines that were left out.
static LEFT_OUT: OnceLock<ErrorCounter> = OnceLock::new();

/// The log of this process. Dropping it writes what still waits, for a second at most.
pub struct Log {
    /// Where a running agent writes; other commands write straight to the terminal.
    patient: Option<(NonBlocking, WorkerGuard)>,
}

impl Log {
    /// Starts it.
    pub fn start(cli: &Cli) -> Result<Self, CommandError> {
        let filter = filter_of(&cli.log).map_err(|error| CommandError {
            code: ExitCode::Usage,
            error: anyhow::anyhow!("--log: {error}; write a level such as `info`, or `info,module=debug`"),
        })?;
        let lines = fmt::layer().with_ansi(std::io::stderr().is_terminal());
        if !matches!(cli.command, Command::Run(_)) {
            let lines = lines.with_writer(std::io::stderr);
            let lines = if cli.log_json { lines.json().boxed() } else { lines.with_target(false).boxed() };
            init(Registry::default().with(lines.with_filter(filter)))?;
            return Ok(Self { patient: None });
        }
        let (writer, guard) = NonBlockingBuilder::default()
            .thread_name("log")
            .buffered_lines_limit(WAITING_LINES)
            .lossy(true)
            .finish(std::io::stderr());
        LEFT_OUT.get_or_init(|| writer.error_counter());
        let lines = lines.with_writer(writer.clone());
        let lines = if cli.log_json { lines.json().boxed() } else { lines.with_target(false).boxed() };
        init(Registry::default().with(lines.with_filter(filter)))?;
        Ok(Self { patient: Some((writer, guard)) })
    }

    /// Says why a command failed.
    pub fn fail(&mut self, error: &CommandError) {
        match &mut self.patient {
            // A line that cannot be taken is counted.
            Some((writer, _)) => drop(writer.write_all(format!("forewarn: {error}\n").as_bytes())),
            None => note(format_args!("forewarn: {error}")),
        }
    }
}

/// Says a line to whoever started the command. That nobody listens any more, or that the disk behind it is full, changes
/// nothing of what the command does.
pub fn note(line: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn init(registry: impl SubscriberInitExt) -> CommandResult {
    registry.try_init().map_err(|error| anyhow::anyhow!("failed to start the log: {error}")).or_exit(ExitCode::Failed)
}

/// What is logged. A word alone is a level: as a module it would silence everything else, and so would a slip in it.
fn filter_of(text: &str) -> Result<Targets, String> {
    // A variable that is set to nothing says nothing.
    let text = if text.trim().is_empty() { "warn" } else { text };
    let levels = ["off", "error", "warn", "info", "debug", "trace"];
    for part in text.split(',').map(str::trim).filter(|part| !part.contains('=')) {
        if !levels.iter().any(|level| part.eq_ignore_ascii_case(level)) {
            return Err(format!("`{part}` is no level; there are {}", levels.join(", ")));
        }
    }
    let filter: Targets = text.parse().map_err(|error| format!("{error}"))?;
    // The client of brokers tells each refusal anew; the agent tells it once, in its own words.
    let is_asked = text.contains("rumqttc");
    Ok(if is_asked { filter } else { filter.with_target("rumqttc", LevelFilter::ERROR) })
}

/// Counts the lines that were left out, and tells it.
#[derive(Debug)]
pub struct LogWatch {
    due: Due,
    n_left_out: usize,
    is_behind: bool,
}

impl Default for LogWatch {
    fn default() -> Self {
        Self { due: Due::every(EVERY), n_left_out: 0, is_behind: false }
    }
}

impl LogWatch {
    fn count(&mut self, n_left_out: usize) {
        let n_new = n_left_out.saturating_sub(self.n_left_out);
        telemetry::LOG_LINES_LOST.of([]).increment(n_new as u64);
        (self.n_left_out, self.is_behind) = (n_left_out, n_new > 0);
    }
}

impl Keeper for LogWatch {
    fn name(&self) -> &'static str {
        "log"
    }

    fn turn(&mut self, _engine: &mut Engine, now: Timestamp) {
        if self.due.take(now)
            && let Some(left_out) = LEFT_OUT.get()
        {
            self.count(left_out.dropped_lines());
        }
    }

    fn trouble(&self) -> Option<String> {
        // Without the number, so that it is told once.
        self.is_behind.then(|| "lines of the log are left out: whoever reads it is stuck, or too slow".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_no_level_silences_nothing() {
        for text in ["warn", "INFO", "info,forewarn_report=debug", "off", ""] {
            assert!(filter_of(text).is_ok(), "{text}");
        }
        for text in ["loud", "info,forewarn_report", "inf", "info,x=loud"] {
            assert!(filter_of(text).is_err(), "{text}");
        }
        assert!(filter_of("").unwrap().would_enable("forewarn", &tracing::Level::WARN));
        assert!(!filter_of("info").unwrap().would_enable("rumqttc", &tracing::Level::WARN));
        assert!(filter_of("info,rumqttc=debug").unwrap().would_enable("rumqttc", &tracing::Level::DEBUG));
    }

    #[test]
    fn lines_that_were_left_out_are_a_trouble_while_more_are() {
        let mut watch = LogWatch::default();
        watch.count(0);
        assert_eq!(watch.trouble(), None);
        watch.count(7);
        assert!(watch.trouble().is_some_and(|told| told.contains("left out")));
        watch.count(7);
        assert_eq!(watch.trouble(), None);
    }
}
