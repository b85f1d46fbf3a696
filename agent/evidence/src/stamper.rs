//! The thread that has seals stamped by a time stamp authority, whenever that can be reached.
//!
//! What waits is what lies on the disk without a stamp, so nothing is forgotten over a restart. Sealing never waits for it.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forewarn_base::backoff::{Backoff, BackoffLimits, seed_of};
use forewarn_base::post::{Peer, PostError};
use forewarn_base::sync::lock;
use forewarn_base::thread::{Thread, ThreadError};
use forewarn_base::{durable, hash};
use forewarn_domain::clock::Stopwatch;
use forewarn_seal::certificate;
use forewarn_seal::key::from_hex;
use forewarn_seal::time_stamp::{Nonce, Stamp, StampError, request};

use crate::chain_search::bundles_in;
use crate::manifest::stamp_name;
use crate::stamps::{MOST_BYTES, sealed_bytes, unstamped};
use crate::trusted::{TrustError, Trusted};

/// Seals that wait in memory, at most; the others are found on the disk when these are stamped.
const MOST_WAITING: usize = 4096;
/// Folders in which something was sealed, that the thread has not looked into yet.
const MOST_TOLD: usize = 64;
/// Waits after failures. Nobody needs a stamp within the second.
const WAITS: BackoffLimits =
    BackoffLimits { first: Duration::from_secs(1), longest: Duration::from_mins(10), jitter: 0.5 };
/// An authority that has given nothing for so long is told of.
const LONG_AWAY: Duration = Duration::from_hours(1);
/// Where stamps are made, below the root, before they come into their folders.
const SCRATCH: &str = ".stamps";

/// The thread cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StamperError {
    /// Whom to trust cannot be read.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The system gives no thread.
    #[error(transparent)]
    Thread(#[from] ThreadError),
}

/// Why a seal was not stamped.
#[derive(Debug, thiserror::Error)]
enum Unstamped {
    #[error(transparent)]
    Away(#[from] PostError),
    #[error("its answer is of no use: {0}")]
    Useless(#[from] StampError),
    #[error("its answer is one to another question")]
    Other,
    #[error("nobody whom `time_stamp_ca` names vouches for it: {0}")]
    NotTrusted(String),
    #[error("{0}")]
    Here(#[from] io::Error),
    #[error("the system gives no random numbers")]
    NoRandom,
}

/// Has the seals of a store stamped.
#[derive(Debug)]
pub struct TimeStamps {
    told: SyncSender<PathBuf>,
    state: Arc<State>,
    /// It ends by itself when this is dropped; nobody waits for an authority that does not answer.
    _thread: Thread,
}

#[derive(Debug, Default)]
struct State {
    waiting: AtomicUsize,
    /// Whether there are seals on the disk that are not among those that wait.
    is_left_out: AtomicBool,
    failing: Mutex<Option<(Stopwatch, String)>>,
}

impl TimeStamps {
    /// Starts with what is below `root` without a stamp. Only stamps of somebody for whom those in the file `trusted` vouch
    /// are kept, where it is named.
    pub fn start(root: PathBuf, authority: Peer, trusted: Option<&Path>) -> Result<Self, StamperError> {
        let trusted = trusted.map(|file| Trusted::of_files(&[file.to_owned()])).transpose()?;
        let (told, folders) = sync_channel(MOST_TOLD);
        let state = Arc::new(State { is_left_out: AtomicBool::new(true), ..State::default() });
        let worker = Worker { root, authority, trusted, folders, state: Arc::clone(&state), waiting: VecDeque::new() };
        Ok(Self { told, state, _thread: Thread::spawn("time stamps", move || worker.run())? })
    }

    /// Something was sealed in a folder.
    pub fn sealed(&self, folder: &Path) {
        if self.told.try_send(folder.to_owned()).is_err() {
            self.state.is_left_out.store(true, Ordering::Release);
        }
    }

    /// How many seals wait for a stamp, as far as is known.
    pub fn waiting(&self) -> usize {
        self.state.waiting.load(Ordering::Acquire)
    }

    /// Why nothing has been stamped for long; none if that is not so.
    pub fn trouble(&self) -> Option<String> {
        let failing = lock(&self.state.failing);
        let (_, why) = failing.as_ref().filter(|(since, _)| since.elapsed() >= LONG_AWAY)?;
        Some(format!("seals have waited for a time stamp for more than an hour: {why}"))
    }
}

struct Worker {
    root: PathBuf,
    authority: Peer,
    trusted: Option<certificate::Trusted>,
    folders: Receiver<PathBuf>,
    state: Arc<State>,
    /// Folder and number, the oldest first.
    waiting: VecDeque<(PathBuf, u64)>,
}

impl Worker {
    fn run(mut self) {
        let mut backoff = Backoff::new(WAITS, seed_of(&self.authority.name(), u64::from(std::process::id())));
        loop {
            self.look_for_more();
            let Some((folder, number)) = self.waiting.front().cloned() else {
                match self.folders.recv() {
                    Ok(folder) => self.put(&folder),
                    Err(_) => return,
                }
                continue;
            };
            match self.stamp(&folder, number) {
                Ok(()) => {
                    self.waiting.pop_front();
                    backoff.reset();
                    self.well();
                }
                Err(error) => {
                    // One at which something is wrong does not keep the others from being stamped.
                    self.waiting.rotate_left(1);
                    self.failed(&error);
                    if !self.wait(backoff.next_wait()) {
                        return;
                    }
                }
            }
        }
    }

    /// Takes in what was sealed meanwhile, and, when nothing waits, what there was no room for.
    fn look_for_more(&mut self) {
        while let Ok(folder) = self.folders.try_recv() {
            self.put(&folder);
        }
        if self.waiting.is_empty() && self.state.is_left_out.swap(false, Ordering::AcqRel) {
            match bundles_in(&self.root) {
                Ok(folders) => folders.iter().for_each(|folder| self.put(folder)),
                // Nothing was ever kept, or the disk is away, which others tell.
                Err(error) => tracing::debug!(%error, "nothing to be stamped is found"),
            }
        }
        self.count();
    }

    fn put(&mut self, folder: &Path) {
        for number in unstamped(folder).unwrap_or_default() {
            if self.waiting.len() >= MOST_WAITING {
                self.state.is_left_out.store(true, Ordering::Release);
                break;
            }
            if !self.waiting.iter().any(|(_, known)| *known == number) {
                self.waiting.push_back((folder.to_owned(), number));
            }
        }
        self.count();
    }

    fn count(&self) {
        self.state.waiting.store(self.waiting.len(), Ordering::Release);
    }

    fn well(&self) {
        if lock(&self.state.failing).take().is_some() {
            tracing::info!(authority = self.authority.name(), "seals are stamped again");
        }
        self.count();
    }

    fn failed(&self, error: &Unstamped) {
        let mut failing = lock(&self.state.failing);
        if failing.is_none() {
            let (authority, waiting) = (self.authority.name(), self.waiting.len());
            tracing::warn!(authority, waiting, "no time stamp: {error}; it is tried again");
        }
        let since = failing.take().map_or_else(Stopwatch::start, |(since, _)| since);
        *failing = Some((since, error.to_string()));
    }

    /// Waits, and takes in what is sealed meanwhile; false if that is the end.
    fn wait(&mut self, span: Duration) -> bool {
        let since = Stopwatch::start();
        loop {
            match self.folders.recv_timeout(span.saturating_sub(since.elapsed())) {
                Ok(folder) => self.put(&folder),
                Err(RecvTimeoutError::Timeout) => return true,
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
    }

    /// Has a seal stamped. What was deleted meanwhile needs none.
    fn stamp(&self, folder: &Path, number: u64) -> Result<(), Unstamped> {
        let Some(bytes) = sealed_bytes(folder, number)? else { return Ok(()) };
        let digest = from_hex(&hash::sha256_of_bytes(&bytes)).and_then(|digest| digest.try_into().ok());
        let (digest, nonce) = (digest.unwrap_or_default(), Nonce::random().map_err(|_| Unstamped::NoRandom)?);
        let asked = request(&digest, nonce);
        let answer = self.authority.post("application/timestamp-query", &asked, MOST_BYTES)?;
        let stamp = Stamp::read(&answer)?;
        if !stamp.answers(&digest, nonce) {
            return Err(Unstamped::Other);
        }
        if let Some(trusted) = &self.trusted {
            stamp.is_vouched_for(trusted).map_err(Unstamped::NotTrusted)?;
        }
        self.keep(folder, &stamp_name(number), &answer)?;
        Ok(())
    }

    /// Puts a stamp into its folder by one rename, so that whoever seals there never sees half of it.
    fn keep(&self, folder: &Path, name: &str, answer: &[u8]) -> io::Result<()> {
        let scratch = self.root.join(SCRATCH);
        durable::create_dirs(&scratch, &self.root)?;
        let made = scratch.join(name);
        durable::replace(&made, answer)?;
        match durable::rename(&made, &folder.join(name)).and_then(|()| durable::sync_dir(folder)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !folder.exists() => fs::remove_file(&made),
            kept => kept,
        }
    }
}
