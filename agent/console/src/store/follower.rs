//! Follows what the agent records, so that the index and the pages know it a moment later. It reads what others write
//! and holds nobody up: the incident loop never waits for the console.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use forewarn_base::thread::{Thread, ThreadError};
use forewarn_domain::IncidentRecord;
use forewarn_evidence::BundleRecord;
use forewarn_memory::feedback::Feedback;
use forewarn_report::IncidentLedger;

use super::index::{Index, IndexError};
use super::news::Newsroom;
use crate::ports::Health;
use crate::setup::{Places, Setup};

/// How often it is looked for something new.
const EVERY: Duration = Duration::from_millis(500);
/// It is asked how the agent fares at every so manieth look.
const HEALTH_EVERY: u32 = 4;
/// Incidents that are taken in at a time.
const AT_A_TIME: u32 = 500;

/// What is followed.
#[derive(Clone)]
pub(crate) struct Sources {
    /// The site's name.
    pub site: String,
    /// The outbox, which knows of each step first.
    pub outbox: PathBuf,
    /// The evidence, which knows of incidents that the outbox has forgotten.
    pub evidence: PathBuf,
    /// What operators said.
    pub feedback: PathBuf,
    /// How the agent fares.
    pub health: Arc<dyn Health>,
}

impl Sources {
    pub(crate) fn of(setup: &Setup, health: Arc<dyn Health>) -> Self {
        let Places { outbox, evidence, feedback, .. } = setup.places.clone();
        Self { site: setup.site.clone(), outbox, evidence, feedback, health }
    }
}

/// The thread that follows; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Follower {
    stop: Option<SyncSender<()>>,
    thread: Thread,
}

impl Follower {
    /// Starts it.
    pub(crate) fn start(sources: Sources, index: Arc<Index>, news: Newsroom) -> Result<Self, ThreadError> {
        let (stop, stopped) = sync_channel(1);
        let reader = Reader { sources, index, news, words_read: 0, told: String::new() };
        let thread = Thread::spawn("console-index", move || reader.run(&stopped))?;
        Ok(Self { stop: Some(stop), thread })
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Err(error) = self.thread.join() {
            tracing::error!(%error, "the index of incidents is followed no more");
        }
    }
}

struct Reader {
    sources: Sources,
    index: Arc<Index>,
    news: Newsroom,
    /// Bytes of the operators' words that were read.
    words_read: u64,
    /// How the agent fared when that was last told.
    told: String,
}

impl Reader {
    fn run(mut self, stopped: &Receiver<()>) {
        let is_stopped = |time| stopped.recv_timeout(time) != Err(RecvTimeoutError::Timeout);
        let mut failing = false;
        let mut told = |outcome: Result<(), IndexError>| {
            let was_failing = std::mem::replace(&mut failing, outcome.is_err());
            if let Err(error) = outcome
                && !was_failing
            {
                tracing::error!(%error, "the console shows what it knew");
            }
        };
        told(self.take_up_evidence(&|| is_stopped(Duration::ZERO)));
        let mut turn = 0_u32;
        loop {
            told(self.follow_outbox().and_then(|()| self.follow_words()));
            if turn.is_multiple_of(HEALTH_EVERY) {
                self.tell_health();
            }
            turn = turn.wrapping_add(1);
            if is_stopped(EVERY) {
                return;
            }
        }
    }

    /// Takes in the incidents whose evidence is kept and that the index does not know: at its first start, and when it
    /// was made anew.
    fn take_up_evidence(&self, is_stopped: &dyn Fn() -> bool) -> Result<(), IndexError> {
        let mut found = Vec::new();
        for day in folders(&self.sources.evidence)
            .into_iter()
            .filter(|day| name(day).starts_with(|c: char| c.is_ascii_digit()))
        {
            for bundle in folders(&day) {
                if is_stopped() {
                    return Ok(());
                }
                if self.index.knows(&name(&bundle))? {
                    continue;
                }
                // One that cannot be read is told of by those who verify.
                let record = fs::read(bundle.join("incident.json")).ok();
                let record = record.and_then(|bytes| serde_json::from_slice::<BundleRecord>(&bytes).ok());
                found.extend(record.map(|record| (record.incident, None)));
                if found.len() >= AT_A_TIME as usize {
                    self.take_in(&std::mem::take(&mut found))?;
                }
            }
        }
        self.take_in(&found)
    }

    fn follow_outbox(&self) -> Result<(), IndexError> {
        loop {
            let from = self.index.read_up_to()?;
            // An outbox that is not there yet, or is just made anew, is read at the next look.
            let Ok(ledger) = IncidentLedger::open(&self.sources.outbox) else { return Ok(()) };
            let Ok(entries) = ledger.updated_since(from, AT_A_TIME) else { return Ok(()) };
            let Some(last) = entries.last().map(|entry| entry.updated_at) else { return Ok(()) };
            let n = entries.len();
            let records: Vec<_> = entries.into_iter().map(|entry| (entry.record, None)).collect();
            self.take_in(&records)?;
            if last != from {
                self.index.has_read_up_to(last)?;
            }
            if n < AT_A_TIME as usize || last == from {
                return Ok(());
            }
        }
    }

    fn take_in(&self, records: &[(IncidentRecord, Option<&str>)]) -> Result<(), IndexError> {
        for found in self.index.put(records, &self.sources.site)? {
            self.news.tell_incident(&found);
        }
        Ok(())
    }

    /// What was said since the last look, by the console or on the command line.
    fn follow_words(&mut self) -> Result<(), IndexError> {
        let path = &self.sources.feedback;
        let length = fs::metadata(path).map_or(0, |meta| meta.len());
        if length < self.words_read {
            self.words_read = 0;
        }
        if length == self.words_read {
            return Ok(());
        }
        let Ok(mut file) = File::open(path) else { return Ok(()) };
        if file.seek(SeekFrom::Start(self.words_read)).is_err() {
            return Ok(());
        }
        let mut lines = BufReader::new(file);
        let mut line = String::new();
        while lines.read_line(&mut line).is_ok_and(|n| n > 0) && line.ends_with('\n') {
            self.words_read += line.len() as u64;
            if let Ok(said) = serde_json::from_str::<Feedback>(&line) {
                let (id, opinion) = (said.incident.id.clone(), said.opinion.as_str());
                // Incidents of which nothing else is kept are known by what was said of them.
                self.index.put(&[(said.incident, Some(opinion))], &self.sources.site)?;
                if let Some(found) = self.index.judge(id.as_str(), opinion)? {
                    self.news.tell_incident(&found);
                }
            }
            line.clear();
        }
        Ok(())
    }

    fn tell_health(&mut self) {
        let report = self.sources.health.report().without_the_well();
        let now = serde_json::to_string(&report).unwrap_or_default();
        if now != self.told {
            self.news.tell_health(&report);
            self.told = now;
        }
    }
}

fn folders(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
