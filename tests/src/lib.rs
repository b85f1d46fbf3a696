//! End-to-end tests with real RTSP, MQTT and files: what they are made of.
//!
//! Every part that a test needs is a real one in a process of its own: the agent ([`Agent`]), a camera
//! ([`SimCamera`]), mosquitto ([`Broker`]). Each ends with the test, also when the test panics or is killed. Nothing
//! here sleeps: waiting is on a channel, with a deadline.

pub mod agent;
pub mod asked;
pub mod broker;
pub mod camera;
pub mod chaos;
pub mod clips;
pub mod desk;
pub mod drone;
pub mod fuzzing;
pub mod many;
pub mod meter;
pub mod mute_broker;
pub mod onvif_camera;
pub mod peer;
pub mod process;
pub mod program;
mod scene;
pub mod scenes;
pub mod service_manager;
pub mod site;
pub mod small_disk;
pub mod soak;
mod subscriber;
pub mod wait;
pub mod wall_clock;

pub use agent::Agent;
pub use broker::Broker;
pub use camera::SimCamera;
pub use program::ForewarnBin;
pub use scene::Scene;
pub use site::{CameraEntry, SiteFile};
pub use subscriber::{Received, Session, Subscriber};
pub use wait::{PATIENCE, eventually};
