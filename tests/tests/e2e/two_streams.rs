//! A camera with a sub-stream: that one is watched, evidence comes from the main stream, and each may be lost alone.

use forewarn_tests::camera::CameraOptions;
use forewarn_tests::process::free_port;
use forewarn_tests::site::QUICK_LOITERING;
use forewarn_tests::{Agent, CameraEntry, Scene, SimCamera, SiteFile, clips, eventually, program};
use serde_json::{Value, json};

use super::health::part;
use super::live::{assert_clips_play, assert_stops, finally_sealed};

#[test]
fn the_sub_stream_is_watched_and_the_evidence_is_of_the_main_stream() {
    let scene = Scene::new().unwrap();
    let (large, small) = (scene.path("large.mp4"), scene.path("small.mp4"));
    let demo = program::demo_clip().unwrap();
    clips::cut(&demo, 0.0, 14.0, &large).unwrap();
    clips::scaled(&demo, 14.0, (384, 288), &small).unwrap();
    let serve = |clip| SimCamera::start(&scene.program, scene.dir(), CameraOptions::looped(clip)).unwrap();
    let (main, mut sub) = (serve(&large), serve(&small));
    let port = free_port().unwrap();
    let pixels = "[[60, 60], [700, 60], [700, 520], [60, 520]]";
    let plaza = QUICK_LOITERING.replace(pixels, "[[0.08, 0.1], [0.91, 0.1], [0.91, 0.9], [0.08, 0.9]]");
    let keys = format!("detect_url = \"{}\"\nspeakers = [\"horn\"]", sub.url());
    let camera = CameraEntry::new("gate", main.url(), plaza).with(&keys);
    let site = SiteFile::new().wav_speaker("horn").metrics(port).camera(camera).write(scene.dir()).unwrap();
    let agent = Agent::start(&scene.program, &site, "info").unwrap();
    let says = |what: &str| {
        eventually(what, || agent.log().contains(what).then_some(()))
            .unwrap_or_else(|e| panic!("{e:#}\n{}", agent.log()));
    };
    says("connected, H.264 384x288");

    let evidence = scene.path("data/evidence");
    let of_main = || {
        let bundle = finally_sealed(&evidence)?;
        let record: Value = serde_json::from_slice(&std::fs::read(bundle.join("incident.json")).ok()?).ok()?;
        (record["snapshots"][0]["width"] == 768).then_some((bundle, record))
    };
    let (bundle, record) = eventually("evidence of the main stream is sealed", of_main).unwrap();
    let snapshot = &record["snapshots"][0];
    assert_eq!(snapshot["height"], 576, "{record:#}");
    assert_eq!(snapshot["boxes_of"], json!([384, 288]));
    let size = image::image_dimensions(bundle.join("confirmed.jpg")).unwrap();
    assert_eq!(size, (768, 576));
    let clip = &record["clips"][0];
    assert_eq!((&clip["width"], &clip["height"]), (&json!(768), &json!(576)), "{record:#}");
    assert_clips_play(&bundle);

    sub.kill().unwrap();
    says("the picture is now 768x576");
    says("its sub-stream is away, so the main stream is watched");
    eventually("it stands among the warnings", || part(port, "camera gate", "warnings")).unwrap();
    sub.restart().unwrap();
    says("both its streams are there again");
    eventually("all is well", || part(port, "camera gate", "well")).unwrap();
    drop(main);
    says("its main stream is away, so no clips are kept");
    eventually("it stands among the troubles", || part(port, "camera gate", "troubles")).unwrap();
    assert_stops(agent);
}
