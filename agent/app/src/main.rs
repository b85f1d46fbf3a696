//! The `forewarn` command: reads what was typed, runs it, and says with its exit code how it went.
//!
//! Exit codes: 0 done, 1 failed, 2 usage, 64 bad configuration, 65 bad input, 69 something needed is missing.

#![expect(unreachable_pub, reason = "in a binary, `pub` says what a module offers to the others")]

mod cli;
mod cmd;
mod demo;
mod detector;
mod evaluate;
mod evidence_folder;
mod exit;
mod frames;
mod happening;
mod live;
mod look;
mod operator;
mod replay;
mod tracks_file;

use std::io::IsTerminal as _;
use std::process;

use clap::Parser as _;
use forewarn_config as config;
use forewarn_telemetry as telemetry;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, Registry, fmt};

use crate::cli::{Cli, Command};
use crate::exit::{CommandResult, ExitCode, OrExit as _};

fn main() -> process::ExitCode {
    // First of all: as long as there is one thread, the environment may be changed.
    forewarn_models::runtime::forbid_telemetry();
    let cli = Cli::parse();
    if keeps_people(&cli.command) {
        // What is written shows faces and plates: it is for its owner alone, whoever writes it.
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    }
    match start_log(&cli).and_then(|()| dispatch(cli.command)) {
        Ok(()) => process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("forewarn: {error}");
            process::ExitCode::from(error.code as u8)
        }
    }
}

/// Whether a command writes what shows people, or tells of them.
fn keeps_people(command: &Command) -> bool {
    matches!(
        command,
        Command::Run(_) | Command::Replay(_) | Command::Demo(_) | Command::Feedback(_) | Command::Suppress(_)
    )
}

/// What is logged. A word alone is a level: as a module it would silence everything else, and so would a slip in it.
fn log_filter(text: &str) -> Result<Targets, String> {
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

fn start_log(cli: &Cli) -> CommandResult {
    let filter = log_filter(&cli.log).map_err(|error| exit::CommandError {
        code: ExitCode::Usage,
        error: anyhow::anyhow!("--log: {error}; write a level such as `info`, or `info,module=debug`"),
    })?;
    let lines = fmt::layer().with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr);
    let lines = if cli.log_json { lines.json().boxed() } else { lines.with_target(false).boxed() };
    Registry::default()
        .with(lines.with_filter(filter))
        .try_init()
        .map_err(|error| anyhow::anyhow!("failed to start the log: {error}"))
        .or_exit(ExitCode::Failed)
}

fn dispatch(command: Command) -> CommandResult {
    match command {
        Command::Run(args) => cmd::run::run(&args),
        Command::Check(args) => cmd::check::run(&args),
        Command::Reload(args) => cmd::reload::run(&args),
        Command::Snapshot(args) => cmd::snapshot::run(&args),
        Command::Replay(args) => cmd::replay::run(&args),
        Command::Detect(args) => cmd::detect::run(&args),
        Command::Models(args) => cmd::models::run(args),
        Command::Sim(args) => cmd::sim::run(args),
        Command::Demo(args) => demo::run(&args),
        Command::Evidence(args) => cmd::evidence::run(&args),
        Command::Evaluate(args) => cmd::evaluate::run(&args),
        Command::Config(args) => cmd::config::run(&args),
        Command::Dataset(args) => cmd::dataset::run(&args),
        Command::Bench(args) => cmd::bench::run(&args),
        Command::Feedback(args) => cmd::feedback::run(&args),
        Command::Suppress(args) => cmd::suppress::run(&args),
        Command::Heatmap(args) => cmd::heatmap::run(&args),
        Command::Index(args) => cmd::index::run(&args),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_no_level_silences_nothing() {
        for text in ["warn", "INFO", "info,forewarn_report=debug", "off", ""] {
            assert!(log_filter(text).is_ok(), "{text}");
        }
        for text in ["loud", "info,forewarn_report", "inf", "info,x=loud"] {
            assert!(log_filter(text).is_err(), "{text}");
        }
        assert!(log_filter("").unwrap().would_enable("forewarn", &tracing::Level::WARN));
        assert!(!log_filter("info").unwrap().would_enable("rumqttc", &tracing::Level::WARN));
        assert!(log_filter("info,rumqttc=debug").unwrap().would_enable("rumqttc", &tracing::Level::DEBUG));
    }
}
