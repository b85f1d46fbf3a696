//! One incident for one subject: occlusion, missed detections, changes of track id, outages and restarts.

use expect_test::expect;

use super::*;

const PARKED: &str = "{ all = [{ in_zone = { by = \"centre\" } }, { stationary = { for_s = 10 } }] }";

#[test]
fn a_parked_car_stays_one_subject_when_its_track_changes() {
    // Its name changes with the id, and each new track needs a moment to be found.
    let switching = |at: f64| {
        let id = 1 + (at / 7.0) as u64;
        let name = if id.is_multiple_of(2) { "truck" } else { "car" };
        if at % 7.0 < 0.8 { vec![] } else { vec![track(id, name, at, [205.0 + id as f32, 220.0, 90.0, 60.0])] }
    };
    check(
        PARKED,
        "yard",
        35.0,
        switching,
        &expect![[r#"
            1: 10.8-13.8 V 14.0-14.6 A 14.8-15.4 O 15.6-20.8 V 21.0-21.6 A 21.8-22.4 O 22.6-27.8 V 28.0-28.6 A 28.8-29.4 O 29.6-34.8 V 35.0-35.0 A
        "#]],
    );
}

#[test]
fn a_lorry_that_stops_in_front_hides_the_car_and_does_not_become_it() {
    let scene = |at: f64| {
        let mut tracks = Vec::new();
        if at < 20.0 {
            tracks.push(car(1, at, 250.0, 250.0));
        } else if at >= 40.0 {
            tracks.push(car(9, at, 252.0, 249.0));
        }
        if (18.0..42.0).contains(&at) {
            let x = if at < 20.0 {
                250.0 + 150.0 * (at - 20.0)
            } else if at < 38.0 {
                250.0
            } else {
                250.0 + 150.0 * (at - 38.0)
            };
            tracks.push(track(5, "truck", at, [x as f32 - 90.0, 180.0, 180.0, 120.0]));
        }
        tracks
    };
    check(
        PARKED,
        "yard",
        50.0,
        scene,
        &expect![[r#"
            1: 10.0-19.8 V 20.0-38.6 O 38.8-39.8 A 40.0-40.6 O 40.8-50.0 V
            2: 30.6-38.8 V 39.0-41.8 C 42.0-50.0 A
        "#]],
    );
}

#[test]
fn a_car_that_drives_past_does_not_become_the_parked_one() {
    let scene = |at: f64| {
        let mut tracks = Vec::new();
        if !(20.0..23.0).contains(&at) {
            tracks.push(car(if at < 20.0 { 1 } else { 3 }, at, 250.0, 250.0));
        }
        // The passing car is first found right in front of the parked one.
        if (20.6..24.0).contains(&at) {
            tracks.push(car(2, at, 250.0 + 90.0 * (at - 20.6) as f32, 262.0));
        }
        tracks
    };
    check(
        PARKED,
        "yard",
        35.0,
        scene,
        &expect![[r#"
        1: 10.0-19.8 V 20.0-20.4 A 20.6-21.0 O 21.2-22.8 A 23.0-23.6 O 23.8-35.0 V
    "#]],
    );
}

#[test]
fn a_parked_car_whose_track_a_passing_car_takes_along_stays_one_subject() {
    let scene = |at: f64| {
        let taken = if at < 20.0 { 250.0 } else { 250.0 + 100.0 * (at - 20.0) };
        // Who passes before it is nearer to the camera.
        let mut tracks = vec![car(1, at, taken as f32, if at < 20.0 { 250.0 } else { 258.0 })];
        if at >= 21.4 {
            tracks.push(car(2, at, 252.0, 251.0));
        }
        tracks.retain(|track| track.bbox.x1 < 640.0);
        tracks
    };
    check(
        PARKED,
        "yard",
        35.0,
        scene,
        &expect![[r#"
            1: 10.0-20.8 V 21.0-22.0 C 22.2-35.0 V
        "#]],
    );
}

#[test]
fn the_next_car_in_the_same_place_is_another_subject() {
    let scene = |at: f64| {
        let leaving = 250.0 + 80.0 * (at - 20.0).max(0.0);
        let coming = 10.0 + 80.0 * (at - 25.0).clamp(0.0, 3.0);
        if at < 24.0 {
            vec![car(1, at, leaving as f32, 250.0)]
        } else if at < 25.0 {
            vec![]
        } else {
            vec![car(2, at, coming as f32, 250.0)]
        }
    };
    check(
        PARKED,
        "yard",
        45.0,
        scene,
        &expect![[r#"
            1: 10.0-20.8 V 21.0-23.8 C 24.0-45.0 A
            2: 38.4-45.0 V
        "#]],
    );
}

#[test]
fn cars_that_move_up_in_a_jam_do_not_stand_there_together() {
    // Each drives in by the picture's edge, rests for five seconds where the one before rested, and moves up.
    let jam = |at: f64, gap: f64| -> Vec<Track> {
        let car = |k: u32| {
            let age = at - 8.0 * f64::from(k);
            let moved = |age: f64| (190.0 + gap) * ((age - 5.0) / 3.0).clamp(0.0, 1.0);
            let x = 20.0 - 190.0 - gap + (0..4).map(|turn| moved(age - 8.0 * f64::from(turn))).sum::<f64>();
            // A detector's boxes end a little before the picture does.
            let (x0, x1) = (x.max(6.0) as f32, (x + 190.0).min(640.0) as f32);
            (age > 0.0 && x1 - x0 > 50.0).then(|| track(u64::from(k) + 1, "car", at, [x0, 220.0, x1 - x0, 80.0]))
        };
        (0..12).filter_map(car).collect()
    };
    check("{ stationary = { for_s = 12 } }", "yard", 90.0, |at| jam(at, 80.0), &expect![""]);
    check("{ stationary = { for_s = 12 } }", "yard", 90.0, |at| jam(at, 20.0), &expect![""]);
}

#[test]
fn a_walker_keeps_his_dwell_when_his_track_changes() {
    let scene = |at: f64| {
        let x = 120.0 + 20.0 * at as f32;
        if (5.0..6.2).contains(&at) { vec![] } else { vec![person(if at < 5.0 { 1 } else { 2 }, at, x, 300.0)] }
    };
    check(
        "{ dwell = { for_s = 8 } }",
        "yard",
        13.0,
        scene,
        &expect![[r#"
        1: 8.0-13.0 V
    "#]],
    );
}

#[test]
fn people_who_follow_each_other_are_not_one() {
    // One every four seconds walks through and out; nobody stays for eight seconds.
    let scene = |at: f64| {
        let walker = |k: i32| {
            let age = at - 4.0 * f64::from(k);
            (0.0..5.0).contains(&age).then(|| person(k as u64 + 1, at, 110.0 + 60.0 * age as f32, 300.0))
        };
        (0..8).filter_map(walker).collect()
    };
    check("{ dwell = { for_s = 8 } }", "yard", 40.0, scene, &expect![""]);
}

#[test]
fn who_walks_out_of_the_picture_is_not_who_comes_in_there() {
    // Each walks to the right edge, which cuts the box off, lingers there and leaves; the next comes in the same way.
    let scene = |at: f64| {
        let walk = |id, age: f64| {
            let x = (400.0 + 40.0 * age as f32).min(600.0) + 8.0 * (age - 5.0).max(0.0) as f32;
            track(id, "person", at, [x, 200.0, (90.0_f32).min(640.0 - x), 180.0])
        };
        match at {
            0.0..9.0 => vec![walk(1, at)],
            15.0..24.0 => vec![walk(2, 24.0 - at)],
            _ => vec![],
        }
    };
    check(
        "{ not = { class = [\"car\"] } }",
        "yard",
        24.0,
        scene,
        &expect![[r#"
        1: 0.0-8.8 V 9.0-14.8 A 15.0-20.2 O 20.4-24.0 A
        2: 15.0-23.8 V 24.0-24.0 A
    "#]],
    );
}

#[test]
fn an_outage_counts_neither_as_dwell_nor_as_absence() {
    let scene = |at: f64| vec![person(1, at, 200.0, 300.0)];
    let times = frames(5.0).chain((0..40).map(|n| 100.0 + f64::from(n) / FPS));
    expect![[r#"
        1: 101.0-107.8 V
    "#]]
    .assert_eq(&story(&mut rules("{ dwell = { for_s = 8 } }", "yard"), times, scene));
}

#[test]
fn an_absent_subject_is_forgotten_in_the_end() {
    let scene = |at: f64| if at < 10.0 { vec![person(1, at, 200.0, 300.0)] } else { vec![] };
    check(
        "{ in_zone = {} }",
        "yard",
        120.0,
        scene,
        &expect![[r#"
            1: 0.0-9.8 V 10.0-85.0 A
        "#]],
    );
}

#[test]
fn a_subject_goes_on_after_a_restart() {
    let mut rules = rules(PARKED, "yard");
    let seed = |subject, zone: &str, x| SubjectSeed {
        subject: SubjectId(subject),
        rule: binding(zone).key,
        class: Class::new("car"),
        bbox: car(0, 0.0, x, 250.0).bbox,
        at: Timestamp::ZERO,
    };
    let unknown = rules.restore(vec![seed(7, "yard", 250.0), seed(8, "yard", 350.0), seed(3, "gate", 500.0)]);
    assert_eq!(unknown.iter().map(|seed| seed.subject.0).collect::<Vec<_>>(), [3]);
    // Of the two cars one is still there; a third has come.
    let scene = |at: f64| vec![track(1, "truck", at, [206.0, 221.0, 90.0, 60.0]), car(2, at, 150.0, 350.0)];
    expect![[r#"
        7: 1000.0-1000.6 O 1000.8-1012.0 V
        8: 1000.0-1012.0 A
        9: 1010.0-1012.0 V
    "#]]
    .assert_eq(&story(&mut rules, (0..=60).map(|n| 1000.0 + f64::from(n) / FPS), scene));
}

#[test]
fn a_parked_car_outlives_minutes_behind_a_lorry() {
    let scene = |at: f64| {
        let mut tracks = Vec::new();
        if at < 30.0 {
            tracks.push(car(1, at, 250.0, 250.0));
        } else if at >= 215.0 {
            // It comes back under another name and half hidden at first.
            let left = if at < 217.0 { 235.0 } else { 205.0 };
            tracks.push(track(9, "truck", at, [left, 220.0, 295.0 - left, 60.0]));
        }
        if (30.0..215.0).contains(&at) {
            tracks.push(track(5, "bus", at, [120.0, 150.0, 250.0, 150.0]));
        }
        tracks
    };
    check(
        PARKED,
        "yard",
        225.0,
        scene,
        &expect![[r#"
        1: 10.0-29.8 V 30.0-215.6 O 215.8-225.0 V
    "#]],
    );
}

#[test]
fn a_parked_car_that_the_night_hides_comes_back_with_its_headlights_on() {
    let scene = |at: f64| match at {
        0.0..90.0 => vec![car(1, at, 250.0, 250.0)],
        // In the dark it is not seen at all, then the glare makes its box larger, off its place, and of another name.
        90.0..140.0 => vec![],
        140.0..150.0 => vec![track(2, "truck", at, [190.0, 205.0, 122.0, 80.0])],
        150.0..170.0 => vec![],
        _ => vec![track(3, "car", at, [203.0, 219.0, 92.0, 61.0])],
    };
    check(
        PARKED,
        "yard",
        180.0,
        scene,
        &expect![[r#"
        1: 10.0-89.8 V 90.0-139.8 A 140.0-140.6 O 140.8-149.8 V 150.0-169.8 A 170.0-170.6 O 170.8-180.0 V
    "#]],
    );
}

#[test]
fn a_restart_while_a_lorry_hides_the_parked_car_changes_nothing() {
    let mut rules = rules(PARKED, "yard");
    let seed = SubjectSeed {
        subject: SubjectId(7),
        rule: binding("yard").key,
        class: Class::new("car"),
        bbox: car(0, 0.0, 250.0, 250.0).bbox,
        at: Timestamp::ZERO,
    };
    assert!(rules.restore(vec![seed]).is_empty());
    let scene = |at: f64| {
        if at < 1090.0 {
            vec![track(5, "bus", at, [120.0, 150.0, 250.0, 150.0])]
        } else {
            vec![track(9, "truck", at, [200.0, 214.0, 100.0, 70.0])]
        }
    };
    expect![[r#"
        7: 1000.0-1090.6 O 1090.8-1100.0 V
    "#]]
    .assert_eq(&story(&mut rules, (0..=500).map(|n| 1000.0 + f64::from(n) / FPS), scene));
}

#[test]
fn who_stands_still_stands_when_the_camera_is_knocked() {
    let story = |is_told: bool| {
        let mut rules = rules(PARKED, "yard");
        let mut sights = Vec::new();
        for at in frames(16.0) {
            let x = if at < 8.0 { 250.0 } else { 310.0 };
            if is_told && (at - 8.0).abs() < 0.01 {
                rules.shifted(60.0, 0.0);
            }
            let mut car = car(1, at, x, 250.0);
            car.first_seen = Timestamp::ZERO;
            let hits = rules.show(Timestamp::from_secs_f64(at), &[car], &UnknownCivilTime);
            sights.extend(hits.iter().map(|hit| (hit.subject.0, hit.sight)));
        }
        sights.dedup();
        sights
    };
    assert_eq!(story(true), [(1, Sight::Violating)]);
    assert_eq!(story(false), [], "it would begin to stand anew");
}
