//! Families that look at one crop: key points, text and classes.

use super::*;

#[test]
fn pose_points_are_parts_of_the_input_y_first() {
    let card = card("[]", "[decoder.movenet]");
    let decoder = PoseDecoder::new(&card).unwrap();
    let outputs =
        Made(vec![("out", tensor(&[1, 1, 17, 3], &[(9, 0.5), (10, 0.25), (11, 0.9), (12, f32::NAN), (14, 0.8)]))]);
    let points = decoder.decode(&outputs, SHOT).unwrap();
    assert_eq!(points[3], RawPoint { position: [16.0, 16.0], score: 0.9 });
    assert_eq!(points[4], RawPoint { position: [0.0, 0.0], score: 0.0 });
    assert_eq!(points.len(), 17);
    assert_shapes_are_checked(&outputs, |outputs| decoder.decode(outputs, SHOT).err());
    assert!(Decoder::new(&card).is_none() && ClassDecoder::new(&card).is_none());
}

fn text_of(characters: &[Character]) -> String {
    characters.iter().map(|character| character.text.as_str()).collect()
}

#[test]
fn equal_neighbours_become_one_and_blanks_go() {
    let card = card("[]", "[decoder.ctc]\ndictionary = [\"A\", \"B\"]");
    let decoder = TextDecoder::new(&card, vec!["A".to_owned(), "B".to_owned()]).unwrap();
    // Blank, A, A, blank, A, B, B, blank: three characters each.
    let best = [(0, 0.9), (1, 0.6), (1, 0.8), (0, 0.9), (1, 0.7), (2, 0.9), (2, 0.5), (0, 0.9)];
    let values: Vec<(usize, f32)> =
        best.iter().enumerate().map(|(step, &(number, score))| (step * 3 + number, score)).collect();
    let outputs = Made(vec![("x", tensor(&[1, 8, 3], &values))]);
    let read = decoder.decode(&outputs, SHOT).unwrap();
    assert_eq!(text_of(&read), "AAB");
    assert_eq!(read.iter().map(|c| c.score).collect::<Vec<_>>(), [0.8, 0.7, 0.9]);
    assert_eq!(read[0].position, 2.5 / 8.0);
    assert_shapes_are_checked(&outputs, |outputs| decoder.decode(outputs, SHOT).err());
}

#[test]
fn the_blank_may_be_last_and_scores_may_be_logits() {
    let spec = "[decoder.ctc]\nactivation = \"softmax\"\nblank = 2\ndictionary = [\"A\", \"B\"]";
    let decoder = TextDecoder::new(&card("[]", spec), vec!["A".to_owned(), "B".to_owned()]).unwrap();
    let outputs = Made(vec![("x", tensor(&[1, 3, 3], &[(1, 2.0), (5, 2.0), (6, 2.0)]))]);
    let read = decoder.decode(&outputs, SHOT).unwrap();
    assert_eq!(text_of(&read), "BA");
    assert_near(&[read[0].score], &[0.786_986]);
}

fn probabilities(decoder: &str, values: &[f32], classes: &str) -> Vec<f32> {
    let card = card(classes, &format!("[decoder.classifier]\n{decoder}"));
    let values: Vec<(usize, f32)> = values.iter().copied().enumerate().collect();
    let outputs = Made(vec![("p", tensor(&[1, values.len()], &values))]);
    let decoder = ClassDecoder::new(&card).unwrap();
    assert_shapes_are_checked(&outputs, |outputs| decoder.decode(outputs, SHOT).err());
    decoder.decode(&outputs, SHOT).unwrap()
}

#[test]
fn probabilities_are_activated_and_cooled() {
    let two = r#"["a", "b"]"#;
    assert_near(&probabilities("activation = \"softmax\"", &[3.0_f32.ln(), 0.0], two), &[0.75, 0.25]);
    assert_near(&probabilities("activation = \"sigmoid\"", &[3.0_f32.ln(), 0.0], two), &[0.75, 0.5]);
    assert_near(&probabilities("activation = \"none\"", &[0.9, 0.1], two), &[0.9, 0.1]);
    // At a temperature of 2 the odds become their root.
    let cooled = probabilities("activation = \"softmax\"\ntemperature = 2.0", &[9.0_f32.ln(), 0.0], two);
    assert_near(&cooled, &[0.75, 0.25]);
    assert_near(&probabilities("activation = \"none\"\ntemperature = 2.0", &[0.9, 0.1], two), &[0.75, 0.25]);
    assert_near(&probabilities("activation = \"none\"\ntemperature = 2.0", &[0.9], r#"["a"]"#), &[0.75]);
    assert_eq!(probabilities("activation = \"softmax\"", &[f32::NAN, 0.0], two), [0.0, 0.0]);
}
