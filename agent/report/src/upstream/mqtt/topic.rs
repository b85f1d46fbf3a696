//! Topics.

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

    /// How the agent's parts fare, retained.
    pub fn health(&self) -> String {
        format!("{}/health", self.base)
    }

    /// Seals of the evidence of one violation at one camera.
    pub fn evidence(&self, camera: &str, violation: &str) -> String {
        format!("{}/evidence/{camera}/{violation}", self.base)
    }

    /// Steps of the cases of one violation at one camera.
    pub fn cases(&self, camera: &str, violation: &str) -> String {
        format!("{}/cases/{camera}/{violation}", self.base)
    }

    /// Events of one violation at one camera.
    ///
    /// The state is not part of it: MQTT promises an order only within one topic, and the events of an incident
    /// must stay in order.
    pub fn incidents(&self, camera: &str, violation: &str) -> String {
        format!("{}/incidents/{camera}/{violation}", self.base)
    }
}
