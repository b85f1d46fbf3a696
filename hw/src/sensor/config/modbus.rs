//! Registers of a Modbus TCP device, or of one behind a gateway.

use std::time::Duration;

use forewarn_base::setting::SettingError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::refuse;
use crate::sensor::value::{ValueType, WordOrder, registers};

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
    #[serde(default = "super::one")]
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

fn default_every() -> f64 {
    10.0
}
fn default_unit_id() -> u16 {
    1
}

/// Registers of a device.
#[derive(Clone)]
pub(in crate::sensor) struct ModbusSource {
    pub(in crate::sensor) address: String,
    pub(in crate::sensor) unit_id: u8,
    pub(in crate::sensor) registers: Registers,
    pub(in crate::sensor) register: u16,
    pub(in crate::sensor) value: ValueType,
    pub(in crate::sensor) word_order: WordOrder,
    pub(in crate::sensor) every: Duration,
}

impl ModbusSensorConfig {
    pub(super) fn resolve(&self) -> Result<ModbusSource, SettingError> {
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
