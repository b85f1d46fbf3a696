//! How a site file describes a sensor, and the same checked, with its secrets.

mod modbus;
mod mqtt;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use forewarn_base::secret::Environment;
use forewarn_base::setting::SettingError;
use forewarn_domain::SensorId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) use modbus::ModbusSource;
pub use modbus::{ModbusSensorConfig, Registers};
pub use mqtt::MqttSensorConfig;
pub(super) use mqtt::MqttSource;

use super::value::Scaling;

/// One sensor of the site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SensorConfig {
    /// A topic at an MQTT broker.
    Mqtt(Box<MqttSensorConfig>),
    /// Registers of a Modbus TCP device, or of one behind a gateway.
    ModbusTcp(ModbusSensorConfig),
}

fn one() -> f64 {
    1.0
}

/// A checked sensor with its secrets.
#[derive(Clone)]
pub struct Sensor {
    id: SensorId,
    unit: Option<String>,
    every: Option<Duration>,
    pub(super) scaling: Scaling,
    pub(super) source: Source,
}

/// Where values come from.
#[derive(Clone)]
pub(super) enum Source {
    Mqtt(Arc<MqttSource>),
    Modbus(ModbusSource),
}

impl Sensor {
    /// Its name.
    pub fn id(&self) -> &SensorId {
        &self.id
    }

    /// What its values are measured in.
    pub fn unit(&self) -> Option<&str> {
        self.unit.as_deref()
    }

    /// The time between two values, where it is known.
    pub fn every(&self) -> Option<Duration> {
        self.every
    }
}

impl fmt::Display for Sensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::Mqtt(source) => write!(f, "{} at {}", source.topic, source.broker.url),
            Source::Modbus(source) => {
                write!(f, "register {} of unit {} at {}", source.register, source.unit_id, source.address)
            }
        }
    }
}

impl fmt::Debug for Sensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sensor({}: {self})", self.id)
    }
}

impl SensorConfig {
    /// Checks the configuration and reads passwords, certificates and keys, whose paths are relative to `directory`.
    pub fn resolve(
        &self,
        id: &SensorId,
        site: &str,
        directory: &Path,
        environment: Environment<'_>,
    ) -> Result<Sensor, SettingError> {
        let (scale, offset, unit, every_s) = match self {
            Self::Mqtt(c) => (c.scale, c.offset, c.unit.as_ref(), c.every_s),
            Self::ModbusTcp(c) => (c.scale, c.offset, c.unit.as_ref(), Some(c.every_s)),
        };
        if !scale.is_finite() || scale == 0.0 {
            return refuse(
                "scale",
                format!("{scale} makes every value the same"),
                "write a finite number that is not 0",
            );
        }
        if !offset.is_finite() {
            return refuse("offset", format!("{offset} is no finite number"), "write a finite number");
        }
        if let Some(unit) = unit
            && (unit.is_empty() || unit.chars().count() > 16 || unit.chars().any(char::is_control))
        {
            return refuse("unit", format!("{unit:?} is no unit"), "write up to 16 characters, such as \"mg/m³\"");
        }
        if let Some(every_s) = every_s
            && !(0.1..=86_400.0).contains(&every_s)
        {
            return refuse("every_s", format!("{every_s} is out of range"), "write 0.1 to 86400 seconds");
        }
        let every = every_s.map(Duration::from_secs_f64);
        let source = match self {
            Self::Mqtt(config) => Source::Mqtt(Arc::new(config.resolve(id, site, directory, environment)?)),
            Self::ModbusTcp(config) => Source::Modbus(config.resolve()?),
        };
        Ok(Sensor { id: id.clone(), unit: unit.cloned(), every, scaling: Scaling { scale, offset }, source })
    }
}

fn refuse<T>(key: &'static str, why: impl Into<String>, mend: &'static str) -> Result<T, SettingError> {
    Err(SettingError::value(key, why, mend))
}

#[cfg(test)]
mod tests {
    use super::super::value::ValueType;
    use super::*;

    fn resolve(text: &str) -> Result<Sensor, String> {
        let config: SensorConfig = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        let env = |name: &str| (name == "SET").then(|| "s3cret".to_owned());
        let id = SensorId::new("fume").unwrap();
        config.resolve(&id, "north", Path::new("/nowhere"), &env).map_err(|error| error.line())
    }

    fn mqtt(rest: &str) -> String {
        format!("kind = \"mqtt\"\nurl = \"mqtt://b\"\ntopic = \"kitchen/fume\"\n{rest}")
    }

    fn modbus(rest: &str) -> String {
        format!("kind = \"modbus_tcp\"\naddress = \"10.0.0.5:502\"\nregister = 3\n{rest}")
    }

    #[test]
    fn short_descriptions_get_the_defaults() {
        let sensor = resolve(&mqtt("")).unwrap();
        assert_eq!((sensor.to_string().as_str(), sensor.every()), ("kitchen/fume at b:1883", None));
        let Source::Mqtt(source) = &sensor.source else { panic!("a Modbus device came out") };
        assert_eq!(
            (source.broker.client_id.as_str(), source.broker.tls.is_none()),
            ("forewarn-north-sensor-fume", true)
        );
        let sensor = resolve(&modbus("unit = \"mg/m³\"")).unwrap();
        assert_eq!((sensor.unit(), sensor.every()), (Some("mg/m³"), Some(Duration::from_secs(10))));
        let Source::Modbus(source) = &sensor.source else { panic!("a topic came out") };
        assert_eq!((source.registers, source.value, source.unit_id), (Registers::Holding, ValueType::U16, 1));
    }

    #[test]
    fn refusals_name_the_key_and_what_to_do() {
        for (text, says) in [
            (mqtt("qos = 2"), "unknown field `qos`"),
            (mqtt("path = \"data.pm25\""), "path: this is no JSON path"),
            (mqtt("scale = 0"), "scale: 0 makes every value the same"),
            (mqtt("offset = nan"), "offset: NaN is no finite number"),
            (mqtt("every_s = 0"), "every_s: 0 is out of range"),
            (mqtt("unit = \"\""), "unit: "),
            (mqtt("ca_file = \"ca.pem\""), "ca_file: it has no effect without TLS; use an mqtts:// URL"),
            (mqtt("keep_alive_s = 1"), "keep_alive_s: 1 is out of range"),
            (mqtt("user = \"u\"\npassword_env = \"UNSET\""), "password_env: the environment has no variable UNSET"),
            (mqtt("password_env = \"SET\""), "password_env: a password is given, but no user"),
            (mqtt("user = \"u\"\npassword_file = \"pw\""), "password_file: failed to read /nowhere/pw"),
            (modbus("type = \"f64\""), "unknown variant `f64`"),
            (modbus("unit_id = 248"), "unit_id: 248 is out of range; write 0 to 247"),
            (modbus("every_s = inf"), "every_s: inf is out of range"),
            ("kind = \"modbus_tcp\"\naddress = \"10.0.0.5\"\nregister = 1".to_owned(), "write it like"),
            ("kind = \"modbus_tcp\"\naddress = \"a:1\"\nregister = 65535\ntype = \"f32\"".to_owned(), "register: "),
            ("kind = \"mqtt\"\nurl = \"mqtt://b\"\ntopic = \"a/+/c\"".to_owned(), "topic: \"a/+/c\" is not one topic"),
            ("kind = \"mqtt\"\nurl = \"mqtts://b\"\ntopic = \"t\"\nca_file = \"c\"".to_owned(), "ca_file: failed to"),
            ("kind = \"coap\"".to_owned(), "unknown variant `coap`"),
        ] {
            let refusal = resolve(&text).unwrap_err();
            assert!(refusal.contains(says), "{text}: {refusal}");
        }
    }

    #[test]
    fn secrets_are_in_no_message() {
        for url in ["mqtt://user:s3cret@broker", "mqtt//user:s3cret@x", "http://user:s3cret@x:99999"] {
            let refusal = resolve(&format!("kind = \"mqtt\"\nurl = \"{url}\"\ntopic = \"t\"")).unwrap_err();
            assert!(refusal.starts_with("url: ") && !refusal.contains("s3cret"), "{refusal}");
        }
        let sensor = resolve(&mqtt("user = \"u\"\npassword_env = \"SET\"")).unwrap();
        let Source::Mqtt(source) = &sensor.source else { panic!("a Modbus device came out") };
        assert_eq!(source.broker.credentials.as_ref().map(|login| login.password.expose()), Some("s3cret"));
        assert!(!format!("{sensor:?}").contains("s3cret"));
    }
}
