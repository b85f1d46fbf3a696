//! Seals of a running agent, stamped by an authority that is away at first; and who looked at them, beside the agent and after it.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use forewarn_seal::time_stamp::authority::{Authority, KEYS};
use forewarn_tests::agent::Metrics;
use forewarn_tests::process::free_port;
use forewarn_tests::site::QUICK_PARKING;
use forewarn_tests::{Agent, CameraEntry, Scene, SimCamera, SiteFile, eventually};

use crate::live::assert_stops;

#[test]
fn seals_wait_for_an_authority_that_is_away_and_whoever_looks_is_written_down() {
    let scene = Scene::new().unwrap();
    let authority = Authority::new(KEYS[0]).unwrap();
    let camera = SimCamera::of_demo(&scene).unwrap();
    let (port, away) = (free_port().unwrap(), free_port().unwrap());
    let mut site = SiteFile::new().metrics(port).camera(CameraEntry::new("gate", camera.url(), QUICK_PARKING));
    writeln!(site.tables, "[evidence]\ntime_stamp_url = \"http://127.0.0.1:{away}/\"").unwrap();
    writeln!(site.tables, "time_stamp_ca = \"{}\"", authority.ca().display()).unwrap();
    let site = site.write(scene.dir()).unwrap();
    let agent = Agent::start(&scene.program, &site, "info").unwrap();

    let waiting = || Metrics::read(port)?.sum("forewarn_time_stamps_waiting", &[]).filter(|n| *n >= 1.0);
    eventually("a seal waits", waiting).unwrap_or_else(|error| panic!("{error:#}: {}", agent.log()));
    assert!(agent.log().contains("no time stamp: failed to reach 127.0.0.1"), "{}", agent.log());
    authority.serve(&TcpListener::bind(("127.0.0.1", away)).unwrap(), 1).unwrap();
    let data = scene.path("data");
    let stamped = || {
        let args = [Path::new("evidence"), Path::new("verify"), &data, Path::new("--config"), &site];
        let told = String::from_utf8(scene.program.run(args).ok()?.stdout).ok()?;
        told.contains("by a time stamp of Test stamps, somebody whom you trust vouches for it").then_some(())
    };
    eventually("the stamp is kept", stamped).unwrap_or_else(|error| panic!("{error:#}: {}", agent.log()));

    let bundle = eventually("a bundle is sealed", || sealed(&data)).unwrap();
    scene.program.succeed([Path::new("evidence"), Path::new("show"), &bundle]).unwrap();
    let audit = || scene.program.succeed([Path::new("evidence"), Path::new("audit"), &data]).unwrap();
    let incident = bundle.file_name().unwrap().to_string_lossy().into_owned();
    // The running agent alone lengthens the chain; until it does, the word waits.
    let shown = format!("  shown {incident}, by ");
    assert!(audit().contains(&shown), "{}", audit());
    assert_stops(agent);
    let out = scene.path("copy");
    let by = [Path::new("--as"), Path::new("clerk"), Path::new("--reason"), Path::new("case 12/26")];
    let export = [Path::new("evidence"), Path::new("export"), &bundle, Path::new("--out"), &out];
    scene.program.succeed(export.into_iter().chain(by)).unwrap();
    let told = audit();
    let numbered = told.lines().filter(|line| !line.trim_start().starts_with('-'));
    assert!(numbered.count() >= 2 && told.contains(&shown), "both are links now: {told}");
    let exported = format!("exported {incident} to {}, by clerk, logged in as ", out.display());
    assert!(told.contains(&exported) && told.contains(": case 12/26"), "{told}");
    let verified = scene.program.succeed([Path::new("evidence"), Path::new("verify"), &data]).unwrap();
    assert!(verified.contains("chain: whole"), "{verified}");
    // In a copy nobody is written down.
    scene.program.succeed([Path::new("evidence"), Path::new("show"), &out]).unwrap();
    assert_eq!(audit(), told);
}

/// A sealed bundle below `dir`.
fn sealed(dir: &Path) -> Option<PathBuf> {
    let folders = |dir: &Path| -> Vec<PathBuf> {
        std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    };
    let days = folders(&dir.join("evidence")).into_iter().filter(|day| day.is_dir());
    days.flat_map(|day| folders(&day)).find(|bundle| bundle.join("manifest.json").is_file())
}
