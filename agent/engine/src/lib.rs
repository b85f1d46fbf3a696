//! The decisions between frames and incidents, without any I/O.
//!
//! | part | decides |
//! |---|---|
//! | [`scheduler`] | which frames, tiles and crops the models look at next, and how much is decoded |
//! | [`eye`], [`tiles`] | what moves in a frame, and which parts of it are worth a look |
//! | [`Engine`] | what detections, readings, values and time come to: tracks, rules and the incident machine joined |
//! | [`FallDetector`] | what falls in a stream's picture |
//! | [`power`] | how often they look where the box is warm or its battery low |
//! | [`civil_time`] | which time of day it is at the site, for schedules and quiet hours |
//!
//! The live agent and the replay share all of it, so what a replay decides is what the agent would have decided. Time
//! is an argument everywhere; what is given up is returned as a count, and the caller tells of it.

mod engine;
mod falls;
mod focus;
mod ground;
mod ground_seen;
mod heads;
mod look;
mod payload;
mod setup;
#[cfg(test)]
mod testing;
mod things;

pub mod civil_time;
pub mod eye;
pub mod power;
pub mod scheduler;
pub mod tiles;

pub use engine::{Analysed, DueReason, Engine, EngineMemory};
pub use falls::{Area, FallDetector, FallWatch};
pub use forewarn_incident::Silence;
pub use ground::{Above, GroundSetup, LensKind};
pub use ground_seen::GroundDoubt;
pub use look::{Concerned, Found, Looked, OfRule, Sought, SoughtRule, Told};
pub use payload::{Payload, Payloads};
pub use setup::{EngineSetup, StreamSetup};
