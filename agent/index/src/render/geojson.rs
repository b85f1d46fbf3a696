//! The index as a map layer (RFC 7946): one feature for each place and period, unlocated where no outline is known.

use serde_json::{Value, json};

use crate::Index;
use crate::geometry::Outlines;

/// The layer as a FeatureCollection.
pub fn geojson(index: &Index, outlines: &Outlines) -> Value {
    let features: Vec<Value> = index
        .scores
        .iter()
        .map(|score| {
            // Section 3.2: a feature without a place has the geometry null.
            let geometry = outlines.of(&score.place).cloned().unwrap_or(Value::Null);
            let mut properties = serde_json::to_value(score).unwrap_or_default();
            properties["name"] = json!(score.place.to_string());
            // The keys that map viewers draw by (simplestyle).
            properties["fill"] = json!(score.colour.hex());
            properties["stroke"] = json!("#39424e");
            json!({ "type": "Feature", "geometry": geometry, "properties": properties })
        })
        .collect();
    json!({ "type": "FeatureCollection", "features": features })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing::index;

    #[test]
    fn places_are_drawn_where_their_outline_is_known() {
        let outlines = Outlines::from_geojson(
            r#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"cell":"c2"},
            "geometry":{"type":"Polygon","coordinates":[[[113,23],[114,23],[114,24],[113,23]]]}}]}"#,
        )
        .unwrap();
        let layer = geojson(&index(), &outlines);
        let features = layer["features"].as_array().unwrap();
        assert_eq!(features.len(), 3);
        let located: Vec<&Value> = features.iter().filter(|f| !f["geometry"].is_null()).collect();
        assert_eq!(located.len(), 1);
        assert_eq!(located[0]["properties"]["name"], "石牌/c2");
        assert_eq!(located[0]["properties"]["colour"], "red");
    }
}
