//! A flight of `pymavlink`'s making, as it is heard; and every byte that is said over every kind of link.

use std::fmt::Write as _;
use std::io::{Cursor, Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use forewarn_domain::{Clock, StreamId, SystemClock, Timestamp};
use forewarn_ground::{Aim, Sample, attitude};
use glam::{DQuat, DVec3};
use mavlink_core::{MavHeader, MavlinkReader};

use super::super::{LiveGiven, LiveSource, Mailbox, Vehicle, probe, start};
use super::autopilot::{Autopilot, OwnClock, WANTED};
use super::words::{Ears, Heard, Said, frame};
use super::{Address, MavlinkSource};

/// Written by `testdata/flight.py`.
const FLIGHT: &[u8] = include_bytes!("testdata/flight.tlog");
/// When the autopilot of the flight was switched on.
const START_S: f64 = 7.0;
/// How late the soonest of many messages is.
const SOONEST_S: f64 = 0.02;
const PATIENCE: Duration = Duration::from_secs(30);

/// The frames of the flight with the times at which they came.
fn frames() -> Vec<(Timestamp, &'static [u8])> {
    let mut frames = Vec::new();
    let mut rest = FLIGHT;
    while let Some((time, after)) = rest.split_first_chunk::<8>() {
        let length = 12 + usize::from(after[1]);
        frames.push((Timestamp::from_micros(u64::from_be_bytes(*time) as i64), &after[..length]));
        rest = &after[length..];
    }
    frames
}

fn given() -> LiveGiven {
    LiveGiven { view_deg: Some(70.0), ..LiveGiven::default() }
}

/// What an autopilot makes of frames.
fn hear<'a>(
    autopilot: &mut Autopilot,
    own: OwnClock,
    frames: impl IntoIterator<Item = (Timestamp, &'a [u8])>,
) -> Vec<Sample> {
    let mut samples = Vec::new();
    for (at, bytes) in frames {
        let mut reader = MavlinkReader::new(Cursor::new(bytes));
        while let Ok((header, heard)) = reader.read_any_message_with_dialect(&Ears) {
            samples.extend(autopilot.hear(header, heard, at, own));
        }
    }
    samples
}

/// The true place, height and attitude of the camera so many seconds after the boot, as `flight.py` has it.
fn truth(t: f64) -> (f64, f64, f64, DQuat) {
    let (lat, lon) = (30.25 + 4e-6 * t, 120.125 + 6e-6 * t + 2e-5 * (0.3 * t).sin());
    let (tilt_deg, pan_deg) = (-50.0 + 10.0 * (0.4 * t).sin(), 15.0 * (0.6 * t).sin());
    let camera = attitude(170.0 + 4.0 * t, 0.0, 0.0) * attitude(pan_deg, tilt_deg, 0.0);
    (lat, lon, 40.0 + 5.0 * (0.2 * t).sin(), camera)
}

fn camera(sample: &Sample) -> DQuat {
    match sample.aim {
        Aim::Earth(camera) => camera,
        Aim::Vehicle(_) => panic!("{sample:?}"),
    }
}

/// The largest errors of samples after the first five seconds: metres over ground, metres of height, degrees.
fn errors(samples: &[Sample], away_s: f64) -> (f64, f64, f64) {
    let mut worst = (0.0_f64, 0.0_f64, 0.0_f64);
    for sample in samples.iter().filter(|sample| sample.at.as_secs_f64() > START_S + 5.0) {
        let (lat, lon, height, looks) = truth(sample.at.as_secs_f64() - START_S - away_s);
        let (north, east) = ((sample.position.lat_deg - lat) * 111e3, (sample.position.lon_deg - lon) * 96e3);
        let off = (camera(sample) * DVec3::X).angle_between(looks * DVec3::X).to_degrees();
        worst.0 = worst.0.max(north.hypot(east));
        worst.1 = worst.1.max((sample.position.height_m - height).abs());
        worst.2 = worst.2.max(off);
    }
    worst
}

#[test]
fn a_flight_is_heard_as_it_was_flown() {
    let mut autopilot = Autopilot::new(1, given());
    let samples = hear(&mut autopilot, OwnClock::default(), frames());
    assert!(samples.len() > 400, "{} samples", samples.len());
    assert!(samples.windows(2).all(|pair| pair[0].at < pair[1].at), "each instant once, in order");
    let (over_ground_m, height_m, degrees) = errors(&samples, SOONEST_S);
    assert!(over_ground_m < 0.1 && height_m < 0.1 && degrees < 0.6, "{over_ground_m} m, {height_m} m, {degrees}°");
    let zoom = |at_s: f64| samples.iter().find(|s| s.at.as_secs_f64() > START_S + at_s).unwrap().zoom;
    assert!((zoom(10.0) - 1.0).abs() < 0.01 && (zoom(25.0) - 2.0).abs() < 0.01, "{} {}", zoom(10.0), zoom(25.0));
    let counts: Vec<_> = autopilot.counts().collect();
    assert!(counts.iter().all(|(_, n)| *n >= 30), "{counts:?}");
    let vehicle = Vehicle { left_percent: Some(61), is_landed: Some(true) };
    assert_eq!((autopilot.vehicle_news(), autopilot.vehicle_news()), (Some(vehicle), None));
}

#[test]
fn where_both_clocks_are_right_even_the_soonest_is_put_right() {
    // The flight's Unix time at its boot, less what the time line says then.
    let own = OwnClock { unix_less_line_us: Some(1_780_000_000_000_000 - (START_S * 1e6) as i64) };
    let late = |(at, bytes): (Timestamp, &'static [u8])| (at + Duration::from_millis(300), bytes);
    let samples = hear(&mut Autopilot::new(1, given()), own, frames().into_iter().map(late));
    let (over_ground_m, _, _) = errors(&samples, 0.0);
    // The gimbal's own clock tells no Unix time, so that its angles stay late.
    assert!(over_ground_m < 0.05, "{over_ground_m} m");
}

#[test]
fn the_other_vehicle_is_followed_where_it_is_asked_for() {
    let aim = Some(Aim::Earth(attitude(0.0, -90.0, 0.0)));
    let samples = hear(&mut Autopilot::new(2, LiveGiven { aim, ..given() }), OwnClock::default(), frames());
    assert!(samples.len() > 100 && samples.iter().all(|s| (s.position.lat_deg - 11.0).abs() < 1e-9));
    let mut third = Autopilot::new(3, given());
    assert_eq!(hear(&mut third, OwnClock::default(), frames()), []);
    assert_eq!(third.why_silent(Timestamp::ZERO), "system 1, 2 is heard there, and not 3; set `system`");
}

#[test]
fn a_vehicle_that_is_switched_off_and_on_is_followed_anew() {
    let mut autopilot = Autopilot::new(1, given());
    let first = hear(&mut autopilot, OwnClock::default(), frames());
    let later = |(at, bytes): (Timestamp, &'static [u8])| (at + Duration::from_secs(100), bytes);
    let second = hear(&mut autopilot, OwnClock::default(), frames().into_iter().map(later));
    assert!(second.len() + 10 > first.len(), "{} of {}", second.len(), first.len());
    let (over_ground_m, _, degrees) = errors(&second[50..], SOONEST_S + 100.0);
    assert!(over_ground_m < 0.1 && degrees < 0.6, "{over_ground_m} m, {degrees}°");
}

#[test]
fn two_vehicles_of_one_name_are_told_apart_from_one_that_is_silent() {
    let mut autopilot = Autopilot::new(1, given());
    let late = |(at, bytes): (Timestamp, &'static [u8])| (at + Duration::from_secs(11), bytes);
    let both = frames().into_iter().zip(frames().into_iter().skip(400)).take(300);
    let both = both.flat_map(|(one, (_, other))| [late(one), (late(one).0, other)]);
    let both: Vec<_> = both.collect();
    let last = both.last().unwrap().0;
    hear(&mut autopilot, OwnClock::default(), both);
    let told = autopilot.why_silent(last);
    assert!(told.contains("two vehicles call themselves system 1") && told.contains("SYSID_THISMAV"), "{told}");
}

/// A place and an attitude of the vehicle, at its own time, under the name of system 1.
fn tells(autopilot: &mut Autopilot, now_ms: u32, boot_ms: u32, lat_deg: f64) -> Vec<Sample> {
    let header = MavHeader { system_id: 1, component_id: 1, sequence: 0 };
    let now = Timestamp::from_micros(i64::from(now_ms) * 1_000);
    let place = Heard::Position {
        boot_ms,
        lat_e7: (lat_deg * 1e7) as i32,
        lon_e7: 1_201_500_000,
        sea_mm: 62_000,
        start_mm: 40_000,
    };
    let mut samples = autopilot.hear(header, place, now, OwnClock::default());
    let lies = Heard::Attitude { boot_ms, angles: [0.0; 3] };
    samples.extend(autopilot.hear(header, lies, now, OwnClock::default()));
    samples
}

#[test]
fn of_two_vehicles_that_both_tell_all_neither_is_handed_on_while_it_lasts() {
    let aim = Some(Aim::Vehicle(attitude(0.0, -60.0, 0.0)));
    // Their clocks are the same, so that their places alone tell; or far apart, as of two that were switched on by turns.
    for apart_ms in [0, 90_000] {
        let mut autopilot = Autopilot::new(1, LiveGiven { aim, ..given() });
        let alone: usize = (0..50).map(|n| tells(&mut autopilot, n * 100, 100_000 + n * 100, 30.25).len()).sum();
        assert!(alone >= 50, "{alone}");
        let mut mixed = Vec::new();
        for n in 50..150 {
            let ms = n * 100;
            mixed.extend(tells(&mut autopilot, ms, 100_000 + ms, 30.25));
            mixed.extend(tells(&mut autopilot, ms + 50, 100_050 + ms - apart_ms, 30.26));
        }
        assert!(mixed.len() <= 12, "{apart_ms}: {} samples", mixed.len());
        assert!(mixed.iter().all(|sample| (sample.position.lat_deg - 30.25).abs() < 1e-6), "{apart_ms}: one at most");
        let told = autopilot.why_silent(Timestamp::from_micros(15_000_000));
        assert!(told.contains("two vehicles call themselves system 1"), "{apart_ms}: {told}");
        let after: Vec<Sample> =
            (150..300).flat_map(|n| tells(&mut autopilot, n * 100, 100_000 + n * 100, 30.25)).collect();
        assert!(after.len() >= 40 && after[0].at > Timestamp::from_micros(24_000_000), "{apart_ms}: {after:?}");
    }
}

#[test]
fn what_cannot_be_is_told_with_its_value_and_nobody_gets_it() {
    let header = MavHeader { system_id: 1, component_id: 1, sequence: 0 };
    let told = |lat_e7, start_mm| {
        let mut autopilot = Autopilot::new(1, given());
        let place = Heard::Position { boot_ms: 9, lat_e7, lon_e7: 1_201_500_000, sea_mm: 0, start_mm };
        let samples = autopilot.hear(header, place, Timestamp::ZERO, OwnClock::default());
        assert!(samples.iter().all(|sample| !sample.is_sound()), "{samples:?}");
        samples.iter().map(|sample| sample.impossible().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(told(950_000_000, 40_000), ["latitude 95.0000000"]);
    assert_eq!(told(302_500_000, 90_000_000), ["height 90000.0 m"]);
    assert_eq!(told(i32::MAX, 40_000), [""; 0], "that says that it is not known");
    let lies = Heard::Attitude { boot_ms: 9, angles: [f32::NAN, 0.0, 0.0] };
    let samples = Autopilot::new(1, given()).hear(header, lies, Timestamp::ZERO, OwnClock::default());
    assert_eq!(samples[0].impossible().as_deref(), Some("an attitude that is none"));
}

#[test]
fn a_vehicle_that_falls_silent_is_told_from_one_that_tells_too_little() {
    let mut autopilot = Autopilot::new(1, given());
    hear(&mut autopilot, OwnClock::default(), frames());
    let last = frames().last().unwrap().0;
    let told = autopilot.why_silent(last + Duration::from_secs(66));
    assert!(told.starts_with("nothing has been heard of system 1 for 66 s and more"), "{told}");
    let mut beats = Autopilot::new(1, given());
    beats.hear(MavHeader { system_id: 1, component_id: 1, sequence: 0 }, Heard::Heartbeat, last, OwnClock::default());
    assert!(beats.why_silent(last).starts_with("system 1 is heard, but not where the vehicle is"));
}

/// Everything that is in a run of bytes: the number and the payload of each frame; nothing may lie between.
fn said(mut bytes: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let mut all = Vec::new();
    while bytes.len() >= 12 {
        assert_eq!(bytes[0], 0xFD, "{bytes:?}");
        let end = 10 + usize::from(bytes[1]);
        let id = u32::from_le_bytes([bytes[7], bytes[8], bytes[9], 0]);
        all.push((id, bytes[10..end].to_vec()));
        bytes = &bytes[end + 2..];
    }
    assert!(bytes.is_empty(), "half a frame: {bytes:?}");
    all
}

/// Fails unless this is a heartbeat or the request to send one of the wanted messages.
fn assert_harmless((id, payload): &(u32, Vec<u8>)) {
    let mut whole = [0; 33];
    whole[..payload.len()].copy_from_slice(payload);
    match id {
        0 => assert_eq!(whole[4..9], [18, 8, 0, 4, 3]),
        76 => {
            assert_eq!(u16::from_le_bytes([whole[28], whole[29]]), 511, "only MAV_CMD_SET_MESSAGE_INTERVAL is sent");
            let message = f32::from_le_bytes([whole[0], whole[1], whole[2], whole[3]]);
            assert!(WANTED.iter().any(|(wanted, ..)| *wanted as f32 == message), "{message}");
            assert_eq!(whole[8..28], [0; 20]);
        }
        other => panic!("message {other} was sent"),
    }
}

#[test]
fn whatever_is_heard_only_heartbeats_and_requests_for_messages_are_said() {
    let mut autopilot = Autopilot::new(1, given());
    let mut all: Vec<u8> = Vec::new();
    let header = MavHeader { system_id: 1, component_id: 191, sequence: 0 };
    // Ten minutes, of which the flight is the first half; then the link is quiet.
    let mut flight = frames().into_iter().peekable();
    for turn in 0..6_000 {
        let now = Timestamp::from_micros(turn * 100_000);
        while let Some(next) = flight.next_if(|(at, _)| *at <= now) {
            hear(&mut autopilot, OwnClock::default(), [next]);
        }
        autopilot.say(now).into_iter().for_each(|said| all.extend(frame(header, said)));
    }
    let all = said(&all);
    all.iter().for_each(assert_harmless);
    let count = |wanted: u32| all.iter().filter(|(id, _)| *id == wanted).count();
    assert_eq!(count(0), 600, "one heartbeat a second");
    assert!((7..=98).contains(&count(76)), "{} requests: a silent message is asked for, and not for ever", count(76));
}

#[test]
fn what_is_said_is_what_the_tools_say() {
    // By pymavlink 2.4.50: `MAVLink(None, 1, 191)`, sequence 0 and 1.
    let header = |sequence| MavHeader { system_id: 1, component_id: 191, sequence };
    let hex = |bytes: Vec<u8>| {
        let mut text = String::new();
        for byte in bytes {
            write!(text, "{byte:02x}").unwrap();
        }
        text
    };
    assert_eq!(hex(frame(header(0), Said::Heartbeat)), HEARTBEAT);
    let asked = Said::Interval { system: 1, message: 285, every_us: 100_000 };
    assert_eq!(hex(frame(header(1), asked)), INTERVAL);
}

fn flight_bytes() -> Vec<u8> {
    frames().into_iter().flat_map(|(_, bytes)| bytes).copied().collect()
}

fn drone() -> StreamId {
    StreamId::new("drone").unwrap()
}

fn source(address: &str) -> LiveSource {
    LiveSource::Mavlink(MavlinkSource { address: Address::parse(address).unwrap(), system: 1 })
}

fn listen_to(address: &str) -> (super::super::Heard, Arc<Mailbox>) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mailbox = Arc::default();
    (start(&drone(), source(address), given(), &clock, &mailbox).unwrap(), mailbox)
}

/// Reads until the listener has said a heartbeat and asked for a message.
fn read_until_asked(mut read: impl FnMut(&mut [u8]) -> usize) -> Vec<u8> {
    let mut all = Vec::new();
    let mut buffer = [0; 2048];
    loop {
        let n = read(&mut buffer);
        all.extend_from_slice(&buffer[..n]);
        if said(&all).iter().any(|(id, _)| *id == 76) {
            return all;
        }
    }
}

#[test]
fn over_tcp_a_flight_is_heard_again_after_the_link_broke() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (running, mailbox) = listen_to(&format!("tcp:{}", listener.local_addr().unwrap()));
    for _ in 0..2 {
        let (mut link, _) = listener.accept().unwrap();
        link.set_read_timeout(Some(PATIENCE)).unwrap();
        link.write_all(frames()[0].1).unwrap();
        link.write_all(&flight_bytes()[..9_000]).unwrap();
        assert!(mailbox.wait(PATIENCE), "no sample came");
        let all = read_until_asked(|buffer| link.read(buffer).unwrap());
        said(&all).iter().for_each(assert_harmless);
        mailbox.take();
    }
    drop(running);
}

#[test]
fn over_udp_whoever_sends_is_answered() {
    let free = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (_running, mailbox) = listen_to(&format!("udpin:{free}"));
    let vehicle = UdpSocket::bind("127.0.0.1:0").unwrap();
    vehicle.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let mut frames = frames().into_iter().map(|(_, bytes)| bytes).cycle();
    let mut all = Vec::new();
    let mut buffer = [0; 2048];
    // Until the listener is there, what is sent to it is lost.
    for _ in 0..600 {
        let _ = vehicle.send_to(frames.next().unwrap(), free);
        if let Ok(n) = vehicle.recv(&mut buffer) {
            all.extend_from_slice(&buffer[..n]);
        }
        if said(&all).iter().any(|(id, _)| *id == 76) {
            break;
        }
    }
    let all = said(&all);
    all.iter().for_each(assert_harmless);
    assert!(all.iter().any(|(id, _)| *id == 0) && all.iter().any(|(id, _)| *id == 76), "{all:?}");
    frames.by_ref().take(400).for_each(|bytes| drop(vehicle.send_to(bytes, free)));
    assert!(mailbox.wait(PATIENCE), "no sample came");
}

#[test]
fn over_a_serial_line_a_flight_is_heard_and_its_end_is_told() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let line = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&line).unwrap();
    unlockpt(&line).unwrap();
    let path = ptsname(&line, Vec::new()).unwrap().into_string().unwrap();
    let (_running, mailbox) = listen_to(&format!("serial:{path}:57600"));
    // The line begins to be read when it is open: until then its echo would come back, which is no MAVLink to read.
    let all = read_until_asked_on_line(&line);
    said(&all).iter().for_each(assert_harmless);
    assert!(mailbox.wait(PATIENCE), "no sample came");
    drop(line);
    let mut told = None;
    while told.is_none() {
        told = mailbox.why(&drone());
    }
    let told = told.unwrap();
    assert!(told.contains("ended") || told.contains("no connection"), "{told}");
}

fn read_until_asked_on_line(line: &std::os::fd::OwnedFd) -> Vec<u8> {
    // The first heartbeat says that the line is open and raw.
    let mut first = [0; 2048];
    let n = rustix::io::read(line, &mut first).unwrap();
    let flight = flight_bytes();
    let mut sent = 0;
    let mut all = first[..n].to_vec();
    let mut rest = read_until_asked(|buffer| {
        if sent < 20_000 {
            sent += rustix::io::write(line, &flight[sent..(sent + 500).min(flight.len())]).unwrap();
            if sent < 9_000 {
                return 0;
            }
        }
        rustix::io::read(line, buffer).unwrap()
    });
    all.append(&mut rest);
    all
}

#[test]
fn a_probe_says_what_comes_and_what_does_not() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp:{}", listener.local_addr().unwrap());
    let vehicle = forewarn_base::thread::Thread::spawn("vehicle", move || {
        let (mut link, _) = listener.accept().unwrap();
        link.write_all(&flight_bytes()[..9_000]).unwrap();
        // Until the listener hangs up.
        let mut rest = Vec::new();
        let _ = link.read_to_end(&mut rest);
    });
    let told = probe(&source(&address), given(), &clock, PATIENCE).unwrap();
    assert!(told.contains("GLOBAL_POSITION_INT ") && told.contains("ATTITUDE ") && told.contains("30.25"), "{told}");
    vehicle.unwrap().join().unwrap();
    let told = probe(&source(&address), given(), &clock, Duration::from_millis(500)).unwrap_err();
    assert!(told.starts_with(&format!("no connection to {address}: ")), "{told}");
}

#[test]
fn a_frame_in_a_tunnel_is_none() {
    let tunnels = frames().into_iter().filter(|(_, bytes)| bytes[7..10] == [129, 1, 0]);
    let mut n = 0;
    for (_, bytes) in tunnels {
        let mut reader = MavlinkReader::new(Cursor::new(bytes));
        let (_, heard) = reader.read_any_message_with_dialect(&Ears).unwrap();
        assert_eq!(heard, Heard::Other);
        assert!(reader.read_any_message_with_dialect(&Ears).is_err());
        n += 1;
    }
    assert!(n >= 29, "{n}");
}

const HEARTBEAT: &str = "fd0900000001bf000000000000001208000403aec6";
const INTERVAL: &str = "fd2000000101bf4c000000808e430050c3470000000000000000000000000000000000000000ff010101c277";
