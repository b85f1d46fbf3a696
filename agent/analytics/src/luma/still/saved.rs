//! The learned scene as it is kept on disk, so that a restart neither forgets the empty scene nor what stands in it.
//!
//! Levels are 16 bits in 1/128 grey levels, deviations 8 bits in 1/4 grey levels and knowledge 8 bits in 1/255 of what
//! is needed, each as hexadecimal text: about 8 characters a sample, in any format that serde knows.

use forewarn_domain::Timestamp;
use serde::{Deserialize, Serialize};

use super::models::Models;
use super::objects::Kept;

/// Everything that a [`StaticObjectDetector`](super::StaticObjectDetector) has learned of one stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LearnedScene {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) px_per_sample: u32,
    pub(super) levels: String,
    pub(super) deviations: String,
    pub(super) known: String,
    pub(super) objects: Vec<Kept>,
    pub(super) next_id: u64,
    /// When it was saved.
    pub saved_at: Timestamp,
}

/// The saved scene cannot be used; the scene has to be learned anew.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the saved scene is damaged ({what}); delete its file, and the scene will be learned anew")]
pub struct LearnedSceneError {
    what: &'static str,
}

impl LearnedScene {
    /// Packs the models; `learn_s` is when a sample is known.
    pub(super) fn pack(models: &Models, learn_s: f32) -> (String, String, String) {
        let hex = |values: &mut dyn Iterator<Item = u32>, digits: usize| {
            let digit = |value: u32, place: usize| char::from_digit(value >> (4 * place) & 15, 16).unwrap_or('0');
            values.flat_map(|value| (0..digits).rev().map(move |place| digit(value, place))).collect::<String>()
        };
        (
            hex(&mut models.scene.iter().map(|l| (l.clamp(0.0, 511.0) * 128.0) as u32), 4),
            hex(&mut models.variance.iter().map(|v| (v.max(0.0).sqrt() * 4.0).min(255.0) as u32), 2),
            hex(&mut models.known_s.iter().map(|k| (k / learn_s * 255.0).clamp(0.0, 255.0) as u32), 2),
        )
    }

    /// Unpacks the models and checks everything that indexes into them.
    pub(super) fn unpack(&self, learn_s: f32) -> Result<Models, LearnedSceneError> {
        let count = self.width.checked_mul(self.height).filter(|&n| n <= 1 << 22);
        let count = count.ok_or(LearnedSceneError { what: "the size is impossible" })?;
        let mut models = Models::new(0, 0);
        let numbers = |text: &str, digits: usize| -> Option<Vec<f32>> {
            let is_whole = text.len() == count * digits && text.is_ascii();
            let number = |i: usize| u32::from_str_radix(&text[i * digits..][..digits], 16).ok().map(|n| n as f32);
            is_whole.then(|| (0..count).map(number).collect()).flatten()
        };
        let damaged = LearnedSceneError { what: "samples are missing or no numbers" };
        let scene = numbers(&self.levels, 4).ok_or_else(|| damaged.clone())?;
        let deviations = numbers(&self.deviations, 2).ok_or_else(|| damaged.clone())?;
        let known = numbers(&self.known, 2).ok_or(damaged)?;
        if self.objects.iter().any(|object| !object.fits(count)) {
            return Err(LearnedSceneError { what: "an object lies outside of the scene" });
        }
        if self.width > 0 {
            models = Models::new(self.width, self.height);
        }
        models.scene = scene.iter().map(|level| level / 128.0).collect();
        models.variance = deviations.iter().map(|d| (d / 4.0).powi(2)).collect();
        models.known_s = known.iter().map(|k| k / 255.0 * learn_s).collect();
        models.quick.clone_from(&models.scene);
        Ok(models)
    }
}
