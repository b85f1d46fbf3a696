//! Kills the agent and the broker at random moments, many times, and says whether a report was lost.

#![expect(clippy::print_stdout, reason = "its output is for the one who runs it")]

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;
use forewarn_tests::ForewarnBin;
use forewarn_tests::chaos::{self, Options};

/// Kills the agent and the broker with SIGKILL at random moments and says whether any report was lost.
///
/// Ends with 0 if nothing was lost, with 1 if something was or the run failed; then its folder is kept.
#[derive(Debug, Parser)]
struct Args {
    /// How many rounds.
    #[arg(long, default_value_t = 200)]
    rounds: u32,
    /// Seed of the random moments; a new one if absent.
    #[arg(long)]
    seed: Option<u64>,
    /// Folder for the run's files, which is kept; a temporary one if absent.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("chaos: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> anyhow::Result<bool> {
    let program = ForewarnBin::find()?;
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..1_000_000));
    let mut temporary = None;
    let dir = if let Some(dir) = &args.dir {
        let is_empty = std::fs::read_dir(dir).map_or(true, |mut entries| entries.next().is_none());
        anyhow::ensure!(is_empty, "{} is not empty", dir.display());
        std::fs::create_dir_all(dir).with_context(|| format!("failed to make {}", dir.display()))?;
        std::path::absolute(dir)?
    } else {
        let made = tempfile::Builder::new().prefix("forewarn-chaos-").tempdir().context("failed to make a folder")?;
        temporary.insert(made).path().to_owned()
    };
    println!("{} rounds with seed {seed} in {}", args.rounds, dir.display());
    let options = Options { rounds: args.rounds, seed };
    let outcome = chaos::run(&program, &dir, options, &mut |line| println!("{line}"));
    let is_good = outcome.as_ref().is_ok_and(chaos::Summary::is_good);
    if let Some(made) = temporary
        && !is_good
    {
        println!("the run's files are kept in {}", made.keep().display());
    }
    println!("\n{}", outcome?.table());
    println!("{}", if is_good { "nothing was lost" } else { "NOT GOOD: see above" });
    Ok(is_good)
}
