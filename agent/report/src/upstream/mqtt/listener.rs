//! The keys of an upstream on a broker that is listened to by a program with a dialect of its own.

use std::sync::Arc;

use forewarn_base::broker_table;
use forewarn_base::setting::SettingError;

use super::config::{MqttConfig, MqttVersion};
use super::{InDialect, Pictures, Speaks};
use crate::upstream::Start;
use crate::upstream::purse::Purse;
use crate::upstream::settings::{AdapterSettings, Seals, Surroundings, Usual};
use crate::upstream::spending::Budget;

broker_table! {
    /// A listener on a broker as the site file describes it.
    pub struct ListenerConfig {
        /// `"5"` (default) or `"3.1.1"`.
        #[serde(default)]
        pub version: MqttVersion,
        /// What every topic of it begins with.
        #[serde(default)]
        pub topic_prefix: Option<String>,
        /// Whether the latest picture of an incident is published; true if absent.
        #[serde(default = "default_pictures")]
        pub pictures: bool,
        /// The link to the broker is slow or metered: words go first and alone, then a picture of at most 15 kB, within this budget.
        #[serde(default)]
        pub thin: Option<Budget>,
    }
}

fn default_pictures() -> bool {
    true
}

/// It is told of every step, and no evidence waits for it.
pub(crate) const USUAL: Usual = Usual { is_required: false, states: &[], seals: Seals::Without };

impl ListenerConfig {
    /// When pictures go.
    pub(crate) fn when_pictures(&self) -> Pictures {
        match (self.pictures, self.thin) {
            (false, _) => Pictures::Never,
            (true, None) => Pictures::Along,
            (true, Some(_)) => Pictures::After,
        }
    }

    /// The way there, on which a dialect is spoken below a prefix.
    pub(crate) fn open<D: Speaks>(
        &self,
        around: Surroundings<'_>,
        prefix: &str,
        dialect: impl FnOnce(String) -> D,
    ) -> Result<Arc<dyn Start>, SettingError> {
        let thin = self.thin.map(Budget::check).transpose()?;
        if thin.is_some() && !self.pictures {
            return Err(SettingError::value("thin", "it has no effect without pictures", "leave one of the two out"));
        }
        let thin = thin.map(|budget| Purse::of(budget, &around));
        let prefix = self.topic_prefix.clone().unwrap_or_else(|| prefix.to_owned());
        let mqtt = MqttConfig {
            version: self.version,
            topic_prefix: prefix.clone(),
            client_id: self.client_id.clone(),
            user: self.user.clone(),
            password_file: self.password_file.clone(),
            password_env: self.password_env.clone(),
            ca_file: self.ca_file.clone(),
            client_cert: self.client_cert.clone(),
            client_key: self.client_key.clone(),
            keep_alive_s: self.keep_alive_s,
            ..MqttConfig::new(&self.url)
        };
        Ok(Arc::new(InDialect::new(mqtt.resolve_for(around)?, dialect(prefix)).within(thin)))
    }
}

/// Makes a table of the same keys that is another kind.
macro_rules! listener {
    ($(#[$about:meta])* $name:ident, $prefix:literal, $dialect:expr) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name($crate::upstream::mqtt::listener::ListenerConfig);

        // A reference to the shared keys would not let the keys of every upstream stand beside them.
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $crate::upstream::mqtt::listener::ListenerConfig::json_schema(generator)
            }
        }

        impl $crate::upstream::settings::AdapterSettings for $name {
            fn usual(&self) -> $crate::upstream::settings::Usual {
                $crate::upstream::mqtt::listener::USUAL
            }

            fn resolve_in(
                &self,
                around: $crate::upstream::settings::Surroundings<'_>,
            ) -> Result<std::sync::Arc<dyn $crate::upstream::Start>, forewarn_base::setting::SettingError> {
                let (people, pictures) = (std::sync::Arc::clone(around.people), self.0.when_pictures());
                self.0.open(around, $prefix, |prefix| $dialect(prefix, people, pictures))
            }
        }
    };
}

pub(crate) use listener;

/// The settings of a broker itself are those of any upstream there.
impl MqttConfig {
    /// Checks the settings and reads their secrets. Two upstreams may be the same broker, which knows its clients by their
    /// names.
    pub(super) fn resolve_for(&self, around: Surroundings<'_>) -> Result<super::config::ResolvedMqtt, SettingError> {
        let mut config = self.clone();
        if config.client_id.is_none() && around.id != super::PLAIN_ID {
            config.client_id = Some(format!("forewarn-{}-{}", around.site, around.id));
        }
        config.resolve(around.site, around.directory, around.environment)
    }
}

impl AdapterSettings for MqttConfig {
    fn resolve_in(&self, around: Surroundings<'_>) -> Result<Arc<dyn Start>, SettingError> {
        Ok(Arc::new(self.resolve_for(around)?))
    }
}
