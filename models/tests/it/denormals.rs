//! Denormal numbers count as zero.
//!
//! The test runs in a process of its own because the runtime decides it once a process for the threads that call it:
//! when the first session is opened, for the thread that opens it and those that are started later.

use forewarn_models::reader::Classifier;
use forewarn_models::{Card, Runtime, Store};

use crate::support::{Graph, frame, in_own_process};

const CARD: &str = "name = 'tiny'\ntitle = 't'\nlicence = 'MIT'\nclasses = ['left', 'right']\n\
     source = { file = { path = 'tiny.onnx' } }\nweights = { file = 'tiny.onnx' }\n\
     input = { width = 8, height = 8, channels = 'rgb', scale = 0.00392157, resize = 'stretch' }\n\
     decoder = { classifier = { activation = 'none' } }\n";

/// Red and green of 0 to 1, of which red goes through a number that is too small to be normal.
fn through_a_denormal() -> Vec<u8> {
    Graph::new(&[-1, 3, 8, 8])
        .constant("w", &[3, 2], &[1.0, 0.0, 0.0, 1.0, 0.0, 0.0])
        .constant("down", &[2], &[1e-20, 1.0])
        .constant("up", &[2], &[1e20, 1.0])
        .node("GlobalAveragePool", &["x"], "mean", None)
        .node("Flatten", &["mean"], "flat", Some(("axis", 1)))
        .node("MatMul", &["flat", "w"], "both", None)
        .node("Mul", &["both", "down"], "small", None)
        .node("Mul", &["small", "down"], "denormal", None)
        .node("Mul", &["denormal", "up"], "larger", None)
        .node("Mul", &["larger", "up"], "y", None)
        .finish("y", &[-1, 2])
}

#[test]
fn denormal_numbers_count_as_zero_in_every_thread_that_runs_a_model() {
    in_own_process(
        "denormals::denormal_numbers_count_as_zero_in_every_thread_that_runs_a_model",
        run_through_denormals,
    );
}

fn run_through_denormals() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("tiny.onnx");
    std::fs::write(&file, through_a_denormal()).unwrap();
    let runtime = Runtime::load(&Store::locate()).unwrap_or_else(|error| panic!("{error}"));
    let card = Card::from_toml(CARD).unwrap();
    let white = frame("gate", (8, 8), |_, _| [255, 255, 255]);
    let classify = |mut model: Classifier| model.classify(white.clone()).unwrap();
    let open = || Classifier::open(&card, &file, &runtime, 1).unwrap();
    let here = classify(open());
    let (there, opened_there) = std::thread::scope(|scope| {
        let model = open();
        (scope.spawn(|| classify(model)).join().unwrap(), scope.spawn(|| classify(open())).join().unwrap())
    });
    for scores in [here, there, opened_there] {
        assert!(scores[0] == 0.0 && (scores[1] - 1.0).abs() < 1e-3, "{scores:?}");
    }
}
