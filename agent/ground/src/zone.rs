//! Areas on the ground, from GeoJSON, and how they lie in a picture.
//!
//! A ground zone is laid into each frame as a polygon in pixels, so that whatever is asked of a zone in the picture holds
//! for it too. Its edges are divided before, because a lens bends them and a terrain breaks them; what is behind the camera
//! is cut away. Holes and further parts hang on one closed line that runs to each of them and back: by the even-odd rule
//! such a line holds just what the parts hold.

use forewarn_domain::{Point, Polygon};
use geojson::{FeatureCollection, GeoJson, GeometryValue};
use glam::DVec3;

use crate::flight::{Position, local};
use crate::shot::Shot;
use crate::terrain::Terrain;

/// Into how many pieces an edge is divided at least, and how long a piece is at most.
const LEAST_PIECES: usize = 4;
const MOST_PIECES: usize = 64;
const PIECE_M: f64 = 10.0;
/// Metres of a degree of latitude, near enough for the length of a piece.
const DEGREE_M: f64 = 111_000.0;
/// Nothing nearer to the camera is drawn, in metres.
const NEAR_M: f64 = 0.1;
/// How far beyond the edges of the picture a zone is still drawn, in parts of it.
const MARGIN: f64 = 1.5;
/// More corners than this are no zone that anybody drew.
const MOST_CORNERS: usize = 4_096;

/// An area on the ground.
#[derive(Debug, Clone, PartialEq)]
pub struct GroundZone {
    /// The closed line around its parts and holes, as latitude and longitude in degrees.
    corners: Vec<(f64, f64)>,
    /// Its parts without its holes, in square metres.
    area_m2: f64,
    /// The first two of its edges that cross.
    crossing: Option<Crossing>,
}

/// Two edges of a closed line that cross, each by the corner before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crossing {
    /// The corner before the one, from 0.
    pub one: usize,
    /// The corner before the other.
    pub other: usize,
    /// How many corners the line has.
    pub corners: usize,
}

/// The first two edges of a closed line that cross. Edges that touch do not.
pub fn crossing(corners: &[[f64; 2]]) -> Option<Crossing> {
    let n = corners.len();
    let edge = |i: usize| (corners[i], corners[(i + 1) % n]);
    let turn = |a: [f64; 2], b: [f64; 2], c: [f64; 2]| (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
    let crosses = |(a, b), (c, d)| turn(a, b, c) * turn(a, b, d) < 0.0 && turn(c, d, a) * turn(c, d, b) < 0.0;
    let pairs = (0..n).flat_map(|i| (i + 2..n).map(move |j| (i, j))).filter(|(i, j)| (j + 1) % n != *i);
    let (one, other) = pairs.into_iter().find(|(i, j)| crosses(edge(*i), edge(*j)))?;
    Some(Crossing { one, other, corners: n })
}

/// Why there is no zone.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ZoneError {
    /// It is no GeoJSON.
    #[error("it is no GeoJSON: {0}; write a Polygon, a MultiPolygon, or features of them, as RFC 7946 says")]
    Unreadable(String),
    /// Nothing in it is an area.
    #[error("it holds no Polygon or MultiPolygon: draw an area, not points or lines")]
    NoArea,
    /// The feature that is asked for is not there.
    #[error("it has no feature with id or property name \"{name}\"; it has {}", if .known.is_empty() { "none with a name".to_owned() } else { .known.join(", ") })]
    Unknown {
        /// The name.
        name: String,
        /// Those that are there.
        known: Vec<String>,
    },
    /// The feature that is asked for is there, and is no area.
    #[error("the feature \"{name}\" is a {kind}, not an area: draw it as a Polygon")]
    Line {
        /// The name.
        name: String,
        /// What it is.
        kind: &'static str,
    },
    /// Two features have the name.
    #[error(
        "the features {first} and {second} of the file are both called \"{name}\", so that nobody knows which is meant: rename one of them"
    )]
    Twice {
        /// The name.
        name: String,
        /// The place of the one, from 1.
        first: usize,
        /// That of the other.
        second: usize,
    },
    /// Several areas, and none is named.
    #[error("it holds {0} features with areas: name one of them by its id or its property `name`")]
    Several(usize),
    /// Too few corners.
    #[error("an area needs three corners or more, and has {0}")]
    Few(usize),
    /// Too many corners.
    #[error("{0} corners are too many: simplify the area to {MOST_CORNERS} or fewer")]
    Many(usize),
    /// A place that is not on earth.
    #[error("[{lon}, {lat}] is no longitude from -180 to 180 with a latitude from -90 to 90{}", if *.is_swapped { ": the longitude comes first" } else { "" })]
    Place {
        /// Longitude as it is written.
        lon: f64,
        /// Latitude as it is written.
        lat: f64,
        /// Whether it is a place the other way round.
        is_swapped: bool,
    },
    /// An area of continents, mostly a slip of a digit.
    #[error("the area is more than {0:.0} km wide: look for a slip in a coordinate")]
    Wide(f64),
}

impl GroundZone {
    /// The area within corners as `[longitude, latitude]`.
    pub fn new(corners: &[[f64; 2]]) -> Result<Self, ZoneError> {
        Self::of_rings(&[corners.to_vec()])
    }

    /// The area of a GeoJSON text: the feature whose `id` or property `name` is `name`, or the only one.
    pub fn from_geojson(text: &str, name: Option<&str>) -> Result<Self, ZoneError> {
        let read: GeoJson = text.parse().map_err(|error: geojson::Error| ZoneError::Unreadable(error.to_string()))?;
        let features = match read {
            GeoJson::FeatureCollection(FeatureCollection { features, .. }) => features,
            GeoJson::Feature(feature) => vec![feature],
            GeoJson::Geometry(geometry) => return Self::of_rings(&rings(&geometry.value).ok_or(ZoneError::NoArea)?),
        };
        let names = |feature: &geojson::Feature| -> Vec<String> {
            let id = feature.id.as_ref().map(|id| match id {
                geojson::feature::Id::String(id) => id.clone(),
                geojson::feature::Id::Number(id) => id.to_string(),
            });
            let named = feature.property("name").and_then(|name| name.as_str()).map(str::to_owned);
            id.into_iter().chain(named).collect()
        };
        let Some(name) = name else {
            let mut areas = features.iter().filter_map(|feature| rings(&feature.geometry.as_ref()?.value));
            let first = areas.next().ok_or(ZoneError::NoArea)?;
            return match areas.count() {
                0 => Self::of_rings(&first),
                more => Err(ZoneError::Several(more + 1)),
            };
        };
        let is_it = |feature: &geojson::Feature| names(feature).iter().any(|known| known == name);
        let named: Vec<_> = features.iter().enumerate().filter(|(_, feature)| is_it(feature)).collect();
        let area = |feature: &geojson::Feature| rings(&feature.geometry.as_ref()?.value);
        let mut areas = named.iter().filter_map(|(at, feature)| Some((at, area(feature)?)));
        if let Some((first, rings)) = areas.next() {
            return match areas.next() {
                None => Self::of_rings(&rings),
                Some((second, _)) => {
                    Err(ZoneError::Twice { name: name.to_owned(), first: first + 1, second: second + 1 })
                }
            };
        }
        if let Some((_, other)) = named.first() {
            return Err(ZoneError::Line { name: name.to_owned(), kind: kind(other) });
        }
        let of_areas = features.iter().filter(|feature| area(feature).is_some());
        let known = of_areas.filter_map(|feature| names(feature).pop()).take(10).collect();
        Err(ZoneError::Unknown { name: name.to_owned(), known })
    }

    fn of_rings(rings: &[Ring]) -> Result<Self, ZoneError> {
        let count: usize = rings.iter().map(Vec::len).sum();
        if count > MOST_CORNERS {
            return Err(ZoneError::Many(count));
        }
        let mut corners: Vec<(f64, f64)> = Vec::with_capacity(count + 2 * rings.len());
        for ring in rings {
            let closed = ring.len() > 1 && ring.first() == ring.last();
            let ring = &ring[..ring.len() - usize::from(closed)];
            if ring.len() < 3 {
                return Err(ZoneError::Few(ring.len()));
            }
            for [lon, lat] in ring {
                let is = |lon: f64, lat: f64| lon.abs() <= 180.0 && lat.abs() <= 90.0;
                if !is(*lon, *lat) {
                    return Err(ZoneError::Place { lon: *lon, lat: *lat, is_swapped: is(*lat, *lon) });
                }
            }
            let start = corners.first().copied();
            corners.extend(ring.iter().chain(&ring[..1]).map(|[lon, lat]| (*lat, *lon)));
            corners.extend(start);
        }
        // The first ring needs no way back to its own start.
        if rings.len() == 1 {
            corners.pop();
        }
        let (lat, lon) = corners.first().copied().ok_or(ZoneError::Few(0))?;
        let far = |(a, b): &(f64, f64)| (a - lat).abs().max((b - lon).abs());
        let wide = corners.iter().map(far).fold(0.0, f64::max) * DEGREE_M / 1000.0;
        if wide > 200.0 {
            return Err(ZoneError::Wide(wide));
        }
        let crossing = rings.iter().find_map(|ring| {
            let is_closed = ring.first() == ring.last();
            crossing(&ring[..ring.len() - usize::from(is_closed)])
        });
        Ok(Self { corners, area_m2: area_m2(rings), crossing })
    }

    /// The first two of its edges that cross, so that a part of it counts as outside.
    pub fn crossing(&self) -> Option<Crossing> {
        self.crossing
    }

    /// Its parts without its holes, in square metres.
    pub fn area_m2(&self) -> f64 {
        self.area_m2
    }

    /// Whether a place lies inside.
    pub fn contains(&self, lat_deg: f64, lon_deg: f64) -> bool {
        is_inside(self.corners.iter().copied(), (lat_deg, lon_deg))
    }

    /// How far a place lies from it over level ground, in metres; nearly so, and 0 inside.
    pub fn away_m(&self, lat_deg: f64, lon_deg: f64) -> f64 {
        if self.contains(lat_deg, lon_deg) {
            return 0.0;
        }
        let wide = lat_deg.to_radians().cos();
        let away = |(lat, lon): (f64, f64)| (lat - lat_deg).hypot((lon - lon_deg) * wide) * DEGREE_M;
        self.divided().map(away).fold(f64::INFINITY, f64::min)
    }

    /// The mean of its corners, as latitude and longitude.
    pub fn middle(&self) -> (f64, f64) {
        let n = self.corners.len().max(1) as f64;
        let sum = self.corners.iter().fold((0.0, 0.0), |sum, c| (sum.0 + c.0, sum.1 + c.1));
        (sum.0 / n, sum.1 / n)
    }

    /// How it lies in a picture, in pixels; without a corner where nothing of it is before the camera. The ground under it
    /// that is not known counts as the ground below the camera.
    pub fn in_picture(&self, shot: &Shot, terrain: &dyn Terrain) -> Polygon {
        let below = terrain.height_m(shot.pose.position.lat_deg, shot.pose.position.lon_deg).unwrap_or(0.0);
        let place = |(lat_deg, lon_deg): (f64, f64)| {
            let height_m = terrain.height_m(lat_deg, lon_deg).unwrap_or(below);
            shot.in_camera(&Position { lat_deg, lon_deg, height_m })
        };
        let mut outline: Vec<DVec3> = self.divided().map(place).collect();
        let reach = shot.lens.reach() * MARGIN;
        let sides: [fn(DVec3, f64) -> f64; 5] = [
            |p, _| p.z - NEAR_M,
            |p, reach| reach * p.z - p.x,
            |p, reach| reach * p.z + p.x,
            |p, reach| reach * p.z - p.y,
            |p, reach| reach * p.z + p.y,
        ];
        for side in sides {
            outline = clipped(&outline, |p| side(p, reach));
        }
        Polygon::new(outline.into_iter().filter_map(|p| shot.lens.pixel(p)).collect())
    }

    fn divided(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let next = self.corners.iter().cycle().skip(1);
        self.corners.iter().zip(next).flat_map(|(a, b)| {
            let long_m = (a.0 - b.0).hypot((a.1 - b.1) * a.0.to_radians().cos()) * DEGREE_M;
            let pieces = ((long_m / PIECE_M) as usize).clamp(LEAST_PIECES, MOST_PIECES);
            (0..pieces).map(move |n| {
                let part = n as f64 / pieces as f64;
                (a.0 + (b.0 - a.0) * part, a.1 + (b.1 - a.1) * part)
            })
        })
    }
}

/// Corners as `[longitude, latitude]`.
type Ring = Vec<[f64; 2]>;

/// Whether a place lies within a closed line, both as latitude and longitude, by the even-odd rule.
pub(crate) fn is_inside(line: impl Iterator<Item = (f64, f64)> + Clone, (lat, lon): (f64, f64)) -> bool {
    let next = line.clone().cycle().skip(1);
    line.zip(next).fold(false, |inside, (a, b)| {
        let crosses = (a.0 > lat) != (b.0 > lat) && lon < (b.1 - a.1) * (lat - a.0) / (b.0 - a.0) + a.1;
        inside != crosses
    })
}

/// The square metres of rings, of which those within an odd number of others are holes, whichever way round they run.
fn area_m2(rings: &[Ring]) -> f64 {
    let of = |ring: &Ring| {
        let Some([lon0, lat0]) = ring.first() else { return 0.0 };
        let place = |[lon, lat]: &[f64; 2]| Position { lat_deg: *lat, lon_deg: *lon, height_m: 0.0 };
        let points: Vec<DVec3> = ring.iter().map(|corner| local(&place(&[*lon0, *lat0]), &place(corner))).collect();
        let next = points.iter().cycle().skip(1);
        points.iter().zip(next).map(|(a, b)| a.x * b.y - b.x * a.y).sum::<f64>().abs() / 2.0
    };
    let is_hole = |at: usize| {
        let Some([lon, lat]) = rings[at].first() else { return false };
        let around = |ring: &Ring| is_inside(ring.iter().map(|[lon, lat]| (*lat, *lon)), (*lat, *lon));
        rings.iter().enumerate().filter(|(other, ring)| *other != at && around(ring)).count() % 2 == 1
    };
    rings.iter().enumerate().map(|(at, ring)| if is_hole(at) { -of(ring) } else { of(ring) }).sum()
}

/// What a feature is that is no area.
fn kind(feature: &geojson::Feature) -> &'static str {
    match feature.geometry.as_ref().map(|geometry| &geometry.value) {
        None => "feature without a geometry",
        Some(GeometryValue::Point { .. } | GeometryValue::MultiPoint { .. }) => "point",
        Some(GeometryValue::LineString { .. } | GeometryValue::MultiLineString { .. }) => "line",
        Some(_) => "collection",
    }
}

/// The rings of an area; none for points and lines.
fn rings(geometry: &GeometryValue) -> Option<Vec<Ring>> {
    let polygons = match geometry {
        GeometryValue::Polygon { coordinates } => std::slice::from_ref(coordinates),
        GeometryValue::MultiPolygon { coordinates } => coordinates.as_slice(),
        _ => return None,
    };
    let corner = |p: &geojson::Position| {
        let at = |i: usize| p.as_slice().get(i).copied().unwrap_or(f64::NAN);
        [at(0), at(1)]
    };
    Some(polygons.iter().flatten().map(|ring| ring.iter().map(corner).collect()).collect())
}

/// The part of a polygon where `depth` is not negative (Sutherland–Hodgman).
fn clipped(outline: &[DVec3], depth: impl Fn(DVec3) -> f64) -> Vec<DVec3> {
    let mut kept = Vec::with_capacity(outline.len() + 4);
    for (i, &b) in outline.iter().enumerate() {
        let a = outline[(i + outline.len() - 1) % outline.len()];
        let (da, db) = (depth(a), depth(b));
        if (da < 0.0) != (db < 0.0) {
            kept.push(a + (b - a) * (da / (da - db)));
        }
        if db >= 0.0 {
            kept.push(b);
        }
    }
    kept
}

/// The middle of a picture.
pub(crate) fn middle(size: (u32, u32)) -> Point {
    Point::new(size.0 as f32 / 2.0, size.1 as f32 / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flight::{Pose, Uncertainty, attitude};
    use crate::lens::Lens;
    use crate::terrain::Flat;

    fn shot(yaw: f64, pitch: f64) -> Shot {
        let position = Position { lat_deg: 30.0, lon_deg: 120.0, height_m: 50.0 };
        let uncertainty = Uncertainty::default();
        let pose = Pose { position, camera: attitude(yaw, pitch, 0.0), zoom: 1.0, age_us: 0, uncertainty };
        Shot::new(pose, &Lens::of_view(80.0, (960, 540)).unwrap(), (960, 540))
    }

    /// A square around a place, `m` metres to each side.
    fn square(north_m: f64, east_m: f64, m: f64) -> Vec<[f64; 2]> {
        let corner = |e: f64, n: f64| [120.0 + (east_m + e) / 96_486.3, 30.0 + (north_m + n) / 110_852.4];
        vec![corner(-m, -m), corner(m, -m), corner(m, m), corner(-m, m)]
    }

    #[test]
    fn a_place_in_the_zone_is_a_pixel_in_the_polygon_wherever_the_camera_looks() {
        let zone = GroundZone::new(&square(60.0, 10.0, 25.0)).unwrap();
        let flat = Flat { height_m: 0.0 };
        for (yaw, pitch) in [(0.0, -40.0), (30.0, -25.0), (-60.0, -60.0), (0.0, -90.0), (180.0, -30.0)] {
            let shot = shot(yaw, pitch);
            let drawn = zone.in_picture(&shot, &flat);
            let mut inside = 0;
            for (x, y) in (0..48).flat_map(|x| (0..27).map(move |y| (x as f32 * 20.0 + 7.0, y as f32 * 20.0 + 7.0))) {
                let place = shot.hit(Point::new(x, y), &flat, 3_000.0).map(|hit| hit.position);
                let is_in = place.is_ok_and(|p| zone.contains(p.lat_deg, p.lon_deg));
                assert_eq!(drawn.contains(Point::new(x, y)), is_in, "{x}, {y} at yaw {yaw}, pitch {pitch}");
                inside += usize::from(is_in);
            }
            assert_eq!(inside > 0, yaw < 180.0 && pitch > -90.0, "yaw {yaw}, pitch {pitch}: {inside}");
        }
    }

    #[test]
    fn geojson_with_holes_and_several_parts_is_read_by_name() {
        let text = r#"{"type":"FeatureCollection","features":[
            {"type":"Feature","id":7,"properties":{"name":"yard"},"geometry":{"type":"Polygon","coordinates":[
                [[120,30],[120.004,30],[120.004,30.004],[120,30.004],[120,30]],
                [[120.001,30.001],[120.002,30.001],[120.002,30.002],[120.001,30.002],[120.001,30.001]]]}},
            {"type":"Feature","properties":{"name":"lots"},"geometry":{"type":"MultiPolygon","coordinates":[
                [[[120,31],[120.001,31],[120.001,31.001],[120,31]]],[[[120.01,31],[120.02,31],[120.02,31.01],[120.01,31]]]]}},
            {"type":"Feature","properties":{"name":"pole"},"geometry":{"type":"Point","coordinates":[120,30]}}]}"#;
        let yard = GroundZone::from_geojson(text, Some("yard")).unwrap();
        assert_eq!(yard, GroundZone::from_geojson(text, Some("7")).unwrap());
        assert!(yard.contains(30.003, 120.003) && !yard.contains(30.0015, 120.0015) && !yard.contains(30.005, 120.003));
        let lots = GroundZone::from_geojson(text, Some("lots")).unwrap();
        assert!(lots.contains(31.0003, 120.0006) && lots.contains(31.003, 120.017) && !lots.contains(31.0003, 120.005));
        assert_eq!(GroundZone::from_geojson(text, None), Err(ZoneError::Several(2)));
        let told = |name: &str| GroundZone::from_geojson(text, Some(name)).unwrap_err().to_string();
        assert!(told("gate").ends_with("it has yard, lots"), "{}", told("gate"));
        assert!(told("pole").starts_with("the feature \"pole\" is a point, not an area"), "{}", told("pole"));
        let twice = GroundZone::from_geojson(&text.replace("lots", "yard"), Some("yard")).unwrap_err();
        assert_eq!(twice, ZoneError::Twice { name: "yard".to_owned(), first: 1, second: 2 });
    }

    #[test]
    fn edges_that_cross_are_found_and_those_that_touch_are_not() {
        let crossing = |corners: &[[f64; 2]]| GroundZone::new(corners).unwrap().crossing().map(|at| (at.one, at.other));
        // Of a yard of 40 m, whose corners differ in the fourth digit.
        let [a, b, c, d] = [[120.1498, 30.2499], [120.1502, 30.2506], [120.1502, 30.2499], [120.1498, 30.2506]];
        assert_eq!(crossing(&[a, b, c, d, a]), Some((0, 2)));
        assert_eq!((crossing(&[a, c, b, d]), crossing(&[a, c, b, d, a])), (None, None));
    }

    #[test]
    fn the_area_is_that_of_the_parts_without_the_holes() {
        let yard = GroundZone::new(&square(0.0, 0.0, 10.0)).unwrap();
        assert!((yard.area_m2() - 400.0).abs() < 0.1, "{}", yard.area_m2());
        let mut rings = vec![square(0.0, 0.0, 10.0), square(3.0, 0.0, 2.0), square(0.0, 40.0, 5.0)];
        let area = |rings: &[Ring]| GroundZone::of_rings(rings).unwrap().area_m2();
        assert!((area(&rings) - (400.0 - 16.0 + 100.0)).abs() < 0.2);
        rings[1].reverse();
        assert!((area(&rings) - 484.0).abs() < 0.2, "whichever way round the hole runs");
    }

    #[test]
    fn what_is_no_area_on_earth_is_refused_with_the_mend() {
        let told = |corners: &[[f64; 2]]| GroundZone::new(corners).unwrap_err().to_string();
        assert!(told(&[[30.0, 120.0], [30.1, 120.0], [30.1, 120.1]]).ends_with("the longitude comes first"));
        assert!(told(&[[120.0, 30.0], [120.1, 30.0], [120.0, 30.0]]).contains("three corners"));
        assert!(told(&[[120.0, 30.0], [12.0, 30.0], [120.0, 30.1]]).contains("slip"));
        assert!(GroundZone::new(&vec![[120.0, 30.0]; 5000]).is_err());
        assert!(GroundZone::from_geojson("{", None).unwrap_err().to_string().contains("RFC 7946"));
        let line = r#"{"type":"LineString","coordinates":[[120,30],[121,31]]}"#;
        assert_eq!(GroundZone::from_geojson(line, None), Err(ZoneError::NoArea));
    }
}
