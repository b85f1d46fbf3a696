//! The adapter for MQTT brokers. Described for consumers in `docs/mqtt.md`.

mod after;
pub mod config;
mod dialect;
mod link;
pub(crate) mod listener;
mod packets;
mod reasons;
pub mod topic;

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use forewarn_domain::Clock;
use forewarn_wire::{EventSource, Presence};

use self::after::After;
use self::config::ResolvedMqtt;
use self::dialect::{CloudEvents, MOST_MESSAGES};
pub use self::dialect::{Dialect, Pictures};
pub use self::link::Publication;
use self::link::{Answer, Message, MqttReceiver, MqttSender};
use self::packets::{Packets, Sent};
use super::purse::Purse;
use super::thin::PictureCounts;
use super::{Adapter, Note, Pace, Upstream};
use crate::outbox::QueuedReport;

/// The id of the upstream that needs no word of its kind, and whose client has the site's plain name.
const PLAIN_ID: &str = "mqtt";

impl Adapter for ResolvedMqtt {
    type Upstream = MqttUpstream;
    type Outward = MqttSender;
    type Inward = MqttReceiver;

    fn peer(&self) -> String {
        format!("the broker {}", self.broker())
    }

    fn own_name(&self) -> String {
        format!("the client id {}", self.broker.client_id)
    }

    fn pace(&self) -> Pace {
        // The broker must answer a ping within the keep-alive, so twice that is slow beyond any excuse.
        let answer_within = self.broker.keep_alive * 2;
        Pace { answer_within, max_in_flight: self.max_in_flight, reconnect: self.reconnect, max_per_minute: None }
    }

    fn connect(&self, source: &EventSource, _: &Arc<dyn Clock>) -> (MqttUpstream, MqttSender, MqttReceiver) {
        connect(self, Box::new(CloudEvents::new(&self.topic_prefix, source, (self.evidence.clone(), self.mode))), 1)
    }
}

/// Prepares a connection on which a dialect is spoken.
fn connect(
    config: &ResolvedMqtt,
    mut dialect: Box<dyn Dialect>,
    per_report: u16,
) -> (MqttUpstream, MqttSender, MqttReceiver) {
    let (will, greeting) = (dialect.presence(Presence::Offline, Some("connection_lost")), dialect.greeting());
    let (outward, inward) = link::open(config, will, per_report, greeting.len());
    (MqttUpstream { greeting, ..MqttUpstream::speaking(dialect) }, outward, inward)
}

/// An upstream on a broker in another dialect than that of events.
#[derive(Debug, Clone)]
pub struct InDialect<D> {
    mqtt: ResolvedMqtt,
    dialect: D,
    /// What a thin link has carried, where it is one.
    thin: Option<Purse>,
}

/// Makes the dialect of each connection.
pub trait Speaks: fmt::Debug + Clone + Send + Sync + 'static {
    /// What is spoken on a connection of this agent.
    fn dialect(&self, source: &EventSource) -> Box<dyn Dialect>;
}

impl<D> InDialect<D> {
    /// In a dialect, over a broker.
    pub fn new(mqtt: ResolvedMqtt, dialect: D) -> Self {
        Self { mqtt, dialect, thin: None }
    }

    /// The same over a link that is thin, if there is a purse.
    pub(super) fn within(self, thin: Option<Purse>) -> Self {
        Self { thin, ..self }
    }
}

impl<D: Speaks> Adapter for InDialect<D> {
    type Upstream = MqttUpstream;
    type Outward = MqttSender;
    type Inward = MqttReceiver;

    fn peer(&self) -> String {
        Adapter::peer(&self.mqtt)
    }

    fn own_name(&self) -> String {
        self.mqtt.own_name()
    }

    fn pace(&self) -> Pace {
        self.mqtt.pace()
    }

    fn connect(&self, source: &EventSource, clock: &Arc<dyn Clock>) -> (MqttUpstream, MqttSender, MqttReceiver) {
        let (upstream, outward, inward) = connect(&self.mqtt, self.dialect.dialect(source), MOST_MESSAGES);
        let after = self.thin.clone().map(|purse| After::new(purse, Arc::clone(clock)));
        (MqttUpstream { after, ..upstream }, outward, inward)
    }
}

/// Says reports in a dialect, and whether the agent is there.
#[derive(Debug)]
pub struct MqttUpstream {
    dialect: Box<dyn Dialect>,
    /// What is said once the connection stands.
    greeting: Vec<Publication>,
    packets: Packets,
    messages: VecDeque<Message>,
    health: News,
    /// What became of what the other side asked for.
    told: News,
    /// Pictures that follow words, where the link is thin.
    after: Option<After>,
}

/// What is to be told of one thing: one message at a time, and of those that wait the latest.
#[derive(Debug, Default)]
struct News {
    waiting: Option<String>,
    is_under_way: bool,
    /// The broker has no place for it.
    is_refused: bool,
}

impl News {
    /// What is to be told now.
    fn next(&mut self) -> Option<String> {
        if self.is_under_way || self.is_refused { None } else { self.waiting.take() }
    }
}

impl MqttUpstream {
    fn speaking(dialect: Box<dyn Dialect>) -> Self {
        Self {
            dialect,
            greeting: Vec::new(),
            packets: Packets::default(),
            messages: VecDeque::new(),
            health: News::default(),
            told: News::default(),
            after: None,
        }
    }

    fn say_health(&mut self) {
        let publication = self.health.next().and_then(|health| self.dialect.health(&health));
        if let Some(publication) = publication {
            self.health.is_under_way = true;
            self.publish(publication, Sent::Health);
        }
    }

    fn say_told(&mut self) {
        let publication = self.told.next().and_then(|told| self.dialect.told(&told));
        if let Some(publication) = publication {
            self.told.is_under_way = true;
            self.publish(publication, Sent::Told);
        }
    }

    /// The broker acknowledged a publication.
    fn acked(&mut self, packet: u16) -> Note {
        match self.packets.answered(packet) {
            Some(Sent::Report(seq)) => {
                if let Some(after) = &mut self.after {
                    after.have_words(seq);
                }
                return Note::Acknowledged(seq);
            }
            Some(Sent::Picture) => {
                if let Some(after) = &mut self.after {
                    after.done(true);
                }
            }
            Some(Sent::Offline) => self.messages.push_back(Message::Disconnect),
            Some(Sent::Health) => {
                self.health.is_under_way = false;
                self.say_health();
            }
            Some(Sent::Told) => {
                self.told.is_under_way = false;
                self.say_told();
            }
            Some(Sent::Online | Sent::Part) | None => {}
        }
        Note::Nothing
    }

    /// The broker refused a publication.
    fn refused(&mut self, packet: u16, reason: &str) -> Note {
        let what = match self.packets.answered(packet) {
            // It is no reason to hold reports up.
            Some(Sent::Health) => {
                self.health.is_refused = true;
                tracing::info!(reason, "the broker does not take the agent's health");
                return Note::Nothing;
            }
            Some(Sent::Told) => {
                self.told.is_refused = true;
                tracing::info!(reason, "the broker does not take what became of what was asked for");
                return Note::Nothing;
            }
            Some(Sent::Picture) => {
                if let Some(after) = &mut self.after {
                    after.done(false);
                }
                tracing::info!(reason, "the broker does not take a picture");
                return Note::Nothing;
            }
            Some(Sent::Report(_) | Sent::Part) => "an event",
            Some(Sent::Online | Sent::Offline) => "the status",
            None => "a message",
        };
        Note::Refused { what, why: format!("{reason}; check its ACL and limits"), after: None }
    }

    fn publish(&mut self, publication: Publication, sent: Sent) {
        self.messages.push_back(Message::Publish(publication));
        self.packets.hand(sent);
    }

    fn say(&mut self, presence: Presence, reason: Option<&str>) {
        let sent = if presence == Presence::Online { Sent::Online } else { Sent::Offline };
        self.publish(self.dialect.presence(presence, reason), sent);
    }
}

impl Upstream for MqttUpstream {
    type Message = Message;
    type Answer = Answer;

    fn handle_report(&mut self, queued: &QueuedReport) {
        let mut messages = self.dialect.report(queued);
        if let Some(after) = &mut self.after {
            after.words(queued, &messages);
        }
        let last = messages.pop();
        for part in messages {
            self.publish(part, Sent::Part);
        }
        if let Some(last) = last {
            self.publish(last, Sent::Report(queued.seq));
        }
    }

    fn handle_answer(&mut self, answer: Answer) -> Note {
        match answer {
            Answer::Connected => {
                for part in std::mem::take(&mut self.greeting) {
                    self.publish(part, Sent::Part);
                }
                let ears = self.dialect.ears();
                if !ears.is_empty() {
                    self.messages.push_back(Message::Listen(ears));
                }
                self.say(Presence::Online, None);
                Note::Ready
            }
            Answer::Wrote(packet) => {
                self.packets.wrote(packet);
                Note::Nothing
            }
            Answer::Acked(packet) => self.acked(packet),
            Answer::Refused(packet, reason) => self.refused(packet, &reason),
            Answer::Heard { topic, payload, is_kept } => {
                self.dialect.heard(&topic, &payload).map_or(Note::Nothing, |wish| Note::Heard { wish, is_kept })
            }
            Answer::Deaf => {
                tracing::warn!("the broker does not let the agent hear what is asked of it; check its ACL");
                Note::Nothing
            }
            Answer::Disconnected => Note::Left,
            Answer::Other => Note::Nothing,
        }
    }

    fn handle_health(&mut self, health: &str) {
        self.health.waiting = Some(health.to_owned());
        self.say_health();
    }

    fn handle_told(&mut self, told: &str) {
        self.told.waiting = Some(told.to_owned());
        self.say_told();
    }

    fn handle_stop(&mut self) {
        self.say(Presence::Offline, Some("stopped"));
    }

    fn is_owed_an_answer(&self) -> bool {
        self.packets.is_status_unanswered()
    }

    fn rest(&self) -> Option<Duration> {
        self.after.as_ref().and_then(After::rest)
    }

    fn pictures(&self) -> PictureCounts {
        self.after.as_ref().map(After::counts).unwrap_or_default()
    }

    fn poll_message(&mut self) -> Option<Message> {
        if self.messages.is_empty() {
            let dialect = &self.dialect;
            let picture = self.after.as_mut().and_then(|after| after.next(|report| dialect.picture(report)));
            if let Some(picture) = picture {
                self.publish(picture, Sent::Picture);
            }
        }
        self.messages.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use forewarn_wire::samples::{report, source};
    use forewarn_wire::{Event, Status};

    use super::config::ContentMode;
    use super::*;

    fn sent(upstream: &mut MqttUpstream) -> Vec<(String, String, bool)> {
        std::iter::from_fn(|| upstream.poll_message())
            .map(|message| match message {
                Message::Publish(Publication { topic, payload, is_retained, .. }) => {
                    (topic, String::from_utf8(payload).unwrap(), is_retained)
                }
                Message::Listen(topics) => ("listen".to_owned(), topics.join(" "), false),
                Message::Disconnect => ("disconnect".to_owned(), String::new(), false),
            })
            .collect()
    }

    fn queued(seq: i64) -> QueuedReport {
        QueuedReport { seq, report: report(seq as u64, 1), source: source() }
    }

    #[test]
    fn a_connection_is_greeted_used_and_taken_leave_of() {
        let mut upstream =
            MqttUpstream::speaking(Box::new(CloudEvents::new("forewarn", &source(), (None, ContentMode::default()))));
        assert_eq!(upstream.handle_answer(Answer::Connected), Note::Ready);
        assert_eq!(
            sent(&mut upstream),
            [("forewarn/north-gate/status".to_owned(), Status::json(Presence::Online, None, &source()), true)]
        );
        upstream.handle_report(&queued(7));
        let body = serde_json::to_string(&Event::from_report(&report(7, 1), &source())).unwrap();
        assert_eq!(
            sent(&mut upstream),
            [("forewarn/north-gate/incidents/gate/illegal_parking".to_owned(), body, false)]
        );
        for packet in [1, 2] {
            assert_eq!(upstream.handle_answer(Answer::Wrote(packet)), Note::Nothing);
        }
        assert_eq!(upstream.handle_answer(Answer::Acked(1)), Note::Nothing, "the status is nobody's report");
        assert_eq!(upstream.handle_answer(Answer::Acked(2)), Note::Acknowledged(7));
        upstream.handle_stop();
        assert!(sent(&mut upstream)[0].1.contains("stopped"));
        upstream.handle_answer(Answer::Wrote(3));
        upstream.handle_answer(Answer::Acked(3));
        assert_eq!(sent(&mut upstream)[0].0, "disconnect");
        assert_eq!(upstream.handle_answer(Answer::Disconnected), Note::Left);
    }

    #[test]
    fn health_is_told_one_message_at_a_time_and_a_broker_that_refuses_it_gets_reports() {
        let mut upstream =
            MqttUpstream::speaking(Box::new(CloudEvents::new("forewarn", &source(), (None, ContentMode::default()))));
        for health in ["1", "2", "3"] {
            upstream.handle_health(health);
        }
        let told = |health: &str| ("forewarn/north-gate/health".to_owned(), health.to_owned(), true);
        assert_eq!(sent(&mut upstream), [told("1")]);
        upstream.handle_answer(Answer::Wrote(1));
        assert!(!upstream.is_owed_an_answer(), "no connection is given up for it");
        assert_eq!(upstream.handle_answer(Answer::Acked(1)), Note::Nothing);
        assert_eq!(sent(&mut upstream), [told("3")], "of those that waited the latest");
        upstream.handle_answer(Answer::Wrote(2));
        assert_eq!(upstream.handle_answer(Answer::Refused(2, "NotAuthorized".to_owned())), Note::Nothing);
        upstream.handle_health("4");
        assert_eq!(sent(&mut upstream), []);
    }

    #[test]
    fn a_refusal_says_what_was_refused() {
        let mut upstream =
            MqttUpstream::speaking(Box::new(CloudEvents::new("forewarn", &source(), (None, ContentMode::default()))));
        upstream.handle_report(&queued(3));
        upstream.handle_answer(Answer::Wrote(1));
        let Note::Refused { what, why, .. } = upstream.handle_answer(Answer::Refused(1, "NotAuthorized".to_owned()))
        else {
            panic!("it is a refusal");
        };
        assert_eq!((what, why.as_str()), ("an event", "NotAuthorized; check its ACL and limits"));
    }

    #[test]
    fn what_an_earlier_agent_recorded_is_said_in_its_name() {
        let mut upstream =
            MqttUpstream::speaking(Box::new(CloudEvents::new("forewarn", &source(), (None, ContentMode::default()))));
        let earlier = EventSource { agent_version: "0.0.9".to_owned(), ..source() };
        upstream.handle_report(&QueuedReport { source: earlier, ..queued(3) });
        assert!(sent(&mut upstream)[0].1.contains("\"agent_version\":\"0.0.9\""));
    }
}
