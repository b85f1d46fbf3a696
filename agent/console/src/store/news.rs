//! What is new, told to every page that listens.

use std::sync::Arc;

use tokio::sync::broadcast;

/// So much may wait for a page that does not keep up. It is then told to read everything anew.
const WAITING: usize = 256;

/// Something new.
#[derive(Debug, Clone)]
pub(crate) struct News {
    /// What it is about.
    pub topic: &'static str,
    /// As JSON.
    pub data: Arc<str>,
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
    /// Tells it to all who listen.
    pub(crate) fn tell(&self, topic: &'static str, data: &impl serde::Serialize) {
        match serde_json::to_string(data) {
            // Nobody need listen.
            Ok(data) => drop(self.0.send(News { topic, data: data.into() })),
            Err(error) => tracing::error!(%error, topic, "news could not be told"),
        }
    }

    /// What is told from now on.
    pub(crate) fn listen(&self) -> broadcast::Receiver<News> {
        self.0.subscribe()
    }
}
