//! `tiles` of a camera: how its frames are divided for small subjects.

use std::time::Duration;

use forewarn_engine::tiles::{Grid, MAX_OVERLAP, TileSpec, Tiles};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use toml::Spanned;

use crate::check::Check;

/// A table of `tiles`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawTiles {
    /// Tiles side by side.
    #[schemars(range(min = 1, max = 16))]
    across: Option<u32>,
    /// Tiles one above the other.
    #[schemars(range(min = 1, max = 16))]
    down: Option<u32>,
    /// Least part of a tile that its neighbour shows again.
    #[schemars(range(min = 0, max = 0.5))]
    overlap: Option<f32>,
    /// Larger side of the smallest subjects that matter, in pixels of the picture, instead of `across` and `down`.
    #[schemars(range(min = 4, max = 2000))]
    smallest_px: Option<f32>,
    /// Seconds within which every tile is looked at, as far as the budget allows.
    #[schemars(range(min = 0.1, max = 600))]
    sweep_s: Option<f64>,
}

/// Seconds of a sweep unless the site says otherwise.
const SWEEP_S: f64 = 4.0;

const MEND: &str =
    "write \"off\", \"auto\", { smallest_px = 25 }, or { across = 3, down = 2, overlap = 0.2, sweep_s = 4 }";

/// A word or a table.
pub(crate) fn schema(generator: &mut SchemaGenerator) -> Schema {
    let table = generator.subschema_for::<RawTiles>();
    json_schema!({
        "description": "Overlapping tiles for small subjects.",
        "anyOf": [{ "type": "string", "enum": ["off", "auto"] }, table]
    })
}

/// The smallest people that are looked for from the air before any are tracked, in pixels of the frame: with what that costs it is
/// chosen by the curve of `docs/drone.md`, "Small people".
const FROM_THE_AIR_PX: f32 = 16.0;

/// The tiles that a camera asks for; none if it asks for none, and after a mistake. From the air people are small, so a camera that
/// `flies` has them unless it asks for none.
pub(crate) fn check(check: &mut Check<'_>, raw: Option<&Spanned<toml::Value>>, flies: bool) -> Option<Tiles> {
    let Some(raw) = raw else {
        let sweep = Duration::from_secs_f64(SWEEP_S);
        return flies.then(|| Tiles { spec: TileSpec::default(), sweep, expected_px: Some(FROM_THE_AIR_PX) });
    };
    let table = match raw.get_ref() {
        toml::Value::String(word) if word == "off" => return None,
        toml::Value::String(word) if word == "auto" => RawTiles::default(),
        toml::Value::Table(table) => match table.clone().try_into::<RawTiles>() {
            Ok(table) => table,
            Err(error) => return check.fail(raw.span(), error.message().trim().to_owned(), MEND),
        },
        _ => return check.fail(raw.span(), "this is no way to divide a picture", MEND),
    };
    let grid = match (table.across, table.down) {
        (None, None) => Ok(Grid::Auto),
        (Some(across), Some(down)) => Grid::fixed(across, down),
        _ => return check.fail(raw.span(), "one of `across` and `down` is missing", MEND),
    };
    let grid = match grid {
        Ok(grid) => grid,
        Err(error) => return check.fail(raw.span(), error.to_string(), MEND),
    };
    if table.smallest_px.is_some() && grid != Grid::Auto {
        return check.fail(
            raw.span(),
            "`smallest_px` has no effect beside `across` and `down`",
            "leave one of them out",
        );
    }
    if let Some(smallest_px) = table.smallest_px.filter(|px| !(4.0..=2000.0).contains(px)) {
        let problem = format!("subjects of {smallest_px} pixels cannot be sought");
        return check.fail(raw.span(), problem, "write 4 to 2000 pixels of the picture");
    }
    let overlap = table.overlap.unwrap_or(TileSpec::default().overlap);
    if !(0.0..=MAX_OVERLAP).contains(&overlap) {
        let problem = format!("an overlap of {overlap} cannot be");
        return check.fail(raw.span(), problem, format!("write 0 to {MAX_OVERLAP}"));
    }
    let sweep_s = table.sweep_s.unwrap_or(SWEEP_S);
    if !(0.1..=600.0).contains(&sweep_s) {
        return check.fail(raw.span(), format!("a sweep of {sweep_s} s cannot be"), "write 0.1 to 600 seconds");
    }
    Some(Tiles {
        spec: TileSpec { grid, overlap, smallest_px: table.smallest_px },
        sweep: Duration::from_secs_f64(sweep_s),
        expected_px: flies.then_some(FROM_THE_AIR_PX),
    })
}
