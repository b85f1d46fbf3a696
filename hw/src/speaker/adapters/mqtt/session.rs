//! One announcement told over one connection, and the device's answer.

use std::time::Duration;

use forewarn_base::broker::Broker;
use forewarn_domain::clock::Stopwatch;
use rumqttc::{Client, Connection, Event, Packet, QoS, SubscribeReasonCode};

use super::error::MqttError;
use crate::mqtt::{self, CONNECT_TIMEOUT, Trouble};
use crate::speaker::run::Limits;
use crate::speaker::template::{Pattern, Words, shown};

/// What is told, and what answers it.
pub(super) struct Order {
    pub(super) topic: String,
    pub(super) payload: String,
    pub(super) ack_topic: Option<String>,
    pub(super) ack: Option<Pattern>,
    pub(super) refusal: Option<Pattern>,
    pub(super) within: Duration,
}

/// How it went.
pub(super) struct Told {
    /// What the device answered, where it answers.
    pub(super) answer: Option<String>,
    /// How long after it was told.
    pub(super) after: Duration,
}

/// A connection to the broker.
pub(super) struct Session {
    client: Client,
    connection: Connection,
    peer: String,
}

impl Session {
    /// Prepares a connection; it is made when something is told.
    pub(super) fn open(broker: &Broker) -> Self {
        let (client, mut connection) = Client::new(mqtt::options(broker, &broker.client_id), 4);
        connection.eventloop.set_network_options(mqtt::network());
        Self { client, connection, peer: broker.url.to_string() }
    }

    /// Connects, and no more.
    pub(super) fn greet(mut self) -> Result<(), MqttError> {
        let watch = Stopwatch::start();
        while !matches!(self.next(watch, CONNECT_TIMEOUT)?, Some(Packet::ConnAck(_))) {}
        Ok(())
    }

    /// Tells the device, and waits for its answer where it answers, for the broker's where it does not.
    pub(super) fn tell(mut self, order: &Order, words: &Words, limits: Limits) -> Result<Told, MqttError> {
        self.listen(order.ack_topic.as_deref(), limits)?;
        let watch = Stopwatch::start();
        let queued = self.client.try_publish(&order.topic, QoS::AtLeastOnce, false, order.payload.as_bytes());
        queued.map_err(|error| MqttError::Away { peer: self.peer.clone(), why: error.to_string() })?;
        let Some(ack_topic) = &order.ack_topic else {
            while !matches!(self.next(watch, CONNECT_TIMEOUT.min(limits.left()))?, Some(Packet::PubAck(_))) {}
            return Ok(Told { answer: None, after: watch.elapsed() });
        };
        let end = order.within.min(limits.left());
        let (mut n_others, mut last) = (0, String::new());
        loop {
            let Some(left) = end.checked_sub(watch.elapsed()).filter(|left| !left.is_zero()) else {
                let others = format!(", but {n_others} that fit nothing, the last: {last}");
                return Err(MqttError::NoAck {
                    topic: ack_topic.clone(),
                    after_s: watch.elapsed().as_secs_f64(),
                    others: if n_others > 0 { others } else { String::new() },
                });
            };
            // An answer that was kept is one to something old.
            let Some(Packet::Publish(answer)) = self.wait(left)?.filter(|packet| !is_kept(packet)) else { continue };
            let text = String::from_utf8_lossy(&answer.payload).into_owned();
            if order.refusal.as_ref().is_some_and(|pattern| pattern.fits(&text, words)) {
                return Err(MqttError::DeviceRefused { answer: shown(&text) });
            }
            if order.ack.as_ref().is_none_or(|pattern| pattern.fits(&text, words)) {
                return Ok(Told { answer: Some(shown(&text)), after: watch.elapsed() });
            }
            (n_others, last) = (n_others + 1, shown(&text));
        }
    }

    /// Connects and listens to the answers, where there are any.
    fn listen(&mut self, topic: Option<&str>, limits: Limits) -> Result<(), MqttError> {
        let watch = Stopwatch::start();
        loop {
            match self.next(watch, CONNECT_TIMEOUT.min(limits.left()))? {
                Some(Packet::ConnAck(_)) => {
                    let Some(topic) = topic else { return Ok(()) };
                    let asked = self.client.try_subscribe(topic, QoS::AtLeastOnce);
                    asked.map_err(|error| MqttError::Away { peer: self.peer.clone(), why: error.to_string() })?;
                }
                Some(Packet::SubAck(ack)) => {
                    if ack.return_codes.contains(&SubscribeReasonCode::Failure) {
                        let what =
                            format!("to subscribe to {}; check its ACL and `ack_topic`", topic.unwrap_or_default());
                        return Err(MqttError::Refused { peer: self.peer.clone(), what });
                    }
                    return Ok(());
                }
                _ => {}
            }
        }
    }

    /// The next packet, until `limit` is over.
    fn next(&mut self, watch: Stopwatch, limit: Duration) -> Result<Option<Packet>, MqttError> {
        let left = limit.saturating_sub(watch.elapsed());
        if left.is_zero() {
            return Err(MqttError::Silent { peer: self.peer.clone(), after_s: watch.elapsed().as_secs_f64() });
        }
        self.wait(left)
    }

    /// The next packet, if one comes in this time.
    fn wait(&mut self, left: Duration) -> Result<Option<Packet>, MqttError> {
        let peer = self.peer.clone();
        match self.connection.recv_timeout(left) {
            Ok(Ok(Event::Incoming(packet))) => Ok(Some(packet)),
            Ok(Ok(Event::Outgoing(_))) | Err(_) => Ok(None),
            Ok(Err(error)) => Err(match Trouble::from(error) {
                Trouble::NoAnswer => MqttError::Silent { peer, after_s: CONNECT_TIMEOUT.as_secs_f64() },
                Trouble::Away(why) => MqttError::Away { peer, why },
                Trouble::Refused(what) => MqttError::Refused { peer, what },
            }),
        }
    }
}

fn is_kept(packet: &Packet) -> bool {
    matches!(packet, Packet::Publish(publish) if publish.retain)
}
