//! Measures what the agent is fast at, beside a plain one in Python where that is asked for, and prints the tables.

#![expect(clippy::print_stdout, reason = "its output is for the one who runs it")]

mod measured;

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use forewarn_tests::peer::{self, HEADING, Places};

/// Runs the agent and a plain one in Python in turn on the same cameras, then the agent by itself, and prints what each takes.
#[derive(Debug, Parser)]
struct Args {
    #[command(flatten)]
    places: Places,
    /// How long each is measured, in seconds.
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// How long each becomes warm before, in seconds.
    #[arg(long, default_value_t = 15)]
    warm_up: u64,
    /// Where the stacks of the agent on the busy street are put, as text.
    #[arg(long)]
    samples: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let time = Duration::from_secs(args.seconds);
    let of_peer = peer::Options { places: args.places.clone(), warm_up: Duration::from_secs(args.warm_up), time };
    println!("{HEADING}");
    peer::run(&of_peer, &mut |row| println!("{row}"))?;
    println!();
    let options = measured::Options { clips: args.places.clips, time, samples: args.samples };
    measured::run(&options, &mut |line| println!("{line}"))
}
