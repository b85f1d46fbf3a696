//! Settings of the detector of static objects.

use forewarn_domain::Class;
use serde::Deserialize;

use crate::luma::{LumaConfigError, ROWS, check_ranges};

/// Settings of a [`StaticObjectDetector`](super::StaticObjectDetector). The defaults serve street cameras of 1080 rows;
/// [`StaticObjectConfig::for_rows`] fits them to others.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(transform = crate::schema::not_negative))]
#[serde(deny_unknown_fields, default)]
pub struct StaticObjectConfig {
    /// Seconds for which a change must stay, uncovered, before it is an object. Rules wait on top of this.
    pub appear_after_s: f64,
    /// Seconds for which the scene must be as before until an object is gone.
    pub revert_after_s: f64,
    /// Seconds after which an object belongs to the scene and is forgotten.
    pub absorb_after_s: f64,
    /// Least side of an object in pixels of the full frame; smaller changes are taken into the scene.
    pub min_side_px: f32,
    /// Largest part of the picture, 0 to 1, that one object may cover; more is light.
    pub max_part: f32,
    /// How faint a change counts, 0 to 100.
    pub sensitivity: f32,
    /// Seconds for which a place must be seen uncovered until the empty scene is known there.
    pub learn_s: f64,
    /// Seconds in which the scene follows slow changes of a place to 1/e, such as the sun's way.
    pub scene_follows_s: f64,
    /// Least time between two planes that are worked on, in seconds; those between only update the tracks.
    pub min_interval_s: f64,
    /// Farthest that the camera shakes, in pixels of the full frame.
    pub max_shake_px: f32,
    /// Seconds for which the place of a track that ended without leaving counts as covered still.
    pub hold_track_s: f64,
    /// Classes of tracks that cover the scene; all if empty.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub covering_classes: Vec<Class>,
    /// Most objects kept at once; further ones are taken into the scene.
    pub max_objects: usize,
}

impl Default for StaticObjectConfig {
    fn default() -> Self {
        let covering = [
            "person",
            "bicycle",
            "car",
            "motorcycle",
            "bus",
            "train",
            "truck",
            "tricycle",
            "van",
            "dog",
            "cat",
            "horse",
        ];
        Self {
            appear_after_s: 20.0,
            revert_after_s: 5.0,
            absorb_after_s: 86_400.0,
            min_side_px: 36.0,
            max_part: 0.2,
            sensitivity: 60.0,
            learn_s: 6.0,
            scene_follows_s: 600.0,
            min_interval_s: 0.2,
            max_shake_px: 24.0,
            hold_track_s: 20.0,
            covering_classes: covering.map(Class::new).to_vec(),
            max_objects: 64,
        }
    }
}

impl StaticObjectConfig {
    /// Checks that each number lies in its range.
    pub fn check(&self) -> Result<(), LumaConfigError> {
        let seconds = |name, value| (name, value, 0.5..=604_800.0, "write seconds, 0.5 to 604800 (a week)");
        check_ranges(
            "static_objects",
            &[
                seconds("appear_after_s", self.appear_after_s),
                seconds("revert_after_s", self.revert_after_s),
                seconds("absorb_after_s", self.absorb_after_s),
                seconds("learn_s", self.learn_s),
                seconds("scene_follows_s", self.scene_follows_s),
                ("min_side_px", f64::from(self.min_side_px), 2.0..=2000.0, "write pixels, 2 to 2000"),
                ("max_part", f64::from(self.max_part), 0.001..=0.5, "write a part of the picture, 0.001 to 0.5"),
                ("sensitivity", f64::from(self.sensitivity), 0.0..=100.0, "write 0 to 100"),
                ("min_interval_s", self.min_interval_s, 0.0..=1.0, "write seconds, 0 to 1"),
                ("max_shake_px", f64::from(self.max_shake_px), 0.0..=64.0, "write pixels, 0 to 64"),
                ("hold_track_s", self.hold_track_s, 0.0..=3600.0, "write seconds, 0 to 3600"),
                ("max_objects", self.max_objects as f64, 1.0..=1000.0, "write a count, 1 to 1000"),
            ],
        )
    }

    /// The settings for a picture of `rows`, where these are meant for one of 1080.
    #[must_use]
    pub fn for_rows(&self, rows: u32) -> Self {
        let scale = rows as f32 / ROWS;
        Self { min_side_px: self.min_side_px * scale, max_shake_px: self.max_shake_px * scale, ..self.clone() }
    }

    /// Standard deviations by which a sample must differ.
    pub(super) fn deviations(&self) -> f32 {
        3.0 + (100.0 - self.sensitivity) * 0.02
    }

    /// Least mean difference of an object from the scene, in grey levels.
    pub(super) fn least_contrast(&self) -> f32 {
        6.0 + (100.0 - self.sensitivity) * 0.1
    }
}
