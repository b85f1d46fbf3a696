//! Evidence of an incident as it happens, in a bucket of moto: what is fetched back from there is a bundle that verifies.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use forewarn_tests::agent::Metrics;
use forewarn_tests::camera::CameraOptions;
use forewarn_tests::process::free_port;
use forewarn_tests::program::demo_clip;
use forewarn_tests::site::QUICK_PARKING;
use forewarn_tests::{Agent, CameraEntry, Scene, SimCamera, SiteFile, eventually};

use super::live::assert_stops;

const READERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/readers");
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/readers");

fn python(script: &str) -> Command {
    let mut python = Command::new("python3");
    python.arg(format!("{SCRIPTS}/{script}")).env("PYTHONPATH", READERS);
    python
}

/// The bucket, which goes away with the value.
struct Bucket(Child);

impl Drop for Bucket {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn files_in(folder: &Path) -> BTreeSet<String> {
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten();
    names.map(|entry| entry.file_name().to_string_lossy().into_owned()).filter(|name| !name.starts_with('.')).collect()
}

#[test]
fn a_bundle_that_is_fetched_back_from_the_archive_verifies() {
    assert!(Path::new(READERS).join("moto").is_dir(), "run `cargo xtask test` once, which fetches the server");
    let mut bucket = Bucket(python("s3.py").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let mut lines = BufReader::new(bucket.0.stdout.take().unwrap()).lines().map_while(Result::ok);
    let port = lines.next().expect("it says its port first");
    // Nobody reads what it is asked, and it must not wait for that.
    std::thread::Builder::new().name("asked".to_owned()).spawn(move || lines.for_each(drop)).unwrap();

    let scene = Scene::new().unwrap();
    let camera = SimCamera::start(&scene.program, scene.dir(), CameraOptions::looped(&demo_clip().unwrap())).unwrap();
    scene.write("s3.secret", "box secret\n").unwrap();
    let metrics_port = free_port().unwrap();
    let mut site = SiteFile::new()
        .metrics(metrics_port)
        .wav_speaker("horn")
        .camera(CameraEntry::new("gate", camera.url(), QUICK_PARKING).with("speakers = [\"horn\"]"));
    let url = format!("http://127.0.0.1:{port}");
    let archive = "[upstream.archive]\nkind = \"s3\"\nurl = \"URL\"\nbucket = \"box\"\npassword_file = \"s3.secret\"\n";
    site.tables.push_str(&archive.replace("URL", &url));
    let site = site.write(scene.dir()).unwrap();
    let agent = Agent::start(&scene.program, &site, "info").unwrap();
    let sum = |name: &str| Metrics::read(metrics_port)?.sum(name, &["archive"]);
    let is_there = || {
        let sent = sum("forewarn_upstream_files_sent_total")?;
        let waits = sum("forewarn_upstream_messages")? + sum("forewarn_upstream_files_waiting")?;
        (sent >= 8.0 && waits == 0.0 && agent.log().contains("escalated")).then_some(())
    };
    eventually("the archive has the escalation", is_there).unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()));
    assert_stops(agent);

    let back = scene.path("back");
    let fetched = python("s3_files.py").arg(&port).arg(&back).output().unwrap();
    assert!(fetched.status.success(), "{}", String::from_utf8_lossy(&fetched.stderr));
    let listed = String::from_utf8(fetched.stdout).unwrap();
    let clip =
        listed.lines().find(|line| line.contains(".mp4 ")).unwrap_or_else(|| panic!("there is a clip: {listed}"));
    let key = clip.split(' ').next().unwrap();
    let bundle = Path::new(key).parent().unwrap();
    let (there, here) = (back.join(bundle), scene.path("data/evidence").join(bundle.strip_prefix("north").unwrap()));
    assert!(
        files_in(&there).is_superset(&["manifest.json", "manifest.sig", "incident.json"].map(str::to_owned).into())
    );
    assert!(files_in(&there).is_subset(&files_in(&here)));
    scene.program.succeed([Path::new("evidence"), Path::new("verify"), &there]).unwrap();
}
