//! Families that find faces and plates, with landmarks.

use super::*;

#[test]
fn centerface_peaks_have_exponential_sizes_and_landmarks_in_parts_of_the_box() {
    let spec = r#"
[decoder.centerface]
stride = 4
heat-map = "537"
sizes = "538"
offsets = "539"
landmarks = "540"
"#;
    // 8 rows of 16 columns; the peak is in row 2, column 5.
    let at = |channel: usize| channel * 128 + 2 * 16 + 5;
    let landmarks: Vec<(usize, f32)> =
        (0..5).flat_map(|k| [(at(2 * k), 0.5), (at(2 * k + 1), 0.1 * k as f32)]).collect();
    let outputs = Made(vec![
        ("537", tensor(&[1, 1, 8, 16], &[(at(0), 0.8)])),
        ("538", tensor(&[1, 2, 8, 16], &[(at(0), 4.0_f32.ln()), (at(1), 2.0_f32.ln())])),
        ("539", tensor(&[1, 2, 8, 16], &[(at(0), 0.25), (at(1), -0.25)])),
        ("540", tensor(&[1, 10, 8, 16], &landmarks)),
    ]);
    let card = card(r#"["face"]"#, spec);
    // Centre x (5 - 0.25 + 0.5) · 4 = 21, y (2 + 0.25 + 0.5) · 4 = 11; 8 wide, 16 high.
    let points = assert_one(&card, &outputs, (0, 0.8), [17.0, 3.0, 25.0, 19.0]);
    let xs: Vec<f32> = points.iter().map(|p| p[0]).collect();
    assert_near(&xs, &[17.0, 17.8, 18.6, 19.4, 20.2]);
    assert!(points.iter().all(|p| (p[1] - 11.0).abs() < 1e-4), "{points:?}");
    let decoder = Decoder::new(&card).unwrap();
    assert_shapes_are_checked(&outputs, |outputs| decoder.decode(outputs, SHOT, 0.5).err());
}

#[test]
fn blazeface_anchors_are_points() {
    let spec = r#"
[decoder.blazeface]
scores = "scores"
regression = "regression"
activation = "none"
strides = [16, 32]
anchors = [2, 6]
landmarks = 2
"#;
    // 8 cells of 2 anchors, then 2 of 6: anchor 16 + 6 + 3 is in the right cell of stride 32, centre (48, 16).
    let row = 25 * 8;
    let regression = [(0, 2.0), (1, -2.0), (2, 12.0), (3, 10.0), (4, 1.0), (5, 2.0), (6, 3.0), (7, 4.0)];
    let regression: Vec<(usize, f32)> = regression.iter().map(|&(k, value)| (row + k, value)).collect();
    let outputs =
        Made(vec![("scores", tensor(&[1, 28], &[(25, 0.9)])), ("regression", tensor(&[1, 28, 8], &regression))]);
    let face = card(r#"["face"]"#, spec);
    let points = assert_one(&face, &outputs, (0, 0.9), [44.0, 9.0, 56.0, 19.0]);
    assert_eq!(points, [[49.0, 18.0], [51.0, 20.0]]);
    let decoder = Decoder::new(&face).unwrap();
    assert_shapes_are_checked(&outputs, |outputs| decoder.decode(outputs, SHOT, 0.5).err());

    let mut logits = tensor(&[1, 28], &[]);
    logits.fill(-9.0);
    logits[[0, 25]] = 3.0_f32.ln();
    let outputs = Made(vec![("scores", logits), ("regression", tensor(&[1, 28, 8], &regression))]);
    assert_one(&card(r#"["face"]"#, &spec.replace("none", "sigmoid")), &outputs, (0, 0.75), [44.0, 9.0, 56.0, 19.0]);
}

#[test]
fn yunet_scores_are_the_root_of_a_product() {
    let spec = r#"
[decoder.yunet]
strides = [16, 32]
class-outputs = ["cls_16", "cls_32"]
object-outputs = ["obj_16", "obj_32"]
box-outputs = ["bbox_16", "bbox_32"]
landmark-outputs = ["kps_16", "kps_32"]
"#;
    // The right cell of stride 32: corner (32, 0).
    let landmarks: Vec<(usize, f32)> = (0..10).map(|k| (10 + k, 0.25 * (k % 2) as f32)).collect();
    let outputs = Made(vec![
        ("cls_16", tensor(&[1, 8, 1], &[])),
        ("obj_16", tensor(&[1, 8, 1], &[])),
        ("bbox_16", tensor(&[1, 8, 4], &[])),
        ("kps_16", tensor(&[1, 8, 10], &[])),
        ("cls_32", tensor(&[1, 2, 1], &[(1, 0.9)])),
        ("obj_32", tensor(&[1, 2, 1], &[(1, 0.4)])),
        ("bbox_32", tensor(&[1, 2, 4], &[(4, 0.5), (5, 0.5), (6, 0.0), (7, 0.5_f32.ln())])),
        ("kps_32", tensor(&[1, 2, 10], &landmarks)),
    ]);
    let card = card(r#"["face"]"#, spec);
    let points = assert_one(&card, &outputs, (0, 0.6), [32.0, 8.0, 64.0, 24.0]);
    assert_eq!(points, [[32.0, 8.0]; 5]);
    let decoder = Decoder::new(&card).unwrap();
    assert_shapes_are_checked(&outputs, |outputs| decoder.decode(outputs, SHOT, 0.5).err());
}

#[test]
fn plates_are_square_priors_with_four_corners() {
    let spec = r#"
[decoder.plate]
boxes = "loc"
scores = "conf"
landmarks = "landms"
points = 4
strides = [16, 32]
prior-sides = [[24, 48], [96]]
variances = [0.1, 0.2]
"#;
    // Prior 3 is the larger one of cell 1: centre (24, 8), side 48.
    let landmarks: Vec<(usize, f32)> = (0..8).map(|k| (3 * 8 + k, k as f32)).collect();
    let outputs = Made(vec![
        ("loc", tensor(&[1, 18, 4], &[(12, 1.0), (13, -1.0), (15, 5.0 * 0.5_f32.ln())])),
        ("conf", tensor(&[1, 18, 2], &[(0, 1.0), (6, 0.1), (7, 0.9)])),
        ("landms", tensor(&[1, 18, 8], &landmarks)),
    ]);
    let card = card(r#"["plate"]"#, spec);
    // Centre (24 + 4.8, 8 - 4.8), 48 wide, 24 high.
    let points = assert_one(&card, &outputs, (0, 0.9), [4.8, -8.8, 52.8, 15.2]);
    assert_near(points.as_flattened(), &[24.0, 12.8, 33.6, 22.4, 43.2, 32.0, 52.8, 41.6]);
    let decoder = Decoder::new(&card).unwrap();
    assert_shapes_are_checked(&outputs, |outputs| decoder.decode(outputs, SHOT, 0.5).err());
}

#[test]
fn a_landmark_that_is_no_number_takes_its_box_with_it() {
    let mut raw = RawBoxes::default();
    raw.begin(2);
    let one = RawBox { class: 0, score: 0.5, corners: [0.0; 4] };
    raw.push_with(one, [[1.0, 2.0], [f32::NAN, 3.0]].into_iter());
    raw.push_with(RawBox { class: 1, ..one }, [[4.0, 5.0], [6.0, 7.0]].into_iter());
    assert_eq!((raw.boxes.len(), raw.landmarks(0), raw.landmarks(1)), (1, &[[4.0, 5.0], [6.0, 7.0]][..], &[][..]));
}
