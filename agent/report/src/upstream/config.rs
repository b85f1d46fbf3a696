//! The kinds of upstreams, by which the site file names them.

use std::sync::Arc;

use forewarn_base::setting::SettingError;
use forewarn_domain::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;

use super::Start;
use super::mqtt::config::MqttConfig;
use super::settings::{AdapterSettings, Surroundings};
use crate::outbox::Destination;

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
    "mqtt" => Mqtt(MqttConfig),
}

/// An upstream, checked, with its secrets.
#[derive(Debug, Clone)]
pub struct ResolvedUpstream {
    /// Its id, under which the outbox keeps what waits for it.
    pub id: String,
    /// Whether a report counts as acknowledged only when it has it.
    pub is_required: bool,
    /// Where it is new: from when on it is told of incidents.
    pub since: Option<Timestamp>,
    /// The way there.
    pub adapter: Arc<dyn Start>,
}

impl ResolvedUpstream {
    /// As the outbox sees it.
    pub fn destination(&self) -> Destination {
        Destination { id: self.id.clone(), is_required: self.is_required, since: self.since }
    }
}
