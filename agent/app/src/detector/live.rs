//! The detector of the running agent: the model on its provider, exchangeable, with a shadow if the site wants one.

use std::path::Path;
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use forewarn_base::sync::lock;
use forewarn_domain::clock::wall_now;
use forewarn_domain::{Class, Detector};
use forewarn_models::LateDetector;
use forewarn_models::providers::Request;
use forewarn_models::shadow::{Log, ShadowStats, Shadowed, ShadowedDetector, Tally};
use forewarn_models::swap::SwappableDetector;

use super::metered::{Metered, ModelName};
use super::reload::Signalled;
use crate::config::{Shadow, Site};
use crate::exit::{CommandError, ExitCode, OrExit as _};
use crate::telemetry;

/// The detector, and what keeps it exchangeable.
pub struct LiveModel {
    /// To be handed to the agent.
    pub detector: Box<dyn Detector>,
    /// What is done at SIGHUP.
    pub signalled: Signalled,
}

/// Opens the site's models. From now on SIGHUP does not end the process; it will read the site file at `config` anew.
pub fn start(site: &Site, config: &Path) -> Result<LiveModel, CommandError> {
    let first = match open(site) {
        Err(lack) if lack.code == ExitCode::Missing && site.cameras.is_empty() => late(site, &lack),
        opened => opened?,
    };
    let name: ModelName = Arc::new(Mutex::new(site.model.card.name.clone()));
    let (swappable, handle) = SwappableDetector::new(first);
    let detector: Box<dyn Detector> = match &site.model.shadow {
        Some(shadow) => Box::new(shadowed(site, shadow, Box::new(swappable), Arc::clone(&name))?),
        None => Box::new(swappable),
    };
    let signalled = Signalled::new(site, config, handle, name).or_exit(ExitCode::Failed)?;
    Ok(LiveModel { detector, signalled })
}

fn open(site: &Site) -> Result<Box<dyn Detector>, CommandError> {
    let runtime = super::runtime(site.model.execution)?;
    let model = super::open_on(&runtime, &site.model.card, site.model.threads, Some(site.tracker.low_score))?;
    Ok(Box::new(Metered::new(model, runtime)))
}

/// A box without a camera is one that is set up, and nothing is seen the less for a model that is fetched later.
fn late(site: &Site, lack: &CommandError) -> Box<dyn Detector> {
    tracing::warn!("{lack}; it is taken up as soon as it is there");
    let (of, classes) = (site.clone(), site.model.card.classes.to_vec());
    Box::new(LateDetector::new(classes, lack.to_string(), move || open(&of).map_err(|error| error.to_string())))
}

/// Puts the shadow model beside the main one. It runs on the CPU, with one thread of the lowest priority.
fn shadowed(
    site: &Site,
    shadow: &Shadow,
    main: Box<dyn Detector>,
    main_name: ModelName,
) -> Result<ShadowedDetector, CommandError> {
    let runtime = super::runtime(Request::CPU)?;
    let second = super::open_on(&runtime, &shadow.card, 1, Some(site.tracker.low_score))?;
    let mut log =
        Log::open(&site.storage.dir.shadow_log(), shadow.max_bytes, &shadow.card.name).or_exit(ExitCode::Failed)?;
    let mut has_complained = false;
    let tell = move |shadowed: Shadowed, stats: &ShadowStats| {
        telemetry::SHADOW_FRAMES.of([&"dropped"]).absolute(stats.dropped());
        let (meta, comparison) = match shadowed {
            Shadowed::Compared { meta, comparison } => (meta, comparison),
            Shadowed::Failed { meta, error } => {
                telemetry::SHADOW_FRAMES.of([&"failed"]).increment(1);
                tracing::debug!(camera = %meta.stream, frame = meta.sequence, %error, "the shadow model failed");
                return;
            }
        };
        let outcome = if comparison.agrees() { "agrees" } else { "differs" };
        telemetry::SHADOW_FRAMES.of([&outcome]).increment(1);
        for (class, tally) in &comparison.classes {
            count(class, *tally);
        }
        let name = lock(&main_name).clone();
        if let Err(error) = log.write(&meta, wall_now(), &name, &comparison)
            && !std::mem::replace(&mut has_complained, true)
        {
            tracing::warn!(%error, "differences of the shadow model are counted but not kept");
        }
    };
    ShadowedDetector::start(main, Box::new(second), shadow.sample, site.tracker.high_score, tell)
        .context("failed to start the shadow model's thread")
        .or_exit(ExitCode::Failed)
}

fn count(class: &Class, tally: Tally) {
    for (outcome, n) in [("matched", tally.matched), ("only_main", tally.only_main), ("only_shadow", tally.only_shadow)]
    {
        telemetry::SHADOW_DETECTIONS.of([class, &outcome]).increment(n);
    }
}
