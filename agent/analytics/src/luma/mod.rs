//! Detectors that need no model: they look at small grey planes of the picture and at the time, and at nothing else.
//!
//! [`LumaPlane`] is the picture made small, [`MotionGate`] says whether anything has moved since a frame was analysed,
//! [`LookedAt`] where it differs from what was looked at last, [`StaticObjectDetector`] finds what appears and stays, [`FallingObjectDetector`] what falls; [`CameraShift`] tells how
//! far a camera that shakes has moved its picture.

mod align;
mod camera;
mod components;
mod falls;
mod kept;
mod looked_at;
mod motion;
mod overlay;
mod plane;
mod still;
mod sums;
mod support;
#[cfg(test)]
mod testing;

pub use camera::{CameraMove, CameraShift};
pub use falls::{Fall, FallingObjectConfig, FallingObjectDetector, FloorEstimate, Floors};
pub use looked_at::LookedAt;
pub use motion::{LookReason, Motion, MotionGate, MotionGateConfig};
pub use plane::{LumaPlane, LumaPlaneError};
pub use still::{
    BroughtBy, LearnedScene, LearnedSceneError, StaticKind, StaticObject, StaticObjectConfig, StaticObjectDetector,
};

/// Rows of the picture for which settings in pixels are meant.
const ROWS: f32 = 1080.0;

/// A setting of one of the detectors on luma planes is out of its range.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{detector} setting {name} = {value} is out of range: {range}")]
pub struct LumaConfigError {
    /// The detector, as its table in the site file is named.
    pub detector: &'static str,
    /// The setting.
    pub name: &'static str,
    /// Its value.
    pub value: f64,
    /// What is allowed.
    pub range: &'static str,
}

/// Checks numbers against their least and greatest values; `range` tells these in words.
fn check_ranges(
    detector: &'static str,
    settings: &[(&'static str, f64, std::ops::RangeInclusive<f64>, &'static str)],
) -> Result<(), LumaConfigError> {
    match settings.iter().find(|(_, value, range, _)| !range.contains(value)) {
        Some(&(name, value, _, range)) => Err(LumaConfigError { detector, name, value, range }),
        None => Ok(()),
    }
}
