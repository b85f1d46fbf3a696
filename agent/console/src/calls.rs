//! Who looks at cameras over WebRTC: a bounded number of sessions, each of which ends with whoever wanted it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use forewarn_base::sync::lock;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::ports::Caller;

/// Sessions at a time. Each takes some threads and a port of UDP.
pub(crate) const CALLS: usize = 16;

/// A session, and whose it is.
pub(crate) struct Held {
    pub camera: String,
    /// The name of whoever looks.
    pub who: String,
    pub call: Box<dyn Caller>,
    /// Free again when the session has ended.
    #[expect(dead_code, reason = "it is held, and never asked")]
    pub place: OwnedSemaphorePermit,
}

/// The sessions by their names.
pub(crate) struct Calls {
    /// Where packets go and come: where the console listens, so that nothing else of the box is reached.
    pub at: Option<IpAddr>,
    places: Arc<Semaphore>,
    held: Mutex<BTreeMap<String, Held>>,
}

impl Calls {
    /// None so far, of a console that listens there.
    pub(crate) fn at(address: IpAddr) -> Self {
        let at = (!address.is_unspecified()).then_some(address);
        Self { at, places: Arc::new(Semaphore::new(CALLS)), held: Mutex::default() }
    }

    /// A place for one more; none where there are too many.
    pub(crate) fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// Keeps one by its name. How many there are.
    pub(crate) fn keep(&self, name: &str, held: Held) -> usize {
        let mut all = lock(&self.held);
        all.insert(name.to_owned(), held);
        all.len()
    }

    /// Takes one out where it is to end, and how many there are then. It ends when it is dropped, which waits.
    pub(crate) fn take(&self, name: &str, is_to_end: impl FnOnce(&Held) -> bool) -> Option<(Held, usize)> {
        let mut all = lock(&self.held);
        if !all.get(name).is_some_and(is_to_end) {
            return None;
        }
        let held = all.remove(name)?;
        Some((held, all.len()))
    }

    /// Whether there is one of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        lock(&self.held).contains_key(name)
    }
}
