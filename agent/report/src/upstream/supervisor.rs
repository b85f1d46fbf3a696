//! The thread of one upstream, which keeps a connection and sends what the outbox holds for it.

use std::fmt;
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use forewarn_base::backoff::{Backoff, seed_of};
use forewarn_base::sync::lock;
use forewarn_domain::Clock;
use tokio::sync::{mpsc, watch};

use super::ear::{ANSWERS, AnswerTo, Ear};
use super::manners::{Gate, Manners};
use super::rival::Rival;
use super::session::{self, Context, End};
use super::{Adapter, UpstreamStats};
use crate::outbox::{BacklogReader, Lane};

/// Whoever wants to be left in peace for longer is asked again all the same.
const LONGEST_PEACE: Duration = Duration::from_hours(1);

/// The way to an upstream could not be started.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// The system refused a thread or an event queue.
    #[error("failed to start the way to upstream {upstream}: {source}")]
    System {
        /// The upstream.
        upstream: String,
        /// Why.
        source: std::io::Error,
    },
}

/// An adapter of whatever kind, ready to be started.
pub trait Start: fmt::Debug + Send + Sync {
    /// Where it leads, for logs.
    fn peer(&self) -> String;

    /// Starts it on a thread and a runtime of its own. What the other side asks for is heard by `ear`.
    fn start(
        &self,
        lane: Lane,
        clock: Arc<dyn Clock>,
        manners: &Manners,
        ear: &Ear,
    ) -> Result<UpstreamHandle, UpstreamError>;
}

impl<A: Adapter> Start for A {
    fn peer(&self) -> String {
        Adapter::peer(self)
    }

    fn start(
        &self,
        lane: Lane,
        clock: Arc<dyn Clock>,
        manners: &Manners,
        ear: &Ear,
    ) -> Result<UpstreamHandle, UpstreamError> {
        let upstream = lane.upstream().to_owned();
        let failed = |source| UpstreamError::System { upstream: upstream.clone(), source };
        let answer_within = self.pace().answer_within;
        let stats = Arc::new(Mutex::new(UpstreamStats { answer_within, ..UpstreamStats::default() }));
        let (stop, stopping) = watch::channel(false);
        let (give_up, mut giving_up) = watch::channel(false);
        let (health, of_health) = watch::channel(String::new());
        let (answer, told) = mpsc::channel(ANSWERS);
        let (finished, done) = std::sync::mpsc::sync_channel(1);
        let backlog = lane.reader();
        let (adapter, of_thread) = (self.clone(), Arc::clone(&stats));
        let gate = Gate::new(manners.clone(), self.pace().max_per_minute);
        let mut context = Context {
            adapter,
            lane,
            clock,
            gate,
            stats: of_thread,
            stop: stopping,
            health: of_health,
            ear: ear.clone(),
            answer: AnswerTo(answer),
            told,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let run = move || {
            let _finished: SyncSender<()> = finished;
            runtime.block_on(async {
                tokio::select! {
                    () = supervise(&mut context) => {}
                    _ = giving_up.wait_for(|give_up| *give_up) => {}
                }
            });
        };
        let thread = std::thread::Builder::new().name(format!("upstream-{upstream}")).spawn(run).map_err(failed)?;
        let (done, thread) = (Mutex::new(done), Some(thread));
        Ok(UpstreamHandle { upstream, stats, backlog, stop, health, give_up, done, thread })
    }
}

/// The same failure again and again is told once; the counters go on.
fn tell_failure<A: Adapter>(context: &Context<A>, why: &str, wait: Duration, is_known: bool) {
    let (upstream, peer) = (context.lane.upstream(), Adapter::peer(&context.adapter));
    let wait_ms = wait.as_millis() as u64;
    if is_known {
        tracing::debug!(upstream, %peer, why, wait_ms, "still no connection upstream");
    } else {
        tracing::warn!(upstream, %peer, why, wait_ms, "no connection upstream; told again when that changes");
    }
}

/// One connection after another, with pauses between them.
async fn supervise<A: Adapter>(context: &mut Context<A>) {
    let name = format!("{}/{}", context.lane.source().site, context.lane.upstream());
    let mut backoff = Backoff::new(context.adapter.pace().reconnect, seed_of(&name, 0));
    let mut stop = context.stop.clone();
    let mut told: Option<String> = None;
    let mut rival = Rival::default();
    loop {
        let (why, was_useful, cut_after, after) = match session::run(context).await {
            End::Stopped => return,
            End::Outdated => {
                tracing::info!(
                    upstream = context.lane.upstream(),
                    "the outbox was replaced; the connection is made anew"
                );
                continue;
            }
            End::Failed { why, was_useful, cut_after, after } => (why, was_useful, cut_after, after),
        };
        if let Some(lasted) = cut_after {
            rival.cut(lasted);
        }
        // Whoever came back at once would only be thrown out again, and throw the other one out before.
        let is_contested = cut_after.is_some() && rival.is_likely();
        let why = if is_contested { rival.explain(why, &context.adapter.own_name()) } else { why };
        if was_useful && !is_contested {
            backoff.reset();
            told = None;
        }
        let wait = if is_contested { backoff.long_wait() } else { backoff.next_wait() };
        let wait = wait.max(after.unwrap_or_default().min(LONGEST_PEACE));
        tell_failure(context, &why, wait, told.as_ref() == Some(&why));
        told = Some(why.clone());
        context.count(|stats| {
            stats.failures += 1;
            stats.is_unproven = true;
            stats.last_error = Some(why);
        });
        if tokio::time::timeout(wait, stop.wait_for(|stop| *stop)).await.is_ok() {
            return;
        }
    }
}

/// A running way to an upstream. Dropping it stops it at once; what was not sent stays in the outbox.
#[derive(Debug)]
pub struct UpstreamHandle {
    upstream: String,
    stats: Arc<Mutex<UpstreamStats>>,
    backlog: BacklogReader,
    stop: watch::Sender<bool>,
    health: watch::Sender<String>,
    /// Turns true when it may wait no longer.
    give_up: watch::Sender<bool>,
    /// Disconnected when the thread has ended.
    done: Mutex<Receiver<()>>,
    thread: Option<JoinHandle<()>>,
}

impl UpstreamHandle {
    /// The upstream's id.
    pub fn upstream(&self) -> &str {
        &self.upstream
    }

    /// The state and the counters now.
    pub fn stats(&self) -> UpstreamStats {
        let backlog = self.backlog.get();
        let mut stats = lock(&self.stats).clone();
        (stats.depth_messages, stats.depth_bytes) = (backlog.depth.messages, backlog.depth.bytes);
        (stats.owed, stats.oldest_unacknowledged_at) = (backlog.owed, backlog.oldest_unacknowledged_at);
        stats
    }

    /// Tells how the agent's parts fare, as JSON, now and on every connection to come.
    pub fn tell_health(&self, health: &str) {
        self.health.send_if_modified(|known| {
            let is_new = known != health;
            if is_new {
                health.clone_into(known);
            }
            is_new
        });
    }

    /// Whether the thread runs.
    pub fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Asks it to send what is left while there is a connection, and to take leave.
    pub fn begin_stop(&self) {
        // An error means that the thread has ended already.
        let _ = self.stop.send(true);
    }

    /// Stops it, for at most `deadline`. What was not acknowledged by then stays in the outbox.
    pub fn stop(mut self, deadline: Duration) -> UpstreamStats {
        self.begin_stop();
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
            tracing::error!(upstream = self.upstream, "the upstream's thread panicked");
        }
    }
}

impl Drop for UpstreamHandle {
    fn drop(&mut self) {
        self.begin_stop();
        self.join();
    }
}
