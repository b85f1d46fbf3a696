//! What goes upstream: the durable outbox and the way to every upstream.
//!
//! [`Outbox::record`] writes a [`Report`](forewarn_domain::Report) to SQLite together with the incident and its snapshot
//! in one transaction, before anything is sent. What is written is plain record, in nobody's language, and a row for each
//! upstream that is to have it. Each [upstream] has a thread that sends what waits for it in the order in which it was
//! recorded; its acknowledgement takes out its row, and the message goes with its last row.
//!
//! What a kill at each point leads to, for each upstream by itself:
//!
//! | killed | after the restart |
//! |---|---|
//! | before the transaction's commit | the transition did not happen: neither the snapshot nor the message knows it |
//! | after the commit, before sending | the message waits and is sent |
//! | after sending, before the acknowledgement | the message waits and is sent again with the same id |
//! | after the acknowledgement, before it is noted | the message waits and is sent again with the same id |
//! | after one upstream's acknowledgement was noted, before another's | it waits for the other alone |
//!
//! No connection is gone on with after a restart. Nothing needs to be kept by a client library or the other side on
//! behalf of this side, so nothing can be lost between their idea of what is in flight and the outbox's.

pub mod answers;
pub mod outbox;
pub mod push;
pub mod upstream;

pub use outbox::ledger::{IncidentLedger, LedgerEntry};
pub use outbox::{
    Backlog, Cursor, Depth, Destination, Filter, HeldCount, Holder, Lane, MadeRoom, OpenSnapshot, Opened, Outbox,
    OutboxError, OutboxLimits, OutboxSettings, QueuedReport, Receipt, Recorded, ReportState, SetAside,
};
pub use upstream::config::ResolvedUpstream;
pub use upstream::ear::{AnswerTo, Ear, Heard, Wish};
pub use upstream::mqtt::config::{ContentMode, MqttConfig, MqttVersion, ResolvedMqtt};
pub use upstream::people::People;
pub use upstream::settings::{Seals, Surroundings, Usual};
pub use upstream::{AdapterConfig, FileCounts, Manners, UpstreamError, UpstreamHandle, UpstreamStats, Upstreams};
