//! A real mosquitto as a child, a subscriber, and reports to send.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use forewarn_domain::Clock as _;
use forewarn_domain::clock::{Stopwatch, SystemClock};
use forewarn_report::Manners;
use forewarn_report::upstream::Start;
use forewarn_report::{
    Destination, Ear, MqttConfig, MqttVersion, Outbox, OutboxLimits, OutboxSettings, UpstreamHandle, UpstreamStats,
};
use forewarn_wire::EventSource;
pub(crate) use forewarn_wire::samples::report;

/// How long anything in these tests may take before it counts as failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Polls `check` until it holds. Waiting is on a channel that nothing is sent to, with a deadline.
pub(crate) fn eventually(what: &str, check: impl FnMut() -> bool) {
    within(PATIENCE, what, check);
}

/// The same with a patience of one's own.
pub(crate) fn within(patience: Duration, what: &str, mut check: impl FnMut() -> bool) {
    let (_keep, nothing) = sync_channel::<()>(1);
    let waited = Stopwatch::start();
    while !check() {
        assert!(waited.elapsed() < patience, "waited in vain until {what}");
        let _ = nothing.recv_timeout(Duration::from_millis(5));
    }
}

/// A port of the loopback that nobody uses.
pub(crate) fn free_port() -> u16 {
    forewarn_base::port::free_port().unwrap()
}

/// A mosquitto of its own.
pub(crate) struct Broker {
    child: Child,
    pub(crate) port: u16,
}

impl Broker {
    /// Starts mosquitto on `port` with more lines of configuration, and waits until it accepts connections.
    pub(crate) fn start(dir: &Path, port: u16, extra: &str) -> Self {
        let config = dir.join(format!("mosquitto-{port}.conf"));
        let mut text = format!("listener {port} 127.0.0.1\nmax_inflight_messages 0\nmax_queued_messages 0\n");
        if !extra.contains("allow_anonymous") {
            text.push_str("allow_anonymous true\n");
        }
        // Run as root, mosquitto would change to a user who may not read the test's folder.
        text.push_str("user root\npersistence false\n");
        writeln!(text, "{extra}").unwrap();
        std::fs::write(&config, text).unwrap();
        let program =
            ["/usr/sbin/mosquitto", "mosquitto"].into_iter().find(|p| !p.contains('/') || Path::new(p).exists());
        let child = Command::new(program.unwrap())
            .arg("-c")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("mosquitto is installed (apt package mosquitto)");
        let mut broker = Self { child, port };
        eventually("mosquitto accepts connections", || {
            assert!(broker.child.try_wait().unwrap().is_none(), "mosquitto ended; is its configuration right?");
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
        });
        broker
    }

    /// Kills it at once, as by a power cut.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A message as a subscriber sees it.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) topic: String,
    pub(crate) payload: String,
    pub(crate) is_retained: bool,
    pub(crate) content_type: Option<String>,
    pub(crate) properties: Vec<(String, String)>,
}

/// Subscribes to everything, by MQTT 5, and keeps what comes.
pub(crate) struct Subscriber {
    messages: Receiver<Received>,
    stop: Arc<AtomicBool>,
    client: rumqttc::v5::Client,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Subscriber {
    /// Connects and returns once the broker has confirmed the subscription.
    pub(crate) fn start(port: u16) -> Self {
        use rumqttc::v5::mqttbytes::QoS;
        use rumqttc::v5::mqttbytes::v5::{Packet, Publish};
        use rumqttc::v5::{Client, Event, MqttOptions};
        let mut options = MqttOptions::new("subscriber", "127.0.0.1", port);
        options.set_keep_alive(PATIENCE);
        let (client, mut connection) = Client::new(options, 100);
        // QoS 0: a subscriber that need not answer still reads what a killed broker had sent to it.
        client.subscribe("#", QoS::AtMostOnce).unwrap();
        let (sender, messages): (SyncSender<Received>, _) = sync_channel(100_000);
        let (ready, subscribed) = sync_channel(1);
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("subscriber".to_owned())
            .spawn(move || {
                let keep = |publish: Publish| {
                    let received = Received {
                        topic: String::from_utf8(publish.topic.to_vec()).unwrap(),
                        payload: String::from_utf8(publish.payload.to_vec()).unwrap(),
                        is_retained: publish.retain,
                        content_type: publish.properties.as_ref().and_then(|p| p.content_type.clone()),
                        properties: publish.properties.map(|p| p.user_properties).unwrap_or_default(),
                    };
                    let _ = sender.send(received);
                };
                for event in connection.iter() {
                    match event {
                        Ok(Event::Incoming(Packet::SubAck(_))) => ready.send(()).unwrap(),
                        Ok(Event::Incoming(Packet::Publish(publish))) => keep(publish),
                        Err(_) => break,
                        Ok(_) if stopping.load(Ordering::Relaxed) => break,
                        Ok(_) => {}
                    }
                }
                // The library tells of the end of a connection before it tells of what came just ahead of it.
                for event in connection.eventloop.state.events.drain(..) {
                    if let Event::Incoming(Packet::Publish(publish)) = event {
                        keep(publish);
                    }
                }
            })
            .unwrap();
        subscribed.recv_timeout(PATIENCE).expect("the subscription is confirmed");
        Self { messages, stop, client, thread: Some(thread) }
    }

    /// The next message, of whatever topic.
    pub(crate) fn next(&self) -> Received {
        self.messages.recv_timeout(PATIENCE).expect("a message comes")
    }

    /// The next message whose topic contains `part`.
    pub(crate) fn next_of(&self, part: &str) -> Received {
        loop {
            let message = self.next();
            if message.topic.contains(part) {
                return message;
            }
        }
    }

    /// Everything that has come.
    pub(crate) fn rest(&self) -> Vec<Received> {
        self.messages.try_iter().collect()
    }

    /// Everything that came until the connection ended.
    pub(crate) fn drain_to_end(&self) -> Vec<Received> {
        let mut all = Vec::new();
        loop {
            match self.messages.recv_timeout(PATIENCE) {
                Ok(message) => all.push(message),
                Err(RecvTimeoutError::Disconnected) => return all,
                Err(RecvTimeoutError::Timeout) => panic!("the subscriber's connection did not end"),
            }
        }
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.client.disconnect();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Who reports in these tests.
pub(crate) fn source() -> EventSource {
    EventSource { site: "north".to_owned(), agent_version: "0.1.0".to_owned() }
}

/// An outbox in `dir` with the upstream `mqtt` that must be sound.
pub(crate) fn outbox(dir: &Path) -> Outbox {
    outbox_for(dir, &["mqtt"])
}

/// An outbox in `dir` with these upstreams that must be sound.
pub(crate) fn outbox_for(dir: &Path, upstreams: &[&str]) -> Outbox {
    let settings = OutboxSettings {
        limits: OutboxLimits::default(),
        source: source(),
        upstreams: upstreams.iter().map(|id| Destination::required(*id)).collect(),
    };
    let opened = Outbox::open(dir.join("outbox.db"), settings, SystemClock.now()).unwrap();
    assert_eq!(opened.set_aside, None);
    opened.outbox
}

/// A broker's configuration that does not wait long.
pub(crate) fn config(port: u16, version: MqttVersion) -> MqttConfig {
    let mut config = MqttConfig::new(format!("mqtt://127.0.0.1:{port}"));
    (config.version, config.reconnect_min_ms, config.reconnect_max_ms) = (version, 20, 200);
    config
}

pub(crate) fn publisher(config: &MqttConfig, outbox: &Outbox) -> UpstreamHandle {
    start("mqtt", &config.resolve("north", Path::new("."), &|_| None).unwrap(), outbox)
}

/// Starts the way to one of the outbox's upstreams.
pub(crate) fn start(upstream: &str, adapter: &dyn Start, outbox: &Outbox) -> UpstreamHandle {
    start_heard(upstream, adapter, outbox, &Ear::default())
}

/// Waits until everything was acknowledged.
pub(crate) fn drained(handle: &UpstreamHandle) -> UpstreamStats {
    eventually("the outbox is empty", || {
        let stats = handle.stats();
        stats.depth_messages == 0 && stats.in_flight == 0
    });
    handle.stats()
}

/// The same, where somebody listens to what it asks for.
pub(crate) fn start_heard(upstream: &str, adapter: &dyn Start, outbox: &Outbox, ear: &Ear) -> UpstreamHandle {
    adapter.start(outbox.lane(upstream), Arc::new(SystemClock), &Manners::default(), ear).unwrap()
}
