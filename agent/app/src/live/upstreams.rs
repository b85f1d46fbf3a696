//! The ways upstream, as a part of the agent and as others see them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use forewarn_base::sync::lock;
use forewarn_console::HealthReport;
use forewarn_domain::Clock;
use forewarn_report::{Ear, Heard, Outbox, UpstreamStats};

use super::outbox::destinations;
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
    /// Acknowledgements of those that ended before the agent.
    acknowledged_before: u64,
}

/// The ways to all upstreams of the site; none where it has none. Clones are the same ones.
#[derive(Clone, Default)]
pub struct Upstreams(Arc<Mutex<State>>, Ear);

impl Upstreams {
    /// Starts them.
    pub fn start(site: &Site, outbox: &Outbox, clock: &Arc<dyn Clock>) -> Result<Self, CommandError> {
        let ear = Ear::default();
        let running = forewarn_report::Upstreams::start(&site.upstreams, outbox, clock, ear.clone());
        let running = Some(running.or_exit(ExitCode::Failed)?);
        Ok(Self(Arc::new(Mutex::new(State { running, ..State::default() })), ear))
    }

    /// Somebody does from now on what their other sides ask for.
    pub fn listen(&self, listens: impl Fn(Heard) + Send + Sync + 'static) {
        self.1.open(listens);
    }

    /// Ends those of these ids, and starts those of them that the site names now. All others go on.
    pub fn adopt(
        &self,
        site: &Site,
        ids: &BTreeSet<String>,
        outbox: &Outbox,
        clock: &Arc<dyn Clock>,
    ) -> anyhow::Result<()> {
        outbox.name_upstreams(destinations(site, &**clock), clock.now())?;
        let former = self.lock().running.as_mut().map(|running| running.take_out(ids));
        // Nobody else waits for the farewell of those.
        let last = former.map(|former| former.stop(DRAIN)).unwrap_or_default();
        let mut state = self.lock();
        state.acknowledged_before += acknowledged_by(&last);
        let Some(running) = &mut state.running else { return Ok(()) };
        let named = site.upstreams.iter().filter(|upstream| ids.contains(&upstream.id));
        Ok(named.into_iter().try_for_each(|upstream| running.add(upstream, outbox, clock))?)
    }

    /// The counters of each now, or at its end, by name.
    pub fn stats(&self) -> BTreeMap<String, UpstreamStats> {
        let state = self.lock();
        state.running.as_ref().map_or_else(|| state.last.clone(), forewarn_report::Upstreams::stats)
    }

    /// How many acknowledgements came from all of them together.
    pub fn acknowledged(&self) -> u64 {
        acknowledged_by(&self.stats()) + self.lock().acknowledged_before
    }

    /// Tells all of them how the parts fare.
    pub fn tell_health(&self, health: &HealthReport) {
        if let (Some(running), Ok(json)) = (&mut self.lock().running, serde_json::to_string(health)) {
            running.tell_health(&json);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }
}

fn acknowledged_by(stats: &BTreeMap<String, UpstreamStats>) -> u64 {
    stats.values().map(|stats| stats.acknowledged).sum()
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
