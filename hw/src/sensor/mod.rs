//! Sensors of the site: values from MQTT and Modbus TCP.
//!
//! [`start`] reads all of them on one thread, [`probe`] reads one once. Each sensor has a connection of its own, so that
//! a dead one holds back nobody but itself. What was read, and what could not be read, goes to a [`Sink`], which must
//! not wait. A [`SensorLog`] stands in their place where clips are played.

mod config;
mod error;
mod log;
mod mailbox;
mod modbus;
mod mqtt;
mod outlet;
mod run;
#[cfg(test)]
mod tests;
mod value;

pub use config::{ModbusSensorConfig, MqttSensorConfig, Registers, Sensor, SensorConfig};
pub use error::ReadError;
pub use log::{SensorLog, SensorLogError};
pub use mailbox::{Mailbox, News, Turn};
pub use outlet::{SensorEvent, Sink};
pub use run::{Running, StartError, probe, start};
pub use value::{ValueType, WordOrder};
