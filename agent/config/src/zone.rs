//! `[[camera.zone]]`: areas and lines in the picture.

use std::collections::BTreeMap;
use std::path::PathBuf;

use forewarn_domain::zone::{ZoneShape, ZoneUnit};
use forewarn_domain::{Point, Polygon, SpeakerId, Zone, ZoneId};
use forewarn_ground::GroundZone;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::area::{RawGround, area_m2};
use crate::check::Check;
use crate::drawing::{self, Corner, RawUnit};

pub(crate) const EXAMPLE: &str = r#"# A zone is a polygon or a line, normalised (0 to 1) or in pixels.
[[camera.zone]]
id = "kerb"
polygon = [[0.62, 0.30], [0.98, 0.34], [0.98, 0.52], [0.60, 0.46]]

[[camera.zone]]
id = "square"
polygon = [[0.10, 0.45], [0.60, 0.45], [0.70, 0.98], [0.02, 0.98]]
"#;

/// One `[[camera.zone]]`: an area or a line.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawZone {
    /// Its name, unique for the camera. `whole` is always there and is the whole picture.
    #[schemars(with = "String")]
    pub id: Spanned<ZoneId>,
    /// Corners of an area, `[[x, y], …]`, three or more.
    #[serde(default)]
    #[schemars(with = "Option<Vec<[f32; 2]>>")]
    pub polygon: Option<Spanned<Vec<Corner>>>,
    /// Points of a line, `[[x, y], …]`, two or more.
    #[serde(default)]
    #[schemars(with = "Option<Vec<[f32; 2]>>")]
    pub line: Option<Spanned<Vec<Corner>>>,
    /// Corners of an area on the ground, `[[longitude, latitude], …]`, three or more, of a camera with `[camera.telemetry]`.
    #[serde(default)]
    #[schemars(with = "Option<Vec<[f64; 2]>>")]
    pub lon_lat: Option<Spanned<Vec<[f64; 2]>>>,
    /// A GeoJSON file with such an area instead.
    #[serde(default)]
    #[schemars(with = "Option<PathBuf>")]
    pub geojson: Option<Spanned<PathBuf>>,
    /// Which of the file's features it is, by its id or its property `name`; not needed where there is only one.
    #[serde(default)]
    pub feature: Option<String>,
    /// Unit of the coordinates; if absent, `normalised` where none is above 1 by more than a hair, else `pixel`.
    #[serde(default)]
    pub unit: Option<RawUnit>,
    /// Loudspeakers that warn in this zone, the first is tried first; those of the camera if absent.
    #[serde(default)]
    #[schemars(with = "Option<Vec<String>>")]
    pub speakers: Option<Vec<Spanned<SpeakerId>>>,
    /// The area on the ground in square metres, for densities.
    #[serde(default)]
    #[schemars(with = "Option<f64>")]
    pub area_m2: Option<Spanned<f64>>,
    /// Four points by which the area on the ground is worked out instead.
    #[serde(default)]
    #[schemars(with = "Option<RawGround>")]
    pub ground: Option<Spanned<RawGround>>,
}

/// The zones of one camera.
#[derive(Debug)]
pub(crate) struct Zones {
    /// Zones and lines, the whole picture among them.
    pub(crate) list: Vec<Zone>,
    /// The area on the ground of each zone that states it.
    pub(crate) areas_m2: BTreeMap<ZoneId, f64>,
    /// Those on the ground, each with its place in the list, where it stands for the whole picture.
    pub(crate) on_ground: Vec<(usize, GroundZone)>,
    /// The names of those with a mistake: who names one of them makes none.
    pub(crate) spoilt: Vec<ZoneId>,
}

pub(crate) fn check(raw: &[RawZone], check: &mut Check<'_>) -> Zones {
    let corners = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]].map(Point::from).to_vec();
    let whole = ZoneId::new("whole").map(|id| Zone {
        id,
        shape: ZoneShape::Polygon(Polygon::new(corners)),
        unit: ZoneUnit::Normalised,
    });
    let mut zones = Zones {
        list: whole.clone().into_iter().collect(),
        areas_m2: BTreeMap::new(),
        on_ground: Vec::new(),
        spoilt: Vec::new(),
    };
    for raw in raw {
        let id = raw.id.get_ref();
        let is_taken = zones.list.iter().any(|known| known.id == *id) || zones.spoilt.contains(id);
        check.unique(raw.id.span(), is_taken, &format!("zone `{id}`"), "give each zone of a camera its own id");
        let on_ground = raw.check_ground(check);
        let zone = match (&on_ground, &whole) {
            (Ok(None), _) => raw.check(check),
            (Ok(Some(_)), Ok(whole)) => Some(Zone { id: id.clone(), ..whole.clone() }),
            _ => None,
        };
        let Some(zone) = zone else {
            zones.spoilt.push(id.clone());
            continue;
        };
        let on_ground = on_ground.ok().flatten();
        let area = match (&on_ground, &raw.ground) {
            (Some(_), Some(ground)) => {
                let problem = "the square metres of a zone on the ground follow from its corners";
                check.fail(ground.span(), problem, "leave `ground` out")
            }
            (Some(drawn), None) if raw.area_m2.is_none() => Some(drawn.area_m2()),
            _ => area_m2(check, raw.area_m2.as_ref(), raw.ground.as_ref(), &zone),
        };
        zones.areas_m2.extend(area.map(|area| (zone.id.clone(), area)));
        zones.on_ground.extend(on_ground.map(|ground| (zones.list.len(), ground)));
        zones.list.push(zone);
    }
    zones
}

impl RawZone {
    /// The area on the ground, of a zone that is one; an error where there is a mistake in it.
    fn check_ground(&self, check: &mut Check<'_>) -> Result<Option<GroundZone>, ()> {
        let (place, read) = match (&self.lon_lat, &self.geojson) {
            (None, None) => return Ok(None),
            (Some(corners), None) if self.polygon.is_none() && self.line.is_none() => {
                (corners.span(), GroundZone::new(corners.get_ref()).map_err(|error| error.to_string()))
            }
            (None, Some(file)) if self.polygon.is_none() && self.line.is_none() => {
                let path = check.path(file.get_ref());
                let read = std::fs::read_to_string(&path).map_err(|error| error.to_string());
                let zone = read.and_then(|text| {
                    GroundZone::from_geojson(&text, self.feature.as_deref()).map_err(|error| error.to_string())
                });
                (file.span(), zone.map_err(|problem| format!("{}: {problem}", path.display())))
            }
            _ => (self.id.span(), Err("a zone lies either in the picture or on the ground, drawn once".to_owned())),
        };
        match read {
            Ok(zone) => {
                if let Some((problem, mend)) = zone.crossing().map(drawing::crossed) {
                    check.doubt(place, problem, mend);
                }
                Ok(Some(zone))
            }
            Err(problem) => {
                let mend =
                    "give `lon_lat = [[longitude, latitude], …]`, or `geojson = \"zones.geojson\"` with `feature`";
                check.fail::<()>(place, problem, mend);
                Err(())
            }
        }
    }

    fn check(&self, check: &mut Check<'_>) -> Option<Zone> {
        let (points, least) = match (&self.polygon, &self.line) {
            (Some(points), None) => (points, 3),
            (None, Some(points)) => (points, 2),
            _ => {
                let problem = "a zone is either a `polygon` or a `line`";
                return check.fail(self.id.span(), problem, "give `polygon = [[x, y], …]` or `line = [[x, y], …]`");
            }
        };
        let place = points.span();
        let points: Vec<Point> = points.get_ref().iter().map(|corner| corner.0).collect();
        if points.len() < least {
            let problem = format!("{} points are too few", points.len());
            return check.fail(place, problem, format!("give {least} or more"));
        }
        let drawing::Drawing { points, unit, doubts } = match drawing::read(&points, least == 3, self.unit) {
            Ok(drawing) => drawing,
            Err((problem, mend)) => return check.fail(place, problem, mend),
        };
        for (problem, mend) in doubts {
            check.doubt(place.clone(), problem, mend);
        }
        let shape = if least == 3 { ZoneShape::Polygon(Polygon::new(points)) } else { ZoneShape::Line(points) };
        Some(Zone { id: self.id.get_ref().clone(), shape, unit })
    }
}
