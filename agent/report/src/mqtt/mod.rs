//! MQTT: configuration, topics, and the publisher that sends what the outbox holds.

mod backoff;
pub mod config;
pub mod publisher;
mod session;
pub mod stats;
mod tls;
pub mod topic;
mod window;
mod wire;
