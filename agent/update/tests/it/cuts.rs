//! The power is cut at every write of two updates, one that is kept and one that is returned from: the next start runs a whole
//! program with the files of its own version, and the box takes the next update.

use std::collections::BTreeMap;

use forewarn_base::durable::faults::dying;
use forewarn_update::UpdateError;
use forewarn_update::state::{Phase, State};

use crate::support::{Gateway, Maker, all_of, memory};

/// Which of the renames that were not on the disk are lost.
const SEEDS: [u64; 4] = [0, u64::MAX, 0x5555_5555_5555_5555, 0x9e37_79b9_7f4a_7c15];

/// The steps of two updates, each with what the box does in it.
const STEPS: [&str; 7] = [
    "`apply` of 0.2.0",
    "`begin`: the trial of 0.2.0",
    "`confirm` of 0.2.0",
    "`apply` of 0.3.0",
    "`begin`: the trial of 0.3.0",
    "`rollback` of 0.3.0",
    "`begin`: back to 0.2.0",
];

fn do_step(gateway: &Gateway, n: usize, bundles: &[Vec<u8>; 2]) -> Result<(), UpdateError> {
    match n {
        0 => gateway.take(&bundles[0]).map(|_| ()),
        3 => gateway.take(&bundles[1]).map(|_| ()),
        2 => gateway.folder.decide(State::confirm).map(|_| ()),
        5 => gateway.folder.decide(|state| state.give_up("no good", true)).map(|_| ()),
        _ => gateway.folder.begin().map(|_| ()),
    }
}

/// Until the disk dies. The step in which it does.
fn live(gateway: &Gateway, bundles: &[Vec<u8>; 2]) -> (usize, Option<UpdateError>) {
    for n in 0..STEPS.len() {
        if let Err(error) = do_step(gateway, n, bundles) {
            return (n, Some(error));
        }
    }
    (STEPS.len(), None)
}

/// What the next start finds and runs. Fails where program and files are not of one version.
fn next_start(gateway: &Gateway) -> Result<String, String> {
    let told = |error: UpdateError| error.to_string();
    gateway.folder.begin().map_err(told)?;
    let state = gateway.folder.load().map_err(told)?;
    let (program, placed) = (gateway.program().map_err(told)?, gateway.placed()?);
    if program != format!("program {placed}") {
        return Err(format!("{program} runs with the files of {placed}"));
    }
    let phase = match state.phase {
        Phase::Quiet => "",
        Phase::Trial { .. } => ", on trial",
        Phase::Ready(_) | Phase::Undoing { .. } => return Err(format!("after a start: {:?}", state.phase)),
    };
    Ok(format!("{placed}{phase}"))
}

#[test]
fn wherever_the_power_is_cut_the_next_start_runs_one_version_and_takes_the_next() {
    let maker = Maker::new();
    let bundles = ["0.2.0", "0.3.0"].map(|version| maker.bundle(version, &all_of(version)));
    let last = maker.bundle("0.4.0", &all_of("0.4.0"));
    let whole = memory();
    let gateway = Gateway::new(whole.path(), maker.key.public());
    let ((n, error), n_steps) = dying(u64::MAX, 0, || live(&gateway, &bundles));
    assert!(error.is_none() && n == STEPS.len(), "{error:?}");
    assert_eq!(next_start(&gateway).unwrap(), "0.2.0");

    let mut table: BTreeMap<usize, BTreeMap<String, u32>> = BTreeMap::new();
    for (dies_at, seed) in (0..n_steps).flat_map(|dies_at| SEEDS.map(|seed| (dies_at, seed))) {
        let root = memory();
        let gateway = Gateway::new(root.path(), maker.key.public());
        let ((step, error), _) = dying(dies_at, seed, || live(&gateway, &bundles));
        let place = format!("cut {dies_at} of {n_steps}, {}, seed {seed:x}", STEPS[step.min(STEPS.len() - 1)]);
        let error = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("the disk is gone"), "{place}: {error}");
        let found = next_start(&gateway).unwrap_or_else(|error| panic!("{place}: {error}"));
        *table.entry(step).or_default().entry(found).or_default() += 1;
        // Whatever is under way is decided, and then the box takes the next update.
        let _ = gateway.folder.decide(|state| state.give_up("cut", true));
        next_start(&gateway).unwrap_or_else(|error| panic!("{place}: {error}"));
        gateway.take(&last).unwrap_or_else(|error| panic!("{place}: {error}"));
        assert_eq!(next_start(&gateway).unwrap(), "0.4.0, on trial", "{place}");
        gateway.folder.decide(State::confirm).unwrap();
        assert_eq!(next_start(&gateway).unwrap(), "0.4.0", "{place}");
    }
    let row = |(step, found): (&usize, &BTreeMap<String, u32>)| {
        let found: Vec<String> = found.iter().map(|(what, n)| format!("{what} ({n})")).collect();
        format!("| {} | {} |\n", STEPS[*step], found.join("; "))
    };
    let table: String = table.iter().map(row).collect();
    println!("{n_steps} writes, {} cuts\n{table}", n_steps * SEEDS.len() as u64);
    let page = include_str!("../../../../docs/update.md");
    assert!(page.contains(&table), "docs/update.md lacks this table:\n{table}");
}

#[test]
fn a_disk_that_takes_nothing_keeps_the_box_as_it_was() {
    let maker = Maker::new();
    let bundle = maker.bundle("0.2.0", &all_of("0.2.0"));
    let whole = memory();
    let gateway = Gateway::new(whole.path(), maker.key.public());
    gateway.take(&bundle).unwrap();
    // The trial begins, and nothing can be written in the moment in which it does: the agent starts as before.
    let (told, _) = dying(0, 0, || gateway.folder.begin());
    assert!(told.unwrap_err().to_string().contains("the disk is gone"));
    assert_eq!((gateway.program().unwrap(), gateway.placed().unwrap()), ("program 0.1.0".into(), "0.1.0".into()));
    assert_eq!(next_start(&gateway).unwrap(), "0.2.0, on trial");
}
