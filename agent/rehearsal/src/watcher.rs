//! Writes down what a rehearsal comes to, while it runs: whoever reads the file sees how far it is.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forewarn_base::sync::lock;
use forewarn_domain::{Frame, IncidentRecord, IncidentState, Timestamp, Track, Transition, WallTime};
use forewarn_engine::Engine;
use forewarn_memory::{Due, Keeper};
use forewarn_wire::story::{Happening, Narrator};
use forewarn_wire::{RaisedLine, RehearsalLine};
use jiff::tz::TimeZone;

use crate::error::RehearsalError;
use crate::prepare::Rehearsal;

/// The file of results.
const RESULTS: &str = "rehearsal.jsonl";
/// Pictures at most: what is raised more often is looked at in a list.
const PICTURES: usize = 200;
/// How often it is written how far the footage was looked at.
const EVERY: Duration = Duration::from_secs(5);

/// Makes a picture of a frame.
pub type PictureOf = fn(&Frame) -> Option<Vec<u8>>;

struct State {
    from: WallTime,
    out: PathBuf,
    file: File,
    picture_of: PictureOf,
    latest: Option<Frame>,
    raised: Vec<RaisedLine>,
    due: Due,
    trouble: Option<String>,
}

/// Watches a replay, as one that keeps and as one that is told. Clones are the same one.
#[derive(Clone)]
pub struct Watcher(Arc<Mutex<State>>);

impl Watcher {
    /// Of this rehearsal, which writes into the folder `out`.
    pub fn of(rehearsal: &Rehearsal, out: &Path, picture_of: PictureOf) -> Result<Self, RehearsalError> {
        let path = out.join(RESULTS);
        let file = File::create(&path).map_err(RehearsalError::io(&path))?;
        let (from, due) = (rehearsal.from, Due::every(EVERY));
        let out = out.to_owned();
        let mut state = State { from, out, file, picture_of, latest: None, raised: Vec::new(), due, trouble: None };
        state.write(&rehearsal.begun()).map_err(RehearsalError::io(&path))?;
        Ok(Self(Arc::new(Mutex::new(state))))
    }

    /// Says that all was looked at. What came of it, for people.
    pub fn finish(&self, rehearsal: &Rehearsal) -> Result<String, RehearsalError> {
        let mut state = lock(&self.0);
        let path = state.out.join(RESULTS);
        state.write(&RehearsalLine::Done).map_err(RehearsalError::io(path))?;
        Rehearsal::forget_copy(&state.out)?;
        let zone = &rehearsal.site.header.time_zone;
        let camera = rehearsal.site.cameras.first().map_or("", |camera| camera.id.as_str());
        let head = format!(
            "{camera}, {} to {}: {} would have been raised",
            in_words(rehearsal.from.as_micros(), zone),
            in_words(rehearsal.to.as_micros(), zone),
            match state.raised.len() {
                1 => "1 incident".to_owned(),
                n => format!("{n} incidents"),
            }
        );
        let line = |RaisedLine { at_us, violation, zone: place, class, .. }: &RaisedLine| {
            format!("  {}  {violation} in {place}: {class}", in_words(*at_us, zone))
        };
        let gap = |[until, from]: &[i64; 2]| {
            format!("  no footage from {} to {}", in_words(*until, zone), in_words(*from, zone))
        };
        let gaps = rehearsal.gaps.iter().map(gap);
        let lines: Vec<String> = std::iter::once(head).chain(gaps).chain(state.raised.iter().map(line)).collect();
        Ok(lines.join("\n"))
    }
}

fn in_words(us: i64, zone: &TimeZone) -> String {
    let at = jiff::Timestamp::from_microsecond(us).unwrap_or_default();
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

impl State {
    fn write(&mut self, line: &RehearsalLine) -> io::Result<()> {
        let mut text = serde_json::to_string(line)?;
        text.push('\n');
        self.file.write_all(text.as_bytes())
    }

    fn wall(&self, us: i64) -> WallTime {
        WallTime::from_micros(self.from.as_micros() + us)
    }

    /// What a record tells, at the moment of its confirmation.
    fn raised_by(&self, record: &IncidentRecord) -> RaisedLine {
        let at_us = |of: Option<&Transition>| of.map_or(0, |one| self.wall(one.at.as_micros()).as_micros());
        let subject = &record.subject;
        let in_parts = |frame: &Frame| {
            let [left, top, right, bottom] = <[f32; 4]>::from(subject.bbox);
            let (w, h) = (frame.width.max(1) as f32, frame.height.max(1) as f32);
            [left / w, top / h, right / w, bottom / h]
        };
        RaisedLine {
            at_us: at_us(record.history.first()),
            confirmed_us: at_us(record.history.last()),
            violation: record.rule.violation.clone(),
            zone: record.rule.zone.clone(),
            class: subject.class.to_string(),
            count: subject.count,
            r#box: self.latest.as_ref().map(in_parts),
            picture: self.picture(),
        }
    }

    /// The picture of the latest frame, as a file.
    fn picture(&self) -> Option<String> {
        let bytes = (self.picture_of)(self.latest.as_ref().filter(|_| self.raised.len() < PICTURES)?)?;
        let name = format!("{}.jpg", self.raised.len() + 1);
        fs::write(self.out.join(&name), bytes).ok().map(|()| name)
    }
}

impl Keeper for Watcher {
    fn name(&self) -> &'static str {
        "the rehearsal"
    }

    fn observe(&mut self, frame: &Frame, _tracks: &[Track]) {
        lock(&self.0).latest = Some(frame.clone());
    }

    fn turn(&mut self, _engine: &mut Engine, now: Timestamp) {
        let mut state = lock(&self.0);
        if state.due.take(now) {
            let at_us = state.wall(now.as_micros()).as_micros();
            let failed = state.write(&RehearsalLine::Until { at_us }).err();
            state.trouble = failed.map(|error| format!("how far the rehearsal is cannot be told: {error}"));
        }
    }

    fn trouble(&self) -> Option<String> {
        lock(&self.0).trouble.clone()
    }
}

impl Narrator for Watcher {
    fn tell(&mut self, happening: &Happening) -> io::Result<()> {
        let Happening::Moved { record, .. } = happening else { return Ok(()) };
        if record.state != IncidentState::Confirmed {
            return Ok(());
        }
        let mut state = lock(&self.0);
        let raised = state.raised_by(record);
        state.write(&RehearsalLine::Raised(raised.clone()))?;
        state.raised.push(raised);
        Ok(())
    }
}
