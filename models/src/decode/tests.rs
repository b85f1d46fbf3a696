//! Decoders on outputs made by hand.

use ndarray::{Array3, ArrayD};
use proptest::prelude::*;

use super::*;
use crate::card::Classes;
use crate::cards;

struct Made(Vec<(&'static str, ArrayD<f32>)>);

impl Outputs for Made {
    fn names(&self) -> Vec<String> {
        self.0.iter().map(|(name, _)| (*name).to_owned()).collect()
    }

    fn get(&self, name: &str) -> Option<ArrayViewD<'_, f32>> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, array)| array.view())
    }
}

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
    let boxes = Decoder::new(&nanodet_card()).unwrap().decode(&outputs, 0.5).unwrap();
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
    let boxes = Decoder::new(&card).unwrap().decode(&Made(vec![("out", raw.into_dyn())]), 0.3).unwrap();
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
    let missing = decoder.decode(&Made(vec![("other", zeros(8, 2))]), 0.5).unwrap_err().to_string();
    assert!(missing.contains("`cls`") && missing.contains("`other`"), "{missing}");
    let wrong = decoder.decode(&Made(vec![("cls", zeros(9, 2)), ("reg", zeros(8, 16))]), 0.5).unwrap_err().to_string();
    assert!(wrong.contains("1x8x2") && wrong.contains("1x9x2"), "{wrong}");
    let wrong = decoder.decode(&Made(vec![("cls", zeros(8, 2)), ("reg", zeros(8, 8))]), 0.5).unwrap_err().to_string();
    assert!(wrong.contains("1x8x16") && wrong.contains("1x8x8"), "{wrong}");
    let yolox = Decoder::new(&small_card(DecoderSpec::Yolox { strides: vec![16] })).unwrap();
    assert!(yolox.decode(&Made(Vec::new()), 0.5).is_err());
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
        let mut boxes = Decoder::new(&nanodet_card()).unwrap().decode(&nanodet, 0.3).unwrap();
        let yolox = Decoder::new(&small_card(DecoderSpec::Yolox { strides: vec![16] })).unwrap();
        boxes.extend(yolox.decode(&Made(vec![("out", array(7, raw))]), 0.3).unwrap());
        for b in boxes {
            prop_assert!(b.score >= 0.3 && b.score.is_finite() && b.corners.iter().all(|v| v.is_finite()), "{b:?}");
        }
    }
}
