//! `[attributes]`: what is read of subjects, and by which models.

use std::collections::BTreeMap;

use forewarn_domain::AttributeId;
use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) const EXAMPLE: &str = r#"[attributes]
identify = false                 # true reads plates for the evidence: `forewarn models fetch clp-detector clp-reader`
# cards = { hi_vis_vest = "vest.toml" }   # your own models for slots that have none
"#;

/// `[attributes]`: what is read of subjects, and by which models. Nothing of it can be wrong by itself.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Attributes {
    /// Also reads what violations only keep with their evidence, such as plates; needs the models for it.
    pub identify: bool,
    /// The model card that judges an attribute, in place of the built-in one: `{ hi_vis_vest = "vest.toml" }`.
    #[schemars(with = "BTreeMap<String, String>")]
    pub cards: BTreeMap<AttributeId, String>,
}
