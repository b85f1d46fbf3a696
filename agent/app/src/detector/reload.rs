//! SIGHUP: the site file is read anew. A model that changed takes over if it stands the trial, cameras, loudspeakers,
//! sensors and upstreams are those of the file from then on; what else changed is told, since it is taken up at the next
//! start.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use forewarn_base::supervisor::Supervisor;
use forewarn_base::sync::lock;
use forewarn_base::thread::Thread;
use forewarn_domain::{AttributeId, Class, StreamId};
use forewarn_models::swap::{SwapHandle, TrialReport, trial};
use serde_json::{Value, json};
use signal_hook::consts::SIGHUP;
use signal_hook::iterator::{Handle, Signals};

use super::metered::{Metered, ModelName};
use super::reader;
use crate::config::adoption::Adoption;
use crate::config::changes::{Change, Concern, Parts, beside};
use crate::config::doubts::new_doubts;
use crate::config::source::Source;
use crate::config::{self, Camera, ConfigErrors, Rule, Running, Site};
use crate::live::Adopter;
use crate::telemetry;

/// How long the exchange waits for a frame.
const PATIENCE: Duration = Duration::from_mins(1);

/// SIGHUP no longer ends the process; what comes waits for [`Signalled::listen`].
pub struct Signalled {
    signals: Signals,
    exchange: Exchange,
}

/// Listens for SIGHUP until it is dropped.
pub struct Reload {
    signals: Handle,
    thread: Thread,
}

/// What an exchange needs.
pub(super) struct Exchange {
    config: PathBuf,
    /// The site as the agent runs it, but for its model.
    site: Site,
    parts: Parts,
    running: Running,
    handle: SwapHandle,
    name: ModelName,
    /// What the models of closer looks can read, which were opened at the start.
    readable: BTreeSet<AttributeId>,
    /// What was taken up in part only, to be tried again.
    torn: Vec<Change>,
}

impl Signalled {
    pub(super) fn new(site: &Site, config: &Path, handle: SwapHandle, name: ModelName) -> anyhow::Result<Self> {
        let signals = Signals::new([SIGHUP]).context("failed to listen for SIGHUP")?;
        Ok(Self { signals, exchange: Exchange::new(site, config, handle, name) })
    }

    /// Takes up what can be taken up at each SIGHUP; `adopter` carries it out.
    pub fn listen(self, adopter: Adopter) -> anyhow::Result<Reload> {
        let Self { mut signals, mut exchange } = self;
        let closer = signals.handle();
        let work = move || {
            let supervisor = Supervisor::of_environment();
            for _ in signals.forever() {
                supervisor.reloading();
                adopter.reloads().begin();
                adopter.reloads().end(exchange.attempt(&adopter));
                supervisor.ready(&in_short(&exchange.site));
            }
        };
        Ok(Reload { signals: closer, thread: Thread::spawn("reload", work)? })
    }
}

impl Drop for Reload {
    fn drop(&mut self) {
        self.signals.close();
        if let Err(error) = self.thread.join() {
            tracing::error!("{error}");
        }
    }
}

impl Exchange {
    pub(super) fn new(site: &Site, config: &Path, handle: SwapHandle, name: ModelName) -> Self {
        let parts = Source::read(config).map(|source| Parts::of(source.text())).unwrap_or_default();
        let readable = reader::asked(&site.attributes, &site.cameras);
        Self {
            config: config.to_owned(),
            site: site.clone(),
            parts,
            running: Running::of(site),
            handle,
            name,
            readable,
            torn: Vec::new(),
        }
    }

    /// Takes up what can be taken up, and says of everything else that it waits for a restart.
    fn attempt(&mut self, adopter: &Adopter) -> Result<Value, String> {
        let read = Source::read(&self.config).map_err(ConfigErrors::from);
        let (text, mut site) = match read.and_then(|source| Ok((source.text().to_owned(), config::resolve(&source)?))) {
            Ok(read) => read,
            Err(errors) => {
                telemetry::MODEL_SWAPS.of([&"refused"]).increment(1);
                let why = format!("the site file is not taken, all goes on as it was: {errors}");
                tracing::error!("{why}");
                return Err(why);
            }
        };
        super::tuned::apply_and_log(&mut site);
        for doubt in new_doubts(&self.site, &site) {
            tracing::warn!("{}: {}; {}", doubt.about, doubt.problem, doubt.mend);
        }
        let mut changes = self.changes(&text, &site);
        let torn = std::mem::take(&mut self.torn);
        let again: BTreeSet<StreamId> = torn.iter().filter_map(|change| change.concern.camera().cloned()).collect();
        changes.extend(torn);
        let is_other_model = !self.running.is_same(&Running::of(&site));
        // The rules of the file are those for its model, so that they wait for it where it knows other classes.
        let exchanged = if is_other_model { self.exchange_or_tell(&site) } else { Ok(()) };
        let has_its_model = exchanged.is_ok() || self.running.serves_rules_of(&Running::of(&site));
        let can_read = |camera: &Camera| {
            has_its_model && reader::asked(&site.attributes, std::slice::from_ref(camera)).is_subset(&self.readable)
        };
        let mut adoption = Adoption::of(&self.site, &site, changes, can_read);
        adoption.streams.extend(again);
        if !adoption.concerns.is_empty() {
            let (what, adopted) = (adoption.taken_up.join(", "), adopter.adopt(&adoption));
            self.parts.take_over(&Parts::of(&text), &adoption.concerns);
            self.site = adoption.site;
            match adopted {
                Ok(()) => tracing::info!("taken up: {what}"),
                Err(error) => {
                    self.torn = adoption.concerns.into_iter().map(Change::torn).collect();
                    let why = format!("not all of this is taken up: {what}: {error:#}; fix it and reload");
                    tracing::error!("{why}");
                    return Err(why);
                }
            }
        }
        if !adoption.waiting.is_empty() {
            let or = if has_its_model { "" } else { "the model can be exchanged, or " };
            tracing::warn!("not taken up until {or}the agent is started again: {}", adoption.waiting.join(", "));
        } else if !is_other_model && adoption.taken_up.is_empty() {
            tracing::info!("the site file is read again: nothing changed");
        }
        exchanged
            .map(|()| json!({ "model": *lock(&self.name), "taken_up": adoption.taken_up, "waiting": adoption.waiting }))
    }

    /// What changed beside the model.
    fn changes(&self, text: &str, site: &Site) -> Vec<Change> {
        let is_shadow_same = format!("{:?}", self.site.model.shadow) == format!("{:?}", site.model.shadow);
        let mut changes = self.parts.changes(&Parts::of(text));
        changes.retain(|change| change.concern != Concern::Model);
        if !is_shadow_same {
            changes.push(Change::other("[model.shadow] changed"));
        }
        changes.extend(beside(&self.site, site));
        changes
    }

    /// Exchanges the model, or says, also in log and metrics, why the old one stays.
    fn exchange_or_tell(&mut self, site: &Site) -> Result<(), String> {
        match self.exchange(site) {
            Ok((card, report)) => {
                telemetry::MODEL_SWAPS.of([&"switched"]).increment(1);
                let agreement = report.agreement.map(|(found, of)| format!("{found} of {of}"));
                tracing::info!(%card, agreement = agreement.as_deref().unwrap_or("no reference yet"), "model exchanged");
                Ok(())
            }
            Err(error) => {
                telemetry::MODEL_SWAPS.of([&"refused"]).increment(1);
                let why = format!("the model is not exchanged, the old one stays: {error:#}");
                tracing::error!("{why}");
                Err(why)
            }
        }
    }

    /// Opens the model of the site file beside the present one, tries it, and lets it take over between two frames.
    pub(super) fn exchange(&mut self, site: &Site) -> anyhow::Result<(String, TrialReport)> {
        let rules: Vec<&Rule> = self.site.cameras.iter().flat_map(|camera| &camera.rules).collect();
        check_rules(&rules, &site.model.card.classes.to_vec())?;
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
        self.running = Running::of(site);
        Ok((site.model.card.name.clone(), report))
    }
}

/// What runs, for the service manager.
pub fn in_short(site: &Site) -> String {
    format!("watches {} cameras of site {} by {}", site.cameras.len(), site.header.id, site.model.card.name)
}

/// Every rule that runs must be able to go on: its classes are among those of the new model.
fn check_rules(rules: &[&Rule], classes: &[Class]) -> anyhow::Result<()> {
    for rule in rules {
        rule.compile_for(classes)
            .map_err(|error| anyhow!("rule {}: {}: {}", rule.key.violation, error.place, error.problem))?;
    }
    Ok(())
}
