//! Makes clips with exactly known truth out of photographs, for `forewarn evaluate`.

#![expect(clippy::print_stdout, reason = "its output is for the one who runs it")]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use forewarn_models::Progress;
use forewarn_tests::scenes::catalogue::{self, Part};
use forewarn_tests::scenes::{self, Photos};

/// Makes clips with exactly known truth out of photographs, for `forewarn evaluate`.
///
/// Each scene becomes a folder with clip.mp4, truth.toml and site.toml, in one of two parts: `develop`, by which changes
/// are chosen, and `test`, on which they are measured. The same seed gives the same bytes.
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  scenes --out scenes --seed 1\n  forewarn evaluate scenes/test")]
struct Args {
    /// Where the folders are made.
    #[arg(long, value_name = "DIR", required_unless_present = "list")]
    out: Option<PathBuf>,
    /// What is left to chance hangs on this number alone.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only this part.
    #[arg(long, value_parser = part)]
    part: Option<Part>,
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

fn part(name: &str) -> Result<Part, String> {
    Part::ALL.into_iter().find(|part| part.name() == name).ok_or_else(|| "the parts are develop and test".to_owned())
}

fn run(args: &Args) -> anyhow::Result<()> {
    let is_wanted = |name: &str| args.only.is_empty() || args.only.iter().any(|part| name.contains(part.as_str()));
    let parts = Part::ALL.into_iter().filter(|part| args.part.is_none_or(|only| only == *part));
    let scripts: Vec<_> = parts
        .flat_map(|part| catalogue::parts(part, args.seed).into_iter().map(move |script| (part, script)))
        .filter(|(_, script)| is_wanted(&script.name))
        .collect();
    anyhow::ensure!(!scripts.is_empty(), "no scene is called that; --list names them all");
    let Some(out) = args.out.as_ref().filter(|_| !args.list) else {
        for (part, script) in &scripts {
            println!("{:<7} {:<34} {:>3.0} s  {}", part.name(), script.name, script.seconds, script.about);
        }
        return Ok(());
    };
    let photos = Photos::load(Progress::Shown)?;
    for (part, script) in &scripts {
        let made = scenes::write(script, &photos, args.seed, &out.join(part.name()))?;
        println!("{}: {}", made.folder.display(), script.about);
        for violation in made.unknown {
            println!("  without `{violation}`: pipelines/violations has no such file");
        }
    }
    Ok(())
}
