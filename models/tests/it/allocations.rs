//! What a look claims of the heap anew, once everything has its size: nothing for filling the tensor and for reading the
//! outputs, and little beside that.
//!
//! What is counted is claimed by the program's own allocator in the thread that looks. The library has another one.

use allocation_counter::measure;
use forewarn_domain::{Detector as _, Frame, PixelFormat};
use forewarn_models::decode::{Decoder, Outputs, RawBoxes, Shot};
use forewarn_models::preprocess::Preprocessor;
use forewarn_models::{Card, OnnxDetector, Runtime, Store, cards};
use ndarray::{ArrayD, CowArray, IxDyn};

use crate::support::{frame, planar};

/// Looks in which all memory comes to its size, and those that are counted.
const WARM_UP: u64 = 3;
const LOOKS: u64 = 10;

/// The `ort` crate's own, for each output of a run.
const OF_AN_OUTPUT: u64 = 3;
/// The list of a run's outputs.
const OF_A_RUN: u64 = 1;
/// What a look hands over: a list of frames, and of each what was found, without and with what it was found by.
const HANDED_OVER: u64 = 3;

/// Claims of a look, on the mean.
fn of_a_look(mut look: impl FnMut()) -> f64 {
    (0..WARM_UP).for_each(|_| look());
    measure(|| (0..LOOKS).for_each(|_| look())).count_total as f64 / LOOKS as f64
}

fn level(x: u32, y: u32) -> [u8; 3] {
    [(x * 7 % 251) as u8, (y * 3 % 251) as u8, (x * y % 251) as u8]
}

#[test]
fn filling_the_tensor_claims_nothing() {
    for (name, _) in cards::BUILTIN {
        let card = cards::builtin(name).unwrap();
        for picture in [
            frame("gate", (1280, 720), level),
            planar(PixelFormat::I420, (1280, 720)),
            planar(PixelFormat::Nv12, (1280, 720)),
        ] {
            let mut preprocessor = Preprocessor::new(&card.input);
            preprocessor.prepare(picture.width, picture.height);
            let mut tensor = vec![0.0; preprocessor.tensor_len()];
            let claimed = of_a_look(|| {
                preprocessor.fill(&picture, &mut tensor).unwrap();
            });
            assert!(claimed == 0.0, "{name} {:?}: {claimed} a frame", picture.format);
        }
    }
}

struct Made(Vec<(String, ArrayD<f32>)>);

impl Outputs for Made {
    fn name(&self, index: usize) -> Option<&str> {
        self.0.get(index).map(|(name, _)| name.as_str())
    }

    fn get(&self, name: &str) -> Option<CowArray<'_, f32, IxDyn>> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, array)| array.view().into())
    }
}

/// The name of an output, its cells, and the values of each.
type Head = (&'static str, usize, usize);

/// Outputs in which one cell in a hundred sees something.
fn outputs(heads: &[Head]) -> Made {
    let made = |&(name, cells, values): &Head| {
        let sees = |i: usize| i % values >= 4 && (i / values).is_multiple_of(100);
        let levels = (0..cells * values).map(|i| if sees(i) { 0.9 } else { 0.01 }).collect();
        (name.to_owned(), ArrayD::from_shape_vec(IxDyn(&[1, cells, values]), levels).unwrap())
    };
    Made(heads.iter().map(made).collect())
}

#[test]
fn reading_the_outputs_claims_nothing() {
    let heads = [
        ("Identity:0", 2704, 80),
        ("Identity_1:0", 676, 80),
        ("Identity_2:0", 169, 80),
        ("Identity_3:0", 2704, 44),
        ("Identity_4:0", 676, 44),
        ("Identity_5:0", 169, 44),
    ];
    for (name, shapes) in [("yolox-nano", &[("output", 3549, 85)][..]), ("nanodet-g-416", &heads[..])] {
        let card: Card = cards::builtin(name).unwrap();
        let (decoder, outputs) = (Decoder::new(&card).unwrap(), outputs(shapes));
        let shot = Shot::single([card.input.width, card.input.height]);
        let mut found = RawBoxes::default();
        let claimed = of_a_look(|| decoder.decode_into(&outputs, shot, 0.3, &mut found).unwrap());
        assert!(found.boxes.len() > 20, "{name} finds something to read: {}", found.boxes.len());
        assert!(claimed == 0.0, "{name}: {claimed} a frame");
    }
}

#[test]
fn a_look_claims_what_the_run_and_its_result_need() {
    let picture: Frame = frame("gate", (1280, 720), level);
    let store = Store::locate();
    let runtime = Runtime::load(&store).unwrap();
    for (name, n_outputs) in [("site-nano-416", 1), ("nanodet-g-416", 6)] {
        let mut card = cards::builtin(name).unwrap();
        // Of a noise nothing is sure, and much is unsure.
        for score in [0.99, 0.02] {
            card.thresholds.score = score;
            card.thresholds.classes.clear();
            let weights = store.weights(&card).unwrap();
            let mut detector = OnnxDetector::open(&card, &weights, &runtime, 1).unwrap();
            let found = detector.detect_frame(&picture).unwrap().len();
            assert!((found > 20) == (score < 0.5), "{name} from {score} on finds {found}");
            let run = of_a_look(|| detector.run_again().unwrap());
            let look = of_a_look(|| drop(detector.detect(&[&picture]).unwrap()));
            println!("{name} from {score} on: {found} found, {run} claims a run, {look} a look");
            assert!(run <= (OF_A_RUN + OF_AN_OUTPUT * n_outputs) as f64, "{name}: {run} a run");
            assert!(look - run <= HANDED_OVER as f64, "{name}: {look} a look of which {run} are the run's");
        }
    }
}
