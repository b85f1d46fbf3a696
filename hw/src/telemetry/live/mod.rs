//! Telemetry that comes while the drone flies.
//!
//! | source | is |
//! |---|---|
//! | [`mavlink`] | MAVLink 2 over UDP, TCP or a serial line, as ArduPilot and PX4 speak it |
//! | [`dji`] | the OSD of DJI's Cloud API, over MQTT |
//! | [`klv`] | MISB ST 0601 beside the camera's video, in the transport stream that it sends |
//!
//! Each camera that flies, but for those of the last kind, has a thread of its own, `telemetry-ID`, which connects by itself and for ever. It puts samples
//! into the [`Mailbox`], whose newest win; whoever decides takes them from there in turn with frames.

mod align;
mod clock_map;
pub mod dji;
mod hearing;
pub mod klv;
mod mailbox;
pub mod mavlink;
mod run;

use forewarn_ground::Aim;

pub use klv::{KlvEar, KlvProbe};
pub use mailbox::{MOST_SAMPLES, Mailbox, News, Vehicle};
pub use run::{Heard, Running, probe, start};

use super::Height;

/// What a site says of a live source beside where it is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LiveGiven {
    /// Where the camera looks, while no gimbal tells it.
    pub aim: Option<Aim>,
    /// Which height counts.
    pub height: Height,
    /// What the lens sees across at zoom 1, in degrees, where it is known.
    pub view_deg: Option<f64>,
}

/// A source, checked.
#[derive(Debug, Clone, PartialEq)]
pub enum LiveSource {
    /// An autopilot.
    Mavlink(mavlink::MavlinkSource),
    /// A dock, or a controller's app.
    Dji(Box<dji::DjiSource>),
    /// What comes beside the camera's own video.
    Klv,
}

impl LiveSource {
    /// Whether it is heard at a port of this box that somebody else has now.
    pub fn is_port_in_use(&self) -> bool {
        matches!(self, Self::Mavlink(source) if source.address.is_port_in_use())
    }
}

impl std::fmt::Display for LiveSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Mavlink(source) => write!(f, "MAVLink system {} at {}", source.system, source.address),
            Self::Klv => f.write_str("MISB ST 0601 beside the video"),
            Self::Dji(source) => write!(f, "{} at {}", source.topic(), source.broker.url),
        }
    }
}
