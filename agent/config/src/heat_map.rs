//! `[heat_map]`: keeps where people stay.

use forewarn_domain::Class;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::check::{Check, unwritten};

/// `[heat_map]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawHeatMap {
    /// Classes whose foot points count.
    #[schemars(with = "Vec<String>")]
    pub classes: Spanned<Vec<Class>>,
}

impl Default for RawHeatMap {
    fn default() -> Self {
        Self { classes: unwritten(vec![Class::new("person")]) }
    }
}

/// What heat maps count.
#[derive(Debug, Clone)]
pub struct HeatMap {
    /// The classes.
    pub classes: Vec<Class>,
}

impl RawHeatMap {
    /// `known` are the classes of the model; none where there is no model.
    pub(crate) fn check(self, check: &mut Check<'_>, known: &[Class]) -> Option<HeatMap> {
        let place = self.classes.span();
        let classes = self.classes.into_inner();
        if classes.is_empty() {
            return check.fail(place, "no class is named", "write classes of the model, such as [\"person\"]");
        }
        for class in classes.iter().filter(|_| !known.is_empty()) {
            let names = known.iter().map(Class::as_str);
            let problem = format!("the model has no class `{class}`");
            check.named(place.clone(), class.as_str(), names, problem, "write a class of the model's card")?;
        }
        Some(HeatMap { classes })
    }
}
