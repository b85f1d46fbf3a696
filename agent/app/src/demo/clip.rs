//! The demo's clip: fetched once, made H.264 once.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use forewarn_models::{Fetcher, Progress, Store};

use crate::exit::{CommandError, ExitCode, OrExit as _};

/// Fetches the clip and transcodes it, unless that was done before. Returns the H.264 file.
pub fn prepare() -> Result<PathBuf, CommandError> {
    let store = Store::locate();
    let target = store.path("vtest-h264.mp4");
    if target.is_file() {
        return Ok(target);
    }
    let source = Fetcher::new(store, Progress::Shown).fetch_demo_clip().or_exit(ExitCode::Missing)?;
    let is_terminal = std::io::stderr().is_terminal();
    let mut told = 0;
    let progress = |position: Duration, length: Option<Duration>| {
        let part = length.map_or(0.0, |length| position.as_secs_f64() / length.as_secs_f64().max(0.001));
        let percent = (part * 100.0) as u32;
        if percent >= told + if is_terminal { 1 } else { 25 } {
            told = percent;
            let end = if is_terminal { "\r" } else { "\n" };
            eprint!("transcoding the demo clip to H.264: {percent} %{end}");
        }
    };
    forewarn_pipelines::transcode_to_h264(&source, &target, progress).or_exit(ExitCode::Failed)?;
    if is_terminal {
        eprintln!();
    }
    Ok(target)
}
