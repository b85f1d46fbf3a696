//! The ways upstream, as a part of the agent and as others see them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use forewarn_base::sync::lock;
use forewarn_console::HealthReport;
use forewarn_domain::Clock;
use forewarn_report::{Outbox, UpstreamStats};

use super::part::Part;
use crate::config::Site;
use crate::exit::{CommandError, ExitCode, OrExit as _};

/// Time that all of them have for what is left when the agent stops, if so much is left.
const DRAIN: Duration = Duration::from_secs(5);
/// What it takes to end when that time is over.
const FAREWELL: Duration = Duration::from_secs(1);

#[derive(Default)]
struct State {
    running: Option<forewarn_report::Upstreams>,
    /// Their counters at their end.
    last: BTreeMap<String, UpstreamStats>,
}

/// The ways to all upstreams of the site; none where it has none. Clones are the same ones.
#[derive(Clone, Default)]
pub struct Upstreams(Arc<Mutex<State>>);

impl Upstreams {
    /// Starts them.
    pub fn start(site: &Site, outbox: &Outbox, clock: &Arc<dyn Clock>) -> Result<Self, CommandError> {
        let running = forewarn_report::Upstreams::start(&site.upstreams, outbox, clock).or_exit(ExitCode::Failed)?;
        Ok(Self(Arc::new(Mutex::new(State { running: Some(running), last: BTreeMap::new() }))))
    }

    /// The counters of each now, or at its end, by name.
    pub fn stats(&self) -> BTreeMap<String, UpstreamStats> {
        let state = self.lock();
        state.running.as_ref().map_or_else(|| state.last.clone(), forewarn_report::Upstreams::stats)
    }

    /// How many acknowledgements came from all of them together.
    pub fn acknowledged(&self) -> u64 {
        self.stats().values().map(|stats| stats.acknowledged).sum()
    }

    /// Tells all of them how the parts fare.
    pub fn tell_health(&self, health: &HealthReport) {
        if let (Some(running), Ok(json)) = (&self.lock().running, serde_json::to_string(health)) {
            running.tell_health(&json);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }
}

impl Part for Upstreams {
    fn name(&self) -> &'static str {
        "upstream"
    }

    fn is_broken(&self) -> bool {
        self.lock().running.as_ref().is_some_and(|running| !running.are_running())
    }

    fn stop(&mut self, left: Duration) -> anyhow::Result<()> {
        let running = self.lock().running.take();
        if let Some(running) = running {
            let last = running.stop(DRAIN.min(left.saturating_sub(FAREWELL)));
            self.lock().last = last;
        }
        Ok(())
    }
}
