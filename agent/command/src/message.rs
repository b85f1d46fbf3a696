//! What comes in, by whatever way.

use std::sync::mpsc::SyncSender;

use crate::reply::Reply;
use crate::wish::Wish;

/// What came in, and where the reply goes.
pub(crate) struct Message {
    pub(crate) what: What,
    pub(crate) to: To,
}

/// What came in.
pub(crate) enum What {
    /// A command, signed.
    Signed {
        /// As it came.
        payload: Vec<u8>,
        /// Whether the broker had kept it.
        is_retained: bool,
    },
    /// A wish, which nobody signs.
    Wished(Wish),
}

/// Tells a reply, with the time on the wall.
pub(crate) type Teller = Box<dyn FnOnce(&Reply, String) + Send>;

/// Where the reply goes.
pub(crate) enum To {
    /// To the broker, where it is published.
    Broker,
    /// To who waits for it.
    Asker(SyncSender<Reply>),
    /// To who tells it, with the time on the wall.
    Teller(Teller),
}
