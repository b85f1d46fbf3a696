//! The incident loop's side of the evidence queue.

use forewarn_base::sync::lock;
use forewarn_domain::{EvidenceRequest, Frame, IncidentRecord};
use forewarn_evidence::Said;
use forewarn_telemetry::queue::{GiveBack, Sender};

use super::{Job, Rewired, Stamper, Trouble};

/// The incident loop's way to the evidence thread. What the queue has no room for waits here and is handed over later,
/// captures before what was said, and that before seals. There are at most three captures, a few warnings and two seals for each
/// incident.
pub struct EvidenceDesk {
    queue: Sender<Job, GiveBack>,
    /// Their frames are given up, their clips are not.
    uncaptured: Vec<EvidenceRequest>,
    unsaid: Vec<(Box<IncidentRecord>, Said)>,
    unsealed: Vec<IncidentRecord>,
    /// What the thread does not know of yet.
    unadopted: Option<Rewired>,
    trouble: Trouble,
    stamper: Stamper,
}

impl EvidenceDesk {
    /// A desk before the thread behind `queue`.
    pub(super) fn before(queue: Sender<Job, GiveBack>, trouble: Trouble, stamper: Stamper) -> Self {
        Self {
            queue,
            uncaptured: Vec::new(),
            unsaid: Vec::new(),
            unsealed: Vec::new(),
            unadopted: None,
            trouble,
            stamper,
        }
    }

    /// What cannot be kept now, and why.
    pub fn trouble(&self) -> Option<String> {
        lock(&self.trouble).clone()
    }

    /// Why seals have waited for their time stamps for long.
    pub fn unstamped(&self) -> Option<String> {
        self.stamper.as_ref()?.trouble()
    }

    /// Asks for evidence. Says what must be told where the queue is full and the snapshot is lost.
    pub fn capture(&mut self, request: EvidenceRequest, frame: Option<Frame>) -> Result<(), String> {
        let (moment, incident) = (request.moment, request.incident.id.clone());
        let Err(Job::Capture { request, .. }) = self.queue.offer(Job::Capture { request: Box::new(request), frame })
        else {
            return Ok(());
        };
        self.uncaptured.push(*request);
        Err(format!("the {moment} snapshot of {incident} was not kept: the evidence queue is full"))
    }

    /// Has it kept what a loudspeaker said, with the next [`Self::offer_waiting`].
    pub fn said(&mut self, record: IncidentRecord, said: Said) {
        self.unsaid.push((Box::new(record), said));
    }

    /// Asks for the seal, with the next [`Self::offer_waiting`].
    pub fn seal(&mut self, record: IncidentRecord) {
        // Of the steps of a case the last tells all.
        self.unsealed.retain(|waiting| waiting.id != record.id || waiting.history.len() != record.history.len());
        self.unsealed.push(record);
    }

    /// Has other zones and titles drawn, and clips taken from other streams, with the next [`Self::offer_waiting`].
    pub fn adopt(&mut self, rewired: Rewired) {
        self.unadopted = Some(match self.unadopted.take() {
            Some(waiting) => waiting.then(rewired),
            None => rewired,
        });
    }

    /// Hands over what waits, as far as there is room.
    pub fn offer_waiting(&mut self) {
        if let Some(rewired) = self.unadopted.take()
            && let Err(Job::Adopt(rewired)) = self.queue.offer(Job::Adopt(Box::new(rewired)))
        {
            self.unadopted = Some(*rewired);
        }
        for request in std::mem::take(&mut self.uncaptured) {
            let request = Box::new(request);
            if let Err(Job::Capture { request, .. }) = self.queue.offer(Job::Capture { request, frame: None }) {
                self.uncaptured.push(*request);
            }
        }
        if !self.uncaptured.is_empty() {
            return;
        }
        for (record, said) in std::mem::take(&mut self.unsaid) {
            if let Err(Job::Said(record, said)) = self.queue.offer(Job::Said(record, said)) {
                self.unsaid.push((record, said));
            }
        }
        for record in std::mem::take(&mut self.unsealed) {
            if let Err(Job::Seal(record)) = self.queue.offer(Job::Seal(Box::new(record))) {
                self.unsealed.push(*record);
            }
        }
    }

    /// Hands over all that waits, waiting for room: the evidence thread never waits for the loop.
    pub fn finish(&mut self) {
        for request in self.uncaptured.drain(..) {
            self.queue.finish(Job::Capture { request: Box::new(request), frame: None });
        }
        for (record, said) in self.unsaid.drain(..) {
            self.queue.finish(Job::Said(record, said));
        }
        for record in self.unsealed.drain(..) {
            self.queue.finish(Job::Seal(Box::new(record)));
        }
    }
}
