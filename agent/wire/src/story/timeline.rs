//! The story of a run as it happens: one line for each thing that a person wants to know.

use std::collections::BTreeMap;
use std::io::{self, Write};

use forewarn_domain::violation::Language;
use forewarn_domain::{AnnounceOutcome, Cause, IncidentRecord, IncidentState, Timestamp, ViolationId};
use serde_json::json;

use super::Happening;
use super::words::{BLUE, GREY, RED, Say, columns};
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
    say: Say,
    /// What violations are called in that language; the others go by their ids.
    titles: BTreeMap<ViolationId, String>,
}

impl<W: Write + Send> Timeline<W> {
    /// Of a live run: times count from the first thing told. With colours if `is_coloured`.
    pub fn live(out: W, is_coloured: bool) -> Self {
        Self { out, origin: None, is_coloured, say: Say(Language::En), titles: BTreeMap::new() }
    }

    /// Of a replay: times are those of the clip.
    pub fn replay(out: W, is_coloured: bool) -> Self {
        Self { origin: Some(Timestamp::ZERO), ..Self::live(out, is_coloured) }
    }

    /// In another language than English, with what violations are called in it.
    #[must_use]
    pub fn in_language(mut self, language: Language, titles: BTreeMap<ViolationId, String>) -> Self {
        (self.say, self.titles) = (Say(language), titles);
        self
    }

    fn line(&mut self, at: Timestamp, colour: &str, head: &str, text: &str) -> io::Result<()> {
        let origin = *self.origin.get_or_insert(at);
        let seconds = (at.as_micros() - origin.as_micros()) as f64 / 1e6;
        let (minutes, seconds) = ((seconds / 60.0).floor(), seconds.rem_euclid(60.0));
        let (on, off) = if self.is_coloured { (colour, "\u{1b}[0m") } else { ("", "") };
        let gap = " ".repeat(10_usize.saturating_sub(columns(head)));
        writeln!(self.out, "{minutes:02}:{seconds:04.1}  {on}{head}{off}{gap} {text}")?;
        self.out.flush()
    }
}

impl<W: Write + Send> Narrator for Timeline<W> {
    fn tell(&mut self, happening: &Happening) -> io::Result<()> {
        let say = self.say;
        match happening {
            Happening::Moved { record, at } => {
                let (colour, head, text) = self.sentence(record);
                let place = format!("{}/{}", record.rule.stream, record.rule.zone);
                self.line(*at, colour, head, &format!("{place:<14} {text}"))
            }
            Happening::Announcing { announcement, at } => {
                let text = format!("{:<14} \"{}\"", announcement.speaker.as_str(), announcement.text.text);
                self.line(*at, BLUE, say.pick("speaking", "播报"), &text)
            }
            Happening::Announced { speaker, outcome, at } => match outcome {
                AnnounceOutcome::Played { duration, proof, .. } => {
                    let (seconds, sound) = (duration.as_secs_f64(), say.pick("s of sound", "秒声音"));
                    let text = format!("{speaker:<14} {seconds:.1} {sound}, {proof}");
                    self.line(*at, GREY, say.pick("played", "已播放"), &text)
                }
                AnnounceOutcome::Failed { kind, reason } => {
                    self.line(*at, RED, say.pick("not played", "未播放"), &format!("{speaker:<14} {kind}: {reason}"))
                }
            },
            Happening::Stream { stream, text, at, .. } => {
                self.line(*at, GREY, say.pick("stream", "视频流"), &format!("{stream:<14} {text}"))
            }
            Happening::Sealed { path, at, .. } => {
                let text = format!("{}: {}", say.pick("sealed", "已封存"), path.display());
                self.line(*at, GREY, say.pick("evidence", "证据"), &text)
            }
            Happening::Trouble { what, at } => self.line(*at, RED, say.pick("trouble", "故障"), what),
        }
    }
}

impl<W> Timeline<W> {
    fn sentence(&self, record: &IncidentRecord) -> (&'static str, &'static str, String) {
        let (say, subject) = (self.say, &record.subject);
        let class = subject.class.in_language(say.0);
        let who = match subject.track {
            Some(track) => format!("{class} #{track}"),
            None if subject.count > 1 => format!("{} × {class}", subject.count),
            None => class.to_owned(),
        };
        let by_id = || record.rule.violation.as_str().replace('_', " ");
        let violation = self.titles.get(&record.rule.violation).cloned().unwrap_or_else(by_id);
        let last = record.history.last().map(|step| step.cause);
        let cause = last.map_or_else(String::new, |cause| say.cause(cause));
        let told = match record.state {
            IncidentState::Suspected | IncidentState::Confirmed | IncidentState::Warned => who,
            IncidentState::Observing if last == Some(Cause::PlaybackProven) => {
                format!("{who}{}", say.pick(", the warning was heard", "，警告已播放"))
            }
            IncidentState::Persisted => format!("{who} {}", say.pick("goes on", "仍在继续")),
            IncidentState::Escalated => format!("{who}{} ({cause})", say.pick(", reported upstream", "，已上报")),
            _ => format!("{who} ({cause})"),
        };
        let (colour, head) = say.state(record.state);
        (colour, head, format!("{violation}: {told}"))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::report;

    fn told(timeline: impl FnOnce(Vec<u8>) -> Timeline<Vec<u8>>) -> String {
        let mut timeline = timeline(Vec::new());
        for sequence in [1, 3, 5] {
            let record = report(1, sequence).incident;
            let at = Timestamp::from_micros(i64::from(sequence) * 1_500_000);
            timeline.tell(&Happening::Moved { record, at }).unwrap();
        }
        timeline.tell(&Happening::trouble("the disk is full", Timestamp::from_micros(9_000_000))).unwrap();
        String::from_utf8(timeline.out).unwrap()
    }

    #[test]
    fn a_timeline_is_told_in_either_language_with_its_columns_under_each_other() {
        assert_eq!(
            told(|out| Timeline::replay(out, false)),
            "00:01.5  seen       gate/fire_lane illegal parking: car #17\n\
             00:04.5  watching   gate/fire_lane illegal parking: car #17, the warning was heard\n\
             00:07.5  escalated  gate/fire_lane illegal parking: car #17, reported upstream (warnings used up)\n\
             00:09.0  trouble    the disk is full\n"
        );
        let titles = [(ViolationId::new("illegal_parking").unwrap(), "违法停车".to_owned())];
        assert_eq!(
            told(|out| Timeline::replay(out, false).in_language(Language::Zh, titles.into())),
            "00:01.5  已确认     gate/fire_lane 违法停车: 汽车 #17\n\
             00:04.5  观察中     gate/fire_lane 违法停车: 汽车 #17，警告已播放\n\
             00:07.5  已升级     gate/fire_lane 违法停车: 汽车 #17，已上报 (警告已用尽)\n\
             00:09.0  故障       the disk is full\n"
        );
    }
}
