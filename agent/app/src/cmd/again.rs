//! `forewarn evidence replay`: does the clip of a bundle, decided again, show the same incident?

use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, anyhow};
use forewarn_base::sync::lock;
use forewarn_cli::EvidenceReplay as Args;
use forewarn_domain::{IncidentRecord, IncidentState};
use forewarn_evidence::{Deed, KeptClip, Opened, Outcome};
use forewarn_memory::Keeper;
use forewarn_rehearsal::Sights;
use forewarn_wire::story::{Happening, Narrator};

use crate::config::{self, KeptSetting, Site};
use crate::evidence_folder;
use crate::exit::{CommandError, CommandResult, ExitCode, OrExit as _};
use crate::replay::Replay;

/// Runs the command.
pub fn run(args: &Args) -> CommandResult {
    let opened = Opened::read(&args.bundle, None).or_exit(ExitCode::BadInput)?;
    let bad = |why: &str| CommandError { code: ExitCode::BadInput, error: anyhow!("{}: {why}", args.bundle.display()) };
    if !opened.verified.as_ref().is_ok_and(forewarn_evidence::Verification::is_intact) {
        return Err(bad("it is not what was sealed, so that it proves nothing"));
    }
    let record = opened.record.as_ref().ok_or_else(|| bad("it has no incident.json that can be read"))?;
    let setting = opened.setting.as_ref();
    let kept = KeptClip::of(record, setting).ok_or_else(|| {
        bad("it has no clip of the confirmation, or one that is sealed to a public key, or no setting")
    })?;
    super::keep::audited(&args.bundle, (Deed::Replayed, None), &args.by);
    let (clip, rule) = (opened.folder.join(&kept.clip.file), &record.incident.rule);
    let scratch = tempfile::tempdir().context("failed to make a folder for what the replay writes")?;
    let mut site = match (&args.config, setting) {
        (Some(path), _) => config::site::load_with_model(path, args.model.as_deref()).or_exit(ExitCode::BadConfig)?,
        (None, Some(setting)) => KeptSetting {
            site: &setting.site,
            time_zone: &setting.time_zone,
            language: setting.language,
            camera: &rule.stream,
            card: args.model.as_deref().unwrap_or_else(|| setting.models.first().map_or("", |model| &model.card)),
            analysis_interval_s: setting.analysis_interval_s,
            zone: setting.zone.as_ref(),
            violation: &setting.violation,
            tracking: setting.tracking.as_ref(),
        }
        .site(&clip, scratch.path())
        .or_exit(ExitCode::BadInput)?,
        (None, None) => return Err(bad("it has no setting")),
    };
    site.cameras.retain(|camera| camera.id == rule.stream);
    let now = evidence_folder::scenes(&site).remove(rule).and_then(|scene| scene.setting);
    let start = kept.clip.from.utc.as_ref().and_then(|at| at.parse().ok());
    let sights = args.out.as_deref().map(Sights::write_to).transpose().or_exit(ExitCode::Failed)?;
    let found = if site.cameras.is_empty() { Vec::new() } else { decide(&site, &clip, start, sights, scratch.path())? };
    let again = kept.compare(now.as_deref(), &found);
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&again)?)?;
    } else {
        write!(out, "{}: {again}", opened.incident)?;
    }
    match again.outcome {
        Outcome::Same => Ok(()),
        Outcome::Different => Err(anyhow!("{} comes out otherwise", opened.incident).into()),
        Outcome::TooShort => Err(bad("its clip is too short to show it")),
    }
}

/// The incidents of a clip as they are when they are confirmed.
fn decide(
    site: &Site,
    clip: &Path,
    start: Option<jiff::Timestamp>,
    sights: Option<Sights>,
    out: &Path,
) -> Result<Vec<IncidentRecord>, CommandError> {
    let confirmed = Confirmed::default();
    let replay = Replay {
        start,
        keepers: sights.into_iter().map(|sights| Box::new(sights) as Box<dyn Keeper>).collect(),
        narrator: Some(Box::new(confirmed.clone())),
        ..Replay::over(site, site.cameras.iter().map(|camera| (camera.id.clone(), clip.to_owned())), out)?
    };
    replay.run()?;
    let found = lock(&confirmed.0).clone();
    Ok(found)
}

/// Remembers incidents at their confirmation.
#[derive(Clone, Default)]
struct Confirmed(Arc<Mutex<Vec<IncidentRecord>>>);

impl Narrator for Confirmed {
    fn tell(&mut self, happening: &Happening) -> io::Result<()> {
        if let Happening::Moved { record, .. } = happening
            && record.state == IncidentState::Confirmed
        {
            lock(&self.0).push(record.clone());
        }
        Ok(())
    }
}
