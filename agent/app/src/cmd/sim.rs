//! `forewarn sim`: a clip as a real RTSP camera on loopback.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use forewarn_base::secret::{Credentials, PasswordSource, Secret};
use forewarn_cli::Sim;
use forewarn_pipelines::{SimCamera, SimConfig};

use crate::exit::{CommandError, CommandResult, ExitCode, OrExit as _};
use crate::live::Shutdown;

/// Runs the command.
pub fn run(args: Sim) -> CommandResult {
    let Sim::Camera { clip, port, path, repeat, user, password_file } = args;
    let shutdown = Shutdown::listen()?;
    let credentials = match (user, password_file) {
        (Some(user), Some(file)) => Some(Credentials { user, password: password(file)? }),
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

fn password(file: PathBuf) -> Result<Secret, CommandError> {
    let read = PasswordSource::File(file).read(Path::new(""), &|_| None);
    read.map_err(|error| anyhow::anyhow!("{error}; {}", error.mend())).or_exit(ExitCode::BadInput)
}
