//! One thread for all sensors.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use forewarn_domain::Clock;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::config::{Sensor, Source};
use super::error::ReadError;
use super::outlet::{Outlet, Sink};
use super::value::of_payload;
use super::{modbus, mqtt};

/// The thread could not be started.
#[derive(Debug, thiserror::Error)]
#[error("failed to start the sensors' thread: {0}")]
pub struct StartError(#[from] std::io::Error);

/// The running thread. Dropping it stops the thread at once.
#[derive(Debug)]
pub struct Running {
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// Whether the thread runs.
    pub fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // An error means that the thread has ended already.
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the sensors' thread panicked");
        }
    }
}

/// Reads all sensors from now on.
pub fn start(sensors: Vec<Sensor>, clock: &Arc<dyn Clock>, sink: &Sink) -> Result<Running, StartError> {
    let (stop, mut stopping) = watch::channel(false);
    let runtime = runtime()?;
    let (clock, sink) = (Arc::clone(clock), Arc::clone(sink));
    let thread = std::thread::Builder::new().name("sensors".to_owned()).spawn(move || {
        runtime.block_on(async {
            let mut tasks = JoinSet::new();
            for sensor in sensors {
                let outlet = Outlet::new(&sensor, Arc::clone(&clock), Arc::clone(&sink));
                tasks.spawn(async move { read(&sensor, &outlet).await });
            }
            tokio::select! {
                // No task ends unless it panics; then the thread ends, which is noticed.
                _ = tasks.join_next() => {}
                _ = stopping.wait_for(|stop| *stop) => {}
            }
        });
        // A name that is being looked up may take long; it is not waited for.
        runtime.shutdown_background();
    })?;
    Ok(Running { stop, thread: Some(thread) })
}

/// Reads one sensor once and tells its value, and how it came about. A topic is listened to for at most `patience`.
pub fn probe(sensor: &Sensor, patience: Duration) -> Result<String, ReadError> {
    let peer = sensor.to_string();
    let runtime = runtime().map_err(|error| ReadError::Connect { peer, why: error.to_string() })?;
    let read = runtime.block_on(async {
        match &sensor.source {
            Source::Modbus(source) => modbus::read(source, &mut None).await.map(|raw| (raw, "")),
            Source::Mqtt(source) => {
                let mut connection = mqtt::Connection::open(source);
                let message = match timeout(patience, connection.message()).await {
                    Ok(message) => message?,
                    Err(_) if connection.is_subscribed().load(Ordering::Relaxed) => {
                        return Err(ReadError::Silent { topic: source.topic.clone(), after: patience });
                    }
                    Err(_) => return Err(ReadError::NoAnswer { peer: sensor.to_string(), within: patience }),
                };
                let note = if message.is_retained { " (retained by the broker, of unknown age)" } else { "" };
                of_payload(&message.payload, source.path.as_ref()).map(|raw| (raw, note))
            }
        }
    });
    runtime.shutdown_background();
    let (raw, note) = read?;
    let value = sensor.scaling.apply(raw)?;
    let unit = sensor.unit().map_or_else(String::new, |unit| format!(" {unit}"));
    Ok(format!("{value}{unit}{note}"))
}

fn runtime() -> std::io::Result<Runtime> {
    Builder::new_current_thread().enable_io().enable_time().build()
}

/// Reads one sensor for ever.
async fn read(sensor: &Sensor, outlet: &Outlet) {
    match &sensor.source {
        Source::Mqtt(source) => mqtt::run(source, sensor.every(), outlet).await,
        Source::Modbus(source) => modbus::run(source, outlet).await,
    }
}
