//! What differs between boxes: loudspeakers, sensors, and what the box itself is made of.
//!
//! - [`speaker`]: the adapters of the port [`forewarn_domain::Loudspeaker`] and their configuration.
//! - [`sensor`]: values from MQTT and Modbus TCP.
//! - [`box_facts`]: processor, memory and accelerators, and what the own process uses of them.
//! - [`power`]: how warm the box is, and what a drone's battery has left.
//! - [`clock_sync`]: whether something keeps the clock right.
//! - [`streams`]: which streams a camera has, asked by ONVIF.
//! - [`telemetry`]: where a drone's camera was and looked.
//! - [`descriptors`]: how many file descriptors the own process has and may have.
//! - [`discovery`]: cameras on the network that speak ONVIF, and their streams.
//! - [`token`]: the device's key in a smart card or security module, behind the port [`forewarn_domain::KeyToken`].

pub mod box_facts;
pub mod clock_sync;
pub mod descriptors;
pub mod discovery;
mod mqtt;
pub mod power;
pub mod sensor;
pub mod speaker;
pub mod streams;
pub mod telemetry;
pub mod token;
mod xml;

pub use box_facts::{ProcessUsage, VideoNode};
pub use sensor::{Sensor, SensorConfig};
pub use speaker::{Earshot, Hall, Recording, SpeakerConfig, SpeakerContext, Turns, Voice, build, probe, say};
