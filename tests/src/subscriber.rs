//! A consumer of what the agent reports.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, bail};
use forewarn_wire::Event;
use rumqttc::{Client, Connection, Event as Mqtt, MqttOptions, Packet, QoS};

use crate::wait::{Deadline, PATIENCE};

/// Messages that may wait for the test. More than any test makes; beyond it the consumer stops reading.
const QUEUE: usize = 100_000;
/// Pause between two attempts to connect.
const RETRY_AFTER: Duration = Duration::from_millis(50);
/// Largest packet taken: an event carries the whole history.
const MAX_PACKET: usize = 1 << 20;

/// How a consumer subscribes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Session {
    /// QoS 1 in a session that the broker keeps while the consumer is away, as a platform would.
    Persistent,
    /// QoS 0 in a clean session. It writes nothing to a broker that has died, so it reads all that the broker had
    /// written to it before, down to the end of the connection.
    Witness,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Its topic.
    pub topic: String,
    /// Its body.
    pub payload: String,
    /// Whether it was retained before the subscription.
    pub is_retained: bool,
}

impl Received {
    /// The event of an incident in it; none if it is on another topic.
    pub fn event(&self) -> anyhow::Result<Option<Event>> {
        if !self.topic.contains("/incidents/") {
            return Ok(None);
        }
        let event = serde_json::from_str(&self.payload);
        event.map(Some).with_context(|| format!("no event on {}: {}", self.topic, self.payload))
    }
}

#[derive(Debug)]
enum Note {
    Subscribed,
    Lost,
    Message(Received),
}

/// Subscribes to everything and keeps what comes. Connects again by itself when the connection is lost.
pub struct Subscriber {
    notes: Receiver<Note>,
    stop: Option<SyncSender<()>>,
    client: Client,
    thread: Option<JoinHandle<()>>,
    messages: Vec<Received>,
    is_subscribed: bool,
    name: &'static str,
}

impl Subscriber {
    /// Starts one, and waits until the broker has confirmed the subscription.
    pub fn start(port: u16, session: Session, login: Option<(&str, &str)>) -> anyhow::Result<Self> {
        let (name, qos) = match session {
            Session::Persistent => ("platform", QoS::AtLeastOnce),
            Session::Witness => ("witness", QoS::AtMostOnce),
        };
        let mut options = MqttOptions::new(name, "127.0.0.1", port);
        options.set_clean_session(session == Session::Witness);
        options.set_keep_alive(Duration::from_mins(20));
        options.set_max_packet_size(MAX_PACKET, MAX_PACKET);
        if let Some((user, password)) = login {
            options.set_credentials(user, password);
        }
        let (client, connection) = Client::new(options, 100);
        let (sender, notes) = sync_channel(QUEUE);
        let (stop, stopped) = sync_channel(1);
        let reader = Reader { client: client.clone(), qos, notes: sender, stopped };
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || reader.run(connection))
            .context("failed to start the consumer's thread")?;
        let (stop, thread) = (Some(stop), Some(thread));
        let mut subscriber = Self { notes, stop, client, thread, messages: Vec::new(), is_subscribed: false, name };
        subscriber.wait_subscribed()?;
        Ok(subscriber)
    }

    /// Everything received so far.
    pub fn messages(&self) -> &[Received] {
        &self.messages
    }

    /// The events received so far, in the order of their coming, repetitions too.
    pub fn events(&self) -> anyhow::Result<Vec<Event>> {
        self.messages.iter().filter_map(|message| message.event().transpose()).collect()
    }

    /// Waits until the broker has confirmed the subscription of the present connection.
    pub fn wait_subscribed(&mut self) -> anyhow::Result<()> {
        let deadline = Deadline::after(PATIENCE);
        while !self.is_subscribed {
            self.take_one(&deadline, "its subscription was confirmed")?;
        }
        Ok(())
    }

    /// Waits until the connection to a killed broker has been read to its end.
    pub fn wait_lost(&mut self) -> anyhow::Result<()> {
        let deadline = Deadline::after(PATIENCE);
        while self.is_subscribed {
            self.take_one(&deadline, "its connection was lost")?;
        }
        Ok(())
    }

    /// Sends a message through the broker to itself, which proves that the broker has gone through its loop since
    /// the subscription, and so has saved it.
    pub fn probe(&mut self) -> anyhow::Result<()> {
        let topic = format!("probe/{}", self.name);
        let before = self.count(&topic);
        self.client.publish(&topic, QoS::AtLeastOnce, false, "probe").context("failed to publish a probe")?;
        let deadline = Deadline::after(PATIENCE);
        while self.count(&topic) == before {
            self.take_one(&deadline, "its probe came back")?;
        }
        Ok(())
    }

    /// Publishes a message, as a sensor would.
    pub fn publish(&self, topic: &str, payload: &str) -> anyhow::Result<()> {
        self.client
            .publish(topic, QoS::AtLeastOnce, false, payload)
            .with_context(|| format!("failed to publish on {topic}"))
    }

    fn count(&self, topic: &str) -> usize {
        self.messages.iter().filter(|message| message.topic == topic).count()
    }

    /// Waits for an event that `fits`, among those that were received before or come within [`PATIENCE`].
    pub fn event(&mut self, what: &str, fits: impl Fn(&Event) -> bool) -> anyhow::Result<Event> {
        self.event_after(0, what, fits)
    }

    /// The same among the messages from the `first`-th on.
    pub fn event_after(&mut self, first: usize, what: &str, fits: impl Fn(&Event) -> bool) -> anyhow::Result<Event> {
        let deadline = Deadline::after(PATIENCE);
        let mut next = first;
        loop {
            while let Some(message) = self.messages.get(next) {
                if let Some(event) = message.event()?
                    && fits(&event)
                {
                    return Ok(event);
                }
                next += 1;
            }
            self.take_one(&deadline, what)?;
        }
    }

    /// Waits for a message whose topic ends with `topic` and whose body contains `part`.
    pub fn message(&mut self, topic: &str, part: &str) -> anyhow::Result<Received> {
        let deadline = Deadline::after(PATIENCE);
        let mut next = 0;
        loop {
            while let Some(message) = self.messages.get(next) {
                if message.topic.ends_with(topic) && message.payload.contains(part) {
                    return Ok(message.clone());
                }
                next += 1;
            }
            self.take_one(&deadline, &format!("`{part}` came on {topic}"))?;
        }
    }

    /// Takes in what comes within `time`, or until `n` more events have come.
    pub fn listen(&mut self, time: Duration, n: usize) {
        let deadline = Deadline::after(time);
        let end = self.messages.len().saturating_add(n);
        while self.messages.len() < end && self.take_one(&deadline, "").is_ok() {}
    }

    /// Takes in what has come already.
    pub fn catch_up(&mut self) {
        while let Ok(note) = self.notes.try_recv() {
            self.take(note);
        }
    }

    fn take_one(&mut self, deadline: &Deadline, what: &str) -> anyhow::Result<()> {
        let Some(left) = deadline.left() else { bail!("{} waited in vain until {what}", self.name) };
        match self.notes.recv_timeout(left) {
            Ok(note) => self.take(note),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => bail!("{} has ended before {what}", self.name),
        }
        Ok(())
    }

    fn take(&mut self, note: Note) {
        match note {
            Note::Subscribed => self.is_subscribed = true,
            Note::Lost => self.is_subscribed = false,
            Note::Message(message) => self.messages.push(message),
        }
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.stop = None;
        // Without a connection there is nobody to say farewell to, and the thread ends at its next attempt.
        let _ = self.client.try_disconnect();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            eprintln!("the thread of {} panicked", self.name);
        }
    }
}

/// The thread behind a subscriber.
struct Reader {
    client: Client,
    qos: QoS,
    notes: SyncSender<Note>,
    stopped: Receiver<()>,
}

impl Reader {
    fn run(self, mut connection: Connection) {
        let mut is_connected = false;
        for event in connection.iter() {
            let note = match event {
                Ok(Mqtt::Incoming(Packet::ConnAck(_))) => {
                    is_connected = true;
                    // Its queue has room, because nothing else is asked for before this.
                    let _ = self.client.try_subscribe("#", self.qos);
                    None
                }
                Ok(Mqtt::Incoming(Packet::SubAck(_))) => Some(Note::Subscribed),
                Ok(Mqtt::Incoming(Packet::Publish(publish))) => Some(Note::Message(Received {
                    topic: publish.topic,
                    payload: String::from_utf8_lossy(&publish.payload).into_owned(),
                    is_retained: publish.retain,
                })),
                Ok(_) => None,
                Err(_) => {
                    if self.stopped.recv_timeout(RETRY_AFTER) == Err(RecvTimeoutError::Disconnected) {
                        return;
                    }
                    std::mem::take(&mut is_connected).then_some(Note::Lost)
                }
            };
            if let Some(note) = note
                && self.notes.send(note).is_err()
            {
                return;
            }
        }
    }
}
