//! What recipients over HTTP have in common: one question after another, and what becomes of a report by its answer.
//!
//! A [`Recipient`] is pure: it makes a question of reports and reads the answer. Everything else is written once. A report
//! counts as delivered only by an answer that says so; in what order a site's reports were made they arrive.

mod refusals;
pub mod table;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forewarn_base::http::{Answer, Ask, Http, HttpError};
use forewarn_base::sync::lock;
use forewarn_domain::{Clock, WallTime};
use forewarn_wire::EventSource;

pub(super) use self::refusals::Refusals;
use self::table::Way;
use super::link::{self, FromThread, ToThread};
use super::purse::Purse;
use super::thin::PictureCounts;
use super::{Adapter, Note, Pace, Upstream};
use crate::outbox::QueuedReport;

/// The longest answer that is read: what it says of a report is short.
pub(super) const MOST_ANSWER_BYTES: usize = 64 * 1024;
/// Reports that are read ahead of the one that is asked about. One is asked about at a time, so that they stay in order.
const AHEAD: u16 = 64;
/// Whoever says that it is gone is asked again after so long.
const GONE: Duration = Duration::from_hours(1);
/// What a recipient says of itself that is shown, at most.
const MOST_SHOWN: usize = 200;

/// What an answer says of the reports that were asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It has them.
    Delivered,
    /// It has not, and may have them later.
    Later {
        /// Why, for people.
        why: String,
        /// How long it wants to be left in peace, where it says so.
        after: Option<Duration>,
    },
    /// It says that it will never take them.
    Never(String),
}

impl Verdict {
    /// Not now, for an unknown time.
    pub fn later(why: impl Into<String>) -> Self {
        Self::Later { why: why.into(), after: None }
    }
}

/// How reports are said to one kind of recipient, and what its answers mean. Pure.
pub trait Recipient: fmt::Debug + Clone + Send + Sync + 'static {
    /// Messages that it takes in a minute, where it counts them; more reports than that come together.
    const MAX_PER_MINUTE: Option<u32> = None;
    /// Whether several reports can be said in one message.
    const CAN_JOIN: bool = false;

    /// The question that tells of these reports: of one, or of several where they [can be joined](Self::CAN_JOIN).
    fn ask(&self, reports: &[QueuedReport], sent_at: WallTime) -> Ask;

    /// The question that hands over a small picture of an incident, after its words, where the link is thin.
    fn picture_after(&self, _report: &QueuedReport) -> Option<Ask> {
        None
    }

    /// What the answer says.
    fn read(&self, answer: &Answer) -> Verdict {
        of_status(answer)
    }
}

/// What the status alone says: only 2xx is a delivery.
pub fn of_status(answer: &Answer) -> Verdict {
    let status = answer.status;
    let after = answer.header("retry-after").and_then(|s| s.trim().parse().ok()).map(Duration::from_secs);
    let later = |what: &str| Verdict::Later { why: with_words(answer, what), after };
    match status {
        200..=299 => Verdict::Delivered,
        300..=399 => later("it sends elsewhere; write that address into `url`"),
        400 | 413 | 415 | 422 => Verdict::Never(with_words(answer, "it does not take this report")),
        401 | 403 => later("it refuses the login; check the secret on both sides"),
        404 | 405 => later("nobody takes reports there; check the path in `url`"),
        410 => Verdict::Later {
            why: with_words(answer, "it is gone for good; take this upstream out of the site file"),
            after: after.max(Some(GONE)),
        },
        429 => later("it gets more than it takes"),
        _ => later("it cannot take reports now"),
    }
}

/// A reason with the status and the first words of the answer.
pub(super) fn with_words(answer: &Answer, what: &str) -> String {
    let words = String::from_utf8_lossy(&answer.body);
    let words: String = words.chars().filter(|c| !c.is_control()).take(MOST_SHOWN).collect();
    let words = words.trim();
    let said = if words.is_empty() { String::new() } else { format!(": \"{words}\"") };
    format!("status {}, {what}{said}", answer.status)
}

/// Bytes of a question.
pub(super) fn size(ask: &Ask) -> usize {
    let headers: usize = ask.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    ask.url.len() + headers + ask.body.len()
}

/// A recipient over HTTP, with its connections.
#[derive(Debug, Clone)]
pub struct OverHttp<R> {
    id: String,
    recipient: R,
    way: Way,
    refusals: Arc<Mutex<Refusals>>,
    /// What a thin link has carried, where it is one.
    thin: Option<Purse>,
}

impl<R> OverHttp<R> {
    /// Over a link that carries no more.
    #[must_use]
    pub(super) fn within(self, thin: Option<Purse>) -> Self {
        Self { thin, ..self }
    }
}

impl<R: Recipient> Adapter for OverHttp<R> {
    type Upstream = HttpUpstream<R>;
    type Outward = ToThread<Message>;
    type Inward = FromThread<Reply>;

    fn peer(&self) -> String {
        self.way.peer.clone()
    }

    fn pace(&self) -> Pace {
        self.way.pace(R::MAX_PER_MINUTE)
    }

    fn connect(
        &self,
        _: &EventSource,
        clock: &Arc<dyn Clock>,
    ) -> (HttpUpstream<R>, ToThread<Message>, FromThread<Reply>) {
        if let Some(thin) = &self.thin {
            thin.open();
        }
        let upstream = HttpUpstream {
            recipient: self.recipient.clone(),
            clock: Arc::clone(clock),
            refusals: Arc::clone(&self.refusals),
            thin: self.thin.clone(),
            waiting: VecDeque::new(),
            asked: None,
            is_leaving: false,
        };
        let (outward, inward) = open_link(&self.id, &self.way.http);
        (upstream, outward, inward)
    }
}

/// Starts the thread that asks.
pub(super) fn open_link(id: &str, http: &Http) -> (ToThread<Message>, FromThread<Reply>) {
    let http = http.clone();
    link::open(format!("http-{id}"), Reply::Ready, move |message| match message {
        Message::Ask(ask) => Reply::Answered(http.ask(&ask, MOST_ANSWER_BYTES)),
        Message::Leave => Reply::Left,
    })
}

/// What is done.
#[derive(Debug)]
pub enum Message {
    /// Somebody is asked.
    Ask(Ask),
    /// Nobody is asked any more.
    Leave,
}

/// What came of it.
#[derive(Debug)]
pub enum Reply {
    /// Questions can be asked.
    Ready,
    /// The answer to the latest question.
    Answered(Result<Answer, HttpError>),
    /// Nobody is asked any more.
    Left,
}

/// Asks about one message at a time.
pub struct HttpUpstream<R> {
    recipient: R,
    clock: Arc<dyn Clock>,
    refusals: Arc<Mutex<Refusals>>,
    thin: Option<Purse>,
    /// Each entry is one message.
    waiting: VecDeque<Vec<QueuedReport>>,
    asked: Option<Asked>,
    is_leaving: bool,
}

/// What was asked, and waits for its answer.
enum Asked {
    /// These reports, in words.
    Words(Vec<QueuedReport>),
    /// A picture after them.
    Picture,
}

impl<R: Recipient> HttpUpstream<R> {
    /// The next picture, where nothing else waits.
    fn picture(&mut self) -> Option<Ask> {
        let (now, thin) = (self.clock.now(), self.thin.clone()?);
        loop {
            let report = thin.lock().next(now)?;
            if let Some(ask) = self.recipient.picture_after(&report) {
                thin.spend(now, size(&ask));
                self.asked = Some(Asked::Picture);
                return Some(ask);
            }
            thin.lock().done(false);
        }
    }

    fn take_verdict(&self, reports: &[QueuedReport], verdict: Verdict) -> Note {
        let places = || reports.iter().map(|report| report.seq).collect();
        match verdict {
            Verdict::Delivered => {
                lock(&self.refusals).delivered();
                if let Some(thin) = &self.thin {
                    let mut thin = thin.lock();
                    for report in reports {
                        thin.follow(report);
                    }
                }
                Note::AcknowledgedAll(places())
            }
            Verdict::Later { why, after } => Note::Refused { what: "a report", why, after },
            Verdict::Never(why) => {
                let id = reports.first().map(QueuedReport::id).unwrap_or_default();
                if lock(&self.refusals).is_enough(&id) {
                    return Note::GivenUp { places: places(), why: format!("{id}: {why}") };
                }
                Note::Refused { what: "a report", why: format!("{id}: {why}"), after: None }
            }
        }
    }
}

impl<R: Recipient> Upstream for HttpUpstream<R> {
    type Message = Message;
    type Answer = Reply;

    fn handle_report(&mut self, report: &QueuedReport) {
        self.waiting.push_back(vec![report.clone()]);
    }

    fn can_join(&self) -> bool {
        R::CAN_JOIN
    }

    fn handle_together(&mut self, reports: &[QueuedReport]) {
        self.waiting.push_back(reports.to_vec());
    }

    fn handle_answer(&mut self, reply: Reply) -> Note {
        match reply {
            Reply::Ready => Note::Ready,
            Reply::Left => Note::Left,
            Reply::Answered(answer) => {
                let Some(asked) = self.asked.take() else { return Note::Nothing };
                let verdict = answer.map(|answer| self.recipient.read(&answer));
                if let (Asked::Picture, Some(thin)) = (&asked, &self.thin) {
                    thin.lock().done(matches!(verdict, Ok(Verdict::Delivered)));
                }
                match (asked, verdict) {
                    (Asked::Words(reports), Ok(verdict)) => self.take_verdict(&reports, verdict),
                    (Asked::Picture, Ok(verdict)) => {
                        tracing::debug!(?verdict, "a picture was handed over after its words");
                        Note::Nothing
                    }
                    (_, Err(error)) => Note::Away { why: error.to_string() },
                }
            }
        }
    }

    fn handle_stop(&mut self) {
        self.is_leaving = true;
    }

    fn poll_message(&mut self) -> Option<Message> {
        if self.asked.is_some() {
            return None;
        }
        let Some(reports) = self.waiting.pop_front() else {
            let leave = std::mem::take(&mut self.is_leaving).then_some(Message::Leave);
            return leave.or_else(|| self.picture().map(Message::Ask));
        };
        let now = self.clock.now();
        let ask = self.recipient.ask(&reports, self.clock.wall(now));
        if let Some(thin) = &self.thin {
            thin.spend(now, size(&ask));
        }
        self.asked = Some(Asked::Words(reports));
        Some(Message::Ask(ask))
    }

    fn rest(&self) -> Option<Duration> {
        let thin = self.thin.as_ref().filter(|_| self.asked.is_none())?;
        thin.lock().rest(self.clock.now()).map(|rest| rest.max(Duration::from_millis(1)))
    }

    fn pictures(&self) -> PictureCounts {
        self.thin.as_ref().map(|thin| thin.lock().counts(self.clock.now())).unwrap_or_default()
    }
}
