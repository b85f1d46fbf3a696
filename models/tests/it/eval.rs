//! Average precision against pycocotools, on made-up annotations with every odd case.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use forewarn_models::eval::{ApSummary, FoundBox, Picture, average_precision, labels};
use serde::Deserialize;
use serde_json::Value;

/// How far a figure may lie from that of pycocotools.
const TOLERANCE: f64 = 1e-6;

#[derive(Deserialize)]
struct Golden {
    truth: Value,
    results: Vec<Found>,
    figures: BTreeMap<String, Option<f64>>,
    by_class: Vec<BTreeMap<String, Option<f64>>>,
}

#[derive(Deserialize)]
struct Found {
    image_id: u64,
    category_id: u64,
    bbox: [f64; 4],
    score: f64,
}

fn reference() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/reference")
}

#[track_caller]
fn check(ours: &ApSummary, expected: &BTreeMap<String, Option<f64>>) {
    let ours = serde_json::to_value(ours).unwrap();
    assert_eq!(ours.as_object().unwrap().len(), expected.len());
    for (name, expected) in expected {
        let value = ours[name].as_f64();
        let is_same = match (value, expected) {
            (Some(value), Some(expected)) => (value - expected).abs() <= TOLERANCE,
            (value, expected) => value.is_none() && expected.is_none(),
        };
        assert!(is_same, "{name}: {value:?}, but pycocotools says {expected:?}");
    }
}

#[test]
fn figures_are_those_of_pycocotools() {
    let golden: Golden =
        serde_json::from_str(&std::fs::read_to_string(reference().join("golden/coco-eval.json")).unwrap()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let json = dir.path().join("instances.json");
    std::fs::write(&json, golden.truth.to_string()).unwrap();
    let labelled = labels::read_coco(&json, dir.path()).unwrap();
    let categories: Vec<u64> =
        golden.truth["categories"].as_array().unwrap().iter().map(|c| c["id"].as_u64().unwrap()).collect();
    let class_of = |id: u64| categories.iter().position(|known| *known == id).unwrap();
    let picture = |photo: &labels::LabelledPhoto| Picture {
        truth: photo.truth(640, 480),
        found: golden
            .results
            .iter()
            .filter(|found| found.image_id == photo.id)
            .map(|f| FoundBox { class: class_of(f.category_id), score: f.score, bbox: f.bbox })
            .collect(),
    };
    let pictures: Vec<Picture> = labelled.photos.iter().map(picture).collect();
    assert!(pictures.iter().any(|picture| picture.truth.iter().any(|truth| truth.is_crowd)));
    let classes: Vec<usize> = (0..categories.len()).collect();
    let report = average_precision(&pictures, &classes);
    check(&report.summary, &golden.figures);
    for (class, expected) in report.classes.iter().zip(&golden.by_class) {
        check(&class.figures, expected);
    }
    assert_eq!(report.n_found, golden.results.len());
}
