//! What the connections to one outbox share within the process: its file, and how that is opened, watched and mended.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use forewarn_base::sync::lock;
use forewarn_domain::{Report, Timestamp};
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::watch;

use super::companion::with_suffix;
use super::depths::{self, Depths};
use super::held::Held;
use super::recent::Recent;
use super::record::{self, Step};
use super::reserve::Reserve;
use super::{Destination, OutboxError, OutboxSettings, SetAside, WriteContext, destinations, owed, salvage, schema};

/// What the connections to one outbox share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) path: PathBuf,
    pub(super) settings: OutboxSettings,
    /// Who is to be told now.
    pub(super) upstreams: Mutex<Arc<Vec<Destination>>>,
    /// When the agent was started.
    since: Timestamp,
    /// Counts what was queued; those who send watch it.
    pub(super) queued: watch::Sender<u64>,
    /// Of the latest commit.
    pub(super) depths: Mutex<Depths>,
    /// Counts how often the file was opened or replaced; 0 before that. Connections of an earlier one are of no use.
    pub(super) generation: AtomicU64,
    /// Reports that the disk has not taken.
    pub(super) held: Held,
    /// Held during a write, and while the file is replaced.
    pub(super) writing: Mutex<Writing>,
    /// What was set aside and is still to be told.
    set_aside: Mutex<Vec<SetAside>>,
    /// Why an upstream cannot read what waits for it, or note what it has.
    pub(super) reading_trouble: Mutex<Option<String>>,
}

/// What only the one who writes touches.
#[derive(Debug)]
pub(super) struct Writing {
    /// The files that are written to.
    files: Option<Files>,
    pub(super) recent: Recent,
    pub(super) reserve: Reserve,
}

/// The database and its log, by which it is seen that they are still those that were opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Files {
    main: (u64, u64),
    log: Option<(u64, u64)>,
    len: u64,
}

impl Files {
    fn read(path: &Path) -> Option<Self> {
        let main = path.metadata().ok()?;
        let log = with_suffix(path, "-wal").metadata().ok();
        Some(Self { main: (main.dev(), main.ino()), log: log.map(|log| (log.dev(), log.ino())), len: main.len() })
    }

    /// What has become of these that nobody of the process has done.
    fn harm(&self, path: &Path) -> Option<&'static str> {
        let Some(now) = Self::read(path) else { return Some("its file was removed while it was in use") };
        match () {
            () if now.main != self.main => Some("its file was replaced while it was in use"),
            () if now.len < self.len => Some("its file was cut short while it was in use"),
            () if self.log.is_some() && now.log != self.log => Some("its log was removed while it was in use"),
            () => None,
        }
    }
}

impl Shared {
    pub(super) fn new(path: PathBuf, settings: OutboxSettings, since: Timestamp) -> Self {
        let reserve = Reserve::beside(&path);
        let upstreams = Mutex::new(Arc::new(settings.upstreams.clone()));
        Self {
            path,
            settings,
            upstreams,
            since,
            queued: watch::Sender::default(),
            depths: Mutex::default(),
            generation: AtomicU64::new(0),
            held: Held::default(),
            writing: Mutex::new(Writing { files: None, recent: Recent::default(), reserve }),
            set_aside: Mutex::default(),
            reading_trouble: Mutex::default(),
        }
    }

    pub(super) fn tell_queued(&self) {
        self.queued.send_modify(|commits| *commits = commits.wrapping_add(1));
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// What was set aside since the last call.
    pub(super) fn take_set_aside(&self) -> Vec<SetAside> {
        std::mem::take(&mut *lock(&self.set_aside))
    }

    /// Whether the files are still those that are written to.
    pub(super) fn look(&self, writing: &mut Writing) -> Result<(), OutboxError> {
        let Some(files) = &mut writing.files else { return Ok(()) };
        if let Some(harm) = files.harm(&self.path) {
            return Err(OutboxError::Damaged { path: self.path.clone(), reason: harm.to_owned() });
        }
        *files = Files::read(&self.path).unwrap_or(*files);
        Ok(())
    }

    /// Opens the file for the first time, and sets a damaged one aside.
    pub(super) fn open(&self, writing: &mut Writing) -> Result<Connection, OutboxError> {
        let (conn, set_aside) = schema::open_or_set_aside(&self.path)?;
        self.take_up(writing, conn, set_aside)
    }

    /// Replaces a file that is damaged, or is not there any more, by one with all that can be had of it: what its files
    /// still show, what the connection to it can still read, and the latest reports, which are kept in memory.
    pub(super) fn replace(
        &self,
        writing: &mut Writing,
        reason: &str,
        old: Option<&Connection>,
    ) -> Result<Connection, OutboxError> {
        let is_moved =
            writing.files.is_some_and(|files| Files::read(&self.path).is_none_or(|now| now.main != files.main));
        let (mut conn, mut set_aside) = if is_moved {
            schema::open_or_set_aside(&self.path)?
        } else {
            let (conn, set_aside) = schema::start_anew(&self.path, reason.to_owned())?;
            (conn, Some(set_aside))
        };
        if let Some(old) = old {
            let (incidents, messages) = salvage::salvage_through(old, &mut conn);
            let of_files = set_aside.get_or_insert_with(|| SetAside {
                kept_as: None,
                reason: reason.to_owned(),
                incidents: 0,
                messages: 0,
            });
            of_files.incidents += incidents;
            of_files.messages += messages;
        }
        self.take_up(writing, conn, set_aside)
    }

    /// Makes a file that was opened the one that is written to.
    fn take_up(
        &self,
        writing: &mut Writing,
        mut conn: Connection,
        set_aside: Option<SetAside>,
    ) -> Result<Connection, OutboxError> {
        let recent: Vec<_> = writing.recent.iter().map(|(report, snapshot)| step(report, snapshot)).collect();
        let context = self.context();
        let settle = |conn: &mut Connection| {
            let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            destinations::settle(&tx, &context.named, self.since)?;
            for step in recent.iter().flatten() {
                record::record(&tx, &context, step)?;
            }
            owed::pay(&tx, &context, None)?;
            let depths = depths::depths(&tx)?;
            tx.commit()?;
            Ok(depths)
        };
        let depths =
            settle(&mut conn).map_err(|source| OutboxError::from_sqlite("name the upstreams", &self.path, source))?;
        *lock(&self.depths) = depths;
        writing.files = Files::read(&self.path);
        writing.reserve.fill();
        self.generation.fetch_add(1, Ordering::AcqRel);
        if let Some(aside) = set_aside {
            let SetAside { kept_as, reason, incidents, messages } = &aside;
            tracing::error!(
                kept_as = ?kept_as, reason, incidents, messages,
                "the outbox was damaged: a new one was started with what could be had of it"
            );
            lock(&self.set_aside).push(aside);
        }
        self.tell_queued();
        Ok(conn)
    }

    pub(super) fn context(&self) -> WriteContext<'_> {
        let named = Arc::clone(&lock(&self.upstreams));
        WriteContext { limits: self.settings.limits, source: &self.settings.source, named }
    }
}

/// A report as it is written; none if it cannot be encoded, which was told when it was first tried.
fn step<'a>(report: &'a Report, snapshot: Option<&'a str>) -> Option<Step<'a>> {
    Step::of(report, snapshot).ok()
}
