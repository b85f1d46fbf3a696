//! Sensors of the site: values from MQTT and Modbus TCP.
//!
//! [`start`] reads all of them on one thread, [`probe`] reads one once. Each sensor has a connection of its own, so that
//! a dead one holds back nobody but itself. What was read, and what could not be read, goes to a [`Sink`], which must
//! not wait.

mod backoff;
mod config;
mod error;
mod modbus;
mod mqtt;
mod run;
#[cfg(test)]
mod tests;
mod tls;
mod value;

pub use config::{ModbusSensorConfig, MqttSensorConfig, Registers, Sensor, SensorConfig, ValueType, WordOrder};
pub use error::{ConfigError, ReadError};
pub use run::{Running, SensorEvent, Sink, StartError, probe, start};
