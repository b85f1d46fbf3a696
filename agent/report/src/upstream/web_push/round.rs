//! One message after another, each told to every phone. Pure but for the list of phones.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use forewarn_base::http::{Answer, Ask, HttpError};
use forewarn_base::sync::lock;
use forewarn_domain::Clock;

use super::WebPush;
use crate::outbox::QueuedReport;
use crate::push::{Phone, SiteKey};
use crate::upstream::http::{Verdict, of_status, with_words};
use crate::upstream::{Note, Upstream};

/// So often a message is tried at a phone that does not take it, while others have taken it.
const TRIES: u32 = 5;

/// Who has the message that is being told, over all connections.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// The message.
    id: String,
    /// The addresses of phones that have it, or never will.
    done: BTreeSet<String>,
    /// Whether any phone has it.
    is_told: bool,
    /// How often it was begun.
    tries: u32,
}

impl Memory {
    fn take_up(&mut self, id: String) {
        if self.id != id {
            *self = Self { id, ..Self::default() };
        }
        self.tries += 1;
    }
}

/// What is done.
#[derive(Debug)]
pub enum Message {
    /// A push service is asked.
    Ask(Ask),
    /// There is nobody to be asked, and why.
    Nobody(Nobody),
    /// Nobody is asked any more.
    Leave,
}

/// Why nobody is asked.
#[derive(Debug)]
pub enum Nobody {
    /// No phone is signed up.
    SignedUp,
    /// All of them have it.
    Left,
    /// Who they are cannot be read.
    Known(String),
}

/// What came of it.
#[derive(Debug)]
pub enum Reply {
    /// Questions can be asked.
    Ready,
    /// The answer to the latest question.
    Answered(Result<Answer, HttpError>),
    /// There was nobody to be asked.
    Nobody(Nobody),
    /// Nobody is asked any more.
    Left,
}

/// One message on its way.
struct Round {
    reports: Vec<QueuedReport>,
    key: Option<SiteKey>,
    left: VecDeque<Phone>,
    /// Why some phone has to be asked again.
    failed: Option<Failure>,
}

/// Why a phone has to be asked again.
struct Failure {
    why: String,
    /// How long its service wants to be left in peace.
    after: Option<Duration>,
    /// Whether it is the phone's own: where another one takes what is signed by the same key at the same hour, the key and the clock
    /// are good, and asking again changes nothing.
    is_of_phone: bool,
}

/// What the answer of a push service says: of the phone, as no key of the site file leads to it.
fn of_service(answer: &Answer) -> Verdict {
    let verdict = of_status(answer);
    let what = match answer.status {
        300..=399 => "the push service sends elsewhere; have the phone sign up anew in the console",
        400 | 413 | 415 | 422 => "the push service does not take this message",
        401 | 403 => {
            "the push service refuses the site's key or the hour; check the clock of this box, and have the phone sign up anew \
             in the console"
        }
        405 => "that address takes no pushes; have the phone sign up anew in the console",
        429 => "the push service gets more than it takes",
        500.. => "the push service cannot take messages now",
        _ => return verdict,
    };
    match verdict {
        Verdict::Later { after, .. } => Verdict::Later { why: with_words(answer, what), after },
        Verdict::Never(_) => Verdict::Never(with_words(answer, what)),
        Verdict::Delivered => Verdict::Delivered,
    }
}

/// Tells one message after another.
pub struct PushUpstream {
    push: WebPush,
    clock: Arc<dyn Clock>,
    waiting: VecDeque<Vec<QueuedReport>>,
    round: Option<Round>,
    /// The phone that is asked.
    asked: Option<Phone>,
    /// Whether an answer is awaited.
    is_out: bool,
    is_leaving: bool,
}

impl PushUpstream {
    pub(super) fn new(push: WebPush, clock: Arc<dyn Clock>) -> Self {
        Self { push, clock, waiting: VecDeque::new(), round: None, asked: None, is_out: false, is_leaving: false }
    }

    fn begin(&self, reports: Vec<QueuedReport>) -> (Round, Option<Nobody>) {
        let mut memory = lock(&self.push.memory);
        memory.take_up(reports.iter().map(QueuedReport::id).collect::<Vec<_>>().join(" "));
        let mut round = Round { reports, key: None, left: VecDeque::new(), failed: None };
        let phones = self.push.phones.open(&self.push.id).and_then(|key| {
            round.key = Some(key);
            self.push.phones.of(&self.push.id)
        });
        let nobody = match phones {
            Err(error) => Some(Nobody::Known(error.to_string())),
            Ok(phones) if phones.is_empty() => Some(Nobody::SignedUp),
            Ok(phones) => {
                round.left = phones.into_iter().filter(|phone| !memory.done.contains(&phone.endpoint)).collect();
                round.left.is_empty().then_some(Nobody::Left)
            }
        };
        (round, nobody)
    }

    /// The question to the next phone.
    fn next(&mut self) -> Option<Ask> {
        let now = self.clock.wall(self.clock.now());
        let round = self.round.as_mut()?;
        let key = round.key.clone()?;
        while let Some(phone) = round.left.pop_front() {
            match self.push.ask(&key, &phone, &round.reports, now) {
                Ok(ask) => {
                    self.asked = Some(phone);
                    return Some(ask);
                }
                Err(why) => self.push.sign_off(&phone, &why),
            }
        }
        None
    }

    fn take_answer(&mut self, answer: &Result<Answer, HttpError>) -> Note {
        let Some(phone) = self.asked.take() else { return Note::Nothing };
        let failed = match answer {
            Ok(answer) => self.judge(answer, &phone),
            Err(error) => Some(Failure { why: error.to_string(), after: None, is_of_phone: false }),
        };
        let Some(round) = &mut self.round else { return Note::Nothing };
        if let Some(Failure { why, after, is_of_phone }) = failed {
            let before = round.failed.take();
            let is_of_phone = is_of_phone && before.as_ref().is_none_or(|before| before.is_of_phone);
            let after = after.max(before.and_then(|before| before.after));
            round.failed = Some(Failure { why, after, is_of_phone });
        }
        if round.left.is_empty() { self.end() } else { Note::Nothing }
    }

    /// Why a phone has to be asked again; none where it has the message, or never will.
    fn judge(&self, answer: &Answer, phone: &Phone) -> Option<Failure> {
        let is_told = (200..=299).contains(&answer.status);
        match (answer.status, of_service(answer)) {
            (404 | 410, _) => self.push.sign_off(phone, "its push service has ended the subscription"),
            (status, Verdict::Later { why, after }) => {
                return Some(Failure { why, after, is_of_phone: matches!(status, 401 | 403) });
            }
            (_, Verdict::Never(why)) => {
                tracing::error!(upstream = self.push.id, by = phone.by, why, "a phone never gets a message");
            }
            (_, Verdict::Delivered) => {}
        }
        let mut memory = lock(&self.push.memory);
        memory.done.insert(phone.endpoint.clone());
        memory.is_told |= is_told;
        None
    }

    /// What became of the message, now that every phone was asked.
    fn end(&mut self) -> Note {
        let Some(Round { reports, failed, .. }) = self.round.take() else { return Note::Nothing };
        let places = reports.iter().map(|report| report.seq).collect();
        let mut memory = lock(&self.push.memory);
        let (is_told, tries) = (memory.is_told, memory.tries);
        match failed {
            Some(Failure { why, after, is_of_phone }) if !is_told || (tries < TRIES && !is_of_phone) => {
                Note::Refused { what: "a message", why, after }
            }
            failed => {
                *memory = Memory::default();
                if let Some(Failure { why, .. }) = failed {
                    tracing::error!(upstream = self.push.id, why, "a phone misses a message that others have");
                }
                if is_told {
                    Note::AcknowledgedAll(places)
                } else {
                    Note::GivenUp { places, why: "no phone that is signed up takes it".to_owned() }
                }
            }
        }
    }

    fn nobody(&mut self, nobody: Nobody) -> Note {
        match nobody {
            Nobody::Known(why) => Note::Away { why },
            Nobody::Left => self.end(),
            Nobody::SignedUp => {
                let places = self.round.take().into_iter().flat_map(|round| round.reports).map(|report| report.seq);
                let why = "no phone is signed up: do that in the console, under Settings".to_owned();
                Note::GivenUp { places: places.collect(), why }
            }
        }
    }
}

impl WebPush {
    /// No message goes to this phone any more.
    fn sign_off(&self, phone: &Phone, why: &str) {
        let is_it = |upstream: &str, known: &Phone| upstream == self.id && known.endpoint == phone.endpoint;
        match self.phones.remove(is_it) {
            Ok(_) => tracing::warn!(upstream = self.id, by = phone.by, why, "a phone is signed off"),
            Err(error) => tracing::error!(upstream = self.id, %error, "a phone cannot be signed off"),
        }
    }
}

impl Upstream for PushUpstream {
    type Message = Message;
    type Answer = Reply;

    fn handle_report(&mut self, report: &QueuedReport) {
        self.waiting.push_back(vec![report.clone()]);
    }

    fn can_join(&self) -> bool {
        true
    }

    fn handle_together(&mut self, reports: &[QueuedReport]) {
        self.waiting.push_back(reports.to_vec());
    }

    fn handle_answer(&mut self, reply: Reply) -> Note {
        self.is_out = false;
        match reply {
            Reply::Ready => Note::Ready,
            Reply::Left => Note::Left,
            Reply::Nobody(nobody) => self.nobody(nobody),
            Reply::Answered(answer) => self.take_answer(&answer),
        }
    }

    fn handle_stop(&mut self) {
        self.is_leaving = true;
    }

    fn poll_message(&mut self) -> Option<Message> {
        if self.is_out {
            return None;
        }
        if self.round.is_none() {
            let Some(reports) = self.waiting.pop_front() else {
                return std::mem::take(&mut self.is_leaving).then_some(Message::Leave);
            };
            let (round, nobody) = self.begin(reports);
            self.round = Some(round);
            if let Some(nobody) = nobody {
                self.is_out = true;
                return Some(Message::Nobody(nobody));
            }
        }
        self.is_out = true;
        // Where no phone can be asked, its end is told as if all of them had answered.
        Some(self.next().map_or(Message::Nobody(Nobody::Left), Message::Ask))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_push_service_says_names_no_key_that_the_site_file_lacks_here() {
        for (status, says) in [
            (302, "sign up anew"),
            (400, "does not take this message"),
            (401, "refuses the site's key"),
            (403, "refuses the site's key"),
            (405, "takes no pushes"),
            (413, "does not take this message"),
            (429, "gets more than it takes"),
            (503, "cannot take messages now"),
        ] {
            let why = match of_service(&Answer { status, headers: Vec::new(), body: b"no".to_vec() }) {
                Verdict::Later { why, .. } | Verdict::Never(why) => why,
                Verdict::Delivered => panic!("{status} is no delivery"),
            };
            assert!(why.contains(says) && !why.contains("`url`") && !why.contains("secret"), "{why}");
        }
    }
}
