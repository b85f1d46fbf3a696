//! The variants of NanoDet-g: made to the pinned bytes, and what they find against the model in 32 bits.

use std::path::{Path, PathBuf};

use forewarn_base::hash;
use forewarn_domain::Detection;
use forewarn_models::shadow::compare;
use forewarn_models::{Fetcher, OnnxDetector, Progress, Runtime, Store, cards, image_frame};

/// Photos that are compared; more would only take longer.
const PHOTOS: usize = 12;
/// Score from which a detection needs its like.
const SURE: f32 = 0.45;

/// A store of its own that shares nothing but the downloads with the machine's.
fn fresh_store(dir: &Path) -> Store {
    std::os::unix::fs::symlink(Store::locate().path("cache"), dir.join("cache")).unwrap();
    Store::at(dir)
}

fn open(store: &Store, name: &str) -> OnnxDetector {
    let mut card = cards::builtin(name).unwrap();
    card.thresholds.score = 0.3;
    let runtime = Runtime::load(&Store::locate()).unwrap_or_else(|error| panic!("{error}"));
    let weights = store.weights(&card).unwrap_or_else(|error| panic!("{error}"));
    OnnxDetector::open(&card, &weights, &runtime, 1).unwrap_or_else(|error| panic!("{error}"))
}

fn photos() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/detect/images");
    let mut photos: Vec<PathBuf> = std::fs::read_dir(dir).into_iter().flatten().map(|e| e.unwrap().path()).collect();
    photos.sort();
    photos.truncate(PHOTOS);
    photos
}

fn detect(detector: &mut OnnxDetector, photos: &[PathBuf]) -> Vec<Vec<Detection>> {
    photos.iter().map(|path| detector.detect_frame(&image_frame(path).unwrap()).unwrap()).collect()
}

/// Makes the variant, compares its bytes with the pinned ones, and asserts that `least` of 100 sure detections, counted
/// both ways, have their like in the model in 32 bits.
fn check(name: &str, max_bytes: u64, least: u64) {
    let dir = tempfile::tempdir().unwrap();
    let store = fresh_store(dir.path());
    let card = cards::builtin(name).unwrap();
    let made = Fetcher::new(store.clone(), Progress::Silent).fetch_model(&card).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(Some(hash::digest_of_file(&made).unwrap().sha256), card.weights.sha256);
    assert!(made.metadata().unwrap().len() <= max_bytes);
    let mut variant = open(&store, name);
    let photos = photos();
    if photos.is_empty() {
        println!("skipped: there are no photos beside the checkout");
        return;
    }
    let whole = detect(&mut open(&Store::locate(), "nanodet-g-416"), &photos);
    let (mut alike, mut total) = (0, 0);
    for (these, those) in detect(&mut variant, &photos).iter().zip(&whole) {
        for tally in compare(these, those, SURE).classes.values() {
            alike += 2 * tally.matched;
            total += 2 * tally.matched + tally.only_main + tally.only_shadow;
        }
    }
    println!("{name}: {alike} of {total} detections agree with the model in 32 bits, counted both ways");
    assert!(total >= 50 && alike * 100 >= total * least, "only {alike} of {total}");
}

#[test]
fn eight_bits_find_nearly_the_same() {
    check("nanodet-g-416-int8", 4_500_000, 93);
}

#[test]
fn sixteen_bit_weights_find_the_same() {
    check("nanodet-g-416-fp16", 7_700_000, 100);
}
