//! The index as a picture: an SVG map of the cells where their outlines are known, else a board of tiles by place.

use forewarn_domain::PlaceLevel;
use serde_json::Value;
use svg::Document;
use svg::node::element::{Group, Path, Rectangle, Text, Title, path};

use crate::geometry::{Outlines, rings};
use crate::weights::Colour;
use crate::{Index, Score};

const WIDTH: f64 = 960.0;
const MARGIN: f64 = 24.0;
const HEAD: f64 = 72.0;
const TILE: (f64, f64) = (112.0, 64.0);
const INK: &str = "#1d2530";

/// The picture of one period. Cells are drawn; where a site has none, the narrowest level that it uses.
pub fn svg(index: &Index, period: &str, outlines: &Outlines) -> String {
    let of_period: Vec<&Score> = index.scores.iter().filter(|score| score.period == period).collect();
    let level = of_period.iter().map(|score| score.level).max().unwrap_or(PlaceLevel::Cell);
    let drawn: Vec<&Score> = of_period.into_iter().filter(|score| score.level == level).collect();
    let located: Vec<(&Score, &Value)> =
        drawn.iter().filter_map(|score| Some((*score, outlines.of(&score.place)?))).collect();
    let (body, height) = if located.is_empty() { board(&drawn) } else { map(&located) };
    let document = Document::new()
        .set("viewBox", (0.0, 0.0, WIDTH, height))
        .set("width", WIDTH)
        .set("height", height)
        .set("font-family", "Noto Sans, Noto Sans CJK SC, DejaVu Sans, sans-serif")
        .add(Rectangle::new().set("width", WIDTH).set("height", height).set("fill", "#ffffff"))
        .add(label(MARGIN, 34.0, 20.0, INK, "start", &format!("Civility index, {period}")))
        .add(legend())
        .add(body);
    document.to_string()
}

fn label(x: f64, y: f64, size: f64, colour: &str, anchor: &str, text: &str) -> Text {
    Text::new(text).set("x", x).set("y", y).set("font-size", size).set("fill", colour).set("text-anchor", anchor)
}

fn legend() -> Group {
    let words = [
        (Colour::Green, "orderly"),
        (Colour::Blue, "good"),
        (Colour::Yellow, "needs attention"),
        (Colour::Red, "needs action"),
        (Colour::Grey, "nobody looked"),
    ];
    let mut group = Group::new();
    let mut x = MARGIN;
    for (colour, word) in words {
        let square = Rectangle::new().set("x", x).set("y", 48.0).set("width", 12.0).set("height", 12.0);
        group = group.add(square.set("fill", colour.hex())).add(label(x + 17.0, 58.5, 12.0, INK, "start", word));
        x += 40.0 + 7.0 * word.len() as f64;
    }
    group
}

/// What a mouse over a place shows.
fn tip(score: &Score) -> Title {
    let points = score.score.map_or_else(|| "no score".to_owned(), |s| format!("{s:.1}"));
    Title::new(format!(
        "{}: {points}; {} incidents, {} complied, {} escalated, {} cameras",
        score.place, score.incidents, score.complied, score.escalated, score.cameras
    ))
}

fn points_text(score: &Score) -> String {
    score.score.map_or_else(|| "–".to_owned(), |s| format!("{:.0}", s.floor()))
}

/// Ink that can be read on a colour.
fn ink_on(colour: Colour) -> &'static str {
    if matches!(colour, Colour::Yellow | Colour::Grey) { INK } else { "#ffffff" }
}

fn board(scores: &[&Score]) -> (Group, f64) {
    let mut group = Group::new();
    let (mut x, mut y) = (MARGIN, HEAD);
    let mut parent = None;
    for score in scores {
        let path = score.place.to_string();
        let (above, name) = path.rsplit_once('/').unwrap_or(("", &path));
        if parent.as_deref() != Some(above) {
            if parent.is_some() {
                y += TILE.1 + 16.0;
            }
            x = MARGIN;
            y += 22.0;
            group = group.add(label(x, y - 7.0, 13.0, INK, "start", above));
            parent = Some(above.to_owned());
        } else if x + TILE.0 > WIDTH - MARGIN {
            (x, y) = (MARGIN, y + TILE.1 + 8.0);
        }
        let (w, h) = TILE;
        let tile = Rectangle::new().set("x", x).set("y", y).set("width", w).set("height", h).set("rx", 6.0);
        let ink = ink_on(score.colour);
        let place = Group::new()
            .add(tip(score))
            .add(tile.set("fill", score.colour.hex()))
            .add(label(x + w / 2.0, y + 32.0, 22.0, ink, "middle", &points_text(score)))
            .add(label(x + w / 2.0, y + 52.0, 12.0, ink, "middle", &shortened(name)));
        group = group.add(place);
        x += w + 8.0;
    }
    (group, y + TILE.1 + MARGIN)
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= 14 { name.to_owned() } else { name.chars().take(13).chain(['…']).collect() }
}

fn map(located: &[(&Score, &Value)]) -> (Group, f64) {
    let shapes: Vec<Vec<Vec<[f64; 2]>>> = located.iter().map(|(_, geometry)| rings(geometry)).collect();
    let points = || shapes.iter().flatten().flatten();
    let span = |axis: usize| {
        points().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), p| (low.min(p[axis]), high.max(p[axis])))
    };
    let ((west, east), (south, north)) = (span(0), span(1));
    // Equirectangular about the middle latitude: true to scale over a city.
    let squeeze = f64::midpoint(south, north).to_radians().cos().max(0.01);
    let (w, h) = (((east - west) * squeeze).max(1e-6), (north - south).max(1e-6));
    let scale = ((WIDTH - 2.0 * MARGIN) / w).min(900.0 / h);
    let place = |p: &[f64; 2]| (MARGIN + (p[0] - west) * squeeze * scale, HEAD + (north - p[1]) * scale);
    let mut group = Group::new();
    for ((score, _), rings) in located.iter().zip(&shapes) {
        let mut data = path::Data::new();
        for ring in rings {
            for (i, point) in ring.iter().enumerate() {
                let at = place(point);
                data = if i == 0 { data.move_to(at) } else { data.line_to(at) };
            }
            data = data.close();
        }
        let outline = Path::new()
            .set("d", data)
            .set("fill", score.colour.hex())
            .set("fill-rule", "evenodd")
            .set("stroke", "#ffffff")
            .set("stroke-width", 1.5);
        let (x, y) = place(&middle(rings));
        let ink = ink_on(score.colour);
        let drawn =
            Group::new().add(tip(score)).add(outline).add(label(x, y + 5.0, 16.0, ink, "middle", &points_text(score)));
        group = group.add(drawn);
    }
    (group, HEAD + h * scale + MARGIN)
}

/// The mean corner of the outer ring, where the score is written.
fn middle(rings: &[Vec<[f64; 2]>]) -> [f64; 2] {
    let Some(ring) = rings.first().filter(|ring| ring.len() > 1) else { return [0.0, 0.0] };
    // The last position repeats the first one.
    let corners = &ring[..ring.len() - 1];
    let n = corners.len() as f64;
    [corners.iter().map(|p| p[0]).sum::<f64>() / n, corners.iter().map(|p| p[1]).sum::<f64>() / n]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing::index;

    #[test]
    fn without_outlines_each_cell_is_a_tile_and_names_are_escaped() {
        let picture = svg(&index(), "2026-11-22", &Outlines::default());
        assert!(picture.contains("a&lt;b") && !picture.contains("a<b"), "{picture}");
        assert!(picture.contains(Colour::Red.hex()) && picture.contains("石牌"), "{picture}");
    }

    #[test]
    fn with_outlines_the_cells_are_drawn_as_a_map() {
        let outlines = Outlines::from_geojson(
            r#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"cell":"c2"},
            "geometry":{"type":"Polygon","coordinates":[[[113,23],[114,23],[114,24],[113,23]]]}}]}"#,
        )
        .unwrap();
        let picture = svg(&index(), "2026-11-22", &outlines);
        assert!(picture.contains("<path"), "{picture}");
        assert!(!svg(&index(), "another", &outlines).contains("<path"));
    }
}
