//! Measures the agent beside a plain one in Python and prints a table.

#![expect(clippy::print_stdout, reason = "its output is for the one who runs it")]

use std::time::Duration;

use clap::Parser;
use forewarn_tests::peer::{self, HEADING, Options, Places};

/// Runs the agent and a plain one in Python in turn on the same cameras, and prints what each takes.
#[derive(Debug, Parser)]
struct Args {
    #[command(flatten)]
    places: Places,
    /// How long each is measured, in seconds.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let options =
        Options { places: args.places, warm_up: Duration::from_secs(30), time: Duration::from_secs(args.seconds) };
    println!("{HEADING}");
    peer::run(&options, &mut |row| println!("{row}"))?;
    Ok(())
}
