//! Files that are no sound outbox.

use forewarn_wire::samples::report;

use super::*;

#[test]
fn what_is_no_database_is_set_aside_untouched() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("outbox.db");
    for n in 1..=2 {
        std::fs::write(&path, format!("this is no database {n}").repeat(100)).unwrap();
        let opened = Outbox::open(&path, settings(OutboxLimits::default(), &[MQTT]), now()).unwrap();
        let set_aside = opened.set_aside.unwrap();
        let kept_as = set_aside.kept_as.unwrap();
        assert_eq!(kept_as, dir.path().join(format!("outbox.db.damaged-{n}")));
        let kept = std::fs::read_to_string(&kept_as).unwrap();
        assert!(kept.starts_with(&format!("this is no database {n}")));
        drop(opened.outbox);
        for companion in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(dir.path().join(format!("outbox.db{companion}")));
        }
    }
}

#[test]
fn a_damaged_database_is_set_aside_and_salvaged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("outbox.db");
    let mut outbox = open(dir.path(), OutboxLimits::default());
    for n in 0..120 {
        outbox.record(&report(n, 1), Some("{}")).unwrap();
    }
    drop(outbox);
    let mut bytes = std::fs::read(&path).unwrap();
    let (pages, page) = (bytes.len() / 4096, 4096);
    // A page in the last third of the file, which holds rows and not the schema.
    let hit = pages * 3 / 4 * page;
    bytes[hit..hit + page].fill(0xa5);
    std::fs::write(&path, &bytes).unwrap();
    let opened = Outbox::open(&path, settings(OutboxLimits::default(), &[MQTT]), now()).unwrap();
    let set_aside = opened.set_aside.unwrap();
    assert_eq!(std::fs::read(set_aside.kept_as.as_ref().unwrap()).unwrap(), bytes, "what was found is kept as it was");
    assert!(set_aside.incidents + set_aside.messages > 120, "{set_aside:?}");
    let names: Vec<String> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains(".copy"))
        .collect();
    assert_eq!(names, Vec::<String>::new());
    // Each incident that came through has its message, copied or made anew.
    assert!(opened.outbox.depth().messages >= set_aside.incidents.min(64) as u64);
}
