//! Detections, readings, things and values of sensors become incidents.

mod adoption;
mod allocations;
mod excluded;
mod flying;
mod looked;

use forewarn_analytics::RuleBinding;
use forewarn_analytics::luma::FloorEstimate;
use forewarn_domain::{Answer, Class, IncidentState, Look, Point, Reading, Unclear, Verdict, Violation, ZoneId};
use forewarn_incident::Output;

use super::*;
use crate::testing::{at_s, engine, engine_of, frame, gate, grey, play, setup};

/// What a scene of one person in front of the camera comes to; `says` answers each look.
fn outcome(says: impl Fn(f64) -> Answer) -> Vec<IncidentRecord> {
    play(&mut engine("no_hard_hat"), 0..900, |engine, n, at| {
        let bbox = BBox::new(200.0, 100.0, 280.0, 300.0);
        let detection = Detection { class: Class::new("person"), score: 0.9, bbox };
        engine.analysed(&Analysed::whole(grey(n, at), vec![detection]), at);
        let reading = |look: &Look| Reading {
            track: look.track,
            attribute: look.attribute.clone(),
            at,
            bbox: look.bbox,
            quality: 0.8,
            answer: says(at.as_secs_f64()),
        };
        let readings: Vec<Reading> = engine.take_looks(&gate()).iter().map(reading).collect();
        engine.read(&gate(), &readings);
    })
}

#[test]
fn who_puts_the_hat_on_complies_who_turns_away_is_lost_and_who_is_never_seen_well_is_no_incident() {
    let hat = |at: f64| Answer::Probability(if at < 20.0 { 0.02 } else { 0.98 });
    let complied = outcome(hat);
    let entered = |record: &IncidentRecord, state| record.first_entered(state).map(Timestamp::as_secs_f64);
    assert_eq!(complied.len(), 1);
    assert!(entered(&complied[0], IncidentState::Complied).is_some_and(|at| (22.0..32.0).contains(&at)));
    assert_eq!(complied[0].findings[0].verdict, Verdict::Yes);

    let turned =
        outcome(|at| if at < 20.0 { Answer::Probability(0.02) } else { Answer::CannotTell(Unclear::TurnedAway) });
    assert_eq!((turned.len(), entered(&turned[0], IncidentState::Complied)), (1, None));
    assert!(entered(&turned[0], IncidentState::Lost).is_some());
    assert_eq!(turned[0].findings[0].verdict, Verdict::No, "what was told is not undone");

    assert_eq!(outcome(|_| Answer::CannotTell(Unclear::TooSmall)), Vec::new());
    let (n_looks, even) = (std::cell::Cell::new(0_u32), |n: u32| if n.is_multiple_of(2) { 0.02 } else { 0.98 });
    let torn = |_: f64| Answer::Probability(even(n_looks.replace(n_looks.get() + 1)));
    assert_eq!(outcome(torn), Vec::new());
}

/// The incidents where the camera sees `people`, with whatever `also` hands in before each frame.
fn incidents(
    mut engine: Engine,
    seconds: u32,
    people: u32,
    also: impl Fn(&mut Engine, Timestamp),
) -> Vec<IncidentRecord> {
    play(&mut engine, 0..seconds * 5, |engine, n, at| {
        also(engine, at);
        let detections = (0..people).map(|i| Detection {
            class: Class::new("person"),
            score: 0.9,
            bbox: BBox::new(60.0 * i as f32, 100.0, 60.0 * i as f32 + 40.0, 220.0),
        });
        engine.analysed(&Analysed::whole(grey(n, at), detections.collect()), at);
    })
}

/// A street with cobbles, and rubbish on it if there is some: bright and dark pieces.
fn street(rubbish: Option<BBox>) -> Vec<u8> {
    let mut samples = vec![128; 640 * 480 * 3 / 2];
    for (i, sample) in samples.iter_mut().take(640 * 480).enumerate() {
        let (x, y) = (i % 640, i / 640);
        let is_rubbish =
            rubbish.is_some_and(|b| (b.x0..b.x1).contains(&(x as f32)) && (b.y0..b.y1).contains(&(y as f32)));
        let cobble = 100 + ((x / 12) * 7 + (y / 12) * 5) % 9;
        *sample = if is_rubbish { 30 + 150 * ((x / 9 + y / 7) % 2) as u8 } else { cobble as u8 };
    }
    samples
}

/// What comes of a truck that stands beside some rubbish from 40 s on; the rubbish is there from 45 s on, the truck
/// drives off at 60 s if it `leaves`.
fn truck_and_rubbish(leaves: bool, sees_truck: bool) -> Vec<IncidentRecord> {
    truck_and_rubbish_by(engine("dumping"), (leaves, sees_truck), |_, _| ())
}

/// The same of an engine to which `also` is done before each frame.
fn truck_and_rubbish_by(
    mut engine: Engine,
    (leaves, sees_truck): (bool, bool),
    also: impl Fn(&mut Engine, Timestamp),
) -> Vec<IncidentRecord> {
    let (clean, littered) = (street(None), street(Some(BBox::new(392.0, 380.0, 446.0, 424.0))));
    play(&mut engine, 0..130 * 5, |engine, n, at| {
        also(engine, at);
        let at_s = at.as_secs_f64();
        let x = if leaves && at_s > 60.0 { 230.0 + (at_s - 60.0) as f32 * 60.0 } else { 230.0 };
        let bbox = BBox::new(x, 250.0, x + 150.0, 410.0).clamped(640, 480);
        let is_there = sees_truck && at_s >= 40.0 && bbox.width() > 10.0;
        let truck = is_there.then(|| Detection { class: Class::new("truck"), score: 0.9, bbox });
        let picture = if at_s >= 45.0 { littered.clone() } else { clean.clone() };
        engine.analysed(&Analysed::whole(frame(n, at, picture), truck.into_iter().collect()), at);
    })
}

#[test]
fn what_was_dumped_is_an_incident_that_tells_who_brought_it() {
    let found = truck_and_rubbish(true, true);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (found[0].findings[0].about.as_str(), found[0].findings[0].text.as_deref()),
        ("brought_by", Some("truck 1"))
    );
    let confirmed_s = found[0].first_entered(IncidentState::Confirmed).unwrap().as_secs_f64();
    assert!((85.0..95.0).contains(&confirmed_s), "it lies there for 40 s: {confirmed_s}");
    let b = found[0].subject.bbox;
    assert!((b.x0 - 392.0).abs() < 12.0 && (b.y1 - 424.0).abs() < 12.0, "{b:?}");
    assert_eq!(truck_and_rubbish(false, true), Vec::new(), "whoever brought it is still there");
    assert_eq!(truck_and_rubbish(true, false), Vec::new(), "nobody brought it");
}

#[test]
fn what_was_learned_of_a_scene_outlives_a_restart() {
    let shop = || {
        engine_of(setup("goods_outside_shop", |_, binding| {
            binding.parameters.insert("stays_s".to_owned(), 8.0);
        }))
    };
    let n_confirmed = |engine: &mut Engine, span: std::ops::Range<u32>, goods: Option<BBox>| {
        let picture = street(goods);
        let told = play(engine, span, |engine, n, at| {
            engine.analysed(&Analysed::whole(frame(n, at, picture.clone()), Vec::new()), at);
        });
        told.iter().filter(|record| record.first_entered(IncidentState::Confirmed).is_some()).count()
    };
    let goods = Some(BBox::new(392.0, 380.0, 446.0, 424.0));
    let mut before = shop();
    assert_eq!(n_confirmed(&mut before, 0..200, None), 0);
    let learned = before.scenes(at_s(40.0)).remove(0);
    let mut after = shop();
    after.recall_scene(&gate(), learned.1);
    assert_eq!(n_confirmed(&mut after, 300..500, goods), 1, "the goods stand there since the restart");
    let mut forgetful = shop();
    assert_eq!(n_confirmed(&mut forgetful, 300..500, goods), 0, "without the scene they are taken for it");
}

/// A fall from a floor.
fn fall_from(likeliest: u32) -> Fall {
    Fall {
        id: 1,
        start: Point::new(300.0, 100.0),
        end: Point::new(310.0, 400.0),
        release: Point::new(300.0, 90.0),
        started_at: at_s(9.0),
        ended_at: at_s(10.0),
        acceleration_px_s2: 300.0,
        path: vec![],
        size_px: 9.0,
        confidence: 0.8,
        floor: Some(FloorEstimate { likeliest, lowest: likeliest, is_within_view: true }),
    }
}

#[test]
fn what_fell_is_an_incident_with_its_floor() {
    let drop_at_10_s = |likeliest| {
        move |engine: &mut Engine, at: Timestamp| {
            if at == at_s(10.0) {
                engine.fell(&gate(), fall_from(likeliest));
            }
        }
    };
    let found = incidents(engine("thrown_object"), 100, 0, drop_at_10_s(5));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].first_entered(IncidentState::Confirmed), Some(at_s(10.0)));
    assert_eq!((found[0].findings[0].about.as_str(), found[0].state), ("fell_from", IncidentState::Closed));
    assert_eq!(
        incidents(engine("thrown_object"), 100, 0, drop_at_10_s(1)),
        Vec::new(),
        "from the ground floor nothing falls far"
    );
}

#[test]
fn what_fell_after_the_last_frame_is_an_incident() {
    let mut engine = engine("thrown_object");
    let last = grey(0, at_s(10.0));
    engine.analysed(&Analysed::whole(last.clone(), Vec::new()), at_s(10.0));
    engine.fell(&gate(), fall_from(5));
    engine.finish(&last, at_s(10.5));
    let open: Vec<_> = engine.open_incidents().iter().map(|record| record.state).collect();
    assert_eq!(open.len(), 1, "{open:?}");
    engine.finish(&last, at_s(10.6));
    assert_eq!(engine.open_incidents().len(), 1, "it is told once");
}

/// An engine of a camera whose rule is about the sensor `fume`.
fn fume_engine(change: impl FnOnce(&mut Violation, &mut RuleBinding)) -> (Engine, SensorId) {
    let fume = SensorId::new("fume").unwrap();
    let setup = setup("sensor_over_threshold", |violation, binding| {
        binding.sensor = Some(fume.clone());
        change(violation, binding);
    });
    (engine_of(setup), fume)
}

#[test]
fn a_sensor_over_its_threshold_is_an_incident_of_its_camera_and_ends_when_it_is_back() {
    let (engine, fume) = fume_engine(|_, _| {});
    let found = incidents(engine, 300, 0, |engine, at| {
        let seconds = at.as_secs_f64();
        if seconds % 10.0 == 0.0 {
            let value = if (50.0..200.0).contains(&seconds) { 3.5 } else { 1.0 };
            engine.sensor(&fume, value, at, at);
        }
    });
    assert_eq!(found.len(), 1);
    let at = |state| found[0].first_entered(state).map(Timestamp::as_secs_f64);
    assert_eq!(at(IncidentState::Confirmed), Some(110.0));
    assert!(at(IncidentState::Complied).is_some_and(|at| (229.0..235.0).contains(&at)));
    assert_eq!((found[0].subject.class.as_str(), found[0].findings[0].about.as_str()), ("sensor", "fume"));
    assert_eq!(
        incidents(fume_engine(|_, _| {}).0, 100, 3, |_, _| {}),
        Vec::new(),
        "a sensor that is silent raises nothing"
    );
}

#[test]
fn a_sensor_that_falls_silent_is_lost_by_time_alone_and_has_not_complied() {
    let (mut engine, fume) = fume_engine(|violation, binding| {
        binding.parameters.extend([("over_s".to_owned(), 10.0), ("silent_s".to_owned(), 60.0)]);
        violation.observe.lost_after_s = 120.0;
    });
    let mut latest = None;
    // No frame ever comes; the values end after a minute.
    let end = at_s(1000.0);
    let mut values = (0..7).map(|n| at_s(f64::from(n) * 10.0)).peekable();
    loop {
        let value = values.peek().copied();
        let Some(at) =
            [value, engine.poll_timeout().map(|(at, _)| at)].into_iter().flatten().min().filter(|at| *at < end)
        else {
            break;
        };
        if value == Some(at) {
            values.next();
            engine.sensor(&fume, 3.0, at, at);
        } else {
            engine.timeout(at);
        }
        while let Some(output) = engine.poll_output() {
            if let Output::Report(report) = output {
                latest = Some(report.incident);
            }
        }
    }
    let record = latest.unwrap();
    let entered = |state| record.first_entered(state).map(Timestamp::as_secs_f64);
    assert_eq!(entered(IncidentState::Confirmed), Some(10.0));
    assert_eq!(entered(IncidentState::Complied), None);
    let lost = entered(IncidentState::Lost).or(entered(IncidentState::Closed));
    // The last view is that of the last moment in which the value still counted.
    assert!(lost.is_some_and(|at| (179.0..=241.0).contains(&at)), "{record:?}");
}

#[test]
fn a_density_takes_the_area_that_the_site_states() {
    let hall = |area_m2| {
        engine_of(setup("crowd_density", |_, binding| {
            binding.areas_m2.insert(ZoneId::new("whole").unwrap(), area_m2);
        }))
    };
    let nothing = |_: &mut Engine, _: Timestamp| {};
    assert_eq!(incidents(hall(6.0), 30, 9, nothing).len(), 1);
    assert_eq!(incidents(hall(9.0), 30, 9, nothing).len(), 0);
}
