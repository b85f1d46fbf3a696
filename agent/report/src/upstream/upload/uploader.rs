//! What is done next, and what an answer means for the seals that wait.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use forewarn_base::sync::lock;
use forewarn_domain::Clock;

use super::bundle::{Rank, Shut, Wanted};
use super::queue::{Queue, Task};
use super::work::{Reply, Work};
use super::{Carrier, Given, Shared, Step};
use crate::outbox::QueuedReport;
use crate::upstream::http::{Verdict, size};
use crate::upstream::stats::FileCounts;
use crate::upstream::{Note, Upstream};

/// Brings evidence over, one file at a time.
pub struct Uploader<C> {
    carrier: C,
    clock: Arc<dyn Clock>,
    shared: Arc<Mutex<Shared>>,
    /// Reports whose bundles were not looked into: their places, and the bundle where there is one.
    unseen: VecDeque<(i64, Option<String>)>,
    queue: Queue,
    busy: Option<Busy>,
    /// The budget had no room for the next piece of a picture or clip when it was sought last.
    is_held_back: bool,
    is_leaving: bool,
}

impl<C> fmt::Debug for Uploader<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uploader").field("queue", &self.queue).finish_non_exhaustive()
    }
}

/// What is being done.
enum Busy {
    /// The bundle of a report is looked into.
    Looking(i64, String),
    /// A step of a file, by its key.
    Step(String),
}

impl<C: Carrier> Uploader<C> {
    pub(super) fn new(carrier: C, clock: Arc<dyn Clock>, shared: Arc<Mutex<Shared>>) -> Self {
        let (unseen, queue) = (VecDeque::new(), Queue::default());
        Self { carrier, clock, shared, unseen, queue, busy: None, is_held_back: false, is_leaving: false }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        lock(&self.shared)
    }

    /// What lies in a bundle is wanted, but for what the other side has.
    fn looked(&mut self, seal: i64, bundle: &str, looked: Result<Vec<Wanted>, Shut>) -> Note {
        let mut files = match looked {
            Ok(files) => files,
            Err(Shut::Gone(why)) => return Note::GivenUp { places: vec![seal], why },
            Err(Shut::Away(why)) => return Note::Away { why },
        };
        files.retain(|wanted| !self.shared().is_there(&wanted.facts));
        tracing::debug!(bundle, files = files.len(), "a bundle is to be brought over");
        if self.queue.put(seal, files) { Note::Acknowledged(seal) } else { Note::Nothing }
    }

    /// Goes on with a file by what was wanted of it.
    fn go_on(&mut self, key: &str, given: Given) -> Note {
        let (clock, shared) = (Arc::clone(&self.clock), Arc::clone(&self.shared));
        let now = clock.wall(clock.now());
        // It may have been replaced by a later version meanwhile, which begins anew.
        let Some(Task { wanted, passage: Some(passage), step, .. }) = self.queue.task(key) else {
            return Note::Nothing;
        };
        let next = passage.next(given, now);
        let facts = wanted.facts.clone();
        match next {
            Step::There => {
                let mut shared = lock(&shared);
                shared.note(&facts, None);
                shared.refusals.delivered();
                (shared.counts.sent, shared.counts.sent_bytes) =
                    (shared.counts.sent + 1, shared.counts.sent_bytes + facts.bytes);
                drop(shared);
                Note::AcknowledgedAll(self.queue.done(key))
            }
            Step::Refused(verdict) => {
                lock(&shared).note(&facts, Some(passage.kept().unwrap_or_default()));
                self.refused(key, verdict)
            }
            next => {
                *step = Some(next);
                if let Some(kept) = passage.kept() {
                    lock(&shared).note(&facts, Some(kept));
                }
                Note::Nothing
            }
        }
    }

    fn refused(&mut self, key: &str, verdict: Verdict) -> Note {
        match verdict {
            Verdict::Never(why) if self.shared().refusals.is_enough(key) => {
                Note::GivenUp { places: self.queue.give_up(key), why: format!("{key}: {why}") }
            }
            Verdict::Never(why) => Note::Refused { what: "a file", why: format!("{key}: {why}"), after: None },
            Verdict::Later { why, after } => Note::Refused { what: "a file", why: format!("{key}: {why}"), after },
            Verdict::Delivered => Note::Nothing,
        }
    }

    /// The next step of the file that is next, where it may be done now.
    fn step(&mut self) -> Option<Work> {
        let key = self.queue.next()?.0.to_owned();
        let (clock, carrier) = (Arc::clone(&self.clock), self.carrier.clone());
        let now = clock.wall(clock.now());
        let mut shared = lock(&self.shared);
        let Task { wanted, passage, step, .. } = self.queue.task(&key)?;
        let known = || shared.goes_on(&wanted.facts).filter(|known| !known.is_empty());
        let passage = passage.get_or_insert_with(|| carrier.passage(&wanted.facts, known()));
        let next = step.take().unwrap_or_else(|| passage.next(Given::Nothing, now));
        let work = match next {
            Step::Read { bytes, .. } if !shared.wait(wanted.rank, bytes, &*clock).is_zero() => {
                *step = Some(next);
                self.is_held_back = true;
                return None;
            }
            Step::Read { from, bytes } => {
                // Words go beside what is held back.
                self.is_held_back &= wanted.rank == Rank::Words;
                Work::Read(wanted.source.clone(), from, bytes)
            }
            Step::Ask(ask) => {
                shared.spend(size(&ask) as u64, &*clock);
                Work::Ask(ask)
            }
            Step::ReadBack(ask) => {
                shared.spend(wanted.facts.bytes, &*clock);
                Work::ReadBack(ask)
            }
            // A passage begins with a piece or a question.
            Step::There | Step::Refused(_) => return None,
        };
        self.busy = Some(Busy::Step(key));
        Some(work)
    }
}

impl<C: Carrier> Upstream for Uploader<C> {
    type Message = Work;
    type Answer = Reply;

    fn handle_report(&mut self, report: &QueuedReport) {
        let evidence = report.report.evidence.as_deref().and_then(|evidence| evidence.seal.as_ref());
        let seal = report.report.seal.as_ref().or(evidence);
        self.unseen.push_back((report.seq, seal.map(|seal| seal.bundle.clone())));
    }

    fn handle_answer(&mut self, reply: Reply) -> Note {
        match reply {
            Reply::Ready => return Note::Ready,
            Reply::Left => return Note::Left,
            _ => {}
        }
        match (self.busy.take(), reply) {
            (Some(Busy::Looking(seal, bundle)), Reply::Looked(looked)) => self.looked(seal, &bundle, looked),
            (Some(Busy::Step(key)), Reply::Read(Ok(bytes))) => self.go_on(&key, Given::Bytes(bytes)),
            (Some(Busy::Step(key)), Reply::Answered(Ok(answer))) => self.go_on(&key, Given::Answer(answer)),
            (Some(Busy::Step(key)), Reply::Hashed(Ok((status, digest)))) => {
                self.go_on(&key, Given::Document { status, bytes: digest.bytes, sha256: digest.sha256 })
            }
            // It was exchanged or deleted meanwhile; a look into the bundle tells.
            (Some(Busy::Step(key)), Reply::Read(Err(why))) => {
                Note::Away { why: format!("failed to read {key}: {why}") }
            }
            (_, Reply::Answered(Err(error)) | Reply::Hashed(Err(error))) => Note::Away { why: error.to_string() },
            _ => Note::Nothing,
        }
    }

    fn handle_stop(&mut self) {
        self.is_leaving = true;
    }

    fn poll_message(&mut self) -> Option<Work> {
        if self.busy.is_some() {
            return None;
        }
        if let Some((seal, bundle)) = self.unseen.pop_front() {
            self.busy = Some(Busy::Looking(seal, bundle.clone().unwrap_or_default()));
            return Some(Work::Look(bundle));
        }
        self.step().or_else(|| std::mem::take(&mut self.is_leaving).then_some(Work::Leave))
    }

    fn rest(&self) -> Option<Duration> {
        if self.busy.is_some() {
            return None;
        }
        let (key, rank) = self.queue.next()?;
        let bytes = self.queue.waits_for(key)?;
        let wait = self.shared().wait(rank, bytes, &*self.clock);
        Some(wait.max(Duration::from_millis(1)))
    }

    fn files(&self) -> FileCounts {
        let (waiting, waiting_bytes) = self.queue.waiting();
        let are_held_back = self.is_held_back && waiting > 0;
        FileCounts { waiting, waiting_bytes, are_held_back, ..self.shared().counts }
    }
}
