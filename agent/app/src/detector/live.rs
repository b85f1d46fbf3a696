//! The detector of the running agent: the model on its provider, exchangeable, with a shadow if the site wants one.

use std::path::Path;
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use forewarn_base::sync::lock;
use forewarn_domain::{Class, Detection, Detector, DetectorError, Frame};
use forewarn_models::providers::Request;
use forewarn_models::shadow::{Log, ShadowStats, Shadowed, ShadowedDetector, Tally};
use forewarn_models::swap::SwappableDetector;
use forewarn_models::{OnnxDetector, Runtime};
use metrics::{counter, gauge};

use super::reload::Reload;
use crate::config::{Shadow, Site};
use crate::exit::{CommandError, ExitCode, OrExit as _};

/// Name of the model in use, for those who compare it with another.
pub(super) type ModelName = Arc<Mutex<String>>;

/// The detector, and what keeps it exchangeable.
pub struct LiveModel {
    /// To be handed to the agent.
    pub detector: Box<dyn Detector>,
    /// Listens for SIGHUP as long as it is kept.
    pub reload: Reload,
}

/// Opens the site's models. From now on SIGHUP reads `[model]` of the site file at `config` anew.
pub fn start(site: &Site, config: &Path) -> Result<LiveModel, CommandError> {
    let runtime = super::runtime(site.model.execution)?;
    let first = super::open_on(&runtime, &site.model.card, site.model.threads, Some(site.tracker.low_score))?;
    let name: ModelName = Arc::new(Mutex::new(site.model.card.name.clone()));
    let (swappable, handle) = SwappableDetector::new(Box::new(Metered::new(first, runtime)));
    let detector: Box<dyn Detector> = match &site.model.shadow {
        Some(shadow) => Box::new(shadowed(site, shadow, Box::new(swappable), Arc::clone(&name))?),
        None => Box::new(swappable),
    };
    let reload = Reload::listen(site, config, handle, name).or_exit(ExitCode::Failed)?;
    Ok(LiveModel { detector, reload })
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
    let mut log = Log::open(&site.storage.dir, shadow.max_bytes, &shadow.card.name).or_exit(ExitCode::Failed)?;
    let mut has_complained = false;
    let tell = move |shadowed: Shadowed, stats: &ShadowStats| {
        counter!("forewarn_shadow_frames_total", "outcome" => "dropped").absolute(stats.dropped());
        let (meta, comparison) = match shadowed {
            Shadowed::Compared { meta, comparison } => (meta, comparison),
            Shadowed::Failed { meta, error } => {
                counter!("forewarn_shadow_frames_total", "outcome" => "failed").increment(1);
                tracing::debug!(camera = %meta.stream, frame = meta.sequence, %error, "the shadow model failed");
                return;
            }
        };
        let outcome = if comparison.agrees() { "agrees" } else { "differs" };
        counter!("forewarn_shadow_frames_total", "outcome" => outcome).increment(1);
        for (class, tally) in &comparison.classes {
            count(class, *tally);
        }
        let name = lock(&main_name).clone();
        if let Err(error) = log.write(&meta, &name, &comparison)
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
        let class = class.to_string();
        counter!("forewarn_shadow_detections_total", "class" => class, "outcome" => outcome).increment(n);
    }
}

/// A model whose provider, and whatever becomes of it, shows in the metrics.
pub(super) struct Metered {
    inner: OnnxDetector,
    runtime: Runtime,
    /// Fallbacks that are in the metrics; `None` before the first frame, when there may be no recorder yet.
    told: Option<u64>,
}

impl Metered {
    pub(super) fn new(inner: OnnxDetector, runtime: Runtime) -> Self {
        Self { inner, runtime, told: None }
    }

    fn show(&self, value: f64) {
        let (card, provider) = (self.inner.card().name.clone(), self.inner.provider().as_str());
        gauge!("forewarn_model_in_use", "card" => card, "provider" => provider).set(value);
    }

    fn tell(&mut self) {
        let execution = self.runtime.execution();
        let now = execution.fallbacks();
        if self.told == Some(now) {
            return;
        }
        let provider = self.inner.provider();
        if self.told.is_none() && execution.chosen().is_fallback {
            counter!("forewarn_model_fallbacks_total", "when" => "start").increment(1);
        }
        let fresh = now - self.told.unwrap_or(0);
        counter!("forewarn_model_fallbacks_total", "when" => "work").increment(fresh);
        if fresh > 0 {
            let (card, from) = (self.inner.card().name.clone(), execution.chosen().provider.as_str());
            if provider.as_str() != from {
                gauge!("forewarn_model_in_use", "card" => card, "provider" => from).set(0.0);
            }
        }
        self.told = Some(now);
        self.show(1.0);
    }
}

impl Detector for Metered {
    fn classes(&self) -> &[Class] {
        self.inner.classes()
    }

    fn batch(&self) -> usize {
        self.inner.batch()
    }

    fn detect(&mut self, frames: &[&Frame]) -> Result<Vec<Vec<Detection>>, DetectorError> {
        let found = self.inner.detect(frames);
        self.tell();
        found
    }
}

impl Drop for Metered {
    fn drop(&mut self) {
        self.show(0.0);
    }
}
