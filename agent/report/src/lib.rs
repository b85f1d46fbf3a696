//! What goes upstream: the durable outbox and the MQTT publisher.
//!
//! A [`Report`](forewarn_domain::Report) becomes an [`Event`](forewarn_wire::Event) that [`Outbox::record`] writes to SQLite together with
//! the incident and its snapshot in one transaction, before anything is sent. The [`publisher`](mqtt) sends what the
//! outbox holds in the order in which it was recorded, and only the broker's PUBACK removes a message.
//!
//! What a kill at each point leads to:
//!
//! | killed | after the restart |
//! |---|---|
//! | before the transaction's commit | the transition did not happen: neither the snapshot nor the message knows it |
//! | after the commit, before sending | the message is pending and is sent |
//! | after sending, before PUBACK | the message is pending and is sent again with the same id |
//! | after PUBACK, before its removal | the message is pending and is sent again with the same id |
//!
//! The MQTT session is clean on every connection. Nothing needs to be kept by the client library or the broker on
//! behalf of this side, so nothing can be lost between their idea of what is in flight and the outbox's.

pub mod mqtt;
pub mod outbox;

pub use mqtt::config::{MqttConfig, MqttVersion, ResolvedMqtt};
pub use mqtt::publisher::{PublisherError, PublisherHandle, spawn};
pub use mqtt::stats::PublisherStats;
pub use outbox::ledger::{IncidentLedger, LedgerEntry};
pub use outbox::{
    Depth, OpenSnapshot, Opened, Outbox, OutboxError, OutboxLimits, PendingMessage, Recorded, ReportState, SetAside,
};
