//! One connection to the broker, from CONNECT to its loss or the farewell.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forewarn_base::sync::lock;
use forewarn_domain::Clock;
use forewarn_domain::clock::Stopwatch;
use forewarn_wire::{Presence, Status};
use tokio::sync::watch;

use super::config::ResolvedMqtt;
use super::stats::PublisherStats;
use super::topic::Topics;
use super::window::{Sent, Window};
use super::wire::{self, Note, Publication, WireSender};
use crate::outbox::Outbox;

/// Acknowledgements that are removed from the outbox in one transaction, at most.
const ACK_BATCH: usize = 64;
/// A connection that lasted so long was of use, even if nothing was to be sent.
const USEFUL_AFTER: Duration = Duration::from_mins(1);

/// What a connection needs, for all of them.
pub(crate) struct Context {
    pub(crate) config: ResolvedMqtt,
    pub(crate) topics: Topics,
    pub(crate) outbox: Outbox,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) stats: Arc<Mutex<PublisherStats>>,
    /// Turns true when the publisher is to stop.
    pub(crate) stop: watch::Receiver<bool>,
}

impl Context {
    pub(crate) fn count(&self, change: impl FnOnce(&mut PublisherStats)) {
        change(&mut lock(&self.stats));
    }
}

/// How a connection ended.
pub(crate) enum End {
    /// By a farewell.
    Stopped,
    /// By a failure; `was_useful` if something was acknowledged or it lasted.
    Failed { why: String, was_useful: bool },
}

/// What is known of the running connection.
struct Session {
    sender: WireSender,
    window: Window,
    /// Places of the outbox that the broker acknowledged and that are still to be removed.
    acked: Vec<i64>,
    is_connected: bool,
    has_said_offline: bool,
    was_useful: bool,
}

/// Runs one connection.
pub(crate) async fn run(context: &mut Context) -> End {
    let (sender, mut events) = wire::open(&context.config, &context.topics, context.outbox.source());
    let mut session = Session {
        sender,
        window: Window::new(context.config.max_in_flight),
        acked: Vec::new(),
        is_connected: false,
        has_said_offline: false,
        was_useful: false,
    };
    let lasted = Stopwatch::start();
    let mut ended = drive(&mut session, &mut events, context).await;
    if ended.is_err() {
        // What the broker said last was read together with the end of the connection. An acknowledgement still
        // counts, and a refusal is a better reason than that the connection was closed upon it.
        for note in events.leftovers() {
            let is_answer = matches!(note, Note::Wrote(_) | Note::Acked(_) | Note::Refused(..));
            if let (true, Err(why)) = (is_answer, session.take(note, context)) {
                ended = Err(why);
            }
        }
    }
    let removed = session.remove_acked(context);
    context.count(|stats| (stats.connected_since, stats.in_flight) = (None, 0));
    match ended.and(removed) {
        Ok(()) => End::Stopped,
        Err(why) => End::Failed { why, was_useful: session.was_useful || lasted.elapsed() > USEFUL_AFTER },
    }
}

async fn drive(session: &mut Session, events: &mut wire::WireLoop, context: &mut Context) -> Result<(), String> {
    let mut stop = context.stop.clone();
    loop {
        let mut poll = pin!(events.poll());
        let note = loop {
            let is_stopping = *stop.borrow_and_update();
            if is_stopping && !session.is_connected {
                return Ok(());
            }
            tokio::select! {
                biased;
                note = &mut poll => break note?,
                // Ready at once: taken when nothing more was read, so that one transaction removes what came together.
                () = std::future::ready(()), if !session.acked.is_empty() => session.remove_acked(context)?,
                () = context.outbox.queued(), if session.is_connected => {}
                changed = stop.changed(), if !is_stopping => {
                    if changed.is_err() {
                        return Ok(());
                    }
                }
            }
            session.advance(context)?;
        };
        if note == Note::Disconnected {
            return Ok(());
        }
        session.take(note, context)?;
        if session.acked.len() >= ACK_BATCH {
            session.remove_acked(context)?;
        }
        session.advance(context)?;
    }
}

impl Session {
    /// Takes in what happened on the connection.
    fn take(&mut self, note: Note, context: &Context) -> Result<(), String> {
        match note {
            Note::Connected => {
                self.is_connected = true;
                let now = context.clock.now();
                context.count(|stats| {
                    stats.connected_since = Some(now);
                    stats.connections += 1;
                });
                tracing::info!(broker = %context.config.broker(), "connected to the broker");
                self.say(Presence::Online, None, context)
            }
            Note::Wrote(packet) => {
                if let Some(Sent::Message(_)) = self.window.wrote(packet) {
                    context.count(|stats| stats.sent += 1);
                }
                Ok(())
            }
            Note::Acked(packet) => {
                if self.answered(packet) == Some(Sent::Offline) {
                    self.sender.disconnect()?;
                }
                Ok(())
            }
            Note::Refused(packet, reason) => {
                let what = self.window.answered(packet);
                context.count(|stats| stats.refused += 1);
                // The message stays in the outbox. Sending the later ones of its incident first would break their
                // order, so the connection starts over after a pause.
                Err(format!("the broker refused {}: {reason}; check its ACL and limits", name_of(what)))
            }
            Note::Disconnected | Note::Other => Ok(()),
        }
    }

    fn answered(&mut self, packet: u16) -> Option<Sent> {
        let sent = self.window.answered(packet);
        if let Some(Sent::Message(seq)) = sent {
            self.acked.push(seq);
            self.was_useful = true;
        }
        sent
    }

    /// Hands over what there is room for, and the farewell when the publisher stops and nothing is left.
    fn advance(&mut self, context: &Context) -> Result<(), String> {
        if !self.is_connected || self.has_said_offline {
            return Ok(());
        }
        let room = self.window.room();
        let waiting = if room > 0 {
            context.outbox.pending_after(self.window.cursor(), room).map_err(|error| error.to_string())?
        } else {
            Vec::new()
        };
        for message in &waiting {
            self.sender.publish(Publication {
                topic: context.topics.incidents(&message.camera, &message.violation),
                payload: &message.body,
                is_retained: false,
                is_event: true,
            })?;
            self.window.hand(Sent::Message(message.seq));
        }
        let in_flight = self.in_flight();
        context.count(|stats| stats.in_flight = in_flight);
        if *context.stop.borrow() && in_flight == 0 {
            self.has_said_offline = true;
            self.say(Presence::Offline, Some("stopped"), context)?;
        }
        Ok(())
    }

    /// Publishes the retained status.
    fn say(&mut self, presence: Presence, reason: Option<&str>, context: &Context) -> Result<(), String> {
        let payload = Status::json(presence, reason, context.outbox.source());
        let topic = context.topics.status();
        self.sender.publish(Publication { topic, payload: &payload, is_retained: true, is_event: false })?;
        self.window.hand(if presence == Presence::Online { Sent::Online } else { Sent::Offline });
        Ok(())
    }

    /// Removes from the outbox what the broker acknowledged.
    fn remove_acked(&mut self, context: &mut Context) -> Result<(), String> {
        if self.acked.is_empty() {
            return Ok(());
        }
        context.outbox.ack(&self.acked).map_err(|error| error.to_string())?;
        let count = self.acked.len() as u64;
        self.acked.clear();
        let in_flight = self.in_flight();
        context.count(|stats| {
            stats.acknowledged += count;
            stats.in_flight = in_flight;
        });
        Ok(())
    }

    /// Publications of which the answer is awaited or not yet noted in the outbox.
    fn in_flight(&self) -> u32 {
        (self.window.in_flight() + self.acked.len()) as u32
    }
}

fn name_of(sent: Option<Sent>) -> &'static str {
    match sent {
        Some(Sent::Message(_)) => "an event",
        Some(Sent::Online | Sent::Offline) => "the status",
        None => "a message",
    }
}
