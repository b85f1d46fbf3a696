//! Does what goes wrong on a site some hundred times, and says whether descriptors, threads and memory stay flat.

#![expect(clippy::print_stdout, reason = "its output is for the one who runs it")]

use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use forewarn_tests::soak::{self, Load};

/// Runs every load in a process of its own, two at a time: connections that break, announcements that fail, models that are
/// exchanged, requests over HTTP. Ends with 1 if something grows with the rounds.
#[derive(Debug, Parser)]
struct Args {
    #[command(subcommand)]
    part: Option<Part>,
    /// Few rounds of each: half a minute in place of many.
    #[arg(long)]
    brief: bool,
    /// Only these loads.
    #[arg(long, value_name = "NAME")]
    only: Vec<Load>,
}

/// What the processes do that it starts.
#[derive(Debug, Subcommand)]
enum Part {
    /// Do one load.
    Load {
        /// Which.
        load: Load,
        /// How often.
        rounds: u32,
    },
    /// Serve clips as a camera.
    Camera {
        /// The clips.
        clips: Vec<PathBuf>,
    },
}

fn main() -> ExitCode {
    let args = Args::parse();
    let outcome = match args.part {
        Some(Part::Camera { clips }) => soak::serve_camera(clips, |url| println!("{url}")).map(|()| true),
        Some(Part::Load { load, rounds }) => endure(load, rounds),
        None => all(&args),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("soak: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn endure(load: Load, rounds: u32) -> anyhow::Result<bool> {
    let dir = tempfile::tempdir()?;
    let verdict = soak::endure(load, rounds, dir.path(), |n| {
        if rounds >= 100 && n % (rounds / 10) == 0 {
            eprintln!("{load}: {n} of {rounds}");
        }
    })?;
    println!("{verdict}");
    Ok(verdict.is_good())
}

/// Runs the loads, two at a time.
fn all(args: &Args) -> anyhow::Result<bool> {
    let wanted: Vec<Load> = Load::all().filter(|load| args.only.is_empty() || args.only.contains(load)).collect();
    let (waiting, failed) = (Mutex::new(wanted), Mutex::new(Vec::new()));
    let work = || {
        // The lock is given back before the load is run.
        while let Some(load) = { waiting.lock().unwrap_or_else(PoisonError::into_inner).pop() } {
            match run(load, args.brief) {
                Ok(true) => {}
                Ok(false) => failed.lock().unwrap_or_else(PoisonError::into_inner).push(load.to_string()),
                Err(error) => failed.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{load}: {error:#}")),
            }
        }
    };
    std::thread::scope(|scope| {
        for n in 0..2 {
            let spawned = std::thread::Builder::new().name(format!("load-{n}")).spawn_scoped(scope, work);
            spawned.context("failed to start a thread")?;
        }
        anyhow::Ok(())
    })?;
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!(
        "{}",
        if failed.is_empty() { "all is flat".to_owned() } else { format!("NOT GOOD: {}", failed.join(", ")) }
    );
    Ok(failed.is_empty())
}

/// Runs a load in a process of its own. Whether nothing grew.
fn run(load: Load, is_brief: bool) -> anyhow::Result<bool> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["load", &load.to_string(), &load.rounds(is_brief).to_string()]).stdin(Stdio::null());
    // An allocator that gives back what is freed shows what is kept.
    for (key, value) in
        [("MALLOC_ARENA_MAX", "1"), ("MALLOC_TRIM_THRESHOLD_", "131072"), ("MALLOC_MMAP_THRESHOLD_", "65536")]
    {
        command.env(key, value);
    }
    Ok(command.status().context("failed to start a load")?.success())
}
