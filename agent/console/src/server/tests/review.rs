//! A hundred incidents that are reviewed by keyboard, and twenty by touch, in a browser.

use std::fs;

use serde_json::json;

use super::console::Scene;
use super::*;
use crate::still;

/// Puts a picture of a usual size into each bundle.
fn picture_all(evidence: &Path) {
    let meta = FrameMeta {
        stream: forewarn_domain::StreamId::new("gate").unwrap(),
        sequence: 0,
        captured_at: Timestamp::ZERO,
        arrived_at: Timestamp::ZERO,
    };
    let grain = (0..1280 * 720 * 3).map(|n: u32| (n.wrapping_mul(2_654_435_761) >> 29) as u8 + (n / 21_600) as u8);
    let frame = Frame::packed(meta, PixelFormat::Rgb8, ColourMatrix::BT601, (1280, 720), grain.collect()).unwrap();
    let picture = still::jpeg(&frame).unwrap();
    for bundle in fs::read_dir(evidence).unwrap() {
        let bundle = bundle.unwrap().path();
        fs::write(bundle.join("confirmed-marked.jpg"), &picture).unwrap();
        let told = bundle.join("incident.json");
        let mut record: serde_json::Value = serde_json::from_slice(&fs::read(&told).unwrap()).unwrap();
        record["snapshots"] = json!([{ "moment": "confirmed", "file": "confirmed.jpg", "marked_file": "confirmed-marked.jpg",
            "width": 1280, "height": 720, "frame_sequence": 7, "captured_at": { "seconds": 1.0 } }]);
        fs::write(told, record.to_string()).unwrap();
    }
}

#[test]
fn a_hundred_incidents_are_reviewed_by_keyboard_and_twenty_by_touch() {
    let incidents: Vec<u32> = (2..122).collect();
    let scene = Scene::set_up(&incidents, |_, _, dir| picture_all(&dir.join("evidence/1970-01-01")));
    scene.walk("tests/review.mjs");
}
