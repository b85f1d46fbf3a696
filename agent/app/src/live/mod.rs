//! The running agent: streams, inference, the incident loop, loudspeakers, evidence, reports, and their ordered end.
//!
//! | thread | queue in front of it | when that is full |
//! |---|---|---|
//! | `inference` | one frame slot a stream | the newest frame wins, counted |
//! | `inference` | `looks`, 48 | the oldest look is dropped, counted |
//! | `incidents` | `incident-loop`, 64 | the sender waits, so frames drop before inference |
//! | `falls-ID` | `falls-ID`, 8 | the newest plane is left out, counted |
//! | `incidents` | one place a sensor | the newest value wins, counted; the sensors' thread never waits |
//! | `speaker-ID` | `speaker-ID`, 8 | the announcement fails at once and the fall-back is tried |
//! | `evidence` | `evidence`, 64 | the request is refused and counted |

mod evidence;
mod falls;
mod incident_loop;
mod inference;
mod latency;
mod metrics;
mod queue;
mod sensors;
mod shutdown;
mod speakers;
mod streams;

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use forewarn_analytics::luma::Fall;
use forewarn_console::Console;
use forewarn_domain::{AnnounceOutcome, AnnouncementId, Clock, Reading, SpeakerId, StreamId, SystemClock, Timestamp};
use forewarn_engine::{Analysed, Engine};
use forewarn_evidence::Closeups;
use forewarn_pipelines::{StreamEvent, Wakeup};

use crate::config::Site;
use crate::config::civil_time::SiteTime;
use crate::exit::{CommandError, ExitCode, OrExit as _};
use crate::happening::Happening;
use crate::heat::HeatKeeper;
use crate::heat::store::HeatStore;
use crate::learned_scenes::SceneKeeper;
use crate::operator::suppressions::SuppressionsFile;
use crate::output::timeline::Narrator;
use crate::rules_memory::MemoryKeeper;

pub use inference::Models;
pub use queue::{Receiver, Sender};
pub use shutdown::Shutdown;

/// Events that may wait for the incident loop.
const LOOP_QUEUE: usize = 64;
/// Time that the parts have for what they have begun when the agent stops.
const DRAIN: Duration = Duration::from_secs(8);

/// Everything that the incident loop takes in.
#[derive(Debug)]
pub enum LoopEvent {
    /// A frame was analysed.
    Analysed(Analysed),
    /// Tracks of a stream were looked at closer.
    Read {
        /// The stream.
        stream: StreamId,
        /// What was seen.
        readings: Vec<Reading>,
    },
    /// Something fell in a stream's picture.
    Fell {
        /// The stream.
        stream: StreamId,
        /// What fell, and how.
        fall: Fall,
    },
    /// A stream came, went or changed.
    Stream {
        /// The stream.
        stream: StreamId,
        /// What happened.
        event: StreamEvent,
    },
    /// A loudspeaker is done with an announcement.
    Announced {
        /// The announcement.
        id: AnnouncementId,
        /// The loudspeaker.
        speaker: SpeakerId,
        /// What became of it.
        outcome: AnnounceOutcome,
    },
    /// Something is new of a sensor; what it is lies in the mailbox.
    Sensor,
    /// Another part has something to tell.
    Happened(Happening),
    /// The agent stops.
    Stop,
}

/// Counters of a run, for its summary.
#[derive(Debug, Clone, Copy, Default)]
pub struct RunStats {
    /// Frames that the decoders gave.
    pub frames_decoded: u64,
    /// Frames analysed.
    pub frames_analysed: u64,
    /// Frames dropped because a newer one came before they could be analysed.
    pub frames_dropped: u64,
    /// Reports that the broker has not acknowledged.
    pub reports_pending: u64,
    /// Reports that it has.
    pub reports_acknowledged: u64,
    /// Milliseconds from a frame's arrival to the decision: median and 99th percentile.
    pub latency_ms: Option<(u64, u64)>,
}

/// A running agent.
pub struct Agent {
    to_loop: Sender<LoopEvent>,
    streams: streams::Streams,
    falls: falls::Falls,
    sensors: Option<forewarn_hw::sensor::Running>,
    inference: inference::Inference,
    incident_loop: Option<JoinHandle<anyhow::Result<()>>>,
    speakers: speakers::Speakers,
    evidence: evidence::Evidence,
    publisher: metrics::PublisherSlot,
    console: Option<Console>,
    outbox: forewarn_report::Outbox,
    latencies: Arc<latency::Latencies>,
    /// Freed by the system when the process ends, however it ends.
    _storage_lock: File,
}

impl Agent {
    /// Starts every part. What fails here is wrong for good; what may mend itself, such as a camera that is away, is
    /// retried by its part.
    pub fn start(site: &Site, mut models: Models, narrator: Option<Box<dyn Narrator>>) -> Result<Self, CommandError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let civil = SiteTime::live(site.header.time_zone.clone()).with_holidays(site.header.holidays.clone());
        std::fs::create_dir_all(&site.storage.dir)
            .with_context(|| format!("failed to make the storage directory {}", site.storage.dir.display()))?;
        let storage_lock = lock_storage(&site.storage.dir)?;
        let metrics = metrics::Metrics::install().or_exit(ExitCode::Failed)?;
        let (to_loop, events) = queue::bounded("incident-loop", LOOP_QUEUE);
        let (outbox, mut notes) = incident_loop::open_outbox(site, clock.now())?;
        let reader = outbox.again().or_exit(ExitCode::Failed)?;
        let publisher = metrics::PublisherSlot::default();
        *lock(&publisher) = start_publisher(site, &outbox, &clock)?;

        let wakeup = Arc::new(Wakeup::default());
        let (falls, taps) = falls::Falls::start(site, &to_loop)?;
        let streams = streams::Streams::start(site, &clock, &wakeup, &to_loop, taps)?;
        let speakers = speakers::Speakers::start(site, &clock, &to_loop)?;
        let upstream = outbox.again().or_exit(ExitCode::Failed)?;
        let closeups = Closeups::default();
        models.reader = models.reader.map(|reader| closeups.watching(reader));
        let keeper = evidence::keeper(site, civil.clone(), &streams, closeups)?;
        let evidence = evidence::Evidence::start(site, keeper, &clock, &to_loop, upstream)?;
        let attributes = models.reader.as_ref().map(|reader| reader.attributes().to_vec()).unwrap_or_default();
        let shared = inference::Shared::new(&attributes);
        let mailbox = Arc::<sensors::Mailbox>::default();
        let heat = HeatKeeper::new(site, HeatStore::new(&site.storage.dir, civil.clone()));
        let (engine, memory, scenes) = remembered_engine(site, civil);
        let mut incident_loop = incident_loop::IncidentLoop::new(
            engine,
            outbox,
            Arc::clone(&clock),
            speakers.queues(),
            evidence.queue(),
            narrator,
        )
        .with_heat(heat)
        .with_suppressions(SuppressionsFile::new(&site.storage.dir))
        .with_inference(shared.clone())
        .with_sensors(Arc::clone(&mailbox))
        .with_memory(memory)
        .with_scenes(scenes);
        notes.extend(incident_loop.restore()?);
        let board = incident_loop.board();
        let latencies = incident_loop.latencies();
        let handle = spawn_loop(incident_loop, events, notes)?;
        let sensors = sensors::start(site, &clock, &mailbox, &to_loop)?;
        let inference = inference::Inference::start(site, models, &streams, shared, wakeup, to_loop.clone(), &clock)?;
        let console = match site.metrics_listen {
            Some(address) => {
                let reader = reader.again().or_exit(ExitCode::Failed)?;
                let source = metrics.source(streams.stats(), reader, board, Arc::clone(&publisher));
                Some(Console::start(address, Arc::new(source)).or_exit(ExitCode::BadConfig)?)
            }
            None => None,
        };
        Ok(Self {
            to_loop,
            streams,
            falls,
            sensors,
            inference,
            incident_loop: Some(handle),
            speakers,
            evidence,
            publisher,
            console,
            outbox: reader,
            latencies,
            _storage_lock: storage_lock,
        })
    }

    /// Where metrics are served.
    pub fn console_address(&self) -> Option<std::net::SocketAddr> {
        self.console.as_ref().map(Console::address)
    }

    /// The counters now.
    pub fn stats(&self) -> RunStats {
        let mut stats = RunStats { frames_analysed: self.inference.analysed(), ..RunStats::default() };
        for (_, snapshot) in self.streams.stats().snapshots() {
            stats.frames_decoded += snapshot.frames_decoded;
            stats.frames_dropped += snapshot.frames_dropped_newest_wins;
        }
        stats.latency_ms = self.latencies.quantile_ms(0.5).zip(self.latencies.quantile_ms(0.99));
        stats.reports_pending = self.outbox.depth().messages;
        if let Some(publisher) = lock(&self.publisher).as_ref() {
            stats.reports_acknowledged = publisher.stats().acknowledged;
        }
        stats
    }

    /// Whether a part has ended that should not have.
    pub fn is_broken(&self) -> bool {
        self.incident_loop.as_ref().is_none_or(JoinHandle::is_finished)
            || self.inference.is_finished()
            || self.falls.is_broken()
            || self.evidence.is_finished()
            || self.speakers.is_broken()
            || self.sensors.as_ref().is_some_and(|sensors| !sensors.is_running())
            || lock(&self.publisher).as_ref().is_some_and(|publisher| !publisher.is_running())
    }

    /// Stops every part in the order of the data's way, so that nothing that was taken in is lost.
    pub fn stop(mut self) -> anyhow::Result<RunStats> {
        self.streams.stop();
        self.falls.stop();
        drop(self.sensors.take());
        self.inference.stop();
        let mut stats = self.stats();
        self.speakers.stop();
        self.to_loop.send(LoopEvent::Stop);
        let outcome = match self.incident_loop.take().map(JoinHandle::join) {
            Some(Ok(outcome)) => outcome,
            Some(Err(_)) => Err(anyhow::anyhow!("the incident loop panicked; its last messages are in the log")),
            None => Ok(()),
        };
        self.evidence.stop();
        drop(self.console.take());
        let publisher = lock(&self.publisher).take();
        if let Some(publisher) = publisher {
            stats.reports_acknowledged = publisher.stop(DRAIN).acknowledged;
        }
        stats.reports_pending = self.outbox.depth().messages;
        outcome.map(|()| stats)
    }
}

/// Takes the storage directory for this process alone: two agents would mix up their incidents.
fn lock_storage(dir: &Path) -> anyhow::Result<File> {
    let path = dir.join("agent.lock");
    let file = File::create(&path).with_context(|| format!("failed to make {}", path.display()))?;
    file.try_lock().with_context(|| {
        format!("another agent uses {}; stop it, or give this site its own `[storage] dir`", dir.display())
    })?;
    Ok(file)
}

/// An engine that goes on with what was kept before the last stop, and those who keep it.
fn remembered_engine(site: &Site, civil: SiteTime) -> (Engine, MemoryKeeper, SceneKeeper) {
    let mut engine = Engine::new(site.engine_setup(), Arc::new(civil));
    let (memory, remembered) = MemoryKeeper::open(&site.storage.dir);
    engine.remember(remembered);
    let (scenes, learned) = SceneKeeper::open(&site.storage.dir, site);
    for (stream, scene) in learned {
        engine.recall_scene(&stream, scene);
    }
    (engine, memory, scenes)
}

fn spawn_loop(
    mut incident_loop: incident_loop::IncidentLoop,
    events: Receiver<LoopEvent>,
    notes: Vec<Happening>,
) -> anyhow::Result<JoinHandle<anyhow::Result<()>>> {
    let run = move || {
        for note in notes {
            incident_loop.tell(&note);
        }
        incident_loop.run(&events)
    };
    std::thread::Builder::new().name("incidents".to_owned()).spawn(run).context("failed to start the incident loop")
}

fn start_publisher(
    site: &Site,
    outbox: &forewarn_report::Outbox,
    clock: &Arc<dyn Clock>,
) -> Result<Option<forewarn_report::PublisherHandle>, CommandError> {
    let Some(config) = site.mqtt.clone() else { return Ok(None) };
    Ok(Some(forewarn_report::spawn(config, outbox, Arc::clone(clock)).or_exit(ExitCode::Failed)?))
}

fn lock<T>(slot: &Mutex<T>) -> MutexGuard<'_, T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A trouble to be told.
fn trouble(what: impl Into<String>, at: Timestamp) -> Happening {
    Happening::Trouble { what: what.into(), at }
}
