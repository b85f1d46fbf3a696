//! `forewarn sim`: a clip as a real RTSP camera on loopback.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use forewarn_pipelines::{Credentials, SimCamera, SimConfig};

use crate::cli::Sim;
use crate::exit::{CommandError, CommandResult, ExitCode, OrExit as _};
use crate::live::Shutdown;

/// Runs the command.
pub fn run(args: Sim) -> CommandResult {
    let Sim::Camera { clip, port, path, repeat, user, password_file } = args;
    let shutdown = Shutdown::listen()?;
    let credentials = match (user, password_file) {
        (Some(user), Some(file)) => Some(Credentials::new(user, first_line(&file)?)),
        _ => None,
    };
    let mut config = SimConfig::new(clip);
    config.port = port;
    config.path = path;
    config.is_looped = repeat;
    config.credentials = credentials;
    let camera = SimCamera::start(&config).or_exit(ExitCode::BadInput)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "camera at {} (Ctrl-C ends it)", camera.url())?;
    out.flush()?;
    while !shutdown.wait(Duration::from_hours(1)) {}
    Ok(())
}

fn first_line(file: &Path) -> Result<String, CommandError> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("failed to read the password from {}", file.display()))
        .or_exit(ExitCode::BadInput)?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
