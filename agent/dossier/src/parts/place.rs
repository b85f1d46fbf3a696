//! Where it was: the place in words, and the zone and the subject in the picture.

use forewarn_domain::zone::{ZoneShape, ZoneUnit};
use forewarn_domain::{Moment, PlaceLevel};
use forewarn_evidence::{Opened, SnapshotEntry, is_sealed_to_key};

use super::pictures::is_jpeg;
use crate::html::Html;
use crate::words::Say;

/// A picture larger than this is not put into a page.
const MOST_BYTES: u64 = 16 << 20;

pub(crate) fn write(page: &mut Html, say: Say, opened: &Opened) {
    let Some(record) = &opened.record else { return };
    page.heading(say.pick("Where", "位置"));
    let named = opened.setting.as_ref().map(|setting| place(say, &setting.place)).unwrap_or_default();
    let camera = format!("{} {}", say.pick("camera", "摄像机"), record.incident.rule.stream);
    page.paragraph(&if named.is_empty() { camera } else { format!("{named}{}{camera}", say.pick(", ", "，")) });
    let shot = record.snapshots.iter().find(|shot| shot.moment == Moment::Confirmed).or(record.snapshots.first());
    let zone = opened.setting.as_ref().and_then(|setting| setting.zone.as_ref());
    let (Some(shot), Some(zone)) = (shot, zone) else {
        let words = "No position on a map is known. The zone and the subject are drawn in the pictures above.";
        page.paragraph(say.pick(words, "没有地图坐标。区域与目标已在上方图片中标出。"));
        return;
    };
    page.paragraph(say.pick(
        "No position on a map is known; the zone (yellow) and the subject when last seen (red) stand in the camera's view.",
        "没有地图坐标；区域（黄色）与最后看到的目标（红色）标在摄像机画面中。",
    ));
    let Some((bytes, _)) = opened.file(&shot.file, MOST_BYTES).filter(|(bytes, _)| is_jpeg(bytes)) else {
        let words = if is_sealed_to_key(&shot.file) {
            say.pick("The picture is sealed to a public key.", "图片已用公钥加密。")
        } else {
            say.pick("The picture is gone or cannot be read.", "图片缺失或无法读取。")
        };
        page.raw("<p class=\"note\">").text(words).raw("</p>\n");
        return;
    };
    page.raw("<div class=\"plan\"><img alt=\"\" src=\"").jpeg(&bytes).raw("\">");
    let (width, height) = (shot.width.max(1) as f32, shot.height.max(1) as f32);
    page.raw("<svg preserveAspectRatio=\"none\" viewBox=\"0 0 ").number(width).raw(" ").number(height).raw("\">");
    let (x, y) = match zone.unit {
        ZoneUnit::Normalised => (width, height),
        ZoneUnit::Pixel => scale(shot),
    };
    match &zone.shape {
        ZoneShape::Polygon(_) => page.raw("<polygon class=\"zone\" points=\""),
        ZoneShape::Line(_) => page.raw("<polyline class=\"zone line\" points=\""),
    };
    for point in zone.shape.points() {
        page.number(point.x * x).raw(",").number(point.y * y).raw(" ");
    }
    let subject = record.incident.subject.bbox;
    let (x, y) = scale(shot);
    page.raw("\"/><rect class=\"subject\" x=\"").number(subject.x0 * x).raw("\" y=\"").number(subject.y0 * y);
    page.raw("\" width=\"").number(subject.width() * x).raw("\" height=\"").number(subject.height() * y);
    page.raw("\"/></svg></div>\n");
}

/// From the picture in which the boxes are to the one that is shown.
fn scale(shot: &SnapshotEntry) -> (f32, f32) {
    let (width, height) = shot.boxes_of.unwrap_or((shot.width, shot.height));
    (shot.width as f32 / width.max(1) as f32, shot.height as f32 / height.max(1) as f32)
}

fn place(say: Say, place: &forewarn_domain::Place) -> String {
    let names = [
        (PlaceLevel::City, &place.city, "市"),
        (PlaceLevel::District, &place.district, "区县"),
        (PlaceLevel::Street, &place.street, "街道"),
        (PlaceLevel::Community, &place.community, "社区"),
        (PlaceLevel::Cell, &place.cell, "网格"),
    ];
    let told = names
        .iter()
        .filter_map(|(level, name, zh)| name.as_ref().map(|name| format!("{} {name}", say.pick(level.as_str(), zh))));
    told.collect::<Vec<_>>().join(say.pick(", ", "，"))
}
