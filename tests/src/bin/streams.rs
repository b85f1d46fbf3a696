//! Runs the agent on many cameras and prints how it fares.

#![expect(clippy::print_stdout, reason = "its output is for the one who runs it")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use forewarn_tests::many::{self, Options};
use forewarn_tests::site::QUICK_LOITERING;

/// Runs the agent on many cameras that show one clip, and prints memory, processor time, looks a second and the longest
/// time between two looks. Ends with 1 if a stream was looked at later than the agent promises, or memory grew.
#[derive(Debug, Parser)]
struct Args {
    /// The clip, H.264 or H.265 in MP4.
    clip: PathBuf,
    /// How many cameras.
    #[arg(long, default_value_t = 16)]
    streams: usize,
    /// How long, in seconds.
    #[arg(long, default_value_t = 150)]
    seconds: u64,
    /// Cores for decoding and for the models, in place of three quarters of the box.
    #[arg(long)]
    budget: Option<f64>,
    /// More keys of each camera, such as `tiles = "auto"`.
    #[arg(long, default_value = "")]
    keys: String,
}

/// Growth of memory that is noise: a decoder's pool that filled late.
const NOISE_MIB: f64 = 48.0;

fn main() -> ExitCode {
    let args = Args::parse();
    let tables = args.budget.map_or_else(String::new, |budget| format!("[inference]\nbudget = {budget:?}\n\n"));
    let options = Options {
        streams: args.streams,
        clip: args.clip,
        time: Duration::from_secs(args.seconds),
        every: Duration::from_secs(5),
        tables,
        keys: args.keys,
        rule: QUICK_LOITERING,
    };
    match many::run(&options, &mut |_| {}) {
        Ok(report) => {
            println!("{report}");
            let is_good = report.longest_gap_s() <= report.bound_s() && report.growth_mib() < NOISE_MIB;
            println!("{}", if is_good { "good" } else { "NOT GOOD: see above" });
            if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("streams: {error:#}");
            ExitCode::FAILURE
        }
    }
}
