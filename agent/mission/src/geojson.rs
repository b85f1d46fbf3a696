//! A flight as GeoJSON (RFC 7946): the ground that was seen, by how finely, the way, and the incidents.

use serde_json::{Value, json};

use crate::flown::{BANDS, Flown};
use crate::found::Found;
use crate::paper::Mission;

/// The text of the file.
pub(crate) fn text(mission: &Mission, flown: &Flown, found: &[Found]) -> String {
    let mut features = Vec::new();
    if let Some(coverage) = &flown.coverage {
        for band in &BANDS {
            let areas = coverage.areas(band.from_m, band.below_m);
            if areas.is_empty() {
                continue;
            }
            let below = band.below_m.is_finite().then_some(band.below_m);
            features.push(feature(
                &json!({ "type": "MultiPolygon", "coordinates": areas }),
                &json!({ "kind": "coverage", "band": band.name, "m_per_px_from": band.from_m, "m_per_px_below": below,
                    "area_m2": flown.area_m2(band).round(), "cell_m": coverage.cell_m() }),
            ));
        }
    }
    // A line has two places or more.
    let ways: Vec<&Vec<[f64; 2]>> = flown.ways.iter().filter(|way| way.len() > 1).collect();
    if !ways.is_empty() {
        let of_way = json!({ "kind": "way", "length_m": flown.way_m.round() });
        features.push(feature(&json!({ "type": "MultiLineString", "coordinates": ways }), &of_way));
    }
    for (number, one) in found.iter().enumerate() {
        let Some(fix) = one.fix else { continue };
        features.push(feature(
            &json!({ "type": "Point", "coordinates": [fix.lon_deg, fix.lat_deg] }),
            &json!({ "kind": "incident", "number": number + 1, "id": one.id, "title": one.title, "state": one.state,
                "at": one.at, "within_m": (fix.ellipse.major_m * 10.0).round() / 10.0 }),
        ));
    }
    let all = json!({ "type": "FeatureCollection", "mission": mission, "features": features });
    format!("{all:#}\n")
}

fn feature(geometry: &Value, properties: &Value) -> Value {
    json!({ "type": "Feature", "properties": properties, "geometry": geometry })
}
