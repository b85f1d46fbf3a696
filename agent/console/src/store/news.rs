//! What is new, told to every page that listens.

use std::sync::Arc;

use tokio::sync::broadcast;

use super::Found;
use crate::health::HealthReport;

/// So much may wait for a page that does not keep up. It is then told to read everything anew.
const WAITING: usize = 256;

/// Something new.
#[derive(Debug, Clone)]
pub(crate) struct News {
    /// What it is about.
    pub topic: &'static str,
    /// As JSON.
    pub data: Arc<str>,
    /// The camera that it is of; none where it is of the whole site.
    pub camera: Option<String>,
}

/// Where news are told. Clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct Newsroom(broadcast::Sender<News>);

impl Default for Newsroom {
    fn default() -> Self {
        Self(broadcast::channel(WAITING).0)
    }
}

impl Newsroom {
    /// Tells of an incident.
    pub(crate) fn tell_incident(&self, found: &Found) {
        self.tell("incident", found, Some(found.camera.clone()));
    }

    /// Tells how the agent fares.
    pub(crate) fn tell_health(&self, report: &HealthReport) {
        self.tell("health", report, None);
    }

    fn tell(&self, topic: &'static str, data: &impl serde::Serialize, camera: Option<String>) {
        match serde_json::to_string(data) {
            // Nobody need listen.
            Ok(data) => drop(self.0.send(News { topic, data: data.into(), camera })),
            Err(error) => tracing::error!(%error, topic, "news could not be told"),
        }
    }

    /// What is told from now on.
    pub(crate) fn listen(&self) -> broadcast::Receiver<News> {
        self.0.subscribe()
    }
}
