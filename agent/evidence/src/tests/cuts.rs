//! The power is cut at every write of many runs: the chain has neither a fork nor a gap, nothing that was acknowledged is
//! lost, and nothing half-written verifies.

use forewarn_base::durable::faults::dying;

use super::*;
use crate::testing::escalated;
use crate::tests::sealed::{signed_store, told};
use crate::verify_store::verify_store;

/// Cuts of the power, at least.
const CUTS: u64 = 1000;

/// Goes through the days of a device in an order of its own, until its disk dies. The seals that it was told are kept.
fn live(root: &Path, seed: u64) -> (Vec<String>, Option<EvidenceError>) {
    let mut sealed = Vec::new();
    let mut run = || -> Result<(), EvidenceError> {
        let mut store = signed_store_at(root)?;
        for turn in 0..4 {
            let n = 1 + (seed + turn) % 3;
            match seed.rotate_right(turn as u32 * 3) % 8 {
                0 => store.exchange_key(NOW)?,
                1 => {
                    let strict = Limits { max_bytes: 0, min_free_bytes: 0, ..Limits::default() };
                    let strict =
                        EvidenceStore::new(store.root(), options(strict)).signed_by(store.signing().unwrap().clone());
                    let all = |_: &IncidentId| UpstreamState::Acknowledged;
                    let outcome = strict.enforce_retention(&|_| Duration::ZERO, &Free(1 << 30), &all, NOW)?;
                    if let Some(error) = outcome.failures.into_iter().next() {
                        return Err(error);
                    }
                }
                _ => {
                    store.add_snapshot(&confirmed(n), Moment::Confirmed, &frame(16, 8), &overlay())?;
                    sealed.push(store.seal(&escalated(n), TITLE, T0)?.manifest_sha256);
                    store.note_told(turn)?;
                    store.add_snapshot(&escalated(n), Moment::Ended, &frame(16, 8), &overlay())?;
                    sealed.push(store.seal(&closed(n), TITLE, T0)?.manifest_sha256);
                }
            }
        }
        Ok(())
    };
    match run() {
        // A bundle of an earlier turn is closed; it takes nothing more.
        Ok(()) | Err(EvidenceError::Sealed { .. }) => (sealed, None),
        Err(error) => (sealed, Some(error)),
    }
}

fn signed_store_at(root: &Path) -> Result<EvidenceStore, EvidenceError> {
    let limits = Limits { min_free_bytes: 0, ..Limits::default() };
    let signing = Signing { keys: root.join("keys"), site: "riverside".to_owned(), token: None };
    let store = EvidenceStore::new(root.join("evidence"), options(limits)).signed_by(signing);
    store.prepare()?;
    Ok(store)
}

/// The digests of all seals that the chain knows, of those that were deleted, too.
fn known(store: &EvidenceStore) -> String {
    let mut all = fs::read_to_string(store.root().join("links.jsonl")).unwrap_or_default();
    for dir in crate::chain_search::bundles_in(store.root()).unwrap() {
        for seal in crate::chain_search::all_seals(&dir, "").unwrap() {
            all.push_str(&seal.known.sha256);
        }
    }
    all
}

/// What the next start makes of what a cut left.
fn check(root: &Path, sealed: &[String], place: &str) {
    let store = signed_store(root);
    for folder in store.unsealed().unwrap() {
        store.seal_abandoned(&folder, "the power was cut", NOW).unwrap();
    }
    if sealed.is_empty() && verify_store(store.root(), None).is_err() {
        // Cut before anything was sealed.
        return;
    }
    assert_eq!(told(&store), [""; 0], "{place}");
    let known = known(&store);
    for sha256 in sealed {
        assert!(known.contains(sha256), "{place}: the seal {sha256} was acknowledged and is lost");
    }
    store.untold().unwrap();
}

/// A folder in memory, where there is one: a thousand runs put every write onto the disk.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

#[test]
fn wherever_the_power_is_cut_the_chain_is_whole_and_what_was_acknowledged_is_kept() {
    let (mut n_cuts, mut seed) = (0, 0);
    while n_cuts < CUTS {
        seed += 1;
        let whole = folder();
        let (outcome, n_steps) = dying(u64::MAX, 0, || live(whole.path(), seed));
        assert!(outcome.1.is_none(), "{outcome:?}");
        check(whole.path(), &outcome.0, "uncut");
        // Every third step of each run; which of the three, the run says.
        for dies_at in (seed % 3..n_steps).step_by(3) {
            let root = folder();
            let lost = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(dies_at as u32);
            let ((sealed, error), _) = dying(dies_at, lost, || live(root.path(), seed));
            let error = error.map_or_else(String::new, |error| error.to_string());
            assert!(error.contains("the disk is gone"), "{error}");
            check(root.path(), &sealed, &format!("run {seed}, cut at step {dies_at} of {n_steps}"));
            n_cuts += 1;
        }
    }
}
