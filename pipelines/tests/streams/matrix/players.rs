//! Clips of cameras that code in odd ways, as players see them: ffmpeg, VLC's library, and Chromium where there is one.

use std::path::{Path, PathBuf};
use std::process::Command;

use forewarn_domain::{ClipSpan, Orientation, Timestamp};
use forewarn_pipelines::{ClipInfo, Codec, FileReplay};
use serde_json::Value;

use super::config;
use super::make::PICTURES;
use super::pack::{Unit, code, transport};
use super::rows::{H264, H265, Property};
use crate::support::clips;

/// Milliseconds between pictures.
const STEP_MS: u64 = 40;

/// A clip as the clip writer left it.
struct Kept {
    name: String,
    path: PathBuf,
    info: ClipInfo,
    step_ms: u64,
    /// Whether pictures of it refer to some that never came.
    is_broken: bool,
}

fn named(properties: &[Property], name: &str) -> Property {
    *properties.iter().find(|property| property.name == name).unwrap()
}

fn units_of(property: &Property, step_ms: u64) -> Vec<Unit> {
    code(property, &property.stored(Orientation::UPRIGHT), |n| n as u64 * step_ms).unwrap()
}

/// Plays the units, and keeps a clip of the pictures between these two.
fn keep(name: String, units: &[Unit], (from, to): (u64, u64), step_ms: u64) -> Kept {
    let source = clips().path(&format!("{name}.ts"));
    std::fs::write(&source, transport(units, 900)).unwrap();
    let mut replay = FileReplay::open(&source, config()).unwrap();
    let at = |n: u64| Timestamp::from_micros((n * step_ms * 1000) as i64);
    let recorder = replay.ring().record(ClipSpan { from: at(from), to: at(to) }).unwrap();
    while replay.next_frame().unwrap().is_some() {}
    let path = clips().path(&format!("{name}.mp4"));
    let info = recorder.finish(&path).unwrap();
    Kept { name, path, info, step_ms, is_broken: false }
}

fn all() -> Vec<Kept> {
    forewarn_pipelines::init().unwrap();
    let mut kept = Vec::new();
    for (rows, other) in [
        (H264, Property { element: "bframes=0 cabac=false dct8x8=false ref=3", ..named(H264, "plain") }),
        (
            H265,
            Property { options: "bframes=0:scenecut=0:ctu=16:max-tu-size=16:ref=3:no-sao=1", ..named(H265, "plain") },
        ),
    ] {
        let plain = named(rows, "plain");
        let name = |what: &str| format!("{:?}-{what}", plain.coding);
        for what in ["b-pyramid", "open-gop"] {
            let units = units_of(&named(rows, what), STEP_MS);
            kept.push(keep(name(what), &units, (12, 25), STEP_MS));
        }
        let first = units_of(&plain, STEP_MS);
        let mut changing = first.clone();
        let later = (first.len() as u64 * STEP_MS * 90) as i64;
        changing.extend(units_of(&other, STEP_MS).into_iter().map(|unit| Unit {
            pts: unit.pts + later,
            dts: unit.dts + later,
            ..unit
        }));
        kept.push(keep(name("changing-sets"), &changing, (5, 50), STEP_MS));
        let second_key = (1..first.len()).find(|&n| first[n].is_key).unwrap();
        let mut lossy = first;
        lossy.remove(second_key);
        kept.push(Kept { is_broken: true, ..keep(name("lost-key"), &lossy, (3, 18), STEP_MS) });
        let long =
            Property { element: "bframes=0 key-int-max=400", options: "bframes=0:scenecut=0:keyint=400", ..plain };
        kept.push(keep(name("long"), &units_of(&long, 400), (12, 30), 400));
    }
    kept
}

/// What is printed by a program, which must end well.
fn printed(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {said}{complained}");
    said.into_owned()
}

/// What a player's script prints of each clip, a line of JSON each.
fn played(script: &mut Command, clips: &[&Kept]) -> Vec<Value> {
    let said = printed(script.args(clips.iter().map(|kept| &kept.path)));
    let seen: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(seen.len(), clips.len(), "{said}");
    seen
}

fn script(name: &str) -> String {
    format!("{}/tests/players/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Chromium and the folder of what drives it; none where either is lacking.
fn chromium() -> Option<(&'static str, PathBuf)> {
    let found = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].into_iter().find(|path| Path::new(path).exists())?;
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../agent/console/web");
    web.join("node_modules/playwright-core").exists().then_some((found, web))
}

fn check_by_ffmpeg(kept: &Kept) {
    let asked = "stream=codec_tag_string,nb_read_frames,duration";
    let probe = ["-v", "error", "-count_frames", "-show_entries", asked, "-of", "json"];
    let said = printed(Command::new("ffprobe").args(probe).arg(&kept.path));
    let stream = &serde_json::from_str::<Value>(&said).unwrap()["streams"][0];
    let tag = if kept.info.codec == Codec::H264 { "avc1" } else { "hvc1" };
    assert_eq!((stream["codec_tag_string"].as_str(), kept.name.as_str()), (Some(tag), kept.name.as_str()));
    let step_s = kept.step_ms as f64 / 1000.0;
    let stated_s = kept.info.last_unit_at.since(kept.info.first_unit_at).as_secs_f64() + step_s;
    let off_s = (stream["duration"].as_str().unwrap().parse::<f64>().unwrap() - stated_s).abs();
    assert!(off_s <= step_s, "{}: {stream} in place of {stated_s} s", kept.name);
    if !kept.is_broken {
        assert_eq!(stream["nb_read_frames"], kept.info.units.to_string(), "{}", kept.name);
        let decode = ["-v", "error", "-xerror", "-i"];
        let output = Command::new("ffmpeg").args(decode).arg(&kept.path).args(["-f", "null", "-"]).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{}: {output:?}", kept.name);
    }
}

#[test]
fn players_play_clips_of_odd_cameras() {
    let all = all();
    assert!(all.iter().all(|kept| kept.info.units >= 15), "each clip has pictures");
    all.iter().for_each(check_by_ffmpeg);
    let every: Vec<&Kept> = all.iter().collect();
    let readers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/readers");
    assert!(
        readers.join("vlc.py").exists(),
        "VLC's binding is not there; run `cargo xtask test` once, which fetches it"
    );
    let by_vlc = played(Command::new("python3").arg(script("in_vlc.py")).env("PYTHONPATH", readers), &every);
    for (kept, seen) in all.iter().zip(by_vlc) {
        assert_eq!(seen["end"], "Ended", "{}", kept.name);
        let pictures: Vec<u64> = seen["pictures"].as_array().unwrap().iter().filter_map(Value::as_u64).collect();
        // VLC may not show the first picture, nor the last, which stands for no time.
        // The last of a clip may be there only because one that is shown before it refers to it.
        let sure = &pictures[..pictures.len().saturating_sub(3)];
        let is_whole = sure.windows(2).all(|pair| (pair[0] + 1) % PICTURES as u64 == pair[1]);
        assert!(kept.is_broken || is_whole && pictures.len() + 2 >= kept.info.units, "{}: {pictures:?}", kept.name);
        assert!(pictures.len() >= 8, "{}: {pictures:?}", kept.name);
    }
    let Some((chromium, web)) = chromium() else {
        println!(
            "Chromium is not asked: it is not there, or not what drives it; `cargo xtask assets --page` brings that"
        );
        return;
    };
    // Debian's has no decoder for H.265.
    let h264: Vec<&Kept> = all.iter().filter(|kept| kept.info.codec == Codec::H264).collect();
    let mut node = Command::new("node");
    let by_chromium = played(node.arg(script("in_chromium.mjs")).arg(web).env("CHROMIUM", chromium), &h264);
    for (kept, seen) in h264.iter().zip(by_chromium) {
        assert_eq!(seen["end"], "ended", "{}: {seen}", kept.name);
        assert!(kept.is_broken || seen["pictures"] == kept.info.units, "{}: {seen}", kept.name);
    }
}
