//! The story of a run as it happens: one line for each thing that a person wants to know.

use std::io::{self, Write};

use forewarn_domain::{AnnounceOutcome, Cause, IncidentRecord, IncidentState, Timestamp};
use serde_json::json;

use super::Happening;
use crate::IncidentLine;

/// Tells what happens, to people or to programs.
pub trait Narrator: Send {
    /// Tells one thing.
    fn tell(&mut self, happening: &Happening) -> io::Result<()>;
}

/// Lines for people: time, camera, what happened.
pub struct Timeline<W> {
    out: W,
    /// The instant that counts as zero; the first one told if absent.
    origin: Option<Timestamp>,
    is_coloured: bool,
}

impl<W: Write + Send> Timeline<W> {
    /// Of a live run: times count from the first thing told. With colours if `is_coloured`.
    pub fn live(out: W, is_coloured: bool) -> Self {
        Self { out, origin: None, is_coloured }
    }

    /// Of a replay: times are those of the clip.
    pub fn replay(out: W, is_coloured: bool) -> Self {
        Self { out, origin: Some(Timestamp::ZERO), is_coloured }
    }

    fn line(&mut self, at: Timestamp, colour: &str, head: &str, text: &str) -> io::Result<()> {
        let origin = *self.origin.get_or_insert(at);
        let seconds = (at.as_micros() - origin.as_micros()) as f64 / 1e6;
        let (minutes, seconds) = ((seconds / 60.0).floor(), seconds.rem_euclid(60.0));
        let (on, off) = if self.is_coloured { (colour, "\u{1b}[0m") } else { ("", "") };
        writeln!(self.out, "{minutes:02}:{seconds:04.1}  {on}{head:<10}{off} {text}")?;
        self.out.flush()
    }
}

const RED: &str = "\u{1b}[1;31m";
const GREEN: &str = "\u{1b}[1;32m";
const YELLOW: &str = "\u{1b}[1;33m";
const BLUE: &str = "\u{1b}[1;34m";
const GREY: &str = "\u{1b}[2m";

impl<W: Write + Send> Narrator for Timeline<W> {
    fn tell(&mut self, happening: &Happening) -> io::Result<()> {
        match happening {
            Happening::Moved { record, at } => {
                let (colour, head, text) = sentence(record);
                let place = format!("{}/{}", record.rule.stream, record.rule.zone);
                self.line(*at, colour, head, &format!("{place:<14} {text}"))
            }
            Happening::Announcing { announcement, at } => self.line(
                *at,
                BLUE,
                "speaking",
                &format!("{:<14} \"{}\"", announcement.speaker.as_str(), announcement.text.text),
            ),
            Happening::Announced { speaker, outcome, at } => match outcome {
                AnnounceOutcome::Played { duration, proof, .. } => self.line(
                    *at,
                    GREY,
                    "played",
                    &format!("{speaker:<14} {:.1} s of sound, {proof}", duration.as_secs_f64()),
                ),
                AnnounceOutcome::Failed { kind, reason } => {
                    self.line(*at, RED, "not played", &format!("{speaker:<14} {kind}: {reason}"))
                }
            },
            Happening::Stream { stream, text, at, .. } => {
                self.line(*at, GREY, "stream", &format!("{stream:<14} {text}"))
            }
            Happening::Sealed { path, at, .. } => {
                self.line(*at, GREY, "evidence", &format!("sealed: {}", path.display()))
            }
            Happening::Trouble { what, at } => self.line(*at, RED, "trouble", what),
        }
    }
}

fn sentence(record: &IncidentRecord) -> (&'static str, &'static str, String) {
    let subject = &record.subject;
    let who = match subject.track {
        Some(track) => format!("{} #{track}", subject.class),
        None if subject.count > 1 => format!("{} × {}", subject.count, subject.class),
        None => subject.class.to_string(),
    };
    let violation = record.rule.violation.as_str().replace('_', " ");
    let cause = record.history.last().map_or("", |t| t.cause.as_str()).replace('_', " ");
    let last = record.history.last().map(|t| t.cause);
    match record.state {
        IncidentState::Suspected => (GREY, "suspected", format!("{violation}: {who}")),
        IncidentState::Confirmed => (YELLOW, "seen", format!("{violation}: {who}")),
        IncidentState::Warned => (BLUE, "warned", format!("{violation}: {who}")),
        IncidentState::Observing if last == Some(Cause::PlaybackProven) => {
            (GREY, "watching", format!("{violation}: {who}, the warning was heard"))
        }
        IncidentState::Observing => (GREY, "watching", format!("{violation}: {who} ({cause})")),
        IncidentState::Persisted => (YELLOW, "persisted", format!("{violation}: {who} goes on")),
        IncidentState::Complied => (GREEN, "complied", format!("{violation}: {who} ({cause})")),
        IncidentState::Escalated => (RED, "escalated", format!("{violation}: {who}, reported upstream ({cause})")),
        IncidentState::Lost => (GREY, "lost", format!("{violation}: {who} ({cause})")),
        IncidentState::Over => (GREY, "over", format!("{violation}: {who} ({cause})")),
        IncidentState::Closed => (GREY, "closed", format!("{violation}: {who} ({cause})")),
    }
}

/// One JSON object a line for programs.
pub struct JsonLines<W> {
    out: W,
}

impl<W: Write + Send> JsonLines<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out }
    }
}

impl<W: Write + Send> Narrator for JsonLines<W> {
    fn tell(&mut self, happening: &Happening) -> io::Result<()> {
        let at = |t: &Timestamp| crate::line::seconds(*t);
        let value = match happening {
            Happening::Moved { record, at: t } => {
                json!({ "event": "incident", "at_s": at(t), "incident": IncidentLine::new(record, None) })
            }
            Happening::Announcing { announcement, at: t } => {
                json!({ "event": "announcing", "at_s": at(t), "incident": announcement.incident,
                    "speaker": announcement.speaker, "text": announcement.text.text, "attempt": announcement.attempt })
            }
            Happening::Announced { speaker, outcome, at: t } => {
                json!({ "event": "announced", "at_s": at(t), "speaker": speaker, "outcome": outcome })
            }
            Happening::Stream { stream, is_up, text, at: t } => {
                json!({ "event": "stream", "at_s": at(t), "camera": stream, "is_up": is_up, "text": text })
            }
            Happening::Sealed { incident, path, at: t } => {
                json!({ "event": "evidence", "at_s": at(t), "incident": incident, "path": path })
            }
            Happening::Trouble { what, at: t } => json!({ "event": "trouble", "at_s": at(t), "what": what }),
        };
        writeln!(self.out, "{value}")?;
        self.out.flush()
    }
}
