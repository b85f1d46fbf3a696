//! How many square metres of ground a zone covers, as the site file states it.

use std::ops::Range;

use forewarn_analytics::ground::Ground;
use forewarn_domain::Zone;
use forewarn_domain::zone::{ZoneShape, ZoneUnit};

use super::raw::RawZone;

/// What is wrong, where, and the mend.
pub(crate) struct AreaError {
    pub(crate) place: Range<usize>,
    pub(crate) problem: String,
    pub(crate) mend: &'static str,
}

const MEND: &str = "give the corners of a rectangle on the ground in order around, and its size in metres";

/// The area of a zone on the ground; none where nothing is stated.
pub(crate) fn area_m2(raw: &RawZone, zone: &Zone) -> Result<Option<f64>, AreaError> {
    let ZoneShape::Polygon(polygon) = &zone.shape else { return refuse_for_line(raw) };
    match (&raw.area_m2, &raw.ground) {
        (None, None) => Ok(None),
        (Some(area), Some(_)) => Err(AreaError {
            place: area.span(),
            problem: "both `area_m2` and `ground` are given".to_owned(),
            mend: "keep one of them",
        }),
        (Some(area), None) if (0.1..=1e6).contains(area.get_ref()) => Ok(Some(*area.get_ref())),
        (Some(area), None) => Err(AreaError {
            place: area.span(),
            problem: format!("{} is out of range", area.get_ref()),
            mend: "write 0.1 to 1000000 square metres",
        }),
        (None, Some(spanned)) => {
            let error = |problem: &str, mend| AreaError { place: spanned.span(), problem: problem.to_owned(), mend };
            let ground = spanned.get_ref();
            let is_normalised = ground.points.iter().all(|p| p.x <= 1.0 && p.y <= 1.0);
            if is_normalised != (zone.unit == ZoneUnit::Normalised) {
                return Err(error("the points are in another unit than the zone's", "write both in the same unit"));
            }
            let map = Ground::new(ground.points, (ground.size_m[0], ground.size_m[1]))
                .ok_or_else(|| error("the points are no rectangle on the ground", MEND))?;
            let area = map.area_m2(polygon).filter(|area| (0.1..=1e6).contains(area));
            area.map(Some)
                .ok_or_else(|| error("the zone reaches to the horizon, or has no area", "draw a smaller zone"))
        }
    }
}

fn refuse_for_line(raw: &RawZone) -> Result<Option<f64>, AreaError> {
    let place = raw.area_m2.as_ref().map(toml::Spanned::span).or(raw.ground.as_ref().map(toml::Spanned::span));
    place.map_or(Ok(None), |place| {
        Err(AreaError { place, problem: "a line has no area".to_owned(), mend: "leave it out, or draw a polygon" })
    })
}
