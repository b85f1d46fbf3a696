//! A real database: what is found, in what order, and how quickly among very many.

use std::time::Duration;

use forewarn_domain::clock::Stopwatch;
use forewarn_domain::{Cause, IncidentId, Timestamp, Transition};

use super::*;

/// An incident at camera `gate` or `yard` that began `n` seconds after the epoch.
pub(crate) fn record(n: u32, state: IncidentState) -> IncidentRecord {
    let camera = if n.is_multiple_of(2) { "gate" } else { "yard" };
    let at = |s: u32| Timestamp::from_secs_f64(f64::from(n) + f64::from(s));
    let mut history = vec![Transition::new(IncidentState::Suspected, at(0), Cause::ConditionHeld)];
    history.push(Transition::new(IncidentState::Confirmed, at(1), Cause::HeldLongEnough));
    if state == IncidentState::Closed {
        history.push(Transition::new(IncidentState::Complied, at(2), Cause::SeenComplying));
        history.push(Transition::new(IncidentState::Closed, at(3), Cause::Settled));
    }
    let json = serde_json::json!({
        "id": format!("{camera}-loitering-{n}"), "stream": camera, "violation": "loitering", "zone": "square",
        "state": state, "history": history,
        "subject": { "class": "person", "track": null, "count": 1, "box": [1.0, 2.0, 3.0, 4.0] },
        "warnings_played": 1, "warning_not_delivered": false,
    });
    serde_json::from_value(json).unwrap()
}

fn index() -> (tempfile::TempDir, Index) {
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(&dir.path().join("incidents.sqlite")).unwrap();
    (dir, index)
}

fn fill(index: &Index, n: u32) {
    for from in (0..n).step_by(5000) {
        let records = (from..n.min(from + 5000)).map(|n| (record(n, IncidentState::Closed), None));
        index.put(&records.collect::<Vec<_>>(), "market").unwrap();
    }
}

fn ids(page: &(Vec<Found>, Option<Cursor>)) -> Vec<&str> {
    page.0.iter().map(|found| found.id.as_str()).collect()
}

#[test]
fn pages_follow_each_other_without_gap_while_new_ones_come() {
    let (_dir, index) = index();
    fill(&index, 5);
    let first = index.page(&Filter::default(), 2).unwrap();
    assert_eq!(ids(&first), ["gate-loitering-4", "yard-loitering-3"]);
    index.put(&[(record(9, IncidentState::Confirmed), None)], "market").unwrap();
    let after = first.1.map(|cursor| Cursor::parse(&cursor.to_text()).unwrap());
    let second = index.page(&Filter { after, ..Filter::default() }, 2).unwrap();
    assert_eq!(ids(&second), ["gate-loitering-2", "yard-loitering-1"]);
    let last = index.page(&Filter { after: second.1, ..Filter::default() }, 2).unwrap();
    assert_eq!((ids(&last), last.1.is_none()), (vec!["gate-loitering-0"], true));
}

#[test]
fn what_is_looked_for_is_found() {
    let (_dir, index) = index();
    fill(&index, 4);
    index.put(&[(record(8, IncidentState::Confirmed), None)], "market").unwrap();
    assert_eq!(index.judge("yard-loitering-1", "false_alarm").unwrap().unwrap().opinion.unwrap(), "false_alarm");
    let some = |text: &str| Some(text.to_owned());
    let all = Filter::default();
    for (filter, expected) in [
        (Filter { state: some("open"), ..all.clone() }, vec!["gate-loitering-8"]),
        (
            Filter { state: some("complied"), camera: some("yard"), ..all.clone() },
            vec!["yard-loitering-3", "yard-loitering-1"],
        ),
        (Filter { judged: Some(Judged::FalseAlarm), ..all.clone() }, vec!["yard-loitering-1"]),
        (Filter { judged: Some(Judged::Not), to_us: Some(2_000_000), ..all.clone() }, vec!["gate-loitering-0"]),
        (Filter { from_us: Some(8_000_000), ..all.clone() }, vec!["gate-loitering-8"]),
        (Filter { text: some("GATE ing-2"), ..all.clone() }, vec!["gate-loitering-2"]),
        (Filter { text: some("100%"), ..all.clone() }, vec![]),
        (Filter { text: some("e-loitering_2"), ..all.clone() }, vec![]),
        (Filter { text: some("-8"), ..all.clone() }, vec!["gate-loitering-8"]),
        (Filter { text: some("ing-2"), state: some("open"), ..all.clone() }, vec![]),
        (Filter { zone: some("' OR 1=1 --"), ..all.clone() }, vec![]),
    ] {
        assert_eq!(ids(&index.page(&filter, 9).unwrap()), expected, "{filter:?}");
    }
    assert_eq!(index.counts(None).unwrap(), (1, 4));
    let (gate, yard) = (["gate".to_owned()], ["yard".to_owned()]);
    let (of_gate, of_yard) = (index.counts(Some(&gate)).unwrap(), index.counts(Some(&yard)).unwrap());
    assert_eq!((of_gate.0 + of_yard.0, of_gate.1 + of_yard.1), (1, 4));
    assert!(of_gate.1 > 0 && of_yard.1 > 0);
}

#[test]
fn an_incident_that_goes_on_is_told_and_one_that_is_known_is_not() {
    let (_dir, index) = index();
    let put = |state| index.put(&[(record(1, state), None)], "market").unwrap();
    assert_eq!(put(IncidentState::Confirmed)[0].outcome, "open");
    assert_eq!(put(IncidentState::Confirmed), []);
    index.judge("yard-loitering-1", "true").unwrap();
    let told = put(IncidentState::Closed);
    assert_eq!((told[0].outcome.as_str(), told[0].opinion.as_deref()), ("complied", Some("true")));
    assert_eq!(put(IncidentState::Confirmed), [], "what is older changes nothing");
    assert_eq!(index.get("yard-loitering-1").unwrap().unwrap().0.id, IncidentId::from_stored("yard-loitering-1"));
    assert!(index.get("nobody").unwrap().is_none());
}

#[test]
fn a_damaged_index_is_made_anew() {
    let (dir, index) = index();
    fill(&index, 1);
    drop(index);
    let path = dir.path().join("incidents.sqlite");
    fs::write(&path, "no database at all, and long enough to be looked at").unwrap();
    assert_eq!(Index::open(&path).unwrap().counts(None).unwrap(), (0, 0));
}

#[test]
fn the_first_page_of_very_many_comes_at_once() {
    let (_dir, index) = index();
    fill(&index, 100_000);
    let filters = [
        Filter::default(),
        Filter { camera: Some("yard".to_owned()), ..Filter::default() },
        Filter { text: Some("nothing has this".to_owned()), ..Filter::default() },
        Filter { text: Some("loitering-99999".to_owned()), ..Filter::default() },
        Filter { text: Some("loitering".to_owned()), ..Filter::default() },
        Filter { state: Some("escalated".to_owned()), ..Filter::default() },
    ];
    for filter in filters {
        let watch = Stopwatch::start();
        index.page(&filter, 50).unwrap();
        index.counts(None).unwrap();
        let took = watch.elapsed();
        println!("{took:?} for {filter:?}");
        // Ten times what it takes on an idle machine, so that a busy one fails no build.
        assert!(took < Duration::from_secs(2), "{took:?} for {filter:?}");
    }
}

#[test]
fn pages_follow_the_index_and_sort_nothing() {
    let (_dir, index) = index();
    let some = |text: &str| Some(text.to_owned());
    let (all, after) = (Filter::default(), Some(Cursor { opened_us: 5, id: "x".to_owned() }));
    for (filter, by) in [
        (all.clone(), "by_time"),
        (Filter { after: after.clone(), ..all.clone() }, "by_time ((opened_us,id)<(?,?))"),
        (Filter { from_us: Some(1), to_us: Some(9), ..all.clone() }, "by_time (opened_us>? AND opened_us<?)"),
        (Filter { text: some("plate"), ..all.clone() }, "by_time"),
        (Filter { text: some("plate"), state: some("complied"), ..all.clone() }, "by_outcome (outcome=?)"),
        (Filter { camera: some("gate"), after, ..all.clone() }, "by_camera (camera=?"),
        (Filter { violation: some("loitering"), ..all.clone() }, "by_violation (violation=?)"),
        (Filter { judged: Some(Judged::Not), ..all.clone() }, "by_opinion (opinion=?)"),
        (Filter { state: some("open"), ..all.clone() }, "those_open"),
    ] {
        let plan = index.plan(&filter).join("; ");
        assert!(plan.contains(&format!("INDEX {by}")) && !plan.contains("TEMP B-TREE"), "{filter:?}: {plan}");
    }
}

#[test]
fn a_step_of_a_case_is_news_though_the_incident_stays_as_it_was() {
    let (_dir, index) = index();
    let mut record = record(2, IncidentState::Closed);
    let step =
        serde_json::json!({ "stage": "received", "cause": "told", "at": Timestamp::from_secs_f64(60.0), "by": "ann" });
    index.put(&[(record.clone(), None)], "market").unwrap();
    let case = serde_json::json!({ "stage": "received", "steps": [step] });
    record.case = Some(Box::new(serde_json::from_value(case).unwrap()));
    let news = index.put(&[(record.clone(), None)], "market").unwrap();
    assert_eq!(news.iter().map(|found| found.updated_us).collect::<Vec<_>>(), [60_000_000]);
    assert!(index.put(&[(record.clone(), None)], "market").unwrap().is_empty(), "once");
    assert_eq!(index.get(record.id.as_str()).unwrap().unwrap().0, record);
}

#[test]
fn an_index_of_another_version_is_made_anew_and_fills_from_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("incidents.sqlite");
    // The first version found outcomes by no index; the next is one that only a newer agent knows.
    for (version, sql) in [(1, "DROP INDEX by_outcome"), (VERSION + 1, "ALTER TABLE incidents ADD COLUMN later TEXT")] {
        let index = Index::open(&path).unwrap();
        fill(&index, 3);
        index.has_read_up_to(Timestamp::from_micros(7)).unwrap();
        drop(index);
        let conn = Connection::open(&path).unwrap();
        conn.execute_batch(&format!("{sql}; PRAGMA user_version = {version}")).unwrap();
        drop(conn);
        let index = Index::open(&path).unwrap();
        assert_eq!(index.page(&Filter::default(), 9).unwrap().0, [], "version {version}");
        assert_eq!(index.read_up_to().unwrap(), Timestamp::from_micros(i64::MIN), "whoever fills it begins anew");
        fill(&index, 2);
        assert_eq!(index.page(&Filter::default(), 9).unwrap().0.len(), 2, "version {version}");
        drop(index);
        fs::remove_file(&path).unwrap();
    }
}
