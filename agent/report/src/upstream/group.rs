//! All upstreams of a site.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use forewarn_domain::Clock;
use forewarn_domain::clock::Stopwatch;

use super::config::ResolvedUpstream;
use super::ear::Ear;
use super::{UpstreamError, UpstreamHandle, UpstreamStats};
use crate::outbox::Outbox;

/// The running ways to all upstreams. Dropping it stops them at once.
#[derive(Debug, Default)]
pub struct Upstreams {
    handles: Vec<UpstreamHandle>,
    /// How the agent's parts fare, as all of them were last told.
    health: String,
    /// Who does what the other sides ask for.
    ear: Ear,
}

impl Upstreams {
    /// Starts every upstream on a thread of its own. What the other sides ask for is heard by `ear`.
    pub fn start(
        upstreams: &[ResolvedUpstream],
        outbox: &Outbox,
        clock: &Arc<dyn Clock>,
        ear: Ear,
    ) -> Result<Self, UpstreamError> {
        let mut started = Self { ear, ..Self::default() };
        upstreams.iter().try_for_each(|upstream| started.add(upstream, outbox, clock))?;
        Ok(started)
    }

    /// Starts one beside those that run. Another by its id must have ended before, lest one is taken for the other.
    pub fn add(
        &mut self,
        upstream: &ResolvedUpstream,
        outbox: &Outbox,
        clock: &Arc<dyn Clock>,
    ) -> Result<(), UpstreamError> {
        let handle =
            upstream.adapter.start(outbox.lane(&upstream.id), Arc::clone(clock), &upstream.manners, &self.ear)?;
        handle.tell_health(&self.health);
        self.handles.push(handle);
        Ok(())
    }

    /// Takes out those of these ids, which go on until they are stopped or dropped.
    #[must_use]
    pub fn take_out(&mut self, ids: &BTreeSet<String>) -> Self {
        let handles = self.handles.extract_if(.., |handle| ids.contains(handle.upstream())).collect();
        Self { handles, ..Self::default() }
    }

    /// The state and the counters of each, by id.
    pub fn stats(&self) -> BTreeMap<String, UpstreamStats> {
        self.handles.iter().map(|handle| (handle.upstream().to_owned(), handle.stats())).collect()
    }

    /// Tells all of them how the agent's parts fare, as JSON.
    pub fn tell_health(&mut self, health: &str) {
        health.clone_into(&mut self.health);
        self.handles.iter().for_each(|handle| handle.tell_health(health));
    }

    /// Whether every thread runs.
    pub fn are_running(&self) -> bool {
        self.handles.iter().all(UpstreamHandle::is_running)
    }

    /// Stops all of them together, for at most `deadline`. What was not acknowledged by then stays in the outbox.
    pub fn stop(self, deadline: Duration) -> BTreeMap<String, UpstreamStats> {
        let begun = Stopwatch::start();
        self.handles.iter().for_each(UpstreamHandle::begin_stop);
        self.handles
            .into_iter()
            .map(|handle| (handle.upstream().to_owned(), handle.stop(deadline.saturating_sub(begun.elapsed()))))
            .collect()
    }
}
