//! SIGHUP: `[model]` of the site file is read anew, and its model takes over if it stands the trial.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use forewarn_base::sync::lock;
use forewarn_domain::Class;
use forewarn_models::swap::{SwapHandle, TrialReport, trial};
use signal_hook::consts::SIGHUP;
use signal_hook::iterator::{Handle, Signals};

use super::metered::{Metered, ModelName};
use crate::config::{self, Rule, Site};
use crate::telemetry;

/// How long the exchange waits for a frame.
const PATIENCE: Duration = Duration::from_mins(1);

/// Listens for SIGHUP until it is dropped.
pub struct Reload {
    signals: Handle,
    thread: Option<JoinHandle<()>>,
}

/// What an exchange needs.
pub(super) struct Exchange {
    config: PathBuf,
    rules: Vec<Rule>,
    handle: SwapHandle,
    name: ModelName,
}

impl Reload {
    pub(super) fn listen(site: &Site, config: &Path, handle: SwapHandle, name: ModelName) -> anyhow::Result<Self> {
        let mut signals = Signals::new([SIGHUP]).context("failed to listen for SIGHUP")?;
        let closer = signals.handle();
        let exchange = Exchange::new(site, config, handle, name);
        let work = move || {
            for _ in signals.forever() {
                exchange.attempt();
            }
        };
        let thread = std::thread::Builder::new().name("model-swap".to_owned()).spawn(work);
        Ok(Self { signals: closer, thread: Some(thread.context("failed to start a thread")?) })
    }
}

impl Drop for Reload {
    fn drop(&mut self) {
        self.signals.close();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that exchanges models panicked");
        }
    }
}

impl Exchange {
    pub(super) fn new(site: &Site, config: &Path, handle: SwapHandle, name: ModelName) -> Self {
        let rules = site.cameras.iter().flat_map(|camera| camera.rules.iter().cloned()).collect();
        Self { config: config.to_owned(), rules, handle, name }
    }

    /// Exchanges the model, or says in log and metrics why the old one stays.
    fn attempt(&self) {
        match self.exchange() {
            Ok((card, report)) => {
                telemetry::MODEL_SWAPS.of([&"switched"]).increment(1);
                let agreement = report.agreement.map(|(found, of)| format!("{found} of {of}"));
                tracing::info!(%card, agreement = agreement.as_deref().unwrap_or("no reference yet"), "model exchanged");
            }
            Err(error) => {
                telemetry::MODEL_SWAPS.of([&"refused"]).increment(1);
                tracing::error!("the model is not exchanged, the old one stays: {error:#}");
            }
        }
    }

    /// Opens the model of the site file beside the present one, tries it, and lets it take over between two frames.
    pub(super) fn exchange(&self) -> anyhow::Result<(String, TrialReport)> {
        let site = config::load(&self.config)?;
        check_rules(&self.rules, &site.model.card.classes.to_vec())?;
        let runtime = super::runtime(site.model.execution).map_err(|error| error.error)?;
        let chosen = runtime.execution().chosen();
        if chosen.is_fallback {
            bail!("{}; a restarted agent loads the library that fits, if there is one", chosen.reason);
        }
        let model = super::open_on(&runtime, &site.model.card, site.model.threads, Some(site.tracker.low_score));
        let mut model = Metered::new(model.map_err(|error| error.error)?, runtime);
        let reference = self.handle.reference();
        // The rules have been compiled with its classes already.
        let report = trial(&mut model, &BTreeSet::new(), reference.as_ref())
            .map_err(|error| anyhow!("model {}: {error}", site.model.card.name))?;
        let old = self.handle.switch_to(Box::new(model), PATIENCE)?;
        drop(old);
        lock(&self.name).clone_from(&site.model.card.name);
        Ok((site.model.card.name, report))
    }
}

/// Every rule that runs must be able to go on: its classes are among those of the new model.
fn check_rules(rules: &[Rule], classes: &[Class]) -> anyhow::Result<()> {
    for rule in rules {
        rule.compile_for(classes)
            .map_err(|error| anyhow!("rule {}: {}: {}", rule.key.violation, error.place, error.problem))?;
    }
    Ok(())
}
