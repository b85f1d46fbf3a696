//! What the pages show comes through these. They are called on threads that may wait for a disk or a lock, never on the
//! thread that serves connections.

use std::sync::Arc;

use crate::health::HealthReport;
use crate::listener::Listener;
use forewarn_wire::WireIncident;

/// What is counted.
pub trait Metrics: Send + Sync + 'static {
    /// All metrics in Prometheus' text form.
    fn text(&self) -> String;
    /// A listener has closed a connection at once, because it had too many. This one must not wait.
    fn turned_away(&self, listener: Listener);
}

/// Whether the agent does its work.
pub trait Health: Send + Sync + 'static {
    /// The state of the agent's parts.
    fn report(&self) -> HealthReport;
}

/// The incidents of the site.
pub trait Incidents: Send + Sync + 'static {
    /// Those that are not closed, oldest first.
    fn open(&self) -> Vec<WireIncident>;
}

/// All ports. Clones share what is behind them.
#[derive(Clone)]
pub struct Ports {
    /// What is counted.
    pub metrics: Arc<dyn Metrics>,
    /// Whether the agent does its work.
    pub health: Arc<dyn Health>,
    /// The incidents.
    pub incidents: Arc<dyn Incidents>,
}
