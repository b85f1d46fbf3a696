//! The warn-first state machine: warn, look again, and escalate only what went on in spite of the warning.
//!
//! Pure and sans-IO. Time is an argument, outputs are values, and the same inputs give the same outputs byte for
//! byte. The whole surface of the machine is [`Incidents::handle_input`], [`Incidents::handle_timeout`],
//! [`Incidents::poll_output`] and [`Incidents::poll_timeout`]: after each mutation the caller drains the outputs
//! and asks when to call again.
//!
//! # Invariants
//!
//! - Every change of state is an edge of [`TABLE`]; the diagram in `docs/incidents.md` is made from it.
//! - Nothing is announced during quiet hours, where somebody wants silence, nor in a zone in which an announcement as urgent is pending or cooling down.
//! - The observation begins at proven playback, or its cause says why there was none.
//! - An incident that was confirmed is reported at every step without a gap and ends, even if no input ever comes
//!   again, as long as the caller heeds [`Incidents::poll_timeout`].
//! - What people do from the escalation on is the [case](CASE_TABLE), which may outlive its incident.

mod case;
mod incidents;
mod interface;
mod machine;
mod policy;
mod snapshot;
mod span;
mod state;
mod table;
mod voice;
mod watch;

pub use case::{CASE_TABLE, CaseEdge, CasePolicy, CaseRefusal, MOST_ON_DUTY, Shift, case_mermaid};
pub use incidents::{Ignored, Incidents, SilenceRefusal};
pub use interface::{Dismissed, IncidentInput, JournalEntry, Output, Silence, TimeoutReason};
pub use policy::RulePolicy;
pub use snapshot::IncidentSnapshot;
pub use table::{Edge, TABLE, mermaid};
