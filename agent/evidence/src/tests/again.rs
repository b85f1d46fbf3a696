//! The incident that comes out the same, each way in which it does not, and the clip that cannot tell.

use forewarn_domain::{Class, IncidentState, ViolationId};

use super::*;
use crate::record::StreamTime;

/// The bundle of an incident that was confirmed five seconds after the suspicion, 7.5 s into its clip.
fn kept() -> (BundleRecord, Setting) {
    let incident = confirmed(1);
    let mut record = BundleRecord::new(&incident, TITLE, TimeLine::WallClock);
    let time = |seconds: f64| StreamTime { seconds: T0.as_secs_f64() + seconds, utc: None };
    record.clips.push(ClipEntry {
        moment: Moment::Confirmed,
        file: "confirmed.mp4".to_owned(),
        from: time(-2.5),
        to: time(8.0),
        codec: "h264".to_owned(),
        width: 320,
        height: 240,
        access_units: 105,
        bytes: 1,
        sights: None,
    });
    record.snapshots.push(SnapshotEntry {
        moment: Moment::Confirmed,
        file: "confirmed.jpg".to_owned(),
        marked_file: "confirmed-marked.jpg".to_owned(),
        width: 160,
        height: 120,
        frame_sequence: 7,
        captured_at: time(5.0),
        boxes_of: None,
        subject: Some(BBox::new(40.0, 30.0, 90.0, 60.0)),
    });
    let setting = serde_json::from_value(serde_json::json!({
        "schema": Setting::SCHEMA, "agent_version": "0.1.0", "site": "riverside", "time_zone": "UTC", "language": "en",
        "place": {}, "zone": null, "analysis_interval_s": 0.2, "models": [{ "what": "detector", "card": "a", "sha256": "00" }],
        "violation": { "id": "illegal_parking", "title": { "en": TITLE }, "subject": ["car"],
            "parameters": { "stay_s": 2.0 }, "condition": { "dwell": { "for_s": "$stay_s" } } },
    }));
    (record, setting.unwrap())
}

/// The incident as a replay of the clip finds it, in pictures that are twice as wide.
fn found() -> IncidentRecord {
    let mut found = confirmed(1);
    for step in &mut found.history {
        step.at = Timestamp::from_micros(step.at.as_micros() - T0.as_micros() + 2_500_000);
    }
    found.subject.bbox = BBox::new(80.0, 60.0, 180.0, 120.0);
    found
}

fn compare(record: &BundleRecord, setting: &Setting, found: &[IncidentRecord]) -> Again {
    KeptClip::of(record, Some(setting)).unwrap().compare(Some(setting), found)
}

#[test]
fn each_difference_is_named_and_the_same_is_the_same() {
    let (record, setting) = kept();
    let same = compare(&record, &setting, &[found()]);
    assert_eq!((same.outcome, same.incident.len(), same.agrees.len()), (Outcome::Same, 0, 5), "{same}");
    assert!(same.to_string().contains("the boxes share 100 % of their union"), "{same}");
    let change = |change: &dyn Fn(&mut IncidentRecord)| {
        let mut other = found();
        change(&mut other);
        compare(&record, &setting, &[other])
    };
    let late = change(&|other| other.history[1].at = Timestamp::from_secs_f64(9.0));
    let elsewhere = change(&|other| other.subject.bbox = BBox::new(200.0, 60.0, 300.0, 120.0));
    let person = change(&|other| other.subject.class = Class::new("person"));
    let other = change(&|other| other.rule.violation = ViolationId::new("loitering").unwrap());
    let states = change(&|other| other.history[0].state = IncidentState::Observing);
    for (again, words) in [
        (late, "confirmed 9.00 s into the clip, 7.50 s as it was kept"),
        (elsewhere, "the boxes share 0 % of their union"),
        (person, "the subject is a person; as it was kept: a car"),
        (other, "no illegal_parking in zone no_parking was confirmed; what was: loitering"),
        (states, "states: observing, confirmed; as they were kept: suspected, confirmed"),
    ] {
        assert_eq!(again.outcome, Outcome::Different, "{again}");
        assert!(again.incident == [words], "{again}");
    }
    let two = [
        {
            let mut far = found();
            far.subject.bbox = BBox::new(0.0, 0.0, 9.0, 9.0);
            far
        },
        found(),
    ];
    assert_eq!(compare(&record, &setting, &two).outcome, Outcome::Same, "the one at its place is it");
}

#[test]
fn a_clip_that_begins_too_late_cannot_tell_and_another_setting_is_named() {
    let (record, mut setting) = kept();
    assert_eq!(compare(&record, &setting, &[]).outcome, Outcome::Different, "2.5 s are enough for 2 s");
    setting.violation.parameters.insert("stay_s".to_owned(), 60.0);
    let short = compare(&record, &setting, &[]);
    assert_eq!(short.outcome, Outcome::TooShort, "{short}");
    assert!(
        short.to_string().contains("begins 2.5 s before the suspicion, for which something had to last for 60.0 s")
    );
    assert_eq!(compare(&record, &setting, &[found()]).outcome, Outcome::Same, "what it shows all the same counts");

    let mut now = setting.clone();
    now.models[0].sha256 = Some("ff".to_owned());
    now.analysis_interval_s = 0.5;
    now.violation.parameters.insert("stay_s".to_owned(), 90.0);
    let kept = KeptClip::of(&record, Some(&setting)).unwrap();
    let again = kept.compare(Some(&now), &[]);
    assert_eq!((again.outcome, again.setting.len()), (Outcome::Different, 3), "{again}");
    assert!(again.setting[0].starts_with("detector: a (sha256 ff), a (sha256 00) as it was kept"), "{again}");
    assert!(kept.compare(None, &[]).to_string().contains("the site has no such rule any more"));
    assert!(KeptClip::of(&record, None).is_none());
}
