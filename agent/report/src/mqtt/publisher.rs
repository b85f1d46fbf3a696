//! The publisher: a thread that keeps a connection to the broker and sends what the outbox holds.

use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use forewarn_base::backoff::{Backoff, seed_of};
use forewarn_base::sync::lock;
use forewarn_domain::Clock;
use tokio::sync::watch;

use super::config::ResolvedMqtt;
use super::session::{self, Context, End};
use super::stats::PublisherStats;
use super::topic::Topics;
use crate::outbox::{Depth, DepthReader, Outbox, OutboxError};

/// The publisher could not be started.
#[derive(Debug, thiserror::Error)]
pub enum PublisherError {
    /// A second connection to the outbox failed.
    #[error("failed to start the MQTT publisher: {0}")]
    Outbox(#[from] OutboxError),
    /// The system refused a thread or an event queue.
    #[error("failed to start the MQTT publisher: {0}")]
    System(#[from] std::io::Error),
}

/// A running publisher. Dropping it stops the publisher at once; what was not sent stays in the outbox.
#[derive(Debug)]
pub struct PublisherHandle {
    stats: Arc<Mutex<PublisherStats>>,
    depth: DepthReader,
    stop: watch::Sender<bool>,
    /// Turns true when the publisher may wait no longer.
    give_up: watch::Sender<bool>,
    /// Disconnected when the thread has ended.
    done: Mutex<Receiver<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Starts a publisher on a thread and a runtime of its own.
pub fn spawn(config: ResolvedMqtt, outbox: &Outbox, clock: Arc<dyn Clock>) -> Result<PublisherHandle, PublisherError> {
    let stats = Arc::new(Mutex::new(PublisherStats::default()));
    let (stop, stopping) = watch::channel(false);
    let (give_up, mut giving_up) = watch::channel(false);
    let (finished, done) = std::sync::mpsc::sync_channel(1);
    let mut context = Context {
        topics: Topics::new(&config.topic_prefix, &outbox.source().site),
        config,
        outbox: outbox.again()?,
        clock,
        stats: Arc::clone(&stats),
        stop: stopping,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let thread = std::thread::Builder::new().name("mqtt-publisher".to_owned()).spawn(move || {
        let _finished: SyncSender<()> = finished;
        runtime.block_on(async {
            tokio::select! {
                () = run(&mut context) => {}
                _ = giving_up.wait_for(|give_up| *give_up) => {}
            }
        });
    })?;
    let (depth, done) = (outbox.depth_reader(), Mutex::new(done));
    Ok(PublisherHandle { stats, depth, stop, give_up, done, thread: Some(thread) })
}

async fn run(context: &mut Context) {
    let mut backoff = Backoff::new(context.config.reconnect, seed_of(&context.config.broker.client_id, 0));
    let mut stop = context.stop.clone();
    loop {
        let (why, was_useful) = match session::run(context).await {
            End::Stopped => return,
            End::Failed { why, was_useful } => (why, was_useful),
        };
        if was_useful {
            backoff.reset();
        }
        let wait = backoff.next_wait();
        tracing::warn!(
            broker = %context.config.broker(), why, wait_ms = wait.as_millis() as u64,
            "no connection to the broker"
        );
        context.count(|stats| {
            stats.failures += 1;
            stats.last_error = Some(why);
        });
        if tokio::time::timeout(wait, stop.wait_for(|stop| *stop)).await.is_ok() {
            return;
        }
    }
}

impl PublisherHandle {
    /// The state and the counters now.
    pub fn stats(&self) -> PublisherStats {
        let Depth { messages, bytes } = self.depth.get();
        let mut stats = lock(&self.stats).clone();
        (stats.depth_messages, stats.depth_bytes) = (messages, bytes);
        stats
    }

    /// Whether the publisher's thread runs.
    pub fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Stops the publisher: while there is a connection it sends what is left, says that it goes offline, and takes
    /// leave; for at most `deadline`. What was not acknowledged by then stays in the outbox.
    pub fn stop(mut self, deadline: Duration) -> PublisherStats {
        // An error means that the thread has ended already.
        let _ = self.stop.send(true);
        // Nothing is ever sent: the wait ends when the thread drops its end, or with the deadline.
        let _ = lock(&self.done).recv_timeout(deadline);
        self.join();
        self.stats()
    }

    fn join(&mut self) {
        let _ = self.give_up.send(true);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the MQTT publisher's thread panicked");
        }
    }
}

impl Drop for PublisherHandle {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        self.join();
    }
}
