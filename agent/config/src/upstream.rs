//! `[upstream]`: where incidents are reported to.

use forewarn_report::{MqttConfig, ResolvedMqtt};
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::check::Check;

pub(crate) const EXAMPLE: &str = r#"[upstream.mqtt]
url = "mqtt://127.0.0.1:1883"    # mqtts:// for TLS
# version = "3.1.1"              # "5" if absent
# user = "gateway-7"
# password_file = "mqtt.secret"  # or password_env = "MQTT_PASSWORD"; a password never stands in this file
"#;

/// `[upstream]`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawUpstream {
    /// An MQTT broker; without it reports wait in the outbox.
    #[schemars(with = "Option<MqttConfig>")]
    pub mqtt: Option<Spanned<MqttConfig>>,
}

impl RawUpstream {
    /// Checks the broker's keys and reads its secrets, whose paths are relative to the site file.
    pub(crate) fn check(self, check: &mut Check<'_>, site: &str) -> Option<ResolvedMqtt> {
        let raw = self.mqtt?;
        let place = raw.span();
        match raw.into_inner().resolve(site, check.directory(), &|name| std::env::var(name).ok()) {
            Ok(resolved) => Some(resolved),
            Err(error) => check.fail_key(place, error.key(), error.to_string(), error.mend()),
        }
    }
}
