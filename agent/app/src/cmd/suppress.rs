//! `forewarn suppress`: pass over one instance, such as a statue, by its place and look, until it expires.

use std::io::Write as _;

use anyhow::anyhow;
use forewarn_cli::{Suppress as Args, SuppressAdd};
use forewarn_console::Passing;
use forewarn_domain::clock::wall_now;
use forewarn_domain::{Timestamp, WallTime};
use forewarn_memory::suppressions::{read, remove};

use crate::config;
use crate::exit::{CommandError, CommandResult, ExitCode, OrExit as _};
use crate::operator::{incident, suppress};

/// Runs the command.
pub fn run(args: &Args) -> CommandResult {
    match args {
        Args::Add(args) => add(args),
        Args::List { config, json } => {
            let site = config::load(config).or_exit(ExitCode::BadConfig)?;
            let now = Timestamp::from_micros(wall_now().as_micros());
            let mut out = std::io::stdout().lock();
            for one in read(&site.storage.dir.suppressions())? {
                if *json {
                    writeln!(out, "{}", serde_json::to_string(&one)?)?;
                    continue;
                }
                let ends = if one.until <= now { "expired" } else { "until" };
                let what = one.violation.as_ref().map_or("every violation", |violation| violation.as_str());
                let (id, camera, class) = (one.id, &one.camera, &one.class);
                writeln!(out, "{id}  {camera}  {class}  {what}  {ends} {}  {}", rfc3339(one.until), one.note)?;
            }
            Ok(())
        }
        Args::Remove { config, id } => {
            let site = config::load(config).or_exit(ExitCode::BadConfig)?;
            let path = site.storage.dir.suppressions();
            if !remove(&path, *id)? {
                let error = anyhow!("there is no suppression {id}; `forewarn suppress list` lists them");
                return Err(CommandError { code: ExitCode::BadInput, error });
            }
            writeln!(std::io::stdout(), "{id}: removed")?;
            Ok(())
        }
    }
}

fn add(args: &SuppressAdd) -> CommandResult {
    let site = config::load(&args.config).or_exit(ExitCode::BadConfig)?;
    let record = incident(&site.storage.dir, &args.incident)?;
    let asked = Passing { days: args.days, every_violation: args.every_violation, note: args.note.clone() };
    let one = suppress(&site.storage.dir, record, &asked)?;
    writeln!(std::io::stdout(), "{}: suppressed until {}", one.id, rfc3339(one.until))?;
    Ok(())
}

/// The file keeps what the clock on the wall shows.
fn rfc3339(at: Timestamp) -> String {
    WallTime::from_micros(at.as_micros()).to_rfc3339()
}
