//! What is shared by all connections to one server: how far each file is, what was spent and what was sent.

use std::time::Duration;

use forewarn_domain::Clock;

use super::Facts;
use super::bundle::Rank;
use super::kept::Kept;
use crate::upstream::http::Refusals;
use crate::upstream::spending::{Budget, Spent};
use crate::upstream::stats::FileCounts;

/// It is asked so often whether the drone has landed.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// What outlives a connection.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    kept: Kept,
    spent: Option<Spent>,
    /// Whether clips may go; they always may where there is none.
    clips_may_go: Option<fn() -> bool>,
    pub(super) refusals: Refusals,
    pub(super) counts: FileCounts,
}

impl Shared {
    pub(super) fn new(kept: Kept, budget: Option<Budget>, clips_may_go: Option<fn() -> bool>) -> Self {
        let spent = budget.map(|budget| {
            let mut spent = Spent::new(budget);
            spent.take_up(kept.spent().clone());
            spent
        });
        Self { kept, spent, clips_may_go, ..Self::default() }
    }

    /// How long until so many bytes of this rank may go.
    pub(super) fn wait(&self, rank: Rank, bytes: u64, clock: &dyn Clock) -> Duration {
        let spent = self.spent.as_ref().filter(|_| rank != Rank::Words);
        let of_budget = spent.map(|spent| spent.wait(clock.now(), bytes)).unwrap_or_default();
        if rank == Rank::Clip && !self.clips_may_go.is_none_or(|may_go| may_go()) {
            return of_budget.max(ASK_AGAIN);
        }
        of_budget
    }

    pub(super) fn spend(&mut self, bytes: u64, clock: &dyn Clock) {
        if let Some(spent) = &mut self.spent {
            spent.spend(clock.now(), bytes);
        }
    }

    pub(super) fn is_there(&self, facts: &Facts) -> bool {
        self.kept.is_there(facts)
    }

    pub(super) fn goes_on(&self, facts: &Facts) -> Option<String> {
        self.kept.goes_on(facts)
    }

    /// Notes how far a file is; the server has it where it goes on from nothing.
    pub(super) fn note(&mut self, facts: &Facts, goes_on: Option<String>) {
        let spent = self.spent.as_ref().map(|spent| spent.all().clone()).unwrap_or_default();
        if self.kept.note(facts, goes_on, spent) {
            self.kept.write();
        }
    }
}
