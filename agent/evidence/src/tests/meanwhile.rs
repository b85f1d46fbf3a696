//! The folder of the chain is away for a while: what is kept meanwhile comes into it when it is back, and is sealed there.

use std::collections::BTreeMap;

use forewarn_base::durable::faults::dying;
use forewarn_domain::EvidenceRequest;

use super::*;
use crate::testing::escalated;
use crate::tests::sealed::{signed_store, told};
use crate::{EvidenceKeeper, KeeperNews, KeeperSetup};

fn at(s: u64) -> Timestamp {
    T0 + Duration::from_secs(s)
}

fn keeper(root: &Path) -> EvidenceKeeper {
    let setup = KeeperSetup {
        scratch: root.join(".scratch"),
        scenes: BTreeMap::new(),
        clock_face: Box::new(|at| format!("{:.0} s", at.as_secs_f64())),
    };
    let mut keeper = EvidenceKeeper::unready(unready_signed_store(root), setup);
    keeper.make_ready(at(0));
    keeper
}

fn unready_signed_store(root: &Path) -> EvidenceStore {
    let limits = Limits { min_free_bytes: 0, ..Limits::default() };
    let signing = Signing { keys: root.join("keys"), site: "riverside".to_owned(), token: None };
    EvidenceStore::new(root.join("evidence"), options(limits)).signed_by(signing)
}

fn shoot(keeper: &mut EvidenceKeeper, incident: IncidentRecord, moment: Moment, s: u64) {
    let request = EvidenceRequest { incident, moment, at: at(s), clip: None };
    keeper.capture(&request, Some(&frame(16, 8)));
}

/// The numbers of the incidents that were sealed since the last call; fails on any trouble.
fn sealed(keeper: &mut EvidenceKeeper) -> Vec<IncidentId> {
    let of = |news| match news {
        KeeperNews::Sealed { incident, .. } => incident.id,
        KeeperNews::Trouble { what, .. } => panic!("{what}"),
    };
    keeper.take_news().into_iter().map(of).collect()
}

/// Unmounts the folder: its place is there, and empty.
fn unmount(root: &Path) {
    fs::rename(root.join("evidence"), root.join("disk")).unwrap();
    fs::create_dir(root.join("evidence")).unwrap();
}

/// Mounts it again: what came into its place meanwhile is hidden.
fn mount(root: &Path) {
    fs::remove_dir_all(root.join("evidence")).unwrap();
    fs::rename(root.join("disk"), root.join("evidence")).unwrap();
}

/// Two incidents that were going on when the folder went, the first sealed already, and one that came after.
fn kept_while_away(root: &Path) -> EvidenceKeeper {
    let mut keeper = keeper(root);
    shoot(&mut keeper, confirmed(1), Moment::Confirmed, 1);
    shoot(&mut keeper, confirmed(2), Moment::Confirmed, 1);
    keeper.seal_soon(escalated(1), at(2));
    assert_eq!(sealed(&mut keeper), [confirmed(1).id]);
    unmount(root);
    for n in 1..=3 {
        if n == 3 {
            shoot(&mut keeper, confirmed(n), Moment::Confirmed, 3);
        }
        shoot(&mut keeper, closed(n), Moment::Ended, 4);
        keeper.seal_soon(closed(n), at(4));
    }
    keeper.advance(at(40));
    assert_eq!(sealed(&mut keeper), []);
    assert!(keeper.unsigned().is_some_and(|why| why.contains("the chain in ")), "{:?}", keeper.unsigned());
    keeper
}

/// All three are sealed, whole, and nothing is left beside the folder.
fn check(root: &Path) {
    let store = signed_store(root);
    assert_eq!(told(&store), [""; 0]);
    for n in 1..=3 {
        let dir = store.bundle_path(&closed(n)).unwrap();
        for file in ["confirmed.jpg", "confirmed-marked.jpg", "ended.jpg", "ended-marked.jpg"] {
            assert!(dir.join(file).is_file(), "{n}: {file}");
        }
        let record = crate::record_file::read_record(&dir).unwrap().unwrap();
        assert_eq!((record.incident.history.len(), record.snapshots.len()), (closed(n).history.len(), 2));
        assert!(crate::manifest_file::read_manifest(&dir).unwrap().0.is_final());
    }
    assert!(!root.join("evidence-meanwhile").exists());
}

#[test]
fn what_is_kept_while_the_folder_is_away_is_joined_and_sealed_when_it_is_mounted_again() {
    let root = tempfile::tempdir().unwrap();
    let mut keeper = kept_while_away(root.path());
    let names: Vec<_> = fs::read_dir(root.path().join("evidence")).unwrap().map(Result::unwrap).collect();
    assert!(names.is_empty(), "a mount would hide it: {names:?}");
    mount(root.path());
    keeper.advance(at(46));
    assert_eq!(keeper.unsigned(), None);
    assert_eq!(sealed(&mut keeper).len(), 3);
    check(root.path());
}

#[test]
fn a_restart_while_the_folder_is_away_or_after_it_came_back_joins_as_well() {
    for is_back_before_the_start in [false, true] {
        let root = tempfile::tempdir().unwrap();
        drop(kept_while_away(root.path()));
        if is_back_before_the_start {
            mount(root.path());
        }
        let mut keeper = keeper(root.path());
        if !is_back_before_the_start {
            assert!(keeper.unsigned().is_some());
            mount(root.path());
            keeper.advance(at(50));
        }
        assert_eq!(keeper.unsigned(), None);
        keeper.seal_leftovers(&|_| false, at(50), NOW).unwrap();
        check(root.path());
    }
}

#[test]
fn wherever_the_power_is_cut_while_it_is_joined_the_next_start_ends_it() {
    let whole = tempfile::tempdir().unwrap();
    drop(kept_while_away(whole.path()));
    mount(whole.path());
    let (_, n_steps) = dying(u64::MAX, 0, || keeper(whole.path()));
    for dies_at in 0..n_steps {
        let root = tempfile::tempdir().unwrap();
        drop(kept_while_away(root.path()));
        mount(root.path());
        let lost = 0x9e37_79b9_7f4a_7c15_u64.rotate_left(dies_at as u32);
        drop(dying(dies_at, lost, || keeper(root.path())));
        keeper(root.path()).seal_leftovers(&|_| false, at(60), NOW).unwrap();
        check(root.path());
    }
}
