//! What the incident loop and other parts write up for those who look from outside.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use forewarn_base::sync::lock;
use forewarn_domain::{IncidentRecord, SensorId, StreamId};

/// What is written up.
#[derive(Debug, Default)]
pub struct Notices {
    /// The incidents that are open.
    pub open: Vec<IncidentRecord>,
    /// The streams without a picture, and why.
    pub down: BTreeMap<StreamId, String>,
    /// The sensors that cannot be read, and why.
    pub unread: BTreeMap<SensorId, String>,
    /// What cannot be kept or written, and why.
    pub failing: BTreeMap<&'static str, String>,
}

/// The board. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Board(Arc<Mutex<Notices>>);

impl Board {
    /// What is on it, to be read or changed.
    pub fn lock(&self) -> MutexGuard<'_, Notices> {
        lock(&self.0)
    }
}
