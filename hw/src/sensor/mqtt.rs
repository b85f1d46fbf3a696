//! Sensors that publish on a topic of an MQTT broker.
//!
//! Each connection has a client of its own with a clean session. A retained message is passed over: nobody knows when it
//! was measured, and a sensor that died long ago would seem to live.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use forewarn_base::backoff::{Backoff, BackoffLimits};
use rumqttc::{AsyncClient, ConnectionError, Event, EventLoop, Packet, QoS, SubscribeReasonCode};
use tokio::time::timeout;

use super::config::MqttSource;
use super::error::ReadError;
use super::outlet::{Outlet, pause};
use super::value::of_payload;
use crate::mqtt::{self, CONNECT_TIMEOUT, Trouble};

/// So many times its interval a sensor may be silent before that is told.
const MISSED: u32 = 3;

/// A message on the topic.
pub(super) struct Message {
    pub(super) payload: Vec<u8>,
    pub(super) is_retained: bool,
}

/// Listens to the topic for ever.
pub(super) async fn run(source: &MqttSource, every: Option<Duration>, outlet: &Outlet) {
    let mut backoff = Backoff::new(BackoffLimits::STEADY, 0);
    loop {
        let error = listen(source, every, outlet, &mut backoff).await;
        outlet.failed(error);
        pause(backoff.next_wait()).await;
    }
}

/// Listens on one connection, until it breaks.
async fn listen(source: &MqttSource, every: Option<Duration>, outlet: &Outlet, backoff: &mut Backoff) -> ReadError {
    let mut connection = Connection::open(source);
    let is_subscribed = connection.is_subscribed();
    let silent_after = every.map(|every| every.saturating_mul(MISSED));
    loop {
        let mut next = pin!(connection.message());
        let message = loop {
            let Some(after) = silent_after else { break next.await };
            // The future is kept, because dropping it might break off a connection that is being made.
            match timeout(after, &mut next).await {
                Ok(message) => break message,
                Err(_) if is_subscribed.load(Ordering::Relaxed) => {
                    outlet.failed(ReadError::Silent { topic: source.topic.clone(), after });
                }
                Err(_) => {}
            }
        };
        match message {
            Ok(message) if message.is_retained => {}
            Ok(message) => {
                let value = of_payload(&message.payload, source.path.as_ref()).and_then(|raw| outlet.scaled(raw));
                match value {
                    Ok(value) => {
                        backoff.reset();
                        outlet.measured(value);
                    }
                    Err(error) => outlet.failed(error),
                }
            }
            Err(error) => return error,
        }
    }
}

/// One connection to the broker.
pub(super) struct Connection<'a> {
    source: &'a MqttSource,
    client: AsyncClient,
    events: EventLoop,
    is_subscribed: Arc<AtomicBool>,
}

impl<'a> Connection<'a> {
    /// Prepares a connection; it is made when it is asked for the first message.
    pub(super) fn open(source: &'a MqttSource) -> Self {
        let broker = &source.broker;
        let (client, mut events) = AsyncClient::new(mqtt::options(broker, &broker.client_id), 4);
        events.set_network_options(mqtt::network());
        Self { source, client, events, is_subscribed: Arc::default() }
    }

    /// Whether the broker has confirmed the subscription.
    pub(super) fn is_subscribed(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_subscribed)
    }

    /// The next message. After an error the connection is of no use any more.
    pub(super) async fn message(&mut self) -> Result<Message, ReadError> {
        let peer = || self.source.broker.url.to_string();
        loop {
            match self.events.poll().await {
                Ok(Event::Incoming(Packet::ConnAck(_))) => {
                    let asked = self.client.try_subscribe(&self.source.topic, QoS::AtLeastOnce);
                    asked.map_err(|error| ReadError::Connect { peer: peer(), why: error.to_string() })?;
                }
                Ok(Event::Incoming(Packet::SubAck(ack))) => {
                    if ack.return_codes.contains(&SubscribeReasonCode::Failure) {
                        let why = format!("to subscribe to {}; check its ACL and `topic`", self.source.topic);
                        return Err(ReadError::Refused { peer: peer(), why });
                    }
                    self.is_subscribed.store(true, Ordering::Relaxed);
                }
                Ok(Event::Incoming(Packet::Publish(publish))) => {
                    return Ok(Message { payload: publish.payload.to_vec(), is_retained: publish.retain });
                }
                Ok(_) => {}
                Err(error) => return Err(explain(error, peer())),
            }
        }
    }
}

fn explain(error: ConnectionError, peer: String) -> ReadError {
    match Trouble::from(error) {
        Trouble::NoAnswer => ReadError::NoAnswer { peer, within: CONNECT_TIMEOUT },
        Trouble::Away(why) => ReadError::Connect { peer, why },
        Trouble::Refused(why) => ReadError::Refused { peer, why },
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use forewarn_base::broker::{CUT, NO_PING, NOT_ALLOWED};
    use rumqttc::{ConnectReturnCode, StateError, mqttbytes};

    use super::*;

    #[test]
    fn ends_of_connections_are_told_in_words_that_help() {
        let state = ConnectionError::MqttState;
        for (error, says) in [
            (state(StateError::ConnectionAborted), CUT),
            (state(StateError::AwaitPingResp), NO_PING),
            (
                state(StateError::Deserialization(mqttbytes::Error::PayloadSizeLimitExceeded(3_000_000))),
                "a message of 3000000 bytes came, and at most 262144 are taken",
            ),
            (state(StateError::Io(io::Error::other("unexpected end"))), "speaks no MQTT; check host and port"),
            (state(StateError::Io(io::ErrorKind::ConnectionReset.into())), "connection reset"),
            (ConnectionError::NotConnAck(Packet::PingResp), "speaks no MQTT"),
            (ConnectionError::Io(io::ErrorKind::ConnectionRefused.into()), "connection refused"),
            (ConnectionError::ConnectionRefused(ConnectReturnCode::NotAuthorized), NOT_ALLOWED),
        ] {
            let told = explain(error, "b:1883".to_owned()).to_string();
            assert!(told.contains(says) && !told.contains("Mqtt state"), "{told}");
        }
    }
}
