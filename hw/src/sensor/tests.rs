//! Real Modbus TCP devices and an MQTT broker of a few bytes.

use std::collections::BTreeMap;
use std::future::{Ready, ready};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use forewarn_domain::{Clock, SensorId, SystemClock};
use tokio_modbus::server::{Service, tcp::Server};
use tokio_modbus::{ExceptionCode, Request, Response};

use super::{Running, Sensor, SensorConfig, SensorEvent, Sink, probe, start};

const PATIENCE: Duration = Duration::from_secs(20);

fn sensor(id: &str, text: &str) -> Sensor {
    let config: SensorConfig = toml::from_str(text).unwrap();
    config.resolve(&SensorId::new(id).unwrap(), "north", Path::new("."), &|_| None).unwrap()
}

fn modbus(id: &str, port: u16, rest: &str) -> Sensor {
    sensor(id, &format!("kind = \"modbus_tcp\"\naddress = \"127.0.0.1:{port}\"\nevery_s = 0.1\n{rest}"))
}

fn mqtt(port: u16, rest: &str) -> Sensor {
    sensor("fume", &format!("kind = \"mqtt\"\nurl = \"mqtt://127.0.0.1:{port}\"\ntopic = \"t\"\n{rest}"))
}

fn watch(sensors: &[Sensor]) -> (Running, Receiver<SensorEvent>) {
    let (sender, events) = sync_channel(10_000);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let sink: Sink = Arc::new(move |event| {
        let _ = sender.try_send(event);
    });
    (start(sensors, &clock, &sink).unwrap(), events)
}

struct Registers;

impl Service for Registers {
    type Request = Request<'static>;
    type Response = Response;
    type Exception = ExceptionCode;
    type Future = Ready<Result<Response, ExceptionCode>>;

    fn call(&self, request: Self::Request) -> Self::Future {
        ready(match request {
            Request::ReadHoldingRegisters(3, 1) => Ok(Response::ReadHoldingRegisters(vec![0xfffe])),
            // 2.5 in IEEE 754, the low word first.
            Request::ReadInputRegisters(4, 2) => Ok(Response::ReadInputRegisters(vec![0, 0x4020])),
            Request::ReadInputRegisters(5, 2) => Ok(Response::ReadInputRegisters(vec![0x7fc0, 0])),
            Request::ReadInputRegisters(..) | Request::ReadHoldingRegisters(..) => {
                Err(ExceptionCode::IllegalDataAddress)
            }
            _ => Err(ExceptionCode::IllegalFunction),
        })
    }
}

/// A device that serves until the test's process ends.
fn device() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    listener.set_nonblocking(true).unwrap();
    let serve = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = Server::new(tokio::net::TcpListener::from_std(listener).unwrap());
            let _ = server.serve(&|stream, _| async move { Ok(Some((Registers, stream))) }, |_| {}).await;
        });
    };
    std::thread::Builder::new().spawn(serve).unwrap();
    port
}

#[test]
fn registers_are_probed_by_kind_type_and_order() {
    let port = device();
    let probe = |rest: &str| probe(&modbus("noise", port, rest), PATIENCE).map_err(|error| error.to_string());
    assert_eq!(probe("register = 3\ntype = \"i16\"\nscale = 0.5\noffset = 40\nunit = \"dB\""), Ok("39 dB".to_owned()));
    let float = "registers = \"input\"\nregister = 4\ntype = \"f32\"\nword_order = \"low_first\"";
    assert_eq!(probe(float), Ok("2.5".to_owned()));
    assert!(probe("registers = \"input\"\nregister = 5\ntype = \"f32\"").unwrap_err().contains("no finite number"));
    assert!(probe("register = 9").unwrap_err().contains("it has no register 9"));
}

#[test]
fn a_device_that_hangs_or_is_dead_stalls_no_other() {
    // It accepts connections and never answers.
    let hung = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let hung_port = hung.local_addr().unwrap().port();
    let dead_port = {
        let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        gone.local_addr().unwrap().port()
    };
    let good = modbus("good", device(), "register = 3\ntype = \"i16\"");
    let (running, events) =
        watch(&[modbus("hung", hung_port, "register = 3"), modbus("dead", dead_port, "register = 3"), good]);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    while counts.get("good").is_none_or(|n| *n < 10) {
        match events.recv_timeout(PATIENCE).unwrap() {
            SensorEvent::Measured { sensor, value, .. } => {
                assert_eq!(value, -2.0);
                *counts.entry(sensor.to_string()).or_default() += 1;
            }
            SensorEvent::Failed { sensor, .. } => *counts.entry(format!("{sensor} failed")).or_default() += 1,
        }
    }
    assert!(counts.get("dead failed").is_some_and(|n| (1..=3).contains(n)), "it backs off: {counts:?}");
    assert!(running.is_running());
}

/// A broker that takes one connection and a subscription, and then sends these messages: retained or not, and text.
fn broker(messages: &'static [(bool, &'static str)], may_subscribe: bool) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = move || {
        let (mut stream, _) = listener.accept().unwrap();
        // CONNECT is answered by CONNACK, SUBSCRIBE by SUBACK (MQTT 3.1.1, 3.2 and 3.9).
        let mut buffer = [0; 1024];
        assert!(stream.read(&mut buffer).unwrap() > 0);
        stream.write_all(&[0x20, 2, 0, 0]).unwrap();
        assert!(stream.read(&mut buffer).unwrap() > 0);
        let code = if may_subscribe { 0 } else { 0x80 };
        stream.write_all(&[0x90, 3, buffer[2], buffer[3], code]).unwrap();
        for (is_retained, text) in messages {
            let mut packet = vec![0x30 | u8::from(*is_retained), 3 + text.len() as u8, 0, 1, b't'];
            packet.extend(text.bytes());
            stream.write_all(&packet).unwrap();
        }
        // Until the client takes its leave.
        while stream.read(&mut buffer).is_ok_and(|n| n > 0) {}
    };
    std::thread::Builder::new().spawn(serve).unwrap();
    port
}

#[test]
fn messages_are_values_but_for_retained_ones_and_for_what_is_no_number() {
    let messages = &[(true, r#"{"v":9}"#), (false, r#"{"v":1.5}"#), (false, "offline"), (false, r#"{"v":"2"}"#)];
    let port = broker(messages, true);
    let (_running, events) = watch(&[mqtt(port, "path = \"$.v\"\nscale = 2")]);
    let mut told = Vec::new();
    while told.len() < 3 {
        told.push(match events.recv_timeout(PATIENCE).unwrap() {
            SensorEvent::Measured { value, .. } => value.to_string(),
            SensorEvent::Failed { error, .. } => error.to_string(),
        });
    }
    assert_eq!((told[0].as_str(), told[2].as_str()), ("3", "4"), "{told:?}");
    assert!(told[1].starts_with("what came is no value: the message is no JSON"), "{told:?}");
}

#[test]
fn a_probe_of_a_topic_tells_what_is_retained_what_is_refused_and_that_nothing_came() {
    let probe = |port, patience| probe(&mqtt(port, "unit = \"dB\""), patience).map_err(|error| error.to_string());
    let told = probe(broker(&[(true, "70")], true), PATIENCE).unwrap();
    assert_eq!(told, "70 dB (retained by the broker, of unknown age)");
    assert!(probe(broker(&[], false), PATIENCE).unwrap_err().contains("check its ACL and `topic`"));
    let silent = probe(broker(&[], true), Duration::from_secs(2)).unwrap_err();
    assert!(silent.contains("nothing came on the topic t"), "{silent}");
}

#[test]
fn a_topic_that_is_silent_for_three_intervals_is_told() {
    let port = broker(&[(false, "1")], true);
    let (_running, events) = watch(&[mqtt(port, "every_s = 0.1")]);
    let first = events.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(first, SensorEvent::Measured { value: 1.0, .. }), "{first:?}");
    let SensorEvent::Failed { error, .. } = events.recv_timeout(PATIENCE).unwrap() else { panic!("a value came") };
    assert!(error.to_string().starts_with("nothing came on the topic t"), "{error}");
}

#[test]
fn sensors_come_and_go_and_those_that_stay_are_not_touched() {
    // It hears of one connection and no more.
    let stays = mqtt(broker(&[(false, "1")], true), "");
    let port = device();
    let goes = modbus("goes", port, "register = 3\ntype = \"i16\"");
    let (running, events) = watch(&[stays.clone(), goes]);
    let until = |id: &str, wanted: f64| loop {
        if let SensorEvent::Measured { sensor, value, .. } = events.recv_timeout(PATIENCE).unwrap()
            && sensor.as_str() == id
            && value == wanted
        {
            return;
        }
    };
    until("goes", -2.0);
    let comes = modbus("comes", port, "register = 3\ntype = \"i16\"\nscale = 2");
    running.adopt(&[stays.clone(), comes], &[SensorId::new("goes").unwrap()].into());
    until("comes", -4.0);
    let changed = modbus("comes", port, "register = 3\ntype = \"i16\"\nscale = 3");
    running.adopt(&[stays, changed], &[SensorId::new("comes").unwrap()].into());
    until("comes", -6.0);
    let rest: Vec<_> = std::iter::from_fn(|| events.recv_timeout(PATIENCE).ok()).take(5).collect();
    let is_of_now = |event: &SensorEvent| matches!(event, SensorEvent::Measured { value: 1.0 | -6.0, .. });
    assert!(rest.iter().all(is_of_now), "{rest:?}");
    assert!(running.is_running());
}
