//! A connection to a message broker over which one announcement is told, with a clean session: nothing old is told to a
//! device, and no answer to something old is taken for one.

use std::time::Duration;

use forewarn_base::broker::Broker;
use forewarn_domain::FailureKind;
use forewarn_domain::clock::Stopwatch;
use rumqttc::{Client, Connection, Event, Packet, Publish, QoS, SubscribeFilter, SubscribeReasonCode};

use super::run::Limits;
use crate::mqtt::{self, CONNECT_TIMEOUT, Trouble};
use forewarn_base::random::random;

/// A broker does not do what it should.
#[derive(Debug, thiserror::Error)]
pub(super) enum LineError {
    #[error("failed to reach the broker {peer}: {why}")]
    Away { peer: String, why: String },
    #[error("the broker {peer} refused {what}")]
    Refused { peer: String, what: String },
    #[error("the broker {peer} did not answer in {after_s:.1} s")]
    Silent { peer: String, after_s: f64 },
}

impl LineError {
    pub(super) fn kind(&self) -> FailureKind {
        match self {
            Self::Away { .. } => FailureKind::Unreachable,
            Self::Refused { .. } => FailureKind::Refused,
            Self::Silent { .. } => FailureKind::TimedOut,
        }
    }
}

/// By hand and by the agent it may be spoken at the same time, and a broker lets one of a name in: each has its own,
/// unless the site gives the name.
pub(super) fn with_own_name(mut broker: Broker, is_given: bool) -> Broker {
    if !is_given {
        broker.client_id = format!("{}-{:08x}", broker.client_id, random() >> 32);
    }
    broker
}

/// A connection to the broker.
pub(super) struct Line {
    client: Client,
    connection: Connection,
    peer: String,
}

impl Line {
    /// Prepares a connection; it is made when something is asked of it.
    pub(super) fn open(broker: &Broker) -> Self {
        let (client, mut connection) = Client::new(mqtt::options(broker, &broker.client_id), 8);
        connection.eventloop.set_network_options(mqtt::network());
        Self { client, connection, peer: broker.url.to_string() }
    }

    /// Connects, and no more.
    pub(super) fn greet(mut self) -> Result<(), LineError> {
        let watch = Stopwatch::start();
        while !matches!(self.next(watch, CONNECT_TIMEOUT)?, Some(Packet::ConnAck(_))) {}
        Ok(())
    }

    /// Connects and listens to the answers on these topics, if there are any; `key` of the site file names them.
    pub(super) fn listen(&mut self, topics: &[&str], key: &str, limits: &Limits) -> Result<(), LineError> {
        let watch = Stopwatch::start();
        loop {
            match self.next(watch, CONNECT_TIMEOUT.min(limits.left()))? {
                Some(Packet::ConnAck(_)) if topics.is_empty() => return Ok(()),
                Some(Packet::ConnAck(_)) => {
                    let filters =
                        topics.iter().map(|topic| SubscribeFilter::new((*topic).to_owned(), QoS::AtLeastOnce));
                    let asked = self.client.try_subscribe_many(filters);
                    asked.map_err(|error| self.away(&error))?;
                }
                Some(Packet::SubAck(ack)) if ack.return_codes.contains(&SubscribeReasonCode::Failure) => {
                    let what = format!("to subscribe to {}; check its ACL and `{key}`", topics.join(" and "));
                    return Err(LineError::Refused { peer: self.peer.clone(), what });
                }
                Some(Packet::SubAck(_)) => return Ok(()),
                _ => {}
            }
        }
    }

    /// Tells something, at least once.
    pub(super) fn tell(&self, topic: &str, payload: &[u8]) -> Result<(), LineError> {
        self.client.try_publish(topic, QoS::AtLeastOnce, false, payload).map_err(|error| self.away(&error))
    }

    /// Waits until the broker has what was told.
    pub(super) fn until_told(&mut self, limits: &Limits) -> Result<(), LineError> {
        let watch = Stopwatch::start();
        while !matches!(self.next(watch, CONNECT_TIMEOUT.min(limits.left()))?, Some(Packet::PubAck(_))) {}
        Ok(())
    }

    /// The next message, if one comes in this time. One that was kept is about something old, and is passed over.
    pub(super) fn hear(&mut self, left: Duration) -> Result<Option<Publish>, LineError> {
        Ok(match self.wait(left)? {
            Some(Packet::Publish(message)) if !message.retain => Some(message),
            _ => None,
        })
    }

    fn away(&self, error: &dyn std::error::Error) -> LineError {
        LineError::Away { peer: self.peer.clone(), why: error.to_string() }
    }

    /// The next packet, until `limit` is over.
    fn next(&mut self, watch: Stopwatch, limit: Duration) -> Result<Option<Packet>, LineError> {
        let left = limit.saturating_sub(watch.elapsed());
        if left.is_zero() {
            return Err(LineError::Silent { peer: self.peer.clone(), after_s: watch.elapsed().as_secs_f64() });
        }
        self.wait(left)
    }

    /// The next packet, if one comes in this time.
    fn wait(&mut self, left: Duration) -> Result<Option<Packet>, LineError> {
        let peer = self.peer.clone();
        match self.connection.recv_timeout(left) {
            Ok(Ok(Event::Incoming(packet))) => Ok(Some(packet)),
            Ok(Ok(Event::Outgoing(_))) | Err(_) => Ok(None),
            Ok(Err(error)) => Err(match Trouble::from(error) {
                Trouble::NoAnswer => LineError::Silent { peer, after_s: CONNECT_TIMEOUT.as_secs_f64() },
                Trouble::Away(why) => LineError::Away { peer, why },
                Trouble::Refused(what) => LineError::Refused { peer, what },
            }),
        }
    }
}
