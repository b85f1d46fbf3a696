//! A few rounds of what `chaos` does at length.

use forewarn_tests::Scene;
use forewarn_tests::chaos::{self, Options};

#[test]
fn a_few_rounds_of_kills_lose_nothing() {
    let scene = Scene::new().unwrap();
    let options = Options { rounds: 6, seed: 3 };
    let summary = chaos::run(&scene.program, scene.dir(), options, &mut |line| println!("{line}")).unwrap();
    println!("{}", summary.table());
    assert!(summary.agent_kills > 0 && summary.broker_kills > 0, "{summary:?}");
    assert!(summary.judgements.iter().all(|(_, it)| it.incidents > 0 && it.events > 0), "{summary:?}");
    assert!(summary.is_good(), "{}", summary.table());
}
