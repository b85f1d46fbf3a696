//! Sensors of Modbus TCP devices: read in turns, over a connection that is kept.

use std::time::Duration;

use forewarn_base::backoff::{Backoff, BackoffLimits};
use tokio::net::TcpStream;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_modbus::ExceptionCode;
use tokio_modbus::client::{Context, Reader as _, tcp};
use tokio_modbus::slave::Slave;

use super::config::{ModbusSource, Registers};
use super::error::ReadError;
use super::outlet::{Outlet, pause};
use super::value::{of_registers, registers};

/// How long a device may take to accept a connection, and to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Reads the device for ever.
pub(super) async fn run(source: &ModbusSource, outlet: &Outlet) {
    let mut turns = interval(source.every);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut device, mut backoff) = (None, Backoff::new(BackoffLimits::STEADY, 0));
    loop {
        match read(source, &mut device).await.and_then(|raw| outlet.scaled(raw)) {
            Ok(value) => {
                backoff.reset();
                outlet.measured(value);
                turns.reset();
                turns.tick().await;
            }
            Err(error) => {
                // An answer that comes late would be taken for that of the next question.
                device = None;
                outlet.failed(error);
                pause(backoff.next_wait()).await;
            }
        }
    }
}

/// Reads the device once, over the connection that there is or a new one.
pub(super) async fn read(source: &ModbusSource, device: &mut Option<Context>) -> Result<f64, ReadError> {
    let peer = || source.address.clone();
    let late = |_| ReadError::NoAnswer { peer: peer(), within: PATIENCE };
    let broken = |why: String| ReadError::Connect { peer: peer(), why };
    let mut context = if let Some(context) = device.take() {
        context
    } else {
        let stream = timeout(PATIENCE, TcpStream::connect(&source.address)).await.map_err(late)?;
        tcp::attach_slave(stream.map_err(|error| broken(error.to_string()))?, Slave(source.unit_id))
    };
    let (first, n) = (source.register, registers(source.value));
    let answer = match source.registers {
        Registers::Holding => timeout(PATIENCE, context.read_holding_registers(first, n)).await,
        Registers::Input => timeout(PATIENCE, context.read_input_registers(first, n)).await,
    };
    let words = answer.map_err(late)?.map_err(|error| broken(error.to_string()))?;
    *device = Some(context);
    let words = words.map_err(|code| ReadError::Refused { peer: peer(), why: explain(code, source) })?;
    of_registers(&words, source.value, source.word_order)
}

fn explain(code: ExceptionCode, source: &ModbusSource) -> String {
    let ModbusSource { register, unit_id, .. } = source;
    match code {
        ExceptionCode::IllegalDataAddress => {
            format!("it has no register {register} of this kind; look at `register`, `registers` and `type`")
        }
        ExceptionCode::IllegalFunction => "it does not read these registers; look at `registers`".to_owned(),
        ExceptionCode::GatewayPathUnavailable | ExceptionCode::GatewayTargetDevice => {
            format!("the gateway does not reach unit {unit_id}; look after the device, and at `unit_id`")
        }
        other => format!("{other}"),
    }
}
