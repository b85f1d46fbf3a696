//! What a message says, and a dock that plays its part at a real broker.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use forewarn_domain::{Clock, SystemClock};
use glam::DVec3;
use rumqttc::MqttOptions;

use super::super::{LiveSource, Mailbox, start};
use super::*;

const OSD: &str = r#"{"bid":"b","tid":"t","timestamp":1689860575397,"gateway":"4TADL1D0010023","data":{
    "attitude_head":60.5,"attitude_pitch":1.5,"attitude_roll":-0.5,"elevation":41.5,"height":63.25,"latitude":30.25,
    "longitude":120.125,"horizontal_speed":3,"mode_code":5,"cameras":[{"payload_index":"53-0-0","zoom_factor":2.5}],
    "53-0-0":{"gimbal_pitch":-30,"gimbal_roll":0,"gimbal_yaw":90,"payload_index":"53-0-0"},
    "66-0-1":{"gimbal_pitch":-90,"gimbal_roll":0,"gimbal_yaw":0,"zoom_factor":7}}}"#;

fn read(text: &str, wanted: Option<&str>, height: Height) -> Result<(i64, Sample), String> {
    osd(text.as_bytes(), wanted, LiveGiven { height, ..LiveGiven::default() })
}

#[test]
fn a_message_tells_place_height_gimbal_and_zoom() {
    let (told_us, sample) = read(OSD, None, Height::Start).unwrap();
    assert_eq!((told_us, sample.zoom), (1_689_860_575_397_000, 2.5));
    assert_eq!(sample.position, Position { lat_deg: 30.25, lon_deg: 120.125, height_m: 41.5 });
    let Aim::Earth(camera) = sample.aim else { panic!("{sample:?}") };
    assert!((camera * DVec3::X - DVec3::new(0.0, 0.866_025, 0.5)).length() < 1e-5);
    let (_, other) = read(OSD, Some("66-0-1"), Height::Sea).unwrap();
    assert_eq!((other.zoom, other.position.height_m), (7.0, 63.25));
}

#[test]
fn what_is_missing_is_named() {
    for (from, to, wanted, says) in [
        ("\"latitude\"", "\"lat\"", None, "no `latitude`"),
        ("\"timestamp\"", "\"ts\"", None, "no `timestamp`"),
        ("\"elevation\"", "\"e\"", None, "no `elevation`"),
        ("gimbal_pitch", "pitch", None, "set `aim`"),
        ("bid", "bid", Some("1-2-3"), "no payload `1-2-3`"),
        ("30.25,\n    \"longitude\":120.125", "0,\"longitude\":0", None, "does not know where it is"),
        ("{\"bid\"", "bid", None, "no JSON"),
    ] {
        let told = read(&OSD.replace(from, to), wanted, Height::Start).unwrap_err();
        assert!(told.contains(says), "{says}: {told}");
    }
}

#[test]
fn what_cannot_be_is_handed_to_whoever_counts_it() {
    let (_, sample) = read(&OSD.replace("\"latitude\":30.25", "\"latitude\":95"), None, Height::Start).unwrap();
    assert_eq!((sample.is_sound(), sample.impossible().as_deref()), (false, Some("latitude 95.0000000")));
}

fn source(url: &str, device: &str) -> Result<DjiSource, SettingError> {
    let config: DjiConfig = toml::from_str(&format!("url = \"{url}\"\ndevice = \"{device}\"\n")).unwrap();
    config.resolve(&StreamId::new("drone").unwrap(), "north", Path::new("/nowhere"), &|_| None)
}

#[test]
fn the_number_of_the_aircraft_is_checked() {
    assert_eq!(source("mqtt://b", "1581F5BKD221").unwrap().topic(), "thing/product/1581F5BKD221/osd");
    let told = source("mqtt://b", "+/x").unwrap_err().line();
    assert!(told.starts_with("device: \"+/x\" is no serial number"), "{told}");
}

/// A mosquitto that ends with the test.
struct Broker(Child);

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn broker(port: u16) -> Broker {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&folders).chain([PathBuf::from("/usr/sbin")]);
    let program = folders.find_map(|folder| Some(folder.join("mosquitto")).filter(|file| file.is_file()));
    let program = program.expect("mosquitto is there: cargo xtask setup installs it");
    // Without a file it listens on loopback alone, and lets everybody in.
    let process = Command::new(program).args(["-p", &port.to_string()]).stderr(Stdio::null()).spawn().unwrap();
    let broker = Broker(process);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        std::thread::yield_now();
    }
    broker
}

/// A dock that tells of its aircraft until the listener has taken a sample.
fn tell_until_heard(port: u16, mailbox: &Mailbox) -> Sample {
    let (client, mut connection) = Client::new(MqttOptions::new("dock", "127.0.0.1", port), 8);
    let mut turn = 0;
    loop {
        turn += 1;
        assert!(turn < 600, "no sample came");
        let _ = client.try_publish("thing/product/1581F/osd", QoS::AtMostOnce, false, OSD);
        for _ in 0..8 {
            let _ = connection.recv_timeout(Duration::from_millis(10));
        }
        let samples = mailbox.take().into_values().next().map(|news| news.samples).unwrap_or_default();
        if let Some(sample) = samples.back() {
            return *sample;
        }
    }
}

#[test]
fn a_dock_is_heard_at_a_real_broker_and_again_after_it_went_away() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let source = source(&format!("mqtt://127.0.0.1:{port}"), "1581F").unwrap();
    let (mailbox, clock): (Arc<Mailbox>, Arc<dyn Clock>) = (Arc::default(), Arc::new(SystemClock));
    let stream = StreamId::new("drone").unwrap();
    let source = LiveSource::Dji(Box::new(source));
    let _running = start(&stream, source, LiveGiven::default(), &clock, &mailbox).unwrap();
    for _ in 0..2 {
        let broker = broker(port);
        let sample = tell_until_heard(port, &mailbox);
        assert_eq!((sample.position.lon_deg, sample.zoom), (120.125, 2.5));
        assert!(clock.now().micros_since(sample.at) < 5_000_000);
        assert_eq!(mailbox.trouble(), None);
        drop(broker);
        let told = std::iter::repeat_with(|| mailbox.trouble()).flatten().next().unwrap();
        assert!(told.contains(&format!("127.0.0.1:{port}")), "{told}");
    }
}
