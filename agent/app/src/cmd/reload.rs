//! `forewarn reload`: tells the running agent of a site to read its site file again.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Write as _};

use anyhow::{Context as _, anyhow};
use forewarn_base::child;
use forewarn_cli::Reload as Args;

use crate::config;
use crate::exit::{CommandError, CommandResult, ExitCode, OrExit as _};

/// Runs the command.
pub fn run(args: &Args) -> CommandResult {
    // A file with mistakes would not be taken; they are told here and not in the log alone.
    let site = config::load(&args.config).or_exit(ExitCode::BadConfig)?;
    let path = site.storage.dir.lock();
    let nobody = |why: &str| {
        let error = anyhow!(
            "no agent keeps its data in {}: {why}; start it with `forewarn run --config {}`, and where `[storage] dir` \
             is another now, stop the one that runs first",
            site.storage.dir.path().display(),
            args.config.display()
        );
        CommandError { code: ExitCode::Missing, error }
    };
    let Ok(mut file) = File::open(&path) else { return Err(nobody(&format!("there is no {}", path.display()))) };
    match file.try_lock() {
        Ok(()) => return Err(nobody(&format!("nobody holds {}", path.display()))),
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(error)) => {
            return Err(error)
                .with_context(|| format!("failed to look at {}", path.display()))
                .or_exit(ExitCode::Failed);
        }
    }
    let mut text = String::new();
    file.read_to_string(&mut text).with_context(|| format!("failed to read {}", path.display()))?;
    let process: u32 = text.trim().parse().with_context(|| {
        format!("{} does not say which process holds it; send SIGHUP to the agent yourself", path.display())
    })?;
    child::hang_up(process).with_context(|| format!("failed to reach the agent, process {process}"))?;
    let said =
        "reads its site file again; its log says what waits for a restart and, from `--log info` on, what was taken up";
    writeln!(std::io::stdout(), "the agent, process {process}, {said}")?;
    Ok(())
}
