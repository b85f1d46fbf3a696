//! The detector on real photos against the plain Python reference, and the converter against NumPy.
//!
//! `tests/reference/` holds the reference and, under `golden/`, what it wrote. The photos lie in
//! `../shared/data/detect` beside the checkout; without them those tests say that they skip.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use forewarn_domain::Detection;
use forewarn_models::card::{Card, WeightSource};
use forewarn_models::{Fetcher, OnnxDetector, Progress, Runtime, Store, cards, image_frame, tfjs};
use serde::Deserialize;

/// A detection as the reference writes it: class, score, left, top, right, bottom.
type Row = (String, f32, f32, f32, f32, f32);

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn golden<T: for<'de> Deserialize<'de>>(name: &str) -> T {
    let path = repository().join("tests/reference/golden").join(name);
    serde_json::from_reader(File::open(path).unwrap()).unwrap()
}

fn photos() -> Option<PathBuf> {
    let dir = repository().join("../shared/data/detect/images");
    if dir.is_dir() {
        return Some(dir);
    }
    println!("skipped: there are no photos beside the checkout");
    None
}

fn open(card: &Card) -> OnnxDetector {
    let store = Store::locate();
    let runtime = Runtime::load(&store).unwrap_or_else(|error| panic!("{error}"));
    let weights = store.weights(card).unwrap_or_else(|error| panic!("{error}"));
    OnnxDetector::open(card, &weights, &runtime, 1).unwrap_or_else(|error| panic!("{error}"))
}

fn row(detection: &Detection) -> Row {
    let b = detection.bbox;
    (detection.class.to_string(), detection.score, b.x0, b.y0, b.x1, b.y1)
}

fn is_alike(a: &Row, b: &Row) -> bool {
    let edges = [(a.2, b.2), (a.3, b.3), (a.4, b.4), (a.5, b.5)];
    a.0 == b.0 && (a.1 - b.1).abs() <= 0.01 && edges.iter().all(|(x, y)| (x - y).abs() <= 1.0)
}

/// How many of `these` reach `score`, and how many of them have their like among `those`.
fn agreeing(these: &[Row], those: &[Row], score: f32) -> (usize, usize) {
    let strong: Vec<&Row> = these.iter().filter(|row| row.1 >= score).collect();
    let alike = strong.iter().filter(|a| those.iter().any(|b| is_alike(a, b))).count();
    (strong.len(), alike)
}

/// Asserts that 99 % of the detections at the card's threshold, counted both ways, have their like.
fn check_against_reference(name: &str) {
    let Some(dir) = photos() else { return };
    let mut card = cards::builtin(name).unwrap();
    let score = card.thresholds.score;
    // The reference was written with this lower threshold, so that a hair's difference at the threshold is none.
    card.thresholds.score = 0.3;
    let reference: BTreeMap<String, Vec<Row>> = golden(&format!("detect-{name}.json"));
    let mut detector = open(&card);
    let (mut total, mut alike) = (0, 0);
    for (file, expected) in &reference {
        let frame = image_frame(&dir.join(file)).unwrap();
        let ours: Vec<Row> = detector.detect_frame(&frame).unwrap().iter().map(row).collect();
        for (these, those) in [(&ours, expected), (expected, &ours)] {
            let (n, same) = agreeing(these, those, score);
            total += n;
            alike += same;
        }
    }
    println!("{name}: {alike} of {total} detections agree with the reference, counted both ways");
    assert!(total > 300, "only {total} detections");
    assert!(alike * 100 >= total * 99, "only {alike} of {total} detections agree");
}

#[test]
fn nanodet_agrees_with_the_reference() {
    check_against_reference("nanodet-g-416");
}

#[test]
fn yolox_agrees_with_the_reference() {
    let card = cards::builtin("yolox-nano").unwrap();
    if !Store::locate().path(&card.weights.file).is_file() {
        println!("skipped: the weights of yolox-nano are not in the store; `forewarn models fetch yolox-nano`");
        return;
    }
    check_against_reference("yolox-nano");
}

#[test]
fn the_same_photo_gives_the_same_bits() {
    let Some(dir) = photos() else { return };
    let frame = image_frame(&dir.join("000000000139.jpg")).unwrap();
    let card = cards::builtin("nanodet-g-416").unwrap();
    let first = open(&card).detect_frame(&frame).unwrap();
    assert!(first.iter().any(|detection| detection.class.as_str() == "tv"), "{first:?}");
    let mut detector = open(&card);
    for _ in 0..3 {
        assert_eq!(detector.detect_frame(&frame).unwrap(), first);
    }
}

#[derive(Deserialize)]
struct Layer {
    shape: Vec<usize>,
    indices: Vec<usize>,
    values: Vec<f32>,
}

/// The two files of the package of NanoDet-g, out of the fetcher's cache.
fn graph_model(card: &Card) -> (Vec<u8>, Vec<u8>) {
    let WeightSource::Npm { package, version, files, .. } = &card.source else { panic!("the source is not npm") };
    let name = package.replace(['@', '/'], "_");
    let archive = Store::locate().path(&format!("cache/npm-{name}-{version}.tgz"));
    let file = File::open(&archive)
        .unwrap_or_else(|error| panic!("{}: {error}; run `forewarn models fetch {}`", archive.display(), card.name));
    let mut found = vec![Vec::new(); files.len()];
    for entry in tar::Archive::new(GzDecoder::new(file)).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_string_lossy().into_owned();
        if let Some(slot) = files.iter().position(|file| *file == path) {
            std::io::copy(&mut entry, &mut found[slot]).unwrap();
            if found.iter().all(|bytes| !bytes.is_empty()) {
                break;
            }
        }
    }
    let weights = found.pop().unwrap();
    (found.pop().unwrap(), weights)
}

#[test]
fn converted_layers_agree_with_numpy() {
    let card = cards::builtin("nanodet-g-416").unwrap();
    let (json, weights) = graph_model(&card);
    let layers: BTreeMap<String, Layer> = golden("nanodet-layers.json");
    // The layers to compare are made outputs of the graph.
    let mut model: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let outputs = layers.keys().map(|name| (name.clone(), serde_json::json!({}))).collect();
    model["signature"]["outputs"] = serde_json::Value::Object(outputs);
    let onnx = tfjs::onnx_from_graph_model(model.to_string().as_bytes(), |_| Some(weights.clone())).unwrap();

    let runtime = Runtime::load(&Store::locate()).unwrap_or_else(|error| panic!("{error}"));
    let input: Vec<f32> = (0..3 * 416 * 416).map(|i: u64| (i * 7919 % 1021) as f32 / 255.0 - 2.0).collect();
    let found = runtime.run_once(&onnx, &[1, 3, 416, 416], &input).unwrap();
    assert_eq!(found.len(), layers.len());
    for (name, tensor) in &found {
        let layer = &layers[name];
        assert_eq!(tensor.shape(), layer.shape, "{name}");
        let flat: Vec<f32> = tensor.iter().copied().collect();
        for (&index, &expected) in layer.indices.iter().zip(&layer.values) {
            let difference = (flat[index] - expected).abs();
            assert!(difference <= 1e-3 * expected.abs().max(1.0), "{name}[{index}]: {} not {expected}", flat[index]);
        }
    }
}

#[test]
fn conversion_gives_the_pinned_bytes() {
    for name in ["nanodet-g-416", "movenet-lightning"] {
        let card = cards::builtin(name).unwrap();
        let (json, weights) = graph_model(&card);
        let onnx = tfjs::onnx_from_graph_model(&json, |_| Some(weights.clone())).unwrap();
        assert_eq!(Some(forewarn_base::hash::sha256_of_bytes(&onnx)), card.weights.sha256, "{name}");
    }
}

#[test]
fn what_is_in_the_store_is_not_fetched_again() {
    let store = Store::locate();
    let card = cards::builtin("nanodet-g-416").unwrap();
    let weights = store.weights(&card).unwrap_or_else(|error| panic!("{error}"));
    let changed = std::fs::metadata(&weights).unwrap().modified().unwrap();
    let fetched = Fetcher::new(store, Progress::Silent).fetch_model(&card).unwrap();
    assert_eq!(fetched, weights);
    assert_eq!(std::fs::metadata(&weights).unwrap().modified().unwrap(), changed);
}

#[test]
fn a_card_that_does_not_fit_its_weights_says_what_differs() {
    let mut card = cards::builtin("nanodet-g-416").unwrap();
    let store = Store::locate();
    let runtime = Runtime::load(&store).unwrap_or_else(|error| panic!("{error}"));
    let weights = store.weights(&card).unwrap_or_else(|error| panic!("{error}"));
    card.classes = forewarn_models::card::Classes::List(vec!["person".to_owned()]);
    let error = OnnxDetector::open(&card, &weights, &runtime, 1).unwrap_err().to_string();
    assert!(error.contains("1x2704x1") && error.contains("1x2704x80"), "{error}");
    card.input.width = 320;
    let error = OnnxDetector::open(&card, &weights, &runtime, 1).unwrap_err().to_string();
    assert!(error.contains("1x3x416x320"), "{error}");
}

#[test]
fn weights_that_are_no_model_are_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.onnx");
    std::fs::write(&path, b"not a model").unwrap();
    let runtime = Runtime::load(&Store::locate()).unwrap_or_else(|error| panic!("{error}"));
    let card = cards::builtin("yolox-nano").unwrap();
    let error = OnnxDetector::open(&card, &path, &runtime, 1).unwrap_err().to_string();
    assert!(error.contains("yolox-nano") && error.contains("m.onnx"), "{error}");
}
