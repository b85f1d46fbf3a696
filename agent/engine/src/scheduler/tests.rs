//! No stream starves, the budget is kept, and streams with open incidents come first, whatever the load.

use proptest::prelude::*;

use super::*;

/// One stream of a simulated load.
#[derive(Debug, Clone)]
struct Camera {
    settings: StreamSettings,
    fps: f64,
    tracks: usize,
    open_incidents: usize,
    /// Seconds of motion, then of stillness, over and over.
    motion: (f64, f64),
    decoding: Decoding,
}

#[derive(Debug, Clone)]
struct Load {
    settings: Settings,
    cameras: Vec<Camera>,
    /// The least and the largest cost of a picture.
    cost: (f64, f64),
    /// Threads of one inference.
    threads: f64,
    /// Crops wanted a second.
    crops: f64,
    for_s: f64,
}

#[derive(Debug, Default)]
struct Outcome {
    looks: Vec<usize>,
    longest_gap_s: Vec<f64>,
    /// Seconds of looking, by frames and by extras.
    busy_s: (f64, f64),
    crops: usize,
    bound_s: f64,
}

fn id(i: usize) -> StreamId {
    StreamId::new(format!("c{i}")).unwrap()
}

fn at(seconds: f64) -> Timestamp {
    Timestamp::from_secs_f64(seconds)
}

/// Plays a load: one thread that looks, frames that come by and by, costs that vary.
fn play(load: &Load) -> (Outcome, Scheduler) {
    let mut scheduler = Scheduler::new(load.settings, load.cost.1);
    for (i, camera) in load.cameras.iter().enumerate() {
        scheduler.add(id(i), camera.settings);
        scheduler.scene(&id(i), Scene { tracks: camera.tracks, open_incidents: camera.open_incidents });
        scheduler.decoding(&id(i), camera.decoding);
    }
    let spent_on = |cpu_s: f64| (cpu_s, cpu_s / load.threads);
    let n = load.cameras.len();
    let mut outcome = Outcome { looks: vec![0; n], longest_gap_s: vec![0.0; n], ..Outcome::default() };
    let mut last = vec![0.0; n];
    let mut taken_frame = vec![-1.0; n];
    let (mut now, mut wave, mut crops_done) = (0.0, 0.37_f64, 0);
    while now < load.for_s {
        for (i, camera) in load.cameras.iter().enumerate() {
            let newest = (now * camera.fps).floor();
            let arrived_at = at(newest / camera.fps);
            if newest > taken_frame[i] && scheduler.glance_due(&id(i)) <= Some(arrived_at) {
                taken_frame[i] = newest;
                let (moves, rests) = camera.motion;
                scheduler.fresh(&id(i), now % (moves + rests) < moves, arrived_at, at(now));
            }
        }
        let wanted = ((now * load.crops) as usize).saturating_sub(crops_done).min(64);
        scheduler.crops_waiting(wanted, at(now));
        let job = scheduler.next(at(now));
        // Costs that vary, always in the same manner.
        wave = (wave * 997.0 + 0.123).fract();
        let each = load.cost.0 + (load.cost.1 - load.cost.0) * wave;
        match job {
            Some(Job::Frames { streams, .. }) => {
                assert!(!streams.is_empty() && streams.len() <= load.settings.batch);
                scheduler.taken(&streams, at(now));
                let (cpu_s, wall_s) = spent_on(streams.len() as f64 * each);
                for stream in &streams {
                    let i: usize = stream.as_str()[1..].parse().unwrap();
                    outcome.looks[i] += 1;
                    outcome.longest_gap_s[i] = f64::max(outcome.longest_gap_s[i], now - last[i]);
                    last[i] = now;
                }
                now += wall_s;
                outcome.busy_s.0 += cpu_s;
                scheduler.spent(Spent { frames: streams.len(), tiles: 0, crops: 0, cpu_s, wall_s });
            }
            Some(Job::Crops { most }) => {
                assert!((1..=wanted).contains(&most));
                let (cpu_s, wall_s) = spent_on(each / 8.0 * most as f64);
                (crops_done, outcome.crops) = (crops_done + most, outcome.crops + most);
                now += wall_s;
                outcome.busy_s.1 += cpu_s;
                scheduler.spent(Spent { frames: 0, tiles: 0, crops: most, cpu_s, wall_s });
            }
            None => {
                let fastest = load.cameras.iter().map(|camera| camera.fps).fold(1.0, f64::max);
                let next_frame = ((now * fastest).floor() + 1.0) / fastest;
                let wake = scheduler.wake_at(at(now)).map_or(next_frame, Timestamp::as_secs_f64);
                now = wake.clamp(now + 1e-5, next_frame.max(now + 1e-5));
            }
        }
        outcome.bound_s = outcome.bound_s.max(scheduler.bound_s());
    }
    for (gap, last) in outcome.longest_gap_s.iter_mut().zip(last) {
        *gap = gap.max(now - last);
    }
    (outcome, scheduler)
}

fn camera(target_fps: f64) -> Camera {
    let settings = StreamSettings {
        interval: Duration::from_secs_f64(1.0 / target_fps),
        idle: Duration::from_secs(1),
        empty: Duration::from_secs(2),
        is_gated: true,
        brief: Duration::from_secs(3),
    };
    Camera { settings, fps: 25.0, tracks: 1, open_incidents: 0, motion: (1.0, 0.0), decoding: Decoding::default() }
}

fn load(cameras: Vec<Camera>, budget: f64) -> Load {
    let settings = Settings { budget, batch: 4 };
    Load { settings, cameras, cost: (0.03, 0.05), threads: 1.0, crops: 0.0, for_s: 60.0 }
}

#[test]
fn enough_budget_gives_every_stream_its_target() {
    let (outcome, scheduler) = play(&load(vec![camera(5.0), camera(2.0)], 1.5));
    assert!(!scheduler.is_short());
    assert!((outcome.looks[0] as f64 / 60.0 - 5.0).abs() < 0.3, "{outcome:?}");
    assert!((outcome.looks[1] as f64 / 60.0 - 2.0).abs() < 0.2, "{outcome:?}");
}

#[test]
fn a_short_budget_lowers_equal_streams_evenly() {
    let (outcome, scheduler) = play(&load(vec![camera(5.0); 16], 0.75));
    assert!(scheduler.is_short());
    let (least, most) = (outcome.looks.iter().min().unwrap(), outcome.looks.iter().max().unwrap());
    assert!(most - least <= 3, "{outcome:?}");
    // 0.75 / 0.04 s a look = 18.75 looks a second for 16 streams.
    let rate = *least as f64 / 60.0;
    assert!((rate - 1.17).abs() < 0.15, "{rate}");
    assert!(outcome.busy_s.0 <= 0.75 * 60.0 + 0.5, "{outcome:?}");
    for (_, fare) in scheduler.fares(at(60.0)) {
        assert!((fare.target - 5.0).abs() < 1e-9 && fare.planned.rate < 1.5, "{fare:?}");
    }
}

#[test]
fn the_fastest_are_lowered_first() {
    let mut cameras = vec![camera(10.0); 4];
    cameras.extend(vec![camera(1.0); 4]);
    let (outcome, _) = play(&load(cameras, 0.5));
    let slow = outcome.looks[4..].iter().min().unwrap();
    assert!(*slow as f64 / 60.0 > 0.9, "streams that ask for little get it: {outcome:?}");
}

#[test]
fn a_box_that_is_eased_looks_at_its_share_and_no_less_than_the_least() {
    let of = |share: f64| {
        let (_, mut scheduler) = play(&load(vec![camera(5.0), Camera { open_incidents: 1, ..camera(2.0) }], 1.5));
        scheduler.ease(share);
        scheduler.next(at(60.0));
        let fares: Vec<Fare> = scheduler.fares(at(60.0)).map(|(_, fare)| fare).collect();
        assert!(!scheduler.is_short(), "{fares:?}");
        [fares[0].planned.rate, fares[1].planned.rate]
    };
    assert_eq!(of(1.0), [5.0, 2.0]);
    assert_eq!(of(0.5), [2.5, 1.0]);
    assert_eq!(of(0.2), [1.0, 1.0], "somebody is tracked: once a second");
}

#[test]
fn streams_with_open_incidents_come_first_and_nobody_starves() {
    let mut cameras = vec![camera(5.0); 12];
    cameras[3].open_incidents = 1;
    let (outcome, _) = play(&load(cameras, 0.75));
    assert!(outcome.looks[3] as f64 / 60.0 > 4.0, "{outcome:?}");
    let others: Vec<usize> = outcome.looks.iter().enumerate().filter(|(i, _)| *i != 3).map(|(_, n)| *n).collect();
    assert!(others.iter().all(|n| *n as f64 / 60.0 > 0.9), "{outcome:?}");
}

#[test]
fn still_scenes_are_looked_at_seldom_but_in_time() {
    let mut cameras = vec![camera(5.0); 3];
    cameras[1].motion = (0.0, 1.0);
    cameras[2].motion = (0.0, 1.0);
    cameras[2].tracks = 0;
    let (outcome, _) = play(&load(cameras, 1.5));
    let rates: Vec<f64> = outcome.looks.iter().map(|n| *n as f64 / 60.0).collect();
    assert!(rates[0] > 4.6 && (rates[1] - 1.0).abs() < 0.1 && (rates[2] - 0.5).abs() < 0.1, "{rates:?}");
    assert!(outcome.longest_gap_s[1] < 1.3 && outcome.longest_gap_s[2] < 2.3, "{outcome:?}");
}

#[test]
fn crops_have_their_share_and_no_more_while_frames_wait() {
    let mut busy = load(vec![camera(5.0); 16], 0.75);
    busy.crops = 500.0;
    let (outcome, _) = play(&busy);
    let share = outcome.busy_s.1 / (outcome.busy_s.0 + outcome.busy_s.1);
    assert!((share - EXTRAS_SHARE).abs() < 0.05, "{share}");
    let mut calm = load(vec![camera(2.0)], 0.75);
    calm.crops = 500.0;
    let (outcome, _) = play(&calm);
    assert!(outcome.busy_s.0 + outcome.busy_s.1 > 0.6 * 60.0, "crops take what the frames leave: {outcome:?}");
}

#[test]
fn what_cannot_be_decoded_is_thinned_to_key_frames_and_back() {
    let mut cameras = vec![camera(5.0); 16];
    for camera in &mut cameras {
        // 1080p at 25 frames a second and a key frame every 2 s.
        camera.decoding = Decoding { all: 0.15, key_frames: 0.01, key_rate: 0.5, is_whole: false };
    }
    cameras[0].open_incidents = 1;
    cameras[1].decoding.is_whole = true;
    let (outcome, scheduler) = play(&load(cameras, 1.5));
    let fares: Vec<Fare> = scheduler.fares(at(60.0)).map(|(_, fare)| fare).collect();
    let by_name = |i: usize| scheduler.fares(at(60.0)).find(|(stream, _)| **stream == id(i)).unwrap().1;
    assert_eq!(by_name(0).planned.decoded_part, 1.0, "an open incident is decoded");
    assert_eq!(by_name(1).planned.decoded_part, 1.0, "somebody looks at each frame");
    let decode: f64 = fares.iter().map(|fare| fare.planned.decode_cost).sum();
    assert!(decode + outcome.busy_s.0 / 60.0 <= 1.55, "{decode} {outcome:?}");
    assert!(fares.iter().filter(|fare| fare.planned.decoded_part < 0.5).count() >= 12, "{fares:?}");
    let few = vec![Camera { decoding: fares_decoding(), ..camera(5.0) }; 2];
    let (_, scheduler) = play(&load(few, 1.5));
    assert!(scheduler.fares(at(60.0)).all(|(_, fare)| fare.planned.decoded_part == 1.0));
}

#[test]
fn a_short_thread_lowers_rates_and_leaves_no_picture_undecoded() {
    // Sub-streams, of which a look takes far more than decoding all pictures from one look to the next.
    let decoding = Decoding { all: 0.006, key_frames: 0.001, key_rate: 0.5, is_whole: false };
    let cameras = vec![Camera { decoding, fps: 10.0, ..camera(5.0) }; 16];
    let (outcome, scheduler) = play(&Load { cost: (0.018, 0.022), ..load(cameras, 1.5) });
    let fares: Vec<Fare> = scheduler.fares(at(60.0)).map(|(_, fare)| fare).collect();
    assert!(scheduler.is_short() && fares.iter().all(|fare| fare.planned.decoded_part == 1.0), "{fares:?}");
    assert!(outcome.longest_gap_s.iter().all(|gap| *gap < 1.0), "{outcome:?}");
    assert!(outcome.looks.iter().all(|looks| *looks > 150), "{outcome:?}");
}

#[test]
fn a_still_stream_dozes_where_key_frames_serve_it_and_wakes_as_something_moves() {
    let still = Camera { tracks: 0, motion: (0.0, 1.0), decoding: fares_decoding(), ..camera(5.0) };
    let of = |change: fn(&mut Camera)| {
        let mut changed = still.clone();
        change(&mut changed);
        let (_, mut scheduler) = play(&load(vec![changed], 1.5));
        let planned = |scheduler: &Scheduler| scheduler.fares(at(60.0)).next().unwrap().1.planned;
        let before = planned(&scheduler);
        scheduler.stirred(&id(0), at(60.0));
        scheduler.next(at(60.0));
        (before.dozes, before.decode_cost, planned(&scheduler).dozes)
    };
    assert_eq!(of(|_| {}), (true, 0.01, false));
    assert_eq!(of(|camera| camera.decoding.is_whole = true), (false, 0.15, false), "somebody looks at each frame");
    assert_eq!(of(|camera| camera.decoding.key_rate = 0.2), (false, 0.15, false), "key frames are too rare");
    let of_moments = of(|camera| camera.settings.brief = Duration::from_millis(1500));
    assert_eq!(of_moments, (false, 0.15, false), "somebody may come and go between two key frames");
    assert_eq!(of(|camera| camera.tracks = 1), (false, 0.15, false), "a look a second is wanted");
    assert_eq!(of(|camera| camera.open_incidents = 1), (false, 0.15, false), "an incident is open");
    assert_eq!(of(|camera| camera.settings.is_gated = false), (false, 0.15, false), "it is always to be looked at");
}

fn fares_decoding() -> Decoding {
    Decoding { all: 0.15, key_frames: 0.01, key_rate: 0.5, is_whole: false }
}

fn cameras() -> impl Strategy<Value = Camera> {
    let decoding = prop_oneof![
        Just(Decoding::default()),
        (0.01f64..0.3, 0.2f64..1.0).prop_map(|(all, key_rate)| Decoding {
            all,
            key_frames: all * 0.08,
            key_rate,
            is_whole: false
        }),
    ];
    (0.5f64..15.0, 0.2f64..1.5, 1.0f64..3.0, any::<bool>(), (0.0f64..5.0, 0.1f64..5.0), 0usize..3, 0usize..2, decoding)
        .prop_map(|(target, idle, empty, is_gated, motion, tracks, open_incidents, decoding)| Camera {
            settings: StreamSettings {
                interval: Duration::from_secs_f64(1.0 / target),
                idle: Duration::from_secs_f64(idle),
                empty: Duration::from_secs_f64(idle * empty),
                is_gated,
                brief: Duration::from_secs_f64(idle * 2.0),
            },
            fps: 25.0,
            tracks,
            open_incidents,
            motion,
            decoding,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_stream_starves_and_the_budget_is_kept(
        cameras in prop::collection::vec(cameras(), 1..24),
        budget in 0.1f64..3.0,
        threads in 0.4f64..2.0,
        batch in 1usize..=4,
        least_cost in 0.005f64..0.1,
        spread in 1.0f64..2.0,
        crops in prop_oneof![Just(0.0), 0.0f64..400.0],
    ) {
        let settings = Settings { budget, batch };
        let load = Load { settings, cameras, cost: (least_cost, least_cost * spread), threads, crops, for_s: 40.0 };
        let (outcome, _) = play(&load);
        // The bound with the largest cost, with the share for crops taken off, and with the least that decoding leaves.
        let cost_s = load.cost.1;
        let share = if crops > 0.0 { EXTRAS_SHARE } else { 0.0 };
        let worst = (budget * LEAST_FOR_LOOKS).min(threads) * (1.0 - share);
        let longest = load.cameras.iter().map(|camera| {
            let s = &camera.settings;
            let longest = if camera.tracks > 0 { s.idle } else { s.empty }.max(s.interval).as_secs_f64();
            if camera.decoding.key_rate > 0.0 { longest.max(1.0 / camera.decoding.key_rate) } else { longest }
        }).fold(0.0, f64::max);
        let round_s = load.cameras.len() as f64 * cost_s / worst;
        let job_s = batch as f64 * cost_s + BURST_S * budget + 2.0 * cost_s;
        let bound_s = longest.max(round_s) + round_s + job_s / worst + job_s / threads + 1.0 / 25.0;
        for (i, gap) in outcome.longest_gap_s.iter().enumerate() {
            prop_assert!(*gap <= bound_s, "stream {i}: {gap:.2} s without a look, bound {bound_s:.2} s");
        }
        let spent = outcome.busy_s.0 + outcome.busy_s.1;
        prop_assert!(spent <= budget * load.for_s + BURST_S * budget + job_s, "{spent}");
    }

    #[test]
    fn a_plan_keeps_to_the_budget_and_is_even(
        cameras in prop::collection::vec(cameras(), 1..32),
        budget in 0.2f64..2.0,
        cost_s in 0.005f64..0.1,
        is_decoded in any::<bool>(),
    ) {
        let demand = |camera: &Camera| {
            let longest = camera.settings.idle.max(camera.settings.interval);
            let rank = [Rank::Incident, Rank::Moving, Rank::Still][(camera.tracks + camera.open_incidents) % 3];
            let least = 1.0 / longest.as_secs_f64();
            let target = if rank == Rank::Still { least } else { 1.0 / camera.settings.interval.as_secs_f64() };
            let decoding = if is_decoded { camera.decoding } else { Decoding::default() };
            Demand { rank, least, target, cost_s, time_s: cost_s, brief_s: 2.0, decoding }
        };
        let demands: Vec<Demand> = cameras.iter().map(demand).collect();
        let least_for_looks = LEAST_FOR_LOOKS * budget;
        let capacity = plan::Capacity { total: budget, least_for_looks, kept_for_extras: 0.0 };
        let outcome = plan(&demands, &capacity);
        let looks: f64 = outcome.planned.iter().map(|p| p.rate * cost_s).sum();
        let decode: f64 = outcome.planned.iter().map(|p| p.decode_cost).sum();
        let key_frames: f64 = demands.iter().map(|d| d.decoding.key_frames).sum();
        prop_assert!(looks <= 1.0001 && decode + looks <= budget.max(key_frames + least_for_looks) * 1.0001);
        for (demand, planned) in demands.iter().zip(&outcome.planned) {
            prop_assert!(planned.rate > 0.0 && planned.rate <= demand.target * 1.0001, "{demand:?} {planned:?}");
            prop_assert!((0.0..=1.0).contains(&planned.decoded_part));
            prop_assert!(outcome.is_short || planned.rate == demand.target);
        }
        // Of two streams of a rank that are decoded alike, none is below the other unless it wants no more.
        let pairs = || demands.iter().zip(&outcome.planned);
        for (a, got_a) in pairs() {
            let alike = |b: &Demand| b.rank == a.rank && b.decoding == a.decoding && b.least <= a.least;
            for (b, got_b) in pairs().filter(|(b, _)| alike(b)) {
                prop_assert!(got_a.rate >= got_b.rate.min(a.target) - 1e-6, "{a:?} {got_a:?} {b:?} {got_b:?}");
            }
        }
    }
}
