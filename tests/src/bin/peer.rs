//! Measures the agent beside a plain one in Python and prints a table.

#![expect(clippy::print_stdout, reason = "its output is for the one who runs it")]

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use forewarn_tests::peer::{self, HEADING, Options};

/// Runs the agent and a plain one in Python in turn on the same cameras, and prints what each takes.
#[derive(Debug, Parser)]
struct Args {
    /// Folder of the clips that `tests/peers/clips.py` has made.
    clips: PathBuf,
    /// The Python that has the packages of `tests/peers/requirements.txt`.
    #[arg(long)]
    python: PathBuf,
    /// The peer, `tests/peers/agent.py`.
    #[arg(long)]
    peer: PathBuf,
    /// The weights that both detect with.
    #[arg(long)]
    weights: PathBuf,
    /// How long each is measured, in seconds.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let options = Options {
        clips: args.clips,
        python: args.python,
        peer: args.peer,
        weights: args.weights,
        warm_up: Duration::from_secs(30),
        time: Duration::from_secs(args.seconds),
    };
    println!("{HEADING}");
    peer::run(&options, &mut |row| println!("{row}"))?;
    Ok(())
}
