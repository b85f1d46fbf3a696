//! The keys of an upstream on a broker that is listened to by a program with a dialect of its own.

use std::sync::Arc;

use forewarn_base::setting::SettingError;

use super::config::MqttConfig;
use super::{InDialect, Pictures, Speaks};
use crate::upstream::Start;
use crate::upstream::purse::Purse;
use crate::upstream::settings::{AdapterSettings, Seals, Surroundings, Usual};
use crate::upstream::spending::Budget;

/// Whether the latest picture of an incident is published where the site file does not say so.
pub(crate) fn default_pictures() -> bool {
    true
}

/// It is told of every step, and no evidence waits for it.
pub(crate) const USUAL: Usual = Usual { is_required: false, states: &[], seals: Seals::Without };

/// What every listener on a broker has in the site file.
pub(crate) struct Listener {
    /// The broker, without what topics begin with.
    pub mqtt: MqttConfig,
    /// What every topic begins with, where the site file says so.
    pub topic_prefix: Option<String>,
    /// Whether pictures go.
    pub pictures: bool,
    /// What a thin link may carry.
    pub thin: Option<Budget>,
}

impl Listener {
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
        self,
        around: Surroundings<'_>,
        prefix: &str,
        dialect: impl FnOnce(String) -> D,
    ) -> Result<Arc<dyn Start>, SettingError> {
        let thin = self.thin.map(Budget::check).transpose()?;
        if thin.is_some() && !self.pictures {
            return Err(SettingError::value("thin", "it has no effect without pictures", "leave one of the two out"));
        }
        let thin = thin.map(|budget| Purse::of(budget, &around));
        let prefix = self.topic_prefix.unwrap_or_else(|| prefix.to_owned());
        let mqtt = MqttConfig { topic_prefix: prefix.clone(), ..self.mqtt };
        Ok(Arc::new(InDialect::new(mqtt.resolve_for(around)?, dialect(prefix)).within(thin)))
    }
}

/// Declares a table of the site file that holds the keys of a listener beside its own, and `listener()`, which gives the
/// former.
macro_rules! listener_table {
    ($(#[$about:meta])* pub struct $name:ident { $($own:tt)* }) => {
        forewarn_base::broker_table! {
            $(#[$about])*
            pub struct $name {
                /// `"5"` (default) or `"3.1.1"`.
                #[serde(default)]
                pub version: $crate::upstream::mqtt::config::MqttVersion,
                /// What every topic of it begins with.
                #[serde(default)]
                pub topic_prefix: Option<String>,
                /// Whether the latest picture of an incident is published; true if absent.
                #[serde(default = "crate::upstream::mqtt::listener::default_pictures")]
                pub pictures: bool,
                /// The link to the broker is slow or metered: words go first and alone, then a picture of at most 15 kB, within
                /// this budget.
                #[serde(default)]
                pub thin: Option<$crate::upstream::spending::Budget>,
                $($own)*
            }
        }

        impl $name {
            fn listener(&self) -> $crate::upstream::mqtt::listener::Listener {
                $crate::upstream::mqtt::listener::Listener {
                    mqtt: $crate::upstream::mqtt::config::MqttConfig {
                        version: self.version,
                        client_id: self.client_id.clone(),
                        user: self.user.clone(),
                        password_file: self.password_file.clone(),
                        password_env: self.password_env.clone(),
                        ca_file: self.ca_file.clone(),
                        client_cert: self.client_cert.clone(),
                        client_key: self.client_key.clone(),
                        keep_alive_s: self.keep_alive_s,
                        ..$crate::upstream::mqtt::config::MqttConfig::new(&self.url)
                    },
                    topic_prefix: self.topic_prefix.clone(),
                    pictures: self.pictures,
                    thin: self.thin,
                }
            }
        }
    };
}

pub(crate) use listener_table;

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
