//! `forewarn replay`: clips through the rules.

use std::io::Write as _;

use anyhow::anyhow;
use forewarn_cli::Replay as Args;
use forewarn_domain::Class;

use forewarn_hw::sensor::SensorLog;

use crate::config;
use crate::exit::{CommandError, CommandResult, ExitCode, OrExit as _};
use crate::replay::{Replay, Summary};

/// Runs the command.
pub fn run(args: &Args) -> CommandResult {
    let mut site = config::load(&args.config).or_exit(ExitCode::BadConfig)?;
    for (n, (id, clip)) in args.cameras.iter().enumerate() {
        if args.cameras[..n].iter().any(|(named, _)| named == id) {
            let error =
                anyhow!("--camera {id}={}: the camera {id} is named twice; play one clip of it", clip.display());
            return Err(CommandError { code: ExitCode::Usage, error });
        }
        if !site.cameras.iter().any(|camera| camera.id == *id) {
            let known: Vec<&str> = site.cameras.iter().map(|camera| camera.id.as_str()).collect();
            let error =
                anyhow!("--camera {id}={}: the site has no camera {id}; it has {}", clip.display(), known.join(", "));
            return Err(CommandError { code: ExitCode::BadInput, error });
        }
    }
    if !args.cameras.is_empty() {
        site.cameras.retain(|camera| args.cameras.iter().any(|(id, _)| camera.id == *id));
    }
    if args.start.is_none() && has_hours(&site) {
        crate::log::note(format_args!(
            "forewarn: --start is not given, so schedules always hold and quiet hours never do"
        ));
    }
    let sensors = match &args.sensors {
        Some(path) => SensorLog::read(path).or_exit(ExitCode::BadInput)?,
        None => SensorLog::default(),
    };
    let replay = Replay {
        sensors,
        tracks: args.tracks.then(|| args.track_classes.iter().map(|name| Class::new(name)).collect()),
        with_evidence: !args.no_evidence,
        start: args.start,
        ..Replay::over(&site, args.cameras.iter().cloned(), &args.out)?
    };
    let summary = replay.run()?;
    print(&summary)?;
    Ok(())
}

fn has_hours(site: &config::Site) -> bool {
    !site.header.quiet_hours.is_empty()
        || site.cameras.iter().flat_map(|c| &c.rules).any(|rule| rule.binding.schedule.is_some())
}

fn print(summary: &Summary) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let total: u64 = summary.outcomes.values().sum();
    let outcomes: Vec<String> = summary.outcomes.iter().map(|(state, n)| format!("{n} {state}")).collect();
    let detail = if outcomes.is_empty() { String::new() } else { format!(" ({})", outcomes.join(", ")) };
    let looks = if summary.looks == 0 { String::new() } else { format!(", {} closer looks", summary.looks) };
    let pictures = if summary.has_fields { "fields of interlaced video" } else { "frames" };
    writeln!(
        out,
        "{total} incidents{detail}; {} {pictures}, {} analysed{looks}, {:.1} s of video in {:.1} s",
        summary.frames, summary.analysed, summary.media_s, summary.wall_s
    )?;
    for (camera, doubt) in &summary.ground_doubts {
        writeln!(out, "camera {camera}: {doubt}")?;
    }
    if summary.unjudged > 0 {
        writeln!(
            out,
            "{} of {} frames were not judged: telemetry says nothing of where the camera was then, or nothing that can be; see \
             `[camera.telemetry]`, its `offset_s` and the side file",
            summary.unjudged, summary.analysed
        )?;
    }
    Ok(())
}
