//! Incidents that are not announced: quiet hours, silence that somebody wants, and no speaker.

use std::collections::BTreeMap;
use std::sync::Arc;

use expect_test::expect;
use forewarn_domain::Sight::Violating;
use forewarn_incident::{IncidentInput, Silence};

use crate::support::{FromMonday, PARKING, Stage, at, check, policy, rule, violation};

#[test]
fn nothing_is_announced_in_quiet_hours() {
    let mut policy = policy(violation(PARKING), &["horn"]);
    policy.quiet_hours = vec![toml::from_str("from = '22:00'\nto = '06:00'").unwrap()];
    let rules = BTreeMap::from([(rule("parking", "kerb"), policy)]);
    // Two minutes before six, so that the first warning is withheld and so is the second.
    let mut stage = Stage::with(rules, Arc::new(FromMonday)).starting_at(5.0 * 3600.0 + 58.0 * 60.0);
    stage.show(Violating, 50.0);
    assert!(stage.announced.is_empty());
    check(
        stage,
        &expect![[r#"
        21481.0 #1 confirmed (held_long_enough)
        21481.0    capture confirmed, clip 21475.5..21486.0
        21481.0 #2 observing (quiet_hours)
        21501.0 #3 persisted (still_violating)
        21501.0 #4 observing (quiet_hours)
        21521.0 #5 persisted (still_violating)
        21521.0 #6 escalated (warnings_used_up)
        21521.0    capture ended, clip 21516.0..21526.0
    "#]],
    );
}

#[test]
fn quiet_hours_that_begin_between_speakers_keep_the_second_one_silent() {
    let mut policy = policy(violation(PARKING), &["horn", "spare"]);
    policy.quiet_hours = vec![toml::from_str("from = '22:00'\nto = '06:00'").unwrap()];
    let rules = BTreeMap::from([(rule("parking", "kerb"), policy)]);
    let mut stage = Stage::with(rules, Arc::new(FromMonday)).starting_at(22.0 * 3600.0 - 10.0).silent_speakers();
    stage.show(Violating, 25.0);
    assert_eq!(stage.announced.len(), 1);
    assert!(stage.reports.last().unwrap().incident.warning_not_delivered);
    check(
        stage,
        &expect![[r#"
        79191.0 #1 confirmed (held_long_enough)
        79191.0    capture confirmed, clip 79185.5..79196.0
        79191.0 #2 warned (warning_sent)
        79191.0    announce #1 on horn
        79211.0 #3 observing (quiet_hours)
    "#]],
    );
}

#[test]
fn quiet_hours_do_not_hold_where_the_time_of_day_is_unknown() {
    let mut policy = policy(violation(PARKING), &["horn"]);
    policy.quiet_hours = vec![toml::from_str("from = '00:00'\nto = '24:00'").unwrap()];
    let mut stage = Stage::new(policy);
    stage.show(Violating, 1.0);
    assert_eq!(stage.announced.len(), 1);
}

#[test]
fn without_a_speaker_the_incident_is_observed_and_escalated_in_silence() {
    let mut stage = Stage::new(policy(violation(PARKING), &[]));
    stage.show(Violating, 25.0);
    check(
        stage,
        &expect![[r#"
            1.0     #1 confirmed (held_long_enough)
            1.0        capture confirmed, clip -4.5..6.0
            1.0     #2 observing (no_warning_configured)
            21.0    #3 persisted (still_violating)
            21.0    #4 escalated (no_warning_configured)
            21.0       capture ended, clip 16.0..26.0
        "#]],
    );
}

/// Nothing is to be announced until a time, in the zone of the rule or in all of them.
fn silence(stage: &mut Stage, has_zone: bool, until_s: f64) {
    let rule = stage.rule.clone();
    let zone = has_zone.then_some(rule.zone);
    stage.input(IncidentInput::Silence(Silence { stream: rule.stream, zone, until: at(until_s) }));
}

#[test]
fn a_silenced_zone_is_watched_and_nothing_is_announced_until_its_time() {
    let mut stage = Stage::new(policy(violation(PARKING), &["horn"]));
    silence(&mut stage, true, 20.0);
    stage.show(Violating, 25.0);
    check(
        stage,
        &expect![[r#"
            1.0     #1 confirmed (held_long_enough)
            1.0        capture confirmed, clip -4.5..6.0
            1.0     #2 observing (quiet_hours)
            21.0    #3 persisted (still_violating)
            21.0    #4 warned (warning_sent)
            21.0       announce #2 on horn
            24.0    #5 observing (playback_proven)
        "#]],
    );
}

#[test]
fn a_silence_of_the_whole_camera_ends_early_where_somebody_says_so() {
    let mut stage = Stage::new(policy(violation(PARKING), &["horn"]));
    silence(&mut stage, false, 600.0);
    silence(&mut stage, false, 0.0);
    stage.show(Violating, 2.0);
    assert_eq!(stage.announced.len(), 1);
}

#[test]
fn nothing_is_silenced_where_nothing_is_watched() {
    let mut stage = Stage::new(policy(violation(PARKING), &["horn"]));
    let place = |zone| Silence {
        stream: rule("parking", zone).stream,
        zone: Some(rule("parking", zone).zone),
        until: at(60.0),
    };
    let refusal = stage.incidents.silence(place("lawn"), at(0.0)).unwrap_err().to_string();
    assert!(refusal.starts_with("nothing is watched in camera gate, zone lawn: name"), "{refusal}");
    stage.input(IncidentInput::Silence(place("lawn")));
    assert_eq!(stage.incidents.ignored().refused_silence, 1);
    stage.show(Violating, 2.0);
    assert_eq!(stage.announced.len(), 1);
}
