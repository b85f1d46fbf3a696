//! A camera that flies: zones on the ground stay where they are while the picture moves.

use std::collections::BTreeMap;
use std::sync::Arc;

use forewarn_domain::{AttributeId, AttributeNeed, FailureKind, SpeakerId, Track, Tried};
use forewarn_ground::{Aim, Flight, Ground, GroundZone, Limits, Pose, Position, Sample, Shot, Uncertainty, attitude};

use super::*;
use crate::{GroundSetup, LensKind, Payload};

const FPS: f64 = 5.0;
const SIZE: (u32, u32) = (640, 480);
const HEIGHT_M: f64 = 40.0;
const VIEW_DEG: f64 = 60.0;

/// A place so many metres north and east of the middle of the flight.
fn place(north_m: f64, east_m: f64, height_m: f64) -> Position {
    Position { lat_deg: 30.0 + north_m / 110_852.4, lon_deg: 120.0 + east_m / 96_486.3, height_m }
}

/// The camera looks down and pans to and fro by 8 m: a picture is 46 m wide, so nobody leaves it.
fn sample(at_s: f64) -> Sample {
    let position = place(2.0 * (at_s / 7.0).cos(), 8.0 * (at_s / 5.0).sin(), HEIGHT_M);
    let aim = Aim::Earth(attitude(12.0 * (at_s / 9.0).sin(), -90.0, 0.0));
    Sample { at: at_s_of(at_s), position, vehicle: None, aim, zoom: 1.0 + 0.15 * (at_s / 11.0).sin() }
}

fn at_s_of(seconds: f64) -> Timestamp {
    Timestamp::from_secs_f64(seconds)
}

fn square(north_m: f64, east_m: f64, half_m: f64) -> GroundZone {
    let corner = |n: f64, e: f64| {
        let place = place(north_m + n, east_m + e, 0.0);
        [place.lon_deg, place.lat_deg]
    };
    let corners = [(-half_m, -half_m), (-half_m, half_m), (half_m, half_m), (half_m, -half_m)];
    GroundZone::new(&corners.map(|(n, e)| corner(n, e))).unwrap()
}

fn ground(flight: Flight, zone: GroundZone) -> GroundSetup {
    let uncertainty =
        Uncertainty { horizontal_m: 0.1, vertical_m: 0.1, heading_deg: 0.1, tilt_deg: 0.1, ..Uncertainty::default() };
    GroundSetup {
        flight: Arc::new(flight),
        lens: LensKind::View(VIEW_DEG),
        ground: Ground::level(0.0),
        zones: vec![(0, zone)],
        uncertainty,
        limits: Limits::default(),
        max_age_us: 1_500_000,
        has_gcj02: true,
    }
}

/// An engine that watches for loiterers in a zone on the ground.
fn flying(ground: Option<GroundSetup>) -> Engine {
    let mut setup = setup("loitering", |violation, _| {
        violation.parameters.insert("dwell_s".to_owned(), 10.0);
    });
    setup.streams.get_mut(&gate()).unwrap().ground = ground;
    engine_of(setup)
}

/// The box of a person who stands at a place, in the picture of an instant.
fn seen(at_s: f64, stands: &Position) -> BBox {
    let Sample { position, zoom, aim, .. } = sample(at_s);
    let Aim::Earth(camera) = aim else { unreachable!("the camera's aim is on earth") };
    let pose = Pose { position, camera, zoom, age_us: 0, uncertainty: Uncertainty::default() };
    let lens = forewarn_ground::Lens::of_view(VIEW_DEG, SIZE).unwrap();
    let foot = Shot::new(pose, &lens, SIZE).pixel(stands).unwrap();
    BBox::new(foot.x - 10.0, foot.y - 40.0, foot.x + 10.0, foot.y)
}

/// What becomes of one who stands at a place for `seconds`, and the tracks of the last frame.
fn stands(mut engine: Engine, at: &Position, seconds: f64) -> (Vec<IncidentRecord>, Vec<Track>) {
    let mut tracks = Vec::new();
    let records = play(&mut engine, 0..(seconds * FPS) as u32, |engine, n, now| {
        let detection = Detection { class: Class::new("person"), score: 0.9, bbox: seen(now.as_secs_f64(), at) };
        tracks = engine.analysed(&Analysed::whole(grey(n, now), vec![detection]), now).to_vec();
    });
    (records, tracks)
}

fn whole_flight() -> Flight {
    Flight::new((0..300).map(|n| sample(f64::from(n) / FPS)))
}

#[test]
fn who_stays_in_a_zone_on_the_ground_is_one_incident_with_a_place_on_earth() {
    let at = place(3.0, -2.0, 0.0);
    let (records, tracks) = stands(flying(Some(ground(whole_flight(), square(3.0, -2.0, 2.0)))), &at, 40.0);
    assert_eq!((records.len(), tracks.len()), (1, 1), "{records:#?}");
    let fix = records[0].subject.fix.unwrap();
    let off_m = ((fix.lat_deg - at.lat_deg) * 110_852.4).hypot((fix.lon_deg - at.lon_deg) * 96_486.3);
    assert!(off_m < 0.05, "{off_m} m, {fix:?}");
    assert!((0.1..3.0).contains(&fix.ellipse.major_m), "{fix:?}");
    assert!(fix.gcj02.is_some_and(|shifted| (shifted.lat_deg - fix.lat_deg).abs() > 1e-4));
}

#[test]
fn who_is_too_small_for_a_look_is_told_with_the_distance_that_would_do() {
    let mut setup = setup("loitering", |violation, _| {
        violation.parameters.insert("dwell_s".to_owned(), 10.0);
        violation.evidence.attributes = vec![AttributeId::new("hard_hat").unwrap()];
    });
    let at = place(3.0, -2.0, 0.0);
    setup.streams.get_mut(&gate()).unwrap().ground = Some(ground(whole_flight(), square(3.0, -2.0, 2.0)));
    let (records, _) = stands(engine_of(setup), &at, 16.0);
    let told: Vec<_> = records[0].fly_closer().map(|(about, within_m)| (about.as_str(), within_m)).collect();
    // From 40 m up and up to 11 m beside, with 40 of 64 pixels, when it was told last.
    let [("hard_hat", within_m)] = told[..] else { panic!("{records:#?}") };
    let Sample { position, .. } = sample(records[0].history.last().unwrap().at.as_secs_f64());
    let beside_m = ((position.lat_deg - at.lat_deg) * 110_852.4).hypot((position.lon_deg - at.lon_deg) * 96_486.3);
    let least_px = f64::from(AttributeNeed::default().least_height_px);
    let expected_m = HEIGHT_M.hypot(beside_m) * 40.0 / least_px;
    assert!((f64::from(within_m) - expected_m).abs() < 0.2, "{within_m} m, {expected_m} m");
}

#[test]
fn who_stands_beside_it_is_none_though_the_picture_passes_over() {
    let beside = place(3.0, 3.0, 0.0);
    assert_eq!(stands(flying(Some(ground(whole_flight(), square(3.0, -2.0, 2.0)))), &beside, 40.0).0, []);
}

#[test]
fn without_telemetry_nothing_is_judged_and_nobody_complied() {
    let at = place(3.0, -2.0, 0.0);
    let zone = || square(3.0, -2.0, 2.0);
    assert_eq!(stands(flying(Some(ground(Flight::default(), zone()))), &at, 40.0).0, []);
    // It falls silent for 20 s while the incident is open, and comes back.
    let gap = Flight::new((0..400).map(|n| f64::from(n) / FPS).filter(|s| !(20.0..40.0).contains(s)).map(sample));
    let (records, _) = stands(flying(Some(ground(gap, zone()))), &at, 50.0);
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].first_entered(IncidentState::Complied), None, "{records:#?}");
    assert!(records[0].first_entered(IncidentState::Persisted).is_some(), "{records:#?}");
}

/// The flight of a camera that turns away by 90° for some seconds, once it has looked down for 20.
fn turns_away(for_s: f64) -> Flight {
    let turned = move |n: u32| {
        let at_s = f64::from(n) / FPS;
        let part = ((at_s - 20.0) / 2.0).clamp(0.0, 1.0) - ((at_s - 22.0 - for_s) / 2.0).clamp(0.0, 1.0);
        let aim = Aim::Earth(attitude(0.0, -90.0 + 90.0 * part, 0.0));
        Sample { at: at_s_of(at_s), position: place(0.0, 0.0, HEIGHT_M), vehicle: None, aim, zoom: 1.0 }
    };
    Flight::new((0..400).map(turned))
}

#[test]
fn nobody_complies_because_the_camera_turns_away() {
    let at = place(3.0, -2.0, 0.0);
    for (violation, zone) in [("loitering", square(3.0, -2.0, 2.0)), ("crowding", square(3.0, -2.0, 2.0))] {
        let mut setup = setup(violation, |violation, _| {
            let parameters = if violation.parameters.contains_key("dwell_s") {
                vec![("dwell_s", 10.0)]
            } else {
                vec![("people", 1.0), ("hold_s", 5.0)]
            };
            violation.parameters.extend(parameters.into_iter().map(|(name, value)| (name.to_owned(), value)));
        });
        let flight = turns_away(12.0);
        let ground = ground(flight.clone(), zone);
        setup.streams.get_mut(&gate()).unwrap().ground = Some(ground.clone());
        let lens = forewarn_ground::Lens::of_view(VIEW_DEG, SIZE).unwrap();
        let records = play(&mut engine_of(setup), 0..(70.0 * FPS) as u32, |engine, n, now| {
            let pose = flight.at(now, ground.max_age_us, &ground.uncertainty).unwrap();
            let foot = Shot::new(pose, &lens, SIZE).pixel(&at);
            let seen = foot.map(|foot| BBox::new(foot.x - 10.0, foot.y - 40.0, foot.x + 10.0, foot.y));
            let is_seen = |b: &BBox| b.x0 >= 0.0 && b.y0 >= 0.0 && b.x1 <= SIZE.0 as f32 && b.y1 <= SIZE.1 as f32;
            let detection = |bbox| Detection { class: Class::new("person"), score: 0.9, bbox };
            let detections = seen.filter(is_seen).map(detection).into_iter().collect();
            engine.analysed(&Analysed::whole(grey(n, now), detections), now);
        });
        assert_eq!(records.len(), 1, "{violation}: {records:#?}");
        let entered = |state| records[0].first_entered(state);
        assert_eq!(
            (entered(IncidentState::Complied), entered(IncidentState::Lost)),
            (None, None),
            "{violation}: {records:#?}"
        );
        assert!(entered(IncidentState::Persisted).is_some(), "{violation}: {records:#?}");
    }
}

/// What a drone's loudspeaker is given to say, and what the incident tells in the end, where it is heard so far.
fn warned(range_m: f64) -> (Vec<String>, Vec<IncidentRecord>) {
    let at = place(3.0, -2.0, 0.0);
    let mut setup = setup("loitering", |violation, _| {
        violation.parameters.insert("dwell_s".to_owned(), 10.0);
    });
    setup.streams.get_mut(&gate()).unwrap().ground = Some(ground(whole_flight(), square(3.0, -2.0, 2.0)));
    let horn = SpeakerId::new("belly").unwrap();
    setup.policies.values_mut().for_each(|policy| policy.speakers = vec![horn.clone()]);
    setup.payloads.insert(horn, Payload { range_m });
    let (mut engine, mut said, mut records) = (engine_of(setup), Vec::new(), BTreeMap::new());
    play(&mut engine, 0..200, |engine, n, now| {
        let detection = Detection { class: Class::new("person"), score: 0.9, bbox: seen(now.as_secs_f64(), &at) };
        engine.analysed(&Analysed::whole(grey(n, now), vec![detection]), now);
        while let Some(output) = engine.poll_output() {
            match output {
                Output::Announce(announcement) => said.push(announcement.text.text),
                Output::Report(report) => drop(records.insert(report.incident.id.clone(), report.incident)),
                _ => {}
            }
        }
    });
    (said, records.into_values().collect())
}

#[test]
fn a_loudspeaker_that_flies_warns_whom_it_reaches_and_says_one_sentence() {
    // The drone is 40 m up, so that level distance alone would say that 20 m are enough.
    let (said, records) = warned(20.0);
    assert_eq!((said, records.len()), (Vec::new(), 1));
    let tried: Vec<&Tried> = records[0].history.iter().flat_map(|step| &step.tried).collect();
    assert!(!tried.is_empty() && tried.iter().all(|tried| tried.failed == Some(FailureKind::OutOfRange)), "{tried:#?}");
    let why = tried[0].why.as_deref().unwrap();
    assert!(why.starts_with("the subject is 4") && why.ends_with("heard within 20 m"), "{why}");
    assert!(records[0].warning_not_delivered, "{records:#?}");
    let (said, _) = warned(60.0);
    assert!(
        !said.is_empty() && said.iter().all(|text| text.matches('.').count() == 1 && text.ends_with('.')),
        "{said:?}"
    );
}

#[test]
fn a_live_flight_is_heard_sample_by_sample() {
    let at = place(3.0, -2.0, 0.0);
    let mut engine = flying(Some(ground(Flight::default(), square(3.0, -2.0, 2.0))));
    let records = play(&mut engine, 0..150, |engine, n, now| {
        engine.telemetry(&gate(), sample(now.as_secs_f64()));
        let detection = Detection { class: Class::new("person"), score: 0.9, bbox: seen(now.as_secs_f64(), &at) };
        engine.analysed(&Analysed::whole(grey(n, now), vec![detection]), now);
    });
    assert_eq!(records.len(), 1, "{records:#?}");
}

/// A street with much to see on it, from a camera that has panned so many pixels to the right.
fn panned(n: u32, at: Timestamp, right_px: usize) -> Frame {
    let (width, height) = (SIZE.0 as usize, SIZE.1 as usize);
    let stone = |x: usize, y: usize| ((x / 16).wrapping_mul(2_654_435_761) ^ (y / 16).wrapping_mul(40_503_297)) >> 7;
    let luma = (0..width * height).map(|i| 70 + (stone(i % width + right_px, i / width) % 120) as u8);
    frame(n, at, luma.chain(std::iter::repeat_n(128, width * height / 2)).collect())
}

#[test]
fn without_telemetry_who_stands_on_the_ground_is_told_from_who_stands_in_the_picture() {
    let setup = setup("illegal_parking", |violation, _| {
        violation.parameters.insert("stationary_s".to_owned(), 5.0);
    });
    // The camera pans by 30 pixels a second, and one car drives along with it.
    let records = play(&mut engine_of(setup), 0..60, |engine, n, now| {
        let right_px = 6 * n as usize;
        let parked = 480.0 - right_px as f32;
        let boxes = [[parked, 100.0, parked + 90.0, 150.0], [260.0, 300.0, 350.0, 350.0]];
        let car = |bbox: [f32; 4]| Detection { class: Class::new("car"), score: 0.9, bbox: bbox.into() };
        engine.analysed(&Analysed::whole(panned(n, now, right_px), boxes.map(car).to_vec()), now);
    });
    assert_eq!(records.len(), 1, "{records:#?}");
    assert!(records[0].subject.bbox.y0 < 200.0, "the one that stands on the ground: {records:#?}");
}

#[test]
fn a_height_or_a_zone_that_is_not_that_of_the_flight_is_told() {
    let doubts = |ground: GroundSetup| {
        let mut engine = flying(Some(ground));
        play(&mut engine, 0..75, |engine, n, now| {
            engine.analysed(&Analysed::whole(grey(n, now), Vec::new()), now);
        });
        let told: Vec<String> = engine.ground_doubts(&gate()).iter().map(ToString::to_string).collect();
        (told.join("; "), engine.ground_trouble().unwrap_or_default())
    };
    let here = || ground(whole_flight(), square(3.0, -2.0, 2.0));
    assert_eq!(doubts(here()), (String::new(), String::new()));
    let (told, trouble) = doubts(GroundSetup { ground: Ground::level(500.0), ..here() });
    assert!(told.contains("in any of 75 frames, as the camera is told 460.0 m or more below it"), "{told}");
    assert!(trouble.starts_with("camera gate: the camera is told below the ground"), "{trouble}");
    let (told, trouble) = doubts(ground(whole_flight(), square(0.0, 480_000.0, 20.0)));
    assert!(told.contains("` was never in view; the camera came no nearer than 4"), "{told}");
    assert!(trouble.contains("is more than 4") && trouble.contains("0 km away"), "{trouble}");
    // One beside the way is told when the flight is over, and may yet be flown to.
    let (told, trouble) = doubts(ground(whole_flight(), square(300.0, 0.0, 20.0)));
    assert!(told.contains("the camera came as near as 27") && trouble.is_empty(), "{told}{trouble}");
    // Who stands on the ground is told a little below it.
    assert_eq!(doubts(GroundSetup { ground: Ground::level(HEIGHT_M + 2.0), ..here() }).1, "");
}
