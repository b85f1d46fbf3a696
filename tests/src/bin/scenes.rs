//! Makes clips with exactly known truth out of photographs, for `forewarn evaluate`.

#![expect(clippy::print_stdout, reason = "its output is for the one who runs it")]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use forewarn_models::Progress;
use forewarn_tests::scenes::{self, Photos, catalogue};

/// Makes clips with exactly known truth out of photographs, for `forewarn evaluate`.
///
/// Each scene becomes a folder with clip.mp4, truth.toml and site.toml. The same seed gives the same bytes.
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  scenes --out scenes --seed 1\n  forewarn evaluate scenes")]
struct Args {
    /// Where the folders are made.
    #[arg(long, value_name = "DIR", required_unless_present = "list")]
    out: Option<PathBuf>,
    /// What is left to chance hangs on this number alone.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Make only the scenes whose names contain this. May be given several times.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Only name the scenes.
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("scenes: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> anyhow::Result<()> {
    let mut scripts = catalogue::all(args.seed);
    scripts.retain(|script| args.only.is_empty() || args.only.iter().any(|part| script.name.contains(part.as_str())));
    anyhow::ensure!(!scripts.is_empty(), "no scene is called that; --list names them all");
    let Some(out) = args.out.as_ref().filter(|_| !args.list) else {
        for script in &scripts {
            println!("{:<22} {:>3.0} s  {}", script.name, script.seconds, script.about);
        }
        return Ok(());
    };
    let photos = Photos::load(Progress::Shown)?;
    for script in &scripts {
        let made = scenes::write(script, &photos, args.seed, out)?;
        println!("{}: {}", made.folder.display(), script.about);
        for violation in made.unknown {
            println!("  without `{violation}`: pipelines/violations has no such file");
        }
    }
    Ok(())
}
