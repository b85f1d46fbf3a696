//! Seals of a running agent, stamped by an authority that is away at first.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::Path;

use forewarn_seal::time_stamp::authority::{Authority, KEYS};
use forewarn_tests::agent::Metrics;
use forewarn_tests::camera::CameraOptions;
use forewarn_tests::process::free_port;
use forewarn_tests::site::QUICK_PARKING;
use forewarn_tests::{Agent, CameraEntry, Scene, SimCamera, SiteFile, eventually, program};

use crate::live::assert_stops;

#[test]
fn seals_wait_for_an_authority_that_is_away_and_are_stamped_when_it_comes() {
    let scene = Scene::new().unwrap();
    let authority = Authority::new(KEYS[0]).unwrap();
    let camera =
        SimCamera::start(&scene.program, scene.dir(), CameraOptions::looped(&program::demo_clip().unwrap())).unwrap();
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
    assert_stops(agent);
}
