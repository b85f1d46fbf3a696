//! Carries out `Capture`: snapshots at once, clips when their last picture has come, the seal when all is there.
//!
//! It is driven by calls, not by a clock: in a replay after each frame, live by the evidence thread. A failure is told
//! and noted in the bundle; it never stops the incident.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use forewarn_base::private;
use forewarn_domain::{
    Clip, ClipRecording, ClipSource, ClipSpan, EvidenceRequest, Finding, Frame, IncidentId, IncidentRecord, Moment,
    RuleKey, StreamId, Timestamp, WallTime, Zone,
};

use crate::closeups::Closeups;
use crate::error::EvidenceError;
use crate::marking::Overlay;
use crate::record::ClipFacts;
use crate::store::EvidenceStore;

/// How long after its end a clip is waited for; a camera that is away by then has nothing to add.
const CLIP_PATIENCE: Duration = Duration::from_mins(1);

/// A clip that begins later than asked for by more seconds than this lacks part of its pre-roll.
const LATE_S: f64 = 2.0;

/// What is drawn for a rule.
#[derive(Debug, Clone)]
pub struct RuleScene {
    /// What the rule is about, in words.
    pub title: String,
    /// The zone that it watches.
    pub zone: Option<Zone>,
}

/// Tells a moment as people read it.
pub type ClockFace = Box<dyn Fn(WallTime) -> String + Send>;

/// What the keeper knows of the site.
pub struct KeeperSetup {
    /// Where unfinished clips lie, on the file system of the store.
    pub scratch: PathBuf,
    /// What is drawn for each rule.
    pub scenes: BTreeMap<RuleKey, RuleScene>,
    /// How the time is written into pictures.
    pub clock_face: ClockFace,
}

/// What an operator or a listener is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeeperNews {
    /// An incident's evidence is complete.
    Sealed {
        /// The incident.
        incident: IncidentId,
        /// Its folder.
        path: PathBuf,
        /// When.
        at: Timestamp,
    },
    /// Something failed; the bundle states what is missing.
    Trouble {
        /// What and why.
        what: String,
        /// When.
        at: Timestamp,
    },
}

/// A clip whose last picture has not come yet.
struct Pending {
    record: IncidentRecord,
    moment: Moment,
    stream: StreamId,
    recording: Box<dyn ClipRecording>,
}

/// Keeps the evidence of all incidents.
pub struct EvidenceKeeper {
    store: EvidenceStore,
    setup: KeeperSetup,
    sources: BTreeMap<StreamId, Arc<dyn ClipSource>>,
    closeups: Closeups,
    pending: Vec<Pending>,
    closed: BTreeMap<IncidentId, IncidentRecord>,
    news: Vec<KeeperNews>,
}

impl EvidenceKeeper {
    /// Keeps evidence in `store`.
    pub fn new(store: EvidenceStore, setup: KeeperSetup) -> std::io::Result<Self> {
        // What is left here was being written when an earlier agent was killed; its bundle says that it is missing.
        if setup.scratch.exists() {
            std::fs::remove_dir_all(&setup.scratch)?;
        }
        private::create_dirs(&setup.scratch)?;
        Ok(Self {
            store,
            setup,
            sources: BTreeMap::new(),
            closeups: Closeups::default(),
            pending: Vec::new(),
            closed: BTreeMap::new(),
            news: Vec::new(),
        })
    }

    /// Pictures of what closer looks found come from here.
    #[must_use]
    pub fn with_closeups(mut self, closeups: Closeups) -> Self {
        self.closeups = closeups;
        self
    }

    /// Clips of `stream` come from here.
    pub fn add_source(&mut self, stream: StreamId, source: Arc<dyn ClipSource>) {
        self.sources.insert(stream, source);
    }

    /// The store.
    pub fn store(&self) -> &EvidenceStore {
        &self.store
    }

    /// Keeps a snapshot of `frame` and starts the clip, if one is asked for.
    pub fn capture(&mut self, request: &EvidenceRequest, frame: Option<&Frame>) {
        let record = &request.incident;
        let title = self.title(&record.rule);
        let kept = match frame {
            Some(frame) => {
                let overlay = self.overlay(record, frame, &title);
                self.store.add_snapshot(record, request.moment, frame, &overlay).map(|_| ())
            }
            None => self.store.note_missing(record, &title, &format!("{}.jpg", request.moment), "no frame was at hand"),
        };
        if let Err(error) = kept {
            self.trouble(error.to_string(), request.at);
        }
        for finding in &record.findings {
            if let Err(error) = self.keep_closeup(request, finding, &title) {
                self.trouble(error.to_string(), request.at);
            }
        }
        if let Some(span) = request.clip {
            self.start_clip(request, span, &title);
        }
    }

    /// Keeps the picture of the best look that the finding rests on.
    fn keep_closeup(&self, request: &EvidenceRequest, finding: &Finding, title: &str) -> Result<(), EvidenceError> {
        let record = &request.incident;
        let Some((attribute, best)) = finding.best_look() else { return Ok(()) };
        let picture = self.closeups.picture(&record.rule.stream, attribute, best);
        self.store.add_closeup(record, title, request.moment, (attribute, best), picture.as_ref())
    }

    fn overlay(&self, record: &IncidentRecord, frame: &Frame, title: &str) -> Overlay {
        let zone = self.setup.scenes.get(&record.rule).and_then(|scene| scene.zone.as_ref());
        Overlay {
            title: title.to_owned(),
            bbox: Some(record.subject.bbox),
            zone: zone.map(|zone| zone.shape_px(frame.width, frame.height)),
            time: (self.setup.clock_face)(record.wall(frame.meta.captured_at)),
        }
    }

    fn start_clip(&mut self, request: &EvidenceRequest, span: ClipSpan, title: &str) {
        let record = request.incident.clone();
        let stream = record.rule.stream.clone();
        let started = match self.sources.get(&stream) {
            Some(source) => source.record(span).map_err(|error| error.to_string()),
            None => Err("the stream keeps no encoded video".to_owned()),
        };
        match started {
            Ok(recording) => self.pending.push(Pending { record, moment: request.moment, stream, recording }),
            Err(why) => self.note_missing_clip(&record, request.moment, title, &why, request.at),
        }
    }

    fn note_missing_clip(&mut self, record: &IncidentRecord, moment: Moment, title: &str, why: &str, at: Timestamp) {
        let noted = self.store.note_missing(record, title, &format!("{moment}.mp4"), why);
        if let Err(error) = noted {
            self.trouble(error.to_string(), at);
        }
    }

    /// The incident is closed: its bundle is sealed as soon as its clips are written.
    pub fn close(&mut self, record: IncidentRecord, now: Timestamp) {
        self.closed.insert(record.id.clone(), record);
        self.advance(now);
    }

    /// Writes the clips that are complete and seals what can be sealed.
    pub fn advance(&mut self, now: Timestamp) {
        let is_overdue = |pending: &Pending| now.since(pending.recording.span().to) > CLIP_PATIENCE;
        self.write_clips(now, |pending| pending.recording.is_complete() || is_overdue(pending));
    }

    /// The stream has ended: its clips are cut where they are.
    pub fn finish_stream(&mut self, stream: &StreamId, now: Timestamp) {
        self.write_clips(now, |pending| pending.stream == *stream);
    }

    /// Everything ends: all clips are written as they are and every bundle in `open` is sealed as it is.
    pub fn finish(&mut self, open: impl IntoIterator<Item = IncidentRecord>, now: Timestamp) {
        self.write_clips(now, |_| true);
        for record in open {
            self.seal(&record, now);
        }
    }

    fn write_clips(&mut self, now: Timestamp, is_due: impl Fn(&Pending) -> bool) {
        let (due, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut self.pending).into_iter().partition(is_due);
        self.pending = waiting;
        for pending in due {
            self.write_clip(pending, now);
        }
        let sealable: Vec<IncidentId> =
            self.closed.keys().filter(|id| !self.pending.iter().any(|p| p.record.id == **id)).cloned().collect();
        for id in sealable {
            if let Some(record) = self.closed.remove(&id) {
                self.seal(&record, now);
            }
        }
    }

    fn write_clip(&mut self, pending: Pending, now: Timestamp) {
        let Pending { record, moment, recording, .. } = pending;
        let title = self.title(&record.rule);
        let temp = self.setup.scratch.join(format!("{}-{moment}.mp4", record.id));
        let asked_from = recording.span().from;
        match recording.finish(&temp) {
            Ok(clip) => {
                let facts = clip_facts(moment, &clip);
                if let Err(error) = self.store.add_clip(&record, &title, moment.as_str(), &temp, &facts) {
                    self.note_missing_clip(&record, moment, &title, &error.to_string(), now);
                    self.trouble(error.to_string(), now);
                } else if let Some(why) = shortfall(&clip, asked_from) {
                    let what = format!("part of {moment}.mp4");
                    if let Err(error) = self.store.note_missing(&record, &title, &what, &why) {
                        self.trouble(error.to_string(), now);
                    }
                }
                // Moved in by now, unless the clip was kept before or could not be.
                let _ = std::fs::remove_file(&temp);
            }
            Err(error) => self.note_missing_clip(&record, moment, &title, &error.to_string(), now),
        }
    }

    fn seal(&mut self, record: &IncidentRecord, now: Timestamp) {
        let title = self.title(&record.rule);
        match self.store.seal(record, &title, now) {
            Ok(sealed) => {
                self.news.push(KeeperNews::Sealed { incident: record.id.clone(), path: sealed.path, at: now });
            }
            Err(error) => self.trouble(error.to_string(), now),
        }
    }

    fn title(&self, rule: &RuleKey) -> String {
        self.setup.scenes.get(rule).map_or_else(|| rule.violation.to_string(), |scene| scene.title.clone())
    }

    fn trouble(&mut self, what: String, at: Timestamp) {
        self.news.push(KeeperNews::Trouble { what, at });
    }

    /// What is to be told since the last call.
    pub fn take_news(&mut self) -> Vec<KeeperNews> {
        std::mem::take(&mut self.news)
    }

    /// The folder of an incident relative to `base`, if it exists.
    pub fn relative_path(&self, record: &IncidentRecord, base: &Path) -> Option<String> {
        let path = self.store.bundle_path(record).ok().filter(|path| path.is_dir())?;
        Some(path.strip_prefix(base).unwrap_or(&path).to_string_lossy().into_owned())
    }
}

/// Why a clip shows less than was asked for, if it does.
fn shortfall(clip: &Clip, asked_from: Timestamp) -> Option<String> {
    let late_s = clip.from.since(asked_from).as_secs_f64();
    let begins_late =
        (late_s > LATE_S).then(|| format!("the video before was not kept; the clip begins {late_s:.1} s late"));
    clip.cut_short.clone().or(begins_late)
}

fn clip_facts(moment: Moment, clip: &Clip) -> ClipFacts {
    ClipFacts {
        moment,
        from: clip.from,
        to: clip.to,
        codec: clip.codec.clone(),
        width: clip.width,
        height: clip.height,
        access_units: clip.pictures,
    }
}

#[cfg(test)]
mod tests;
