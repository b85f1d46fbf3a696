//! `[model.shadow]`: a second model that looks at a sample of the frames.

use forewarn_models::Card;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::card::named_card;
use crate::check::{Check, unwritten};

/// `[model.shadow]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawShadow {
    /// Name of a built-in model card, or the path of one.
    #[schemars(with = "String")]
    pub card: Spanned<String>,
    /// Part of the frames that it looks at, 0 to 1.
    #[serde(default = "default_sample")]
    #[schemars(with = "f64")]
    pub sample: Spanned<f64>,
    /// Bound of the file of differences, in MiB.
    #[serde(default = "default_max_mib")]
    #[schemars(with = "f64")]
    pub max_mib: Spanned<f64>,
}

fn default_sample() -> Spanned<f64> {
    unwritten(0.05)
}

fn default_max_mib() -> Spanned<f64> {
    unwritten(16.0)
}

/// A second model that looks at a sample of the frames.
#[derive(Debug, Clone, PartialEq)]
pub struct Shadow {
    /// Its card.
    pub card: Card,
    /// Part of the frames, 0 to 1.
    pub sample: f64,
    /// Bound of the file of differences in bytes.
    pub max_bytes: u64,
}

impl RawShadow {
    pub(crate) fn check(self, check: &mut Check<'_>) -> Option<Shadow> {
        let card = named_card(check, &self.card);
        let sample = check.number(&self.sample, 0.0..=1.0, "as part of the frames");
        let max_mib = check.number(&self.max_mib, 0.1..=1e6, "MiB");
        Some(Shadow { card: card?, sample: sample?, max_bytes: (max_mib? * 1024.0 * 1024.0) as u64 })
    }
}
