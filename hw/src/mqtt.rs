//! What every client of a message broker here does alike: how it connects, and the words for what can go wrong.

use std::time::Duration;

use forewarn_base::broker::{BAD_LOGIN, Broker, CUT, NO_PING, NOT_ALLOWED};
use rumqttc::{
    ConnectReturnCode, ConnectionError, MqttOptions, NetworkOptions, StateError, TlsConfiguration, Transport, mqttbytes,
};

/// The largest packet that is taken.
pub(crate) const MAX_PACKET_BYTES: usize = 256 << 10;
/// Until TCP, TLS and CONNACK are through.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// What is wrong with a peer that does not answer in MQTT.
const NO_MQTT: &str =
    "what answers there speaks no MQTT; check host and port of `url`, and whether it wants TLS (`mqtts://`)";

/// A client with a clean session.
pub(crate) fn options(broker: &Broker, client_id: &str) -> MqttOptions {
    let mut options = MqttOptions::new(client_id, &broker.url.host, broker.url.port);
    options.set_clean_session(true).set_keep_alive(broker.keep_alive);
    options.set_max_packet_size(MAX_PACKET_BYTES, MAX_PACKET_BYTES);
    if let Some(login) = &broker.credentials {
        options.set_credentials(&login.user, login.password.expose());
    }
    if let Some(tls) = &broker.tls {
        options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls.config())));
    }
    options
}

/// How its connection is made.
pub(crate) fn network() -> NetworkOptions {
    let mut network = NetworkOptions::new();
    network.set_connection_timeout(CONNECT_TIMEOUT.as_secs()).set_tcp_nodelay(true);
    network
}

/// Why there is no connection to a broker, or none any more.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It does not answer in time.
    NoAnswer,
    /// It is not reached, or the connection broke.
    Away(String),
    /// It refused.
    Refused(String),
}

impl From<ConnectionError> for Trouble {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::ConnectionRefused(ConnectReturnCode::BadUserNamePassword) => {
                Self::Refused(BAD_LOGIN.to_owned())
            }
            ConnectionError::ConnectionRefused(ConnectReturnCode::NotAuthorized) => {
                Self::Refused(NOT_ALLOWED.to_owned())
            }
            ConnectionError::ConnectionRefused(code) => Self::Refused(format!("the connection: {code:?}")),
            ConnectionError::NetworkTimeout | ConnectionError::FlushTimeout => Self::NoAnswer,
            ConnectionError::Io(error) => Self::Away(error.to_string()),
            ConnectionError::Tls(error) => Self::Away(format!("TLS failed: {}", forewarn_base::tls::explain(&error))),
            ConnectionError::MqttState(state) => Self::Away(broken(state)),
            ConnectionError::NotConnAck(_) => Self::Away(NO_MQTT.to_owned()),
            other @ ConnectionError::RequestsDone => Self::Away(other.to_string()),
        }
    }
}

/// Why a connection ended that was made.
fn broken(state: StateError) -> String {
    use std::io::ErrorKind;
    match state {
        StateError::ConnectionAborted => CUT.to_owned(),
        StateError::AwaitPingResp => NO_PING.to_owned(),
        StateError::Deserialization(mqttbytes::Error::PayloadSizeLimitExceeded(bytes)) => {
            format!("a message of {bytes} bytes came, and at most {MAX_PACKET_BYTES} are taken; is `topic` right?")
        }
        // What ends in the middle of a packet was none.
        StateError::Io(error) | StateError::Deserialization(mqttbytes::Error::Io(error))
            if error.kind() != ErrorKind::Other =>
        {
            error.to_string()
        }
        StateError::Io(_) | StateError::Deserialization(_) => NO_MQTT.to_owned(),
        other => other.to_string(),
    }
}
