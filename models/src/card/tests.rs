//! Cards that are sound, and what is said of those that are not.

use forewarn_domain::Class;

use super::*;
use crate::cards::{self, BUILTIN};

#[test]
fn every_built_in_card_is_sound_and_named_as_listed() {
    for (name, _) in BUILTIN {
        let card = cards::builtin(name).unwrap();
        assert_eq!(card.name, *name);
    }
    assert_eq!(BUILTIN[0].0, cards::DEFAULT_DETECTOR);
    assert!(cards::builtin(cards::DEFAULT_DETECTOR).unwrap().is_pinned());
    let unknown = cards::builtin("yolo-nano").unwrap_err().to_string();
    assert!(unknown.contains("`yolo-nano`") && unknown.contains("yolox-nano"), "{unknown}");
}

/// A card of nearly every key.
const NANODET: &str = include_str!("../../cards/nanodet-g-416.toml");

/// That card with one line replaced must fail with a message that holds `says`.
#[track_caller]
fn check(from: &str, to: &str, says: &str) {
    assert!(NANODET.contains(from), "the card has no {from:?}");
    let error = Card::from_toml(&NANODET.replacen(from, to, 1)).unwrap_err().to_string();
    assert!(error.contains(says), "{error}");
}

#[test]
fn what_is_wrong_with_a_card_is_said() {
    check("licence =", "license =", "license");
    check("width = 416", "width = 416\nhue = 1", "hue");
    check("reg-max = 10", "reg-max = 10\nanchors = 3", "anchors");
    check("[source.npm]", "[source.ftp]", "ftp");
    check("name = \"nanodet-g-416\"", "name = \"../up\"", "name");
    check("file = \"nanodet-g-416.onnx\"", "file = \"../up.onnx\"", "weights.file");
    check("sha256 = \"adbc", "sha256 = \"ADBC", "source.sha256");
    check("width = 416", "width = 0", "0x416");
    check("width = 416", "width = 400", "stride");
    check("std = [57.375", "std = [0.0", "input.std");
    check("mean = [103.53", "mean = [nan", "input.mean");
    check("reg-max = 10", "reg-max = 0", "reg-max");
    check("strides = [8, 16, 32]", "strides = [8, 16]", "decoder");
    check("card = \"nanodet-g-416-int8\"", "precision = \"bf16\"", "variants");
    check("own = 0.307", "own = 30.7", "from 0 to 1");
    check("score = 0.35", "score = 1.5", "thresholds.score");
    check("nms-iou = 0.5", "nms-iou = -0.5", "thresholds.nms-iou");
    check("classes = \"coco80\"", "classes = [\"a\", \"a\"]", "classes");
    check("classes = \"coco80\"", "classes = \"coco\"", "coco80");
    check("classes = \"coco80\"", "", "classes");
    check("score = 0.35", "score = 0.0", "above 0");
    check("score = 0.35", "score = 0.35\nclasses = { hat = 0.4 }", "`hat`");
    check("score = 0.35", "score = 0.35\nclasses = { car = 1.4 }", "1.4");
    let others = |text: &str| format!("[calibration]\non = \"\"\nothers = {text}\n[thresholds]");
    check("[thresholds]", &others("{ slope = 0.0, offset = 0.0 }"), "must rise");
    check("[thresholds]", &others("{ slope = 1.0, offset = 0.0, tilt = -1.0 }"), "must rise");
    check("[thresholds]", &others("{ slope = nan, offset = 0.0 }"), "slope of others");
    check("[thresholds]", &others("{ slope = 1.0, offset = inf }"), "finite");
    check("[thresholds]", &others("{ slope = 1.0 }"), "offset");
    let hat = "{ slope = 1.0, offset = 0.0 }\nclasses = { hat = { slope = 1.0, offset = 0.0 } }";
    check("[thresholds]", &others(hat), "`hat`");
    check("[thresholds]", "[crop]\nof = \"face\"\nmin-side-px = 0\n[thresholds]", "crop.min-side-px");
    check("[thresholds]", "[crop]\nof = \"face\"\nmin-side-px = 9\nmargin = 3.0\n[thresholds]", "crop.margin");
    check("[thresholds]", "[crop]\nof = \"foot\"\nmin-side-px = 9\n[thresholds]", "torso");
    check("height = 416", "height = 416\ndynamic = { axes = \"both\", multiple-of = 30 }", "multiple-of");
    check("height = 416", "height = 416\ndynamic = { axes = \"both\", multiple-of = 16 }", "stride");
    check("height = 416", "height = 416\nelement = \"f64\"", "f64");
    check(
        "conversion = \"tfjs-graph\"",
        "conversion = { tfjs-part = { input = \"a\", shape = [], outputs = [] } }",
        "tfjs-part",
    );
    check("pad = 0.0", "pad = 300.0", "pad");
}

#[test]
fn a_card_of_ones_own_may_list_its_classes() {
    let card = Card::from_toml(&NANODET.replacen("\"coco80\"", "[\"hat\", \"vest\"]", 1)).unwrap();
    assert_eq!(card.classes.to_vec(), [Class::new("hat"), Class::new("vest")]);
}

/// A card whose input, decoder and what follows are given.
fn card(rest: &str) -> Result<Card, CardError> {
    let head = "name = \"m\"\ntitle = \"t\"\nlicence = \"MIT\"\nsource = { file = { path = \"m.onnx\" } }\n\
                weights = { file = \"m.onnx\" }\ninput = { width = 64, height = 32, channels = \"rgb\", resize = \"stretch\" }\n";
    Card::from_toml(&format!("{head}{rest}"))
}

const CLASSIFIER: &str = r#"
classes = ["covered", "bare"]
[decoder.classifier]
activation = "softmax"
[crop]
of = "face"
margin = 0.2
min-side-px = 16
square = true
[answer]
yes = ["covered"]
yes-at-least = 0.8
no-at-most = 0.3
[[accuracy]]
on = "200 faces not trained on"
metric = "accuracy"
value = "97.5 %"
"#;

const CTC: &str = r#"
[decoder.ctc]
dictionary = ["A", "B"]
"#;

#[test]
fn each_family_has_its_task() {
    let classifier = card(CLASSIFIER).unwrap();
    assert_eq!((classifier.task(), classifier.decoder.family()), (Task::Classify, "classifier"));
    let crop = Crop { of: CropOf::Face, margin: 0.2, min_side_px: 16, square: true };
    assert_eq!(classifier.crop, Some(crop));
    assert_eq!(classifier.answer.unwrap().yes, ["covered"]);
    assert_eq!(classifier.accuracy[0].value, "97.5 %");
    let text = card(CTC).unwrap();
    assert_eq!((text.task(), text.thresholds), (Task::Text, Thresholds::default()));
    let pose = card("[decoder.movenet]").unwrap();
    let DecoderSpec::Movenet { points, .. } = &pose.decoder else { panic!("{pose:?}") };
    assert_eq!((pose.task(), points.len(), points[3].as_str()), (Task::Keypoints, 17, "left ear"));
    assert_eq!(cards::builtin(cards::DEFAULT_DETECTOR).unwrap().task(), Task::Detect);
}

/// A card with one line replaced must fail with a message that holds `says`.
#[track_caller]
fn check_card(text: &str, from: &str, to: &str, says: &str) {
    assert!(text.contains(from), "the card has no {from:?}");
    let error = card(&text.replacen(from, to, 1)).unwrap_err().to_string();
    assert!(error.contains(says), "{error}");
}

#[test]
fn what_is_wrong_with_a_crop_model_is_said() {
    check_card(CLASSIFIER, "yes = [\"covered\"]", "yes = [\"mask\"]", "`mask`");
    check_card(CLASSIFIER, "yes = [\"covered\"]", "yes = []", "answer.yes");
    check_card(CLASSIFIER, "no-at-most = 0.3", "no-at-most = 0.8", "below");
    check_card(CLASSIFIER, "yes-at-least = 0.8", "yes-at-least = 1.8", "answer");
    check_card(CLASSIFIER, "[crop]", "temperature = 0.0\n[crop]", "temperature");
    check_card(CLASSIFIER, "[crop]", "[thresholds]\nscore = 0.3\n[crop]", "[answer]");
    check_card(CTC, "[decoder", "classes = [\"a\"]\n[decoder", "ctc has no classes");
    check_card(CTC, "[\"A\", \"B\"]", "[\"A\", \"A\"]", "dictionary");
    check_card(CTC, "[\"A\", \"B\"]", "{ file = \"../d.txt\" }", "dictionary.file");
    check_card(
        CTC,
        "[\"A\", \"B\"]",
        "[\"A\"]\n[answer]\nyes = []\nyes-at-least = 0.5\nno-at-most = 0.4",
        "classifiers",
    );
}

const SSD: &str = r#"
classes = ["", "person"]
[decoder.ssd]
boxes = "b"
scores = "s"
activation = "sigmoid"
background = 0
variances = [0.1, 0.1, 0.2, 0.2]
grids = [{ columns = 2, rows = 1, anchors = [[0.5, 0.5]] }]
[thresholds]
score = 0.3
nms-iou = 0.5
classes = { person = 0.4 }
"#;

#[test]
fn numbers_without_a_meaning_are_no_classes() {
    let card = card(SSD).unwrap();
    let person = Class::new("person");
    assert_eq!(card.classes.to_vec(), std::slice::from_ref(&person));
    assert_eq!(card.classes.by_number(), [None, Some(person.clone())]);
    assert_eq!((card.thresholds.of(&person), card.thresholds.least()), (0.4, 0.3));
}

#[test]
fn what_is_wrong_with_a_detector_is_said() {
    check_card(SSD, "anchors = [[0.5, 0.5]]", "anchors = []", "grids");
    check_card(SSD, "anchors = [[0.5, 0.5]]", "anchors = [[0.5, -0.5]]", "grids");
    check_card(SSD, "columns = 2", "columns = 4000000000", "priors");
    check_card(SSD, "variances = [0.1,", "variances = [0.0,", "variances");
    check_card(SSD, "background = 0", "background = 9", "background");
    let heads = "class-outputs = [\"c\"]\nobject-outputs = [\"o\"]\nbox-outputs = [\"b\"]\nlandmark-outputs = []\nstrides = [8]";
    let rest = "[thresholds]\nscore = 0.5";
    let yunet = card(&format!("classes = [\"face\"]\n[decoder.yunet]\n{heads}\n{rest}")).unwrap_err().to_string();
    assert!(yunet.contains("each of 1 strides"), "{yunet}");
    let blaze =
        "scores = \"s\"\nregression = \"r\"\nactivation = \"sigmoid\"\nstrides = [16]\nanchors = [2, 6]\nlandmarks = 6";
    let blaze = card(&format!("classes = [\"face\"]\n[decoder.blazeface]\n{blaze}\n{rest}")).unwrap_err().to_string();
    assert!(blaze.contains("anchors"), "{blaze}");
    let plate = "boxes = \"b\"\nscores = \"s\"\nlandmarks = \"l\"\npoints = 4\nstrides = [16]\nvariances = [0.1, 0.2]\nprior-sides = [[]]";
    let plate = card(&format!("classes = [\"plate\"]\n[decoder.plate]\n{plate}\n{rest}")).unwrap_err().to_string();
    assert!(plate.contains("prior-sides"), "{plate}");
}

#[test]
fn a_dictionary_may_be_a_file_of_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let dictionary = Dictionary::File(DictionaryFile { file: "d.txt".to_owned() });
    let missing = dictionary.characters(dir.path()).unwrap_err().to_string();
    assert!(missing.contains("d.txt") && missing.contains("one character a line"), "{missing}");
    std::fs::write(dir.path().join("d.txt"), "0\n\u{4eac}\n").unwrap();
    assert_eq!(dictionary.characters(dir.path()).unwrap(), ["0", "\u{4eac}"]);
    std::fs::write(dir.path().join("d.txt"), "\n").unwrap();
    assert!(dictionary.characters(dir.path()).is_err());
}
