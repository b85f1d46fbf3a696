//! Topics and the status message.

use serde::{Deserialize, Serialize};

use crate::event::EventSource;

/// Topics of one site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    base: String,
}

impl Topics {
    /// The topics of a site below a prefix.
    pub fn new(prefix: &str, site: &str) -> Self {
        Self { base: format!("{prefix}/{site}") }
    }

    /// The retained status, also the last will.
    pub fn status(&self) -> String {
        format!("{}/status", self.base)
    }

    /// Events of one violation at one camera.
    ///
    /// The state is not part of it: MQTT promises an order only within one topic, and the events of an incident
    /// must stay in order.
    pub fn incidents(&self, camera: &str, violation: &str) -> String {
        format!("{}/incidents/{camera}/{violation}", self.base)
    }
}

/// Whether the agent is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Connected.
    Online,
    /// Stopped, or its connection was lost.
    Offline,
}

/// The body of the status topic.
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
