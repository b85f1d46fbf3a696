//! A drone at 20 m looks down while somebody walks below it.

use std::collections::BTreeMap;
use std::sync::Arc;

use forewarn_analytics::{CompiledRule, RuleBinding};
use forewarn_domain::clock::UnknownCivilTime;
use forewarn_domain::zone::{Zone, ZoneShape, ZoneUnit};
use forewarn_domain::{
    BBox, Class, ColourMatrix, Detection, Frame, FrameMeta, PixelFormat, Point, Polygon, RuleKey, StreamId, Timestamp,
    Violation, ViolationId, WallTime, ZoneId,
};
use forewarn_engine::civil_time::SiteTime;
use forewarn_engine::{Analysed, Engine, EngineSetup, GroundSetup, LensKind, StreamSetup};
use forewarn_ground::{Aim, Flight, Ground, Limits, Position, Sample, Uncertainty, attitude};
use forewarn_memory::Keeper as _;
use forewarn_mission::flown::Flown;
use forewarn_mission::keeper::MissionKeeper;
use forewarn_mission::log::Notes;
use forewarn_mission::paper::{Mission, Missions, Order};
use forewarn_mission::people::count;
use jiff::tz::TimeZone;

const SIZE: (u32, u32) = (640, 480);

fn drone() -> StreamId {
    StreamId::new("drone").unwrap()
}

/// A rule that asks for hats, of which a look needs a box of 64 pixels, and that nobody breaks.
fn hats() -> CompiledRule {
    let violation: Violation = serde_json::from_value(serde_json::json!({
        "id": "crowd", "title": { "en": "A crowd" }, "subject": ["person"],
        "condition": { "dwell": { "for_s": 3600, "by": "foot" } },
        "evidence": { "attributes": ["hard_hat"] },
    }))
    .unwrap();
    let key =
        RuleKey { stream: drone(), violation: ViolationId::new("crowd").unwrap(), zone: ZoneId::new("whole").unwrap() };
    let corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)].map(|(x, y)| Point { x, y });
    let shape = ZoneShape::Polygon(Polygon { points: corners.to_vec() });
    let zone = Zone { id: key.zone.clone(), shape, unit: ZoneUnit::Normalised };
    CompiledRule::compile(&violation, &RuleBinding::new(key, vec![zone])).unwrap()
}

/// An engine whose camera hovers until a second, after which telemetry is silent.
fn engine(until_s: u32) -> Engine {
    let sample = |second: u32| Sample {
        at: Timestamp::from_secs_f64(f64::from(second)),
        position: Position { lat_deg: 30.0, lon_deg: 120.0, height_m: 20.0 },
        vehicle: None,
        aim: Aim::Earth(attitude(0.0, -90.0, 0.0)),
        zoom: 1.0,
    };
    let ground = GroundSetup {
        flight: Arc::new(Flight::new((0..=until_s).map(sample))),
        lens: LensKind::View(90.0),
        ground: Ground::level(0.0),
        zones: Vec::new(),
        uncertainty: Uncertainty::default(),
        limits: Limits::default(),
        max_age_us: 2_000_000,
        has_gcj02: false,
    };
    let setup = StreamSetup { ground: Some(ground), rules: vec![hats()], ..StreamSetup::default() };
    let streams = BTreeMap::from([(drone(), setup)]);
    Engine::new(EngineSetup { streams, ..EngineSetup::default() }, Arc::new(UnknownCivilTime))
}

/// Lets a keeper see the seconds of a flight, five pictures each. Somebody walks to the right, in red.
fn fly(keeper: &mut MissionKeeper, engine: &mut Engine, seconds: std::ops::Range<u32>) {
    for n in seconds.start * 5..seconds.end * 5 {
        let at = Timestamp::from_secs_f64(f64::from(n) / 5.0);
        let meta = FrameMeta { stream: drone(), sequence: u64::from(n), captured_at: at, arrived_at: at };
        let pixels: Vec<u8> = [180, 40, 40].repeat((SIZE.0 * SIZE.1) as usize);
        let frame = Frame::packed(meta, PixelFormat::Rgb8, ColourMatrix::BT601, SIZE, pixels).unwrap();
        let x = 100.0 + n as f32;
        let walker = Detection { class: Class::new("person"), score: 0.9, bbox: BBox::new(x, 200.0, x + 20.0, 250.0) };
        let analysed = Analysed::whole(frame, vec![walker]);
        let tracks = engine.analysed(&analysed, at).to_vec();
        keeper.observe(&analysed.frame, &tracks);
        keeper.turn(engine, at);
    }
}

fn mission(missions: &Missions) -> Mission {
    let order = Order { route: "hill".to_owned(), pilot: "Li".to_owned(), note: None };
    let started_at = WallTime::from_micros(0);
    let (site, time_zone) = ("hill".to_owned(), "UTC".to_owned());
    let mission = Mission { id: "m1".to_owned(), order, site, time_zone, started_at, ended_at: None, is_clip: false };
    missions.write(&mission).unwrap();
    mission
}

fn keeper(missions: &Missions, mission: &Mission) -> MissionKeeper {
    MissionKeeper::given(missions.clone(), mission.clone(), SiteTime::live(TimeZone::UTC))
}

#[test]
fn a_flight_is_noted_each_second_and_after_a_power_cut_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let missions = Missions::at(dir.path());
    let mission = mission(&missions);
    fly(&mut keeper(&missions, &mission), &mut engine(100), 0..47);
    // Nobody said goodbye: what was noted since the last write is lost, five seconds at most.
    let cut = Notes::read(&missions.notes(&mission)).unwrap();
    assert!((42..=47).contains(&cut.shots.len()), "{}", cut.shots.len());
    let (mut after, mut again) = (keeper(&missions, &mission), engine(100));
    fly(&mut after, &mut again, 55..70);
    after.finish(&mut again, Timestamp::from_secs_f64(70.0));
    let notes = Notes::read(&missions.notes(&mission)).unwrap();
    assert_eq!((notes.damaged, notes.shots.len()), (0, cut.shots.len() + 15));
    assert_eq!(notes.people.len(), 2, "tracks are counted anew after the cut");
    let counted = count(&notes.people);
    assert_eq!((counted.people.len(), counted.least, counted.most), (1, 1, 2), "and the walker is one all the same");
}

#[test]
fn ground_is_as_wide_as_the_lens_sees_it_and_blind_seconds_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let missions = Missions::at(dir.path());
    let mission = mission(&missions);
    let (mut keeper, mut engine) = (keeper(&missions, &mission), engine(10));
    fly(&mut keeper, &mut engine, 0..20);
    keeper.finish(&mut engine, Timestamp::from_secs_f64(20.0));
    let flown = Flown::of(&Notes::read(&missions.notes(&mission)).unwrap());
    // 90° across from 20 m are 40 m by 30 m.
    let seen = flown.coverage.as_ref().unwrap().area_m2(0.0, f64::INFINITY);
    assert!((seen / 1_200.0 - 1.0).abs() < 0.06, "{seen}");
    assert_eq!((flown.heights_m, flown.notes), (Some((20.0, 20.0)), 20));
    assert!((6..=8).contains(&flown.blind), "telemetry holds for 2 s: {}", flown.blind);
}

#[test]
fn who_is_too_small_for_a_look_is_noted_with_the_distance_that_would_do() {
    let dir = tempfile::tempdir().unwrap();
    let missions = Missions::at(dir.path());
    let mission = mission(&missions);
    let (mut keeper, mut engine) = (keeper(&missions, &mission), engine(10));
    fly(&mut keeper, &mut engine, 0..8);
    keeper.finish(&mut engine, Timestamp::from_secs_f64(8.0));
    let notes = Notes::read(&missions.notes(&mission)).unwrap();
    // From 20 m up they are 50 of 64 pixels high, some metres off the middle of the picture.
    let within_m = notes.people[0].fly_within_m["hard_hat"];
    assert!((20.0 * 50.0 / 64.0..20.0).contains(&within_m), "{within_m} m");
    let worn = count(&notes.people).worn["hard_hat"];
    assert_eq!((worn.unclear, worn.too_far, worn.fly_within_m), (1, 1, Some(within_m as u32)));
}
