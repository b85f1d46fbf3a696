//! Measures whether sealing delays decisions, and prints it.

#![expect(clippy::print_stdout, reason = "its output is for the one who runs it")]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

mod measure;

use measure::{MOST_RATIO, Options};

/// Runs the agent on one camera, in turns with seals and without, and prints how long decisions take in each. Ends with 1 if
/// sealing delays them.
#[derive(Debug, Parser)]
struct Args {
    /// The demo clip, scaled up to 1080p with bars at its sides.
    clip: PathBuf,
    /// Incidents; each of the ten turns lasts as many seconds.
    #[arg(long, default_value_t = 20)]
    incidents: usize,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let options = Options { clip: args.clip, incidents: args.incidents };
    let told = measure::run(&options, &mut |stage| eprintln!("sealing: without, then with the step `{stage}`"));
    match told {
        Ok(report) => {
            println!("{report}");
            let is_good = report.ratio() <= MOST_RATIO;
            println!("{}", if is_good { "good" } else { "NOT GOOD: sealing delays decisions" });
            if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("sealing: {error:#}");
            ExitCode::FAILURE
        }
    }
}
