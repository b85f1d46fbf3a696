//! The `forewarn` command: reads what was typed, runs it, and says with its exit code how it went.
//!
//! Exit codes: 0 done, 1 failed, 2 usage, 64 bad configuration, 65 bad input, 69 something needed is missing.

#![expect(unreachable_pub, reason = "in a binary, `pub` says what a module offers to the others")]

mod cmd;
mod demo;
mod detector;
mod evaluate;
mod evidence_folder;
mod exit;
mod frames;
mod happening;
mod live;
mod log;
mod look;
mod operator;
mod replay;
mod tracks_file;

use std::process;

use clap::Parser as _;
use forewarn_cli::{Cli, Command};
use forewarn_config as config;
use forewarn_domain::clock::wall_now;
use forewarn_telemetry as telemetry;
use forewarn_upkeep::command::Asked;

use crate::exit::{CommandError, CommandResult, ExitCode, OrExit as _};
use crate::log::Log;

fn main() -> process::ExitCode {
    // First of all: as long as there is one thread, the environment may be changed.
    forewarn_models::runtime::forbid_telemetry();
    let cli = Cli::parse();
    if cli.command.keeps_people() {
        // What is written shows faces and plates: it is for its owner alone, whoever writes it.
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    }
    let mut log = match Log::start(&cli) {
        Ok(log) => log,
        Err(error) => {
            log::note(format_args!("forewarn: {error}"));
            return process::ExitCode::from(error.code as u8);
        }
    };
    match dispatch(cli.command) {
        Ok(()) => process::ExitCode::SUCCESS,
        // `| head` has seen enough.
        Err(error) if error.is_of_a_reader_who_left() => process::ExitCode::SUCCESS,
        Err(error) => {
            log.fail(&error);
            process::ExitCode::from(error.code as u8)
        }
    }
}

fn dispatch(command: Command) -> CommandResult {
    if let Some(bundle) = command.bundle_to_be_spoilt() {
        let bundle = bundle.display();
        let error =
            anyhow::anyhow!("{bundle} is a bundle of evidence, and a further file would spoil it; write elsewhere");
        return Err(error).or_exit(ExitCode::BadInput);
    }
    match command {
        Command::Run(args) => cmd::run::run(&args),
        Command::Check(args) => cmd::check::run(&args),
        Command::Reload(args) => cmd::reload::run(&args),
        Command::Say(args) => cmd::say::run(&args),
        Command::Snapshot(args) => cmd::snapshot::run(&args),
        Command::Replay(args) => cmd::replay::run(&args),
        Command::Rehearse(args) => cmd::rehearse::run(&args),
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
        Command::Stats(args) => cmd::index::stats(&args),
        Command::Key(args) => cmd::key::run(&args),
        Command::Mission(args) => {
            let told =
                (&mut std::io::stdout() as &mut dyn std::io::Write, &mut std::io::stderr() as &mut dyn std::io::Write);
            forewarn_mission::command::run(&args, wall_now(), told).map_err(CommandError::of_mission)
        }
        Command::Update(args) => cmd::update::run(&args),
        Command::Clip(args) => cmd::upkeep::run(Asked::Clip(&args)),
        Command::Backup(args) => cmd::upkeep::run(Asked::Backup(&args)),
        Command::Restore(args) => cmd::upkeep::run(Asked::Restore(&args)),
        Command::Support(args) => cmd::upkeep::run(Asked::Support(&args)),
    }
}
