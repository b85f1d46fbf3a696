//! The project's chores, `cargo xtask COMMAND`: set-up, demo, tests, tidy, bench, chaos, soak, evaluate, diagram,
//! dist.
//!
//! This crate imports none of the others and needs nothing but Rust, because it is what installs the rest.

mod assets;
mod bench;
mod compile;
mod demo;
mod dist;
mod evaluate;
mod flame;
mod metadata;
mod peer;
mod pictures;
mod setup;
mod suite;
mod tidy;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use workspace::{Profile, Workspace};

/// Forewarn's chores.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Install the system packages that are missing (Debian, Ubuntu and their kin)
    #[command(after_help = "Examples:\n  cargo xtask setup\n  cargo xtask setup --dry-run")]
    Setup {
        /// Only say what would be installed.
        #[arg(long)]
        dry_run: bool,
    },
    /// Set up, build, and fetch the ONNX Runtime library, the models and the demo clip; nothing twice
    #[command(after_help = "Examples:\n  cargo xtask assets\n  cargo xtask assets --page   (takes Node.js and npm)")]
    Assets {
        /// Build the console's page anew from its sources instead; what is built is committed.
        #[arg(long)]
        page: bool,
    },
    /// Say what is missing and how long it takes, set up, build, fetch, and run `forewarn demo`
    #[command(
        after_help = "Examples:\n  cargo xtask demo\n  cargo xtask demo --fast\n  cargo xtask demo --fast --json"
    )]
    Demo {
        /// Arguments of `forewarn demo`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
        args: Vec<String>,
    },
    /// Set up, fetch and run every test of the workspace
    #[command(after_help = "Examples:\n  cargo xtask test\n  cargo xtask test loudspeaker")]
    Test {
        /// Only tests whose name contains this.
        filter: Option<String>,
    },
    /// Check formatting, lints, imports, offers, metrics, words, module docs, sizes, texts, links and licences
    #[command(after_help = "Examples:\n  cargo xtask tidy\n  cargo xtask tidy --quick   (what needs no compiler)")]
    Tidy {
        /// Leave out clippy, which compiles the workspace.
        #[arg(long)]
        quick: bool,
    },
    /// Measure the release build beside a plain agent in Python, by itself and with many cameras, and draw a flame graph; ten minutes
    #[command(
        after_help = "Examples:\n  cargo xtask bench\n  cargo xtask bench --frames 500\n  cargo xtask bench --criterion\n  cargo xtask bench --streams 16\n  cargo xtask bench --peer\n  cargo xtask bench --evidence\n  cargo xtask bench --console"
    )]
    Bench {
        /// Print milliseconds by stage instead, of so many frames of the demo clip and of the same in 1080p.
        #[arg(long, value_name = "N", conflicts_with_all = ["criterion", "streams", "peer", "evidence", "console"])]
        frames: Option<u32>,
        /// Run the crates' own benchmarks instead.
        #[arg(long)]
        criterion: bool,
        /// Run the agent on so many 1080p cameras instead, and say whether all are looked at in time.
        #[arg(long, value_name = "N", conflicts_with = "criterion")]
        streams: Option<u32>,
        /// How long it runs on them, in seconds.
        #[arg(long, default_value_t = 150, requires = "streams")]
        seconds: u32,
        /// Run a plain agent in Python and this one in turn on the same cameras instead, some six minutes.
        #[arg(long, conflicts_with_all = ["criterion", "streams"])]
        peer: bool,
        /// Measure what evidence costs instead: bytes, processor time, and whether sealing delays decisions.
        #[arg(long, conflicts_with_all = ["criterion", "streams", "peer"])]
        evidence: bool,
        /// Measure the console instead: its cost, decisions while ten look, delay of live pictures, cards and first page.
        #[arg(long, conflicts_with_all = ["criterion", "streams", "peer", "evidence"])]
        console: bool,
        /// How long each is measured on each camera, in seconds.
        #[arg(long)]
        each: Option<u32>,
    },
    /// Make what is installed: a Debian package, a tarball, checksums, a bill of materials, notices
    #[command(
        after_help = "Examples:\n  cargo xtask dist\n  cargo xtask dist --offline\n  cargo xtask dist --image\n  cargo xtask dist --quick --try\n  cargo xtask dist --target arm64 --try"
    )]
    Dist {
        /// Pack the demo's program, which is built in minutes.
        #[arg(long)]
        quick: bool,
        /// Pack this program, as it is, and build none.
        #[arg(long, value_name = "FILE", conflicts_with = "quick")]
        program: Option<PathBuf>,
        /// Install, use, upgrade and purge it in a Debian of its own, made for that below `target` (root, some minutes); with
        /// --offline the bundle as well, in one without a network.
        #[arg(long = "try")]
        try_out: bool,
        /// Also one file with all that a box without a network needs: Debian's packages, runtime, models, voices.
        #[arg(long)]
        offline: bool,
        /// Also an image for container engines, with Debian's packages of the day; it takes none to make it.
        #[arg(long)]
        image: bool,
        /// For this processor; for another than this machine's, in Debians of its own below `target` (root).
        #[arg(long, value_enum, conflicts_with_all = ["program", "offline"])]
        target: Option<dist::Target>,
    },
    /// Kill agent and broker at random moments, have recipients lie, and look whether an incident was lost
    #[command(after_help = "Examples:\n  cargo xtask chaos\n  cargo xtask chaos --rounds 20")]
    Chaos {
        /// How many times something is killed.
        #[arg(long, default_value_t = 200)]
        rounds: u32,
    },
    /// Break connections, fail announcements, exchange models and ask the console some hundred times: nothing may grow
    #[command(
        after_help = "Examples:\n  cargo xtask soak\n  cargo xtask soak --brief\n  cargo xtask soak --only models"
    )]
    Soak {
        /// Few rounds of each: half a minute in place of some ten.
        #[arg(long)]
        brief: bool,
        /// Only these loads; a wrong name is answered with those there are.
        #[arg(long, value_name = "NAME")]
        only: Vec<String>,
    },
    /// Make clips with exactly known truth out of photographs, and measure what the program finds in them
    #[command(
        after_help = "Examples:\n  cargo xtask evaluate\n  cargo xtask evaluate --write\n  cargo xtask evaluate --part develop --only bag-left\n  FOREWARN_BIN=target/debug/forewarn cargo xtask evaluate --again"
    )]
    Evaluate {
        /// The scenes by which changes are chosen, or those on which they are measured.
        #[arg(long, value_parser = ["develop", "test"], default_value = "test")]
        part: String,
        /// What is left to chance hangs on this number alone.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Only the scenes whose names contain this; may be given several times.
        #[arg(long, value_name = "NAME")]
        only: Vec<String>,
        /// Judge the scenes that were made the last time, instead of making them.
        #[arg(long, conflicts_with_all = ["only", "seed"])]
        again: bool,
        /// Also write the table into docs/evaluation.md.
        #[arg(long, conflicts_with = "only")]
        write: bool,
    },
    /// Take the documentation's pictures of the console anew: its journeys in Chromium, and those that a page shows
    #[command(after_help = "Example:\n  cargo xtask pictures")]
    Pictures,
    /// Write the diagram of the incident's states anew from the table that the code uses
    #[command(after_help = "Example:\n  cargo xtask diagram")]
    Diagram,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match Workspace::locate().and_then(|workspace| run(&workspace, cli.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(workspace: &Workspace, command: Command) -> Result<()> {
    match command {
        Command::Setup { dry_run } => setup::setup(dry_run),
        Command::Assets { page: true } => assets::build_page(workspace),
        Command::Assets { page: false } => {
            setup::setup(false)?;
            assets::fetch(workspace, &compile::program(workspace, Profile::Demo)?)
        }
        Command::Demo { args } => Err(demo::demo(workspace, &args)?),
        Command::Test { filter } => suite::test(workspace, filter.as_deref()),
        Command::Tidy { quick } => tidy::tidy(workspace, quick),
        Command::Bench { streams: Some(streams), seconds, .. } => bench::streams(workspace, streams, seconds),
        Command::Bench { peer: true, each, .. } => peer::peer(workspace, each.unwrap_or(20)),
        Command::Bench { evidence: true, .. } => bench::evidence(workspace),
        Command::Bench { console: true, .. } => bench::console(workspace),
        Command::Bench { criterion: true, .. } => bench::criterion(workspace),
        Command::Bench { frames: Some(frames), .. } => bench::stages(workspace, frames),
        Command::Bench { each, .. } => peer::speed(workspace, each.unwrap_or(12)),
        Command::Dist { quick, program, try_out, offline, image, target } => {
            dist::dist(workspace, &dist::Wanted { quick, program, try_out, offline, image, target })
        }
        Command::Chaos { rounds } => suite::chaos(workspace, rounds),
        Command::Soak { brief, only } => suite::soak(workspace, brief, &only),
        Command::Evaluate { part, seed, only, again, write } => {
            evaluate::evaluate(workspace, &evaluate::Settings { part, seed, only, again, write })
        }
        Command::Pictures => pictures::take(workspace),
        Command::Diagram => suite::diagram(workspace),
    }
}
