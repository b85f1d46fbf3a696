//! What is not seen for a while, or never again.

use expect_test::expect;
use forewarn_domain::Sight::{Occluded, Violating};
use forewarn_incident::IncidentInput;

use crate::support::{at, check, hit, parking};

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
