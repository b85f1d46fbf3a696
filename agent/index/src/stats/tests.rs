//! What is counted, on which day, and when a text wins.

use forewarn_domain::{Reckoning, StreamId, Transition, ZoneId};

use super::*;

/// An incident of a zone, confirmed at an hour, with these later steps.
fn incident(hour: i64, text: Option<&str>, steps: &[(IncidentState, f64, Cause)]) -> IncidentRecord {
    let began = Timestamp::from_micros((1_800_000_000 / 86_400 * 86_400 + hour * 3600) * 1_000_000);
    let step = |(state, after_s, cause): (IncidentState, f64, Cause)| {
        Transition::new(state, began + std::time::Duration::from_secs_f64(after_s), cause)
    };
    let first =
        [(IncidentState::Suspected, 0.0, Cause::ConditionHeld), (IncidentState::Confirmed, 0.0, Cause::HeldLongEnough)];
    let history: Vec<Transition> = first.into_iter().chain(steps.iter().copied()).map(step).collect();
    let id = forewarn_domain::IncidentId::from_stored("i");
    let rule = forewarn_domain::RuleKey {
        violation: ViolationId::new("loitering").unwrap(),
        stream: StreamId::new("gate").unwrap(),
        zone: ZoneId::new("kerb").unwrap(),
    };
    let subject = forewarn_domain::Subject {
        class: forewarn_domain::Class::new("person"),
        track: None,
        count: 1,
        bbox: forewarn_domain::BBox::new(0.0, 0.0, 1.0, 1.0),
        fix: None,
    };
    IncidentRecord {
        id,
        rule,
        state: history.last().unwrap().state,
        history,
        subject,
        warnings_played: 0,
        warning_not_delivered: false,
        said: text.map(str::to_owned),
        findings: Vec::new(),
        clock: Reckoning::default(),
        case: None,
    }
}

/// Warned, heard after two seconds, and then this.
fn heard(hour: i64, text: Option<&str>, outcome: IncidentState, after_s: f64) -> Warned {
    let cause = if outcome == IncidentState::Complied { Cause::NoLongerSeen } else { Cause::WarningsUsedUp };
    let steps = [
        (IncidentState::Warned, 0.0, Cause::WarningSent),
        (IncidentState::Observing, 2.0, Cause::PlaybackProven),
        (outcome, 2.0 + after_s, cause),
        (IncidentState::Closed, 60.0, Cause::Settled),
    ];
    Warned::of_record(&incident(hour, text, &steps)).unwrap()
}

#[test]
fn a_warning_is_sent_heard_and_heeded_in_that_order() {
    use IncidentState::{Complied, Escalated, Lost, Observing, Over};
    let quiet = [(Observing, 0.0, Cause::QuietHours), (Complied, 9.0, Cause::NoLongerSeen)];
    let of = |steps: &[_]| Warned::of_record(&incident(8, None, steps)).unwrap();
    let all = [
        heard(8, None, Complied, 4.0),
        heard(8, None, Complied, 10.0),
        heard(23, None, Escalated, 40.0),
        heard(23, None, Lost, 5.0),
        heard(23, None, Over, 5.0),
        of(&quiet),
        of(&[]),
    ];
    let stats = stats(&all, &TimeZone::UTC);
    let Row { incidents, sent, heard, complied, escalated, share, median_s, p90_s, .. } = stats.all.clone();
    assert_eq!((incidents, sent, heard, complied, escalated), (7, 5, 5, 2, 1), "who left unwarned heeded nothing");
    assert_eq!((share, median_s, p90_s), (Some(2.0 / 3.0), Some(4.0), Some(10.0)));
    let hours: Vec<_> = stats.hours.iter().map(|row| (row.name.as_str(), row.incidents)).collect();
    assert_eq!(hours, [("08:00", 4), ("23:00", 3)]);
    assert_eq!((stats.zones[0].name.as_str(), stats.violations[0].name.as_str()), ("gate/kerb", "loitering"));
    assert!(stats.texts.is_empty() && stats.verdicts.is_empty());
    let table = table(&stats);
    assert!(table.contains("gate/kerb") && table.contains("67 %") && table.contains("21..94 %"), "{table}");
}

#[test]
fn days_are_those_of_the_site() {
    use IncidentState::Complied;
    let late = heard(23, None, Complied, 4.0);
    let day = |n: i8| Some(jiff::civil::date(2027, 1, n));
    let kept = |days, zone: &TimeZone| within(vec![late.clone()], &Wanted { days, ..Wanted::default() }, zone).len();
    let shanghai = TimeZone::fixed(jiff::tz::offset(8));
    assert_eq!(kept((day(15), day(15)), &TimeZone::UTC), 1);
    assert_eq!((kept((day(15), day(15)), &shanghai), kept((day(16), None), &shanghai)), (0, 1));
    assert_eq!((kept((None, day(14)), &TimeZone::UTC), kept((None, None), &shanghai)), (0, 1));
}

#[test]
fn figures_are_of_the_camera_and_the_violation_that_are_wanted() {
    let all = vec![heard(8, None, IncidentState::Complied, 4.0)];
    let kept = |camera: Option<&str>, violation: Option<&str>| {
        let (cameras, violation) = (camera.map(|id| vec![id.to_owned()]), violation.map(str::to_owned));
        within(all.clone(), &Wanted { cameras, violation, ..Wanted::default() }, &TimeZone::UTC).len()
    };
    assert_eq!((kept(Some("gate"), Some("loitering")), kept(Some("gat"), None), kept(None, Some("loiter"))), (1, 0, 0));
}

#[test]
fn a_name_that_nobody_knows_is_told_with_those_that_are_known() {
    let all = vec![heard(8, None, IncidentState::Complied, 4.0)];
    let known = Known { cameras: vec!["yard".to_owned()], violations: vec!["intrusion".to_owned()] };
    let check = |camera: &str, violation: &str| {
        let (cameras, violation) = (Some(vec![camera.to_owned()]), Some(violation.to_owned()));
        Wanted { cameras, violation, ..Wanted::default() }.check(&all, &known).map_err(|error| error.to_string())
    };
    for (camera, violation) in [("gate", "loitering"), ("yard", "intrusion"), ("gate", "intrusion")] {
        assert_eq!(check(camera, violation), Ok(()), "a camera that was taken away has incidents still");
    }
    let told = check("gat", "loitering").unwrap_err();
    assert!(told.starts_with("--camera gat: ") && told.ends_with("there are gate, yard"), "{told}");
    let told = check("gate", "loiter").unwrap_err();
    assert!(told.starts_with("--violation loiter: ") && told.ends_with("intrusion, loitering"), "{told}");
    let day = |n: i8| Some(jiff::civil::date(2027, 1, n));
    let none = Wanted { days: (day(16), day(15)), ..Wanted::default() }.check(&all, &known);
    assert!(matches!(none, Err(WantedError::NoDay { .. })));
}

#[test]
fn a_text_wins_only_where_the_incidents_say_so() {
    use IncidentState::{Complied, Escalated};
    let tried = |kind: u32, plain: u32, of: u32| -> Vec<Warned> {
        let one = |text, complied, n| heard(8, Some(text), if n < complied { Complied } else { Escalated }, 5.0);
        (0..of).flat_map(|n| [one("kind", kind, n), one("plain", plain, n)]).collect()
    };
    let winner = |incidents: &[Warned]| stats(incidents, &TimeZone::UTC).verdicts[0].winner.clone();
    assert_eq!(winner(&tried(9, 5, 10)), None, "ten of each do not tell 90 % from 50 %");
    assert_eq!(winner(&tried(90, 50, 100)).as_deref(), Some("kind"));
    assert_eq!(winner(&tried(50, 90, 100)).as_deref(), Some("plain"));
    assert_eq!(winner(&[heard(8, Some("kind"), Complied, 5.0)]), None, "one text alone wins against nobody");
    let untried =
        [tried(90, 50, 100), vec![Warned { has_complied: None, ..heard(8, Some("new"), Complied, 5.0) }]].concat();
    assert_eq!(winner(&untried), None, "nobody knows of the new one");
    assert!(table(&stats(&tried(9, 5, 10), &TimeZone::UTC)).contains("loitering: cannot tell yet"));
}
