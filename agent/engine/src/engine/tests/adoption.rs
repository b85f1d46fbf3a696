//! Zones and rules that change while somebody stands in the picture.

use forewarn_domain::zone::ZoneShape;
use forewarn_domain::{IncidentState, Point, Polygon, Violation};

use super::*;

/// Loitering in the left part of the picture up to `right`, as `change` has it. The person stands at a fifth of it.
fn loitering(right: f32, change: impl FnOnce(&mut Violation)) -> EngineSetup {
    setup("loitering", |violation, binding| {
        let corners = [(0.0, 0.0), (right, 0.0), (right, 1.0), (0.0, 1.0)].map(|(x, y)| Point::new(x, y));
        binding.zones[0].shape = ZoneShape::Polygon(Polygon { points: corners.to_vec() });
        change(violation);
    })
}

/// The incidents of three minutes, where `change` makes the setup of each second.
fn played(first: EngineSetup, change: impl Fn(u32) -> Option<EngineSetup>) -> Vec<IncidentRecord> {
    play(&mut engine_of(first), 0..900, |engine, n, at| {
        if n.is_multiple_of(5)
            && let Some(setup) = change(n / 5)
        {
            engine.adopt(setup, at);
        }
        let bbox = BBox::new(100.0, 100.0, 160.0, 300.0);
        let person = Detection { class: Class::new("person"), score: 0.9, bbox };
        engine.analysed(&Analysed::whole(grey(n, at), vec![person]), at);
    })
}

fn as_shipped(_: &mut Violation) {}

fn entered_s(record: &IncidentRecord, state: IncidentState) -> Option<f64> {
    record.first_entered(state).map(Timestamp::as_secs_f64)
}

#[test]
fn the_same_setup_over_and_over_changes_nothing() {
    let left_alone = played(loitering(1.0, as_shipped), |_| None);
    assert_eq!(left_alone.len(), 1);
    assert_eq!(played(loitering(1.0, as_shipped), |_| Some(loitering(1.0, as_shipped))), left_alone);
}

#[test]
fn a_zone_that_is_drawn_anew_counts_from_then_on() {
    let grown = played(loitering(0.1, as_shipped), |second| (second == 30).then(|| loitering(1.0, as_shipped)));
    assert_eq!(grown.len(), 1, "nobody stood in the zone as it was");
    let confirmed_s = entered_s(&grown[0], IncidentState::Confirmed).unwrap();
    assert!((90.0..93.0).contains(&confirmed_s), "a minute from then on: {confirmed_s}");

    let shrunk = played(loitering(1.0, as_shipped), |second| (second == 70).then(|| loitering(0.1, as_shipped)));
    assert!(entered_s(&shrunk[0], IncidentState::Confirmed).is_some_and(|at| at < 65.0));
    assert!(
        entered_s(&shrunk[0], IncidentState::Closed).is_some(),
        "who stands outside of the zone is in it no longer"
    );
}

#[test]
fn an_open_incident_outlives_a_change_of_its_rule_and_a_dwell_that_has_begun_begins_anew() {
    let stricter = |second: u32, at: u32| (second == at).then(|| loitering(1.0, |v| v.min_confidence = 0.5));
    let open = played(loitering(1.0, as_shipped), |second| stricter(second, 70));
    assert_eq!(open.len(), 1, "it is the same incident");
    assert!(
        entered_s(&open[0], IncidentState::Lost).is_none() && entered_s(&open[0], IncidentState::Complied).is_none()
    );
    assert!(entered_s(&open[0], IncidentState::Escalated).is_some(), "{:?}", open[0].history);
    let begun = played(loitering(1.0, as_shipped), |second| stricter(second, 30));
    let confirmed_s = entered_s(&begun[0], IncidentState::Confirmed).unwrap();
    assert!((90.0..93.0).contains(&confirmed_s), "{confirmed_s}");
}

#[test]
fn an_incident_whose_rule_is_gone_ends_as_lost() {
    let other = || setup("illegal_parking", |_, _| {});
    let records = played(loitering(1.0, as_shipped), |second| (second == 70).then(other));
    let of_loitering: Vec<_> = records.iter().filter(|record| record.rule.violation.as_str() == "loitering").collect();
    assert_eq!(of_loitering.len(), 1);
    assert!(entered_s(of_loitering[0], IncidentState::Lost).is_some(), "{:?}", of_loitering[0].history);
}

#[test]
fn a_stream_that_is_gone_loses_its_incidents_and_one_that_comes_is_watched() {
    let moved = || {
        let mut setup = loitering(1.0, as_shipped);
        let of = std::mem::take(&mut setup.streams).into_values().next().unwrap();
        let other = StreamId::new("other").unwrap();
        setup.streams.insert(other, of);
        setup.policies.clear();
        setup
    };
    let records = played(loitering(1.0, as_shipped), |second| (second == 70).then(moved));
    assert_eq!(records.len(), 1);
    let (lost_s, closed_s) =
        (entered_s(&records[0], IncidentState::Lost).unwrap(), entered_s(&records[0], IncidentState::Closed).unwrap());
    assert!((70.0..71.0).contains(&lost_s) && closed_s > lost_s, "{:?}", records[0].history);

    let empty = EngineSetup { streams: BTreeMap::new(), policies: BTreeMap::new(), ..loitering(1.0, as_shipped) };
    let late = played(empty, |second| (second == 30).then(|| loitering(1.0, as_shipped)));
    assert!(entered_s(&late[0], IncidentState::Confirmed).is_some_and(|at| (90.0..93.0).contains(&at)), "{late:?}");
}
