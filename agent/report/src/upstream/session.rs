//! One connection to an upstream, from the first attempt to its loss or the farewell.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forewarn_base::sync::lock;
use forewarn_domain::Clock;
use forewarn_domain::clock::Stopwatch;
use tokio::sync::{mpsc, watch};

use super::ear::{AnswerTo, Ear, Heard};
use super::manners::{Gate, rested};
use super::patience::Patience;
use super::window::Window;
use super::{Adapter, Inward, Note, Outward, Upstream, UpstreamStats};
use crate::outbox::{Lane, Receipt};

/// Acknowledgements that are noted in the outbox in one transaction, at most.
const ACK_BATCH: usize = 64;
/// A connection that lasted so long was of use, even if nothing was to be sent.
const USEFUL_AFTER: Duration = Duration::from_mins(1);

/// What a connection needs, for all of them.
pub(super) struct Context<A> {
    pub(super) adapter: A,
    pub(super) lane: Lane,
    pub(super) clock: Arc<dyn Clock>,
    /// When, and how often.
    pub(super) gate: Gate,
    pub(super) stats: Arc<Mutex<UpstreamStats>>,
    /// Turns true when the agent is to stop.
    pub(super) stop: watch::Receiver<bool>,
    /// How the agent's parts fare, as JSON; empty until it is known.
    pub(super) health: watch::Receiver<String>,
    /// Who does what the other side asks for, where it is told what became of that, and where that comes in.
    pub(super) ear: Ear,
    pub(super) answer: AnswerTo,
    pub(super) told: mpsc::Receiver<String>,
}

impl<A> Context<A> {
    pub(super) fn count(&self, change: impl FnOnce(&mut UpstreamStats)) {
        change(&mut lock(&self.stats));
    }
}

/// How a connection ended.
pub(super) enum End {
    /// By a farewell.
    Stopped,
    /// By another file in the outbox's place: everything that waits in it is sent by a connection of its own.
    Outdated,
    /// By a failure.
    Failed {
        /// Why.
        why: String,
        /// Something was acknowledged, or it lasted.
        was_useful: bool,
        /// For how long it stood before the other side ended it.
        cut_after: Option<Duration>,
        /// How long the other side wants to be left in peace, where it says so.
        after: Option<Duration>,
    },
}

/// What is known of the running connection.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own that comes and goes apart")]
struct Session<A: Adapter> {
    upstream: A::Upstream,
    outward: A::Outward,
    window: Window,
    patience: Patience,
    /// What was acknowledged and is still to be noted in the outbox.
    acked: Vec<Receipt>,
    is_ready: bool,
    is_leaving: bool,
    has_left: bool,
    was_useful: bool,
    /// Answers were waited for too long.
    was_in_vain: bool,
    /// The other side, or the way to it, ended it.
    was_cut: bool,
    /// The outbox's file was replaced.
    is_outdated: bool,
    /// How long the other side wants to be left in peace.
    after: Option<Duration>,
}

/// Runs one connection.
pub(super) async fn run<A: Adapter>(context: &mut Context<A>) -> End {
    context.lane.begin();
    let (upstream, outward, mut inward) = context.adapter.connect(context.lane.source(), &context.clock);
    let mut session = Session::<A> {
        upstream,
        outward,
        window: Window::new(context.adapter.pace().max_in_flight),
        patience: Patience::of(context.adapter.pace().answer_within),
        acked: Vec::new(),
        is_ready: false,
        is_leaving: false,
        has_left: false,
        was_useful: false,
        was_in_vain: false,
        was_cut: false,
        is_outdated: false,
        after: None,
    };
    let lasted = Stopwatch::start();
    let mut ended = drive(&mut session, &mut inward, context).await;
    if ended.is_err() {
        // What the other side said last was read together with the end of the connection. An acknowledgement still
        // counts, and a refusal is a better reason than that the connection was closed upon it.
        for answer in inward.leftovers() {
            let note = session.upstream.handle_answer(answer);
            let is_answer = !matches!(note, Note::Ready | Note::Heard { .. } | Note::Left | Note::Nothing);
            if let (true, Err(why)) = (is_answer, session.take(note, context)) {
                ended = Err(why);
            }
        }
    }
    session.note_acked(context);
    context.count(|stats| {
        (stats.connected_since, stats.in_flight, stats.is_resting) = (None, 0, false);
    });
    match ended {
        Ok(()) => End::Stopped,
        Err(_) if session.is_outdated => End::Outdated,
        Err(why) => {
            let has_lasted = lasted.elapsed() > USEFUL_AFTER && !session.was_in_vain;
            let cut_after = (session.is_ready && session.was_cut).then(|| lasted.elapsed());
            End::Failed { why, was_useful: session.was_useful || has_lasted, cut_after, after: session.after }
        }
    }
}

async fn drive<A: Adapter>(
    session: &mut Session<A>,
    inward: &mut A::Inward,
    context: &mut Context<A>,
) -> Result<(), String> {
    let (mut stop, mut health) = (context.stop.clone(), context.health.clone());
    // The other side may be a new one, so it is told of what has been so for long, too.
    health.mark_changed();
    loop {
        let mut poll = pin!(inward.next());
        let answer = loop {
            let is_stopping = *stop.borrow_and_update();
            let rest = context.gate.rest(&*context.clock).into_iter().chain(session.upstream.rest()).min();
            if is_stopping && !session.is_ready {
                return Ok(());
            }
            tokio::select! {
                biased;
                answer = &mut poll => match answer {
                    Ok(answer) => break answer,
                    Err(broken) => {
                        session.was_cut = true;
                        return Err(broken.to_string());
                    }
                },
                // Ready at once: taken when nothing more was read, so that one transaction notes what came together.
                () = std::future::ready(()), if !session.acked.is_empty() => session.note_acked(context),
                () = context.lane.queued(), if session.is_ready => {}
                () = rested(rest), if session.is_ready => {}
                told = health.changed(), if session.is_ready => match told {
                    Ok(()) => session.tell_health(&health.borrow_and_update())?,
                    // Nobody tells any more: the agent stops.
                    Err(_) => return Ok(()),
                },
                Some(told) = context.told.recv(), if session.is_ready => session.tell(&told)?,
                () = session.patience.ended() => {
                    session.was_in_vain = true;
                    return Err(unanswered(context));
                }
                changed = stop.changed(), if !is_stopping => {
                    if changed.is_err() {
                        return Ok(());
                    }
                }
            }
            session.advance(context)?;
            session.count_owed();
        };
        let note = session.upstream.handle_answer(answer);
        session.take(note, context)?;
        if session.has_left {
            return Ok(());
        }
        if session.acked.len() >= ACK_BATCH {
            session.note_acked(context);
        }
        session.advance(context)?;
        session.count_owed();
    }
}

/// Why a connection is given up on which nothing is answered.
fn unanswered<A: Adapter>(context: &Context<A>) -> String {
    let within_s = context.adapter.pace().answer_within.as_secs();
    format!(
        "{} takes reports and has acknowledged none for {within_s} s; look at what keeps it from storing them, or at the \
         proxy before it",
        context.adapter.peer()
    )
}

impl<A: Adapter> Session<A> {
    /// Counts what the other side owes.
    fn count_owed(&mut self) {
        let is_owed = self.window.in_flight() > 0 || self.upstream.is_owed_an_answer();
        self.patience.owed(is_owed, self.window.oldest());
    }

    /// Takes in what happened on the connection.
    fn take(&mut self, note: Note, context: &Context<A>) -> Result<(), String> {
        match note {
            Note::Ready => {
                self.is_ready = true;
                let now = context.clock.now();
                context.count(|stats| {
                    stats.connected_since = Some(now);
                    stats.connections += 1;
                });
                tracing::info!(upstream = context.lane.upstream(), "connected to {}", context.adapter.peer());
            }
            Note::Acknowledged(seq) => self.acknowledge(&[seq], context),
            Note::AcknowledgedAll(places) => self.acknowledge(&places, context),
            Note::GivenUp { places, why } => {
                let n = places.len() as u64;
                let (upstream, peer) = (context.lane.upstream(), context.adapter.peer());
                tracing::error!(upstream, %peer, why, reports = n, "reports are given up: they are refused for good");
                context.count(|stats| (stats.given_up, stats.refused) = (stats.given_up + n, stats.refused + 1));
                self.acked.extend(places.iter().filter_map(|seq| self.window.acknowledged(*seq)));
                self.patience.answered();
            }
            Note::Away { why } => return Err(why),
            Note::Refused { what, why, after } => {
                self.after = after;
                context.count(|stats| stats.refused += 1);
                return Err(format!("{} refused {what}: {why}", context.adapter.peer()));
            }
            Note::Heard { wish, is_kept } => {
                let upstream = context.lane.upstream().to_owned();
                context.ear.hear(Heard { upstream, wish, is_kept, answer: context.answer.clone() });
            }
            Note::Left => self.has_left = true,
            Note::Nothing => {}
        }
        self.send()
    }

    fn acknowledge(&mut self, places: &[i64], context: &Context<A>) {
        for seq in places {
            if let Some(receipt) = self.window.acknowledged(*seq) {
                self.acked.push(receipt);
                self.was_useful = true;
                self.patience.answered();
                let mut is_back = false;
                context.count(|stats| {
                    is_back = stats.is_unproven;
                    (stats.unanswered_since, stats.is_unproven) = (None, false);
                });
                if is_back {
                    let (upstream, peer) = (context.lane.upstream(), context.adapter.peer());
                    tracing::info!(upstream, %peer, "reports are acknowledged again");
                }
            }
        }
    }

    /// Says what waits, in as many messages as may go now.
    fn say(&mut self, context: &mut Context<A>) -> Result<usize, String> {
        let now = context.clock.now();
        let (room, messages) = (self.window.room(), context.gate.room(&*context.clock));
        if room == 0 || messages == 0 {
            return Ok(0);
        }
        let can_join = self.upstream.can_join();
        let most = if can_join { room } else { room.min(messages) };
        let waiting = context.lane.pending_after(self.window.cursor(), most);
        for report in &waiting {
            self.window.hand(report);
        }
        // One message that tells of all is kept for what cannot go by itself.
        let alone = if waiting.len() > messages { messages - 1 } else { waiting.len() };
        let (alone, together) = waiting.split_at(alone);
        for report in alone {
            self.upstream.handle_report(report);
            self.send()?;
        }
        if !together.is_empty() {
            self.upstream.handle_together(together);
            self.send()?;
        }
        context.gate.spend(now, alone.len() + usize::from(!together.is_empty()));
        Ok(waiting.len())
    }

    /// Hands over what there is room for, and the farewell when the agent stops and nothing is left.
    fn advance(&mut self, context: &mut Context<A>) -> Result<(), String> {
        if !self.is_ready || self.is_leaving {
            return Ok(());
        }
        if context.lane.is_of_another_file() {
            self.is_outdated = true;
            return Err("the outbox was replaced".to_owned());
        }
        let said = self.say(context)?;
        // What waits here may go by now.
        self.send()?;
        let (pictures, files) = (self.upstream.pictures(), self.upstream.files());
        let is_resting = context.gate.rest(&*context.clock).is_some();
        let in_flight = self.in_flight();
        let now = context.clock.now();
        context.count(|stats| {
            stats.sent += said as u64;
            stats.is_resting = is_resting;
            (stats.pictures, stats.files) = (pictures, files);
            stats.in_flight = in_flight;
            if said > 0 {
                stats.unanswered_since.get_or_insert(now);
            }
        });
        if *context.stop.borrow() && in_flight == 0 {
            self.is_leaving = true;
            self.upstream.handle_stop();
            self.send()?;
        }
        Ok(())
    }

    fn tell_health(&mut self, health: &str) -> Result<(), String> {
        if !health.is_empty() && !self.is_leaving {
            self.upstream.handle_health(health);
        }
        self.send()
    }

    fn tell(&mut self, told: &str) -> Result<(), String> {
        if !self.is_leaving {
            self.upstream.handle_told(told);
        }
        self.send()
    }

    fn send(&mut self) -> Result<(), String> {
        while let Some(message) = self.upstream.poll_message() {
            self.outward.send(message).map_err(|broken| broken.to_string())?;
        }
        Ok(())
    }

    /// Notes in the outbox what was acknowledged.
    fn note_acked(&mut self, context: &mut Context<A>) {
        if self.acked.is_empty() {
            return;
        }
        context.lane.ack(&self.acked);
        let count = self.acked.len() as u64;
        self.acked.clear();
        let in_flight = self.in_flight();
        context.count(|stats| {
            stats.acknowledged += count;
            stats.in_flight = in_flight;
        });
    }

    /// Reports of which the answer is awaited or not yet noted in the outbox.
    fn in_flight(&self) -> u32 {
        (self.window.in_flight() + self.acked.len()) as u32
    }
}
