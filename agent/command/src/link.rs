//! The connection to the broker, and the thread that has commands done.
//!
//! One thread drives the connection and never waits for a command; the other has one done after the other and answers. A
//! message for which there is no room is left out before anybody has looked at it, so its sender may send it again.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use forewarn_base::backoff::{Backoff, BackoffLimits};
use forewarn_base::broker::{BAD_LOGIN, Broker, NOT_ALLOWED};
use forewarn_base::thread::{Thread, ThreadError};
use forewarn_telemetry::queue::{LeaveOut, QueueSpec, Receiver, Sender};
use forewarn_telemetry::{COMMANDS, COMMANDS_CONNECTED};
use rumqttc::mqttbytes::Error as MqttError;
use rumqttc::{
    Client, ConnectReturnCode, Connection, ConnectionError, Event, MqttOptions, NetworkOptions, Packet, QoS,
    RecvTimeoutError, StateError, SubscribeReasonCode, TlsConfiguration, Transport,
};

use crate::config::ResolvedCommands;
use crate::desk::Desk;
use crate::message::{Message, To, What};
use crate::reply::Reply;
use crate::wishes::Wishes;

/// Messages that wait to be looked at.
pub const QUEUE: QueueSpec<LeaveOut> = QueueSpec::new("commands", 16);
/// The largest command.
const MOST_COMMAND: usize = 64 << 10;
/// The largest message that is read from the broker. Whoever may publish could retain one that is no command, and a connection
/// that refused to read it would never hear those behind it.
const MOST_IN: usize = 8 << 20;
/// The largest reply: a clip in base64.
const MOST_OUT: usize = 16 << 20;
/// Replies that wait for the broker.
const REPLIES: usize = 16;
/// Until TCP, TLS and CONNACK are through.
const CONNECT_TIMEOUT_S: u64 = 10;
/// How soon the end of the agent is noticed.
const TURN: Duration = Duration::from_millis(200);

/// The threads could not start.
#[derive(Debug, thiserror::Error)]
#[error("commands cannot be taken: {0}")]
pub struct LinkError(#[from] ThreadError);

/// Is told of what lasts.
pub type Tell = Box<dyn Fn(String) + Send>;

/// A way beside the broker's by which commands come in. Clones are the same.
#[derive(Clone)]
pub struct Door(Sender<Message, LeaveOut>);

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Door")
    }
}

impl Door {
    /// Has one message done as if it had come by the broker, waits for that, and has the reply alone. None where too many
    /// wait: nobody has looked at it, so it may be handed in again.
    pub fn hand_in(&self, payload: Vec<u8>) -> Option<Reply> {
        let (asker, reply) = sync_channel(1);
        self.0.put(Message { what: What::Signed { payload, is_retained: false }, to: To::Asker(asker) });
        reply.recv().ok()
    }
}

/// The ways by which commands and wishes come in. Dropping it closes the connection.
#[derive(Debug)]
pub struct Commands {
    is_over: Arc<AtomicBool>,
    /// None where no commands are taken.
    link: Option<Thread>,
    worker: Thread,
    door: Door,
}

impl Commands {
    /// Begins to have wishes done, and commands where the site takes any. The desk is made on the thread that works at it; `tell`
    /// is told when the broker is away for the first time, and why.
    pub fn start(
        config: Option<&ResolvedCommands>,
        desk: impl FnOnce() -> Desk + Send + 'static,
        tell: Tell,
    ) -> Result<Self, LinkError> {
        let (messages, inbox) = QUEUE.open();
        let (is_over, door) = (Arc::<AtomicBool>::default(), Door(messages.clone()));
        let Some(config) = config else {
            let worker = Thread::spawn("commands", move || work(desk(), &inbox, None))?;
            return Ok(Self { is_over, link: None, worker, door });
        };
        let (client, mut connection) = Client::new(options(&config.broker), REPLIES);
        let mut network = NetworkOptions::new();
        network.set_connection_timeout(CONNECT_TIMEOUT_S).set_tcp_nodelay(true);
        connection.eventloop.set_network_options(network);
        let (replies, reply_topic) = (client.clone(), format!("{}/replies", config.topic));
        let worker = Thread::spawn("commands", move || work(desk(), &inbox, Some((&replies, &reply_topic))))?;
        let mut link = Link {
            client,
            messages,
            peer: config.broker.url.to_string(),
            topic: config.topic.clone(),
            is_over: Arc::clone(&is_over),
            tell,
            is_away_told: false,
        };
        let link = Thread::spawn("commands-link", move || link.run(&mut connection))?;
        Ok(Self { is_over, link: Some(link), worker, door })
    }

    /// The way by which commands come in beside the broker; none where no commands are taken.
    pub fn door(&self) -> Option<Door> {
        self.link.as_ref().map(|_| self.door.clone())
    }

    /// The way by which wishes come in.
    pub fn wishes(&self) -> Wishes {
        Wishes(self.door.0.clone())
    }

    /// Whether a thread of it has ended though nobody stopped it.
    pub fn is_broken(&self) -> bool {
        self.link.as_ref().is_some_and(Thread::has_ended) || self.worker.has_ended()
    }

    /// Takes no more commands. One that is being done is not waited for: it is noted that it came, so it is not done again.
    pub fn stop(&mut self) -> Result<(), ThreadError> {
        self.is_over.store(true, Ordering::Relaxed);
        self.link.as_mut().map_or(Ok(()), |link| link.join().map(drop))
    }
}

fn work(mut desk: Desk, inbox: &Receiver<Message>, replies: Option<(&Client, &str)>) {
    while let Ok(Message { what, to }) = inbox.recv() {
        let reply = match what {
            What::Signed { payload, is_retained } => desk.take(&payload, is_retained),
            What::Wished(wish) => desk.grant(wish),
        };
        match to {
            // Who has gone meanwhile finds it in the audit log.
            To::Asker(asker) => drop(asker.try_send(reply)),
            To::Teller(tell) => tell(&reply, desk.wall()),
            To::Broker => publish(replies, &reply),
        }
    }
}

fn publish(replies: Option<(&Client, &str)>, reply: &Reply) {
    let Some((client, topic)) = replies else { return };
    // A reply of texts and numbers always has a JSON form.
    let json = serde_json::to_vec(reply).unwrap_or_default();
    if let Err(error) = client.try_publish(topic, QoS::AtLeastOnce, false, json) {
        tracing::warn!(%error, id = reply.id, "the reply to a command does not reach the broker; the audit log has it");
    }
}

struct Link {
    client: Client,
    messages: Sender<Message, LeaveOut>,
    peer: String,
    topic: String,
    is_over: Arc<AtomicBool>,
    tell: Tell,
    is_away_told: bool,
}

impl Link {
    fn run(&mut self, connection: &mut Connection) {
        let mut backoff = Backoff::new(BackoffLimits::STEADY, 0);
        while !self.is_over.load(Ordering::Relaxed) {
            match connection.recv_timeout(TURN) {
                Ok(Ok(Event::Incoming(packet))) => {
                    if self.take_in(packet) {
                        backoff.reset();
                    }
                }
                Ok(Ok(Event::Outgoing(_))) | Err(RecvTimeoutError::Timeout) => {}
                Ok(Err(error)) => {
                    self.is_away(&explain(&error));
                    self.pause(backoff.next_wait());
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        let _ = self.client.try_disconnect();
        let _ = connection.recv_timeout(TURN);
    }

    /// Takes in a packet. Whether commands come from now on.
    fn take_in(&mut self, packet: Packet) -> bool {
        match packet {
            // The session is clean, so each connection subscribes anew.
            Packet::ConnAck(_) => {
                if let Err(error) = self.client.try_subscribe(&self.topic, QoS::AtLeastOnce) {
                    self.is_away(&error.to_string());
                }
            }
            Packet::SubAck(ack) if ack.return_codes.contains(&SubscribeReasonCode::Failure) => {
                self.is_away(&format!(
                    "it refused to let this client subscribe to {}; check its ACL and `topic`",
                    self.topic
                ));
            }
            Packet::SubAck(_) => {
                COMMANDS_CONNECTED.of([]).set(1.0);
                self.is_away_told = false;
                tracing::info!(broker = self.peer, topic = self.topic, "commands are taken");
                return true;
            }
            Packet::Publish(publish) if publish.payload.len() > MOST_COMMAND => {
                let (bytes, retained) = (publish.payload.len(), publish.retain);
                tracing::warn!(
                    bytes,
                    retained,
                    topic = self.topic,
                    "a message is larger than any command and is left out"
                );
                COMMANDS.of([&"none", &"refused"]).increment(1);
            }
            Packet::Publish(publish) => {
                let (payload, is_retained) = (publish.payload.to_vec(), publish.retain);
                self.messages.put(Message { what: What::Signed { payload, is_retained }, to: To::Broker });
            }
            _ => {}
        }
        false
    }

    fn is_away(&mut self, why: &str) {
        COMMANDS_CONNECTED.of([]).set(0.0);
        if !std::mem::replace(&mut self.is_away_told, true) {
            (self.tell)(format!("commands cannot come from the broker {}: {why}", self.peer));
        }
    }

    /// Waits in short turns, so that the end of the agent is not held up.
    fn pause(&self, wait: Duration) {
        let watch = forewarn_domain::clock::Stopwatch::start();
        while !self.is_over.load(Ordering::Relaxed) && watch.elapsed() < wait {
            std::thread::park_timeout(TURN);
        }
    }
}

fn options(broker: &Broker) -> MqttOptions {
    let mut options = MqttOptions::new(&broker.client_id, &broker.url.host, broker.url.port);
    options.set_clean_session(true).set_keep_alive(broker.keep_alive).set_max_packet_size(MOST_IN, MOST_OUT);
    if let Some(login) = &broker.credentials {
        options.set_credentials(&login.user, login.password.expose());
    }
    if let Some(tls) = &broker.tls {
        options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls.config())));
    }
    options
}

fn explain(error: &ConnectionError) -> String {
    match error {
        ConnectionError::ConnectionRefused(ConnectReturnCode::BadUserNamePassword) => format!("it refused {BAD_LOGIN}"),
        ConnectionError::ConnectionRefused(ConnectReturnCode::NotAuthorized) => format!("it refused {NOT_ALLOWED}"),
        ConnectionError::MqttState(StateError::Deserialization(MqttError::PayloadSizeLimitExceeded(bytes))) => format!(
            "a message of {bytes} bytes on the topic is larger than any that is read; if it is retained, take it away by \
             publishing an empty one there, retained"
        ),
        ConnectionError::Tls(error) => format!("TLS failed: {}", forewarn_base::tls::explain(error)),
        other => other.to_string(),
    }
}
