//! Disks that refuse, and files that come to harm while they are in use.

use std::fs;
use std::path::PathBuf;

use forewarn_domain::clock::Stopwatch;
use forewarn_wire::samples::report;

use super::*;

fn id(n: u64, sequence: u32) -> String {
    format!("{}/{sequence}", report(n, 1).incident.id)
}

fn hold(outbox: &Outbox, n: u64, sequence: u32) {
    outbox.holder().hold(vec![(report(n, sequence), Some("{}".to_owned()))]);
}

fn waiting(lane: &mut Lane) -> (Vec<QueuedReport>, Vec<String>) {
    let reports = lane.pending_after(Cursor::default(), 100);
    let ids = reports.iter().map(QueuedReport::id).collect();
    (reports, ids)
}

fn receipts(reports: &[QueuedReport]) -> Vec<Receipt> {
    reports.iter().map(QueuedReport::receipt).collect()
}

/// Bounds the pages of the file; 0 for as many as there are.
fn bound(outbox: &Outbox, pages: u32) {
    let door = outbox.door.borrow();
    door.conn.as_ref().unwrap().query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).unwrap();
}

#[test]
fn what_a_disk_that_is_away_does_not_take_is_sent_from_memory_and_written_when_it_is_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("away/outbox.db");
    let opened = Outbox::open(&path, settings(OutboxLimits::default(), &[MQTT]), now()).unwrap();
    assert!(opened.refused.is_some());
    let mut outbox = opened.outbox;
    let holder = outbox.holder();
    let mut lane = outbox.lane(MQTT);
    for n in 1..=3 {
        hold(&outbox, n, 1);
    }
    assert_eq!(waiting(&mut lane).1, [""; 0], "the disk may still take them");
    assert!(outbox.write_held().unwrap_err().is_of_the_disk());
    let (sent, ids_sent) = waiting(&mut lane);
    assert_eq!((ids_sent, holder.count().reports), (vec![id(1, 1), id(2, 1), id(3, 1)], 3));
    assert!(holder.reading_trouble().is_some());
    lane.ack(&receipts(&sent[..1]));
    assert_eq!((waiting(&mut lane).1, lane.backlog().depth.messages), (vec![id(2, 1), id(3, 1)], 2));

    fs::create_dir(dir.path().join("away")).unwrap();
    outbox.write_held().unwrap();
    assert!(holder.wait_written(std::time::Duration::ZERO));
    let (rest, ids_rest) = waiting(&mut lane);
    assert_eq!((ids_rest, holder.reading_trouble()), (vec![id(2, 1), id(3, 1)], None));
    assert_eq!(outbox.report_state(&report(1, 1).incident.id).unwrap(), ReportState::Acknowledged);
    lane.ack(&receipts(&rest));
    assert_eq!((outbox.depth().messages, outbox.open_snapshots().unwrap().len()), (0, 3));
}

#[test]
fn acknowledgements_that_a_full_disk_does_not_note_are_noted_later_and_nothing_is_sent_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = open(dir.path(), OutboxLimits::default());
    for n in 1..=5 {
        outbox.record(&report(n, 1), None).unwrap();
    }
    let mut lane = outbox.lane(MQTT);
    let (sent, _) = waiting(&mut lane);
    // Another program holds the file: what is written fails, what is read does not.
    let other = rusqlite::Connection::open(outbox.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    lane.ack(&receipts(&sent[..2]));
    assert!(outbox.holder().reading_trouble().is_some());
    assert_eq!(waiting(&mut lane).1, [id(3, 1), id(4, 1), id(5, 1)]);
    lane.ack(&receipts(&sent[2..4]));
    assert_eq!(waiting(&mut lane).1, [id(5, 1)], "it is sent to all the time");
    other.execute_batch("ROLLBACK").unwrap();
    let watch = Stopwatch::start();
    while outbox.depth().messages > 1 {
        assert!(watch.elapsed().as_secs() < 30);
        assert_eq!(waiting(&mut lane).1, [id(5, 1)]);
    }
    assert_eq!((waiting(&mut lane).0.len(), outbox.holder().reading_trouble()), (1, None));
}

#[test]
fn a_full_disk_is_given_what_was_reserved_before_reports_wait_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = open(dir.path(), OutboxLimits::default());
    let reserve = dir.path().join("outbox.db.reserve");
    assert!(fs::metadata(&reserve).unwrap().len() > 0);
    bound(&outbox, 1);
    for n in 0..40 {
        hold(&outbox, n, 1);
    }
    assert!(outbox.write_held().unwrap_err().is_for_want_of_room());
    assert!(!reserve.exists(), "all of it was given up");
    let on_disk = ids(&outbox, MQTT).len();
    assert_eq!(on_disk, 40, "from the disk or from memory");
    assert!(outbox.holder().count().reports > 0);
    bound(&outbox, 1 << 30);
    outbox.write_held().unwrap();
    assert_eq!((ids(&outbox, MQTT).len(), outbox.holder().count().reports), (40, 0));
}

/// Does harm to an outbox in use; every incident must be there after the next report.
fn survives(harm: impl FnOnce(PathBuf), what: &str) {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = open(dir.path(), OutboxLimits::default());
    let mut lane = outbox.lane(MQTT);
    for n in 0..30 {
        outbox.record(&report(n, 1), Some("{}")).unwrap();
    }
    assert_eq!(waiting(&mut lane).0.len(), 30);
    harm(outbox.path().to_owned());
    // One that was not there before the harm reads it anew.
    waiting(&mut outbox.lane(MQTT));
    outbox.record(&report(30, 1), Some("{}")).unwrap_or_else(|error| panic!("{what}: {error}"));
    let mut seen = waiting(&mut lane).1;
    seen.sort();
    let mut all: Vec<String> = (0..31).map(|n| id(n, 1)).collect();
    all.sort();
    assert_eq!(seen, all, "{what}");
    let told = outbox.holder().take_set_aside();
    assert_eq!(told.len(), 1, "{what}: {told:?}");
    assert_eq!(outbox.open_snapshots().unwrap().len(), 31, "{what}");
    drop((outbox, lane));
    assert_eq!(ids(&open(dir.path(), OutboxLimits::default()), MQTT).len(), 31, "{what}: after a restart");
}

#[test]
fn harm_to_the_file_while_it_is_in_use_loses_no_incident() {
    let wal = |path: &PathBuf| companion::with_suffix(path, "-wal");
    survives(|path| fs::remove_file(path).unwrap(), "removed");
    survives(|path| fs::write(path, "").unwrap(), "cut to nothing");
    survives(|path| fs::remove_file(wal(&path)).unwrap(), "its log removed");
    survives(
        |path| {
            let copy = path.with_extension("copy");
            fs::copy(&path, &copy).unwrap();
            fs::rename(&copy, &path).unwrap();
        },
        "an old copy put in its place",
    );
    for every in [53, 997] {
        survives(
            |path| {
                let mut bytes = fs::read(wal(&path)).unwrap();
                bytes.iter_mut().skip(every).step_by(every).for_each(|byte| *byte ^= 0xff);
                fs::write(wal(&path), bytes).unwrap();
            },
            "bytes of its log altered",
        );
    }
}

#[test]
fn a_report_that_contradicts_the_database_holds_no_other_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = open(dir.path(), OutboxLimits::default());
    let forbid = "CREATE TRIGGER odd BEFORE INSERT ON messages WHEN NEW.sequence = 2
                  BEGIN SELECT RAISE(ABORT, 'no'); END";
    outbox.door.borrow().conn.as_ref().unwrap().execute_batch(forbid).unwrap();
    for sequence in 1..=3 {
        hold(&outbox, 1, sequence);
    }
    assert!(outbox.write_held().is_err());
    assert_eq!((ids(&outbox, MQTT), outbox.holder().count().given_up), (vec![id(1, 1), id(1, 3)], 1));
}
