//! The running agent: streams, inference, the incident loop, loudspeakers, evidence, reports, and their ordered end.
//!
//! Each is a [`Part`]; their threads and queues stand in `docs/ARCHITECTURE.md`, whose table is checked against the
//! constants here.

mod adopter;
mod board;
mod commands;
mod console_source;
mod descriptors;
mod evidence;
mod falls;
mod health;
mod incident_loop;
mod inference;
mod outbox;
mod part;
#[cfg(test)]
mod queues;
mod sensors;
mod shutdown;
mod site_file;
mod speakers;
mod start;
mod streams;
mod upstreams;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use forewarn_analytics::luma::Fall;
use forewarn_console::{Found, Server};
use forewarn_domain::{AnnounceOutcome, AnnouncementId, Reading, SpeakerId, StreamId};
use forewarn_engine::Analysed;
use forewarn_hw::power::PowerWatch;
use forewarn_memory::Call;
use forewarn_pipelines::StreamEvent;

use forewarn_wire::story::Happening;
use part::Part;

pub use adopter::{Adopted, Adopter};
use shutdown::Ending;
pub use shutdown::Shutdown;

/// An ordered end takes no longer, whatever clients, brokers, cameras and disks do. A supervisor waits longer than that.
const END_WITHIN: Duration = Duration::from_secs(8);

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
    /// What is decided by is what this site says from now on.
    Adopted(Box<Adopted>),
    /// Something is new of a sensor; what it is lies in the mailbox.
    Sensor,
    /// Somebody asks for something, and waits.
    Asked(Call),
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
    /// Reports that some upstream has not acknowledged.
    pub reports_pending: u64,
    /// Acknowledgements of all upstreams.
    pub reports_acknowledged: u64,
    /// Milliseconds from a frame's arrival to the decision: median and 99th percentile.
    pub latency_ms: Option<(u64, u64)>,
}

/// A running agent.
pub struct Agent {
    /// In the order of the data's way, in which they are stopped, so that nothing that was taken in is lost.
    parts: Vec<Box<dyn Part>>,
    counters: Counters,
    adopter: Adopter,
    addresses: Vec<SocketAddr>,
    console: Option<Found>,
    _claim: crate::config::Claim,
    _power_watch: Option<PowerWatch>,
}

/// What is counted for the summary of a run, also when the parts have ended.
struct Counters {
    streams: streams::Streams,
    analysed: Arc<AtomicU64>,
    latencies: Arc<forewarn_telemetry::Latencies>,
    outbox: forewarn_report::Holder,
    upstreams: upstreams::Upstreams,
}

impl Counters {
    fn read(&self) -> RunStats {
        let mut stats = RunStats { frames_analysed: self.analysed.load(Ordering::Relaxed), ..RunStats::default() };
        (stats.frames_decoded, stats.frames_dropped) = self.streams.frames();
        stats.latency_ms = self.latencies.quantile_ms(0.5).zip(self.latencies.quantile_ms(0.99));
        stats.reports_pending = self.outbox.depth().messages;
        stats.reports_acknowledged = self.upstreams.acknowledged();
        stats
    }
}

impl Agent {
    /// What takes up the changes of the site.
    pub fn adopter(&self) -> Adopter {
        self.adopter.again()
    }

    /// Where it is listened over HTTP.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Where the console is found, with the link of the first sign-in while there is one.
    pub fn console(&self) -> Option<&Found> {
        self.console.as_ref()
    }

    /// The part that has ended though nobody stopped it, if there is one.
    pub fn broken(&self) -> Option<&'static str> {
        self.parts.iter().find(|part| part.is_broken()).map(|part| part.name())
    }

    /// Stops every part in order, within [`END_WITHIN`]: a part that does not end by then is left behind with the process.
    pub fn stop(mut self) -> anyhow::Result<RunStats> {
        let ending = Ending::within(END_WITHIN)?;
        part::stop_all(&mut self.parts, |part| ending.has_come_to(part))?;
        Ok(self.counters.read())
    }
}

/// The HTTP listeners.
struct Servers(Vec<Server>);

impl Part for Servers {
    fn name(&self) -> &'static str {
        "HTTP"
    }

    fn is_broken(&self) -> bool {
        self.0.iter().any(|server| !server.is_running())
    }

    fn stop(&mut self, _left: Duration) -> anyhow::Result<()> {
        self.0.clear();
        Ok(())
    }
}
