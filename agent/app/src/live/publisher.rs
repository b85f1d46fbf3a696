//! The publisher of reports, as a part of the agent and as others see it.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use forewarn_base::sync::lock;
use forewarn_domain::Clock;
use forewarn_report::{Outbox, PublisherHandle, PublisherStats};

use super::part::Part;
use crate::config::Site;
use crate::exit::{CommandError, ExitCode, OrExit as _};

/// Time that the publisher has for what is left when the agent stops.
const DRAIN: Duration = Duration::from_secs(8);

#[derive(Default)]
struct State {
    running: Option<PublisherHandle>,
    /// Its counters at its end.
    last: PublisherStats,
}

/// The publisher; it does nothing where the site has no upstream. Clones are the same one.
#[derive(Clone, Default)]
pub struct Publisher(Arc<Mutex<State>>);

impl Publisher {
    /// Starts it.
    pub fn start(site: &Site, outbox: &Outbox, clock: &Arc<dyn Clock>) -> Result<Self, CommandError> {
        let start = |config| forewarn_report::spawn(config, outbox, Arc::clone(clock)).or_exit(ExitCode::Failed);
        let running = site.mqtt.clone().map(start).transpose()?;
        Ok(Self(Arc::new(Mutex::new(State { running, last: PublisherStats::default() }))))
    }

    /// Its counters now, or at its end.
    pub fn stats(&self) -> PublisherStats {
        let state = self.lock();
        state.running.as_ref().map_or_else(|| state.last.clone(), PublisherHandle::stats)
    }

    /// Why reports do not go upstream now.
    pub fn trouble(&self) -> Option<String> {
        let stats = self.lock().running.as_ref()?.stats();
        let why = stats.last_error.as_deref().unwrap_or("not connected yet");
        stats.connected_since.is_none().then(|| format!("upstream: {why}"))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }
}

impl Part for Publisher {
    fn name(&self) -> &'static str {
        "upstream"
    }

    fn is_broken(&self) -> bool {
        self.lock().running.as_ref().is_some_and(|publisher| !publisher.is_running())
    }

    fn stop(&mut self) -> anyhow::Result<()> {
        let running = self.lock().running.take();
        if let Some(publisher) = running {
            let last = publisher.stop(DRAIN);
            self.lock().last = last;
        }
        Ok(())
    }
}
