//! Privacy masks of a camera: whatever the program writes, nothing below one is in it.

use std::path::Path;

use forewarn_domain::StreamId;
use forewarn_models::image_frame;
use forewarn_pipelines::{FileReplay, ReplayConfig};
use forewarn_tests::site::QUICK_LOITERING;
use forewarn_tests::{CameraEntry, Scene, SiteFile, clips, program};
use serde_json::Value;

const MASK: &str = "\n[[camera.mask]]\nid = \"corner\"\npolygon = [[0.0, 0.0], [0.4, 0.0], [0.4, 0.5], [0.0, 0.5]]\n";

/// What part of the pixels well inside the mask is not dark, and of those outside, of the upper part of a picture. Zones are
/// drawn over stills.
fn bright(frame: &forewarn_domain::Frame) -> (f64, f64) {
    let mut counted = [[0_u32; 2]; 2];
    // A marked picture has a caption below.
    for y in (0..frame.height * 2 / 5).step_by(2) {
        for x in (0..frame.width).step_by(2) {
            let most = frame.rgb_at(x, y).into_iter().max().unwrap_or(0);
            let is_inside = x < frame.width * 39 / 100;
            if is_inside || x > frame.width * 42 / 100 {
                counted[usize::from(is_inside)][usize::from(most > 40)] += 1;
            }
        }
    }
    let part = |[dark, bright]: [u32; 2]| f64::from(bright) / f64::from(dark + bright);
    (part(counted[1]), part(counted[0]))
}

fn check(frame: &forewarn_domain::Frame, what: &str) {
    let (inside, outside) = bright(frame);
    assert!(inside < 0.08 && outside > 0.5, "{what}: {inside} {outside}");
}

#[test]
fn nothing_below_a_mask_is_in_stills_snapshots_or_clips() {
    let scene = Scene::new().unwrap();
    clips::cut(&program::demo_clip().unwrap(), 0.0, 4.0, &scene.path("short.mp4")).unwrap();
    let camera = CameraEntry::new("gate", "file:short.mp4", format!("{MASK}{QUICK_LOITERING}"));
    let site = SiteFile::new().camera(camera).write(scene.dir()).unwrap();
    let run = |args: &[&Path]| scene.program.succeed(args).unwrap();

    let told = run(&[Path::new("check"), &site]);
    assert!(told.contains("camera gate: 1 mask: its video is decoded, masked and encoded again"), "{told}");
    let stills = scene.path("stills");
    run(&[Path::new("snapshot"), Path::new("--config"), &site, Path::new("--out"), &stills]);
    check(&image_frame(&stills.join("gate.png")).unwrap(), "still");

    let out = scene.path("out");
    run(&[Path::new("replay"), Path::new("--config"), &site, Path::new("--out"), &out]);
    let found = std::fs::read_to_string(out.join("incidents.jsonl")).unwrap();
    let found: Value = serde_json::from_str(found.lines().next().unwrap()).unwrap();
    let bundle = out.join(found["evidence"].as_str().unwrap());
    let (mut photos, mut frames) = (0, 0);
    for entry in std::fs::read_dir(bundle).unwrap() {
        let path = entry.unwrap().path();
        match path.extension().and_then(|kind| kind.to_str()) {
            Some("jpg") => {
                check(&image_frame(&path).unwrap(), &path.display().to_string());
                photos += 1;
            }
            Some("mp4") => {
                let mut clip = FileReplay::open(&path, ReplayConfig::new(StreamId::new("clip").unwrap())).unwrap();
                while let Some(frame) = clip.next_frame().unwrap() {
                    check(&frame, &path.display().to_string());
                    frames += 1;
                }
            }
            _ => {}
        }
    }
    assert!(photos >= 1 && frames >= 5, "{photos} {frames}");
}
