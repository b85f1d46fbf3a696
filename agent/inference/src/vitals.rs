//! How the models and their budget fare, as the inference thread finds.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use forewarn_base::sync::lock;

#[derive(Debug, Default)]
struct State {
    failed_in_row: AtomicU64,
    error: Mutex<String>,
    shortfall: Mutex<Option<String>>,
    is_short: AtomicBool,
}

/// How they fare. Clones are the same ones.
#[derive(Debug, Clone, Default)]
pub struct Vitals(Arc<State>);

impl Vitals {
    /// The models looked at a frame.
    pub fn looked(&self) {
        self.0.failed_in_row.store(0, Ordering::Relaxed);
    }

    /// The models failed at a frame.
    pub fn failed(&self, error: &impl ToString) {
        *lock(&self.0.error) = error.to_string();
        self.0.failed_in_row.fetch_add(1, Ordering::Relaxed);
    }

    /// What the models do otherwise than they were asked to, if it does so.
    pub fn falls_short(&self, shortfall: Option<String>) {
        *lock(&self.0.shortfall) = shortfall;
    }

    /// The budget suffices, or does not.
    pub fn budget(&self, is_short: bool) {
        self.0.is_short.store(is_short, Ordering::Relaxed);
    }

    /// At how many frames in a row the models have failed, and why at the last.
    pub fn failures(&self) -> (u64, String) {
        (self.0.failed_in_row.load(Ordering::Relaxed), lock(&self.0.error).clone())
    }

    /// What the models do otherwise than they were asked to, and why; none where all do as asked.
    pub fn shortfall(&self) -> Option<String> {
        lock(&self.0.shortfall).clone()
    }

    /// Whether the budget does not suffice for what is wanted.
    pub fn is_budget_short(&self) -> bool {
        self.0.is_short.load(Ordering::Relaxed)
    }
}
