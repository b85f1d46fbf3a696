//! Measures what the console costs, and whether those who look delay decisions, and prints it.

#![expect(clippy::print_stdout, reason = "its output is for the one who runs it")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

mod measure;

use measure::Options;

/// Runs the agent on one camera: nobody looks, one looks live, and in turns nobody and ten do. Prints the processor time of the
/// console's threads, and how long decisions take. Ends with 1 where either is more than it may be.
#[derive(Debug, Parser)]
struct Args {
    /// The demo clip, scaled up to 1080p at 25 pictures a second.
    clip: PathBuf,
    /// Each of the twelve turns lasts so long.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let options = Options { clip: args.clip, turn: Duration::from_secs(args.seconds) };
    match measure::run(&options, &mut |turn| eprintln!("looking: {turn}")) {
        Ok(report) => {
            println!("{report}");
            let faults = report.faults();
            println!(
                "{}",
                if faults.is_empty() { "good".to_owned() } else { format!("NOT GOOD: {}", faults.join("; ")) }
            );
            if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("looking: {error:#}");
            ExitCode::FAILURE
        }
    }
}
