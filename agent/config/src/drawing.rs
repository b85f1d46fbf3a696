//! The points of a zone as people draw them: in which unit they are, and whether anything can be inside.

use forewarn_domain::zone::ZoneUnit;
use forewarn_domain::{Point, Polygon};
use forewarn_ground::Crossing;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::check::Check;

/// How far a point that was dragged over the picture's border may lie beyond it, as a part of the picture.
pub(crate) const HAIR: f32 = 0.1;
/// No zone in pixels has all its points so near to the top left corner.
const LEAST_PX: f32 = 2.0;
/// No camera has more pixels across or down.
const MOST_PX: f32 = 65_536.0;
/// Numbers up to this, one of them near it, may be per cent.
const PER_CENT: f32 = 100.0;

/// Unit of coordinates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawUnit {
    /// 0 to 1 over the picture.
    Normalised,
    /// Pixels of the full frame.
    Pixel,
}

/// A point as it is written, `[x, y]`.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "Vec<f32>")]
pub struct Corner(pub Point);

impl TryFrom<Vec<f32>> for Corner {
    type Error = String;

    fn try_from(numbers: Vec<f32>) -> Result<Self, String> {
        match numbers[..] {
            [x, y] => Ok(Self(Point::new(x, y))),
            _ => Err(format!("a point has two numbers, `[x, y]`, and this one has {}", numbers.len())),
        }
    }
}

/// What is wrong, and the mend.
pub(crate) type Flaw = (String, String);

/// Points that a zone can be made of.
#[derive(Debug, PartialEq)]
pub(crate) struct Drawing {
    pub(crate) points: Vec<Point>,
    pub(crate) unit: ZoneUnit,
    /// What is hardly meant, though it works.
    pub(crate) doubts: Vec<Flaw>,
}

/// Reads the corners of an area, or the points of a line, in the unit that is stated or that they suggest.
pub(crate) fn read(points: &[Point], is_area: bool, unit: Option<RawUnit>) -> Result<Drawing, Flaw> {
    let flaw = |problem: &str, mend: &str| Err((problem.to_owned(), mend.to_owned()));
    let mut drawing = Drawing { points: points.to_vec(), unit: unit_of(points, unit)?, doubts: Vec::new() };
    if drawing.unit == ZoneUnit::Normalised {
        drawing.cut_off();
    }
    drawing.doubts.extend((unit.is_none() && drawing.unit == ZoneUnit::Pixel).then(|| per_cent(points)).flatten());
    // The area of two pixels of a picture of 1080 rows.
    let least = if drawing.unit == ZoneUnit::Normalised { 1e-6 } else { 2.0 };
    let (length, width) = extent(&drawing.points);
    if !is_area {
        let is_point = length * length < least;
        return if is_point {
            flaw("its points are one, so nothing can cross it", "draw a longer line")
        } else {
            Ok(drawing)
        };
    }
    if length * width < least {
        return flaw(
            "its corners lie on one line or point, so it has no area",
            "give three corners or more around an area",
        );
    }
    drawing.doubts.extend(crossing(&drawing.points));
    Ok(drawing)
}

/// An area of a camera's picture of which no part may count as outside: what it is, and what such a part `(what, would_not)`. The camera
/// may have two streams.
pub(crate) fn closed_area(
    check: &mut Check<'_>,
    corners: &Spanned<Vec<Corner>>,
    unit: Option<RawUnit>,
    has_two_streams: bool,
    (what, would_not): (&str, &str),
) -> Option<(Polygon, ZoneUnit)> {
    let place = corners.span();
    let points: Vec<Point> = corners.get_ref().iter().map(|corner| corner.0).collect();
    if points.len() < 3 {
        let problem = format!("{} points are too few", points.len());
        return check.fail(place, problem, "give 3 or more");
    }
    if let Some((problem, mend)) = crossing(&points) {
        return check.fail(place, problem.replace("counts as outside", would_not), mend);
    }
    let drawing = match read(&points, true, unit) {
        Ok(drawing) => drawing,
        Err((problem, mend)) => return check.fail(place, problem, mend),
    };
    for (problem, mend) in drawing.doubts {
        check.doubt(place.clone(), problem, mend);
    }
    if has_two_streams && drawing.unit == ZoneUnit::Pixel {
        let problem = format!("{what} in pixels says nothing where two streams differ in size");
        return check.fail(place, problem, "write its points from 0 to 1 over width and height");
    }
    Some((Polygon::new(drawing.points), drawing.unit))
}

fn unit_of(points: &[Point], unit: Option<RawUnit>) -> Result<ZoneUnit, Flaw> {
    let flaw = |problem: &str, mend: &str| Err((problem.to_owned(), mend.to_owned()));
    let coordinates = || points.iter().flat_map(|p| [p.x, p.y]);
    if !coordinates().all(f32::is_finite) {
        return flaw("a coordinate is no number", "coordinates count from the top left corner");
    }
    let (least, most) = coordinates().fold((0.0_f32, 0.0_f32), |(least, most), c| (least.min(c), most.max(c)));
    let is_normalised = least >= -HAIR && most <= 1.0 + HAIR;
    match unit {
        Some(RawUnit::Normalised) | None if is_normalised => return Ok(ZoneUnit::Normalised),
        Some(RawUnit::Normalised) => {
            let what = if least < -HAIR { "negative" } else { "above 1" };
            return flaw(
                &format!("a normalised coordinate is {what}"),
                "divide by the picture's size, or set `unit = \"pixel\"`",
            );
        }
        Some(RawUnit::Pixel) | None => {}
    }
    if least < 0.0 {
        return flaw("a coordinate is negative", "coordinates count from the top left corner");
    }
    if most <= LEAST_PX {
        return flaw(
            "all its points lie within two pixels of the top left corner, where nothing can be seen",
            "write parts of the picture from 0 to 1, or pixels of the camera's own picture",
        );
    }
    if most > MOST_PX {
        return flaw(
            &format!("a coordinate of {most} pixels lies beyond every picture"),
            "write parts of the picture from 0 to 1, or pixels of the camera's own picture",
        );
    }
    let is_part = |c: f32| c > 0.0 && c < 1.0;
    let is_whole = |c: f32| c.fract() == 0.0;
    let is_of_parts = |p: &Point| p.x <= 1.0 && p.y <= 1.0 && (is_part(p.x) || is_part(p.y));
    let is_one_odd = || coordinates().any(is_part) && coordinates().all(|c| is_part(c) || is_whole(c));
    if points.iter().any(is_of_parts) || is_one_odd() {
        return flaw(
            "some coordinates are parts of the picture and others are pixels",
            "write all of them from 0 to 1, or all in pixels of the camera's own picture",
        );
    }
    Ok(ZoneUnit::Pixel)
}

impl Drawing {
    /// Cuts points off at the picture's border that lie a hair beyond it.
    fn cut_off(&mut self) {
        let inside = |p: &Point| Point::new(p.x.clamp(0.0, 1.0), p.y.clamp(0.0, 1.0));
        let n_beyond = self.points.iter().filter(|p| inside(p) != **p).count();
        if n_beyond > 0 {
            self.points.iter_mut().for_each(|p| *p = inside(p));
            let problem = format!("{n_beyond} of its points lie beyond the picture's border and are cut off there");
            self.doubts.push((problem, "write coordinates from 0 to 1".to_owned()));
        }
    }
}

/// Numbers that reach no farther than 100 are rarely pixels.
fn per_cent(points: &[Point]) -> Option<Flaw> {
    let is_near = points.iter().all(|p| p.x <= PER_CENT && p.y <= PER_CENT);
    let mend = "write parts of the picture from 0 to 1; where pixels are meant say `unit = \"pixel\"`";
    is_near.then(|| {
        let problem =
            "its points are taken for pixels, and all lie within 100 of the top left corner; are they per cent?";
        (problem.to_owned(), mend.to_owned())
    })
}

/// How long the points reach, and how wide across that.
fn extent(points: &[Point]) -> (f64, f64) {
    let far = |from: Point| points.iter().copied().max_by(|a, b| span(from, *a).total_cmp(&span(from, *b)));
    let Some((a, b)) = points.first().and_then(|first| far(*first)).and_then(|a| Some((a, far(a)?))) else {
        return (0.0, 0.0);
    };
    let length = span(a, b);
    let across = points.iter().map(|p| (turn(a, b, *p) / length.max(f64::MIN_POSITIVE)).abs());
    (length, across.fold(0.0, f64::max))
}

fn span(a: Point, b: Point) -> f64 {
    f64::from(a.x - b.x).hypot(f64::from(a.y - b.y))
}

/// Twice the area of a triangle; its sign says on which side of the line from `a` to `b` the point lies.
fn turn(a: Point, b: Point, p: Point) -> f64 {
    let (a, b, p) =
        ((f64::from(a.x), f64::from(a.y)), (f64::from(b.x), f64::from(b.y)), (f64::from(p.x), f64::from(p.y)));
    (b.0 - a.0) * (p.1 - a.1) - (b.1 - a.1) * (p.0 - a.0)
}

/// The first two edges that cross, by which a part of the area counts as outside.
fn crossing(points: &[Point]) -> Option<Flaw> {
    let corners: Vec<[f64; 2]> = points.iter().map(|point| [point.x.into(), point.y.into()]).collect();
    forewarn_ground::crossing(&corners).map(crossed)
}

/// What is wrong with an area whose edges cross, and the mend.
pub(crate) fn crossed(Crossing { one, other, corners }: Crossing) -> Flaw {
    let problem = format!(
        "its edges behind corner {} and corner {} cross, so a part of it counts as outside",
        one + 1,
        other + 1
    );
    let mend = if corners == 4 {
        format!("exchange corners {} and {}", one + 2, one + 3)
    } else {
        "write the corners in order around the area".to_owned()
    };
    (problem, mend)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(text: &[(f32, f32)]) -> Vec<Point> {
        text.iter().map(|(x, y)| Point::new(*x, *y)).collect()
    }

    fn area(corners: &[(f32, f32)]) -> Result<Drawing, Flaw> {
        read(&points(corners), true, None)
    }

    #[test]
    fn good_zones_are_told_nothing_of() {
        for (corners, unit) in [
            (vec![(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)], ZoneUnit::Normalised),
            (vec![(0.5, 0.5), (0.51, 0.5), (0.51, 0.51)], ZoneUnit::Normalised),
            (vec![(10.0, 10.0), (600.0, 10.0), (600.0, 300.0)], ZoneUnit::Pixel),
            (vec![(0.0, 0.0), (1.0, 300.0), (640.0, 300.0)], ZoneUnit::Pixel),
            // Pixels of a drawing tool that counts in parts of them.
            (vec![(0.4, 12.3), (600.2, 10.7), (610.8, 300.5)], ZoneUnit::Pixel),
            // A keyhole touches itself and crosses nothing.
            (
                vec![(0.0, 0.0), (0.5, 0.0), (0.5, 0.5), (0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)],
                ZoneUnit::Normalised,
            ),
        ] {
            let expected = Drawing { points: points(&corners), unit, doubts: Vec::new() };
            assert_eq!(area(&corners), Ok(expected));
        }
    }

    #[test]
    fn a_hair_beyond_the_border_is_cut_off_and_told() {
        for (corner, cut) in [((1.02, 0.5), (1.0, 0.5)), ((1.000_000_1, 0.5), (1.0, 0.5)), ((0.5, -0.03), (0.5, 0.0))] {
            let drawing = area(&[(0.1, 0.1), corner, (0.9, 0.9)]).unwrap();
            assert_eq!((drawing.unit, drawing.points[1]), (ZoneUnit::Normalised, Point::new(cut.0, cut.1)));
            assert!(drawing.doubts[0].0.starts_with("1 of its points lie beyond"), "{:?}", drawing.doubts);
        }
    }

    #[test]
    fn what_can_be_no_zone_says_why() {
        for (corners, says) in [
            (vec![(5.0, 5.0), (95.0, 0.05), (0.95, 0.95)], "others are pixels"),
            (vec![(5.0, 5.0), (95.0, 0.05), (90.0, 95.0)], "others are pixels"),
            (vec![(0.0, 0.0), (2.0, 0.0), (2.0, 1.5)], "two pixels of the top left"),
            (vec![(0.1, 0.1), (0.5, 0.5), (0.9, 0.9)], "no area"),
            (vec![(0.5, 0.5), (0.5, 0.5), (0.5, 0.5)], "no area"),
            (vec![(10.0, 10.0), (300.0, 10.0), (600.0, 10.0)], "no area"),
            (vec![(-40.0, 10.0), (600.0, 10.0), (600.0, 300.0)], "negative"),
            (vec![(f32::NAN, 0.0), (1.0, 0.0), (1.0, 1.0)], "no number"),
            (vec![(1e9, 10.0), (600.0, 10.0), (600.0, 300.0)], "beyond every picture"),
        ] {
            let (problem, mend) = area(&corners).unwrap_err();
            assert!(problem.contains(says) && !mend.is_empty(), "{corners:?}: {problem}");
        }
        let line = |ends: &[(f32, f32)]| read(&points(ends), false, None);
        assert!(line(&[(0.5, 0.5), (0.5, 0.5)]).unwrap_err().0.contains("points are one"));
        assert!(line(&[(0.1, 0.5), (1.04, 0.5)]).unwrap().doubts.len() == 1);
        let stated = |unit| read(&points(&[(0.1, 0.1), (0.9, 0.1), (0.9, 0.9)]), true, Some(unit));
        assert!(stated(RawUnit::Pixel).unwrap_err().0.contains("two pixels") && stated(RawUnit::Normalised).is_ok());
    }

    #[test]
    fn what_may_be_per_cent_is_told() {
        let corners = points(&[(10.0, 10.0), (90.0, 10.0), (90.0, 95.0)]);
        let doubts = |unit| read(&corners, true, unit).unwrap().doubts;
        assert!(doubts(None)[0].0.contains("per cent"), "{:?}", doubts(None));
        assert_eq!(doubts(Some(RawUnit::Pixel)), []);
    }

    #[test]
    fn crossing_edges_are_told_with_the_corners_to_exchange() {
        for (corners, mend) in [
            (vec![(0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0)], "exchange corners 2 and 3"),
            (vec![(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)], "exchange corners 3 and 4"),
            (
                vec![(0.5, 0.0), (0.8, 0.9), (0.0, 0.3), (1.0, 0.3), (0.2, 0.9)],
                "write the corners in order around the area",
            ),
        ] {
            let drawing = area(&corners).unwrap();
            let last = drawing.doubts.last().unwrap();
            assert_eq!((last.0.contains("counts as outside"), last.1.as_str()), (true, mend), "{corners:?}");
        }
    }
}
