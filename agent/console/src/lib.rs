//! The agent's HTTP side: metrics for Prometheus, health for supervisors, open incidents for people.
//!
//! Two [listeners](Listener), each a thread of its own and each optional: the one of metrics, and the console. Both
//! listen on loopback only, because nothing here asks who is there. They decide nothing and hold nothing: what they show
//! comes through the [ports](Ports) that the application gives.
//!
//! | path | port | listener |
//! |---|---|---|
//! | `/metrics` | [`Metrics`] | metrics |
//! | `/healthz` | [`Health`] | both |
//! | `/api/v1/incidents` | [`Incidents`] | both |

mod api;
mod health;
mod listener;
mod ports;
mod server;

pub use health::{HealthBook, HealthReport, PartNow, PartState, Turn};
pub use listener::Listener;
pub use ports::{Health, Incidents, Metrics, Ports};
pub use server::{ConsoleError, Server};
