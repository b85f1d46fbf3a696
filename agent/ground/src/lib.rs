//! From a pixel of a flying camera to a place on earth with its 95 % ellipse, and back.
//!
//! | part | holds |
//! |---|---|
//! | `flight` | samples of telemetry, and where the camera was and looked at an instant |
//! | [`lens`] | pinhole and Brown distortion: pixel to ray, ray to pixel |
//! | [`terrain`], [`geotiff`] | the height of the ground: flat, or a grid, out of an elevation model |
//! | `utm` | the zones of metres in which some of them come |
//! | [`shot`] | one frame's camera joined: places of pixels, pixels of places |
//! | [`fix`] | a pixel's place with its ellipse by propagation of uncertainties, or why there is none |
//! | `footprint`, [`coverage`] | what of the ground a frame shows, and a flight, and how finely |
//! | `zone` | areas on the ground, from GeoJSON, laid into a picture |
//! | [`motion`] | how the ground has moved in the picture from one frame to the next |
//! | [`gcj02`] | the shifted coordinates that maps in China are drawn by |
//!
//! Frames of reference: places are WGS84 (degrees, metres). Attitudes are unit quaternions that turn a vector of a body
//! (forward, right, down) into north, east, down. A camera with the identity looks north and level; its picture's right is
//! east, its picture's lower edge is below. Formulas and sources: `docs/drone.md`.

pub mod coverage;
pub mod fix;
mod flight;
mod footprint;
pub mod gcj02;
pub mod geotiff;
pub mod lens;
pub mod motion;
mod no_fix;
pub mod shot;
pub mod terrain;
mod utm;
mod zone;

pub use fix::{Limits, locate};
pub use flight::{Aim, Flight, Pose, Position, Sample, Uncertainty, attitude, way_between};
pub use footprint::footprint;
pub use lens::{Lens, LensError};
pub use no_fix::NoFix;
pub use shot::Shot;
pub use terrain::{Flat, Grid, GridError, Ground, Terrain};
pub use zone::{Crossing, GroundZone, ZoneError, crossing};
