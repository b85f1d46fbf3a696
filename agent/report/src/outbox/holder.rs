//! The way into the outbox for those who must not wait for the disk, and the writing of what they left.

use std::sync::Arc;
use std::time::Duration;

use forewarn_base::sync::lock;
use forewarn_domain::Report;

use super::held::{HeldCount, Step};
use super::shared::Shared;
use super::{Depth, Outbox, OutboxError, SetAside};

/// Takes reports into memory, from where they are written, and sent where the disk refuses them. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Holder(Arc<Shared>);

impl Holder {
    pub(super) fn of(shared: &Arc<Shared>) -> Self {
        Self(Arc::clone(shared))
    }

    /// Takes the reports that one call of the engine made, each with the snapshot of its incident after all of them.
    pub fn hold(&self, batch: Vec<(Report, Option<String>)>) {
        self.0.held.hold(batch);
        if self.0.held.is_released() {
            self.0.tell_queued();
        }
    }

    /// Lets upstreams have what waits in memory: the disk takes too long.
    pub fn release(&self) {
        if self.0.held.release() {
            self.0.tell_queued();
        }
    }

    /// Waits until something waits for the disk, at most for `patience`. Whether something does.
    pub fn wait_some(&self, patience: Duration) -> bool {
        self.0.held.wait_some(patience)
    }

    /// Waits until the disk has taken or refused everything, at most for `patience`. Whether it has.
    pub fn wait_settled(&self, patience: Duration) -> bool {
        self.0.held.wait_settled(patience)
    }

    /// Whether upstreams may have what waits in memory.
    pub fn is_released(&self) -> bool {
        self.0.held.is_released()
    }

    /// Waits until the disk has everything, at most for `patience`. Whether it has.
    pub fn wait_written(&self, patience: Duration) -> bool {
        self.0.held.wait_empty(patience)
    }

    /// How much waits on the disk, as of this process's latest write.
    pub fn depth(&self) -> Depth {
        lock(&self.0.depths).total
    }

    /// How much the disk has not taken.
    pub fn count(&self) -> HeldCount {
        self.0.held.count()
    }

    /// Files that were set aside since the last call.
    pub fn take_set_aside(&self) -> Vec<SetAside> {
        self.0.take_set_aside()
    }

    /// Why some upstream cannot read what waits for it, or note what it has.
    pub fn reading_trouble(&self) -> Option<String> {
        lock(&self.0.reading_trouble).clone()
    }
}

impl Outbox {
    /// Writes what is held, in order, each batch as a whole. What the disk refuses stays held, and may be sent from there.
    pub fn write_held(&mut self) -> Result<(), OutboxError> {
        let mut outcome = Ok(());
        loop {
            let batch = self.shared.held.next_batch();
            if batch.is_empty() {
                return outcome;
            }
            match self.write_batch(&batch) {
                Ok(()) => {}
                Err(error) if error.is_of_the_disk() => {
                    self.holder().release();
                    return Err(error);
                }
                // The incidents are kept, and their latest state is queued as soon as there is room.
                Err(error @ OutboxError::Full { .. }) => outcome = Err(error),
                Err(error) => {
                    self.shared.held.count_given_up();
                    outcome = Err(error);
                }
            }
            self.shared.held.remove(&batch);
        }
    }

    fn write_batch(&mut self, batch: &[Step]) -> Result<(), OutboxError> {
        let steps: Vec<_> = batch.iter().map(|step| (&step.report, step.snapshot.as_deref())).collect();
        self.record_all(&steps).map(drop)
    }

    /// Sees whether the file is still there and sound as far as that shows, opens it if it could not be opened before, and
    /// fills the reserve up.
    pub fn look_after(&mut self) -> Result<(), OutboxError> {
        self.write("look after", |_, _| Ok(()))
    }
}
