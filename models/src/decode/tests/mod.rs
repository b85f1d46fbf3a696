//! Decoders on outputs made by hand.

use ndarray::{Array3, ArrayD, CowArray, IxDyn};
use proptest::prelude::*;

use super::*;
use crate::card::Classes;
use crate::cards;

mod boxes;
mod crops;
mod faces;

struct Made(Vec<(&'static str, ArrayD<f32>)>);

impl Outputs for Made {
    fn name(&self, index: usize) -> Option<&str> {
        self.0.get(index).map(|(name, _)| *name)
    }

    fn get(&self, name: &str) -> Option<CowArray<'_, f32, IxDyn>> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, array)| array.view().into())
    }
}

/// The one picture of a run on that card's input.
const SHOT: Shot = Shot { batch: 1, index: 0, size: [64, 32] };

/// A card with a 64 x 32 input, one stride of 16 (so 4 x 2 cells) and two classes.
fn small_card(decoder: DecoderSpec) -> Card {
    let mut card = cards::builtin("nanodet-g-416").unwrap();
    (card.input.width, card.input.height) = (64, 32);
    card.classes = Classes::List(vec!["a".to_owned(), "b".to_owned()]);
    card.decoder = decoder;
    card.validate().unwrap();
    card
}

fn nanodet_card() -> Card {
    small_card(DecoderSpec::Nanodet {
        strides: vec![16],
        reg_max: 3,
        class_outputs: vec!["cls".to_owned()],
        box_outputs: vec!["reg".to_owned()],
    })
}

#[test]
fn nanodet_boxes_are_expectations_around_the_cell_centre() {
    let mut scores = Array3::<f32>::zeros((1, 8, 2));
    let mut sides = Array3::<f32>::zeros((1, 8, 16));
    // Cell 5 is column 1 of row 1: centre (24, 24).
    scores[[0, 5, 1]] = 0.9;
    // Left: all weight on bin 1. Top: bins 0 and 1 alike, so half a stride. Right: uniform, so 1.5. Bottom: bin 0.
    sides[[0, 5, 1]] = 100.0;
    (sides[[0, 5, 4]], sides[[0, 5, 5]]) = (100.0, 100.0);
    sides[[0, 5, 12]] = 100.0;
    let outputs = Made(vec![("cls", scores.into_dyn()), ("reg", sides.into_dyn())]);
    let boxes = Decoder::new(&nanodet_card()).unwrap().decode(&outputs, SHOT, 0.5).unwrap().boxes;
    assert_eq!(boxes, [RawBox { class: 1, score: 0.9, corners: [8.0, 16.0, 48.0, 24.0] }]);
}

#[test]
fn yolox_boxes_are_offsets_and_log_sizes() {
    let mut raw = Array3::<f32>::zeros((1, 8, 7));
    // Cell 6 is column 2 of row 1: corner (32, 16).
    for (k, value) in [0.5, 0.25, 2.0_f32.ln(), 0.0, 0.8, 0.1, 0.5].into_iter().enumerate() {
        raw[[0, 6, k]] = value;
    }
    let card = small_card(DecoderSpec::Yolox { strides: vec![16] });
    let boxes = Decoder::new(&card).unwrap().decode(&Made(vec![("out", raw.into_dyn())]), SHOT, 0.3).unwrap().boxes;
    let [only] = boxes[..] else { panic!("{boxes:?}") };
    assert_eq!((only.class, only.score), (1, 0.4));
    for (ours, expected) in only.corners.iter().zip([24.0, 12.0, 56.0, 28.0]) {
        assert!((ours - expected).abs() < 1e-4, "{only:?}");
    }
}

#[test]
fn wrong_outputs_say_what_was_promised_and_what_is_there() {
    let decoder = Decoder::new(&nanodet_card()).unwrap();
    let zeros = |cells, values| Array3::<f32>::zeros((1, cells, values)).into_dyn();
    let missing = decoder.decode(&Made(vec![("other", zeros(8, 2))]), SHOT, 0.5).unwrap_err().to_string();
    assert!(missing.contains("`cls`") && missing.contains("`other`"), "{missing}");
    let wrong =
        decoder.decode(&Made(vec![("cls", zeros(9, 2)), ("reg", zeros(8, 16))]), SHOT, 0.5).unwrap_err().to_string();
    assert!(wrong.contains("1x8x2") && wrong.contains("1x9x2"), "{wrong}");
    let wrong =
        decoder.decode(&Made(vec![("cls", zeros(8, 2)), ("reg", zeros(8, 8))]), SHOT, 0.5).unwrap_err().to_string();
    assert!(wrong.contains("1x8x16") && wrong.contains("1x8x8"), "{wrong}");
    let yolox = Decoder::new(&small_card(DecoderSpec::Yolox { strides: vec![16] })).unwrap();
    assert!(yolox.decode(&Made(Vec::new()), SHOT, 0.5).is_err());
}

fn any_value() -> impl Strategy<Value = f32> {
    prop_oneof![
        4 => -5f32..5.0,
        1 => prop_oneof![Just(f32::NAN), Just(f32::INFINITY), Just(f32::NEG_INFINITY), Just(1e38_f32), Just(-1e38_f32)],
    ]
}

proptest! {
    #[test]
    fn nothing_infinite_comes_out(
        classes in prop::collection::vec(any_value(), 16),
        sides in prop::collection::vec(any_value(), 128),
        raw in prop::collection::vec(any_value(), 56),
    ) {
        let array = |n, values| Array3::from_shape_vec((1, 8, n), values).unwrap().into_dyn();
        let nanodet = Made(vec![("cls", array(2, classes)), ("reg", array(16, sides))]);
        let mut boxes = Decoder::new(&nanodet_card()).unwrap().decode(&nanodet, SHOT, 0.3).unwrap().boxes;
        let yolox = Decoder::new(&small_card(DecoderSpec::Yolox { strides: vec![16] })).unwrap();
        boxes.extend(yolox.decode(&Made(vec![("out", array(7, raw))]), SHOT, 0.3).unwrap().boxes);
        for b in boxes {
            prop_assert!(b.score >= 0.3 && b.score.is_finite() && b.corners.iter().all(|v| v.is_finite()), "{b:?}");
        }
    }
}

/// A card with a 64 x 32 input whose decoder and what follows are given as TOML; `classes` is a TOML value.
fn card(classes: &str, decoder: &str) -> Card {
    let is_detector = !["movenet", "ctc", "classifier"].iter().any(|family| decoder.contains(family));
    let thresholds = if is_detector { "[thresholds]\nscore = 0.5\nnms-iou = 0.5" } else { "" };
    let text = format!(
        "name = \"m\"\ntitle = \"t\"\nlicence = \"MIT\"\nclasses = {classes}\n\
         source = {{ file = {{ path = \"m.onnx\" }} }}\nweights = {{ file = \"m.onnx\" }}\n\
         input = {{ width = 64, height = 32, channels = \"rgb\", resize = \"stretch\" }}\n{decoder}\n{thresholds}"
    );
    Card::from_toml(&text).unwrap()
}

/// An output of zeros with a few values set, in the order of its elements.
fn tensor(shape: &[usize], values: &[(usize, f32)]) -> ArrayD<f32> {
    let mut flat = vec![0.0; shape.iter().product()];
    for &(index, value) in values {
        flat[index] = value;
    }
    ArrayD::from_shape_vec(shape.to_vec(), flat).unwrap()
}

/// Asserts that two lists of numbers agree to 1e-4.
#[track_caller]
fn assert_near(ours: &[f32], expected: &[f32]) {
    let is_near = ours.iter().zip(expected).all(|(a, b)| (a - b).abs() <= 1e-4);
    assert!(ours.len() == expected.len() && is_near, "{ours:?} not {expected:?}");
}

/// Asserts that exactly one box comes out at a threshold of 0.5, and what it is.
#[track_caller]
fn assert_one(card: &Card, outputs: &Made, (class, score): (usize, f32), corners: [f32; 4]) -> Vec<[f32; 2]> {
    let raw = Decoder::new(card).unwrap().decode(outputs, SHOT, 0.5).unwrap();
    let [only] = raw.boxes[..] else { panic!("{raw:?}") };
    assert_eq!(only.class, class);
    assert_near(&[only.score], &[score]);
    assert_near(&only.corners, &corners);
    raw.landmarks(0).to_vec()
}

/// Takes away each output in turn, and gives it each wrong shape; the error must name it and both shapes.
#[track_caller]
fn assert_shapes_are_checked(outputs: &Made, decode: impl Fn(&Made) -> Option<DecodeError>) {
    assert_eq!(decode(outputs), None);
    let but = |k: usize, array: Option<ArrayD<f32>>| {
        let others = outputs.0.iter().enumerate().filter(|&(i, _)| i != k).map(|(_, output)| output.clone());
        let changed = array.map(|array| (outputs.0[k].0, array));
        Made(changed.into_iter().chain(others).collect())
    };
    for (k, (name, array)) in outputs.0.iter().enumerate() {
        if outputs.0.len() > 1 {
            let missing = decode(&but(k, None)).unwrap().to_string();
            assert!(missing.contains(name), "{missing}");
        }
        let shape = array.shape();
        let mut deeper = shape.to_vec();
        deeper.push(1);
        let wrong = (0..shape.len()).map(|axis| {
            let mut wrong = shape.to_vec();
            wrong[axis] += 1;
            wrong
        });
        let mut refused = 0;
        for wrong in wrong.chain([deeper, vec![]]) {
            let given = wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("x");
            let Some(error) = decode(&but(k, Some(ArrayD::zeros(wrong)))) else { continue };
            let error = error.to_string();
            refused += 1;
            // Where one output says how many others have, an other one may be found at fault.
            let is_named = error.contains(&format!("`{name}`")) && error.contains(&given);
            let is_other = outputs.0.iter().any(|(other, _)| other != name && error.contains(&format!("`{other}`")));
            assert!(error.contains("promises") && (is_named || is_other), "{error}");
        }
        // One free side, such as the number of queries, may be taken as it is.
        assert!(refused + 1 >= shape.len() + 2, "{name}: only {refused} wrong shapes were refused");
    }
}
