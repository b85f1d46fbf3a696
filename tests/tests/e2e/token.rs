//! The device's key in a token that is pulled out while the agent runs: it warns on, and seals are made up for.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use forewarn_tests::process::free_port;
use forewarn_tests::site::QUICK_LOITERING;
use forewarn_tests::{Agent, CameraEntry, Scene, SimCamera, SiteFile, eventually};
use serde_json::Value;

use crate::health::part;
use crate::live::assert_stops;

/// Where SoftHSM's settings are looked for.
const CONF: &str = "SOFTHSM2_CONF";
const PIN: &str = "648219";

/// Runs `openssl` on an input and returns its output.
fn openssl(args: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = Command::new("openssl");
    let mut child = command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success(), "openssl {args:?}");
    ended.stdout
}

/// The number of the last link of the chain.
fn last_link(data: &Path) -> u64 {
    let head = fs::read(data.join("evidence/chain.json")).unwrap_or_default();
    serde_json::from_slice::<Value>(&head).ok().and_then(|head| head["number"].as_u64()).unwrap_or(0)
}

/// Puts a token with this label into the scene.
fn init_token(scene: &Scene) {
    let tokens = scene.path("tokens");
    fs::create_dir(&tokens).unwrap();
    let conf = scene.write("softhsm2.conf", format!("directories.tokendir = {}\n", tokens.display())).unwrap();
    scene.write("pin", PIN).unwrap();
    let mut init = Command::new("softhsm2-util");
    init.args(["--init-token", "--free", "--label", "box", "--pin", PIN, "--so-pin", "5678"]).env(CONF, conf);
    assert!(init.output().expect("softhsm2-util runs; `cargo xtask setup` installs it").status.success());
}

#[test]
fn a_key_in_a_token_seals_what_openssl_verifies_and_makes_up_for_when_it_was_away() {
    let scene = Scene::new().unwrap();
    init_token(&scene);
    let camera = SimCamera::of_demo(&scene).unwrap();
    let port = free_port().unwrap();
    let watched = CameraEntry::new("gate", camera.url(), QUICK_LOITERING).with("speakers = [\"horn\"]");
    let mut site = SiteFile::new().metrics(port).wav_speaker("horn").camera(watched);
    write!(
        site.tables,
        "[evidence.token]\nmodule = \"/usr/lib/softhsm/libsofthsm2.so\"\nkey = \"pkcs11:token=box;object=seal\"\n\
         password_file = \"pin\"\n"
    )
    .unwrap();
    let site = site.write(scene.dir()).unwrap().display().to_string();
    let command = || {
        let mut command = scene.program.command();
        command.env(CONF, scene.path("softhsm2.conf"));
        command
    };
    let key = |what: &str| command().args(["key", what, "--config", &site]).output().unwrap();
    let none = key("show");
    assert!(String::from_utf8_lossy(&none.stderr).contains("`forewarn key init` makes it"), "{none:?}");
    assert_eq!(none.status.code(), Some(65));
    let probe = || String::from_utf8(command().args(["check", &site, "--probe"]).output().unwrap().stdout).unwrap();
    let told = probe();
    assert!(told.contains("token: ") && told.contains("`forewarn key init` makes it"), "{told}");
    let made = String::from_utf8(key("init").stdout).unwrap();
    let public = made.lines().next().unwrap().strip_prefix("key ").unwrap().to_owned();
    assert_eq!(key("show").stdout, made.as_bytes());
    let told = probe();
    assert!(told.contains(&format!("token: the PIN opens it, and it holds the key {public}\n")), "{told}");
    openssl(&["req", "-verify", "-noout"], &key("csr").stdout);

    let agent = Agent::start_as(command(), Path::new(&site), "info").unwrap();
    let data = scene.path("data");
    let ended = |what: &str, found: anyhow::Result<()>| {
        found.unwrap_or_else(|error| panic!("{what}: {error:#}\n{}", agent.log()));
    };
    ended("at first", eventually("something is sealed", || (last_link(&data) > 0).then_some(())));
    assert!(!data.join("keys/device.key").exists());
    let away = scene.path("tokens.away");
    fs::rename(scene.path("tokens"), &away).unwrap();
    fs::create_dir(scene.path("tokens")).unwrap();
    let trouble = || part(port, "evidence", "troubles").filter(|told| told.contains("no token fits")).map(drop);
    ended("pulled out", eventually("it is told that the token is away", trouble));
    let warnings = || fs::read_dir(scene.path("announcements")).unwrap().count();
    let (before, number) = (warnings(), last_link(&data));
    ended("pulled out", eventually("warnings go on", || (warnings() >= before + 3).then_some(())));
    assert_eq!(last_link(&data), number);
    fs::remove_dir(scene.path("tokens")).unwrap();
    fs::rename(&away, scene.path("tokens")).unwrap();
    ended("back", eventually("evidence is well", || part(port, "evidence", "well").map(drop)));
    ended("back", eventually("seals are made up for", || (last_link(&data) >= number + 2).then_some(())));
    assert_stops(agent);

    let verified = scene.program.succeed([Path::new("evidence"), Path::new("verify"), &data]).unwrap();
    assert!(verified.contains("chain: whole") && verified.contains(&public), "{verified}");
    let head: Value = serde_json::from_slice(&fs::read(data.join("evidence/chain.json")).unwrap()).unwrap();
    let bundle = data.join("evidence").join(head["folder"].as_str().unwrap());
    let text = |name: &str| bundle.join(name).display().to_string();
    let device = openssl(&["x509", "-in", &text("signer.pem"), "-noout", "-pubkey"], &[]);
    let device = scene.write("device.pem", device).unwrap().display().to_string();
    let (manifest, signature) = (text("manifest.json"), text("manifest.sig"));
    openssl(
        &["pkeyutl", "-verify", "-pubin", "-inkey", &device, "-rawin", "-in", &manifest, "-sigfile", &signature],
        &[],
    );
}
