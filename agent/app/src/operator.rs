//! The incidents of which operators say something, and what is kept of them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::anyhow;
use forewarn_analytics::suppression::{Appearance, Suppression};
use forewarn_console::{CameraNow, Passing, PlacesNow};
use forewarn_domain::clock::wall_now;
use forewarn_domain::{BBox, IncidentId, IncidentRecord, MapGround, Timestamp};
use forewarn_evidence::{Limits, TimeLine};
use forewarn_index::map::cells;
use forewarn_index::periods::span;
use forewarn_index::stats::{Known, Stats, Wanted, WantedError, Warned, within};
use forewarn_memory::suppressions::add;
use forewarn_mission::paper::Missions;
use forewarn_mission::ways::ways;
use forewarn_models::image_frame;
use forewarn_report::IncidentLedger;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::config::{StorageDir, outlines, weights};
use crate::evidence_folder;
use crate::exit::{CommandError, ExitCode, OrExit as _};

/// An incident that the agent remembers.
pub fn incident(storage: &StorageDir, id: &str) -> Result<IncidentRecord, CommandError> {
    let path = storage.outbox();
    let unknown = |why: String| CommandError { code: ExitCode::BadInput, error: anyhow!("--incident {id}: {why}") };
    if !path.exists() {
        return Err(unknown(format!("{} does not exist, so this site's agent has never run", path.display())));
    }
    let ledger = IncidentLedger::open(&path).or_exit(ExitCode::Failed)?;
    let entry = ledger.incident(&IncidentId::from_stored(id)).or_exit(ExitCode::Failed)?;
    entry.map(|entry| entry.record).ok_or_else(|| {
        unknown("the agent remembers no such incident; evidence folders and reports carry the ids".to_owned())
    })
}

/// What an agent's outbox remembers. Nothing where the agent has never run.
pub fn remembered(storage: &StorageDir) -> anyhow::Result<Vec<IncidentRecord>> {
    let path = storage.outbox();
    if !path.exists() {
        return Ok(Vec::new());
    }
    Ok(IncidentLedger::open(&path)?.latest(u32::MAX)?.into_iter().map(|entry| entry.record).collect())
}

/// How well the warnings worked that an agent's outbox remembers; names must be known where it is said which are.
pub fn stats_of(
    dir: &StorageDir,
    zone: &TimeZone,
    wanted: &Wanted,
    known: Option<&Known>,
) -> Result<Stats, CommandError> {
    let all: Vec<Warned> = remembered(dir)?.iter().filter_map(Warned::of_record).collect();
    known.map_or(Ok(()), |known| wanted.check(&all, known)).map_err(|error| {
        let code = if matches!(error, WantedError::NoDay { .. }) { ExitCode::Usage } else { ExitCode::BadInput };
        CommandError { code, error: error.into() }
    })?;
    Ok(forewarn_index::stats::stats(&within(all, wanted, zone), zone))
}

/// How orderly the places of cameras were on some days, and where cameras flew.
pub fn places_of(
    dir: &StorageDir,
    zone: &TimeZone,
    ground: &MapGround,
    cameras: &[CameraNow],
    days: (Date, Date),
) -> anyhow::Result<PlacesNow> {
    let period = span(days, zone)?;
    let weights = ground.weights.as_deref().map(weights).transpose()?.unwrap_or_default();
    let outlines = ground.outlines.as_deref().map(outlines).transpose()?.unwrap_or_default();
    let ways = ways(&Missions::at(dir.missions()), period.from, period.to)?;
    let places = cameras.iter().map(|camera| (&camera.id, &camera.place));
    Ok(PlacesNow { cells: cells(places, &remembered(dir)?, period, &weights, &outlines), ways })
}

/// The folder of an incident's evidence; none if nothing is kept of it.
pub fn bundle(storage: &StorageDir, record: &IncidentRecord) -> Result<Option<PathBuf>, CommandError> {
    if !storage.evidence().is_dir() {
        return Ok(None);
    }
    let store =
        evidence_folder::open_store(storage, Limits::default(), TimeLine::WallClock).or_exit(ExitCode::Failed)?;
    let path = store.bundle_path(record).or_exit(ExitCode::Failed)?;
    Ok(Some(path).filter(|path| path.is_dir()))
}

/// The clean picture of an incident's confirmation, if it is kept.
pub fn confirmed_picture(bundle: Option<&Path>) -> Option<PathBuf> {
    bundle.map(|dir| dir.join("confirmed.jpg")).filter(|path| path.is_file())
}

/// Passes over the one that an incident is about.
pub fn suppress(storage: &StorageDir, record: IncidentRecord, asked: &Passing) -> Result<Suppression, CommandError> {
    let bad = |why: &str| CommandError { code: ExitCode::BadInput, error: anyhow!("--incident {}: {why}", record.id) };
    if record.subject.count != 1 {
        return Err(bad("it is about a crowd, which has no one look; change the rule's zone or numbers instead"));
    }
    let picture = confirmed_picture(bundle(storage, &record)?.as_deref())
        .ok_or_else(|| bad("no picture of it is kept, and the look is taken from that"))?;
    let frame = image_frame(&picture).or_exit(ExitCode::BadInput)?;
    let bbox = record.subject.bbox;
    let appearance = Appearance::of(&frame, bbox).ok_or_else(|| bad("its box lies outside of its picture"))?;
    let (w, h) = (frame.width as f32, frame.height as f32);
    let now = Timestamp::from_micros(wall_now().as_micros());
    let suppression = Suppression {
        id: 0,
        camera: record.rule.stream,
        violation: (!asked.every_violation).then_some(record.rule.violation),
        class: record.subject.class,
        bbox: BBox::new(bbox.x0 / w, bbox.y0 / h, bbox.x1 / w, bbox.y1 / h),
        appearance,
        from: now,
        until: now + Duration::from_hours(24 * u64::from(asked.days)),
        note: asked.note.clone(),
    };
    Ok(add(&storage.suppressions(), suppression)?)
}
