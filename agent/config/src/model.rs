//! `[model]`: the detector that all cameras share, and what runs it.

use forewarn_models::providers::{Precision, ProviderChoice, Request};
use forewarn_models::tune::Given;
use forewarn_models::{Card, cards};
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::card::named_card;
use crate::check::{Check, unwritten};
use crate::shadow::{RawShadow, Shadow};

pub(crate) const EXAMPLE: &str = r#"[model]
card = "site-nano-416"           # a built-in card (`forewarn models list`) or the path of your own
# threads = 1                    # of one inference
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
    #[schemars(with = "ProviderChoice")]
    pub provider: Spanned<ProviderChoice>,
    /// In which numbers a provider other than the CPU may compute: `fp32`, `bf16` or `fp16`.
    #[schemars(with = "Precision")]
    pub precision: Spanned<Precision>,
    /// A second model that looks at a sample of the frames, to see where it differs.
    #[schemars(with = "Option<RawShadow>")]
    pub shadow: Option<Spanned<RawShadow>>,
}

impl Default for RawModel {
    fn default() -> Self {
        Self {
            card: unwritten(cards::DEFAULT_DETECTOR.to_owned()),
            threads: unwritten(1.0),
            provider: unwritten(ProviderChoice::default()),
            precision: unwritten(Precision::default()),
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
    /// What of that the site says itself, so that no tuning changes it.
    pub given: Given,
    /// The second model, if any.
    pub shadow: Option<Shadow>,
}

impl RawModel {
    pub(crate) fn check(self, check: &mut Check<'_>) -> Option<Model> {
        let card = named_card(check, &self.card);
        let threads = check.number(&self.threads, 1.0..=64.0, "threads");
        let execution = Request { provider: *self.provider.get_ref(), precision: *self.precision.get_ref() };
        // `auto` leaves the provider open, written or not.
        let is_given = execution.provider != ProviderChoice::Auto || !self.precision.span().is_empty();
        let written_threads = threads.filter(|_| !self.threads.span().is_empty());
        let given = Given {
            threads: written_threads.map(|threads| threads as usize),
            execution: is_given.then_some(execution),
        };
        let shadow = self.shadow.and_then(|shadow| shadow.into_inner().check(check));
        Some(Model { card: card?, threads: threads? as usize, execution, given, shadow })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve;
    use crate::source::Source;

    #[test]
    fn what_the_site_writes_itself_is_told_from_what_it_leaves_open() {
        let given = |model: &str| {
            let text = format!("[site]\nid = \"s\"\n[model]\n{model}\n[[camera]]\nid = \"gate\"\nurl = \"a.mp4\"\n");
            resolve(&Source::new("site.toml", text)).unwrap().model.given
        };
        let request = |provider, precision| Some(Request { provider, precision });
        assert_eq!(given(""), Given::default());
        assert_eq!(given("card = \"nanodet-g-416\"\nprovider = \"auto\""), Given::default());
        assert_eq!(given("threads = 1"), Given { threads: Some(1), execution: None });
        let cpu = request(ProviderChoice::Cpu, Precision::Fp32);
        assert_eq!(given("provider = \"cpu\""), Given { threads: None, execution: cpu });
        let bf16 = request(ProviderChoice::Auto, Precision::Bf16);
        assert_eq!(given("precision = \"bf16\""), Given { threads: None, execution: bf16 });
        let fp32 = request(ProviderChoice::Auto, Precision::Fp32);
        assert_eq!(given("precision = \"fp32\""), Given { threads: None, execution: fp32 });
    }
}
