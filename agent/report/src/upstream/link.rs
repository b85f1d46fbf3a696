//! The thread that does what blocks, such as asking over HTTP: it must not keep the upstream from hearing anything else.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use forewarn_base::thread::Thread;
use tokio::sync::mpsc;

use super::{Broken, Inward, Outward};

/// Replies that wait: that it is ready, one answer, and the farewell.
const REPLIES: usize = 4;

/// Hands work to the thread.
#[derive(Debug)]
pub struct ToThread<M> {
    work: SyncSender<M>,
    /// It ends by itself when this is dropped, after what it does then; nobody waits for that.
    _thread: Option<Thread>,
}

/// Brings what came of it.
#[derive(Debug)]
pub struct FromThread<R> {
    replies: mpsc::Receiver<R>,
    /// Why there is no thread.
    failure: Option<String>,
}

/// Starts a thread that does one thing after another by `done`; `ready` is told before the first.
pub(super) fn open<M: Send + 'static, R: Send + 'static>(
    name: String,
    ready: R,
    done: impl FnMut(M) -> R + Send + 'static,
) -> (ToThread<M>, FromThread<R>) {
    let (work, to_do) = sync_channel(1);
    let (sender, replies) = mpsc::channel(REPLIES);
    // There is room for it.
    let _ = sender.try_send(ready);
    let thread = Thread::spawn(name, move || do_all(&to_do, done, &sender));
    let failure = thread.as_ref().err().map(ToString::to_string);
    (ToThread { work, _thread: thread.ok() }, FromThread { replies, failure })
}

fn do_all<M, R>(to_do: &Receiver<M>, mut done: impl FnMut(M) -> R, replies: &mpsc::Sender<R>) {
    for work in to_do {
        // An error means that nobody wants to know any more.
        if replies.blocking_send(done(work)).is_err() {
            return;
        }
    }
}

impl<M> Outward<M> for ToThread<M> {
    fn send(&mut self, message: M) -> Result<(), Broken> {
        self.work.try_send(message).map_err(|error| Broken(error.to_string()))
    }
}

impl<R> Inward<R> for FromThread<R> {
    async fn next(&mut self) -> Result<R, Broken> {
        if let Some(failure) = &self.failure {
            return Err(Broken(failure.clone()));
        }
        self.replies.recv().await.ok_or_else(|| Broken("its thread is gone".to_owned()))
    }
}
