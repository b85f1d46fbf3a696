//! What the models may spend and how closely they look: `[inference]` and the keys of a camera that go with it.

use std::time::Duration;

use forewarn_models::TileSpec;
use forewarn_models::tiles::{Grid, MAX_OVERLAP, TileSpecError};
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use super::resolve::Resolver;

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
        let number = |value| Spanned::new(0..0, value);
        Self { budget: None, budget_ms_per_s: None, idle_s: number(1.0), empty_s: number(2.0), gate_in_replay: false }
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

/// How a camera's frames are divided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tiles {
    /// The grid.
    pub spec: TileSpec,
    /// Time within which every tile is looked at, as far as the budget allows.
    pub sweep: Duration,
}

/// What a camera says of tiles.
#[derive(Debug, Clone, Copy)]
pub(super) enum TileChoice {
    Off,
    On(Tiles),
}

impl TileChoice {
    pub(super) fn tiles(self) -> Option<Tiles> {
        match self {
            Self::Off => None,
            Self::On(tiles) => Some(tiles),
        }
    }
}

/// A table of `tiles`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTileTable {
    across: Option<u32>,
    down: Option<u32>,
    overlap: Option<f32>,
    sweep_s: Option<f64>,
}

/// Seconds of a sweep unless the site says otherwise.
const SWEEP_S: f64 = 4.0;

impl Resolver<'_> {
    pub(super) fn inference(&mut self, raw: &RawInference) -> Option<Inference> {
        let budget = match (&raw.budget, &raw.budget_ms_per_s) {
            (Some(budget), Some(_)) => {
                return self.fail(
                    budget.span(),
                    "both `budget` and `budget_ms_per_s` are given",
                    "keep one; budget = 0.75 is budget_ms_per_s = 750",
                );
            }
            (Some(budget), None) => Some(self.number(budget, 0.05, 256.0, "cores")),
            (None, Some(budget)) => {
                Some(self.number(budget, 50.0, 256_000.0, "milliseconds a second").map(|ms| ms / 1e3))
            }
            (None, None) => None,
        };
        let idle_s = self.number(&raw.idle_s, 0.05, 60.0, "seconds");
        let empty_s = self.number(&raw.empty_s, 0.05, 60.0, "seconds");
        let (idle_s, empty_s) = (idle_s?, empty_s?);
        if empty_s < idle_s {
            let written = [raw.empty_s.span(), raw.idle_s.span()].into_iter().find(|span| !span.is_empty());
            return self.fail(
                written.unwrap_or_default(),
                "an empty scene would be looked at more often than one with somebody in it",
                format!("write {idle_s} or more, or lower `idle_s`"),
            );
        }
        Some(Inference {
            budget: budget.map_or(Some(None), |budget| budget.map(Some))?,
            idle: Duration::from_secs_f64(idle_s),
            empty: Duration::from_secs_f64(empty_s),
            is_gated_in_replay: raw.gate_in_replay,
        })
    }

    /// `tiles` of a camera; none after a mistake.
    pub(super) fn tiles(&mut self, raw: Option<&Spanned<toml::Value>>) -> Option<TileChoice> {
        const MEND: &str = "write \"off\", \"auto\", or { across = 3, down = 2, overlap = 0.2, sweep_s = 4 }";
        let Some(raw) = raw else { return Some(TileChoice::Off) };
        let table = match raw.get_ref() {
            toml::Value::String(word) if word == "off" => return Some(TileChoice::Off),
            toml::Value::String(word) if word == "auto" => {
                RawTileTable { across: None, down: None, overlap: None, sweep_s: None }
            }
            toml::Value::Table(table) => match table.clone().try_into::<RawTileTable>() {
                Ok(table) => table,
                Err(error) => return self.fail(raw.span(), error.message().trim().to_owned(), MEND),
            },
            _ => return self.fail(raw.span(), "this is no way to divide a picture", MEND),
        };
        let grid = match (table.across, table.down) {
            (None, None) => Ok(Grid::Auto),
            (Some(across), Some(down)) => Grid::fixed(across, down),
            _ => return self.fail(raw.span(), "one of `across` and `down` is missing", MEND),
        };
        let grid = match grid {
            Ok(grid) => grid,
            Err(error @ (TileSpecError::Count { .. } | TileSpecError::Form { .. })) => {
                return self.fail(raw.span(), error.to_string(), MEND);
            }
        };
        let overlap = table.overlap.unwrap_or(TileSpec::default().overlap);
        if !(0.0..=MAX_OVERLAP).contains(&overlap) {
            return self.fail(
                raw.span(),
                format!("an overlap of {overlap} cannot be"),
                format!("write 0 to {MAX_OVERLAP}"),
            );
        }
        let sweep_s = table.sweep_s.unwrap_or(SWEEP_S);
        if !(0.1..=600.0).contains(&sweep_s) {
            return self.fail(raw.span(), format!("a sweep of {sweep_s} s cannot be"), "write 0.1 to 600 seconds");
        }
        Some(TileChoice::On(Tiles { spec: TileSpec { grid, overlap }, sweep: Duration::from_secs_f64(sweep_s) }))
    }
}
