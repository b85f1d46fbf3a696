//! The way to every upstream: the port that an adapter fills, and what all of them share.
//!
//! An adapter is three small things. An [`Upstream`] is pure: it says a report in the words of the other side and reads
//! what the other side answers. An [`Outward`] and an [`Inward`] are the two ends of one connection and do nothing but
//! carry. An [`Adapter`] holds the settings and makes all three anew for each connection, so that no idea of what is in
//! flight survives the connection that it was about.
//!
//! Everything else is common and written once: a thread for each upstream, its cursor in the outbox, the window of what
//! was sent ahead of its acknowledgement, the pauses between attempts, the figures. No upstream shares anything with
//! another but the outbox's file, so one that is dead or slow delays nobody.
//!
//! A new kind of upstream is a file of its own, and a line in the registry at the end of this page.

pub mod config;
pub mod ear;
pub mod frigate;
pub mod gat1400;
mod group;
pub mod home_assistant;
pub mod http;
mod link;
pub mod manners;
pub mod mqtt;
pub mod ntfy;
mod patience;
mod pattern;
pub mod people;
mod purse;
mod rival;
pub mod robot;
pub mod s3;
mod session;
pub mod settings;
mod small;
mod spending;
mod stats;
mod supervisor;
pub mod thin;
pub mod tus;
pub mod upload;
pub mod web_push;
pub mod webhook;
mod window;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use forewarn_base::backoff::BackoffLimits;
use forewarn_base::setting::SettingError;
use forewarn_domain::Clock;
use forewarn_wire::EventSource;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;

use self::ear::Wish;
use self::settings::{AdapterSettings, Surroundings, Usual};
use self::thin::PictureCounts;
use crate::outbox::QueuedReport;

pub use group::Upstreams;
pub use manners::Manners;
pub use stats::{FileCounts, UpstreamStats};
pub use supervisor::{Start, UpstreamError, UpstreamHandle};

/// A connection is of no use any more, and why, for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Broken(pub String);

/// What an answer from the other side means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The other side is there and takes reports.
    Ready,
    /// It has the report of this place of the outbox, and answers for it from now on.
    Acknowledged(i64),
    /// It has all of these.
    AcknowledgedAll(Vec<i64>),
    /// It will never have these, which are given up for it.
    GivenUp {
        /// Their places in the outbox.
        places: Vec<i64>,
        /// Why, for people.
        why: String,
    },
    /// It refused something for a reason that may pass. What it was stays in the outbox; the connection starts over
    /// after a pause, because sending the later reports of an incident first would break their order.
    Refused {
        /// What was refused, for people.
        what: &'static str,
        /// Why, for people.
        why: String,
        /// How long it wants to be left in peace, where it says so.
        after: Option<Duration>,
    },
    /// It cannot be asked, or gives no answer. What it was stays in the outbox; the connection starts over after a pause.
    Away {
        /// Why, for people.
        why: String,
    },
    /// It asks for something.
    Heard {
        /// For what.
        wish: Wish,
        /// Whether it had been kept, so that nobody knows how old it is.
        is_kept: bool,
    },
    /// It was taken leave of.
    Left,
    /// Nothing that matters here.
    Nothing,
}

/// How reports are said to one upstream, and what its answers mean. Pure, for one connection.
///
/// What is to be sent is collected by `handle_…` and taken by [`poll_message`](Self::poll_message).
pub trait Upstream {
    /// What is sent there.
    type Message;
    /// What comes from there.
    type Answer;

    /// Says a report. It may take several messages; it is acknowledged when the other side has all of them.
    fn handle_report(&mut self, report: &QueuedReport);

    /// Whether several reports can be said together, in one message.
    fn can_join(&self) -> bool {
        false
    }

    /// Says several reports together, where [`can_join`](Self::can_join) says so.
    fn handle_together(&mut self, reports: &[QueuedReport]) {
        for report in reports {
            self.handle_report(report);
        }
    }

    /// Reads an answer.
    fn handle_answer(&mut self, answer: Self::Answer) -> Note;

    /// How the agent's parts fare, as JSON; only the latest counts. Nothing is said where the other side has no place for it.
    fn handle_health(&mut self, _health: &str) {}

    /// What became of something that the other side asked for, as JSON; only the latest counts.
    fn handle_told(&mut self, _told: &str) {}

    /// The agent stops and nothing is in flight: takes leave, which ends with [`Note::Left`].
    fn handle_stop(&mut self);

    /// Whether the other side owes an answer to something else than reports, such as a status.
    fn is_owed_an_answer(&self) -> bool {
        false
    }

    /// How long what waits here, and not in the outbox, has to wait; none where nothing does.
    fn rest(&self) -> Option<Duration> {
        None
    }

    /// What became of pictures that follow words.
    fn pictures(&self) -> PictureCounts {
        PictureCounts::default()
    }

    /// What became of files, where the other side keeps files.
    fn files(&self) -> FileCounts {
        FileCounts::default()
    }

    /// The next message to be sent.
    fn poll_message(&mut self) -> Option<Self::Message>;
}

/// The end of a connection that carries messages away.
pub trait Outward<M> {
    /// Hands a message over; it is on its way when the other end is polled.
    fn send(&mut self, message: M) -> Result<(), Broken>;
}

/// The end of a connection that brings answers.
pub trait Inward<A> {
    /// Waits for the next answer. After an error the connection is of no use any more.
    ///
    /// The future is always polled to its end.
    fn next(&mut self) -> impl Future<Output = Result<A, Broken>>;

    /// Answers that had come before the connection broke and were not told yet.
    fn leftovers(&mut self) -> Vec<A> {
        Vec::new()
    }
}

/// How fast reports are sent, how long answers are waited for, and how soon a connection is tried again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// A connection on which no answer that is owed has come for so long is given up.
    pub answer_within: Duration,
    /// Reports sent ahead of their acknowledgement, at most.
    pub max_in_flight: u16,
    /// The pauses between attempts.
    pub reconnect: BackoffLimits,
    /// Messages that the other side takes in a minute, where it counts them.
    pub max_per_minute: Option<u32>,
}

/// An upstream's settings, checked and with their secrets.
pub trait Adapter: fmt::Debug + Clone + Send + Sync + 'static {
    /// What it says and hears.
    type Upstream: Upstream;
    /// The end that carries away.
    type Outward: Outward<<Self::Upstream as Upstream>::Message>;
    /// The end that brings.
    type Inward: Inward<<Self::Upstream as Upstream>::Answer>;

    /// Where it leads, for logs; without secrets.
    fn peer(&self) -> String;

    /// What nobody else may share with this agent there, for people: the name by which the other side knows it.
    fn own_name(&self) -> String {
        "the name of this one".to_owned()
    }

    /// How fast.
    fn pace(&self) -> Pace;

    /// Prepares a connection; it is made when its inward end is polled first.
    fn connect(&self, source: &EventSource, clock: &Arc<dyn Clock>) -> (Self::Upstream, Self::Outward, Self::Inward);
}

/// Declares the kinds: the word in the site file, the name here, and the settings.
macro_rules! kinds {
    ($($(#[$about:meta])* $word:literal => $name:ident($settings:ty),)+) => {
        /// What is particular to the kind of an upstream, named by `kind`.
        #[derive(Debug, Clone, PartialEq, Deserialize)]
        #[serde(tag = "kind")]
        pub enum AdapterConfig {
            $($(#[$about])* #[serde(rename = $word)] $name($settings),)+
        }

        impl AdapterConfig {
            /// The words for the kinds.
            pub const KINDS: &'static [&'static str] = &[$($word),+];

            /// The schema of each kind's settings, by its word.
            pub fn schemas(generator: &mut SchemaGenerator) -> Vec<(&'static str, Schema)> {
                vec![$(($word, <$settings>::json_schema(generator))),+]
            }

            /// What is so where the site file does not say otherwise.
            pub fn usual(&self) -> Usual {
                match self {
                    $(Self::$name(settings) => settings.usual(),)+
                }
            }

            /// Checks the settings and reads their secrets.
            pub fn resolve(&self, around: Surroundings<'_>) -> Result<Arc<dyn Start>, SettingError> {
                match self {
                    $(Self::$name(settings) => settings.resolve_in(around),)+
                }
            }
        }
    };
}

kinds! {
    /// An MQTT broker.
    "mqtt" => Mqtt(mqtt::config::MqttConfig),
    /// A service that takes events over HTTP.
    "webhook" => Webhook(webhook::WebhookConfig),
    /// A topic of ntfy, which phones subscribe to.
    "ntfy" => Ntfy(ntfy::NtfyConfig),
    /// Browsers and phones that signed up in the console.
    "web_push" => WebPush(web_push::WebPushConfig),
    /// A robot in a group of DingTalk.
    "dingtalk" => DingTalk(robot::DingTalkConfig),
    /// A robot in a group of WeCom.
    "wecom" => WeCom(robot::WeComConfig),
    /// Home Assistant behind an MQTT broker.
    "home_assistant" => HomeAssistant(home_assistant::HomeAssistantConfig),
    /// Programs that read the topics of Frigate on an MQTT broker.
    "frigate" => Frigate(frigate::FrigateConfig),
    /// A platform that speaks GA/T 1400.
    "gat1400" => GaT1400(gat1400::GaT1400Config),
    /// A server that keeps files as S3 does.
    "s3" => S3(s3::S3Config),
    /// A server that takes files by tus.
    "tus" => Tus(tus::TusConfig),
}
