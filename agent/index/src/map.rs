//! What a map shows of the index: the narrowest places with their scores, and where they lie.

use forewarn_domain::{IncidentRecord, Place, PlaceLevel, StreamId};
use serde_json::{Value, json};

use crate::geometry::{Outlines, rings};
use crate::{CameraPlace, Case, Period, Score, Weights, compute};

/// The narrowest places that the cameras of a site have, each with its score of a period and its outline, where that is known.
pub fn cells<'a>(
    cameras: impl Iterator<Item = (&'a StreamId, &'a Place)>,
    records: &[IncidentRecord],
    period: Period,
    weights: &Weights,
    outlines: &Outlines,
) -> Vec<Value> {
    let mut placed: Vec<CameraPlace> = Vec::new();
    for (camera, place) in cameras {
        // Nobody compares sites here, so that all have the name of the first camera.
        let site = placed.first().map_or_else(|| camera.clone(), |first| first.site.clone());
        placed.push(CameraPlace { site, camera: camera.clone(), place: place.clone() });
    }
    let Some(site) = placed.first().map(|first| first.site.clone()) else { return Vec::new() };
    let cases: Vec<Case> = records.iter().filter_map(|record| Case::of_record(&site, record)).collect();
    told(&placed, &cases, period, weights, outlines)
}

fn told(cameras: &[CameraPlace], cases: &[Case], period: Period, weights: &Weights, outlines: &Outlines) -> Vec<Value> {
    let index = compute(cameras, cases, &[period], weights);
    let level = index.scores.iter().map(|score| score.level).max().unwrap_or(PlaceLevel::Cell);
    index.scores.iter().filter(|score| score.level == level).map(|score| cell(score, outlines)).collect()
}

fn cell(score: &Score, outlines: &Outlines) -> Value {
    let name = score.place.at(score.level).map(ToString::to_string);
    let mut told = serde_json::to_value(score).unwrap_or_default();
    told["name"] = json!(name);
    told["path"] = json!(score.place.to_string());
    told["rings"] = json!(outlines.of(&score.place).map(rings));
    told
}

#[cfg(test)]
mod tests {
    use forewarn_domain::{IncidentState, PlaceId, Timestamp, ViolationId};

    use super::*;

    #[test]
    fn each_narrowest_place_is_told_with_its_colour_and_its_outline() {
        let stream = |text: &str| StreamId::new(text).unwrap();
        let camera = |id: &str, cell: &str| CameraPlace {
            site: stream("s"),
            camera: stream(id),
            place: Place { street: PlaceId::new("石牌").ok(), cell: PlaceId::new(cell).ok(), ..Place::default() },
        };
        let case = |second: u32| Case {
            site: stream("s"),
            camera: stream("two"),
            violation: ViolationId::new("loitering").unwrap(),
            confirmed_at: Timestamp::from_secs_f64(f64::from(second)),
            outcome: IncidentState::Escalated,
            settled_at: None,
        };
        let day = Period { label: "d".to_owned(), from: Timestamp::ZERO, to: Timestamp::from_secs_f64(86_400.0) };
        let outlines = Outlines::from_geojson(
            r#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"cell":"c2"},
            "geometry":{"type":"Polygon","coordinates":[[[113,23],[114,23],[114,24],[113,23]]]}}]}"#,
        );
        let cases: Vec<Case> = (0..5).map(case).collect();
        let cameras = [camera("one", "c1"), camera("two", "c2")];
        let told = told(&cameras, &cases, day.clone(), &Weights::default(), &outlines.unwrap());
        let of = |n: usize, key: &str| told[n][key].clone();
        assert_eq!(
            (told.len(), of(0, "name"), of(0, "colour"), of(0, "rings")),
            (2, "c1".into(), "green".into(), Value::Null)
        );
        assert_eq!((of(1, "path"), of(1, "colour"), of(1, "incidents")), ("石牌/c2".into(), "red".into(), 5.into()));
        assert_eq!(of(1, "rings")[0][1], json!([114.0, 23.0]));
        assert!(cells([].into_iter(), &[], day, &Weights::default(), &Outlines::default()).is_empty());
    }
}
