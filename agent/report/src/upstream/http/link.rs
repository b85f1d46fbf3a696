//! The thread that asks: waiting for an answer blocks, and must not keep the upstream from hearing anything else.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use forewarn_base::http::Http;
use forewarn_base::thread::Thread;
use tokio::sync::mpsc;

use super::{MOST_ANSWER_BYTES, Message, Reply};
use crate::upstream::{Broken, Inward, Outward};

/// Replies that wait: that it is ready, one answer, and the farewell.
const REPLIES: usize = 4;

/// Hands questions to the thread.
#[derive(Debug)]
pub struct HttpOutward {
    messages: SyncSender<Message>,
    /// It ends by itself when this is dropped, after the question that it asks; nobody waits for that.
    _thread: Option<Thread>,
}

/// Brings what came of them.
#[derive(Debug)]
pub struct HttpInward {
    replies: mpsc::Receiver<Reply>,
    /// Why there is no thread.
    failure: Option<String>,
}

/// Starts the thread.
pub(super) fn open(id: &str, http: Http) -> (HttpOutward, HttpInward) {
    let (messages, to_do) = sync_channel(1);
    let (sender, replies) = mpsc::channel(REPLIES);
    // There is room for it.
    let _ = sender.try_send(Reply::Ready);
    let thread = Thread::spawn(format!("http-{id}"), move || ask_all(&to_do, &http, &sender));
    let failure = thread.as_ref().err().map(ToString::to_string);
    (HttpOutward { messages, _thread: thread.ok() }, HttpInward { replies, failure })
}

fn ask_all(messages: &Receiver<Message>, http: &Http, replies: &mpsc::Sender<Reply>) {
    for message in messages {
        let reply = match message {
            Message::Ask(ask) => Reply::Answered(http.ask(&ask, MOST_ANSWER_BYTES)),
            Message::Leave => Reply::Left,
        };
        // An error means that nobody wants to know any more.
        if replies.blocking_send(reply).is_err() {
            return;
        }
    }
}

impl Outward<Message> for HttpOutward {
    fn send(&mut self, message: Message) -> Result<(), Broken> {
        self.messages.try_send(message).map_err(|error| Broken(error.to_string()))
    }
}

impl Inward<Reply> for HttpInward {
    async fn next(&mut self) -> Result<Reply, Broken> {
        if let Some(failure) = &self.failure {
            return Err(Broken(failure.clone()));
        }
        self.replies.recv().await.ok_or_else(|| Broken("the thread that asks is gone".to_owned()))
    }
}
