//! `[[sensor]]`: the sensors on which violations may hang.

use forewarn_domain::SensorId;
use forewarn_hw::{Sensor, SensorConfig};
use schemars::{Schema, SchemaGenerator};
use serde::Deserialize;
use toml::Spanned;

use crate::check::Check;
use crate::schema;

pub(crate) const EXAMPLE: &str = r#"# Sensors, for rules with `sensor = "…"`; see docs/sensors.md. `forewarn check site.toml --probe` reads each once.
# [[sensor]]
# id = "fume"
# kind = "mqtt"
# url = "mqtt://127.0.0.1:1883"
# topic = "kitchen/fume"
# path = "$.data.mg_m3"          # where the number stands in a message; absent if the message is the number
# every_s = 30                   # how often the sensor publishes
# unit = "mg/m³"                 # for reports
# [[sensor]]
# id = "noise"
# kind = "modbus_tcp"
# address = "192.168.1.50:502"
# unit_id = 1                    # behind a gateway
# registers = "input"            # or "holding"
# register = 4                   # from 0, as the protocol counts
# type = "i16"                   # "u16", "u32", "i32", "f32"
# word_order = "high_first"      # of two registers, or "low_first"
# scale = 0.1
# offset = 0.0
"#;

/// One `[[sensor]]`: an id beside what its kind needs.
#[derive(Debug, Deserialize)]
pub struct RawSensor {
    /// Its name.
    pub id: Spanned<SensorId>,
    /// The adapter's own keys; an unknown one is an error.
    #[serde(flatten)]
    pub adapter: toml::Table,
}

/// The list, an id beside the keys of each kind.
pub(crate) fn list_schema(generator: &mut SchemaGenerator) -> Schema {
    schema::named_adapters::<SensorConfig>(generator, "Its name, which rules name by `sensor = …`.")
}

/// Checks the sensors and reads their secrets, whose paths are relative to the site file.
pub(crate) fn check(raw: Vec<Spanned<RawSensor>>, check: &mut Check<'_>, site: &str) -> Vec<Sensor> {
    let mut sensors: Vec<Sensor> = Vec::new();
    for sensor in raw {
        let place = sensor.span();
        let RawSensor { id, adapter } = sensor.into_inner();
        let is_taken = sensors.iter().any(|known| known.id() == id.get_ref());
        check.unique(id.span(), is_taken, &format!("sensor `{}`", id.get_ref()), "give each its own id");
        let Some(config) = check.table::<SensorConfig>(place.clone(), &adapter) else { continue };
        match config.resolve(id.get_ref(), site, check.directory(), &|name| std::env::var(name).ok()) {
            Ok(sensor) => sensors.push(sensor),
            Err(error) => {
                check.fail_key::<()>(place, error.key(), error.to_string(), error.mend());
            }
        }
    }
    sensors
}
