//! The map of a flight: north is up, everything to scale, drawn in the page itself.

use forewarn_domain::Fix;
use forewarn_dossier::{Html, Say};
use forewarn_ground::coverage::Coverage;

use crate::flown::{BANDS, Flown};
use crate::found::Found;
use crate::log::Person;
use crate::people::Count;

/// The width of the drawing, in its own units.
const WIDTH: f64 = 1000.0;
const MARGIN: f64 = 30.0;
/// The drawing is no higher and no lower than so many times its width.
const HEIGHTS: (f64, f64) = (0.35, 1.2);
/// Lengths of the bar that tells the scale, in metres.
const BARS_M: [f64; 10] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0];

/// From metres east and north to the drawing.
struct Scale {
    west: f64,
    north: f64,
    per_m: f64,
    height: f64,
}

impl Scale {
    /// The scale by which all points are in the drawing.
    fn of(points: &[(f64, f64)]) -> Option<Self> {
        let span = |of: fn(&(f64, f64)) -> f64| {
            points.iter().map(of).filter(|m| m.is_finite()).fold(None, |span: Option<(f64, f64)>, m| {
                Some(span.map_or((m, m), |(low, high)| (low.min(m), high.max(m))))
            })
        };
        let ((west, east), (south, north)) = (span(|p| p.0)?, span(|p| p.1)?);
        let (wide, high) = ((east - west).max(1.0), (north - south).max(1.0));
        let room = WIDTH - 2.0 * MARGIN;
        let per_m = (room / wide).min((WIDTH * HEIGHTS.1 - 2.0 * MARGIN) / high);
        let height = (high * per_m + 2.0 * MARGIN).max(WIDTH * HEIGHTS.0);
        // What leaves room stands in the middle.
        let (spare_x, spare_y) = ((room / per_m - wide) / 2.0, ((height - 2.0 * MARGIN) / per_m - high) / 2.0);
        Some(Self { west: west - spare_x, north: north + spare_y, per_m, height })
    }

    fn x(&self, east: f64) -> f32 {
        (MARGIN + (east - self.west) * self.per_m) as f32
    }

    fn y(&self, north: f64) -> f32 {
        (MARGIN + (self.north - north) * self.per_m) as f32
    }
}

/// Draws the map; nothing where no ground was seen.
pub(crate) fn write(page: &mut Html, say: Say, flown: &Flown, (people, count): (&[Person], &Count), found: &[Found]) {
    let Some(coverage) = &flown.coverage else { return };
    let local = |[lon, lat]: &[f64; 2]| coverage.local(*lat, *lon);
    let bands: Vec<Vec<Vec<(f64, f64)>>> = BANDS
        .iter()
        .map(|band| {
            coverage
                .areas(band.from_m, band.below_m)
                .iter()
                .flatten()
                .map(|ring| ring.iter().map(local).collect())
                .collect()
        })
        .collect();
    let ways: Vec<Vec<(f64, f64)>> = flown.ways.iter().map(|way| way.iter().map(local).collect()).collect();
    let places: Vec<(f64, f64)> = bands.iter().flatten().flatten().chain(ways.iter().flatten()).copied().collect();
    let Some(scale) = Scale::of(&places) else { return };
    page.raw("<svg class=\"map\" role=\"img\" viewBox=\"0 0 ")
        .number(WIDTH as f32)
        .raw(" ")
        .number(scale.height as f32);
    page.raw("\"><title>").text(say.pick("Map of the flight, north is up", "飞行地图，上方为北")).raw("</title>\n");
    for (number, rings) in bands.iter().enumerate().filter(|(_, rings)| !rings.is_empty()) {
        page.raw("<path class=\"band").text(&number.to_string()).raw("\" d=\"");
        for ring in rings {
            line(page, &scale, ring);
            page.raw("Z");
        }
        page.raw("\"/>\n");
    }
    for way in &ways {
        page.raw("<path class=\"way\" d=\"");
        line(page, &scale, way);
        page.raw("\"/>\n");
        if let [(east, north)] | [.., (east, north)] = way.as_slice() {
            page.raw("<circle class=\"drone\" r=\"6\" cx=\"")
                .number(scale.x(*east))
                .raw("\" cy=\"")
                .number(scale.y(*north));
            page.raw("\"/>\n");
        }
    }
    let person = |chain: &Vec<usize>| chain.iter().find_map(|piece| people.get(*piece)?.from);
    for fix in count.people.iter().filter_map(person) {
        let (x, y) = at(&scale, coverage, &fix);
        page.raw("<circle class=\"person\" r=\"5\" cx=\"").number(x).raw("\" cy=\"").number(y).raw("\"/>\n");
    }
    for (number, fix) in found.iter().enumerate().filter_map(|(n, one)| Some((n + 1, one.fix?))) {
        let (x, y) = at(&scale, coverage, &fix);
        let (rx, ry) = (fix.ellipse.minor_m * scale.per_m, fix.ellipse.major_m * scale.per_m);
        page.raw("<ellipse class=\"within\" cx=\"")
            .number(x)
            .raw("\" cy=\"")
            .number(y)
            .raw("\" rx=\"")
            .number(rx as f32);
        page.raw("\" ry=\"").number(ry as f32).raw("\" transform=\"rotate(").number(fix.ellipse.bearing_deg as f32);
        page.raw(" ")
            .number(x)
            .raw(" ")
            .number(y)
            .raw(")\"/>\n<circle class=\"found\" r=\"14\" cx=\"")
            .number(x)
            .raw("\" cy=\"");
        page.number(y).raw("\"/><text class=\"number\" x=\"").number(x).raw("\" y=\"").number(y + 6.0).raw("\">");
        page.text(&number.to_string()).raw("</text>\n");
    }
    bar(page, &scale);
    page.raw("</svg>\n");
}

fn at(scale: &Scale, coverage: &Coverage, fix: &Fix) -> (f32, f32) {
    let (east, north) = coverage.local(fix.lat_deg, fix.lon_deg);
    (scale.x(east), scale.y(north))
}

fn line(page: &mut Html, scale: &Scale, points: &[(f64, f64)]) {
    for (number, (east, north)) in points.iter().enumerate() {
        page.raw(if number == 0 { "M" } else { "L" }).number(scale.x(*east)).raw(" ").number(scale.y(*north));
    }
}

/// How long so many metres are, and where north is.
fn bar(page: &mut Html, scale: &Scale) {
    let fits = |m: &&f64| **m * scale.per_m <= WIDTH / 4.0;
    let long_m = BARS_M.iter().rfind(fits).copied().unwrap_or(BARS_M[0]);
    let (x, y, end) = (MARGIN as f32, (scale.height - 12.0) as f32, (MARGIN + long_m * scale.per_m) as f32);
    page.raw("<path class=\"bar\" d=\"M")
        .number(x)
        .raw(" ")
        .number(y)
        .raw("L")
        .number(end)
        .raw(" ")
        .number(y)
        .raw("\"/>");
    page.raw("<text class=\"scale\" x=\"").number(x).raw("\" y=\"").number(y - 6.0).raw("\">");
    page.text(&format!("{long_m} m")).raw("</text>\n<path class=\"north\" d=\"M970 16L978 44L970 38L962 44Z\"/>");
    page.raw("<text class=\"scale north-name\" x=\"970\" y=\"60\">N</text>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_in_the_drawing_to_one_scale_with_north_up() {
        let scale = Scale::of(&[(0.0, 0.0), (200.0, 50.0)]).unwrap();
        assert!(scale.x(0.0) >= 29.0 && scale.x(200.0) <= 971.0);
        assert!(scale.y(50.0) < scale.y(0.0) && f64::from(scale.y(0.0)) <= scale.height - MARGIN + 1.0);
        assert!(((scale.x(10.0) - scale.x(0.0)) - (scale.y(0.0) - scale.y(10.0))).abs() < 1e-3);
        let tall = Scale::of(&[(0.0, 0.0), (5.0, 900.0)]).unwrap();
        assert!(tall.height <= WIDTH * HEIGHTS.1 + 1.0 && f64::from(tall.y(0.0)) <= tall.height);
        assert!(Scale::of(&[]).is_none() && Scale::of(&[(f64::NAN, 0.0)]).is_none());
    }
}
