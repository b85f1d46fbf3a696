//! Which streams come, go and are looked at in another manner while the thread runs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use forewarn_base::sync::lock;
use forewarn_domain::StreamId;

use crate::StreamSetup;

/// The latest change of each stream that the thread has not taken up: how it is looked at from now on, or that it is not
/// any more. There are never more than cameras, since a newer change takes the place of one that waits.
#[derive(Clone, Default)]
pub struct Lanes(Arc<Mutex<BTreeMap<StreamId, Option<StreamSetup>>>>);

impl Lanes {
    /// A stream is looked at so from now on, whether it was before or not.
    pub fn add(&self, setup: StreamSetup) {
        lock(&self.0).insert(setup.stream.clone(), Some(setup));
    }

    /// A stream is not looked at any more.
    pub fn remove(&self, stream: StreamId) {
        lock(&self.0).insert(stream, None);
    }

    /// What has changed, which is thereby taken.
    pub(super) fn take(&self) -> BTreeMap<StreamId, Option<StreamSetup>> {
        std::mem::take(&mut *lock(&self.0))
    }
}
