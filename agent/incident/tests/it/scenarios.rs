//! What happens at a kerb: one story a test, told by the transcript of the machine's outputs.

use std::time::Duration;

use expect_test::expect;
use forewarn_domain::Sight::{Absent, Compliant, Occluded, Over, Violating};
use forewarn_domain::{AnnounceOutcome, AnnouncementId, Cause, FailureKind, Proof, Receipt};
use forewarn_incident::{Ignored, IncidentInput};

use crate::support::{PARKING, Stage, check, hit, parking, policy, rule, violation};

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

#[test]
fn what_is_over_by_itself_is_not_taken_for_compliance() {
    let mut stage = parking();
    stage.show(Violating, 2.0);
    stage.show(Over, 12.0);
    check(
        stage,
        &expect![[r#"
            1.0     #1 confirmed (held_long_enough)
            1.0        capture confirmed, clip -4.5..6.0
            1.0     #2 warned (warning_sent)
            1.0        announce #1 on horn
            4.0     #3 observing (playback_proven)
            7.5     #4 over (no_longer_judged)
            7.5        capture ended, clip 2.5..12.5
            12.5    #5 closed (settled)
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
    let outcome = AnnounceOutcome::Played { duration: Duration::from_secs(1), proof, receipt: Receipt::default() };
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
    let outcome = AnnounceOutcome::Played {
        duration: Duration::from_secs(1),
        proof: Proof::Written,
        receipt: Receipt::default(),
    };
    stage.input(IncidentInput::Announced { id: stage.announced[1].id, outcome });
    let incident = &stage.reports.last().unwrap().incident;
    let last = incident.history.last().unwrap();
    assert_eq!((last.cause, last.proof), (Cause::WarningNotDelivered, None));
    assert!(incident.warning_not_delivered && incident.warnings_played == 0);
    let told: Vec<(usize, String)> = incident
        .history
        .iter()
        .enumerate()
        .flat_map(|(n, step)| step.tried.iter().map(move |tried| (n, tried.to_string())))
        .collect();
    let too_little = |n: usize, what: &str, is: &str| {
        (n, format!("{what}: played 1.0 s, {is}; it is proven as {is} only, and rendered is asked for"))
    };
    assert_eq!(told, [too_little(3, "horn", "sent"), too_little(4, "spare", "written")]);
}

#[test]
fn a_replay_assumes_the_proof_that_is_asked_for_and_states_none() {
    let stage = proven("heard", Proof::Assumed);
    let last = stage.reports.last().unwrap().incident.history.last().unwrap();
    assert_eq!((last.cause, last.proof), (Cause::PlaybackProven, None));
    assert!(last.tried.is_empty());
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
    assert_eq!(
        stage.incidents.ignored(),
        Ignored { unknown_rule: 1, late: 2, unknown_announcement: 1, ..Ignored::default() }
    );
}
