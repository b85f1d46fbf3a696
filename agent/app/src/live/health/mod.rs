//! Whether the agent does its work: every part is asked each second, and whenever somebody asks. What is asked lies in
//! memory, so that no disk, no broker and no camera holds the answer up.

mod disk;
mod judge;

use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forewarn_base::sync::lock;
use forewarn_base::thread::Thread;
use forewarn_console::{HealthBook, HealthReport, PartState, Turn};
use forewarn_domain::Clock;
use forewarn_inference::{PowerDesk, Vitals};
use forewarn_report::Holder;

use super::adopter::Adopter;
use super::board::Board;
use super::part::Part;
use super::streams::Streams;
use super::upstreams::Upstreams;
use crate::telemetry::{self, Roll};
use disk::Disk;
use judge::{Decoders, Idlers};

/// How often the parts are asked.
const EVERY: Duration = Duration::from_secs(1);

/// Where it is read how the parts fare.
pub struct Sources {
    /// The streams.
    pub streams: Streams,
    /// How much waits in the outbox.
    pub outbox: Holder,
    /// What the parts write up.
    pub board: Board,
    /// The ways upstream.
    pub upstreams: Upstreams,
    /// The models and their budget.
    pub vitals: Vitals,
    /// How careful they are with heat and power.
    pub power: PowerDesk,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Sources {
    /// Of what an adopter has to do with, and these.
    pub fn of(adopter: &Adopter, outbox: Holder, (vitals, power): (Vitals, PowerDesk)) -> Self {
        let Adopter { hands, board, clock, .. } = adopter;
        let (streams, board, upstreams) = (hands.streams.clone(), board.clone(), hands.upstreams.clone());
        Self { streams, outbox, board, upstreams, vitals, power, clock: Arc::clone(clock) }
    }
}

/// What is remembered of the parts.
#[derive(Default)]
struct Memory {
    book: HealthBook,
    decoders: Decoders,
    idlers: Idlers,
    /// The parts whose gauges are set.
    roll: Roll,
    /// The states of the parts that upstreams were told.
    told: Vec<PartState>,
}

struct State {
    sources: Sources,
    disk: Disk,
    memory: Mutex<Memory>,
}

/// Answers how the parts fare. Clones are the same one.
#[derive(Clone)]
pub struct HealthDesk(Arc<State>);

impl HealthDesk {
    /// A desk before these sources. What is kept lies in `storage`.
    pub fn new(sources: Sources, storage: PathBuf) -> Self {
        Self(Arc::new(State { sources, disk: Disk::at(storage), memory: Mutex::default() }))
    }

    /// Asks every part. What has turned since the last time.
    fn look(&self) -> Vec<Turn> {
        let State { sources, disk, memory } = &*self.0;
        let now = sources.clock.now();
        let mut memory = lock(memory);
        let mut parts = judge::all(sources, &mut memory, now);
        parts.push(disk.now());
        memory.book.take(now, parts)
    }

    /// Asks every part, and tells the log and the upstreams of what has turned.
    fn turn(&self) {
        let State { sources, memory, .. } = &*self.0;
        let turns = self.look();
        tell(&turns);
        let mut memory = lock(memory);
        // Somebody who looked may have found the turn first.
        let states: Vec<_> = memory.book.parts().map(|part| part.state).collect();
        if memory.told != states {
            memory.told = states;
            sources.upstreams.tell_health(&memory.book.report(|at| sources.clock.wall(at)).without_the_well());
        }
    }

    /// How the parts fare now.
    pub fn report(&self) -> HealthReport {
        tell(&self.look());
        lock(&self.0.memory).book.report(|at| self.0.sources.clock.wall(at))
    }

    /// Sets the metrics of the parts.
    pub fn publish(&self) {
        tell(&self.look());
        let memory = lock(&self.0.memory);
        for part in memory.roll.call(memory.book.parts().map(|part| part.part.clone())) {
            telemetry::HEALTH.of([&part]).set(0.0);
        }
        let mut worst = PartState::Ok;
        for part in memory.book.parts() {
            worst = worst.max(part.state);
            telemetry::HEALTH.of([&part.part]).set(f64::from(part.state as u8));
        }
        telemetry::HEALTHY.of([]).set(f64::from(u8::from(worst != PartState::Trouble)));
        let sources = &self.0.sources;
        let oldest = judge::oldest_report(sources).map_or(0.0, |at| sources.clock.now().since(at).as_secs_f64());
        telemetry::OUTBOX_OLDEST.of([]).set(oldest);
    }
}

/// Of whose turns nobody else tells the log.
const TOLD_HERE: [&str; 6] = ["decoder ", "decisions", "disk", "model", "speaker ", "speech"];

/// The log is told of each turn once, whoever asked first.
fn tell(turns: &[Turn]) {
    let is_told_here = |turn: &&Turn| TOLD_HERE.iter().any(|name| turn.now.part.starts_with(name));
    for Turn { now, was } in turns.iter().filter(is_told_here) {
        let (part, what, to_do) = (&now.part, &now.what, now.to_do.en.as_ref());
        match now.state {
            PartState::Trouble => tracing::error!(part, to_do, "trouble: {what}"),
            PartState::Warning => tracing::warn!(part, to_do, "{what}"),
            PartState::Ok => tracing::info!(part, was_in_trouble = *was == PartState::Trouble, "all is well: {what}"),
        }
    }
}

/// The thread that asks, so that a trouble is told also where nobody looks.
pub struct Health {
    stop: Option<SyncSender<()>>,
    thread: Thread,
}

impl Health {
    /// Starts it.
    pub fn start(desk: HealthDesk) -> anyhow::Result<Self> {
        let (stop, stopped) = sync_channel(1);
        let work = move || {
            while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                desk.turn();
                desk.0.disk.look();
            }
        };
        Ok(Self { stop: Some(stop), thread: Thread::spawn("health", work)? })
    }
}

impl Part for Health {
    fn name(&self) -> &'static str {
        "health"
    }

    fn is_broken(&self) -> bool {
        self.thread.has_ended()
    }

    /// A disk that has stalled may hold the thread up for ever, so that nobody waits for its end.
    fn stop(&mut self, _left: Duration) -> anyhow::Result<()> {
        self.stop = None;
        Ok(())
    }
}
