//! The client library behind one face for both versions of the protocol.
//!
//! Each connection has a client of its own, with a clean session: the library's memory of what is in flight dies with
//! the connection, and the outbox alone decides what is sent next.

use std::time::Duration;

use forewarn_base::broker::{BAD_LOGIN, Broker, NOT_ALLOWED};
use forewarn_wire::{CONTENT_TYPE, EventSource, Presence, Status};
use rumqttc::{TlsConfiguration, Transport, v5};

use super::config::{MqttVersion, ResolvedMqtt};
use super::topic::Topics;

/// The largest packet sent; brokers state their own limit in MQTT 5.
const MAX_PACKET_BYTES: usize = 16 << 20;
/// Until TCP, TLS and CONNACK are through.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// One message for the broker, QoS 1.
pub(crate) struct Publication<'a> {
    pub(crate) topic: String,
    pub(crate) payload: &'a str,
    pub(crate) is_retained: bool,
    pub(crate) is_event: bool,
}

/// What happened on the connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// The broker accepted the connection.
    Connected,
    /// The oldest publication handed over was written under this packet identifier.
    Wrote(u16),
    /// The broker acknowledged this packet identifier.
    Acked(u16),
    /// The broker refused what was sent under this packet identifier.
    Refused(u16, String),
    /// The farewell was written.
    Disconnected,
    /// Nothing of interest.
    Other,
}

/// Hands publications to the library.
pub(crate) enum WireSender {
    V311(rumqttc::AsyncClient),
    V5(v5::AsyncClient),
}

/// Drives one connection.
pub(crate) enum WireLoop {
    V311(Box<rumqttc::EventLoop>),
    V5(Box<v5::EventLoop>),
}

/// Prepares a connection; it is made when the loop is polled first.
pub(crate) fn open(config: &ResolvedMqtt, topics: &Topics, source: &EventSource) -> (WireSender, WireLoop) {
    let will = Status::json(Presence::Offline, Some("connection_lost"), source);
    // Room for a full window, the status and the farewell.
    let capacity = usize::from(config.max_in_flight) + 4;
    let broker = &config.broker;
    // The window counts the publications; the library gets one more for the status, so that it never holds any back.
    let in_flight = config.max_in_flight + 2;
    match config.version {
        MqttVersion::V311 => {
            let mut options = rumqttc::MqttOptions::new(&broker.client_id, &broker.url.host, broker.url.port);
            options.set_clean_session(true).set_keep_alive(broker.keep_alive).set_inflight(in_flight);
            options.set_max_packet_size(MAX_PACKET_BYTES, MAX_PACKET_BYTES);
            options.set_last_will(rumqttc::LastWill::new(topics.status(), will, rumqttc::QoS::AtLeastOnce, true));
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
            (WireSender::V311(client), WireLoop::V311(Box::new(events)))
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
                content_type: Some("application/json".to_owned()),
                response_topic: None,
                correlation_data: None,
                user_properties: Vec::new(),
            };
            let qos = v5::mqttbytes::QoS::AtLeastOnce;
            options.set_last_will(v5::mqttbytes::v5::LastWill::new(topics.status(), will, qos, true, Some(properties)));
            if let Some(login) = &broker.credentials {
                options.set_credentials(&login.user, login.password.expose());
            }
            if let Some(transport) = transport(broker) {
                options.set_transport(transport);
            }
            let (client, events) = v5::AsyncClient::new(options, capacity);
            (WireSender::V5(client), WireLoop::V5(Box::new(events)))
        }
    }
}

fn transport(broker: &Broker) -> Option<Transport> {
    let tls = broker.tls.as_ref()?;
    Some(Transport::tls_with_config(TlsConfiguration::Rustls(tls.config())))
}

impl WireSender {
    /// Hands a publication over; it is written when the loop is polled.
    pub(crate) fn publish(&self, publication: Publication<'_>) -> Result<(), String> {
        let Publication { topic, payload, is_retained, is_event } = publication;
        match self {
            Self::V311(client) => client
                .try_publish(topic, rumqttc::QoS::AtLeastOnce, is_retained, payload.as_bytes())
                .map_err(|error| error.to_string()),
            Self::V5(client) => {
                let content_type = if is_event { CONTENT_TYPE } else { "application/json" };
                let properties = v5::mqttbytes::v5::PublishProperties {
                    payload_format_indicator: Some(1),
                    content_type: Some(content_type.to_owned()),
                    ..Default::default()
                };
                let (qos, payload) = (v5::mqttbytes::QoS::AtLeastOnce, payload.as_bytes().to_vec());
                client
                    .try_publish_with_properties(topic, qos, is_retained, payload, properties)
                    .map_err(|error| error.to_string())
            }
        }
    }

    /// Asks for a farewell, after which the broker does not publish the will.
    pub(crate) fn disconnect(&self) -> Result<(), String> {
        match self {
            Self::V311(client) => client.try_disconnect().map_err(|error| error.to_string()),
            Self::V5(client) => client.try_disconnect().map_err(|error| error.to_string()),
        }
    }
}

impl WireLoop {
    /// Waits for the next thing to happen. After an error the connection is of no use any more.
    ///
    /// The future must be polled to its end: what it was about to write when it is dropped may be lost to the
    /// library's own account.
    pub(crate) async fn poll(&mut self) -> Result<Note, String> {
        match self {
            Self::V311(events) => events.poll().await.map(|event| note_v311(&event)).map_err(|e| explain_v311(&e)),
            Self::V5(events) => events.poll().await.map(|event| note_v5(&event)).map_err(|e| explain_v5(&e)),
        }
    }

    /// What was read before the connection broke and not yet told.
    pub(crate) fn leftovers(&mut self) -> Vec<Note> {
        match self {
            Self::V311(events) => events.state.events.drain(..).map(|event| note_v311(&event)).collect(),
            Self::V5(events) => events.state.events.drain(..).map(|event| note_v5(&event)).collect(),
        }
    }
}

fn note_v311(event: &rumqttc::Event) -> Note {
    use rumqttc::{Event, Outgoing, Packet};
    match event {
        Event::Incoming(Packet::ConnAck(_)) => Note::Connected,
        Event::Incoming(Packet::PubAck(ack)) => Note::Acked(ack.pkid),
        Event::Outgoing(Outgoing::Publish(packet)) => Note::Wrote(*packet),
        Event::Outgoing(Outgoing::Disconnect) => Note::Disconnected,
        _ => Note::Other,
    }
}

fn note_v5(event: &v5::Event) -> Note {
    use rumqttc::Outgoing;
    use v5::Event;
    use v5::mqttbytes::v5::{Packet, PubAckReason};
    match event {
        Event::Incoming(Packet::ConnAck(_)) => Note::Connected,
        // That nobody subscribes is no fault of the message.
        Event::Incoming(Packet::PubAck(ack)) => match ack.reason {
            PubAckReason::Success | PubAckReason::NoMatchingSubscribers => Note::Acked(ack.pkid),
            reason => Note::Refused(ack.pkid, format!("{reason:?}")),
        },
        Event::Outgoing(Outgoing::Publish(packet)) => Note::Wrote(*packet),
        Event::Outgoing(Outgoing::Disconnect) => Note::Disconnected,
        _ => Note::Other,
    }
}

fn explain_v311(error: &rumqttc::ConnectionError) -> String {
    use rumqttc::{ConnectReturnCode, ConnectionError};
    match error {
        ConnectionError::ConnectionRefused(ConnectReturnCode::BadUserNamePassword) => {
            format!("the broker refused {BAD_LOGIN}")
        }
        ConnectionError::ConnectionRefused(ConnectReturnCode::NotAuthorized) => {
            format!("the broker refused {NOT_ALLOWED}")
        }
        ConnectionError::ConnectionRefused(code) => format!("the broker refused the connection: {code:?}"),
        ConnectionError::NetworkTimeout | ConnectionError::FlushTimeout => "the broker does not answer".to_owned(),
        ConnectionError::Tls(error) => explain_tls(error),
        ConnectionError::Io(error) => format!("no connection to the broker: {error}"),
        other => other.to_string(),
    }
}

fn explain_v5(error: &v5::ConnectionError) -> String {
    use v5::ConnectionError;
    use v5::mqttbytes::v5::ConnectReturnCode;
    match error {
        ConnectionError::ConnectionRefused(ConnectReturnCode::BadUserNamePassword) => {
            format!("the broker refused {BAD_LOGIN}")
        }
        ConnectionError::ConnectionRefused(ConnectReturnCode::NotAuthorized) => {
            format!("the broker refused {NOT_ALLOWED}")
        }
        ConnectionError::ConnectionRefused(code) => format!("the broker refused the connection: {code:?}"),
        ConnectionError::Timeout(_) => "the broker does not answer".to_owned(),
        ConnectionError::Tls(error) => explain_tls(error),
        ConnectionError::Io(error) => format!("no connection to the broker: {error}"),
        other => other.to_string(),
    }
}

fn explain_tls(error: &rumqttc::TlsError) -> String {
    format!("TLS with the broker failed: {}", forewarn_base::tls::explain(error))
}
