//! Tests of the store: whole folders, restarts, refusals, retention against a model, tampering.

mod again;
mod audit;
mod by_hand;
mod clock;
mod credentials;
mod cuts;
mod holds;
mod meanwhile;
mod sealed;
mod sealed_to;
mod stamps;
mod tamper;
mod token;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;

use forewarn_domain::clock::ClockSet;
use forewarn_domain::zone::ZoneShape;
use forewarn_domain::{BBox, IncidentId, IncidentRecord, Moment, Point, Polygon, Reckoning, Timestamp, WallTime};

use crate::retention::plan_retention;
use crate::testing::{T0, closed, confirmed, frame};
use crate::*;

const TITLE: &str = "Illegal parking";
const NOW: WallTime = WallTime::from_micros(T0.as_micros());

fn options(limits: Limits) -> StoreOptions {
    StoreOptions { limits, time_line: TimeLine::WallClock, agent_version: "0.1.0".to_owned() }
}

fn store(root: &Path) -> EvidenceStore {
    EvidenceStore::open(root, options(Limits { min_free_bytes: 0, ..Limits::default() })).unwrap()
}

fn overlay() -> Overlay {
    let corners = [[10., 10.], [150., 10.], [150., 90.]].map(Point::from).to_vec();
    Overlay {
        title: TITLE.to_owned(),
        bbox: Some(BBox::new(40.0, 30.0, 90.0, 60.0)),
        zone: Some(ZoneShape::Polygon(Polygon::new(corners))),
        time: "2026-01-31 14:03:07".to_owned(),
    }
}

fn clip(dir: &Path, moment: Moment) -> (PathBuf, ClipFacts) {
    let temp = dir.join("clip.tmp");
    fs::write(&temp, b"not really a film").unwrap();
    let facts = ClipFacts {
        moment,
        from: T0,
        to: Timestamp::from_micros(T0.as_micros() + 15_000_000),
        codec: "h264".to_owned(),
        width: 160,
        height: 120,
        access_units: 150,
        sights: None,
    };
    (temp, facts)
}

/// A sealed folder of incident `n` with all that belongs to it.
fn sealed(store: &EvidenceStore, n: u64) -> SealedBundle {
    let begun = confirmed(n);
    store.add_snapshot(&begun, Moment::Confirmed, &frame(160, 120), &overlay()).unwrap();
    let (temp, facts) = clip(store.root(), Moment::Confirmed);
    store.add_clip(&begun, TITLE, "confirmed", &temp, &facts).unwrap();
    assert!(!temp.exists(), "the clip was moved");
    let ended = closed(n);
    store.add_snapshot(&ended, Moment::Ended, &frame(160, 120), &overlay()).unwrap();
    let (temp, facts) = clip(store.root(), Moment::Ended);
    store.add_clip(&ended, TITLE, "ended", &temp, &facts).unwrap();
    store.seal(&ended, TITLE, T0).unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_whole_folder_is_complete_and_verifies() {
    let root = tempfile::tempdir().unwrap();
    let bundle = sealed(&store(root.path()), 1);
    assert_eq!(bundle.path, root.path().join("2026-01-31").join(closed(1).id.as_str()));
    assert!(bundle.is_complete);
    let expected = [
        "confirmed-marked.jpg",
        "confirmed.jpg",
        "confirmed.mp4",
        "ended-marked.jpg",
        "ended.jpg",
        "ended.mp4",
        "incident.json",
        "manifest.json",
    ];
    assert_eq!(names(&bundle.path), expected);
    let verification = verify(&bundle.path).unwrap();
    assert!(verification.is_intact(), "{:?}", verification.problems);
    assert_eq!((verification.files, verification.bytes), (7, bundle.bytes));
    assert_eq!(verification.manifest_sha256, bundle.manifest_sha256);

    let record: BundleRecord = serde_json::from_slice(&fs::read(bundle.path.join("incident.json")).unwrap()).unwrap();
    assert_eq!(record.incident, closed(1));
    assert_eq!(record.history[1].at.utc.as_deref(), Some("2026-01-31T06:03:12.250Z"));
    assert_eq!(record.snapshots[0].captured_at.seconds, T0.as_secs_f64());
    assert_eq!((record.clips[0].access_units, record.clips[0].bytes), (150, 17));
    let clean = image::open(bundle.path.join("confirmed.jpg")).unwrap().to_rgb8();
    assert_eq!(clean.dimensions(), (160, 120));
    let [r, g, b] = clean.get_pixel(80, 60).0;
    let [er, eg, eb] = frame(160, 120).rgb_at(80, 60);
    assert!(r.abs_diff(er) < 8 && g.abs_diff(eg) < 8 && b.abs_diff(eb) < 8, "{r} {g} {b}, not {er} {eg} {eb}");
    assert!(image::open(bundle.path.join("ended-marked.jpg")).unwrap().height() > 120);
}

#[test]
fn every_change_is_named() {
    let root = tempfile::tempdir().unwrap();
    let bundle = sealed(&store(root.path()), 1);
    let path = |name: &str| bundle.path.join(name);
    fs::remove_file(path("ended.jpg")).unwrap();
    fs::write(path("extra.txt"), b"?").unwrap();
    let mut bytes = fs::read(path("confirmed.jpg")).unwrap();
    bytes[100] ^= 1;
    fs::write(path("confirmed.jpg"), &bytes).unwrap();
    fs::rename(path("confirmed.mp4"), root.path().join("elsewhere")).unwrap();
    std::os::unix::fs::symlink(root.path().join("elsewhere"), path("confirmed.mp4")).unwrap();
    let problems: Vec<String> = verify(&bundle.path).unwrap().problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems.len(), 4, "{problems:?}");
    assert!(problems[0].starts_with("confirmed.jpg: changed: "), "{problems:?}");
    assert_eq!(problems[1], "confirmed.mp4: no plain file of this folder");
    assert_eq!(problems[2], "ended.jpg: gone");
    assert_eq!(problems[3], "extra.txt: not in the manifest");

    fs::write(path("manifest.json"), b"{").unwrap();
    assert!(verify(&bundle.path).unwrap_err().to_string().contains("manifest.json is damaged"));
    fs::remove_file(path("manifest.json")).unwrap();
    assert!(verify(&bundle.path).unwrap_err().to_string().contains("has no manifest.json"));
}

#[test]
fn a_manifest_cannot_reach_outside_its_folder() {
    let root = tempfile::tempdir().unwrap();
    let bundle = sealed(&store(root.path()), 1);
    let manifest = fs::read_to_string(bundle.path.join("manifest.json")).unwrap();
    fs::write(bundle.path.join("manifest.json"), manifest.replace("\"ended.jpg\"", "\"../../ended.jpg\"")).unwrap();
    let problems = verify(&bundle.path).unwrap().problems;
    assert!(problems.contains(&Problem::NotAFile { file: "../../ended.jpg".to_owned() }), "{problems:?}");
}

#[test]
fn what_is_kept_stays_when_it_comes_again() {
    let root = tempfile::tempdir().unwrap();
    let store = store(root.path());
    let first = store.add_snapshot(&confirmed(1), Moment::Confirmed, &frame(160, 120), &overlay()).unwrap();
    // After a restart, with another frame at hand.
    let store = self::store(root.path());
    let again = store.add_snapshot(&confirmed(1), Moment::Confirmed, &frame(64, 48), &overlay()).unwrap();
    assert_eq!((again.width, &again), (160, &first));
    let once = sealed(&store, 1);
    let twice = store.seal(&closed(1), TITLE, Timestamp::from_micros(T0.as_micros() + 1)).unwrap();
    assert_eq!(once, twice, "an unchanged folder keeps its manifest");
    let late = store.add_snapshot(&closed(1), Moment::AfterWarning, &frame(64, 48), &overlay()).unwrap_err();
    assert!(matches!(late, EvidenceError::Sealed { .. }), "{late}");
    let kept = store.add_snapshot(&closed(1), Moment::Confirmed, &frame(64, 48), &overlay()).unwrap();
    assert_eq!(kept, first, "what is kept already is no change");
    assert!(verify(&once.path).unwrap().is_intact());
}

#[test]
fn what_a_kill_left_is_found_and_sealed_with_its_gaps() {
    let root = tempfile::tempdir().unwrap();
    let store = store(root.path());
    store.add_snapshot(&confirmed(1), Moment::Confirmed, &frame(160, 120), &overlay()).unwrap();
    let dir = store.bundle_path(&confirmed(1)).unwrap();
    // Killed while a file was being written, and once more before anything was.
    fs::write(dir.join(".tmp-ended.jpg"), b"half").unwrap();
    fs::remove_file(dir.join("confirmed-marked.jpg")).unwrap();
    let empty = root.path().join("2026-01-31").join("gate-loitering-1-1");
    fs::create_dir(&empty).unwrap();

    let store = self::store(root.path());
    let left = store.unsealed().unwrap();
    let ids: Vec<&str> = left.iter().map(|folder| folder.incident.as_str()).collect();
    assert_eq!(ids, [confirmed(1).id.as_str(), "gate-loitering-1-1"]);
    for folder in &left {
        let bundle =
            store.seal_abandoned(folder, "the agent was killed", WallTime::from_micros(T0.as_micros())).unwrap();
        assert!(!bundle.is_complete);
        let verification = verify(&bundle.path).unwrap();
        assert!(verification.is_intact());
        assert!(verification.missing.iter().all(|gap| gap.why == "the agent was killed"), "{verification:?}");
    }
    let missing: Vec<String> = verify(&dir).unwrap().missing.into_iter().map(|gap| gap.what).collect();
    assert_eq!(missing, ["confirmed-marked.jpg", "confirmed.mp4", "the end of the incident"]);
    assert!(!names(&dir).contains(&".tmp-ended.jpg".to_owned()));
    assert_eq!(store.unsealed().unwrap(), []);
}

#[test]
fn gaps_that_are_explained_are_in_the_manifest() {
    let root = tempfile::tempdir().unwrap();
    let store = store(root.path());
    store.add_snapshot(&confirmed(1), Moment::Confirmed, &frame(160, 120), &overlay()).unwrap();
    store.note_missing(&confirmed(1), TITLE, "confirmed.mp4", "the stream was interrupted").unwrap();
    let bundle = store.seal(&closed(1), TITLE, T0).unwrap();
    let missing: Vec<String> =
        verify(&bundle.path).unwrap().missing.iter().map(|gap| format!("{}: {}", gap.what, gap.why)).collect();
    let expected = [
        "confirmed.mp4: the stream was interrupted",
        "ended.jpg: no frame of this moment was kept",
        "ended.mp4: no clip of this moment was kept",
    ];
    assert_eq!(missing, expected);
}

#[test]
fn a_folder_without_its_clips_is_not_complete() {
    let root = tempfile::tempdir().unwrap();
    let store = store(root.path());
    for (incident, moment) in [(confirmed(1), Moment::Confirmed), (closed(1), Moment::Ended)] {
        store.add_snapshot(&incident, moment, &frame(160, 120), &overlay()).unwrap();
    }
    let bundle = store.seal(&closed(1), TITLE, T0).unwrap();
    assert!(!bundle.is_complete);
    let missing: Vec<String> = verify(&bundle.path).unwrap().missing.into_iter().map(|gap| gap.what).collect();
    assert_eq!(missing, ["confirmed.mp4", "ended.mp4"]);
}

#[test]
fn failures_name_incident_and_path_and_harm_nothing() {
    let root = tempfile::tempdir().unwrap();
    let store = store(root.path());
    let (temp, facts) = clip(root.path(), Moment::Confirmed);
    let mut evil = confirmed(1);
    evil.id = IncidentId::from_stored("../outside");
    let refused = store.add_snapshot(&evil, Moment::Confirmed, &frame(8, 8), &overlay()).unwrap_err();
    assert!(matches!(refused, EvidenceError::UnsafeId { .. }), "{refused}");
    let refused = store.add_clip(&confirmed(1), TITLE, "../x", &temp, &facts).unwrap_err();
    assert!(matches!(refused, EvidenceError::UnsafeName { .. }), "{refused}");
    let refused = store.add_clip(&confirmed(1), TITLE, "x", Path::new("/nowhere/clip"), &facts).unwrap_err();
    assert!(refused.to_string().contains("/nowhere/clip") && refused.to_string().contains("gate-"), "{refused}");

    // A file stands where the folder of the day should be made.
    fs::remove_dir_all(root.path().join("2026-01-31")).unwrap();
    fs::write(root.path().join("2026-01-31"), b"in the way").unwrap();
    let refused = store.add_snapshot(&confirmed(2), Moment::Confirmed, &frame(8, 8), &overlay()).unwrap_err();
    assert!(matches!(refused, EvidenceError::File { operation: "make the folder", .. }), "{refused}");
    assert_eq!(fs::read(root.path().join("2026-01-31")).unwrap(), b"in the way");

    let refused = EvidenceStore::open("/proc/no-such", options(Limits::default())).unwrap_err();
    assert!(refused.to_string().contains("name a folder that the agent may write to"), "{refused}");
}

/// Tells what a test wants to be free.
struct Free(u64);

impl FreeSpace for Free {
    fn free_bytes(&self, _path: &Path) -> std::io::Result<u64> {
        Ok(self.0)
    }
}

#[test]
fn retention_deletes_whole_folders_and_spares_the_open_and_the_unacknowledged() {
    let root = tempfile::tempdir().unwrap();
    let store =
        EvidenceStore::open(root.path(), options(Limits { max_bytes: 0, max_days: 30, min_free_bytes: 1000 })).unwrap();
    for n in 1..=3 {
        sealed(&store, n);
    }
    store.add_snapshot(&confirmed(4), Moment::Confirmed, &frame(160, 120), &overlay()).unwrap();
    let acknowledged = |id: &IncidentId| {
        if *id == closed(1).id { UpstreamState::Acknowledged } else { UpstreamState::Pending }
    };
    let outcome = store.enforce_retention(&|_| Duration::ZERO, &Free(1 << 30), &acknowledged, NOW).unwrap();
    assert_eq!(outcome.failures.len(), 0);
    assert!(
        matches!(&outcome.events[0], RetentionEvent::Deleted { incident, reason: DeletedFor::Quota, .. } if *incident == closed(1).id),
        "{outcome:?}"
    );
    assert!(matches!(outcome.events[1], RetentionEvent::StillOver { short_of_free_bytes: 0, .. }), "{outcome:?}");
    assert_eq!(store.bundles().unwrap().len(), 3);

    // Freed bytes are counted, so that one deletion is enough here.
    let outcome = store.enforce_retention(&|_| Duration::ZERO, &Free(0), &acknowledged, NOW).unwrap();
    assert!(
        matches!(&outcome.events[0], RetentionEvent::DeletedUnacknowledged { incident, .. } if *incident == closed(2).id),
        "{outcome:?}"
    );
    let left: Vec<IncidentId> = store.bundles().unwrap().into_iter().map(|b| b.incident).collect();
    assert_eq!(left, [closed(3).id, confirmed(4).id]);
    assert_eq!(names(root.path()), ["2026-01-31"], "nothing half-deleted is left");
    assert!(StatvfsSpace.free_bytes(root.path()).unwrap() > 0);
}

#[test]
fn a_bundle_keeps_the_reckoning_that_its_incident_began_with() {
    let root = tempfile::tempdir().unwrap();
    let store = store(root.path());
    let in_2031 = Reckoning { offset_us: 5 * 365 * 86_400_000_000, sets: Vec::new() };
    let set = ClockSet { at: T0, by_us: -in_2031.offset_us };
    let begun = IncidentRecord { clock: in_2031.clone(), ..confirmed(1) };
    store.add_snapshot(&begun, Moment::Confirmed, &frame(160, 120), &overlay()).unwrap();
    let ended = IncidentRecord { clock: Reckoning { sets: vec![set], ..in_2031 }, ..closed(1) };
    let bundle = store.seal(&ended, TITLE, T0).unwrap();
    assert!(bundle.path.to_string_lossy().contains("2031-01-30"), "{bundle:?}");
    let text = fs::read_to_string(bundle.path.join("incident.json")).unwrap();
    let record: BundleRecord = serde_json::from_str(&text).unwrap();
    let snapshot = record.snapshots[0].captured_at.utc.as_deref();
    assert_eq!((snapshot, record.history[0].at.utc.as_deref()), (Some("2031-01-30T06:03:07.250Z"), snapshot));
    assert_eq!(record.incident.clock.sets.len(), 1, "it says that the clock was set");
    let info = &store.bundles().unwrap()[0];
    assert_eq!(info.ended_at.to_rfc3339()[..10], *"2031-01-30");
}

#[test]
fn a_deletion_that_a_crash_interrupted_is_finished() {
    let root = tempfile::tempdir().unwrap();
    let bundle = sealed(&store(root.path()), 1);
    let doomed = root.path().join(".deleting-x");
    fs::rename(&bundle.path, &doomed).unwrap();
    let store = store(root.path());
    assert!(!doomed.exists());
    assert_eq!(store.bundles().unwrap(), []);
}

fn bundle() -> impl Strategy<Value = (u64, bool, i64, u8)> {
    (0u64..100, prop::bool::weighted(0.8), 0i64..50, 0u8..3)
}

proptest! {
    #[test]
    fn retention_keeps_its_promises(
        raw in prop::collection::vec(bundle(), 0..12),
        max_bytes in 0u64..400,
        max_days in 0u32..50,
        min_free_bytes in 0u64..400,
        free in 0u64..400,
        rotation in 0usize..12,
    ) {
        let day = |days: i64| WallTime::from_micros(days * 86_400_000_000);
        let bundles: Vec<BundleInfo> = raw.iter().enumerate().map(|(i, &(bytes, is_sealed, ended, _))| BundleInfo {
            incident: IncidentId::from_stored(&format!("i{i:02}")),
            path: PathBuf::from(format!("/i{i:02}")),
            bytes,
            is_sealed,
            is_held: bytes % 7 == 3,
            ended_at: day(ended),
        }).collect();
        let state = |id: &IncidentId| {
            let n: usize = id.as_str()[1..].parse().unwrap();
            [UpstreamState::Acknowledged, UpstreamState::Pending, UpstreamState::Unknown][raw[n].3 as usize]
        };
        let limits = Limits { max_bytes, max_days, min_free_bytes };
        let age = |stamp: WallTime| Duration::from_micros(day(50).micros_after(stamp) as u64);
        let plan = plan_retention(&bundles, &limits, &age, free, &state);
        let mut rotated = bundles.clone();
        rotated.rotate_left(rotation.min(bundles.len()));
        prop_assert_eq!(&plan, &plan_retention(&rotated, &limits, &age, free, &state), "the order does not matter");

        let may_go = |b: &BundleInfo| b.is_sealed && !b.is_held;
        // The model: what is there before each deletion decides whether it was right.
        let mut there = bundles.clone();
        let mut free = free;
        for event in &plan {
            let total: u64 = there.iter().map(|b| b.bytes).sum();
            let (id, is_loss) = match event {
                RetentionEvent::Deleted { incident, .. } => (incident, false),
                RetentionEvent::DeletedUnacknowledged { incident, .. } => (incident, true),
                RetentionEvent::StillOver { over_quota_bytes, short_of_free_bytes } => {
                    prop_assert_eq!(*over_quota_bytes, total.saturating_sub(max_bytes));
                    prop_assert_eq!(*short_of_free_bytes, min_free_bytes.saturating_sub(free));
                    continue;
                }
            };
            let at = there.iter().position(|b| b.incident == *id).expect("it is deleted once");
            let gone = there.remove(at);
            prop_assert!(gone.is_sealed, "an open incident is never deleted");
            prop_assert!(!gone.is_held, "what is held is never deleted");
            prop_assert_eq!(state(id) != UpstreamState::Acknowledged, is_loss);
            let is_rival = |b: &&BundleInfo| may_go(b) && (state(&b.incident) == UpstreamState::Acknowledged) != is_loss;
            let is_older = |b: &BundleInfo| (b.ended_at, &b.incident) < (gone.ended_at, &gone.incident);
            prop_assert!(!there.iter().filter(is_rival).any(is_older), "the oldest goes first");
            let is_old = age(gone.ended_at).as_secs() > u64::from(max_days) * 86_400;
            if is_loss {
                prop_assert!(free < min_free_bytes, "only for space");
                let spared = there.iter().any(|b| may_go(b) && state(&b.incident) == UpstreamState::Acknowledged);
                prop_assert!(!spared, "what is acknowledged goes before");
            } else {
                prop_assert!(is_old || total > max_bytes || free < min_free_bytes, "not without need");
            }
            free += gone.bytes;
        }
        let total: u64 = there.iter().map(|b| b.bytes).sum();
        for kept in there.iter().filter(|b| may_go(b)) {
            prop_assert!(free >= min_free_bytes, "space is made while anything sealed is left");
            if state(&kept.incident) == UpstreamState::Acknowledged {
                prop_assert!(age(kept.ended_at).as_secs() <= u64::from(max_days) * 86_400);
                prop_assert!(total <= max_bytes);
            }
        }
    }
}
