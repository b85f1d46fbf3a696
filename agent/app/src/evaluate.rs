//! Playing the clips of a folder, several at a time, each for itself, so that results do not depend on how many.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, anyhow};
use forewarn_base::sync::{held, lock};
use forewarn_domain::ViolationId;
use forewarn_evaluate::alarms::Sightings;
use forewarn_evaluate::matching::judge;
use forewarn_evaluate::result::{ClipResult, Evaluation, FailedClip, Played};
use forewarn_wire::story::{Happening, Narrator};

use crate::config::Site;
use crate::config::clips::{Job, Variant};
use crate::exit::{CommandError, ExitCode, OrExit as _};
use crate::replay::{Replay, Summary};

/// How clips are played and judged.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Clips played at the same time.
    pub jobs: usize,
    /// How well an incident's box must agree with a true one, 0 to 1.
    pub min_overlap: f32,
}

/// Plays every clip with one variant of the site. `tell` is called when a clip is done.
///
/// A clip that cannot be played does not keep the others from it; something that is missing ends it at once.
pub fn evaluate(
    jobs: &[Job],
    variant: &Variant,
    settings: Settings,
    tell: &(dyn Fn(&str) + Sync),
) -> Result<Evaluation, CommandError> {
    let next = AtomicUsize::new(0);
    let done: Mutex<BTreeMap<usize, Result<ClipResult, CommandError>>> = Mutex::new(BTreeMap::new());
    let work = || {
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(n) else { return };
            let played = play(job, variant, settings.min_overlap);
            let mut done = lock(&done);
            let is_fatal = matches!(&played, Err(error) if error.code == ExitCode::Missing);
            if is_fatal {
                next.store(jobs.len(), Ordering::Relaxed);
            }
            let said = match &played {
                Ok((clip, wall_s)) => format!(
                    "{}: {} alarms in {:.1} s of video, played in {wall_s:.1} s",
                    clip.label(),
                    clip.alarms.len(),
                    clip.media_s
                ),
                Err(error) => format!("{}: {error}", job.name),
            };
            done.insert(n, played.map(|(clip, _)| clip));
            tell(&format!("[{}/{}] {said}", done.len(), jobs.len()));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..settings.jobs.clamp(1, jobs.len().max(1)) {
            scope.spawn(work);
        }
    });
    collect(jobs, held(done.into_inner()))
}

fn collect(jobs: &[Job], done: BTreeMap<usize, Result<ClipResult, CommandError>>) -> Result<Evaluation, CommandError> {
    let (mut clips, mut failed) = (Vec::new(), Vec::new());
    for (n, played) in done {
        match played {
            Ok(clip) => clips.push(clip),
            Err(error) if error.code == ExitCode::BadInput => {
                failed.push(FailedClip { clip: jobs[n].name.clone(), reason: error.to_string() });
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Evaluation::new(clips, failed))
}

/// Plays one clip and judges what was found. Also returns the seconds that it took.
fn play(job: &Job, variant: &Variant, min_overlap: f32) -> Result<(ClipResult, f64), CommandError> {
    let mut site = variant.site(&job.truth_file).or_exit(ExitCode::BadConfig)?;
    site.cameras.retain(|camera| camera.id == job.truth.camera);
    if site.cameras.is_empty() {
        // With `--against` a camera may be in one of the sites only.
        let error = anyhow!(
            "{} has no camera {}, which {} names",
            variant.site_file(&job.truth_file).display(),
            job.truth.camera,
            job.truth_file.display()
        );
        return Err(CommandError { code: ExitCode::BadConfig, error });
    }
    let out = tempfile::tempdir().context("failed to make a folder for a clip's results")?;
    let (summary, sightings) = replay(job, &site, out.path())?;
    let alarms = sightings.alarms(summary.media_s);
    let verdicts = judge(&job.truth, &alarms, min_overlap);
    let played = Played {
        clip: job.name.clone(),
        model: site.model.card.name.clone(),
        media_s: summary.media_s,
        frames: summary.frames,
        analysed: summary.analysed,
        looked_for: looked_for(&site, job),
    };
    Ok((ClipResult::new(played, &job.truth, alarms, verdicts), summary.wall_s))
}

fn replay(job: &Job, site: &Site, out: &Path) -> Result<(Summary, Sightings), CommandError> {
    let sightings = Arc::<Mutex<Sightings>>::default();
    let replay = Replay {
        start: job.truth.start,
        narrator: Some(Box::new(Collector(Arc::clone(&sightings)))),
        ..Replay::over(site, [(job.truth.camera.clone(), job.path.clone())], out)?
    };
    let summary = replay.run()?;
    let sightings = std::mem::take(&mut *lock(&sightings));
    Ok((summary, sightings))
}

/// The violations that were looked for: those that have a rule and are judged, and those of the truth, with a rule or
/// without.
fn looked_for(site: &Site, job: &Job) -> BTreeSet<ViolationId> {
    let rules = site.cameras.iter().flat_map(|camera| &camera.rules).map(|rule| rule.key.violation.clone());
    let of_truth = job.truth.truths.iter().map(|truth| truth.violation.clone());
    rules.filter(|violation| job.truth.judges(violation)).chain(of_truth).collect()
}

/// Keeps what is told of incidents.
struct Collector(Arc<Mutex<Sightings>>);

impl Narrator for Collector {
    fn tell(&mut self, happening: &Happening) -> std::io::Result<()> {
        if let Happening::Moved { record, .. } = happening {
            lock(&self.0).moved(record);
        }
        Ok(())
    }
}
