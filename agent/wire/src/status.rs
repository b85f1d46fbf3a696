//! Whether the agent is there.

use serde::{Deserialize, Serialize};

use crate::EventSource;

/// Whether the agent is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Connected.
    Online,
    /// Stopped, or its connection was lost.
    Offline,
}

/// What an agent says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// Whether the agent is there.
    pub status: Presence,
    /// Why it is not: `stopped` or `connection_lost`; null while it is there.
    pub reason: Option<String>,
    /// The site.
    pub site: String,
    /// The agent's version.
    pub agent_version: String,
}

impl Status {
    /// A status as JSON.
    pub fn json(status: Presence, reason: Option<&str>, source: &EventSource) -> String {
        let body = Self {
            status,
            reason: reason.map(str::to_owned),
            site: source.site.clone(),
            agent_version: source.agent_version.clone(),
        };
        // A structure of texts always has a JSON form.
        serde_json::to_string(&body).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::source;

    #[test]
    fn statuses_are_sent_byte_for_byte_as_documented() {
        let online = r#"{"status":"online","reason":null,"site":"north-gate","agent_version":"0.1.0"}"#;
        assert_eq!(Status::json(Presence::Online, None, &source()), online);
        assert!(include_str!("../../../docs/mqtt.md").contains(online));
        let offline = r#"{"status":"offline","reason":"stopped","site":"north-gate","agent_version":"0.1.0"}"#;
        assert_eq!(Status::json(Presence::Offline, Some("stopped"), &source()), offline);
    }
}
