//! Updates of the program as it is: one that does well is kept, one whose program ends at once is undone, and what is not for
//! this box is refused.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use forewarn_tests::camera::CameraOptions;
use forewarn_tests::process::free_port;
use forewarn_tests::site::QUICK_LOITERING;
use forewarn_tests::small_disk::SmallDisk;
use forewarn_tests::{Agent, CameraEntry, Scene, SimCamera, SiteFile, eventually, program};

/// A site with a key for updates, and whoever holds that key.
struct Updated {
    /// What is mounted on the folder above that of updates.
    disk: Option<SmallDisk>,
    scene: Scene,
    site: PathBuf,
}

/// The folder of updates in that of the scene.
const DIR: &str = "updates/kept";

impl Updated {
    fn new(camera: &str) -> Self {
        let scene = Scene::new().unwrap();
        let key = scene.path("key.pem");
        let said = scene.program.succeed(["update".into(), "keygen".into(), OsString::from(&key)]).unwrap();
        fs::create_dir(scene.path("violations")).unwrap();
        let mut file = SiteFile::new().metrics(free_port().unwrap());
        let more = "steady_s = 1\nwithin_s = 60\n[violations]\ndir = \"violations\"";
        writeln!(file.tables, "{said}{more}").unwrap();
        let site = file.camera(CameraEntry::new("gate", camera, QUICK_LOITERING)).write(scene.dir()).unwrap();
        Self { disk: None, scene, site }
    }

    /// `forewarn update WORDS`, with the folder of updates where the command takes one. What it says, and whether it succeeds.
    fn update(&self, words: &[&str]) -> (bool, String) {
        let mut args = vec!["update".to_owned()];
        args.extend(words.iter().map(|word| (*word).to_owned()));
        let of_disk = |disk: &SmallDisk| disk.command(&self.scene.program);
        let mut command = self.disk.as_ref().map_or_else(|| self.scene.program.command(), of_disk);
        let output = command.args(args).env("FOREWARN_UPDATE_DIR", self.scene.path(DIR)).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    fn pack(&self, version: &str, part: &str, path: &Path) -> String {
        let (is_done, out, said) = self.try_to_pack(version, part, path);
        assert!(is_done, "{said}");
        out
    }

    fn try_to_pack(&self, version: &str, part: &str, path: &Path) -> (bool, String, String) {
        let out = self.scene.path(&format!("{version}.update")).display().to_string();
        let (key, path) = (self.scene.path("key.pem").display().to_string(), path.display().to_string());
        // What was packed before under this name is kept otherwise.
        let _ = std::fs::remove_file(&out);
        let words = ["pack", &out, "--key", &key, "--version", version, "--follows", "0.2.0", part, &path];
        let (is_done, said) = self.update(&words);
        (is_done, out, said)
    }

    fn check(&self, bundle: &str) -> (bool, String) {
        self.update(&["check", bundle, "--config", &self.site.display().to_string()])
    }

    fn apply(&self, bundle: &str) -> (bool, String) {
        self.update(&["apply", bundle, "--config", &self.site.display().to_string()])
    }

    /// The agent by the program that is in force.
    fn start(&self) -> Agent {
        let mut command = self.scene.program.command();
        command.args(["update", "exec", "--dir"]).arg(self.scene.path(DIR)).arg("--");
        Agent::start_as(command, &self.site, "info").unwrap()
    }
}

#[test]
fn an_update_is_judged_by_the_running_agent_and_undone_where_its_program_ends() {
    let place = tempfile::tempdir().unwrap();
    let clip = CameraOptions::looped(&program::demo_clip().unwrap());
    let camera = SimCamera::start(&forewarn_tests::ForewarnBin::find().unwrap(), place.path(), clip).unwrap();
    let box_ = Updated::new(camera.url());
    let says = |words: &[&str], part: &str| {
        let (_, said) = box_.update(words);
        assert!(said.contains(part), "{words:?}: {said}");
    };

    // A violation of its own: kept by the word of the agent that runs with it.
    let text = box_.scene.program.succeed(["config", "violation", "loitering"]).unwrap();
    let violation = box_.scene.write("waiting.toml", text.replace("id = \"loitering\"", "id = \"waiting\"")).unwrap();
    let bundle = box_.pack("0.2.0.1", "--violation", &violation);
    let site = box_.site.display().to_string();
    let mut former = box_.start();
    eventually("the agent watches", || former.log().contains("watching").then_some(())).unwrap();
    let (is_taken, said) = box_.apply(&bundle);
    assert!(is_taken && said.contains("it lies ready"), "{said}");
    says(&["withdraw"], "the update to 0.2.0.1 is withdrawn; nothing has changed");
    says(&["withdraw"], "no update lies ready");
    assert!(box_.apply(&bundle).0);
    let (is_done, said) = box_.update(&["confirm", "--config", &site]);
    assert!(is_done && said.is_empty(), "before the trial nothing is confirmed: {said}");
    says(&["status"], "ready: 0.2.0.1");
    says(&["begin"], "the update to 0.2.0.1 begins its trial");
    // The agent that ran before has not read it.
    let text = fs::read_to_string(&box_.site).unwrap();
    let quick = box_.scene.write("quick.toml", text.replace("within_s = 60", "within_s = 10")).unwrap();
    let (is_kept, said) = box_.update(&["confirm", "--config", &quick.display().to_string()]);
    assert!(!is_kept && said.contains("had not been started anew"), "{said}");
    former.kill().unwrap();
    says(&["begin"], "the update to 0.2.0.1 is undone");
    assert!(!box_.scene.path("violations/waiting.toml").exists());

    assert!(box_.update(&["apply", &bundle, "--config", &site, "--again"]).0);
    says(&["begin"], "the update to 0.2.0.1 begins its trial");
    assert!(box_.scene.path("violations/waiting.toml").is_file());
    let mut agent = box_.start();
    says(&["confirm", "--config", &box_.site.display().to_string()], "the agent is well: 0.2.0.1 is in force");
    let (is_taken, said) = box_.apply(&bundle);
    assert!(!is_taken && said.contains("0.2.0.1 is in force; versions only go up"), "{said}");
    agent.kill().unwrap();

    // A program that knows everything it is asked, and ends when it is to watch.
    let bad = box_.scene.path("bad");
    build(&box_.scene, &bad, "forewarn 0.3.0 (of a test)");
    let (is_taken, said) = box_.apply(&box_.pack("0.3.0", "--program", &bad));
    assert!(is_taken, "{said}");
    for _ in 0..3 {
        box_.update(&["begin"]);
        let mut agent = box_.start();
        let ended = eventually("it ends", || agent.ended()).unwrap();
        assert!(ended.success(), "{}", agent.log());
    }
    says(&["begin"], "the update to 0.3.0 is undone: it was started 3 times and never was well");
    says(&["status"], "in force: 0.2.0.1\nprogram: 0.2.0 of the package\nundone: 0.3.0");
    let agent = box_.start();
    eventually("the former program watches", || agent.log().contains("watching").then_some(())).unwrap();
}

/// Compiles a program that says of itself `version` and does nothing else, whatever it is asked.
fn build(scene: &Scene, out: &Path, version: &str) {
    let source = format!(
        "#include <stdio.h>\n#include <string.h>\nint main(int n, char **words) {{\n  if (n > 1 && !strcmp(words[1], \
         \"--version\")) puts(\"{version}\");\n  return 0;\n}}\n"
    );
    let source = scene.write("program.c", source).unwrap();
    let done = std::process::Command::new("cc").arg(&source).arg("-o").arg(out).status().unwrap();
    assert!(done.success());
}

#[test]
fn what_could_not_run_here_is_refused_before_anything_changes() {
    let box_ = Updated::new("rtsp://127.0.0.1:9/none");
    let bad = box_.scene.path("bad");
    // Of another version than the update, so that it is not even signed.
    build(&box_.scene, &bad, "forewarn 0.2.9 (of a test)");
    let (is_packed, _, said) = box_.try_to_pack("0.3.0", "--program", &bad);
    assert!(!is_packed && said.contains("0.2.9 (of a test)\", and the update is to 0.3.0"), "{said}");
    fs::copy("/bin/false", &bad).unwrap();
    let (is_packed, _, said) = box_.try_to_pack("0.3.0", "--program", &bad);
    assert!(!is_packed && said.contains("--version` failed"), "{said}");
    let nonsense = box_.scene.write("nonsense.toml", "id = \"nonsense\"\nnobody_knows = 1\n").unwrap();
    let (is_packed, _, said) = box_.try_to_pack("0.2.0.1", "--violation", &nonsense);
    assert!(!is_packed && said.contains("nobody_knows"), "{said}");
    let (is_packed, _, said) = box_.try_to_pack("0.2.0", "--violation", &nonsense);
    assert!(!is_packed && said.contains("versions only go up"), "{said}");
    // A violation that is one, and that the site's rules do not fit.
    let text = box_.scene.program.succeed(["config", "violation", "illegal_parking"]).unwrap();
    let text = text.replace("id = \"illegal_parking\"", "id = \"loitering\"");
    let violation = box_.scene.write("loitering.toml", text).unwrap();
    let bundle = box_.pack("0.2.0.1", "--violation", &violation);
    for (is_taken, said) in [box_.check(&bundle), box_.apply(&bundle)] {
        assert!(!is_taken && said.contains("check` failed") && said.contains("dwell_s"), "{said}");
    }
    assert!(!box_.scene.path("violations/loitering.toml").exists());
    let beside = fs::read_dir(box_.scene.dir()).unwrap().flatten().map(|entry| entry.file_name());
    assert!(beside.into_iter().all(|name| !name.to_string_lossy().starts_with(".update-")), "nothing is left behind");
    let mut elf = fs::read("/bin/true").unwrap();
    elf[18] = 0xb7;
    fs::write(&bad, &elf).unwrap();
    if cfg!(target_arch = "x86_64") {
        let (is_taken, said) = box_.apply(&box_.pack("0.3.0", "--program", &bad));
        assert!(!is_taken && said.contains("is for aarch64, and this box is x86_64"), "{said}");
    }
    let site = box_.scene.path("wrong.toml");
    fs::copy(&box_.site, &site).unwrap();
    let (is_taken, said) = box_.apply(&box_.pack("0.2.0.2", "--configuration", &site));
    assert!(!is_taken && said.contains("brings configuration, which this site does not take"), "{said}");
    let (_, said) = box_.update(&["status"]);
    assert_eq!(said, "in force: 0.2.0\nprogram: 0.2.0 of the package\n");
}

/// Hands out a file over HTTP, once: half of it, then what becomes of the box meanwhile, then the rest.
fn serve(listener: &TcpListener, file: &[u8], meanwhile: impl FnOnce()) {
    let (mut stream, _) = listener.accept().unwrap();
    let mut asked = Vec::new();
    let mut byte = [0];
    while !asked.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
        asked.push(byte[0]);
    }
    let (first, rest) = file.split_at(file.len() / 2);
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", file.len()).unwrap();
    stream.write_all(first).unwrap();
    meanwhile();
    // Whoever has no room hangs up.
    let _ = stream.write_all(rest);
}

#[test]
fn a_disk_that_is_full_or_fills_meanwhile_keeps_the_former_program_and_says_what_to_do() {
    let mut box_ = Updated::new("rtsp://127.0.0.1:9/none");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let from = format!("url = \"http://{}/x.update\"\nsteady_s = 1", listener.local_addr().unwrap());
    let text = fs::read_to_string(&box_.site).unwrap().replace("steady_s = 1", &from);
    box_.site = box_.scene.write("site.toml", text).unwrap();
    let program = box_.scene.path("program");
    build(&box_.scene, &program, "forewarn 0.3.0 (of a test)");
    let padded = [fs::read(&program).unwrap(), vec![0; 24 << 20]].concat();
    fs::write(&program, padded).unwrap();
    let bundle = box_.pack("0.3.0", "--program", &program);
    fs::create_dir(box_.scene.path("updates")).unwrap();
    let disk = SmallDisk::mount(&box_.scene.path("updates"), 160).unwrap();
    let slot = disk.path().join("kept/a");
    let disk = box_.disk.insert(disk);
    disk.fill().unwrap();
    let box_ = &box_;
    let disk = box_.disk.as_ref().unwrap();
    let is_as_before = |ready: &str| {
        let (_, said) = box_.update(&["status"]);
        assert_eq!(said, format!("in force: 0.2.0\nprogram: 0.2.0 of the package\n{ready}"));
        let (is_done, said) = box_.update(&["exec", "--", "--version"]);
        assert!(is_done && said.starts_with("forewarn 0.2.0"), "{said}");
    };

    let (is_taken, said) = box_.apply(&bundle);
    assert!(!is_taken && said.contains("nothing has changed: it takes 112 MiB at"), "{said}");
    assert!(said.contains("0 are free; make room, or name another disk by --dir"), "{said}");
    is_as_before("");

    disk.free().unwrap();
    let file = fs::read(&bundle).unwrap();
    let is_large = |entry: &fs::DirEntry| entry.metadata().is_ok_and(|file| file.len() > 1 << 20);
    let fill = || {
        eventually("the program is being written", || fs::read_dir(&slot).ok()?.flatten().find(is_large)).unwrap();
        disk.fill().unwrap();
    };
    let (is_taken, said) = std::thread::scope(|scope| {
        scope.spawn(|| serve(&listener, &file, fill));
        box_.update(&["apply", "--config", &box_.site.display().to_string()])
    });
    assert!(!is_taken && said.contains("No space left on device"), "{said}");
    assert!(said.contains("make room on that disk and type it again"), "{said}");
    assert!(!slot.exists(), "half a program takes no room");
    is_as_before("");

    disk.free().unwrap();
    let (is_taken, said) = box_.apply(&bundle);
    assert!(is_taken, "{said}");
    disk.fill().unwrap();
    let (is_begun, said) = box_.update(&["begin"]);
    assert!(!is_begun && said.contains("make room on that disk and type it again"), "{said}");
    is_as_before("ready: 0.3.0, tried with the next start\n");
    disk.free().unwrap();
    let (_, said) = box_.update(&["begin"]);
    assert!(said.contains("the update to 0.3.0 begins its trial"), "{said}");
    let (_, said) = box_.update(&["exec", "--", "--version"]);
    assert_eq!(said, "forewarn 0.3.0 (of a test)\n");
}
