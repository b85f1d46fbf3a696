//! Clips with exactly known truth, composed of photographs.
//!
//! Real footage of every violation cannot be had with a truth that nobody doubts. These clips are made of real
//! photographs instead: places, and things and walking people cut out of their surroundings, which move, park, drop,
//! fall and linger as a [`script`] says, under changing light, rain, shake and sensor noise, encoded as a camera would.
//! Since the script puts everything in its place, the truth is exact. A script and a seed always give the same bytes.
//!
//! [`photos`] loads places and things out of the store, [`walkers`] cuts people out of the demo clip, [`render`] draws,
//! [`weather`] spoils the picture, [`encode`] writes H.264, [`catalogue`] lists the scripts and [`folder`] writes a
//! scene's folder for `forewarn evaluate`.

pub mod catalogue;
pub mod cutout;
pub mod encode;
pub mod folder;
pub mod photos;
pub mod render;
pub mod script;
pub mod walkers;
pub mod weather;

pub use folder::{Made, write};
pub use photos::Photos;
