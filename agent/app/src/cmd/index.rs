//! `forewarn index`: the civility index of cells and periods; `forewarn stats`: how well warnings work.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use forewarn_cli::Index as Args;
use forewarn_domain::StreamId;
use forewarn_index::geometry::Outlines;
use forewarn_index::periods::periods;
use forewarn_index::stats::{Known, Wanted, table};
use forewarn_index::{CameraPlace, Case, Index, Period, Weights, compute, render};
use jiff::civil::Date;

use crate::config::{self, Camera, Site, StorageDir, outlines, weights};
use crate::exit::{CommandError, CommandResult, ExitCode, OrExit as _};
use crate::operator::{remembered, stats_of};

/// Runs the command.
pub fn run(args: &Args) -> CommandResult {
    let sites: Vec<Site> =
        args.config.iter().map(|path| config::load(path).or_exit(ExitCode::BadConfig)).collect::<Result<_, _>>()?;
    let weights = match &args.weights {
        Some(path) => weights(path).or_exit(ExitCode::BadConfig)?,
        None => Weights::default(),
    };
    let outlines = match &args.outlines {
        Some(path) => outlines(path).or_exit(ExitCode::BadInput)?,
        None => Outlines::default(),
    };
    let all: Vec<_> = sites.iter().flat_map(places).collect();
    if all.iter().all(|camera| camera.place.level().is_none()) {
        let error = anyhow!(
            "no camera has a place; add `place = {{ city = \"…\", district = \"…\", street = \"…\", community = \"…\" }}` \
             to [site] and `place = {{ cell = \"…\" }}` to each [[camera]]"
        );
        return Err(CommandError { code: ExitCode::BadConfig, error });
    }
    let mut cases = Vec::new();
    for site in &sites {
        cases.extend(from_outbox(&site.header.id, &site.storage.dir).or_exit(ExitCode::Failed)?);
    }
    let first = sites.first().context("clap asks for one site at least")?;
    for path in &args.incidents {
        let start = args.start.context("clap asks for --start with --incidents")?;
        let text = std::fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()));
        let of_replay = Case::of_replay(&first.header.id, &text.or_exit(ExitCode::BadInput)?, start);
        cases.extend(of_replay.with_context(|| path.display().to_string()).or_exit(ExitCode::BadInput)?);
    }
    warn_of_strangers(&all, &cases);
    let zone = &first.header.time_zone;
    let day_of = |at: forewarn_domain::Timestamp| -> Option<Date> {
        Some(jiff::Timestamp::from_microsecond(at.as_micros()).ok()?.to_zoned(zone.clone()).date())
    };
    let days = || cases.iter().filter_map(|case| day_of(case.confirmed_at));
    let (Some(from), Some(to)) = (args.from.or_else(|| days().min()), args.to.or_else(|| days().max())) else {
        let error = anyhow!("there is no incident, so the period is not known; give --from and --to");
        return Err(CommandError { code: ExitCode::BadInput, error });
    };
    let spans = periods(from, to, args.period, zone).or_exit(ExitCode::Usage)?;
    let index = compute(&all, &cases, &spans, &weights);
    write(&args.out, &index, &spans, &outlines).or_exit(ExitCode::Failed)?;
    print(args, &index)?;
    Ok(())
}

/// The places of a site's cameras.
fn places(site: &Site) -> impl Iterator<Item = CameraPlace> + '_ {
    let place = |camera: &Camera| (camera.id.clone(), camera.place.clone());
    site.cameras.iter().map(place).map(|(camera, place)| CameraPlace { site: site.header.id.clone(), camera, place })
}

/// The confirmed incidents that an agent's outbox remembers. None where the agent has never run.
fn from_outbox(site: &StreamId, storage: &StorageDir) -> anyhow::Result<Vec<Case>> {
    Ok(remembered(storage)?.iter().filter_map(|record| Case::of_record(site, record)).collect())
}

/// Tells of incidents that count nowhere, because a renamed camera would look like a quiet one.
fn warn_of_strangers(cameras: &[CameraPlace], cases: &[Case]) {
    let is_known = |case: &&Case| cameras.iter().any(|c| c.site == case.site && c.camera == case.camera);
    let mut strangers: BTreeMap<String, u32> = BTreeMap::new();
    for case in cases.iter().filter(|case| !is_known(case)) {
        *strangers.entry(format!("{}/{}", case.site, case.camera)).or_default() += 1;
    }
    for (camera, n) in strangers {
        crate::log::note(format_args!(
            "forewarn: {n} incidents of {camera} count nowhere: no site file has that camera"
        ));
    }
}

fn write(dir: &Path, index: &Index, spans: &[Period], outlines: &Outlines) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("failed to make the directory {}", dir.display()))?;
    let mut files = vec![
        ("index.json".to_owned(), serde_json::to_string_pretty(index)?),
        ("index.csv".to_owned(), render::csv(index)),
        ("index.geojson".to_owned(), serde_json::to_string(&render::geojson(index, outlines))?),
    ];
    files.extend(
        spans.iter().map(|span| (format!("index-{}.svg", span.label), render::svg(index, &span.label, outlines))),
    );
    for (name, text) in files {
        let path = dir.join(name);
        std::fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))?;
    }
    Ok(())
}

fn print(args: &Args, index: &Index) -> CommandResult {
    let mut out = std::io::stdout().lock();
    if args.json {
        return Ok(writeln!(out, "{}", serde_json::to_string(index)?)?);
    }
    write!(out, "{}", render::table(index))?;
    Ok(writeln!(out, "{}: index.json, index.csv, index.geojson and one SVG map a period", args.out.display())?)
}

/// Runs `forewarn stats`.
pub fn stats(args: &forewarn_cli::Stats) -> CommandResult {
    let site = config::load(&args.config).or_exit(ExitCode::BadConfig)?;
    let cameras = args.camera.as_ref().map(|camera| vec![camera.to_string()]);
    let wanted = Wanted { cameras, violation: args.violation.clone(), days: (args.from, args.to) };
    let known = Known {
        cameras: site.cameras.iter().map(|camera| camera.id.to_string()).collect(),
        violations: site.violations.iter().map(|(id, _)| id.to_string()).collect(),
    };
    let found = stats_of(&site.storage.dir, &site.header.time_zone, &wanted, Some(&known))?;
    let told = if args.json { serde_json::to_string(&found)? + "\n" } else { table(&found) };
    Ok(write!(std::io::stdout(), "{told}")?)
}
