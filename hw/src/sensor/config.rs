//! How a site file describes a sensor, and the same checked, with its secrets.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use forewarn_domain::SensorId;
use rumqttc::tokio_rustls::rustls::ClientConfig;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json_path::JsonPath;

use super::error::ConfigError;
use super::tls::TlsFiles;
use super::value::{Scaling, registers};

/// One sensor of the site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SensorConfig {
    /// A topic at an MQTT broker.
    Mqtt(Box<MqttSensorConfig>),
    /// Registers of a Modbus TCP device, or of one behind a gateway.
    ModbusTcp(ModbusSensorConfig),
}

/// A sensor whose values come over MQTT 3.1.1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MqttSensorConfig {
    /// `mqtt://HOST[:PORT]` (1883) or, over TLS, `mqtts://HOST[:PORT]` (8883). No user or password in it.
    pub url: String,
    /// The topic, without wildcards.
    pub topic: String,
    /// JSON path (RFC 9535) to the number in a message, such as `$.data.pm25`; the message is the number if absent.
    #[serde(default)]
    pub path: Option<String>,
    /// Seconds between two messages of the sensor; if given, three times as long without one is told.
    #[serde(default)]
    pub every_s: Option<f64>,
    /// What the number is multiplied with.
    #[serde(default = "one")]
    pub scale: f64,
    /// What is added after that.
    #[serde(default)]
    pub offset: f64,
    /// What the value is measured in, for reports.
    #[serde(default)]
    pub unit: Option<String>,
    /// The client's id, unique at the broker; `forewarn-<site>-sensor-<id>` if not given.
    #[serde(default)]
    pub client_id: Option<String>,
    /// The user.
    #[serde(default)]
    pub user: Option<String>,
    /// A file whose first line is the password.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// The environment variable that holds the password.
    #[serde(default)]
    pub password_env: Option<String>,
    /// Certificate authorities (PEM) to trust; the system's if not given.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// This client's certificate chain (PEM).
    #[serde(default)]
    pub client_cert: Option<PathBuf>,
    /// The key of that certificate (PEM).
    #[serde(default)]
    pub client_key: Option<PathBuf>,
    /// Seconds of silence after which the connection is probed, 5 to 3600.
    #[serde(default = "default_keep_alive")]
    pub keep_alive_s: u16,
}

/// A sensor whose value stands in registers of a Modbus TCP device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModbusSensorConfig {
    /// `HOST:PORT` of the device or the gateway; the usual port is 502.
    pub address: String,
    /// The unit's number behind a gateway, 0 to 247; devices without one mostly take any.
    #[serde(default = "default_unit_id")]
    pub unit_id: u16,
    /// Which registers.
    #[serde(default)]
    pub registers: Registers,
    /// The first register, counted from 0 as the protocol does: 40001 and 30001 of a manual are 0.
    pub register: u32,
    /// How the number is written there.
    #[serde(rename = "type", default)]
    pub value: ValueType,
    /// Which register of two holds the high word.
    #[serde(default)]
    pub word_order: WordOrder,
    /// Seconds between two readings, 0.1 to 86400.
    #[serde(default = "default_every")]
    pub every_s: f64,
    /// What the number is multiplied with.
    #[serde(default = "one")]
    pub scale: f64,
    /// What is added after that.
    #[serde(default)]
    pub offset: f64,
    /// What the value is measured in, for reports.
    #[serde(default)]
    pub unit: Option<String>,
}

/// The kinds of registers that hold numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Registers {
    /// Holding registers, function 3.
    #[default]
    Holding,
    /// Input registers, function 4.
    Input,
}

/// How a number is written in registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ValueType {
    /// One register.
    #[default]
    U16,
    /// One register, two's complement.
    I16,
    /// Two registers.
    U32,
    /// Two registers, two's complement.
    I32,
    /// Two registers, IEEE 754.
    F32,
}

/// Which register of two holds the high word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WordOrder {
    /// The first.
    #[default]
    HighFirst,
    /// The second.
    LowFirst,
}

fn one() -> f64 {
    1.0
}
fn default_every() -> f64 {
    10.0
}
fn default_unit_id() -> u16 {
    1
}
fn default_keep_alive() -> u16 {
    30
}

/// A text that is never shown.
#[derive(Clone)]
pub(super) struct Secret(String);

impl Secret {
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
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

/// A topic at a broker.
pub(super) struct MqttSource {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) client_id: String,
    pub(super) credentials: Option<(String, Secret)>,
    pub(super) tls: Option<Arc<ClientConfig>>,
    pub(super) topic: String,
    pub(super) path: Option<JsonPath>,
    pub(super) keep_alive: Duration,
}

/// Registers of a device.
#[derive(Clone)]
pub(super) struct ModbusSource {
    pub(super) address: String,
    pub(super) unit_id: u8,
    pub(super) registers: Registers,
    pub(super) register: u16,
    pub(super) value: ValueType,
    pub(super) word_order: WordOrder,
    pub(super) every: Duration,
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
            Source::Mqtt(source) => write!(f, "{} at {}:{}", source.topic, source.host, source.port),
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
    /// Checks the configuration and reads passwords, certificates and keys, whose paths are relative to `directory`;
    /// `env` looks up environment variables.
    pub fn resolve(
        &self,
        id: &SensorId,
        site: &str,
        directory: &Path,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Sensor, ConfigError> {
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
            Self::Mqtt(config) => Source::Mqtt(Arc::new(config.resolve(id, site, directory, env)?)),
            Self::ModbusTcp(config) => Source::Modbus(config.resolve()?),
        };
        Ok(Sensor { id: id.clone(), unit: unit.cloned(), every, scaling: Scaling { scale, offset }, source })
    }
}

fn refuse<T>(key: &'static str, why: impl Into<String>, mend: &'static str) -> Result<T, ConfigError> {
    Err(ConfigError::Value { key, why: why.into(), mend })
}

impl MqttSensorConfig {
    fn resolve(
        &self,
        id: &SensorId,
        site: &str,
        directory: &Path,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<MqttSource, ConfigError> {
        let (host, port, is_tls) = self.broker()?;
        if self.topic.is_empty() || self.topic.len() > 1024 || self.topic.contains(['+', '#', '\0']) {
            let mend = "name the one topic of this sensor, without + and #; give each sensor its own `[[sensor]]`";
            return refuse("topic", format!("{:?} is not one topic", self.topic), mend);
        }
        let path = match self.path.as_deref().map(JsonPath::parse).transpose() {
            Ok(path) => path,
            Err(error) => {
                let why = format!("this is no JSON path: {error}");
                return refuse("path", why, "write it like \"$.data.pm25\" or \"$.values[0]\" (RFC 9535)");
            }
        };
        if !(5..=3600).contains(&self.keep_alive_s) {
            return refuse("keep_alive_s", format!("{} is out of range", self.keep_alive_s), "write 5 to 3600 seconds");
        }
        let client_id = self.client_id.clone().unwrap_or_else(|| format!("forewarn-{site}-sensor-{id}"));
        if client_id.trim().is_empty() || client_id.len() > 128 || client_id.contains('\0') {
            return refuse("client_id", "it must have 1 to 128 characters", "leave it out, or shorten it");
        }
        let tls_keys =
            [("ca_file", &self.ca_file), ("client_cert", &self.client_cert), ("client_key", &self.client_key)];
        if let (false, Some((key, _))) = (is_tls, tls_keys.into_iter().find(|(_, file)| file.is_some())) {
            return refuse(key, "it has no effect without TLS", "use an mqtts:// URL");
        }
        let beside = |file: &Option<PathBuf>| file.as_ref().map(|file| directory.join(file));
        let (ca, cert, key) = (beside(&self.ca_file), beside(&self.client_cert), beside(&self.client_key));
        let files = TlsFiles { ca: ca.as_deref(), client_cert: cert.as_deref(), client_key: key.as_deref() };
        Ok(MqttSource {
            tls: if is_tls { Some(files.load(&host)?) } else { None },
            host,
            port,
            client_id,
            credentials: self.credentials(directory, env)?,
            topic: self.topic.clone(),
            path,
            keep_alive: Duration::from_secs(u64::from(self.keep_alive_s)),
        })
    }

    fn broker(&self) -> Result<(String, u16, bool), ConfigError> {
        let mend = "write mqtt://HOST[:PORT] or mqtts://HOST[:PORT]";
        let url = match url::Url::parse(&self.url) {
            Ok(url) => url,
            // What cannot be parsed may still hold a password, so it is not repeated.
            Err(error) => return refuse("url", format!("this is no URL: {error}"), mend),
        };
        let is_tls = match url.scheme() {
            "mqtt" => false,
            "mqtts" => true,
            other => return refuse("url", format!("the scheme is \"{other}\""), mend),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return refuse(
                "url",
                "a user or password stands in it",
                "use `user` and `password_file` or `password_env`",
            );
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return refuse("url", "something follows the port", mend);
        }
        match url.host_str().filter(|host| !host.is_empty()) {
            Some(host) => Ok((host.to_owned(), url.port().unwrap_or(if is_tls { 8883 } else { 1883 }), is_tls)),
            None => refuse("url", "the host is missing", mend),
        }
    }

    fn credentials(
        &self,
        directory: &Path,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<(String, Secret)>, ConfigError> {
        let password = match (&self.password_file, &self.password_env) {
            (Some(_), Some(_)) => {
                return refuse("password_env", "`password_file` is given, too", "keep one of them");
            }
            (Some(file), None) => Some(read_secret(&directory.join(file))?),
            (None, Some(name)) => {
                let Some(text) = env(name) else {
                    let why = format!("the environment has no variable {name}");
                    return refuse("password_env", why, "set it, or use `password_file`");
                };
                Some(text)
            }
            (None, None) => None,
        };
        match (&self.user, password) {
            (Some(user), password) => Ok(Some((user.clone(), Secret(password.unwrap_or_default())))),
            (None, Some(_)) if self.password_file.is_some() => {
                refuse("password_file", "a password is given, but no user", "add `user = \"…\"`")
            }
            (None, Some(_)) => refuse("password_env", "a password is given, but no user", "add `user = \"…\"`"),
            (None, None) => Ok(None),
        }
    }
}

fn read_secret(path: &Path) -> Result<String, ConfigError> {
    let failed = |why: String| {
        let mend = "make a readable file whose first line is the password";
        ConfigError::File { key: "password_file", path: path.to_owned(), why, mend }
    };
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    let first = text.lines().next().filter(|line| !line.is_empty());
    first.map(str::to_owned).ok_or_else(|| failed("its first line is empty".to_owned()))
}

impl ModbusSensorConfig {
    fn resolve(&self) -> Result<ModbusSource, ConfigError> {
        let is_address = self.address.rsplit_once(':').is_some_and(|(host, port)| {
            !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok_and(|port| port > 0)
        });
        if !is_address {
            let why = format!("{:?} is no address with a port", self.address);
            return refuse("address", why, "write it like \"192.168.1.50:502\"");
        }
        let Some(unit_id) = u8::try_from(self.unit_id).ok().filter(|unit_id| *unit_id <= 247) else {
            return refuse("unit_id", format!("{} is out of range", self.unit_id), "write 0 to 247");
        };
        let is_inside = |register: &u16| register.checked_add(registers(self.value) - 1).is_some();
        let Some(register) = u16::try_from(self.register).ok().filter(is_inside) else {
            let why = format!("{} is out of range for this type", self.register);
            return refuse("register", why, "registers count from 0 to 65535");
        };
        Ok(ModbusSource {
            address: self.address.clone(),
            unit_id,
            registers: self.registers,
            register,
            value: self.value,
            word_order: self.word_order,
            every: Duration::from_secs_f64(self.every_s),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(text: &str) -> Result<Sensor, String> {
        let config: SensorConfig = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        let env = |name: &str| (name == "SET").then(|| "s3cret".to_owned());
        let id = SensorId::new("fume").unwrap();
        config
            .resolve(&id, "north", Path::new("/nowhere"), &env)
            .map_err(|error| format!("{}: {error}; {}", error.key(), error.mend()))
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
        assert_eq!((source.client_id.as_str(), source.tls.is_none()), ("forewarn-north-sensor-fume", true));
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
        assert_eq!(source.credentials.as_ref().map(|(_, password)| password.expose()), Some("s3cret"));
        assert!(!format!("{sensor:?}").contains("s3cret"));
    }
}
