//! Real weights on real photos against what the plain Python reference wrote.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use forewarn_models::{Found, OnnxDetector, Runtime, Store, cards, image_frame};
use serde_json::Value;

/// Class, score, and the numbers of the box and its landmarks.
type Row = (String, f32, Vec<f32>);

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Weights out of the store, or those that lie beside the checkout.
fn weights(file: &str) -> Option<PathBuf> {
    let places = [Store::locate().path(file), repository().join("../shared/models").join(file)];
    places.into_iter().find(|path| path.is_file())
}

fn reference(name: &str) -> BTreeMap<String, Vec<Row>> {
    let path = repository().join(format!("tests/reference/golden/detect-{name}.json"));
    let read: BTreeMap<String, Vec<Vec<Value>>> = serde_json::from_reader(File::open(path).unwrap()).unwrap();
    let number = |value: &Value| value.as_f64().unwrap() as f32;
    let row = |row: &Vec<Value>| {
        (row[0].as_str().unwrap().to_owned(), number(&row[1]), row[2..].iter().map(number).collect())
    };
    read.iter().map(|(photo, rows)| (photo.clone(), rows.iter().map(row).collect())).collect()
}

fn row(found: &Found) -> Row {
    let landmarks = found.landmarks.iter().flat_map(|point| [point.x, point.y]);
    let numbers = <[f32; 4]>::from(found.bbox).into_iter().chain(landmarks).collect();
    (found.class.to_string(), found.score, numbers)
}

fn is_alike(a: &Row, b: &Row) -> bool {
    let is_near = a.2.len() == b.2.len() && a.2.iter().zip(&b.2).all(|(x, y)| (x - y).abs() <= 1.0);
    a.0 == b.0 && (a.1 - b.1).abs() <= 0.01 && is_near
}

/// Asserts that 99 % of the findings at the card's threshold, counted both ways and with their landmarks, have their
/// like in the reference; one may always differ. `least` is how many there are at least.
#[track_caller]
fn check(name: &str, folders: &[&str], least: usize) {
    let card = cards::builtin(name).unwrap();
    let folders: Vec<PathBuf> = folders.iter().map(|folder| repository().join("../shared/data").join(folder)).collect();
    let Some(weights) = weights(&card.weights.file) else {
        println!("skipped: the weights of {name} are not there; `forewarn models fetch {name}`");
        return;
    };
    if !folders.iter().all(|folder| folder.is_dir()) {
        println!("skipped: there are no photos beside the checkout");
        return;
    }
    let mut lower = card.clone();
    // The reference was written with this lower threshold, so that a hair's difference at the threshold is none.
    lower.thresholds.score = 0.3;
    let runtime = Runtime::load(&Store::locate()).unwrap_or_else(|error| panic!("{error}"));
    let mut detector = OnnxDetector::open(&lower, &weights, &runtime, 1).unwrap_or_else(|error| panic!("{error}"));
    let (mut total, mut alike) = (0, 0);
    for (photo, theirs) in &reference(name) {
        let path = folders.iter().map(|folder| folder.join(photo)).find(|path| path.is_file()).unwrap();
        let frame = image_frame(&path).unwrap();
        let ours: Vec<Row> = detector.find(&[&frame]).unwrap()[0].iter().map(row).collect();
        for (these, those) in [(&ours, theirs), (theirs, &ours)] {
            for a in these.iter().filter(|row| row.1 >= card.thresholds.score) {
                total += 1;
                if those.iter().any(|b| is_alike(a, b)) {
                    alike += 1;
                } else {
                    println!("{photo}: {a:?} has no like");
                }
            }
        }
    }
    println!("{name}: {alike} of {total} findings agree with the reference, counted both ways");
    assert!(total >= least, "only {total} findings");
    assert!(alike + 2 >= total || alike * 100 >= total * 99, "only {alike} of {total} findings agree");
}

#[test]
fn ssd_agrees_with_the_reference() {
    check("ssd-mobilenet-v2", &["detect/images"], 300);
}

#[test]
fn centerface_agrees_with_the_reference() {
    check("centerface", &["ppe", "train/face-mask/without_mask"], 80);
}

#[test]
fn blazeface_agrees_with_the_reference() {
    check("blazeface-long", &["ppe", "train/face-mask/without_mask"], 50);
}

#[test]
fn yunet_agrees_with_the_reference() {
    check("yunet", &["ppe", "train/face-mask/without_mask"], 100);
}

#[test]
fn the_mask_detector_agrees_with_the_reference() {
    check("aizoo-face-mask", &["ppe", "train/face-mask/with_mask"], 40);
}

#[test]
fn plates_and_their_corners_agree_with_the_reference() {
    check("clp-detector", &["plates/cars"], 10);
}
