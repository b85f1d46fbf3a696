//! `area_m2` and `ground` of a zone: how many square metres of ground it covers.

use forewarn_analytics::ground::Ground;
use forewarn_domain::zone::{ZoneShape, ZoneUnit};
use forewarn_domain::{Polygon, Zone};
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::check::Check;
use crate::drawing::{Corner, HAIR};

const AREA_M2: std::ops::RangeInclusive<f64> = 0.1..=1e6;
const MEND: &str = "give the corners of a rectangle on the ground in order around, and its size in metres";

/// `ground` of a zone: a rectangle on the ground as the picture shows it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawGround {
    /// Its corners in order around, in the unit of the zone's own points.
    #[schemars(with = "[[f32; 2]; 4]")]
    pub points: Vec<Corner>,
    /// Its size in metres: from the first corner to the second, from the second to the third.
    #[schemars(with = "[f64; 2]")]
    pub size_m: Vec<f64>,
}

/// The area of a zone on the ground, as its `area_m2` or its `ground` states it; none where neither does.
pub(crate) fn area_m2(
    check: &mut Check<'_>,
    area: Option<&Spanned<f64>>,
    ground: Option<&Spanned<RawGround>>,
    zone: &Zone,
) -> Option<f64> {
    let ZoneShape::Polygon(polygon) = &zone.shape else {
        let place = area.map(Spanned::span).or(ground.map(Spanned::span))?;
        return check.fail(place, "a line has no area", "leave it out, or draw a polygon");
    };
    match (area, ground) {
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
    let ([a, b, c, d], [across_m, along_m]) = (&ground.points[..], &ground.size_m[..]) else {
        return Err(("it has four `points` and two numbers in `size_m`", MEND));
    };
    let points = [a, b, c, d].map(|corner| corner.0);
    let is_normalised = points.iter().all(|p| p.x <= 1.0 + HAIR && p.y <= 1.0 + HAIR);
    if is_normalised != (unit == ZoneUnit::Normalised) {
        return Err(("the points are in another unit than the zone's", "write both in the same unit"));
    }
    let map = Ground::new(points, (*across_m, *along_m)).ok_or(("the points are no rectangle on the ground", MEND))?;
    map.area_m2(polygon)
        .filter(|area| AREA_M2.contains(area))
        .ok_or(("the zone reaches to the horizon, or has no area", "draw a smaller zone"))
}

#[cfg(test)]
mod tests {
    use forewarn_domain::{Point, ZoneId};

    use super::*;
    use crate::site::resolve;
    use crate::source::Source;
    use crate::zone::RawZone;

    const HALL: &str = "id = \"hall\"\npolygon = [[0, 0], [1, 0], [1, 1], [0, 1]]\n";
    const GROUND: &str =
        "ground = { points = [[0.25, 0.5], [0.75, 0.5], [0.75, 1.0], [0.25, 1.0]], size_m = [1.2, 1.2] }";

    #[test]
    fn the_area_is_as_stated_or_follows_from_a_rectangle_on_the_ground() {
        let corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)].map(|(x, y)| Point::new(x, y));
        let shape = ZoneShape::Polygon(Polygon { points: corners.to_vec() });
        let hall = Zone { id: ZoneId::new("hall").unwrap(), shape, unit: ZoneUnit::Normalised };
        let area = |keys: &str| {
            let raw: RawZone = toml::from_str(&format!("{HALL}{keys}")).unwrap();
            area_m2(&mut Check::new(&Source::new("site.toml", "")), raw.area_m2.as_ref(), raw.ground.as_ref(), &hall)
        };
        assert_eq!((area("area_m2 = 6"), area("")), (Some(6.0), None));
        assert!(area(GROUND).is_some_and(|area| (area - 5.76).abs() < 0.01), "{:?}", area(GROUND));
    }

    #[test]
    fn a_density_asks_for_the_area_of_its_zone() {
        let check = |keys: &str| {
            let camera = "[site]\nid = \"yard\"\n[[camera]]\nid = \"gate\"\nurl = \"rtsp://cam/1\"\n";
            let rule = "[[camera.rule]]\nviolation = \"crowd_density\"\nzone = \"hall\"\n";
            let text = format!("{camera}[[camera.zone]]\n{HALL}{keys}\n{rule}");
            resolve(&Source::new("site.toml", text)).err().map(|errors| errors.to_string())
        };
        assert_eq!((check("area_m2 = 6"), check(GROUND)), (None, None));
        assert!(check("").is_some_and(|text| text.contains("the area of hall is not known")), "{:?}", check(""));
    }
}
