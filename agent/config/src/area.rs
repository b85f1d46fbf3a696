//! `area_m2` and `ground` of a zone: how many square metres of ground it covers.

use forewarn_analytics::ground::Ground;
use forewarn_domain::zone::{ZoneShape, ZoneUnit};
use forewarn_domain::{Point, Polygon, Zone};
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::check::Check;
use crate::zone::RawZone;

const AREA_M2: std::ops::RangeInclusive<f64> = 0.1..=1e6;
const MEND: &str = "give the corners of a rectangle on the ground in order around, and its size in metres";

/// `ground` of a zone: a rectangle on the ground as the picture shows it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawGround {
    /// Its corners in order around, in the unit of the zone's own points.
    #[schemars(with = "[[f32; 2]; 4]")]
    pub points: [Point; 4],
    /// Its size in metres: from the first corner to the second, from the second to the third.
    pub size_m: [f64; 2],
}

/// The area of a zone on the ground; none where nothing is stated.
pub(crate) fn area_m2(check: &mut Check<'_>, raw: &RawZone, zone: &Zone) -> Option<f64> {
    let ZoneShape::Polygon(polygon) = &zone.shape else {
        let place = raw.area_m2.as_ref().map(Spanned::span).or(raw.ground.as_ref().map(Spanned::span))?;
        return check.fail(place, "a line has no area", "leave it out, or draw a polygon");
    };
    match (&raw.area_m2, &raw.ground) {
        (None, None) => None,
        (Some(area), Some(_)) => check.fail(area.span(), "both `area_m2` and `ground` are given", "keep one of them"),
        (Some(area), None) => check.number(area, AREA_M2, "square metres"),
        (None, Some(ground)) => match of_ground(ground.get_ref(), polygon, zone.unit) {
            Ok(area) => Some(area),
            Err((problem, mend)) => check.fail(ground.span(), problem, mend),
        },
    }
}

/// The area of a polygon by a rectangle on the ground; else what is wrong, and the mend.
fn of_ground(ground: &RawGround, polygon: &Polygon, unit: ZoneUnit) -> Result<f64, (&'static str, &'static str)> {
    let is_normalised = ground.points.iter().all(|p| p.x <= 1.0 && p.y <= 1.0);
    if is_normalised != (unit == ZoneUnit::Normalised) {
        return Err(("the points are in another unit than the zone's", "write both in the same unit"));
    }
    let map = Ground::new(ground.points, (ground.size_m[0], ground.size_m[1]))
        .ok_or(("the points are no rectangle on the ground", MEND))?;
    map.area_m2(polygon)
        .filter(|area| AREA_M2.contains(area))
        .ok_or(("the zone reaches to the horizon, or has no area", "draw a smaller zone"))
}
