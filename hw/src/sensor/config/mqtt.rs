//! A topic at a broker.

use std::path::Path;

use forewarn_base::broker::Broker;
use forewarn_base::broker_table;
use forewarn_base::secret::Environment;
use forewarn_base::setting::SettingError;
use forewarn_domain::SensorId;
use serde_json_path::JsonPath;

broker_table! {
    /// A sensor whose values come over MQTT 3.1.1.
    pub struct MqttSensorConfig {
        /// The topic, without wildcards.
        pub topic: String,
        /// JSON path (RFC 9535) to the number in a message, such as `$.data.pm25`; the message is the number if absent.
        #[serde(default)]
        pub path: Option<String>,
        /// Seconds between two messages of the sensor; if given, three times as long without one is told.
        #[serde(default)]
        pub every_s: Option<f64>,
        /// What the number is multiplied with.
        #[serde(default = "super::one")]
        pub scale: f64,
        /// What is added after that.
        #[serde(default)]
        pub offset: f64,
        /// What the value is measured in, for reports.
        #[serde(default)]
        pub unit: Option<String>,
    }
}

/// A topic at a broker.
pub(in crate::sensor) struct MqttSource {
    pub(in crate::sensor) broker: Broker,
    pub(in crate::sensor) topic: String,
    pub(in crate::sensor) path: Option<JsonPath>,
}

impl MqttSensorConfig {
    pub(super) fn resolve(
        &self,
        id: &SensorId,
        site: &str,
        directory: &Path,
        environment: Environment<'_>,
    ) -> Result<MqttSource, SettingError> {
        if self.topic.is_empty() || self.topic.len() > 1024 || self.topic.contains(['+', '#', '\0']) {
            let mend = "name the one topic of this sensor, without + and #; give each sensor its own `[[sensor]]`";
            return Err(SettingError::value("topic", format!("{:?} is not one topic", self.topic), mend));
        }
        let path = self.path.as_deref().map(JsonPath::parse).transpose().map_err(|error| {
            let why = format!("this is no JSON path: {error}");
            SettingError::value("path", why, "write it like \"$.data.pm25\" or \"$.values[0]\" (RFC 9535)")
        })?;
        let client_id = format!("forewarn-{site}-sensor-{id}");
        let broker = self.broker().resolve(client_id, directory, environment)?;
        Ok(MqttSource { broker, topic: self.topic.clone(), path })
    }
}
