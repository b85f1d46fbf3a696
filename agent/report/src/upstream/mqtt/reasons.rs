//! Why a broker cannot be used, in words that say what to do: the library's own are for its makers.

use forewarn_base::broker::{BAD_LOGIN, CUT, NO_PING, NOT_ALLOWED};
use rumqttc::v5;

const NO_ANSWER: &str = "the broker does not answer";
const BAD_CLIENT_ID: &str = "the broker refused the client id; set another `client_id`";
const NOT_NOW: &str = "the broker says that it serves nobody at the moment";
const WRONG_ACK: &str = "the broker acknowledged what was never sent";

/// Why a connection by MQTT 3.1.1 failed.
pub(super) fn explain_v311(error: &rumqttc::ConnectionError) -> String {
    use rumqttc::mqttbytes::Error as Bytes;
    use rumqttc::{ConnectReturnCode, ConnectionError, StateError};
    match error {
        ConnectionError::ConnectionRefused(code) => match code {
            ConnectReturnCode::BadUserNamePassword => format!("the broker refused {BAD_LOGIN}"),
            ConnectReturnCode::NotAuthorized => format!("the broker refused {NOT_ALLOWED}"),
            ConnectReturnCode::RefusedProtocolVersion => other_version("5"),
            ConnectReturnCode::BadClientId => BAD_CLIENT_ID.to_owned(),
            ConnectReturnCode::ServiceUnavailable => NOT_NOW.to_owned(),
            ConnectReturnCode::Success => refused(&format!("{code:?}")),
        },
        ConnectionError::MqttState(state) => match state {
            StateError::ConnectionAborted => CUT.to_owned(),
            StateError::AwaitPingResp => NO_PING.to_owned(),
            StateError::Unsolicited(_) => WRONG_ACK.to_owned(),
            StateError::Io(error) | StateError::Deserialization(Bytes::Io(error)) => broken(error),
            StateError::Deserialization(error) => no_mqtt(&error.to_string()),
            other => format!("the connection to the broker failed: {other}"),
        },
        ConnectionError::NetworkTimeout | ConnectionError::FlushTimeout => NO_ANSWER.to_owned(),
        ConnectionError::Tls(error) => explain_tls(error),
        ConnectionError::Io(error) => no_connection(error),
        ConnectionError::NotConnAck(packet) => no_mqtt(&format!("it began with {packet:?}")),
        other @ ConnectionError::RequestsDone => format!("the connection to the broker failed: {other}"),
    }
}

/// Why a connection by MQTT 5 failed.
pub(super) fn explain_v5(error: &v5::ConnectionError) -> String {
    use v5::mqttbytes::Error as Bytes;
    use v5::mqttbytes::v5::ConnectReturnCode;
    use v5::{ConnectionError, StateError};
    match error {
        ConnectionError::ConnectionRefused(code) => match code {
            ConnectReturnCode::BadUserNamePassword => format!("the broker refused {BAD_LOGIN}"),
            ConnectReturnCode::NotAuthorized => format!("the broker refused {NOT_ALLOWED}"),
            ConnectReturnCode::UnsupportedProtocolVersion | ConnectReturnCode::RefusedProtocolVersion => {
                other_version("3.1.1")
            }
            ConnectReturnCode::ClientIdentifierNotValid | ConnectReturnCode::BadClientId => BAD_CLIENT_ID.to_owned(),
            ConnectReturnCode::ServerUnavailable
            | ConnectReturnCode::ServiceUnavailable
            | ConnectReturnCode::ServerBusy => NOT_NOW.to_owned(),
            ConnectReturnCode::UseAnotherServer | ConnectReturnCode::ServerMoved => {
                "the broker sends its clients to another one; write that into `url`".to_owned()
            }
            other => refused(&format!("{other:?}")),
        },
        ConnectionError::MqttState(state) => match state {
            StateError::ConnectionAborted => CUT.to_owned(),
            StateError::AwaitPingResp => NO_PING.to_owned(),
            StateError::Unsolicited(_) => WRONG_ACK.to_owned(),
            StateError::Io(error) | StateError::Deserialization(Bytes::Io(error)) => broken(error),
            StateError::OutgoingPacketTooLarge { pkt_size, max }
            | StateError::Deserialization(Bytes::OutgoingPacketTooLarge { pkt_size, max }) => {
                too_large(*pkt_size, *max)
            }
            StateError::Deserialization(error) => no_mqtt(&error.to_string()),
            StateError::ServerDisconnect { reason_code, reason_string } => {
                let more = reason_string.as_ref().map_or_else(String::new, |text| format!(", {text}"));
                format!("the broker closed the connection: {}{more}", in_words(&format!("{reason_code:?}")))
            }
            other => format!("the connection to the broker failed: {other}"),
        },
        ConnectionError::Timeout(_) => NO_ANSWER.to_owned(),
        ConnectionError::Tls(error) => explain_tls(error),
        ConnectionError::Io(error) => no_connection(error),
        ConnectionError::NotConnAck(packet) => no_mqtt(&format!("it began with {packet:?}")),
        other @ ConnectionError::RequestsDone => format!("the connection to the broker failed: {other}"),
    }
}

fn explain_tls(error: &rumqttc::TlsError) -> String {
    format!("TLS with the broker failed: {}", forewarn_base::tls::explain(error))
}

fn no_connection(error: &std::io::Error) -> String {
    format!("no connection to the broker: {error}")
}

/// A connection that stood broke. What ends in the middle of a packet was none.
fn broken(error: &std::io::Error) -> String {
    if error.kind() == std::io::ErrorKind::Other {
        return no_mqtt("it ended in the middle of a packet");
    }
    format!("the connection to the broker broke: {error}")
}

fn no_mqtt(what: &str) -> String {
    format!("what answers there speaks no MQTT: {what}; check host and port of `url`, and whether it wants TLS")
}

fn other_version(version: &str) -> String {
    format!("the broker does not speak this version of MQTT; set `version = \"{version}\"`")
}

fn refused(code: &str) -> String {
    format!("the broker refused the connection: {}; its log says why", in_words(code))
}

fn too_large(bytes: u32, most: u32) -> String {
    format!(
        "a report has {bytes} bytes and the broker takes {most}; allow it 256 KiB at least (mosquitto: `max_packet_size`)"
    )
}

/// `QuotaExceeded` as "quota exceeded".
fn in_words(code: &str) -> String {
    let mut words = String::new();
    for c in code.chars() {
        if c.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_says_what_to_do_and_none_is_a_name_of_the_library() {
        use rumqttc::ConnectReturnCode as V311;
        use v5::mqttbytes::v5::ConnectReturnCode as V5;
        for (code, says) in [
            (V5::UnsupportedProtocolVersion, "set `version = \"3.1.1\"`"),
            (V5::ClientIdentifierNotValid, "set another `client_id`"),
            (V5::ServerUnavailable, "serves nobody at the moment"),
            (V5::QuotaExceeded, "refused the connection: quota exceeded; its log says why"),
            (V5::Banned, "banned"),
            (V5::ServerMoved, "write that into `url`"),
        ] {
            let told = explain_v5(&v5::ConnectionError::ConnectionRefused(code));
            assert!(told.contains(says) && !told.contains(&format!("{code:?}")), "{told}");
        }
        for (code, says) in [
            (V311::RefusedProtocolVersion, "set `version = \"5\"`"),
            (V311::BadClientId, "set another `client_id`"),
            (V311::ServiceUnavailable, "serves nobody at the moment"),
        ] {
            let told = explain_v311(&rumqttc::ConnectionError::ConnectionRefused(code));
            assert!(told.contains(says), "{told}");
        }
    }

    #[test]
    fn a_broken_connection_is_told_in_plain_words() {
        let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        let partial = std::io::Error::other("bytes remaining on stream");
        let state = |state| explain_v5(&v5::ConnectionError::MqttState(state));
        assert!(broken(&reset).starts_with("the connection to the broker broke: "), "{}", broken(&reset));
        assert!(broken(&partial).contains("speaks no MQTT"), "{}", broken(&partial));
        assert_eq!(state(v5::StateError::AwaitPingResp), NO_PING);
        assert_eq!(state(v5::StateError::Unsolicited(7)), WRONG_ACK);
        let large = state(v5::StateError::OutgoingPacketTooLarge { pkt_size: 960, max: 512 });
        assert!(large.contains("960 bytes") && large.contains("max_packet_size"), "{large}");
    }
}
