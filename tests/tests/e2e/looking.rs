//! Those who look at a camera live without a browser.

use forewarn_tests::desk::Desk;
use forewarn_tests::process::free_port;
use forewarn_tests::site::QUICK_PARKING;
use forewarn_tests::{Agent, CameraEntry, PATIENCE, Scene, SimCamera, SiteFile, eventually};

#[test]
fn ten_who_look_are_all_sent_the_pictures_of_the_camera() {
    let scene = Scene::new().unwrap();
    let camera = SimCamera::of_demo(&scene).unwrap();
    let port = free_port().unwrap();
    let gate = CameraEntry::new("gate", camera.url(), QUICK_PARKING);
    let site = SiteFile::new().console(port).camera(gate).write(scene.dir()).unwrap();
    let mut agent = Agent::start(&scene.program, &site, "info").unwrap();
    let desk = Desk::open(port, &agent).unwrap();
    let onlookers: Vec<_> = (0..10).map(|_| desk.look("gate").unwrap()).collect();
    let are_sent = || onlookers.iter().all(|one| one.pictures() > 20).then_some(());
    eventually("all are sent pictures", are_sent).unwrap();
    for one in onlookers {
        assert!(one.leave().unwrap() > 20);
    }
    agent.interrupt(PATIENCE).unwrap();
}
