//! MQTT: configuration, topics, and the publisher that sends what the outbox holds.

pub mod config;
pub mod publisher;
mod session;
pub mod stats;
pub mod topic;
mod window;
mod wire;
