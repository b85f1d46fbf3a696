//! What is shared by all connections to one server: how far each file is, what was spent and what was sent.

use forewarn_domain::Clock;

use super::Facts;
use super::bundle::Rank;
use super::kept::Kept;
use crate::upstream::http::Refusals;
use crate::upstream::spending::{Budget, Spent};
use crate::upstream::stats::FileCounts;

/// What outlives a connection.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    kept: Kept,
    spent: Option<Spent>,
    pub(super) refusals: Refusals,
    pub(super) counts: FileCounts,
}

impl Shared {
    pub(super) fn new(kept: Kept, budget: Option<Budget>) -> Self {
        let spent = budget.map(|budget| {
            let mut spent = Spent::new(budget);
            spent.take_up(kept.spent().clone());
            spent
        });
        Self { kept, spent, ..Self::default() }
    }

    /// How long until so many bytes of this rank may go.
    pub(super) fn wait(&self, rank: Rank, bytes: u64, clock: &dyn Clock) -> std::time::Duration {
        let spent = self.spent.as_ref().filter(|_| rank != Rank::Words);
        spent.map(|spent| spent.wait(clock.now(), bytes)).unwrap_or_default()
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
