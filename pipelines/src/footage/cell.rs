//! What waits for the disk: the units of one stream, handed over by its ring.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use forewarn_base::sync::{held, lock};

use super::why::Why;
use crate::StreamFormat;
use crate::unit::AccessUnit;

/// Units that may wait: half a minute and more of a usual camera.
const MOST_UNITS: usize = 1000;
/// Bytes that may wait. As long as they are in the ring, too, they are shared with it.
const MOST_BYTES: usize = 32 << 20;

/// What is handed over.
#[derive(Debug)]
pub(crate) enum Item {
    /// A picture.
    Unit(AccessUnit, Arc<StreamFormat>),
    /// What follows does not go on where that before ended.
    Break(Why),
}

#[derive(Debug, Default)]
struct Waiting {
    items: VecDeque<Item>,
    bytes: usize,
    needs_key: bool,
    is_over: bool,
    is_done: bool,
}

/// The queue between a ring and the thread that writes footage. Nobody waits to put something in.
#[derive(Debug, Default)]
pub(crate) struct FootageCell {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

impl FootageCell {
    /// Takes a unit; leaves it out where there is no room, with all up to the next key picture.
    pub(crate) fn offer(&self, unit: &AccessUnit, format: &Arc<StreamFormat>) {
        let mut waiting = lock(&self.waiting);
        let is_full = waiting.items.len() >= MOST_UNITS || waiting.bytes + unit.size_bytes() > MOST_BYTES;
        if is_full && !waiting.needs_key {
            waiting.needs_key = true;
            waiting.items.push_back(Item::Break(Why::Behind));
        }
        if is_full || (waiting.needs_key && !unit.is_key) {
            return;
        }
        waiting.needs_key = false;
        waiting.bytes += unit.size_bytes();
        waiting.items.push_back(Item::Unit(unit.clone(), Arc::clone(format)));
        drop(waiting);
        self.changed.notify_all();
    }

    /// The connection was lost.
    pub(crate) fn interrupt(&self) {
        let mut waiting = lock(&self.waiting);
        if !matches!(waiting.items.back(), Some(Item::Break(_))) {
            waiting.items.push_back(Item::Break(Why::Away));
        }
        drop(waiting);
        self.changed.notify_all();
    }

    /// No unit will come any more.
    pub(crate) fn end(&self) {
        lock(&self.waiting).is_over = true;
        self.changed.notify_all();
    }

    /// What has come, waiting for it; none once it is over and all was taken.
    pub(crate) fn take(&self) -> Option<VecDeque<Item>> {
        let waiting = lock(&self.waiting);
        let mut waiting = held(self.changed.wait_while(waiting, |w| w.items.is_empty() && !w.is_over));
        waiting.bytes = 0;
        let items = std::mem::take(&mut waiting.items);
        (!items.is_empty()).then_some(items)
    }

    /// All was written that will be.
    pub(crate) fn done(&self) {
        lock(&self.waiting).is_done = true;
        self.changed.notify_all();
    }

    /// Waits for that; false if `patience` is over first.
    pub(crate) fn wait_done(&self, patience: Duration) -> bool {
        let waiting = lock(&self.waiting);
        held(self.changed.wait_timeout_while(waiting, patience, |w| !w.is_done)).0.is_done
    }
}
