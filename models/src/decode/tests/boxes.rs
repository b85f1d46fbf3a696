//! Families that find boxes alone.

use super::*;

const SSD: &str = r#"
[decoder.ssd]
boxes = "b"
scores = "s"
activation = "sigmoid"
background = 0
order = "yxhw"
variances = [0.1, 0.1, 0.2, 0.2]
grids = [{ columns = 2, rows = 1, anchors = [[0.5, 1.0], [0.25, 0.5]] }, { columns = 1, rows = 1, anchors = [[1.0, 1.0]] }]
"#;

#[test]
fn ssd_boxes_are_offsets_from_priors() {
    // Prior 3 is the small one of the right cell: centre (48, 16), 16 x 16 pixels of the 64 x 32 input.
    // Offsets y 1, x 2, log height 5 ln 2 (times 0.2), log width 0.
    let boxes = tensor(&[1, 5, 4], &[(12, 1.0), (13, 2.0), (14, 5.0 * 2.0_f32.ln())]);
    // All logits are 0 and so 0.5 where they are not set; the background's is highest and does not count.
    let mut scores = tensor(&[1, 5, 4], &[]);
    scores.fill(-9.0);
    for (index, value) in [(12, 8.0), (13, -1.0), (14, 3.0_f32.ln()), (15, 1.0)] {
        scores[[0, index / 4, index % 4]] = value;
    }
    let outputs = Made(vec![("b", boxes), ("s", scores)]);
    let card = card(r#"["", "a", "b", "c"]"#, SSD);
    // Centre x 48 + 2 · 0.1 · 16 = 51.2, y 16 + 1 · 0.1 · 16 = 17.6, width 16, height 32.
    assert_one(&card, &outputs, (2, 0.75), [43.2, 1.6, 59.2, 33.6]);
    let decoder = Decoder::new(&card).unwrap();
    assert_shapes_are_checked(&outputs, |outputs| decoder.decode(outputs, SHOT, 0.5).err());
}

#[test]
fn numbers_without_a_meaning_never_win() {
    let scores = tensor(&[1, 5, 3], &[(3, 0.9), (4, 0.7), (6, 0.9)]);
    let outputs = Made(vec![("b", tensor(&[1, 5, 4], &[])), ("s", scores)]);
    let plain = SSD.replace("sigmoid", "none").replace("background = 0", "");
    assert_one(&card(r#"["", "a", "b"]"#, &plain), &outputs, (1, 0.7), [8.0, 8.0, 24.0, 24.0]);
    let softmaxed = SSD.replace("sigmoid", "softmax");
    // Prior 4 is the whole input; e² / (1 + e² + 1) = 0.787.
    let scores = tensor(&[1, 5, 3], &[(13, 2.0), (0, 9.0)]);
    let outputs = Made(vec![("b", tensor(&[1, 5, 4], &[])), ("s", scores)]);
    assert_one(&card(r#"["", "a", "b"]"#, &softmaxed), &outputs, (1, 0.786_986), [0.0, 0.0, 64.0, 32.0]);
}

const QUERIES: &str = r#"
[decoder.queries]
boxes = "pred_boxes"
scores = "logits"
activation = "sigmoid"
box-format = "cxcywh"
normalised = true
"#;

#[test]
fn queries_are_boxes_in_parts_of_the_input() {
    let boxes = tensor(&[1, 3, 4], &[(4, 0.5), (5, 0.25), (6, 0.5), (7, 0.5)]);
    let mut logits = tensor(&[1, 3, 2], &[]);
    logits.fill(-9.0);
    logits[[0, 1, 1]] = 4.0_f32.ln();
    let outputs = Made(vec![("pred_boxes", boxes), ("logits", logits.clone())]);
    let card = card(r#"["a", "b"]"#, QUERIES);
    assert_one(&card, &outputs, (1, 0.8), [16.0, 0.0, 48.0, 16.0]);
    let decoder = Decoder::new(&card).unwrap();
    assert_shapes_are_checked(&outputs, |outputs| decoder.decode(outputs, SHOT, 0.5).err());

    // One query may claim two classes, and two queries the same place: nothing is suppressed.
    logits[[0, 1, 0]] = 1.0;
    let outputs = Made(vec![("pred_boxes", tensor(&[1, 3, 4], &[])), ("logits", logits)]);
    let classes: Vec<usize> = decoder.decode(&outputs, SHOT, 0.5).unwrap().boxes.iter().map(|b| b.class).collect();
    assert_eq!(classes, [0, 1]);
}

#[test]
fn queries_of_a_transformer_with_a_background_class_are_softmaxed() {
    let spec = QUERIES.replace("sigmoid", "softmax").replace("box-format", "background = 2\nbox-format");
    let boxes = tensor(&[1, 2, 4], &[(0, 0.5), (1, 0.5), (2, 1.0), (3, 1.0)]);
    // Query 0: a by e³ / (e³ + 2); query 1: nothing.
    let logits = tensor(&[1, 2, 3], &[(0, 3.0), (5, 9.0)]);
    let outputs = Made(vec![("pred_boxes", boxes), ("logits", logits)]);
    assert_one(&card(r#"["a", "b"]"#, &spec), &outputs, (0, 0.909_443), [0.0, 0.0, 64.0, 32.0]);
}

#[test]
fn queries_that_the_graph_chose_carry_labels() {
    let spec = r#"
[decoder.queries]
boxes = "boxes"
scores = "scores"
labels = "labels"
activation = "none"
box-format = "xyxy"
normalised = false
"#;
    let outputs = Made(vec![
        ("boxes", tensor(&[1, 3, 4], &[(4, 1.0), (5, 2.0), (6, 30.0), (7, 20.0)])),
        ("labels", tensor(&[1, 3], &[(0, -1.0), (1, 1.0)])),
        ("scores", tensor(&[1, 3], &[(0, 0.9), (1, 0.9), (2, 0.4)])),
    ]);
    let card = card(r#"["a", "b"]"#, spec);
    assert_one(&card, &outputs, (1, 0.9), [1.0, 2.0, 30.0, 20.0]);
    let decoder = Decoder::new(&card).unwrap();
    assert_shapes_are_checked(&outputs, |outputs| decoder.decode(outputs, SHOT, 0.5).err());
}

#[test]
fn yolov8_cells_are_columns_or_rows() {
    // Strides 16 and 32: 8 + 2 cells. Cell 9, class 1.
    let values = [32.0, 16.0, 20.0, 10.0, 0.1, 0.7, 0.2];
    let card_of = |more: &str| card(r#"["a", "b", "c"]"#, &format!("[decoder.yolov8]\nstrides = [16, 32]\n{more}"));
    let columns: Vec<(usize, f32)> = values.iter().enumerate().map(|(k, &value)| (k * 10 + 9, value)).collect();
    let outputs = Made(vec![("output0", tensor(&[1, 7, 10], &columns))]);
    assert_one(&card_of(""), &outputs, (1, 0.7), [22.0, 11.0, 42.0, 21.0]);
    let rows: Vec<(usize, f32)> = values.iter().enumerate().map(|(k, &value)| (9 * 7 + k, value)).collect();
    let turned = Made(vec![("output0", tensor(&[1, 10, 7], &rows))]);
    assert_one(&card_of("cells-first = true"), &turned, (1, 0.7), [22.0, 11.0, 42.0, 21.0]);

    let decoder = Decoder::new(&card_of("")).unwrap();
    assert_shapes_are_checked(&outputs, |outputs| decoder.decode(outputs, SHOT, 0.5).err());
    let error = decoder.decode(&turned, SHOT, 0.5).unwrap_err().to_string();
    assert!(error.contains("1x7x10") && error.contains("1x10x7"), "{error}");
    let two = Made(vec![("a", tensor(&[1, 7, 10], &[])), ("b", tensor(&[1], &[]))]);
    let error = decoder.decode(&two, SHOT, 0.5).unwrap_err().to_string();
    assert!(error.contains("`a`, `b`"), "{error}");
    assert!(decoder.decode(&Made(Vec::new()), SHOT, 0.5).unwrap_err().to_string().contains("none"));
}

#[test]
fn rows_of_a_graph_that_suppresses_are_finished_boxes() {
    let card_of = |more: &str| card(r#"["a", "b"]"#, &format!("[decoder.suppressed]\n{more}"));
    // Row 1 is a box of class 1; row 2 holds nothing, row 3 has no class.
    let row = |n: usize, values: [f32; 6]| values.into_iter().enumerate().map(move |(k, v)| (n * 6 + k, v));
    let rows = |corners: [f32; 4]| {
        let [a, b, c, d] = corners;
        let filled = row(1, [a, b, c, d, 0.8, 1.0]).chain(row(3, [1.0, 1.0, 9.0, 9.0, 0.9, -1.0]));
        Made(vec![("output0", tensor(&[1, 300, 6], &filled.collect::<Vec<_>>()))])
    };
    let outputs = rows([8.0, 4.0, 40.0, 20.0]);
    assert_one(&card_of(""), &outputs, (1, 0.8), [8.0, 4.0, 40.0, 20.0]);
    assert_one(&card_of("normalised = true"), &rows([0.5, 0.25, 0.75, 0.5]), (1, 0.8), [32.0, 8.0, 48.0, 16.0]);
    let decoder = Decoder::new(&card_of("")).unwrap();
    assert_shapes_are_checked(&outputs, |outputs| decoder.decode(outputs, SHOT, 0.5).err());
}

#[test]
fn each_picture_of_a_run_gets_its_own_boxes() {
    let card = card(r#"["a", "b", "c"]"#, "[decoder.yolov8]\nstrides = [32]");
    let mut raw = tensor(&[2, 7, 2], &[]);
    (raw[[0, 4, 0]], raw[[1, 6, 1]]) = (0.9, 0.8);
    let outputs = Made(vec![("out", raw)]);
    let decoder = Decoder::new(&card).unwrap();
    let classes = [0, 1].map(|index| {
        let shot = Shot { batch: 2, index, size: [64, 32] };
        decoder.decode(&outputs, shot, 0.5).unwrap().boxes.iter().map(|b| (b.class, b.score)).collect::<Vec<_>>()
    });
    assert_eq!(classes, [vec![(0, 0.9)], vec![(2, 0.8)]]);
    assert!(decoder.decode(&outputs, SHOT, 0.5).unwrap_err().to_string().contains("2x7x2"));
}
