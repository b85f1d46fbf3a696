//! Every family through ONNX Runtime: on small files with known answers, and on real weights against the plain Python
//! reference where weights and photos are there.

mod onnx;
mod real;

use std::path::PathBuf;

use self::onnx::{FLOAT, FLOAT16, Graph, INT32, INT64, UINT8};
use forewarn_domain::{ColourMatrix, Detection, Detector as _, Frame, FrameMeta, PixelFormat, StreamId, Timestamp};
use forewarn_models::{Card, OnnxDetector, OpenError, Runtime, Store, check};

fn runtime() -> Runtime {
    Runtime::load(&Store::locate()).unwrap_or_else(|error| panic!("{error}"))
}

/// A card with a 64 x 32 input that is fed plain pixel values.
fn card(more_input: &str, rest: &str) -> Card {
    Card::from_toml(&format!(
        "name = \"made\"\ntitle = \"t\"\nlicence = \"MIT\"\nsource = {{ file = {{ path = \"m.onnx\" }} }}\n\
         weights = {{ file = \"m.onnx\" }}\n\
         input = {{ width = 64, height = 32, channels = \"rgb\", resize = \"stretch\"{more_input} }}\n{rest}"
    ))
    .unwrap()
}

struct Made {
    dir: tempfile::TempDir,
}

impl Made {
    fn new(model: &[u8]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("m.onnx"), model).unwrap();
        Self { dir }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("m.onnx")
    }

    fn open(&self, card: &Card) -> Result<OnnxDetector, OpenError> {
        OnnxDetector::open(card, &self.path(), &runtime(), 1)
    }
}

/// A grey frame.
fn grey(level: u8, (width, height): (u32, u32)) -> Frame {
    let stream = StreamId::new("made").unwrap();
    let meta = FrameMeta { stream, sequence: 7, captured_at: Timestamp::ZERO, arrived_at: Timestamp::ZERO };
    let bytes = vec![level; (width * height * 3) as usize];
    Frame::packed(meta, PixelFormat::Rgb8, ColourMatrix::BT601, (width, height), bytes).unwrap()
}

const QUERIES: &str = r#"
classes = ["person", "car"]
[decoder.queries]
boxes = "pred_boxes"
scores = "logits"
activation = "sigmoid"
box-format = "cxcywh"
normalised = true
[thresholds]
score = 0.5
"#;

/// Three queries: a person in the middle with 0.8, the same place as a car with 0.75, nothing.
fn detr(classes: i64) -> Vec<u8> {
    let rows = classes as usize;
    let mut logits: Vec<(usize, f32)> = (0..3 * rows).map(|index| (index, -9.0)).collect();
    logits.extend([(0, 4.0_f32.ln()), (rows + 1, 3.0_f32.ln())]);
    Graph::default()
        .input("images", FLOAT, &[1, 3, 32, 64])
        .floats("b", &[1, 3, 4], &[(0, 0.5), (1, 0.5), (2, 0.5), (3, 0.5), (4, 0.5), (5, 0.5), (6, 0.5), (7, 0.5)])
        .floats("l", &[1, 3, classes], &logits)
        .node("Identity", &["b"], "pred_boxes", &[])
        .node("Identity", &["l"], "logits", &[])
        .output("pred_boxes")
        .output("logits")
        .bytes()
}

fn row(detection: &Detection) -> (String, f32, [f32; 4]) {
    let round = |value: f32| (value * 1000.0).round() / 1000.0;
    (detection.class.to_string(), round(detection.score), <[f32; 4]>::from(detection.bbox).map(round))
}

#[test]
fn a_transformer_claims_boxes_that_nothing_suppresses() {
    let made = Made::new(&detr(2));
    let mut detector = made.open(&card("", QUERIES)).unwrap();
    let found = detector.detect_frame(&grey(9, (640, 160))).unwrap();
    let place = [160.0, 40.0, 480.0, 120.0];
    let found: Vec<_> = found.iter().map(row).collect();
    assert_eq!(found, [("person".to_owned(), 0.8, place), ("car".to_owned(), 0.75, place)]);
}

/// Finished boxes of a graph that takes 16-bit floats and suppresses by itself.
fn suppressed() -> Graph {
    Graph::default()
        .input("images", FLOAT16, &[1, 3, 32, 64])
        .floats("r", &[1, 300, 6], &[(0, 16.0), (1, 8.0), (2, 48.0), (3, 24.0), (4, 0.8), (5, 1.0)])
        .node("Identity", &["r"], "output0", &[])
        .output("output0")
}

#[test]
fn weights_may_lie_beside_the_model_and_boxes_may_come_suppressed_from_16_bit_floats() {
    let rest = "classes = [\"person\", \"car\"]\n[decoder.suppressed]\n[thresholds]\nscore = 0.5\n";
    let card = card(", element = \"f16\"", rest);
    let (graph, outside) = suppressed().beside("m.onnx.data");
    let made = Made::new(&graph.bytes());
    std::fs::write(made.dir.path().join("m.onnx.data"), outside).unwrap();
    let found = made.open(&card).unwrap().detect_frame(&grey(9, (640, 160))).unwrap();
    let found: Vec<_> = found.iter().map(row).collect();
    assert_eq!(found, [("car".to_owned(), 0.8, [160.0, 40.0, 480.0, 120.0])]);
    std::fs::remove_file(made.dir.path().join("m.onnx.data")).unwrap();
    let error = made.open(&card).err().unwrap().to_string();
    assert!(error.contains("m.onnx.data"), "{error}");
}

#[test]
fn a_transformer_that_chooses_by_itself_is_told_the_size_of_its_input() {
    // Boxes are parts of the sides that the second input names, as the exports of RT-DETR multiply them.
    let model = Graph::default()
        .input("images", FLOAT, &[-1, 3, 32, 64])
        .input("orig_target_sizes", INT64, &[-1, 2])
        .floats("parts", &[1, 2, 4], &[(0, 0.25), (1, 0.25), (2, 0.5), (3, 0.75)])
        .floats("s", &[1, 2], &[(0, 0.9)])
        .floats("l", &[1, 2], &[(0, 1.0)])
        .ints("axes", &[1])
        .node("Cast", &["orig_target_sizes"], "sides", &[("to", i64::from(FLOAT))])
        .node("Concat", &["sides", "sides"], "twice", &[("axis", 1)])
        .node("Unsqueeze", &["twice", "axes"], "scale", &[])
        .node("Mul", &["parts", "scale"], "boxes", &[])
        .node("Identity", &["s"], "scores", &[])
        .node("Cast", &["l"], "numbers", &[("to", i64::from(INT64))])
        .node("Cast", &["numbers"], "labels", &[("to", i64::from(FLOAT))])
        .output("boxes")
        .output("scores")
        .output("labels")
        .bytes();
    let rest = r#"
classes = ["person", "car"]
[decoder.queries]
boxes = "boxes"
scores = "scores"
labels = "labels"
activation = "none"
box-format = "xyxy"
normalised = false
[thresholds]
score = 0.5
"#;
    let made = Made::new(&model);
    let mut detector = made.open(&card(", size-input = \"orig_target_sizes\"", rest)).unwrap();
    // The graph says that it takes any number of pictures, yet its scores are those of one.
    assert_eq!(detector.most_at_once(), 1);
    let found = detector.detect_frame(&grey(9, (640, 160))).unwrap();
    assert_eq!(found.iter().map(row).collect::<Vec<_>>(), [("car".to_owned(), 0.9, [160.0, 40.0, 320.0, 120.0])]);
    let error = made.open(&card("", rest)).unwrap_err().to_string();
    assert!(error.contains("orig_target_sizes") && error.contains("promises one input"), "{error}");
}

const YOLOV8: &str = r#"
classes = ["a", "b", "c"]
[decoder.yolov8]
strides = [16, 32]
[thresholds]
score = 0.5
nms-iou = 0.5
"#;

/// A box of class b and score 0.9, 8 x 4 pixels, whose centre lies at x = the mean of the input and y = 16; so what
/// comes out says what was fed.
fn yolov8(elem_type: i32, batch: i64) -> Vec<u8> {
    Graph::default()
        .input("images", elem_type, &[batch, 3, 32, 64])
        .ints("axes", &[1, 2, 3])
        .floats("mask", &[1, 7, 10], &[(9, 1.0)])
        .floats("fixed", &[1, 7, 10], &[(19, 16.0), (29, 8.0), (39, 4.0), (59, 0.9)])
        .node("Cast", &["images"], "floats", &[("to", i64::from(FLOAT))])
        .node("ReduceMean", &["floats", "axes"], "mean", &[("keepdims", 1)])
        .ints("side", &[1])
        .node("Squeeze", &["mean", "side"], "flat", &[])
        .node("Mul", &["mask", "flat"], "moved", &[])
        .node("Add", &["moved", "fixed"], "output0", &[])
        .output("output0")
        .bytes()
}

#[test]
fn inputs_of_every_element_type_are_fed_the_same_values() {
    for (element, elem_type) in [("f32", FLOAT), ("f16", FLOAT16), ("i32", INT32), ("u8", UINT8)] {
        let made = Made::new(&yolov8(elem_type, 1));
        let mut detector = made.open(&card(&format!(", element = \"{element}\""), YOLOV8)).unwrap();
        let found = detector.detect_frame(&grey(30, (64, 32))).unwrap();
        assert_eq!(found.iter().map(row).collect::<Vec<_>>(), [("b".to_owned(), 0.9, [26.0, 14.0, 34.0, 18.0])]);
        let wrong = if element == "f32" { "u8" } else { "f32" };
        let error = made.open(&card(&format!(", element = \"{wrong}\""), YOLOV8)).unwrap_err().to_string();
        assert!(error.contains("promises one input"), "{error}");
    }
}

#[test]
fn frames_go_into_one_run_where_the_model_takes_many() {
    for (batch, most) in [(-1, 8), (1, 1)] {
        let made = Made::new(&yolov8(FLOAT, batch));
        let mut detector = made.open(&card("", YOLOV8)).unwrap();
        assert_eq!(detector.most_at_once(), most);
        // What a model takes is one thing; whether a processor gains by it is another.
        assert_eq!(detector.batch(), 1);
        let frames: Vec<Frame> = (0..19).map(|k| grey(10 + k, if k % 5 == 4 { (128, 64) } else { (64, 32) })).collect();
        let frames: Vec<&Frame> = frames.iter().collect();
        let found = detector.detect(&frames).unwrap();
        assert_eq!(found.len(), 19);
        for (k, found) in found.iter().enumerate() {
            let scale = if k % 5 == 4 { 2.0 } else { 1.0 };
            assert_eq!(found.len(), 1);
            let x = found[0].bbox.centre().x / scale;
            assert!((x - (10 + k) as f32).abs() < 1e-3, "frame {k}: {x}");
        }
    }
}

#[test]
fn shapes_that_differ_are_found_when_the_model_is_opened() {
    // One class more than the card has.
    let error = Made::new(&detr(3)).open(&card("", QUERIES)).unwrap_err().to_string();
    assert!(error.contains("1x3x2") && error.contains("1x3x3") && error.contains("`logits`"), "{error}");
    let renamed = QUERIES.replace("pred_boxes", "boxes");
    let error = Made::new(&detr(2)).open(&card("", &renamed)).unwrap_err().to_string();
    assert!(error.contains("`boxes`") && error.contains("`pred_boxes`, `logits`"), "{error}");
    let strides = YOLOV8.replace("[16, 32]", "[8, 16, 32]");
    let error = Made::new(&yolov8(FLOAT, 1)).open(&card("", &strides)).unwrap_err().to_string();
    assert!(error.contains("1x7x42") && error.contains("1x7x10"), "{error}");
    let dynamic = ", dynamic = { axes = \"both\", multiple-of = 32 }";
    let error = Made::new(&yolov8(FLOAT, 1)).open(&card(dynamic, YOLOV8)).unwrap_err().to_string();
    assert!(error.contains("1x3x(any)x(any)"), "{error}");
    let error = Made::new(&yolov8(FLOAT, 1)).open(&card("", "[decoder.movenet]")).unwrap_err().to_string();
    assert!(error.contains("movenet") && error.contains("no boxes"), "{error}");
}

#[test]
fn models_that_look_at_crops_are_checked_too() {
    let made = Made::new(&yolov8(FLOAT, 1));
    let check = |rest: &str| check(&card("", rest), &made.path(), made.dir.path(), &runtime());
    check(YOLOV8).unwrap();
    for (rest, promised) in [
        ("[decoder.movenet]", "1x1x17x3"),
        ("[decoder.ctc]\ndictionary = [\"A\", \"B\"]", "1xstepsx3"),
        ("classes = [\"a\"]\n[decoder.classifier]\nactivation = \"none\"", "1x1"),
    ] {
        let error = check(rest).unwrap_err().to_string();
        assert!(error.contains(promised) && error.contains("1x7x10"), "{error}");
    }
    let error = check("[decoder.ctc]\ndictionary = { file = \"none.txt\" }").unwrap_err().to_string();
    assert!(error.contains("none.txt"), "{error}");
}
