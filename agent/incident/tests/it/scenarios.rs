//! What happens at a kerb: one story a test, told by the transcript of the machine's outputs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use expect_test::{Expect, expect};
use forewarn_domain::Sight::{Absent, Compliant, Occluded, Violating};
use forewarn_domain::clock::UnknownCivilTime;
use forewarn_domain::{AnnounceOutcome, AnnouncementId, Cause, FailureKind, Proof};
use forewarn_incident::{Ignored, IncidentInput};

use crate::support::{FromMonday, PARKING, Stage, at, hit, policy, rule, violation};

fn parking() -> Stage {
    Stage::new(policy(violation(PARKING), &["horn", "spare"]))
}

fn check(stage: Stage, expected: &Expect) {
    expected.assert_eq(&stage.transcript());
}

#[test]
fn complies_after_the_first_warning() {
    let mut stage = parking();
    stage.show(Violating, 10.0);
    stage.show(Compliant, 10.0);
    stage.wait(10.0);
    check(
        stage,
        &expect![[r#"
            1.0     #1 confirmed (held_long_enough)
            1.0        capture confirmed, clip -4.5..6.0
            1.0     #2 warned (warning_sent)
            1.0        announce #1 on horn
            4.0     #3 observing (playback_proven)
            12.5    #4 complied (seen_complying)
            12.5       capture ended, clip 7.5..17.5
            17.5    #5 closed (settled)
        "#]],
    );
}

#[test]
fn persists_twice_and_is_escalated_once() {
    let mut stage = parking();
    stage.show(Violating, 60.0);
    stage.show(Occluded, 5.0);
    stage.show(Absent, 10.0);
    check(
        stage,
        &expect![[r#"
            1.0     #1 confirmed (held_long_enough)
            1.0        capture confirmed, clip -4.5..6.0
            1.0     #2 warned (warning_sent)
            1.0        announce #1 on horn
            4.0     #3 observing (playback_proven)
            24.0    #4 persisted (still_violating)
            24.0       capture after_warning
            24.0    #5 warned (warning_sent)
            24.0       announce #2 on horn
            27.0    #6 observing (playback_proven)
            47.0    #7 persisted (still_violating)
            47.0       capture after_warning
            47.0    #8 escalated (warnings_used_up)
            47.0       capture ended, clip 42.0..52.0
            70.5    #9 closed (no_longer_seen)
        "#]],
    );
}

#[test]
fn a_suspicion_that_does_not_hold_is_dismissed_and_never_reported() {
    let mut stage = parking();
    stage.show(Violating, 0.5);
    stage.show(Compliant, 5.0);
    check(
        stage,
        &expect![[r#"
            2.5     dismissed, suspected at 0.500s
        "#]],
    );
}

#[test]
fn a_gap_up_to_the_forgiven_time_does_not_dismiss() {
    let mut stage = parking();
    stage.show(Violating, 0.5);
    stage.show(Occluded, 1.5);
    stage.show(Violating, 0.5);
    check(
        stage,
        &expect![[r#"
            2.5     #1 confirmed (held_long_enough)
            2.5        capture confirmed, clip -4.5..7.5
            2.5     #2 warned (warning_sent)
            2.5        announce #1 on horn
        "#]],
    );
}

#[test]
fn a_dead_speaker_leads_to_the_next_one() {
    let mut stage = parking().dead_speaker("horn");
    stage.show(Violating, 10.0);
    stage.show(Absent, 15.0);
    check(
        stage,
        &expect![[r#"
            1.0     #1 confirmed (held_long_enough)
            1.0        capture confirmed, clip -4.5..6.0
            1.0     #2 warned (warning_sent)
            1.0        announce #1 on horn
            2.0     #3 warned (warning_sent)
            2.0        announce #1 on spare
            5.0     #4 observing (playback_proven)
            15.5    #5 complied (no_longer_seen)
            15.5       capture ended, clip 10.5..20.5
            20.5    #6 closed (settled)
        "#]],
    );
}

/// A warning that needs a proof, and a speaker that gives `proof`; a second one waits.
fn proven(least: &str, proof: Proof) -> Stage {
    let mut policy = policy(violation(&format!("{PARKING}proof = \"{least}\"\n")), &["horn", "spare"]);
    policy.violation.observe.for_s = 10.0;
    let mut stage = Stage::new(policy).silent_speakers();
    stage.show(Violating, 2.0);
    let id = stage.announced[0].id;
    let outcome = AnnounceOutcome::Played { duration: Duration::from_secs(1), proof };
    stage.input(IncidentInput::Announced { id, outcome });
    stage
}

#[test]
fn a_proof_that_suffices_starts_the_observation_and_stands_in_the_history() {
    for (least, proof) in [("written", Proof::Written), ("sent", Proof::Sent), ("sent", Proof::Rendered)] {
        let stage = proven(least, proof);
        let incident = &stage.reports.last().unwrap().incident;
        let last = incident.history.last().unwrap();
        assert_eq!((last.cause, last.proof), (Cause::PlaybackProven, Some(proof)), "{least}");
        assert_eq!(incident.warnings_played, 1);
        assert!(incident.history.iter().filter(|step| step.proof.is_some()).count() == 1);
    }
}

#[test]
fn a_proof_that_does_not_suffice_leads_to_the_next_speaker_and_counts_as_not_delivered() {
    let mut stage = proven("rendered", Proof::Sent);
    assert_eq!(stage.announced.len(), 2, "the spare is tried at once, without a cool-down");
    assert_eq!(stage.announced[1].speaker.as_str(), "spare");
    let outcome = AnnounceOutcome::Played { duration: Duration::from_secs(1), proof: Proof::Written };
    stage.input(IncidentInput::Announced { id: stage.announced[1].id, outcome });
    let incident = &stage.reports.last().unwrap().incident;
    let last = incident.history.last().unwrap();
    assert_eq!((last.cause, last.proof), (Cause::WarningNotDelivered, None));
    assert!(incident.warning_not_delivered && incident.warnings_played == 0);
}

#[test]
fn a_replay_assumes_the_proof_that_is_asked_for_and_states_none() {
    let stage = proven("heard", Proof::Assumed);
    let last = *stage.reports.last().unwrap().incident.history.last().unwrap();
    assert_eq!((last.cause, last.proof), (Cause::PlaybackProven, None));
}

#[test]
fn speakers_that_never_answer_lead_to_a_report_that_the_warning_was_not_delivered() {
    let mut stage = parking().silent_speakers();
    stage.show(Violating, 130.0);
    let delivered: Vec<bool> = stage.reports.iter().map(|r| !r.incident.warning_not_delivered).collect();
    assert_eq!(delivered, [true, true, true, false, false, false, false, false, false, false]);
    check(
        stage,
        &expect![[r#"
            1.0     #1 confirmed (held_long_enough)
            1.0        capture confirmed, clip -4.5..6.0
            1.0     #2 warned (warning_sent)
            1.0        announce #1 on horn
            21.0    #3 warned (warning_sent)
            21.0       announce #1 on spare
            41.0    #4 observing (warning_not_delivered)
            61.0    #5 persisted (still_violating)
            61.0    #6 warned (warning_sent)
            61.0       announce #2 on horn
            81.0    #7 warned (warning_sent)
            81.0       announce #2 on spare
            101.0   #8 observing (warning_not_delivered)
            121.0   #9 persisted (still_violating)
            121.0   #10 escalated (warnings_used_up)
            121.0      capture ended, clip 116.0..126.0
        "#]],
    );
}

#[test]
fn a_speaker_that_proves_playback_late_starts_the_observation_anew() {
    let mut stage = parking().silent_speakers();
    stage.show(Violating, 45.0);
    stage.outcome(0, true);
    stage.show(Violating, 10.0);
    assert_eq!(stage.reports.last().unwrap().incident.warnings_played, 1);
    assert!(!stage.reports.last().unwrap().incident.warning_not_delivered);
    // The other speaker's proof is of the same warning: it was heard already.
    stage.outcome(1, true);
    stage.show(Violating, 12.0);
    assert_eq!(stage.reports.last().unwrap().incident.warnings_played, 1);
    check(
        stage,
        &expect![[r#"
            1.0     #1 confirmed (held_long_enough)
            1.0        capture confirmed, clip -4.5..6.0
            1.0     #2 warned (warning_sent)
            1.0        announce #1 on horn
            21.0    #3 warned (warning_sent)
            21.0       announce #1 on spare
            41.0    #4 observing (warning_not_delivered)
            45.0    #5 observing (playback_proven)
            65.0    #6 persisted (still_violating)
            65.0       capture after_warning
        "#]],
    );
}

#[test]
fn leaving_before_playback_is_proven_is_complying() {
    let mut stage = parking().silent_speakers();
    stage.show(Violating, 1.0);
    stage.show(Absent, 6.0);
    stage.outcome(0, true);
    stage.wait(5.0);
    assert_eq!(stage.reports.last().unwrap().incident.warnings_played, 1);
    check(
        stage,
        &expect![[r#"
            1.0     #1 confirmed (held_long_enough)
            1.0        capture confirmed, clip -4.5..6.0
            1.0     #2 warned (warning_sent)
            1.0        announce #1 on horn
            6.5     #3 complied (no_longer_seen)
            6.5        capture ended, clip 1.5..11.5
            11.5    #4 closed (settled)
        "#]],
    );
}

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
            21.0    #4 escalated (warnings_used_up)
            21.0       capture ended, clip 16.0..26.0
        "#]],
    );
}

#[test]
fn occlusion_pauses_the_clocks_and_delays_the_verdict() {
    let mut stage = parking();
    stage.show(Violating, 4.0);
    stage.show(Occluded, 30.0);
    stage.show(Violating, 1.0);
    check(
        stage,
        &expect![[r#"
            1.0     #1 confirmed (held_long_enough)
            1.0        capture confirmed, clip -4.5..6.0
            1.0     #2 warned (warning_sent)
            1.0        announce #1 on horn
            4.0     #3 observing (playback_proven)
            34.5    #4 persisted (still_violating)
            34.5       capture after_warning
            34.5    #5 warned (warning_sent)
            34.5       announce #2 on horn
        "#]],
    );
}

#[test]
fn a_stream_outage_ends_in_lost_and_the_next_sight_is_a_new_incident() {
    let mut stage = parking();
    stage.show(Violating, 6.0);
    stage.interrupt();
    stage.wait(70.0);
    stage.resume();
    stage.show(Violating, 1.0);
    check(
        stage,
        &expect![[r#"
            1.0     #1 confirmed (held_long_enough)
            1.0        capture confirmed, clip -4.5..6.0
            1.0     #2 warned (warning_sent)
            1.0        announce #1 on horn
            4.0     #3 observing (playback_proven)
            66.0    #4 lost (stream_interrupted)
            66.0       capture ended, clip 61.0..71.0
            71.0    #5 closed (settled)
            77.0    #1 confirmed (held_long_enough)
            77.0       capture confirmed, clip 71.5..82.0
            77.0    #2 warned (warning_sent)
            77.0       announce #1 on horn
        "#]],
    );
}

#[test]
fn a_short_outage_changes_nothing_even_if_the_time_line_moves_back() {
    let mut stage = parking();
    stage.show(Violating, 6.0);
    stage.interrupt();
    stage.wait(30.0);
    stage.resume();
    let mut moved = hit(&stage.rule, 1, Violating, 2.0);
    moved.at = at(2.0);
    stage.input(IncidentInput::Hit(moved));
    check(
        stage,
        &expect![[r#"
            1.0     #1 confirmed (held_long_enough)
            1.0        capture confirmed, clip -4.5..6.0
            1.0     #2 warned (warning_sent)
            1.0        announce #1 on horn
            4.0     #3 observing (playback_proven)
            36.0    #4 persisted (still_violating)
            36.0       capture after_warning
            36.0    #5 warned (warning_sent)
            36.0       announce #2 on horn
        "#]],
    );
}

#[test]
fn a_subject_that_is_never_heard_of_again_is_lost() {
    let mut stage = parking();
    stage.show(Violating, 6.0);
    stage.wait(200.0);
    assert_eq!(stage.incidents.poll_timeout(), None);
    check(
        stage,
        &expect![[r#"
            1.0     #1 confirmed (held_long_enough)
            1.0        capture confirmed, clip -4.5..6.0
            1.0     #2 warned (warning_sent)
            1.0        announce #1 on horn
            4.0     #3 observing (playback_proven)
            66.0    #4 lost (out_of_sight)
            66.0       capture ended, clip 61.0..71.0
            71.0    #5 closed (settled)
        "#]],
    );
}

#[test]
fn a_crowd_is_one_subject_whose_size_is_kept_up_to_date() {
    let mut stage = parking();
    for count in [4, 5, 7, 7, 6, 6, 6, 6, 6, 6] {
        stage.wait(0.5);
        let mut crowd = hit(&stage.rule, 1, Violating, stage.now());
        (crowd.count, crowd.track) = (count, None);
        stage.input(IncidentInput::Hit(crowd));
    }
    let counts: Vec<u32> = stage.reports.iter().map(|report| report.incident.subject.count).collect();
    assert_eq!(counts, [5, 5, 6]);
    check(
        stage,
        &expect![[r#"
            1.0     5 #1 confirmed (held_long_enough)
            1.0        capture confirmed, clip -4.5..6.0
            1.0     5 #2 warned (warning_sent)
            1.0        announce #1 on horn
            4.0     6 #3 observing (playback_proven)
        "#]],
    );
}

#[test]
fn a_warning_that_was_just_heard_covers_the_next_subject() {
    let mut stage = parking();
    stage.show(Violating, 6.0);
    stage.show_all(&[(1, Violating), (2, Violating)], 46.0);
    check(
        stage,
        &expect![[r#"
            1.0     #1 confirmed (held_long_enough)
            1.0        capture confirmed, clip -4.5..6.0
            1.0     #2 warned (warning_sent)
            1.0        announce #1 on horn
            4.0     #3 observing (playback_proven)
            7.0     #1 confirmed (held_long_enough)
            7.0        capture confirmed, clip 1.5..12.0
            7.0     #2 observing (covered_by_recent_warning)
            24.0    #4 persisted (still_violating)
            24.0       capture after_warning
            24.0    #5 warned (warning_sent)
            24.0       announce #2 on horn
            27.0    #6 observing (playback_proven)
            27.0    #3 persisted (still_violating)
            27.0       capture after_warning
            27.0    #4 observing (covered_by_recent_warning)
            47.0    #7 persisted (still_violating)
            47.0       capture after_warning
            47.0    #8 escalated (warnings_used_up)
            47.0       capture ended, clip 42.0..52.0
            47.0    #5 persisted (still_violating)
            47.0       capture after_warning
            47.0    #6 escalated (warnings_used_up)
            47.0       capture ended, clip 42.0..52.0
        "#]],
    );
}

#[test]
fn a_subject_confirmed_during_an_announcement_waits_for_its_fate() {
    let mut stage = parking();
    stage.show_all(&[(1, Violating), (2, Violating)], 6.0);
    check(
        stage,
        &expect![[r#"
            1.0     #1 confirmed (held_long_enough)
            1.0        capture confirmed, clip -4.5..6.0
            1.0     #2 warned (warning_sent)
            1.0        announce #1 on horn
            1.0     #1 confirmed (held_long_enough)
            1.0        capture confirmed, clip -4.5..6.0
            4.0     #3 observing (playback_proven)
            4.0     #2 observing (covered_by_recent_warning)
        "#]],
    );
}

#[test]
fn another_violation_in_the_zone_waits_for_the_cool_down() {
    let loitering = PARKING.replace("\"parking\"", "\"loitering\"");
    let rules = BTreeMap::from([
        (rule("parking", "kerb"), policy(violation(PARKING), &["horn"])),
        (rule("loitering", "kerb"), policy(violation(&loitering), &["horn"])),
    ]);
    let mut stage = Stage::with(rules, Arc::new(UnknownCivilTime));
    stage.show(Violating, 2.0);
    stage.rule = rule("loitering", "kerb");
    stage.show_all(&[(2, Violating)], 20.0);
    check(
        stage,
        &expect![[r#"
            1.0     #1 confirmed (held_long_enough)
            1.0        capture confirmed, clip -4.5..6.0
            1.0     #2 warned (warning_sent)
            1.0        announce #1 on horn
            3.0     #1 confirmed (held_long_enough)
            3.0        capture confirmed, clip -2.5..8.0
            4.0     #3 observing (playback_proven)
            19.0    #2 warned (warning_sent)
            19.0       announce #1 on horn
            22.0    #3 observing (playback_proven)
        "#]],
    );
}

#[test]
fn after_it_was_closed_the_subject_can_begin_a_new_incident() {
    let mut stage = parking();
    stage.show(Violating, 5.0);
    stage.show(Compliant, 3.0);
    stage.show(Violating, 8.0);
    let ids: BTreeSet<_> = stage.reports.iter().map(|report| report.incident.id.as_str()).collect();
    assert_eq!(ids.len(), 2);
    check(
        stage,
        &expect![[r#"
            1.0     #1 confirmed (held_long_enough)
            1.0        capture confirmed, clip -4.5..6.0
            1.0     #2 warned (warning_sent)
            1.0        announce #1 on horn
            4.0     #3 observing (playback_proven)
            7.5     #4 complied (seen_complying)
            7.5        capture ended, clip 2.5..12.5
            12.5    #5 closed (settled)
            13.0    #1 confirmed (held_long_enough)
            13.0       capture confirmed, clip 7.5..18.0
            13.0    #2 observing (covered_by_recent_warning)
        "#]],
    );
}

#[test]
fn two_zones_that_suspect_the_same_subject_number_at_once_get_two_names() {
    let parking = policy(violation(PARKING), &["horn"]);
    let rules = BTreeMap::from([(rule("parking", "kerb"), parking.clone()), (rule("parking", "drive"), parking)]);
    let mut stage = Stage::with(rules, Arc::new(UnknownCivilTime));
    for zone in ["kerb", "drive"] {
        let hit = hit(&rule("parking", zone), 1, Violating, 0.0);
        stage.input(IncidentInput::Hit(hit));
    }
    let names: Vec<&str> = stage.incidents.records().map(|record| record.id.as_str()).collect();
    assert_eq!(names, ["gate-parking-0-1", "gate-parking-0-1-drive"]);
}

#[test]
fn what_cannot_be_used_is_counted() {
    let mut stage = parking();
    stage.show(Violating, 2.0);
    for (rule, seconds) in [(rule("littering", "kerb"), 2.5), (stage.rule.clone(), 2.0), (stage.rule.clone(), 1.0)] {
        stage.input(IncidentInput::Hit(hit(&rule, 1, Compliant, seconds)));
    }
    stage.input(IncidentInput::Announced {
        id: AnnouncementId(77),
        outcome: AnnounceOutcome::Failed { kind: FailureKind::Broken, reason: "no such announcement".to_owned() },
    });
    assert_eq!(stage.incidents.ignored(), Ignored { unknown_rule: 1, late: 2, unknown_announcement: 1 });
}
