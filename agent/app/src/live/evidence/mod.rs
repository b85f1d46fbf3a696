//! The evidence thread: the keeper behind a bounded queue, and retention now and then.

mod desk;
mod news;
mod seals;
mod sights;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use forewarn_base::sync::lock;
use forewarn_base::thread::Thread;
use forewarn_domain::clock::Stopwatch;
use forewarn_domain::{ClipSource, Clock, EvidenceRequest, Frame, IncidentId, IncidentRecord, StreamId, Timestamp};
use forewarn_engine::civil_time::SiteTime;
use forewarn_evidence::{
    ClockTeller, Closeups, EvidenceKeeper, KeeperNews, Limits, RetentionEvent, RetentionOutcome, RuleScenes, Said,
    Sights, StatvfsSpace, TimeStamps, UpstreamState,
};
use forewarn_report::{Outbox, ReportState};
use forewarn_telemetry::queue::{GiveBack, QueueSpec, Receiver, Sender};
use forewarn_wire::story::Happening;

use super::LoopEvent;
use super::part::Part;
use super::streams::Streams;
use crate::config::Site;
use crate::evidence_folder::{keeper_setup, signed_store};
use crate::exit::{CommandError, ExitCode, OrExit as _};
use crate::telemetry;

pub use desk::EvidenceDesk;
use news::News;
use seals::Seals;
pub use sights::SightsKeeper;

/// Requests that may wait; each may hold a frame.
pub const QUEUE: QueueSpec<GiveBack> = QueueSpec::new("evidence", 64);
/// How often clips are looked after.
const TURN: Duration = Duration::from_millis(250);
/// Evidence that is later than this is kept with the pictures that were watched, so that it does not get later still.
const BEHIND: Duration = Duration::from_secs(3);
/// How often retention runs.
const RETENTION_EVERY: Duration = Duration::from_mins(1);

/// What the thread is asked for.
pub enum Job {
    /// A picture and a clip of an incident.
    Capture {
        /// What is wanted.
        request: Box<EvidenceRequest>,
        /// The frame of the snapshot.
        frame: Option<Frame>,
    },
    /// What a loudspeaker said for an incident.
    Said(Box<IncidentRecord>, Said),
    /// The seal of an incident that was escalated or closed.
    Seal(Box<IncidentRecord>),
    /// Other zones, titles and streams from now on.
    Adopt(Box<Rewired>),
    /// The end.
    Stop,
}

/// The keeper: snapshots are handed over, clips come from the streams, pictures of the best looks from `closeups`, and what was
/// seen in clips from `sights`.
pub fn keeper(
    site: &Site,
    civil: SiteTime,
    clock: ClockTeller,
    streams: &Streams,
    (closeups, sights): (Closeups, Sights),
) -> EvidenceKeeper {
    let limits = Limits {
        max_bytes: site.storage.max_bytes,
        max_days: site.storage.max_days,
        min_free_bytes: site.storage.min_free_bytes,
    };
    let store = signed_store(site, limits).dated_by(clock);
    let setup = keeper_setup(&site.storage.dir, site, civil);
    let mut keeper = EvidenceKeeper::unready(store, setup).with_closeups(closeups).with_sights(sights);
    for (stream, clips) in streams.clips() {
        keeper.add_source(stream, clips);
    }
    keeper
}

/// Where pictures and clips come from, and what is drawn on them, where that has changed.
pub struct Rewired {
    /// Zones and titles.
    pub scenes: RuleScenes,
    /// The streams that have ended.
    pub ended: BTreeSet<StreamId>,
    /// Where the clips of all streams come from now.
    pub clips: Vec<(StreamId, Arc<dyn ClipSource>)>,
}

impl Rewired {
    /// After what is `newer`, of which nothing waits any longer.
    fn then(self, mut newer: Self) -> Self {
        newer.ended.extend(self.ended);
        newer
    }
}

/// What cannot be kept now, and why; none if all is well.
type Trouble = Arc<Mutex<Option<String>>>;

/// Who has seals stamped; none where nobody is named.
type Stamper = Option<Arc<TimeStamps>>;

/// Since when the agent ends, and for how long pictures are drawn from then on.
type Ending = Arc<OnceLock<(Stopwatch, Duration)>>;

/// The running thread.
pub struct Evidence {
    queue: Sender<Job, GiveBack>,
    trouble: Trouble,
    stamper: Stamper,
    ending: Ending,
    thread: Thread,
}

impl Evidence {
    /// Starts the thread, which first of all seals what an earlier agent left open.
    pub fn start(
        site: &Site,
        keeper: EvidenceKeeper,
        clock: &Arc<dyn Clock>,
        to_loop: Sender<LoopEvent, GiveBack>,
        outbox: Outbox,
    ) -> Result<Self, CommandError> {
        let (queue, jobs) = QUEUE.open();
        let (trouble, ending) = (Trouble::default(), Ending::default());
        let stamper = stamper(site, keeper.store().root())?;
        let worker = Worker {
            stamper: stamper.clone(),
            is_tidied: false,
            retention_trouble: None,
            trouble: Arc::clone(&trouble),
            ending: Arc::clone(&ending),
            keeper,
            outbox,
            clock: Arc::clone(clock),
            news: News::to(to_loop),
            seals: Seals::default(),
            has_upstream: site.upstreams.iter().any(|upstream| upstream.is_required),
            retained_at: None,
        };
        Ok(Self { queue, trouble, stamper, ending, thread: Thread::spawn(QUEUE.name, move || worker.run(&jobs))? })
    }

    /// The incident loop's way to the thread.
    pub fn desk(&self) -> EvidenceDesk {
        EvidenceDesk::before(self.queue.clone(), Arc::clone(&self.trouble), self.stamper.clone())
    }
}

impl Part for Evidence {
    fn name(&self) -> &'static str {
        "evidence"
    }

    fn is_broken(&self) -> bool {
        self.thread.has_ended()
    }

    /// Writes all clips as they are and ends. Bundles of open incidents stay open, for the next start goes on with them.
    /// Half of the time that is left is for pictures that wait to be drawn; clips and seals come before the rest of them.
    fn stop(&mut self, left: Duration) -> anyhow::Result<()> {
        // It is stopped once.
        let _ = self.ending.set((Stopwatch::start(), left / 2));
        self.queue.finish(Job::Stop);
        Ok(self.thread.join().map(drop)?)
    }
}

fn stamper(site: &Site, root: &Path) -> Result<Stamper, CommandError> {
    let Some(authority) = site.evidence.time_stamps.clone() else { return Ok(None) };
    let started = TimeStamps::start(root.to_owned(), authority, site.evidence.time_stamp_ca.as_deref());
    started.map(Arc::new).map(Some).or_exit(ExitCode::BadConfig)
}

struct Worker {
    stamper: Stamper,
    keeper: EvidenceKeeper,
    outbox: Outbox,
    clock: Arc<dyn Clock>,
    news: News,
    seals: Seals,
    has_upstream: bool,
    retained_at: Option<Timestamp>,
    /// Whether what an earlier agent left open has been sealed.
    is_tidied: bool,
    retention_trouble: Option<String>,
    trouble: Trouble,
    ending: Ending,
}

impl Worker {
    fn run(mut self, jobs: &Receiver<Job>) {
        self.keeper.make_ready(self.clock.now());
        loop {
            let job = jobs.recv_timeout(TURN);
            let now = self.clock.now();
            match job {
                Ok(Job::Capture { request, frame }) => {
                    let is_behind = now.since(request.at) > BEHIND;
                    let ending = self.ending.get();
                    let is_out_of_time = ending.is_some_and(|(since, limit)| since.elapsed() > *limit);
                    self.keeper.hurry(is_behind || ending.is_some());
                    self.keeper.capture(&request, frame.as_ref().filter(|_| !is_out_of_time));
                }
                Ok(Job::Said(record, said)) => self.keeper.keep_said(&record, said, now),
                Ok(Job::Seal(record)) => self.keeper.seal_soon(*record, now),
                Ok(Job::Adopt(rewired)) => self.adopt(*rewired, now),
                Ok(Job::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.keeper.advance(now);
            self.tidy_once(now);
            self.retain(now);
            self.tell_trouble();
            self.pass_on();
        }
        self.keeper.finish([], self.clock.now());
        self.keeper.tell_unkept(self.clock.now());
        self.pass_on();
        self.news.finish();
    }

    fn adopt(&mut self, Rewired { scenes, ended, clips }: Rewired, now: Timestamp) {
        self.keeper.redraw(scenes);
        for stream in ended {
            self.keeper.drop_source(&stream, now);
        }
        for (stream, clips) in clips {
            self.keeper.add_source(stream, clips);
        }
    }

    /// Seals what an earlier agent left open, as soon as the disk takes it.
    fn tidy_once(&mut self, now: Timestamp) {
        if self.is_tidied || self.keeper.failing().or_else(|| self.keeper.unsigned()).is_some() {
            return;
        }
        self.is_tidied = true;
        let sealed = self.outbox.open_snapshots().map_err(|error| error.to_string()).and_then(|open| {
            let is_open = |id: &IncidentId| open.iter().any(|snapshot| snapshot.incident == *id);
            self.keeper.seal_leftovers(&is_open, now, self.clock.wall(now)).map_err(|error| error.to_string())
        });
        if let Err(error) = sealed {
            self.news
                .tell(Happening::trouble(format!("earlier evidence stays unsealed until a restart: {error}"), now));
        }
    }

    fn tell_trouble(&self) {
        let unkept = self.keeper.unkept();
        telemetry::EVIDENCE_WAITING.of([]).set(unkept.waiting as f64);
        telemetry::EVIDENCE_LOST.of([]).absolute(unkept.lost);
        let unstamped = self.stamper.as_ref().map_or(0, |stamper| stamper.waiting());
        telemetry::TIME_STAMPS_WAITING.of([]).set(unstamped as f64);
        let failing = self.keeper.failing().or_else(|| self.keeper.unsigned()).map(str::to_owned);
        *lock(&self.trouble) = failing.or_else(|| self.retention_trouble.clone());
    }

    fn pass_on(&mut self) {
        for news in self.keeper.take_news() {
            if let (Some(stamper), KeeperNews::Sealed { path, .. }) = (&self.stamper, &news) {
                stamper.sealed(path);
            }
            self.seals.take_in(&news);
            self.news.tell(crate::happening::of_keeper(news));
        }
        self.news.pass_on();
        let now = self.clock.now();
        self.seals.pass_on(&mut self.outbox, self.keeper.store(), now);
    }

    fn retain(&mut self, now: Timestamp) {
        if self.retained_at.is_some_and(|at| now.since(at) < RETENTION_EVERY) {
            return;
        }
        self.retained_at = Some(now);
        if self.keeper.failing().is_some() {
            return;
        }
        let outbox = &self.outbox;
        let upstream = |id: &IncidentId| {
            if !self.has_upstream {
                // Nobody upstream is waiting for it where no upstream must have it.
                return UpstreamState::Acknowledged;
            }
            match outbox.report_state(id) {
                Ok(ReportState::Acknowledged) => UpstreamState::Acknowledged,
                Ok(ReportState::Pending) => UpstreamState::Pending,
                Ok(ReportState::Unknown) | Err(_) => UpstreamState::Unknown,
            }
        };
        let age = |stamp| self.clock.age(stamp);
        let (troubles, lasting) =
            match self.keeper.store().enforce_retention(&age, &StatvfsSpace, &upstream, self.clock.wall(now)) {
                Ok(outcome) => (troubles_of(&outcome), lasting_trouble_of(&outcome)),
                Err(error) => (Vec::new(), Some(error.to_string())),
            };
        telemetry::RETENTION_EVENTS.of([]).increment(u64::from(lasting.is_some()));
        self.retention_trouble = lasting;
        for what in troubles {
            telemetry::RETENTION_EVENTS.of([]).increment(1);
            self.news.tell(Happening::trouble(what, now));
        }
    }
}

/// What an operator must know of a run of retention.
fn troubles_of(outcome: &RetentionOutcome) -> Vec<String> {
    let of_event = |event: &RetentionEvent| match event {
        RetentionEvent::DeletedUnacknowledged { incident, .. } => Some(format!(
            "the disk was about to fill: the evidence of {incident} was deleted though upstream had not acknowledged it"
        )),
        RetentionEvent::Deleted { .. } | RetentionEvent::StillOver { .. } => None,
    };
    outcome.events.iter().filter_map(of_event).collect()
}

/// What stays wrong after a run of retention.
fn lasting_trouble_of(outcome: &RetentionOutcome) -> Option<String> {
    let is_over = |event: &RetentionEvent| matches!(event, RetentionEvent::StillOver { .. });
    let over = "evidence exceeds its limits and nothing may be deleted; see docs/configuration.md, \"Storage\"";
    let failure = outcome.failures.first().map(|error| {
        let is_signed_later = error.may_be_sealed_later();
        let but = if is_signed_later { "; until then nothing is deleted, as each deletion is signed" } else { "" };
        format!("{error}{but}")
    });
    failure.or_else(|| outcome.events.iter().any(is_over).then(|| over.to_owned()))
}

#[cfg(test)]
mod tests {
    use forewarn_evidence::DeletedFor;

    use super::*;

    #[test]
    fn evidence_that_upstream_never_saw_is_told_of_and_what_was_due_is_not() {
        let incident = IncidentId::from_stored("gate-loitering-7");
        let outcome = RetentionOutcome {
            events: vec![
                RetentionEvent::Deleted { incident: incident.clone(), bytes: 1, reason: DeletedFor::Quota },
                RetentionEvent::DeletedUnacknowledged { incident, bytes: 1 },
                RetentionEvent::StillOver { over_quota_bytes: 1, short_of_free_bytes: 0 },
            ],
            failures: Vec::new(),
        };
        let told = troubles_of(&outcome);
        assert_eq!(told.len(), 1);
        assert!(told[0].contains("gate-loitering-7") && told[0].contains("had not acknowledged"), "{told:?}");
        assert!(lasting_trouble_of(&outcome).unwrap().contains("nothing may be deleted"));
        assert_eq!(lasting_trouble_of(&RetentionOutcome::default()), None);
    }
}
