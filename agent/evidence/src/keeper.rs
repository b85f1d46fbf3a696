//! Carries out `Capture`: snapshots at once, clips when their last picture has come, the seal when all is there.
//!
//! It is driven by calls, not by a clock: in a replay after each frame, live by the evidence thread. A failure is told
//! and noted in the bundle; it never stops the incident.

mod clips;
mod late;
mod seals;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use forewarn_base::private;
use forewarn_domain::{
    ClipSource, EvidenceRequest, Finding, Frame, IncidentId, IncidentRecord, RuleKey, Seal, StreamId, Timestamp,
    WallTime, Zone,
};

use crate::closeups::Closeups;
use crate::error::EvidenceError;
use crate::lack::Lack;
use crate::marking::Overlay;
use crate::said::Said;
use crate::setting::Setting;
use crate::sights::Sights;
use crate::store::EvidenceStore;
use clips::Pending;
use late::{Late, Work, Write};

/// How long after its end a clip is waited for; a camera that is away by then has nothing to add.
const CLIP_PATIENCE: Duration = Duration::from_mins(1);

/// How often a disk that failed is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// How long a step of a case waits for the next, so that many at once are sealed once.
const CASE_WAITS: Duration = Duration::from_secs(2);

/// How often the chain is looked at while nothing is sealed.
const WATCH_EVERY: Duration = Duration::from_secs(30);

/// Incidents that wait for their seals, at most.
const MOST_TO_SEAL: usize = 4096;

/// What is drawn for a rule.
#[derive(Debug, Clone)]
pub struct RuleScene {
    /// What the rule is about, in words.
    pub title: String,
    /// The zone that it watches.
    pub zone: Option<Zone>,
    /// What is kept of the setting with each incident; none where nobody says.
    pub setting: Option<Arc<Setting>>,
}

/// Tells a moment as people read it.
pub type ClockFace = Box<dyn Fn(WallTime) -> String + Send>;

/// What the keeper knows of the site.
pub struct KeeperSetup {
    /// Where unfinished clips lie, on the file system of the store.
    pub scratch: PathBuf,
    /// What is drawn for each rule.
    pub scenes: RuleScenes,
    /// How the time is written into pictures.
    pub clock_face: ClockFace,
}

/// What an operator or a listener is told of.
#[derive(Debug, Clone, PartialEq)]
pub enum KeeperNews {
    /// An incident's evidence is sealed, for the last time or while the incident goes on.
    Sealed {
        /// The incident as it was then.
        incident: Box<IncidentRecord>,
        /// Its folder.
        path: PathBuf,
        /// What is said of it outside the box; none if nothing is signed.
        seal: Option<Seal>,
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

/// What is drawn for each rule.
pub type RuleScenes = BTreeMap<RuleKey, RuleScene>;

/// Keeps the evidence of all incidents.
pub struct EvidenceKeeper {
    store: EvidenceStore,
    setup: KeeperSetup,
    sources: BTreeMap<StreamId, Arc<dyn ClipSource>>,
    closeups: Closeups,
    sights: Sights,
    pending: Vec<Pending>,
    /// Incidents whose folders are to be sealed.
    to_seal: BTreeMap<IncidentId, IncidentRecord>,
    /// Incidents of which nothing but the case went on, since when that waits for its seal.
    of_case: BTreeMap<IncidentId, (Timestamp, IncidentRecord)>,
    news: Vec<KeeperNews>,
    /// Whether what an earlier agent left unfinished has been taken away.
    is_swept: bool,
    late: Late,
    failing: Option<Failing>,
    /// Why nothing is signed now, although the disk takes it.
    unsigned: Option<Failing>,
    /// When the chain was last looked at.
    watched_at: Option<Timestamp>,
    /// Whether there is no time for larger pictures.
    is_hurried: bool,
    /// The latest larger picture: several incidents of one moment are seen in one frame.
    larger: Option<(Timestamp, Frame)>,
}

/// The disk takes nothing, or the token signs nothing.
struct Failing {
    why: String,
    tried_at: Timestamp,
}

impl Failing {
    fn new(why: String, tried_at: Timestamp) -> Self {
        Self { why, tried_at }
    }

    /// Whether it is to be tried again. A clock that was set back must not put it off.
    fn is_due(&self, now: Timestamp) -> bool {
        now.since(self.tried_at) >= AGAIN_AFTER || now < self.tried_at
    }
}

/// What is not on the disk and should be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unkept {
    /// Files that wait in memory.
    pub waiting: usize,
    /// Files that were given up because the disk did not take them.
    pub lost: u64,
}

impl EvidenceKeeper {
    /// Keeps evidence in `store`, whose disk must be there now.
    pub fn new(store: EvidenceStore, setup: KeeperSetup) -> Result<Self, EvidenceError> {
        let mut keeper = Self::unready(store, setup);
        keeper.prepare()?;
        Ok(keeper)
    }

    /// Keeps evidence in `store` as soon as its disk takes it.
    pub fn unready(store: EvidenceStore, setup: KeeperSetup) -> Self {
        Self {
            store,
            setup,
            sources: BTreeMap::new(),
            closeups: Closeups::default(),
            sights: Sights::default(),
            pending: Vec::new(),
            to_seal: BTreeMap::new(),
            of_case: BTreeMap::new(),
            news: Vec::new(),
            is_swept: false,
            late: Late::default(),
            failing: None,
            unsigned: None,
            watched_at: None,
            is_hurried: false,
            larger: None,
        }
    }

    /// Sees at the start whether the disk takes what will come, so that a disk that does not is told at once.
    pub fn make_ready(&mut self, now: Timestamp) {
        let prepared = self.prepare().or_else(|error| {
            // Where a file system is to be mounted, its place may be one that takes nothing.
            self.leave_where_chain_is_away(now);
            if self.store.is_away() { self.prepare() } else { Err(error) }
        });
        if let Err(error) = prepared {
            return self.fail(&error, now);
        }
        if self.store.is_away() {
            return;
        }
        match self.store.make_key().and_then(|()| self.store.check_chain()) {
            Ok(()) => self.join(now),
            Err(error) if error.may_be_sealed_later() => self.leave_unsigned(&error, now),
            Err(error) => self.trouble(error.to_string(), now),
        }
    }

    /// Makes sure that the disk takes what comes.
    fn prepare(&mut self) -> Result<(), EvidenceError> {
        self.store.prepare()?;
        let scratch = &self.setup.scratch;
        // What is left here was being written when an earlier agent was killed; its bundle says that it is missing.
        if !std::mem::replace(&mut self.is_swept, true) && scratch.exists() {
            std::fs::remove_dir_all(scratch).map_err(|source| EvidenceError::Root { path: scratch.clone(), source })?;
        }
        private::create_dirs(scratch).map_err(|source| EvidenceError::Root { path: scratch.clone(), source })
    }

    /// Pictures of what closer looks found come from here.
    #[must_use]
    pub fn with_closeups(mut self, closeups: Closeups) -> Self {
        self.closeups = closeups;
        self
    }

    /// What was seen in clips comes from here.
    #[must_use]
    pub fn with_sights(mut self, sights: Sights) -> Self {
        self.sights = sights;
        self
    }

    /// Keeps what a loudspeaker said for an incident.
    pub fn keep_said(&mut self, record: &IncidentRecord, said: Said, at: Timestamp) {
        let title = self.title(&record.rule);
        self.put(record, &title, Work::Said(said), at);
    }

    /// Other zones and titles are drawn from now on.
    pub fn redraw(&mut self, scenes: RuleScenes) {
        self.setup.scenes = scenes;
    }

    /// Whether evidence is kept with the pictures that were watched, because larger ones would take too long.
    pub fn hurry(&mut self, is_hurried: bool) {
        self.is_hurried = is_hurried;
    }

    /// Clips of `stream` come from here.
    pub fn add_source(&mut self, stream: StreamId, source: Arc<dyn ClipSource>) {
        self.sources.insert(stream, source);
    }

    /// A stream has ended for good, or goes on as another by the same name: its clips are cut where they are.
    pub fn drop_source(&mut self, stream: &StreamId, now: Timestamp) {
        self.finish_stream(stream, now);
        self.sources.remove(stream);
    }

    /// The store.
    pub fn store(&self) -> &EvidenceStore {
        &self.store
    }

    /// Why the disk takes nothing now; none if it does.
    pub fn failing(&self) -> Option<&str> {
        self.failing.as_ref().map(|failing| failing.why.as_str())
    }

    /// Why nothing is signed now, although the disk takes it; none if it is.
    pub fn unsigned(&self) -> Option<&str> {
        self.unsigned.as_ref().map(|unsigned| unsigned.why.as_str())
    }

    /// What waits in memory for the disk, and what was given up because the disk did not take it.
    pub fn unkept(&self) -> Unkept {
        let n_clips = if self.failing.is_some() { self.pending.len() } else { 0 };
        Unkept { waiting: self.late.len() + n_clips, lost: self.late.n_lost }
    }

    /// Keeps a snapshot of `frame` and starts the clip, if one is asked for.
    pub fn capture(&mut self, request: &EvidenceRequest, frame: Option<&Frame>) {
        let record = &request.incident;
        let title = self.title(&record.rule);
        if let Some(setting) = self.setup.scenes.get(&record.rule).and_then(|scene| scene.setting.clone()) {
            self.put(record, &title, Work::Setting(setting), request.at);
        }
        let snapshot = match frame {
            Some(frame) => {
                let larger = self.larger(frame, request.at);
                let shown = larger.as_ref().unwrap_or(frame);
                let seen = (frame.width, frame.height);
                let overlay = self.overlay(record, seen, shown, &title);
                let shot = self.store.shoot(record, request.moment, shown, &overlay);
                shot.map(|shot| Work::Snapshot(Box::new(shot.with_boxes_of(seen))))
            }
            None => Ok(missing(format!("{}.jpg", request.moment), &Lack::NoFrameInTime.to_string())),
        };
        match snapshot {
            Ok(work) => self.put(record, &title, work, request.at),
            Err(error) => self.trouble(error.to_string(), request.at),
        }
        for finding in &record.findings {
            if let Some(work) = self.closeup(request, finding) {
                self.put(record, &title, work, request.at);
            }
        }
        if let Some(span) = request.clip {
            self.start_clip(request, span, &title);
        }
    }

    /// Writes something into the folder of an incident, behind what waits for the disk.
    fn put(&mut self, record: &IncidentRecord, title: &str, work: Work, at: Timestamp) {
        let write = Write::new(record, title, work);
        if self.failing.is_some() {
            return self.late.push(write);
        }
        self.leave_where_chain_is_away(at);
        match write.carry_out(&self.store) {
            Ok(()) => self.changed(record),
            Err(error) if error.is_of_the_disk() => {
                self.fail(&error, at);
                self.late.push(write);
            }
            Err(error) => self.trouble(error.to_string(), at),
        }
    }

    /// The disk does not take what it should.
    fn fail(&mut self, error: &EvidenceError, at: Timestamp) {
        let why = format!("{error}; snapshots wait in memory, clips as long as there is room");
        self.failing = Some(Failing::new(why, at));
    }

    /// The token does not sign what should be sealed, or the chain that it would go on with is away.
    fn leave_unsigned(&mut self, error: &EvidenceError, at: Timestamp) {
        self.unsigned =
            Some(Failing::new(format!("{error}; evidence is kept, and sealed as soon as that is mended"), at));
        if error.is_of_the_chain()
            && !self.store.is_away()
            && let Err(error) = self.store.leave()
        {
            self.trouble(error.to_string(), at);
        }
    }

    /// Sees now and then that the chain is still there, so that a folder that is away is told before something is to be sealed.
    fn watch_chain(&mut self, now: Timestamp) {
        let is_due = self.watched_at.is_none_or(|at| now.since(at) >= WATCH_EVERY || now < at);
        if is_due && self.failing.is_none() {
            self.watched_at = Some(now);
            self.leave_where_chain_is_away(now);
        }
    }

    /// What would be written into the place of a folder that is away goes beside it.
    fn leave_where_chain_is_away(&mut self, now: Timestamp) {
        if !self.store.is_away()
            && let Err(error) = self.store.check_chain()
            && error.is_of_the_chain()
        {
            self.leave_unsigned(&error, now);
        }
    }

    /// Brings what was kept beside the folder of the chain into it, and has it sealed.
    fn join(&mut self, now: Timestamp) {
        match self.store.join() {
            Ok(joined) => joined.iter().for_each(|record| self.changed(record)),
            Err(error) => self.leave_unsigned(&error, now),
        }
    }

    /// Sees whether a disk that failed takes what waits.
    fn retry(&mut self, now: Timestamp) {
        if self.unsigned.as_ref().is_some_and(|unsigned| unsigned.is_due(now)) {
            // Whatever waits for its seal says whether the token signs again.
            self.unsigned = None;
            if self.store.is_away() {
                match self.store.check_chain() {
                    Ok(()) => self.join(now),
                    Err(error) => self.leave_unsigned(&error, now),
                }
            } else if self.to_seal.is_empty() {
                self.make_ready(now);
            }
        }
        let Some(failing) = self.failing.as_mut().filter(|failing| failing.is_due(now)) else { return };
        failing.tried_at = now;
        let mut given_up = Vec::new();
        let written = self.prepare().and_then(|()| self.late.write(&self.store, &mut given_up));
        for error in given_up {
            self.trouble(format!("{error}; it was given up"), now);
        }
        match written {
            Ok(()) => self.failing = None,
            Err(error) => self.fail(&error, now),
        }
    }

    /// The picture of the best look that the finding rests on.
    fn closeup(&self, request: &EvidenceRequest, finding: &Finding) -> Option<Work> {
        let (attribute, best) = finding.best_look()?;
        let picture = self.closeups.picture(&request.incident.rule.stream, attribute, best);
        Some(Work::Closeup { moment: request.moment, attribute: attribute.clone(), best: *best, picture })
    }

    /// A larger picture of what the frame shows, where there is one.
    fn larger(&mut self, frame: &Frame, now: Timestamp) -> Option<Frame> {
        let (stream, at) = (&frame.meta.stream, frame.meta.captured_at);
        if let Some((_, known)) = self.larger.as_ref().filter(|(of, known)| *of == at && known.meta.stream == *stream) {
            return Some(known.clone());
        }
        let source = self.sources.get(stream).filter(|_| !self.is_hurried)?;
        match source.larger(frame) {
            Ok(larger) => {
                self.larger = larger.clone().map(|larger| (at, larger));
                larger
            }
            Err(error) => {
                self.trouble(format!("a snapshot shows the smaller picture: {error}"), now);
                None
            }
        }
    }

    /// What is drawn on `frame`, where places are those in a picture of size `seen`.
    fn overlay(&self, record: &IncidentRecord, seen: (u32, u32), frame: &Frame, title: &str) -> Overlay {
        let zone = self.setup.scenes.get(&record.rule).and_then(|scene| scene.zone.as_ref());
        Overlay {
            title: title.to_owned(),
            bbox: Some(
                record
                    .subject
                    .bbox
                    .scaled(frame.width as f32 / seen.0.max(1) as f32, frame.height as f32 / seen.1.max(1) as f32),
            ),
            zone: zone.map(|zone| zone.shape_px(frame.width, frame.height)),
            time: (self.setup.clock_face)(record.wall(frame.meta.captured_at)),
        }
    }

    /// Writes the clips that are complete and seals what can be sealed.
    pub fn advance(&mut self, now: Timestamp) {
        self.retry(now);
        self.watch_chain(now);
        self.seal_cases(|first| now.since(first) >= CASE_WAITS || now < first);
        let is_overdue = |pending: &Pending| now.since(pending.recording.span().to) > CLIP_PATIENCE;
        self.write_clips(now, |pending| pending.recording.is_complete() || is_overdue(pending));
    }

    /// The stream has ended: its clips are cut where they are.
    pub fn finish_stream(&mut self, stream: &StreamId, now: Timestamp) {
        self.write_clips(now, |pending| pending.stream == *stream);
    }

    /// Everything ends: all clips are written as they are and every bundle in `open` is sealed as it is. What the disk
    /// does not take now is lost; see [`Self::unkept`] and [`Self::tell_unkept`].
    pub fn finish(&mut self, open: impl IntoIterator<Item = IncidentRecord>, now: Timestamp) {
        if let Some(failing) = &mut self.failing {
            failing.tried_at = now - AGAIN_AFTER;
            self.retry(now);
        }
        self.seal_cases(|_| true);
        self.write_clips(now, |_| true);
        for record in open {
            self.seal(record, now);
        }
    }

    /// Has it told what the disk has not taken, where nobody else tells it.
    pub fn tell_unkept(&mut self, now: Timestamp) {
        let Unkept { waiting, .. } = self.unkept();
        if waiting > 0 {
            self.trouble(format!("{waiting} snapshots and clips were not kept: the disk has not taken them"), now);
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

fn missing(what: String, why: &str) -> Work {
    Work::Missing { what, why: why.to_owned() }
}

#[cfg(test)]
mod tests;
