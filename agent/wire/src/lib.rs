//! The messages that leave the agent, and their schema. Pure: no I/O, no clock.
//!
//! The outbox keeps what happened as plain records; here stands how it is said to others. Whoever speaks for the agent
//! (adapters to upstreams, the console) and whoever listens to it (a hub, tests) shares these types, so that an incident
//! looks the same wherever it is read. The [`story`] of a run is what is told while it happens, a line for each thing.
//!
//! A field may be added, if it is absent where it says nothing. A field is never renamed, retyped or removed: consumers
//! run for years beside agents of another version.

mod event;
mod incident;
mod line;
mod rehearsal;
#[cfg(any(test, feature = "samples"))]
pub mod samples;
pub mod schema;
mod status;
pub mod story;

pub use event::{CONTENT_TYPE, Event, EventSource, IncidentData, WireEvidence, WireSeal};
pub use incident::{WireCase, WireCaseStep, WireCrop, WireFinding, WireIncident, WireTransition};
pub use line::{IncidentLine, LineCrop, LineFinding, LineSubject, Step};
pub use rehearsal::{RaisedLine, RehearsalLine};
pub use status::{Presence, Status};
