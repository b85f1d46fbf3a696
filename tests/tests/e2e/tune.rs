//! `forewarn models tune`: what it measured is kept beside the store, `run` goes by it, and a replay does not.

use std::path::PathBuf;
use std::process::{Command, Output};

use forewarn_models::{Store, cards};
use forewarn_tests::agent::Metrics;
use forewarn_tests::process::free_port;
use forewarn_tests::site::QUICK_LOITERING;
use forewarn_tests::{Agent, CameraEntry, Scene, SimCamera, SiteFile, clips, eventually, program};
use serde_json::Value;

use super::live::assert_stops;

/// A card of NanoDet-g that offers its 8-bit variant and says that nothing is lost.
fn street() -> String {
    let (_, text) = cards::BUILTIN.iter().find(|(name, _)| *name == "nanodet-g-416").unwrap();
    let own = text.split_once("[[variants]]").unwrap().0.replacen("name = \"nanodet-g-416\"", "name = \"street\"", 1);
    format!(
        "{own}[[variants]]\ncard = \"nanodet-g-416-int8\"\nap = [{{ on = \"streets\", own = 0.4, variant = 0.4 }}]\n\n\
         [[variants]]\ncard = \"nanodet-g-416-fp16\"\n"
    )
}

/// A folder with a store of its own, in which the weights and the library of the real one lie.
struct Tuning {
    scene: Scene,
    store: PathBuf,
}

impl Tuning {
    fn new() -> Self {
        let scene = Scene::new().unwrap();
        let store = scene.path("store");
        std::fs::create_dir(&store).unwrap();
        for entry in std::fs::read_dir(Store::locate().root()).unwrap().map(Result::unwrap) {
            if entry.path().is_file() {
                std::os::unix::fs::symlink(entry.path(), store.join(entry.file_name())).unwrap();
            }
        }
        scene.write("street.toml", street()).unwrap();
        Self { scene, store }
    }

    fn command(&self) -> Command {
        let mut command = self.scene.program.command();
        command.env("FOREWARN_MODEL_DIR", &self.store);
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command().current_dir(self.scene.dir()).args(args).output().unwrap()
    }

    #[track_caller]
    fn succeed(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {told}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn kept(&self) -> PathBuf {
        self.store.join("tuned/street.json")
    }

    /// Writes the tuning anew, changed by `change`.
    fn change(&self, change: impl Fn(&mut Value)) {
        let mut tuning: Value = serde_json::from_str(&std::fs::read_to_string(self.kept()).unwrap()).unwrap();
        change(&mut tuning);
        std::fs::write(self.kept(), tuning.to_string()).unwrap();
    }

    /// Has the 8-bit variant take half of what the card itself takes, whatever this processor makes of it.
    fn make_int8_win(&self) {
        self.change(|tuning| {
            for way in tuning["ways"].as_array_mut().unwrap() {
                let us = if way["card"] == "nanodet-g-416-int8" { 10_000 } else { 20_000 };
                for key in ["look_us", "processor_us"] {
                    way[key].as_array_mut().unwrap().fill(us.into());
                }
            }
        });
    }
}

fn site(model: &str) -> SiteFile {
    let mut site = SiteFile::new();
    site.tables.extend(["[model]\ncard = \"street.toml\"\n", model, "\n\n"]);
    site
}

#[test]
fn a_tuning_is_measured_kept_and_chosen_from_by_its_own_figures() {
    let tuning = Tuning::new();
    site("").camera(CameraEntry::new("gate", "file:clip.mp4", "")).write(tuning.scene.dir()).unwrap();
    let output = tuning.run(&["models", "tune", "--config", "site.toml", "--rounds", "5", "--json"]);
    let progress = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{progress}");
    assert!(progress.contains("street: 2 ways to run it, 5 rounds") && progress.contains("round 4 of 5"), "{progress}");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(tuning.kept()).unwrap()).unwrap();
    let ways = kept["ways"].as_array().unwrap();
    let cards: Vec<&str> = ways.iter().map(|way| way["card"].as_str().unwrap()).collect();
    assert_eq!(cards, ["street", "nanodet-g-416-int8"]);
    for way in ways {
        for key in ["look_us", "processor_us"] {
            let figures = way[key].as_array().unwrap();
            assert!(figures.len() == 5 && figures.iter().all(|us| us.as_u64() > Some(100)), "{way}");
        }
    }
    assert_eq!(told["left_out"][0]["what"], "nanodet-g-416-fp16");
    assert!(told["left_out"][0]["why"].as_str().unwrap().contains("states no average precision"), "{told}");
    assert_eq!(told["key"], kept["key"]);
    assert!(cards.contains(&told["chosen"]["way"]["card"].as_str().unwrap()), "{told}");

    let list = tuning.succeed(&["models", "list"]);
    assert!(!list.contains("tuned"), "the tuning of another card says nothing of these: {list}");
    tuning.succeed(&["models", "tune", "--card", "nanodet-g-416-fp16", "--rounds", "2"]);
    let list = tuning.succeed(&["models", "list"]);
    let tuned = "tuned: nanodet-g-416-fp16 on cpu in fp32 with 1 thread, as without a tuning";
    assert!(list.contains(tuned), "{list}");

    for (args, code, says) in [
        (["--card", "hard-hat"], 2, "finds no boxes"),
        (["--card", "no-such-card"], 64, "no-such-card"),
        (["--config", "no-such.toml"], 64, "no-such.toml"),
        (["--card", "yolox-m"], 69, "forewarn models fetch yolox-m"),
    ] {
        let output = tuning.run(&[&["models", "tune"], &args[..]].concat());
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{error}");
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn a_running_agent_goes_by_the_tuning_and_takes_up_a_new_one_at_a_reload() {
    let tuning = Tuning::new();
    let camera = SimCamera::of_demo(&tuning.scene).unwrap();
    let port = free_port().unwrap();
    let entry = CameraEntry::new("gate", camera.url(), QUICK_LOITERING);
    let file = site("").metrics(port).camera(entry.clone()).write(tuning.scene.dir()).unwrap();
    tuning.succeed(&["models", "tune", "--config", "site.toml", "--rounds", "3"]);
    tuning.make_int8_win();
    tuning.change(|tuning| tuning["key"]["cores"] = 999.into());
    let probed = || String::from_utf8_lossy(&tuning.run(&["check", "site.toml", "--probe"]).stdout).into_owned();
    let other_box = "the tuning of the model is not used: it was made on another box";
    assert!(probed().contains(other_box), "{}", probed());

    let agent = Agent::start_as(tuning.command(), &file, "info").unwrap();
    let in_use = |card: &str| {
        let label = format!("card=\"{card}\"");
        let what = format!("{card} looks at frames");
        let looked = || Metrics::read(port)?.sum("forewarn_model_in_use", &[&label]).filter(|value| *value == 1.0);
        eventually(&what, looked).unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()));
    };
    in_use("street");
    assert!(agent.log().contains(other_box) && agent.log().contains("with 999 cores"), "{}", agent.log());

    let cores = std::thread::available_parallelism().unwrap().get();
    tuning.change(|tuning| tuning["key"]["cores"] = cores.into());
    let chosen = "nanodet-g-416-int8 on cpu in fp32 with 1 thread: 0.50 of the processor time";
    assert!(probed().contains(&format!("tuning of the model: {chosen}")), "{}", probed());
    tuning.succeed(&["reload", "--config", "site.toml"]);
    in_use("nanodet-g-416-int8");
    let exchanged = eventually("it takes over", || agent.log().contains("model exchanged").then_some(()));
    exchanged.unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()));
    assert!(agent.log().contains(chosen), "{}", agent.log());
    assert_stops(agent);

    let agent = Agent::start_as(tuning.command(), &file, "info").unwrap();
    let started = eventually("it watches", || agent.log().contains("by nanodet-g-416-int8").then_some(()));
    started.unwrap_or_else(|error| panic!("{error:#}\n{}", agent.log()));
    assert_stops(agent);
    // Who says on what it runs has said in which numbers.
    site("provider = \"cpu\"").camera(entry).write(tuning.scene.dir()).unwrap();
    assert!(probed().contains("tuning of the model: street on cpu in fp32 with 1 thread"), "{}", probed());
}

#[test]
fn a_replay_gives_the_same_bytes_whatever_a_tuning_says() {
    let tuning = Tuning::new();
    clips::cut(&program::demo_clip().unwrap(), 0.0, 5.0, &tuning.scene.path("clip.mp4")).unwrap();
    site("").camera(CameraEntry::new("gate", "file:clip.mp4", QUICK_LOITERING)).write(tuning.scene.dir()).unwrap();
    let replay = |out: &str| {
        tuning.succeed(&["replay", "--config", "site.toml", "--out", out]);
        std::fs::read(tuning.scene.path(out).join("incidents.jsonl")).unwrap()
    };
    let before = replay("before");
    assert!(!before.is_empty(), "somebody loiters in the clip");
    tuning.succeed(&["models", "tune", "--config", "site.toml", "--rounds", "2"]);
    tuning.make_int8_win();
    assert!(replay("after") == before, "the tuning changed a replay");
}
