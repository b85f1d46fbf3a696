//! `[model]`: the detector that all cameras share, and what runs it.

use forewarn_models::providers::{Precision, ProviderChoice, Request};
use forewarn_models::{Card, cards};
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::card::named_card;
use crate::check::{Check, unwritten};
use crate::shadow::{RawShadow, Shadow};

pub(crate) const EXAMPLE: &str = r#"[model]
card = "site-nano-416"           # a built-in card (`forewarn models list`) or the path of your own
threads = 1                      # of one inference
# provider = "auto"              # what runs it: "cpu" (the same result to the byte), "openvino", "cuda", "tensorrt"
# precision = "fp32"             # or "bf16", "fp16", where the provider has it
# shadow = { card = "yolox-nano", sample = 0.05 }  # a second model on a part of the frames, to see where it differs
"#;

/// `[model]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawModel {
    /// Name of a built-in model card, or the path of one.
    #[schemars(with = "String")]
    pub card: Spanned<String>,
    /// Threads of one inference.
    #[schemars(with = "u32")]
    pub threads: Spanned<f64>,
    /// What runs the model: `auto`, `cpu`, `openvino`, `cuda` or `tensorrt`.
    pub provider: ProviderChoice,
    /// In which numbers a provider other than the CPU may compute: `fp32`, `bf16` or `fp16`.
    pub precision: Precision,
    /// A second model that looks at a sample of the frames, to see where it differs.
    #[schemars(with = "Option<RawShadow>")]
    pub shadow: Option<Spanned<RawShadow>>,
}

impl Default for RawModel {
    fn default() -> Self {
        Self {
            card: unwritten(cards::DEFAULT_DETECTOR.to_owned()),
            threads: unwritten(1.0),
            provider: ProviderChoice::default(),
            precision: Precision::default(),
            shadow: None,
        }
    }
}

/// The detector that all cameras share, and what runs it.
#[derive(Debug, Clone)]
pub struct Model {
    /// The detector's card.
    pub card: Card,
    /// Threads of one inference.
    pub threads: usize,
    /// What runs the model, and in which numbers.
    pub execution: Request,
    /// The second model, if any.
    pub shadow: Option<Shadow>,
}

impl RawModel {
    pub(crate) fn check(self, check: &mut Check<'_>) -> Option<Model> {
        let card = named_card(check, &self.card);
        let threads = check.number(&self.threads, 1.0..=64.0, "threads");
        let execution = Request { provider: self.provider, precision: self.precision };
        let shadow = self.shadow.and_then(|shadow| shadow.into_inner().check(check));
        Some(Model { card: card?, threads: threads? as usize, execution, shadow })
    }
}
