//! Settings of the detector of falling objects.

use serde::{Deserialize, Serialize};

use crate::luma::{LumaConfigError, ROWS, check_ranges};

/// Settings of a [`FallingObjectDetector`](super::FallingObjectDetector). The defaults serve a facade that fills a
/// picture of 1080 rows; [`FallingObjectConfig::for_rows`] fits them to others.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(transform = crate::schema::not_negative))]
#[serde(deny_unknown_fields, default)]
pub struct FallingObjectConfig {
    /// How faint an object counts, 0 to 100.
    pub sensitivity: f32,
    /// Least height of a fall, in pixels of the full frame.
    pub min_drop_px: f32,
    /// Least area of an object in square pixels of the full frame.
    pub min_area_px: f32,
    /// Greatest area of an object in square pixels of the full frame.
    pub max_area_px: f32,
    /// Least acceleration towards the ground, in pixels of the full frame per second squared. Ten floors over 1000 rows
    /// make about 30 pixels a metre, that is 300; what is slower than a fourth of that flutters.
    pub min_acceleration_px_s2: f32,
    /// Greatest acceleration; more is no free fall.
    pub max_acceleration_px_s2: f32,
    /// Shortest time of a fall in seconds.
    pub min_duration_s: f32,
    /// Largest way sideways, as a part of the way down.
    pub max_drift: f32,
    /// Span in seconds over which planes are compared, so that slow beginnings show.
    pub compare_over_s: f32,
    /// Least confidence of a fall, 0 to 1.
    pub min_confidence: f32,
    /// More paths downwards than this at once are rain, snow or a flock.
    pub max_parallel: usize,
    /// Farthest that the camera shakes from one plane to the next, in pixels of the full frame.
    pub max_shake_px: f32,
    /// Where the floors are, for telling from which a thing fell.
    pub floors: Option<Floors>,
}

/// Where the floors of a facade are, in pixels of the full frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Floors {
    /// All floors are alike.
    Even {
        /// Row of the ground before the facade.
        ground_y_px: f32,
        /// Height of one floor.
        floor_height_px: f32,
    },
    /// Each floor's lower edge as a row, the ground floor first.
    Lines {
        /// The rows; each is above the one before it, thus a smaller number.
        floor_lines_y_px: Vec<f32>,
    },
}

impl Default for FallingObjectConfig {
    fn default() -> Self {
        Self {
            sensitivity: 60.0,
            min_drop_px: 40.0,
            min_area_px: 4.0,
            max_area_px: 4000.0,
            min_acceleration_px_s2: 60.0,
            max_acceleration_px_s2: 6000.0,
            min_duration_s: 0.07,
            max_drift: 0.5,
            compare_over_s: 0.1,
            min_confidence: 0.35,
            max_parallel: 5,
            max_shake_px: 8.0,
            floors: None,
        }
    }
}

impl FallingObjectConfig {
    /// Checks that each number lies in its range.
    pub fn check(&self) -> Result<(), LumaConfigError> {
        let number = |name, value: f32, low: f64, high: f64, text| (name, f64::from(value), low..=high, text);
        check_ranges(
            "falling_objects",
            &[
                number("sensitivity", self.sensitivity, 0.0, 100.0, "write 0 to 100"),
                number("min_drop_px", self.min_drop_px, 8.0, 4000.0, "write pixels, 8 to 4000"),
                number("min_area_px", self.min_area_px, 1.0, 1e5, "write square pixels, 1 to 100000"),
                number("max_area_px", self.max_area_px, f64::from(self.min_area_px), 1e6, "not below min_area_px"),
                number("min_acceleration_px_s2", self.min_acceleration_px_s2, 5.0, 1e4, "write px/s², 5 to 10000"),
                number(
                    "max_acceleration_px_s2",
                    self.max_acceleration_px_s2,
                    f64::from(self.min_acceleration_px_s2),
                    1e5,
                    "not below min_acceleration_px_s2",
                ),
                number("min_duration_s", self.min_duration_s, 0.05, 5.0, "write seconds, 0.05 to 5"),
                number("max_drift", self.max_drift, 0.0, 3.0, "write a part of the drop, 0 to 3"),
                number("compare_over_s", self.compare_over_s, 0.02, 0.3, "write seconds, 0.02 to 0.3"),
                number("min_confidence", self.min_confidence, 0.0, 1.0, "write 0 to 1"),
                number("max_parallel", self.max_parallel as f32, 1.0, 100.0, "write a count, 1 to 100"),
                number("max_shake_px", self.max_shake_px, 0.0, 64.0, "write pixels, 0 to 64"),
            ],
        )?;
        match &self.floors {
            Some(Floors::Even { floor_height_px, .. }) => check_ranges(
                "falling_objects",
                &[number("floor_height_px", *floor_height_px, 2.0, 4000.0, "write pixels, 2 to 4000")],
            ),
            Some(Floors::Lines { floor_lines_y_px }) => {
                let below = floor_lines_y_px.windows(2).find(|pair| pair[1] >= pair[0]).map_or(0.0, |pair| pair[1]);
                check_ranges(
                    "falling_objects",
                    &[number("floor_lines_y_px", below, 0.0, 0.0, "each row must be above the one before it")],
                )
            }
            None => Ok(()),
        }
    }

    /// The settings for a picture of `rows`, where these are meant for one of 1080. The floors are where they are.
    #[must_use]
    pub fn for_rows(&self, rows: u32) -> Self {
        let scale = rows as f32 / ROWS;
        Self {
            min_drop_px: self.min_drop_px * scale,
            min_area_px: self.min_area_px * scale * scale,
            max_area_px: self.max_area_px * scale * scale,
            min_acceleration_px_s2: self.min_acceleration_px_s2 * scale,
            max_acceleration_px_s2: self.max_acceleration_px_s2 * scale,
            max_shake_px: self.max_shake_px * scale,
            ..self.clone()
        }
    }

    /// Grey levels by which an object must stand out of what was before and after.
    pub(super) fn least_difference(&self) -> f32 {
        7.0 + (100.0 - self.sensitivity) * 0.15
    }
}

impl Floors {
    /// The height of a floor about a row, in pixels.
    pub fn floor_height_px(&self, y_px: f32) -> Option<f32> {
        match self {
            Self::Even { floor_height_px, .. } => Some(*floor_height_px),
            Self::Lines { floor_lines_y_px } => {
                let pairs = || floor_lines_y_px.windows(2);
                let pair = pairs().find(|pair| pair[1] < y_px).or_else(|| pairs().last())?;
                Some(pair[0] - pair[1])
            }
        }
    }

    /// The floor of a row of the picture, 1 for the ground floor; `None` below the ground.
    pub fn floor_at(&self, y_px: f32) -> Option<u32> {
        match self {
            Self::Even { ground_y_px, floor_height_px } => {
                let above = (ground_y_px - y_px) / floor_height_px;
                (above.is_finite() && above >= 0.0).then(|| above as u32 + 1)
            }
            Self::Lines { floor_lines_y_px } => {
                let below = floor_lines_y_px.iter().take_while(|&&line| line >= y_px).count();
                (below > 0).then_some(below as u32)
            }
        }
    }
}
