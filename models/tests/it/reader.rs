//! The chains of attributes, from looks to readings, with small models whose answers are known.

use std::path::Path;

use forewarn_domain::{Answer, AttributeId, BBox, Class, Frame, Look, Reader, Reading, SeenHead, TrackId, Unclear};
use forewarn_models::reader::{Attribute, AttributeReader, ReaderError};
use forewarn_models::{Card, CardError, Runtime, Store};

use crate::support::{constant_model, frame, yellow_classifier};

/// A classifier for yellow crops of a part.
fn judge(of: &str, extra: &str) -> String {
    format!(
        "name = 'judge'\ntitle = 't'\nlicence = 'MIT'\nclasses = ['other', 'yellow']\n\
         source = {{ file = {{ path = 'judge.onnx' }} }}\nweights = {{ file = 'judge.onnx' }}\n\
         input = {{ width = 8, height = 8, channels = 'rgb', scale = 0.00392157, resize = 'stretch' }}\n\
         decoder = {{ classifier = {{ activation = 'none' }} }}\n\
         crop = {{ of = '{of}', min-side-px = 12 }}\n\
         answer = {{ yes = ['yellow'], yes-at-least = 0.8, no-at-most = 0.2 }}\n{extra}"
    )
}

/// A pose model that sees a person from the front who fills its input, or nobody.
const POSE: &str = "name = 'pose'\ntitle = 't'\nlicence = 'MIT'\nsource = { file = { path = 'pose.onnx' } }\n\
     weights = { file = 'pose.onnx' }\ndecoder = { movenet = {} }\n\
     input = { width = 64, height = 64, channels = 'rgb', resize = 'stretch' }\n";

/// A face detector whose one box is at a fixed place of its input.
const FACE: &str = "name = 'face'\ntitle = 't'\nlicence = 'MIT'\nclasses = ['face']\n\
     source = { file = { path = 'face.onnx' } }\nweights = { file = 'face.onnx' }\n\
     input = { width = 64, height = 64, channels = 'rgb', resize = 'stretch' }\n\
     decoder = { yolov8 = { strides = [64] } }\nthresholds = { score = 0.5, nms-iou = 0.5 }\n";

/// What a text model reads, whatever it sees: A, A, nothing, A, B.
const TEXT: &str = "name = 'text'\ntitle = 't'\nlicence = 'MIT'\nsource = { file = { path = 'text.onnx' } }\n\
     weights = { file = 'text.onnx' }\ndecoder = { ctc = { dictionary = ['A', 'B'] } }\n\
     input = { width = 32, height = 8, channels = 'rgb', resize = 'stretch' }\n\
     crop = { of = 'box', min-side-px = 12 }\n";

/// Key points y, x, score in parts of the input: head at the top, shoulders, hips.
fn key_points(score: f32) -> Vec<f32> {
    let mut points = vec![[0.5, 0.5, 0.0]; 17];
    for (index, y, x) in [
        (0, 0.15, 0.5),
        (1, 0.13, 0.53),
        (2, 0.13, 0.47),
        (3, 0.14, 0.58),
        (4, 0.14, 0.42),
        (5, 0.3, 0.75),
        (6, 0.3, 0.25),
        (11, 0.6, 0.65),
        (12, 0.6, 0.35),
    ] {
        points[index] = [y, x, score];
    }
    points.into_flattened()
}

fn place(dir: &Path, pose_score: f32, face_score: f32) {
    let write = |name: &str, bytes: Vec<u8>| std::fs::write(dir.join(name), bytes).unwrap();
    write("judge.onnx", yellow_classifier(8));
    write("pose.onnx", constant_model(&[1, 3, 64, 64], &[1, 1, 17, 3], &key_points(pose_score)));
    // Centre x, centre y, width, height, score: a face in the upper middle of what is searched.
    let face = [32.0, 20.0, 20.0, 20.0, face_score];
    write("face.onnx", constant_model(&[1, 3, 64, 64], &[1, 5, 1], &face));
    let steps = [[0.1, 0.9, 0.0], [0.2, 0.8, 0.0], [0.9, 0.1, 0.0], [0.3, 0.7, 0.0], [0.4, 0.0, 0.6]];
    write("text.onnx", constant_model(&[-1, 3, 8, 32], &[1, 5, 3], steps.as_flattened()));
}

/// An attribute by the TOML of its file.
fn attribute(rest: &str) -> Attribute {
    let head = "attribute = 'wear'\ntitle = 't'\nsubjects = ['person']\n";
    Attribute::from_toml(&format!("{head}{rest}")).unwrap()
}

/// One of the ways to open readers.
type Open = fn(
    &[Attribute],
    &dyn Fn(&str) -> Result<Card, CardError>,
    &Store,
    (&Runtime, usize),
) -> Result<AttributeReader, ReaderError>;

struct Bench {
    dir: tempfile::TempDir,
    judge: String,
}

impl Bench {
    fn new(judge: String) -> Self {
        let dir = tempfile::tempdir().unwrap();
        place(dir.path(), 0.9, 0.9);
        Self { dir, judge }
    }

    fn open(&self, attributes: &[Attribute]) -> Result<AttributeReader, ReaderError> {
        self.open_with(AttributeReader::open, attributes)
    }

    fn open_with(&self, open: Open, attributes: &[Attribute]) -> Result<AttributeReader, ReaderError> {
        let card_of = |name: &str| match name {
            "pose" => Card::from_toml(POSE),
            "face" => Card::from_toml(FACE),
            "text" => Card::from_toml(TEXT),
            _ => Card::from_toml(&self.judge),
        };
        let runtime = Runtime::load(&Store::locate()).unwrap_or_else(|error| panic!("{error}"));
        open(attributes, &card_of, &Store::at(self.dir.path()), (&runtime, 1))
    }

    #[track_caller]
    fn read(&self, attribute: Attribute, frame: &Frame, bbox: [f32; 4]) -> Reading {
        let look = look(&attribute, 1, bbox);
        let mut readings = self.open(&[attribute]).unwrap().read(&[(frame, &look)]).unwrap();
        assert_eq!(readings.len(), 1);
        readings.remove(0)
    }
}

fn look(attribute: &Attribute, track: u64, bbox: [f32; 4]) -> Look {
    let (attribute, class) = (attribute.attribute.clone(), Class::new(&attribute.subjects[0]));
    Look { track: TrackId(track), class, bbox: bbox.into(), attribute, of: None, head: None }
}

/// A coarse chequer of light and dark, so that crops are sharp and in good light.
fn chequered(x: u32, y: u32, [r, g, b]: [u8; 3]) -> [u8; 3] {
    if (x / 3 + y / 3).is_multiple_of(2) { [r, g, b] } else { [r / 2, g / 2, b / 2] }
}

const YELLOW: [u8; 3] = [220, 240, 20];
const BLUE: [u8; 3] = [40, 60, 230];

/// A person at (60, 40)-(140, 240) with a torso of one colour and the rest of another.
fn person(torso: [u8; 3], rest: [u8; 3]) -> Frame {
    frame("gate", (200, 260), |x, y| {
        // Shoulders and hips of the pose, from the box grown by a tenth: y 20 + 240 * 0.3 to 20 + 240 * 0.6.
        chequered(x, y, if (90..166).contains(&y) { torso } else { rest })
    })
}

const PERSON: [f32; 4] = [60.0, 40.0, 140.0, 240.0];

#[track_caller]
fn check(reading: &Reading, yes: bool) {
    let Answer::Probability(p) = reading.answer else { panic!("{reading:?}") };
    assert_eq!(p >= 0.5, yes, "{reading:?}");
    assert!(reading.quality > 0.2 && reading.quality <= 1.0, "{reading:?}");
    assert_eq!(reading.at.as_millis(), 1500);
}

#[test]
fn a_vest_is_judged_on_the_torso_alone() {
    let bench = Bench::new(judge("torso", ""));
    let vest = || attribute("model = 'judge'\nfind = { pose = { model = 'pose', min-score = 0.3 } }");
    check(&bench.read(vest(), &person(YELLOW, BLUE), PERSON), true);
    check(&bench.read(vest(), &person(BLUE, YELLOW), PERSON), false);
    let reading = bench.read(vest(), &person(YELLOW, BLUE), PERSON);
    let BBox { x0, y0, x1, y1 } = reading.bbox;
    assert!(x0 > 60.0 && x1 < 140.0 && y0 > 80.0 && y1 < 170.0, "{reading:?}");
}

#[test]
fn ears_are_looked_at_each_and_the_worse_one_counts() {
    let bench = Bench::new(judge("ears", ""));
    let ears = || {
        attribute(
            "model = 'judge'\nfind = { pose = { model = 'pose', min-score = 0.3 } }\nlimits = { min-side-px = 6, sharpness = 0.0 }",
        )
    };
    // The ears of the pose lie at x 92 and 107 of the frame, y 53.
    let heads = |left: [u8; 3], right: [u8; 3]| {
        frame("gate", (200, 260), move |x, y| chequered(x, y, if x < 100 { left } else { right }))
    };
    check(&bench.read(ears(), &heads(YELLOW, YELLOW), PERSON), true);
    check(&bench.read(ears(), &heads(YELLOW, BLUE), PERSON), false);
    check(&bench.read(ears(), &heads(BLUE, YELLOW), PERSON), false);
}

#[test]
fn a_hat_is_judged_on_the_top_of_the_box() {
    let bench = Bench::new(judge("head", ""));
    let hat = || attribute("model = 'judge'");
    let scene = frame("gate", (200, 260), |x, y| chequered(x, y, if y < 100 { YELLOW } else { BLUE }));
    let reading = bench.read(hat(), &scene, PERSON);
    check(&reading, true);
    assert_eq!(reading.bbox, BBox::new(60.0, 40.0, 140.0, 100.0));
    // A head beyond the picture's upper edge is not a bare one.
    let cut_off = bench.read(hat(), &scene, [60.0, 0.0, 140.0, 200.0]);
    assert_eq!(cut_off.answer, Answer::CannotTell(Unclear::CutOff));
}

#[test]
fn a_hat_is_judged_on_the_head_that_the_detector_found_and_by_its_class() {
    let bench = Bench::new(judge("head", ""));
    let hat = |weight: f32| {
        let opinion = format!(
            "yes = ['hat'], model-weight = 1.0, class-weight = {weight}, offset = 0.0, yes-at-least = 0.8, no-at-most = 0.2"
        );
        attribute(&format!("model = 'judge'\nheads = {{ least-px = 10, opinion = {{ {opinion} }} }}"))
    };
    let place = BBox::new(84.0, 44.0, 95.0, 55.0);
    let head = |class: &str, is_doubtful| SeenHead { bbox: place, class: Class::new(class), score: 0.9, is_doubtful };
    let inside = |x: u32, y: u32| (84..95).contains(&x) && (44..55).contains(&y);
    let scene = frame("gate", (200, 260), |x, y| chequered(x, y, if inside(x, y) { YELLOW } else { BLUE }));
    let read = |weight, head| {
        let hat = hat(weight);
        let look = Look { head: Some(head), ..look(&hat, 1, PERSON) };
        bench.open(&[hat]).unwrap().read(&[(&scene, &look)]).unwrap().remove(0)
    };
    let sure = read(0.0, head("hat", false));
    assert!(matches!(sure.answer, Answer::Probability(p) if p > 0.8), "{sure:?}");
    assert_eq!(sure.bbox, place);
    let torn = read(9.0, head("bare", false)).answer;
    assert!(matches!(torn, Answer::CannotTell(Unclear::Undecided) | Answer::Probability(0.0..0.5)), "{torn:?}");
    assert_eq!(read(0.0, head("hat", true)).answer, Answer::CannotTell(Unclear::Hidden));
}

#[test]
fn a_face_that_is_not_found_is_no_bare_face() {
    let bench = Bench::new(judge("face", ""));
    let mask = || attribute("model = 'judge'\nfind = { face = { model = 'face', min-score = 0.5 } }");
    check(&bench.read(mask(), &person(BLUE, YELLOW), PERSON), true);
    check(&bench.read(mask(), &person(YELLOW, BLUE), PERSON), false);
    place(bench.dir.path(), 0.9, 0.2);
    let reading = bench.read(mask(), &person(YELLOW, BLUE), PERSON);
    assert_eq!(reading.answer, Answer::CannotTell(Unclear::PartNotFound));
    assert_eq!(reading.bbox, PERSON.into());
}

#[test]
fn crops_that_are_not_worth_it_say_why() {
    let bench = Bench::new(judge("box", ""));
    let plain = || attribute("model = 'judge'");
    let unclear = |frame: &Frame, bbox: [f32; 4]| bench.read(plain(), frame, bbox).answer;
    let scene = person(YELLOW, YELLOW);
    assert_eq!(unclear(&scene, [60.0, 40.0, 70.0, 240.0]), Answer::CannotTell(Unclear::TooSmall));
    assert_eq!(unclear(&scene, [300.0, 40.0, 370.0, 240.0]), Answer::CannotTell(Unclear::CutOff));
    assert_eq!(unclear(&scene, [60.0, 40.0, f32::NAN, 240.0]), Answer::CannotTell(Unclear::PartNotFound));
    let dark = frame("gate", (200, 260), |x, y| chequered(x, y, [12; 3]));
    assert_eq!(unclear(&dark, PERSON), Answer::CannotTell(Unclear::BadLight));
    let smooth = frame("gate", (200, 260), |x, y| [x as u8, y as u8, 60]);
    assert_eq!(unclear(&smooth, PERSON), Answer::CannotTell(Unclear::Blurred));
    // Half red and green, half blue: the logits are near each other.
    let between = frame("gate", (200, 260), |x, y| chequered(x, y, [200, 200, 98]));
    assert_eq!(unclear(&between, PERSON), Answer::CannotTell(Unclear::Undecided));
}

#[test]
fn looks_of_several_streams_go_through_the_models_together_and_keep_their_order() {
    let bench = Bench::new(judge("torso", ""));
    let vest = attribute("model = 'judge'\nfind = { pose = { model = 'pose', min-score = 0.3 } }");
    let frames = [person(YELLOW, BLUE), person(BLUE, YELLOW), person(YELLOW, YELLOW)];
    let looks: Vec<Look> = (0..24).map(|track| look(&vest, track, PERSON)).collect();
    let asked: Vec<(&Frame, &Look)> = looks.iter().enumerate().map(|(i, look)| (&frames[i % 3], look)).collect();
    let mut reader = bench.open(&[vest]).unwrap();
    let readings = reader.read(&asked).unwrap();
    assert_eq!(readings.len(), 24);
    for (i, reading) in readings.iter().enumerate() {
        assert_eq!(reading.track, TrackId(i as u64));
        check(reading, i % 3 != 1);
    }
    assert_eq!(reader.read(&asked).unwrap(), readings);
    let cost = reader.cost(&reader.attributes()[0].clone()).unwrap();
    assert!(cost > std::time::Duration::ZERO);
}

#[test]
fn crops_for_training_are_found_without_a_judge() {
    let bench = Bench::new(String::new());
    let rest = "model = 'judge'\npart = { of = 'torso', min-side-px = 12 }\n\
         find = { pose = { model = 'pose', min-score = 0.3 } }";
    assert!(matches!(bench.open(&[attribute(rest)]), Err(ReaderError::Card { .. })));
    let collecting = |rest: &str| bench.open_with(AttributeReader::open_for_collecting, &[attribute(rest)]);
    let mut reader = collecting(rest).unwrap();
    let id = AttributeId::new("wear").unwrap();
    assert!(!reader.is_judged(&id));
    let (scene, look) = (person(YELLOW, BLUE), look(&attribute(rest), 1, PERSON));
    let detailed = reader.read_in_detail(&[(&scene, &look)]).remove(0);
    assert_eq!(detailed.parts.len(), 1);
    assert!(detailed.reading.quality > 0.2, "{detailed:?}");
    assert_eq!(detailed.reading.answer, Answer::CannotTell(Unclear::NotLooked));
    assert!(collecting("model = 'judge'").is_err());
}

#[test]
fn a_text_is_read_as_it_is_with_its_least_confidence() {
    let bench = Bench::new(String::new());
    let text = Attribute::from_toml("attribute = 'plate'\ntitle = 't'\nsubjects = ['car']\nmodel = 'text'").unwrap();
    let reading = bench.read(text, &person(YELLOW, BLUE), PERSON);
    assert_eq!(reading.answer, Answer::Text { text: "AAB".to_owned(), confidence: 0.6 });
}

#[test]
fn a_look_at_a_larger_picture_is_told_in_pixels_of_the_frame() {
    let bench = Bench::new(judge("box", ""));
    let plain = attribute("model = 'judge'");
    let mut reader = bench.open(std::slice::from_ref(&plain)).unwrap();
    let scene = person(YELLOW, YELLOW);
    let as_it_is = look(&plain, 1, PERSON);
    // The frame in which the person was seen is half as large as the picture.
    let smaller = Look { bbox: as_it_is.bbox.scaled(0.5, 0.5), of: Some((100, 130)), ..as_it_is.clone() };
    let readings = reader.read(&[(&scene, &as_it_is), (&scene, &smaller)]).unwrap();
    assert_eq!((&readings[0].answer, readings[0].quality), (&readings[1].answer, readings[1].quality));
    assert_eq!(readings[1].bbox, readings[0].bbox.scaled(0.5, 0.5));
}

#[test]
fn what_nobody_can_read_is_said() {
    let bench = Bench::new(judge("box", ""));
    let plain = attribute("model = 'judge'");
    let mut reader = bench.open(std::slice::from_ref(&plain)).unwrap();
    let scene = person(YELLOW, YELLOW);
    let unknown = Look { attribute: AttributeId::new("wings").unwrap(), ..look(&plain, 1, PERSON) };
    let car = Look { class: Class::new("car"), ..look(&plain, 2, PERSON) };
    let readings = reader.read(&[(&scene, &unknown), (&scene, &car)]).unwrap();
    assert_eq!(readings[0].answer, Answer::CannotTell(Unclear::NotLooked));
    assert_eq!(readings[1].answer, Answer::CannotTell(Unclear::PartNotFound));
}

#[test]
fn chains_that_cannot_work_are_refused_with_what_would() {
    let refused = |judge: String, rest: &str, says: &str| {
        let error = Bench::new(judge).open(&[attribute(rest)]).unwrap_err().to_string();
        assert!(error.contains("`wear`") && error.contains(says), "{error}");
    };
    refused(judge("face", ""), "model = 'judge'", "[find.face] is needed");
    refused(judge("ears", ""), "model = 'judge'", "[find.pose] is needed");
    refused(judge("box", ""), "model = 'pose'", "a classifier");
    refused(judge("box", "").replace("0.8", "0.4"), "model = 'judge'", "yes-at-least");
    refused(judge("box", "").replace("8,", "9,"), "model = 'judge'", "1x3x9x9");
    let file = "file = 'judge.onnx'";
    refused(judge("box", "").replace(file, "file = 'gone.onnx'"), "model = 'judge'", "gone.onnx");
    let twice = [attribute("model = 'judge'"), attribute("model = 'judge'")];
    let error = Bench::new(judge("box", "")).open(&twice).unwrap_err();
    assert!(matches!(error, ReaderError::Twice { .. }), "{error}");
}
