//! Outlines of places, from a GeoJSON file of the authority (RFC 7946).
//!
//! A feature names its place by a property: `cell`, `community`, `street`, `district` or `city`, or several of them.
//! Only polygons and multi-polygons are outlines.

use std::collections::BTreeMap;

use forewarn_domain::{Place, PlaceLevel};
use serde_json::Value;

/// Outlines by place.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outlines {
    outlines: BTreeMap<Place, Value>,
}

/// A file that is no collection of outlines.
#[derive(Debug, thiserror::Error)]
pub enum OutlinesError {
    /// Not JSON.
    #[error("failed to read the outlines: {0}; give a GeoJSON FeatureCollection")]
    Syntax(#[from] serde_json::Error),
    /// JSON of another kind.
    #[error("failed to read the outlines: {0}; give a GeoJSON FeatureCollection")]
    NotACollection(&'static str),
    /// A feature that cannot be used.
    #[error("failed to read feature {number} of the outlines: {problem}")]
    Feature {
        /// Its number from 1.
        number: usize,
        /// What is wrong and what would be right.
        problem: String,
    },
}

impl Outlines {
    /// Reads a FeatureCollection.
    pub fn from_geojson(text: &str) -> Result<Self, OutlinesError> {
        let file: Value = serde_json::from_str(text)?;
        if file["type"] != "FeatureCollection" {
            return Err(OutlinesError::NotACollection("its `type` is not `FeatureCollection`"));
        }
        let features = file["features"].as_array().ok_or(OutlinesError::NotACollection("it has no `features`"))?;
        let mut outlines = BTreeMap::new();
        for (i, feature) in features.iter().enumerate() {
            let fail = |problem: String| OutlinesError::Feature { number: i + 1, problem };
            let place = place_of(&feature["properties"]).map_err(fail)?;
            let geometry = &feature["geometry"];
            if rings(geometry).is_empty() {
                let problem = "its geometry is no Polygon or MultiPolygon of [longitude, latitude] positions";
                return Err(fail(problem.to_owned()));
            }
            if outlines.insert(place.clone(), geometry.clone()).is_some() {
                return Err(fail(format!("{place} has an outline already; join the two in one MultiPolygon")));
            }
        }
        Ok(Self { outlines })
    }

    /// The geometry of a place. A feature that names fewer levels serves where no other place could be meant.
    pub fn of(&self, place: &Place) -> Option<&Value> {
        self.outlines.get(place).or_else(|| {
            let level = place.level()?;
            let names = |known: &Place| {
                known.level() == Some(level)
                    && PlaceLevel::ALL.iter().all(|l| known.at(*l).is_none() || known.at(*l) == place.at(*l))
            };
            self.outlines.iter().find(|(known, _)| names(known)).map(|(_, geometry)| geometry)
        })
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.outlines.is_empty()
    }
}

fn place_of(properties: &Value) -> Result<Place, String> {
    let mut named = serde_json::Map::new();
    for level in PlaceLevel::ALL {
        match &properties[level.as_str()] {
            Value::Null => {}
            Value::String(text) => drop(named.insert(level.as_str().to_owned(), Value::String(text.clone()))),
            Value::Number(number) => drop(named.insert(level.as_str().to_owned(), Value::String(number.to_string()))),
            other => return Err(format!("its property `{level}` is {other}; write the place's id as a text")),
        }
    }
    if named.is_empty() {
        return Err("it names no place; give it a property `cell`, `community`, `street`, `district` or `city`".into());
    }
    serde_json::from_value(Value::Object(named)).map_err(|error| error.to_string())
}

/// The outer and inner rings of a geometry as longitude and latitude; empty if it is no outline.
pub(crate) fn rings(geometry: &Value) -> Vec<Vec<[f64; 2]>> {
    let polygons: Vec<&Value> = match geometry["type"].as_str() {
        Some("Polygon") => vec![&geometry["coordinates"]],
        Some("MultiPolygon") => geometry["coordinates"].as_array().into_iter().flatten().collect(),
        _ => Vec::new(),
    };
    let position = |value: &Value| {
        let (x, y) = (value.get(0)?.as_f64()?, value.get(1)?.as_f64()?);
        ((-180.0..=180.0).contains(&x) && (-90.0..=90.0).contains(&y)).then_some([x, y])
    };
    let mut rings = Vec::new();
    for ring in polygons.into_iter().filter_map(Value::as_array).flatten() {
        let points: Option<Vec<[f64; 2]>> = ring.as_array().into_iter().flatten().map(position).collect();
        match points {
            // RFC 7946, section 3.1.6: a ring is closed and has four or more positions.
            Some(points) if points.len() >= 4 => rings.push(points),
            _ => return Vec::new(),
        }
    }
    rings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collection(properties: &str, geometry: &str) -> String {
        format!(
            r#"{{"type":"FeatureCollection","features":[{{"type":"Feature","properties":{properties},"geometry":{geometry}}}]}}"#
        )
    }

    const SQUARE: &str = r#"{"type":"Polygon","coordinates":[[[113.1,23.1],[113.2,23.1],[113.2,23.2],[113.1,23.1]]]}"#;

    #[test]
    fn an_outline_is_found_by_the_levels_that_it_names() {
        let outlines = Outlines::from_geojson(&collection(r#"{"cell": 7}"#, SQUARE)).unwrap();
        let place: Place = serde_json::from_str(r#"{"city": "gz", "cell": "7"}"#).unwrap();
        assert!(outlines.of(&place).is_some());
        assert!(outlines.of(&place.up_to(PlaceLevel::City).unwrap()).is_none());
    }

    #[test]
    fn what_is_no_outline_is_refused_with_its_number() {
        let says = |text: &str, what: &str| {
            let error = Outlines::from_geojson(text).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        };
        says("{", "GeoJSON");
        says(r#"{"type":"Feature"}"#, "FeatureCollection");
        says(&collection("{}", SQUARE), "feature 1");
        says(&collection(r#"{"cell":"a"}"#, r#"{"type":"Point","coordinates":[1,2]}"#), "Polygon");
        says(
            &collection(r#"{"cell":"a"}"#, r#"{"type":"Polygon","coordinates":[[[999,0],[1,0],[1,1],[0,0]]]}"#),
            "Poly",
        );
        says(&collection(r#"{"cell":["a"]}"#, SQUARE), "`cell`");
    }
}
