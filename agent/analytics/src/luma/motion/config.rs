//! Settings of the motion gate.

use serde::Deserialize;

use crate::luma::{LumaConfigError, check_ranges};

/// Settings of a [`MotionGate`](super::MotionGate). The defaults serve street cameras.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MotionGateConfig {
    /// How faint a change counts, 0 to 100, as cameras have it: 0 sees only strong contrast, 100 whatever is above noise.
    pub sensitivity: f32,
    /// Least part of the picture, in percent of its area, that must change for a region to count.
    pub min_object_percent: f32,
    /// Longest time, in seconds, between two analysed frames, even if nothing moves.
    pub look_at_least_every_s: f64,
    /// How far the camera shakes, in pixels of the full frame; detail that moves no farther is no motion.
    pub shake_px: f32,
    /// Side of a cell in samples of the plane.
    pub cell_samples: usize,
    /// Seconds, about, in which a cell that always moves (leaves, water, a burnt-in clock) learns to be left out.
    pub learn_s: f64,
}

impl Default for MotionGateConfig {
    fn default() -> Self {
        Self {
            sensitivity: 60.0,
            min_object_percent: 0.01,
            look_at_least_every_s: 5.0,
            shake_px: 6.0,
            cell_samples: 8,
            learn_s: 30.0,
        }
    }
}

impl MotionGateConfig {
    /// Checks that each number lies in its range.
    pub fn check(&self) -> Result<(), LumaConfigError> {
        check_ranges(
            "motion",
            &[
                ("sensitivity", f64::from(self.sensitivity), 0.0..=100.0, "write 0 to 100"),
                (
                    "min_object_percent",
                    f64::from(self.min_object_percent),
                    0.0..=50.0,
                    "write percent of the picture, 0 to 50",
                ),
                ("look_at_least_every_s", self.look_at_least_every_s, 0.04..=3600.0, "write seconds, 0.04 to 3600"),
                ("shake_px", f64::from(self.shake_px), 0.0..=64.0, "write pixels, 0 to 64"),
                ("cell_samples", self.cell_samples as f64, 4.0..=64.0, "write samples of the plane, 4 to 64"),
                ("learn_s", self.learn_s, 1.0..=3600.0, "write seconds, 1 to 3600"),
            ],
        )
    }

    /// Grey levels by which a sample must leave its surroundings in the reference.
    pub(super) fn tolerance(&self) -> f32 {
        4.0 + (100.0 - self.sensitivity) * 0.12
    }

    /// Mean excess in grey levels from which a cell that is usually still counts as moved.
    pub(super) fn cell_floor(&self) -> f32 {
        0.2 + (100.0 - self.sensitivity) * 0.01
    }
}
