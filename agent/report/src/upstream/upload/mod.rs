//! Evidence that is brought over: the files of each bundle, as it is sealed, to a server that keeps files.
//!
//! A [`Carrier`] is pure: it says what is asked of the server to bring one file over, and reads the answers. Everything else
//! is written once: which file goes next, the budget of a thin link, how far each file is across restarts, and that a seal
//! counts as delivered when the server has all that lay in the bundle then.

mod budget;
mod bundle;
mod kept;
mod queue;
pub(crate) mod settings;
mod uploader;
mod work;

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forewarn_base::http::{Answer, Ask};
use forewarn_domain::{Clock, WallTime};
use forewarn_wire::EventSource;

use self::budget::Shared;
use self::uploader::Uploader;
use self::work::{Reply, Work};
use super::http::Verdict;
use super::http::table::Way;
use super::link::{self, FromThread, ToThread};
use super::{Adapter, Pace};

/// Bundles that are looked at ahead of what is brought over, so that the words of later ones overtake pictures of earlier.
const AHEAD: u16 = 64;
/// What is brought over within a budget may take as long as it takes; each question has a patience of its own.
const LONGEST: Duration = Duration::from_hours(24 * 365);

/// A file as it is to lie on the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// `SITE/YYYY-MM-DD/INCIDENT/FILE`.
    pub key: String,
    /// Its media type.
    pub media_type: &'static str,
    /// Its size.
    pub bytes: u64,
    /// Its hash, 64 hexadecimal digits.
    pub sha256: String,
}

/// What is wanted next to bring a file over.
#[derive(Debug)]
pub enum Step {
    /// A piece of the file, which comes as [`Given::Bytes`].
    Read {
        /// Where it begins.
        from: u64,
        /// How long it is.
        bytes: u64,
    },
    /// An answer, which comes as [`Given::Answer`].
    Ask(Ask),
    /// The hash of what is answered with, which comes as [`Given::Document`].
    ReadBack(Ask),
    /// Nothing: the server has the file, whole, and has proven it by its hash.
    There,
    /// Nothing for now, or ever.
    Refused(Verdict),
}

/// What was wanted.
#[derive(Debug)]
pub enum Given {
    /// It begins.
    Nothing,
    /// A piece of the file.
    Bytes(Vec<u8>),
    /// An answer.
    Answer(Answer),
    /// What was read back.
    Document {
        /// The status of the answer.
        status: u16,
        /// The size of what came.
        bytes: u64,
        /// Its hash.
        sha256: String,
    },
}

/// One file on its way. It begins with a piece or a question.
pub trait Passage: fmt::Debug + Send {
    /// Takes what was wanted and says what is wanted next.
    fn next(&mut self, given: Given, now: WallTime) -> Step;

    /// What a later try of the same file goes on from.
    fn kept(&self) -> Option<String>;
}

/// How files are brought over to one kind of server. Pure.
pub trait Carrier: fmt::Debug + Clone + Send + Sync + 'static {
    /// The passage of a file, which goes on from what an earlier one kept.
    fn passage(&self, facts: &Facts, kept: Option<String>) -> Box<dyn Passage>;
}

/// A server that keeps files, with its connections.
#[derive(Debug, Clone)]
pub struct OverFiles<C> {
    id: String,
    carrier: C,
    way: Way,
    shared: Arc<Mutex<Shared>>,
    place: bundle::Place,
}

impl<C: Carrier> Adapter for OverFiles<C> {
    type Upstream = Uploader<C>;
    type Outward = ToThread<Work>;
    type Inward = FromThread<Reply>;

    fn peer(&self) -> String {
        self.way.peer.clone()
    }

    fn pace(&self) -> Pace {
        let reconnect = self.way.reconnect;
        Pace { answer_within: LONGEST, max_in_flight: AHEAD, reconnect, max_per_minute: None }
    }

    fn connect(&self, _: &EventSource, clock: &Arc<dyn Clock>) -> (Uploader<C>, ToThread<Work>, FromThread<Reply>) {
        let (http, place) = (self.way.http.clone(), self.place.clone());
        let done = move |work| work::done(work, &http, &place);
        let (outward, inward) = link::open(format!("upload-{}", self.id), Reply::Ready, done);
        (Uploader::new(self.carrier.clone(), Arc::clone(clock), Arc::clone(&self.shared)), outward, inward)
    }
}
