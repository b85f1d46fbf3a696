//! One thread for all sensors.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use forewarn_domain::{Clock, SensorId};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
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

/// The sensors that are to be read; none when the thread is to end.
type Wanted = Option<BTreeMap<SensorId, Arc<Sensor>>>;

/// The running thread. Dropping it stops the thread at once.
#[derive(Debug)]
pub struct Running {
    wanted: watch::Sender<Wanted>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// Whether the thread runs.
    pub fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Reads these from now on. What goes on of those of before is not touched, but for `changed`, which are begun anew.
    pub fn adopt(&self, sensors: &[Sensor], changed: &BTreeSet<SensorId>) {
        self.wanted.send_modify(|wanted| {
            let former = wanted.take().unwrap_or_default();
            let kept = |sensor: &Sensor| {
                let same = former.get(sensor.id()).filter(|_| !changed.contains(sensor.id()));
                (sensor.id().clone(), same.cloned().unwrap_or_else(|| Arc::new(sensor.clone())))
            };
            *wanted = Some(sensors.iter().map(kept).collect());
        });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.wanted.send_replace(None);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the sensors' thread panicked");
        }
    }
}

/// Reads all sensors from now on.
pub fn start(sensors: &[Sensor], clock: &Arc<dyn Clock>, sink: &Sink) -> Result<Running, StartError> {
    let wanted = sensors.iter().map(|sensor| (sensor.id().clone(), Arc::new(sensor.clone()))).collect();
    let (wanted, changes) = watch::channel(Some(wanted));
    let runtime = runtime()?;
    let (clock, sink) = (Arc::clone(clock), Arc::clone(sink));
    let thread = std::thread::Builder::new().name("sensors".to_owned()).spawn(move || {
        runtime.block_on(read_all(changes, &clock, &sink));
        // A name that is being looked up may take long; it is not waited for.
        runtime.shutdown_background();
    })?;
    Ok(Running { wanted, thread: Some(thread) })
}

/// Reads whatever is wanted, each sensor by a task of its own.
async fn read_all(mut changes: watch::Receiver<Wanted>, clock: &Arc<dyn Clock>, sink: &Sink) {
    let mut tasks = JoinSet::new();
    let mut running: BTreeMap<SensorId, (Arc<Sensor>, AbortHandle)> = BTreeMap::new();
    loop {
        let Some(wanted) = changes.borrow_and_update().clone() else { return };
        let is_over = |id: &SensorId, sensor: &Arc<Sensor>| !wanted.get(id).is_some_and(|now| Arc::ptr_eq(now, sensor));
        for (_, task) in running.extract_if(.., |id, (sensor, _)| is_over(id, sensor)).map(|(_, entry)| entry) {
            task.abort();
        }
        for (id, sensor) in wanted {
            running.entry(id).or_insert_with(|| {
                let outlet = Outlet::new(&sensor, Arc::clone(clock), Arc::clone(sink));
                let of_task = Arc::clone(&sensor);
                (sensor, tasks.spawn(async move { read(&of_task, &outlet).await }))
            });
        }
        loop {
            tokio::select! {
                // No task ends by itself unless it panics; then the thread ends, which is noticed.
                Some(ended) = tasks.join_next() => if !ended.is_err_and(|error| error.is_cancelled()) { return },
                changed = changes.changed() => if changed.is_ok() { break } else { return },
            }
        }
    }
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
