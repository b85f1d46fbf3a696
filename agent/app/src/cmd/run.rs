//! `forewarn run`: the agent until it is told to stop.

use std::time::Duration;

use anyhow::anyhow;

use crate::cli::Run;
use crate::config;
use crate::detector::{self, LiveModel};
use crate::exit::{CommandResult, ExitCode, OrExit as _};
use crate::live::{Agent, Shutdown};
use forewarn_inference::Models;

/// How often the agent's parts are looked after.
const LOOK_AFTER: Duration = Duration::from_secs(1);

/// Runs the command.
pub fn run(args: &Run) -> CommandResult {
    let site = config::load(&args.config).or_exit(ExitCode::BadConfig)?;
    // Keeping `reload` keeps SIGHUP from ending the agent.
    let LiveModel { detector, reload: _reload } = detector::start_live(&site, &args.config)?;
    let shutdown = Shutdown::listen()?;
    let reader = detector::reader_of_site(&site)?;
    let agent = Agent::start(&site, Models { detector, reader }, None)?;
    tracing::info!(site = %site.header.id, cameras = site.cameras.len(), http = ?agent.addresses(), "watching");
    while !shutdown.wait(LOOK_AFTER) {
        if let Some(part) = agent.broken() {
            // Stopping keeps what the other parts have; a supervisor such as systemd starts the agent again.
            let ended = || anyhow!("the part `{part}` of the agent ended; see the log");
            return Err(agent.stop().err().unwrap_or_else(ended).into());
        }
    }
    tracing::info!("stopping");
    agent.stop()?;
    Ok(())
}
