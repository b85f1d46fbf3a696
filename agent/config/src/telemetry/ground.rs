//! The ground below a flight: level, or with the heights of a file.

use std::sync::Arc;

use forewarn_ground::{Ground, geotiff};

use super::RawTelemetry;
use crate::check::Check;

/// What the site says of it.
pub(super) fn check(check: &mut Check<'_>, raw: &RawTelemetry, ground_m: Option<f64>) -> Option<Ground> {
    let Some(file) = &raw.terrain else { return ground_m.map(Ground::level) };
    let path = check.path(file.get_ref());
    let read = std::fs::read(&path).map_err(|error| (error.to_string(), "name a GeoTIFF of the heights".to_owned()));
    let added_m = ground_m?;
    match read.and_then(|bytes| geotiff::read(&bytes, added_m).map_err(|error| told(&error))) {
        Ok(grid) => Some(Ground::Rough(Arc::new(grid))),
        Err((problem, mend)) => check.fail(file.span(), format!("{}: {problem}", path.display()), mend),
    }
}

/// An error's text up to the colon behind which it says what to do, and that.
fn told(error: &geotiff::GeoTiffError) -> (String, String) {
    let text = error.to_string();
    let (problem, mend) = text.rsplit_once(": ").unwrap_or((&text, "name another file"));
    (problem.to_owned(), mend.to_owned())
}
