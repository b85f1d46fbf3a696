//! `[inference]`: what the models may spend and how closely they look.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::check::{Check, unwritten};

pub(crate) const EXAMPLE: &str = r"[inference]
# budget = 1.5                   # cores for decoding and the models; three quarters of the box if absent
idle_s = 1.0                     # longest time between two looks at a still scene while somebody is tracked
empty_s = 2.0                    # and in which nobody is tracked
";

/// `[inference]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawInference {
    /// Processor time for decoding and for the models, in cores; three quarters of the box if absent.
    #[schemars(with = "Option<f64>")]
    pub budget: Option<Spanned<f64>>,
    /// The same in milliseconds a second, in place of `budget`.
    #[schemars(with = "Option<f64>")]
    pub budget_ms_per_s: Option<Spanned<f64>>,
    /// Longest time between two looks at a still scene while somebody is tracked, in seconds.
    #[schemars(with = "f64")]
    pub idle_s: Spanned<f64>,
    /// Longest time between two looks at a still scene in which nobody is tracked, in seconds.
    #[schemars(with = "f64")]
    pub empty_s: Spanned<f64>,
    /// Look seldom at still scenes in a replay, too.
    pub gate_in_replay: bool,
}

impl Default for RawInference {
    fn default() -> Self {
        Self {
            budget: None,
            budget_ms_per_s: None,
            idle_s: unwritten(1.0),
            empty_s: unwritten(2.0),
            gate_in_replay: false,
        }
    }
}

/// What the models may spend and how closely they look.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Inference {
    /// Cores for decoding and for the models; none for three quarters of the box.
    pub budget: Option<f64>,
    /// Longest time between two looks while somebody is tracked.
    pub idle: Duration,
    /// Longest time between two looks at an empty scene.
    pub empty: Duration,
    /// Whether still scenes are looked at seldom in a replay, too.
    pub is_gated_in_replay: bool,
}

impl RawInference {
    pub(crate) fn check(&self, check: &mut Check<'_>) -> Option<Inference> {
        let budget = match (&self.budget, &self.budget_ms_per_s) {
            (Some(budget), Some(_)) => {
                return check.fail(
                    budget.span(),
                    "both `budget` and `budget_ms_per_s` are given",
                    "keep one; budget = 0.75 is budget_ms_per_s = 750",
                );
            }
            (Some(budget), None) => check.number(budget, 0.05..=256.0, "cores"),
            (None, Some(budget)) => check.number(budget, 50.0..=256_000.0, "milliseconds a second").map(|ms| ms / 1e3),
            (None, None) => None,
        };
        let idle_s = check.number(&self.idle_s, 0.05..=60.0, "seconds");
        let empty_s = check.number(&self.empty_s, 0.05..=60.0, "seconds");
        let (idle_s, empty_s) = (idle_s?, empty_s?);
        if empty_s < idle_s {
            let written = [self.empty_s.span(), self.idle_s.span()].into_iter().find(|span| !span.is_empty());
            return check.fail(
                written.unwrap_or_default(),
                "an empty scene would be looked at more often than one with somebody in it",
                format!("write {idle_s} or more, or lower `idle_s`"),
            );
        }
        Some(Inference {
            budget,
            idle: Duration::from_secs_f64(idle_s),
            empty: Duration::from_secs_f64(empty_s),
            is_gated_in_replay: self.gate_in_replay,
        })
    }
}
