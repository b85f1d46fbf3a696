//! The evidence thread: the keeper behind a bounded queue, and retention now and then.

use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use forewarn_domain::{Clock, EvidenceRequest, Frame, IncidentId, IncidentRecord, Timestamp};
use forewarn_evidence::{Closeups, EvidenceKeeper, Limits, RetentionEvent, StatvfsSpace, TimeLine, UpstreamState};
use forewarn_report::{Outbox, ReportState};

use super::streams::Streams;
use super::{LoopEvent, Receiver, Sender, queue, trouble};
use crate::config::Site;
use crate::config::civil_time::SiteTime;
use crate::evidence_folder::{keeper_setup, open_store};
use crate::exit::{CommandError, ExitCode, OrExit as _};
use crate::happening::Happening;

/// Requests that may wait; each may hold a frame.
const QUEUE: usize = 64;
/// How often clips are looked after.
const TURN: Duration = Duration::from_millis(250);
/// How often retention runs.
const RETENTION_EVERY: Duration = Duration::from_mins(1);

enum Job {
    Capture { request: Box<EvidenceRequest>, frame: Option<Frame> },
    Close(Box<IncidentRecord>),
    Stop,
}

/// The way to the evidence thread.
#[derive(Clone)]
pub struct EvidenceQueue(Sender<Job>);

impl EvidenceQueue {
    /// Asks for evidence. Gives the request back, without its frame, if the queue is full.
    pub fn capture(&self, request: EvidenceRequest, frame: Option<Frame>) -> Result<(), Box<EvidenceRequest>> {
        match self.0.offer(Job::Capture { request: Box::new(request), frame }) {
            Err(Job::Capture { request, .. }) => Err(request),
            _ => Ok(()),
        }
    }

    /// Asks for the seal. Gives the record back if the queue is full.
    pub fn close(&self, record: IncidentRecord) -> Result<(), Box<IncidentRecord>> {
        match self.0.offer(Job::Close(Box::new(record))) {
            Err(Job::Close(record)) => Err(record),
            _ => Ok(()),
        }
    }
}

/// Opens the store: snapshots are handed over, clips come from the streams, pictures of the best looks from `closeups`.
pub fn keeper(
    site: &Site,
    civil: SiteTime,
    streams: &Streams,
    closeups: Closeups,
) -> Result<EvidenceKeeper, CommandError> {
    let limits = Limits {
        max_bytes: site.storage.max_bytes,
        max_days: site.storage.max_days,
        min_free_bytes: site.storage.min_free_bytes,
    };
    let store = open_store(&site.storage.dir, limits, TimeLine::WallClock).or_exit(ExitCode::Failed)?;
    let mut keeper = EvidenceKeeper::new(store, keeper_setup(&site.storage.dir, site, civil))
        .context("failed to make the folder of unfinished clips")?
        .with_closeups(closeups);
    for (stream, ring) in streams.rings() {
        keeper.add_source(stream, ring);
    }
    Ok(keeper)
}

/// The running thread.
pub struct Evidence {
    queue: Sender<Job>,
    thread: Option<JoinHandle<()>>,
}

impl Evidence {
    /// Seals what an earlier agent left open and starts the thread.
    pub fn start(
        site: &Site,
        keeper: EvidenceKeeper,
        clock: &Arc<dyn Clock>,
        to_loop: &Sender<LoopEvent>,
        outbox: Outbox,
    ) -> Result<Self, CommandError> {
        seal_leftovers(&keeper, &outbox, clock.now())?;
        let (queue, jobs) = queue::bounded("evidence", QUEUE);
        let worker = Worker {
            keeper,
            outbox,
            clock: Arc::clone(clock),
            to_loop: to_loop.clone(),
            has_upstream: site.mqtt.is_some(),
            retained_at: None,
        };
        let thread = std::thread::Builder::new()
            .name("evidence".to_owned())
            .spawn(move || worker.run(&jobs))
            .context("failed to start the evidence thread")?;
        Ok(Self { queue, thread: Some(thread) })
    }

    /// The way to the thread.
    pub fn queue(&self) -> EvidenceQueue {
        EvidenceQueue(self.queue.clone())
    }

    /// Whether the thread has ended.
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Writes all clips as they are and ends. Bundles of open incidents stay open, for the next start goes on with them.
    pub fn stop(&mut self) {
        let _ = self.queue.send(Job::Stop);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the evidence thread panicked");
        }
    }
}

/// Seals the bundles of incidents that nobody goes on with: the agent was killed after their last report.
fn seal_leftovers(keeper: &EvidenceKeeper, outbox: &Outbox, now: Timestamp) -> Result<(), CommandError> {
    let open = outbox.open_snapshots().or_exit(ExitCode::Failed)?;
    for folder in keeper.store().unsealed().or_exit(ExitCode::Failed)? {
        if open.iter().any(|snapshot| snapshot.record.id == folder.incident) {
            continue;
        }
        if let Err(error) = keeper.store().seal_abandoned(&folder, "the agent was stopped before it was kept", now) {
            tracing::error!("{error}");
        }
    }
    Ok(())
}

struct Worker {
    keeper: EvidenceKeeper,
    outbox: Outbox,
    clock: Arc<dyn Clock>,
    to_loop: Sender<LoopEvent>,
    has_upstream: bool,
    retained_at: Option<Timestamp>,
}

impl Worker {
    fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            let job = jobs.recv_timeout(TURN);
            let now = self.clock.now();
            match job {
                Ok(Job::Capture { request, frame }) => self.keeper.capture(&request, frame.as_ref()),
                Ok(Job::Close(record)) => self.keeper.close(*record, now),
                Ok(Job::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.keeper.advance(now);
            self.retain(now);
            self.pass_on();
        }
        self.keeper.finish([], self.clock.now());
        self.pass_on();
    }

    fn pass_on(&mut self) {
        for happening in self.keeper.take_news().into_iter().map(Happening::from) {
            // The loop may be gone at the end; the log is told by then.
            if self.to_loop.offer(LoopEvent::Happened(happening.clone())).is_err() {
                tracing::info!(?happening, "told after the incident loop ended, or while its queue is full");
            }
        }
    }

    fn retain(&mut self, now: Timestamp) {
        if self.retained_at.is_some_and(|at| now.since(at) < RETENTION_EVERY) {
            return;
        }
        self.retained_at = Some(now);
        let outbox = &self.outbox;
        let upstream = |id: &IncidentId| match outbox.report_state(id) {
            // Nobody upstream is waiting for it where there is no upstream.
            _ if !self.has_upstream => UpstreamState::Acknowledged,
            Ok(ReportState::Acknowledged) => UpstreamState::Acknowledged,
            Ok(ReportState::Pending) => UpstreamState::Pending,
            Ok(ReportState::Unknown) | Err(_) => UpstreamState::Unknown,
        };
        let told = match self.keeper.store().enforce_retention(now, &StatvfsSpace, &upstream) {
            Ok(outcome) => {
                let failures = outcome.failures.iter().map(ToString::to_string);
                outcome.events.iter().filter_map(as_trouble).chain(failures).collect()
            }
            Err(error) => vec![error.to_string()],
        };
        for what in told {
            metrics::counter!("forewarn_retention_events_total").increment(1);
            let _ = self.to_loop.offer(LoopEvent::Happened(trouble(what, now)));
        }
    }
}

/// What an operator must know of a run of retention.
fn as_trouble(event: &RetentionEvent) -> Option<String> {
    match event {
        RetentionEvent::Deleted { .. } => None,
        RetentionEvent::DeletedUnacknowledged { incident, .. } => Some(format!(
            "the disk was about to fill: the evidence of {incident} was deleted though upstream had not acknowledged it"
        )),
        RetentionEvent::StillOver { .. } => Some(
            "evidence exceeds its limits and nothing may be deleted; see docs/configuration.md, \"Storage\"".to_owned(),
        ),
    }
}
