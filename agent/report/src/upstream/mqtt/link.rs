//! The client library behind one face for both versions of the protocol.
//!
//! Each connection has a client of its own, with a clean session: the library's memory of what is in flight dies with
//! the connection, and the outbox alone decides what is sent next.

use std::time::Duration;

use forewarn_base::broker::Broker;
use rumqttc::{TlsConfiguration, Transport, v5};

use super::config::{MqttVersion, ResolvedMqtt};
use super::reasons::{explain_v5, explain_v311};
use crate::upstream::{Broken, Inward, Outward};

/// The largest packet sent; brokers state their own limit in MQTT 5.
const MAX_PACKET_BYTES: usize = 16 << 20;
/// What is longer than any wish is cut.
const MOST_WISH_BYTES: usize = 4096;
/// Until TCP, TLS and CONNACK are through.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A publication with QoS 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The topic.
    pub topic: String,
    /// The body.
    pub payload: Vec<u8>,
    /// Whether the broker keeps it for later subscribers.
    pub is_retained: bool,
    /// What the body is.
    pub content_type: &'static str,
    /// User properties, which MQTT 5 carries beside the body.
    pub properties: Vec<(&'static str, String)>,
}

impl Publication {
    /// JSON that passes by.
    pub fn passing(topic: String, payload: impl Into<Vec<u8>>) -> Self {
        Self {
            topic,
            payload: payload.into(),
            is_retained: false,
            content_type: "application/json",
            properties: Vec::new(),
        }
    }

    /// JSON that the broker keeps.
    pub fn retained(topic: String, payload: impl Into<Vec<u8>>) -> Self {
        Self { is_retained: true, ..Self::passing(topic, payload) }
    }

    /// A text that the broker keeps.
    pub fn text(topic: String, payload: impl Into<Vec<u8>>) -> Self {
        Self { content_type: "text/plain", ..Self::retained(topic, payload) }
    }

    /// A picture that the broker keeps.
    pub fn picture(topic: String, payload: Vec<u8>) -> Self {
        Self { content_type: "image/jpeg", ..Self::retained(topic, payload) }
    }
}

/// What is sent to the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A publication.
    Publish(Publication),
    /// The broker is to pass on what comes on these topics.
    Listen(Vec<String>),
    /// The farewell, after which the broker does not publish the will.
    Disconnect,
}

/// What happened on the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The broker accepted the connection.
    Connected,
    /// The oldest publication handed over was written under this packet identifier.
    Wrote(u16),
    /// The broker acknowledged this packet identifier.
    Acked(u16),
    /// The broker refused what was sent under this packet identifier.
    Refused(u16, String),
    /// A message came on a topic that is listened to.
    Heard {
        /// The topic.
        topic: String,
        /// The body, as far as anybody may ask for.
        payload: Vec<u8>,
        /// Whether the broker had kept it.
        is_kept: bool,
    },
    /// The broker does not pass on what is to be listened to.
    Deaf,
    /// The farewell was written.
    Disconnected,
    /// Nothing of interest.
    Other,
}

/// Hands publications to the library.
pub enum MqttSender {
    /// By MQTT 3.1.1.
    V311(rumqttc::AsyncClient),
    /// By MQTT 5.
    V5(v5::AsyncClient),
}

/// Drives one connection.
pub enum MqttReceiver {
    /// By MQTT 3.1.1.
    V311(Box<rumqttc::EventLoop>),
    /// By MQTT 5.
    V5(Box<v5::EventLoop>),
}

/// Prepares a connection; it is made when the loop is polled first.
///
/// A report may take `per_report` messages, and the greeting `greeting`.
pub(super) fn open(
    config: &ResolvedMqtt,
    will: Publication,
    per_report: u16,
    greeting: usize,
) -> (MqttSender, MqttReceiver) {
    let broker = &config.broker;
    // The window counts the reports; the library gets more for status, greeting, health and answers, so that it never holds
    // any back.
    let in_flight = config.max_in_flight.saturating_mul(per_report).saturating_add(greeting as u16).saturating_add(4);
    // Room for a full window, status, health, answers, what is listened to and the farewell.
    let capacity = usize::from(in_flight) + 3;
    match config.version {
        MqttVersion::V311 => {
            let mut options = rumqttc::MqttOptions::new(&broker.client_id, &broker.url.host, broker.url.port);
            options.set_clean_session(true).set_keep_alive(broker.keep_alive).set_inflight(in_flight);
            options.set_max_packet_size(MAX_PACKET_BYTES, MAX_PACKET_BYTES);
            options.set_last_will(rumqttc::LastWill::new(will.topic, will.payload, rumqttc::QoS::AtLeastOnce, true));
            if let Some(login) = &broker.credentials {
                options.set_credentials(&login.user, login.password.expose());
            }
            if let Some(transport) = transport(broker) {
                options.set_transport(transport);
            }
            let (client, mut events) = rumqttc::AsyncClient::new(options, capacity);
            let mut network = rumqttc::NetworkOptions::new();
            network.set_connection_timeout(CONNECT_TIMEOUT.as_secs()).set_tcp_nodelay(true);
            events.set_network_options(network);
            (MqttSender::V311(client), MqttReceiver::V311(Box::new(events)))
        }
        MqttVersion::V5 => {
            let mut options = v5::MqttOptions::new(&broker.client_id, &broker.url.host, broker.url.port);
            options.set_clean_start(true).set_keep_alive(broker.keep_alive);
            options.set_outgoing_inflight_upper_limit(in_flight);
            options.set_connection_timeout(CONNECT_TIMEOUT.as_secs());
            let mut network = rumqttc::NetworkOptions::new();
            network.set_tcp_nodelay(true);
            options.set_network_options(network);
            let properties = v5::mqttbytes::v5::LastWillProperties {
                delay_interval: None,
                payload_format_indicator: Some(1),
                message_expiry_interval: None,
                content_type: Some(will.content_type.to_owned()),
                response_topic: None,
                correlation_data: None,
                user_properties: Vec::new(),
            };
            let qos = v5::mqttbytes::QoS::AtLeastOnce;
            options.set_last_will(v5::mqttbytes::v5::LastWill::new(
                will.topic,
                will.payload,
                qos,
                true,
                Some(properties),
            ));
            if let Some(login) = &broker.credentials {
                options.set_credentials(&login.user, login.password.expose());
            }
            if let Some(transport) = transport(broker) {
                options.set_transport(transport);
            }
            let (client, events) = v5::AsyncClient::new(options, capacity);
            (MqttSender::V5(client), MqttReceiver::V5(Box::new(events)))
        }
    }
}

fn transport(broker: &Broker) -> Option<Transport> {
    let tls = broker.tls.as_ref()?;
    Some(Transport::tls_with_config(TlsConfiguration::Rustls(tls.config())))
}

impl Outward<Message> for MqttSender {
    fn send(&mut self, message: Message) -> Result<(), Broken> {
        let sent = match (self, message) {
            (Self::V311(client), Message::Publish(Publication { topic, payload, is_retained, .. })) => client
                .try_publish(topic, rumqttc::QoS::AtLeastOnce, is_retained, payload)
                .map_err(|error| error.to_string()),
            (
                Self::V5(client),
                Message::Publish(Publication { topic, payload, is_retained, content_type, properties }),
            ) => {
                let named = |(name, value): (&str, String)| (name.to_owned(), value);
                let properties = v5::mqttbytes::v5::PublishProperties {
                    payload_format_indicator: (!content_type.starts_with("image/")).then_some(1),
                    content_type: Some(content_type.to_owned()),
                    user_properties: properties.into_iter().map(named).collect(),
                    ..Default::default()
                };
                client
                    .try_publish_with_properties(
                        topic,
                        v5::mqttbytes::QoS::AtLeastOnce,
                        is_retained,
                        payload,
                        properties,
                    )
                    .map_err(|error| error.to_string())
            }
            // At most once: a wish that comes twice would be done twice.
            (Self::V311(client), Message::Listen(topics)) => {
                let filters =
                    topics.into_iter().map(|topic| rumqttc::SubscribeFilter::new(topic, rumqttc::QoS::AtMostOnce));
                client.try_subscribe_many(filters).map_err(|error| error.to_string())
            }
            (Self::V5(client), Message::Listen(topics)) => {
                let filter = |topic| v5::mqttbytes::v5::Filter {
                    preserve_retain: true,
                    ..v5::mqttbytes::v5::Filter::new(topic, v5::mqttbytes::QoS::AtMostOnce)
                };
                client.try_subscribe_many(topics.into_iter().map(filter)).map_err(|error| error.to_string())
            }
            (Self::V311(client), Message::Disconnect) => client.try_disconnect().map_err(|error| error.to_string()),
            (Self::V5(client), Message::Disconnect) => client.try_disconnect().map_err(|error| error.to_string()),
        };
        sent.map_err(Broken)
    }
}

impl Inward<Answer> for MqttReceiver {
    /// The future must be polled to its end: what it was about to write when it is dropped may be lost to the
    /// library's own account.
    async fn next(&mut self) -> Result<Answer, Broken> {
        let answer = match self {
            Self::V311(events) => events.poll().await.map(|event| answer_v311(&event)).map_err(|e| explain_v311(&e)),
            Self::V5(events) => events.poll().await.map(|event| answer_v5(&event)).map_err(|e| explain_v5(&e)),
        };
        answer.map_err(Broken)
    }

    fn leftovers(&mut self) -> Vec<Answer> {
        match self {
            Self::V311(events) => events.state.events.drain(..).map(|event| answer_v311(&event)).collect(),
            Self::V5(events) => events.state.events.drain(..).map(|event| answer_v5(&event)).collect(),
        }
    }
}

fn answer_v311(event: &rumqttc::Event) -> Answer {
    use rumqttc::{Event, Outgoing, Packet};
    match event {
        Event::Incoming(Packet::ConnAck(_)) => Answer::Connected,
        Event::Incoming(Packet::PubAck(ack)) => Answer::Acked(ack.pkid),
        Event::Incoming(Packet::Publish(one)) => heard(one.topic.clone(), &one.payload, one.retain),
        Event::Incoming(Packet::SubAck(ack)) if ack.return_codes.contains(&rumqttc::SubscribeReasonCode::Failure) => {
            Answer::Deaf
        }
        Event::Outgoing(Outgoing::Publish(packet)) => Answer::Wrote(*packet),
        Event::Outgoing(Outgoing::Disconnect) => Answer::Disconnected,
        _ => Answer::Other,
    }
}

fn heard(topic: String, payload: &[u8], is_kept: bool) -> Answer {
    Answer::Heard { topic, payload: payload.iter().copied().take(MOST_WISH_BYTES).collect(), is_kept }
}

fn answer_v5(event: &v5::Event) -> Answer {
    use rumqttc::Outgoing;
    use v5::Event;
    use v5::mqttbytes::v5::{Packet, PubAckReason, SubscribeReasonCode};
    match event {
        Event::Incoming(Packet::ConnAck(_)) => Answer::Connected,
        // That nobody subscribes is no fault of the message.
        Event::Incoming(Packet::PubAck(ack)) => match ack.reason {
            PubAckReason::Success | PubAckReason::NoMatchingSubscribers => Answer::Acked(ack.pkid),
            reason => Answer::Refused(ack.pkid, format!("{reason:?}")),
        },
        Event::Incoming(Packet::Publish(one)) => {
            heard(String::from_utf8_lossy(&one.topic).into_owned(), &one.payload, one.retain)
        }
        Event::Incoming(Packet::SubAck(ack))
            if !ack.return_codes.iter().all(|code| matches!(code, SubscribeReasonCode::Success(_))) =>
        {
            Answer::Deaf
        }
        Event::Outgoing(Outgoing::Publish(packet)) => Answer::Wrote(*packet),
        Event::Outgoing(Outgoing::Disconnect) => Answer::Disconnected,
        _ => Answer::Other,
    }
}
