//! `forewarn heatmap`: where people stayed, as pictures and numbers.

use std::io::Write as _;

use anyhow::{Context as _, anyhow};
use forewarn_cli::{HeatSpan, Heatmap as Args};
use forewarn_engine::civil_time::SiteTime;
use forewarn_memory::heat::draw::draw;
use forewarn_memory::heat::store::HeatStore;
use image::RgbImage;
use jiff::ToSpan as _;
use serde_json::json;

use crate::config;
use crate::config::StorageDir;
use crate::exit::{CommandError, CommandResult, ExitCode, OrExit as _};

/// More pictures than this are a mistake.
const MOST_SPANS: usize = 2000;

/// Runs the command.
pub fn run(args: &Args) -> CommandResult {
    let site = config::load(&args.config).or_exit(ExitCode::BadConfig)?;
    if !site.cameras.iter().any(|camera| camera.id == args.camera) {
        let known: Vec<&str> = site.cameras.iter().map(|camera| camera.id.as_str()).collect();
        let error = anyhow!("--camera {}: the site has no such camera; it has {}", args.camera, known.join(", "));
        return Err(CommandError { code: ExitCode::BadInput, error });
    }
    let dir = args.data.as_ref().map_or_else(|| site.storage.dir.clone(), StorageDir::new);
    let store = HeatStore::new(dir.heat(), SiteTime::live(site.header.time_zone.clone()));
    let days = store.days(&args.camera).or_exit(ExitCode::Failed)?;
    let (Some(first), Some(last)) = (days.first(), days.last()) else {
        let error = anyhow!(
            "{} holds no heat of camera {}; add `[heat_map]` to the site file and run the agent, or replay with --start",
            dir.path().display(),
            args.camera
        );
        return Err(CommandError { code: ExitCode::BadInput, error });
    };
    let start = args.from.unwrap_or(first.at(0, 0, 0, 0));
    let end = args.to.unwrap_or(last.tomorrow().context("the calendar ends")?.at(0, 0, 0, 0));
    let spans = spans(start, end, args.by, &store).or_exit(ExitCode::Usage)?;
    let ranges: Vec<_> = spans.iter().map(|span| (span.1, span.2)).collect();
    let heats = store.read(&args.camera, &ranges).or_exit(ExitCode::Failed)?;
    let scene: Option<RgbImage> = image::open(store.scene(&args.camera)).ok().map(|picture| picture.to_rgb8());
    std::fs::create_dir_all(&args.out).with_context(|| format!("failed to make {}", args.out.display()))?;
    let mut out = std::io::stdout().lock();
    let mut n_written = 0;
    for ((label, ..), heat) in spans.iter().zip(&heats).filter(|(_, heat)| heat.watched_s > 0.0) {
        let name = format!("{}-{label}", args.camera);
        let picture = args.out.join(format!("{name}.png"));
        draw(heat, scene.as_ref()).save(&picture).with_context(|| format!("failed to write {}", picture.display()))?;
        let numbers = args.out.join(format!("{name}.json"));
        let value = json!({ "camera": args.camera, "span": label, "mean_count": heat.mean_count(), "heat": heat });
        std::fs::write(&numbers, value.to_string())
            .with_context(|| format!("failed to write {}", numbers.display()))?;
        writeln!(out, "{label}  watched {:.0} s, {:.2} at a time on average", heat.watched_s, heat.mean_count())?;
        n_written += 1;
    }
    writeln!(out, "{}: {n_written} maps as PNG and JSON", args.out.display())?;
    Ok(())
}

type Span = (String, forewarn_domain::Timestamp, forewarn_domain::Timestamp);

fn spans(
    start: jiff::civil::DateTime,
    end: jiff::civil::DateTime,
    by: HeatSpan,
    store: &HeatStore,
) -> anyhow::Result<Vec<Span>> {
    anyhow::ensure!(start < end, "--from {start} is not before --to {end}");
    let instant = |at: jiff::civil::DateTime| -> anyhow::Result<_> {
        let zoned = at.to_zoned(store.time_zone())?;
        Ok(forewarn_domain::Timestamp::from_micros(zoned.timestamp().as_microsecond()))
    };
    let (length, format) = match by {
        HeatSpan::Minute => (1.minute(), "%Y-%m-%dT%H-%M"),
        HeatSpan::Hour => (1.hour(), "%Y-%m-%dT%H"),
        HeatSpan::Day => (1.day(), "%Y-%m-%d"),
        HeatSpan::Whole => return Ok(vec![("whole".to_owned(), instant(start)?, instant(end)?)]),
    };
    let mut spans = Vec::new();
    let mut at = start;
    while at < end {
        anyhow::ensure!(
            spans.len() < MOST_SPANS,
            "that is more than {MOST_SPANS} maps; give --from and --to, or a longer --by"
        );
        let next = at.checked_add(length)?.min(end);
        spans.push((at.strftime(format).to_string(), instant(at)?, instant(next)?));
        at = next;
    }
    Ok(spans)
}
