//! A file layer under SQLite that fails at a chosen step: the power goes, the disk refuses once, or it is full for a while.
//!
//! It stands between SQLite and real files, as SQLite's own tests have it, because a kill of the process loses nothing that was
//! written: only below SQLite can what was not synced be lost. Files elsewhere than in the folder that fails are left alone.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use sqlite_vfs::wip::{WalIndex, WalIndexLock};
use sqlite_vfs::{DatabaseHandle, LockKind, OpenAccess, OpenOptions, Vfs};

/// What becomes of a write that was not synced is decided piece by piece.
const PIECE_BYTES: usize = 512;
/// A region of the index of SQLite's log.
const REGION_BYTES: usize = 32_768;

/// A file whatever its name: its device and number.
type Key = (u64, u64);

/// How a disk fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Never.
    None,
    /// The power goes: the step is half done, nothing works any more, and what was not synced is lost piece by piece.
    Power { at: u64, seed: u64 },
    /// So many steps fail as on a bad disk; a write may be half done.
    Refusal { at: u64, steps: u64 },
    /// So many steps find no room.
    Full { at: u64, steps: u64 },
}

/// What was changed and not synced, with what was there before.
#[derive(Debug)]
enum Undo {
    /// The former length, if it made the file longer.
    Write {
        path: PathBuf,
        offset: u64,
        before: Vec<u8>,
        len: Option<u64>,
    },
    Length {
        path: PathBuf,
        before: Vec<u8>,
        len: u64,
    },
    Deletion {
        path: PathBuf,
        before: Vec<u8>,
    },
}

impl Undo {
    fn path(&self) -> &Path {
        match self {
            Self::Write { path, .. } | Self::Length { path, .. } | Self::Deletion { path, .. } => path,
        }
    }
}

#[derive(Debug, Default)]
struct Index {
    regions: BTreeMap<u32, Vec<u8>>,
    locks: BTreeMap<u8, BTreeMap<u64, bool>>,
}

#[derive(Debug)]
struct State {
    folder: PathBuf,
    failure: Failure,
    steps: u64,
    is_dead: bool,
    undo: Vec<Undo>,
    /// Files that were made and never synced.
    made: BTreeSet<PathBuf>,
    ids: u64,
    /// Who has a file open, and how strong a lock each holds.
    locks: BTreeMap<Key, BTreeMap<u64, u8>>,
    indices: BTreeMap<Key, Index>,
}

static STATE: Mutex<State> = Mutex::new(State {
    folder: PathBuf::new(),
    failure: Failure::None,
    steps: 0,
    is_dead: false,
    undo: Vec::new(),
    made: BTreeSet::new(),
    ids: 0,
    locks: BTreeMap::new(),
    indices: BTreeMap::new(),
});

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap()
}

fn bad() -> io::Error {
    io::Error::other("the disk is gone")
}

impl State {
    fn is_meant(&self, path: &Path) -> bool {
        !self.folder.as_os_str().is_empty() && path.starts_with(&self.folder)
    }

    /// Counts a step, and says how it fails, if it does.
    fn step(&mut self, path: &Path) -> io::Result<Option<io::Error>> {
        if !self.is_meant(path) {
            return Ok(None);
        }
        if self.is_dead {
            return Err(bad());
        }
        let now = self.steps;
        self.steps += 1;
        Ok(match self.failure {
            Failure::Power { at, .. } if now >= at => {
                self.is_dead = true;
                Some(bad())
            }
            Failure::Refusal { at, steps } if (at..at + steps).contains(&now) => Some(bad()),
            // SQLite's binding takes this for a full disk.
            Failure::Full { at, steps } if (at..at + steps).contains(&now) => Some(ErrorKind::WriteZero.into()),
            _ => None,
        })
    }

    fn remember(&mut self, undo: Undo) {
        if self.is_meant(undo.path()) {
            self.undo.push(undo);
        }
    }

    /// Takes back what the disk had not got when the power went.
    fn lose(&mut self, seed: u64) {
        let mut dice = seed | 1;
        let mut is_lost = || {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            dice.is_multiple_of(2)
        };
        for undo in std::mem::take(&mut self.undo).into_iter().rev() {
            let open = |path: &Path| File::options().read(true).write(true).open(path).unwrap();
            match undo {
                Undo::Write { path, offset, before, len } => {
                    let file = open(&path);
                    for (n, piece) in before.chunks(PIECE_BYTES).enumerate().filter(|_| is_lost()) {
                        file.write_all_at(piece, offset + (n * PIECE_BYTES) as u64).unwrap();
                    }
                    if let Some(len) = len.filter(|_| is_lost()) {
                        file.set_len(len).unwrap();
                    }
                }
                Undo::Length { path, before, len } if is_lost() => {
                    let file = open(&path);
                    file.set_len(len).unwrap();
                    file.write_all_at(&before, len - before.len() as u64).unwrap();
                }
                Undo::Deletion { path, before } if is_lost() => std::fs::write(path, before).unwrap(),
                Undo::Length { .. } | Undo::Deletion { .. } => {}
            }
        }
    }
}

/// Runs something on a disk that fails in this way in `folder`. Gives what it gave, and how many steps there were.
pub(crate) fn on_a_disk<T>(folder: &Path, failure: Failure, run: impl FnOnce() -> T) -> (T, u64) {
    static LAYER: OnceLock<()> = OnceLock::new();
    LAYER.get_or_init(|| sqlite_vfs::register("failing", Layer, true).unwrap());
    {
        let mut state = state();
        (state.folder, state.failure, state.steps, state.is_dead) = (folder.to_owned(), failure, 0, false);
        state.undo.clear();
        state.made.clear();
    }
    let outcome = run();
    let mut state = state();
    if let Failure::Power { seed, .. } = failure {
        state.lose(seed);
    }
    state.folder = PathBuf::new();
    (outcome, state.steps)
}

/// The layer.
struct Layer;

pub(crate) struct Handle {
    path: PathBuf,
    key: Key,
    file: File,
    id: u64,
}

impl Drop for Handle {
    fn drop(&mut self) {
        let mut state = state();
        let holders = state.locks.entry(self.key).or_default();
        holders.remove(&self.id);
        if holders.is_empty() {
            // The number may be that of another file next.
            state.locks.remove(&self.key);
            state.indices.remove(&self.key);
        }
    }
}

impl Vfs for Layer {
    type Handle = Handle;

    fn open(&self, name: &str, options: OpenOptions) -> io::Result<Handle> {
        let path = PathBuf::from(name);
        let mut state = state();
        if state.is_meant(&path) && state.is_dead {
            return Err(bad());
        }
        if state.is_meant(&path) && !path.exists() {
            state.made.insert(path.clone());
        }
        let mut how = File::options();
        how.read(true).write(options.access != OpenAccess::Read);
        match options.access {
            OpenAccess::Create => _ = how.create(true).truncate(false),
            OpenAccess::CreateNew => _ = how.create_new(true),
            OpenAccess::Read | OpenAccess::Write => {}
        }
        let file = how.open(&path)?;
        let meta = file.metadata()?;
        let key = (meta.dev(), meta.ino());
        state.ids += 1;
        let id = state.ids;
        state.locks.entry(key).or_default().insert(id, 0);
        Ok(Handle { path, key, file, id })
    }

    fn delete(&self, name: &str) -> io::Result<()> {
        let path = PathBuf::from(name);
        let mut state = state();
        if let Some(error) = state.step(&path)? {
            return Err(error);
        }
        let before = std::fs::read(&path)?;
        state.remember(Undo::Deletion { path: path.clone(), before });
        std::fs::remove_file(path)
    }

    fn exists(&self, name: &str) -> io::Result<bool> {
        Ok(Path::new(name).exists())
    }

    fn temporary_name(&self) -> String {
        let mut state = state();
        state.ids += 1;
        std::env::temp_dir().join(format!("layer-{}-{}", std::process::id(), state.ids)).to_string_lossy().into_owned()
    }

    fn random(&self, buffer: &mut [i8]) {
        buffer.iter_mut().enumerate().for_each(|(n, byte)| *byte = (n * 37 + 11) as i8);
    }

    fn sleep(&self, duration: Duration) -> Duration {
        std::thread::park_timeout(duration);
        duration
    }

    fn full_pathname<'a>(&self, name: &'a str) -> io::Result<Cow<'a, str>> {
        Ok(std::path::absolute(name)?.to_string_lossy().into_owned().into())
    }
}

/// How strong a lock is.
fn rank(lock: LockKind) -> u8 {
    match lock {
        LockKind::None => 0,
        LockKind::Shared => 1,
        LockKind::Reserved => 2,
        LockKind::Pending => 3,
        LockKind::Exclusive => 4,
    }
}

impl DatabaseHandle for Handle {
    type WalIndex = SharedIndex;

    fn size(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read_exact_at(&mut self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let state = state();
        if state.is_meant(&self.path) && state.is_dead {
            return Err(bad());
        }
        self.file.read_exact_at(buffer, offset)
    }

    fn write_all_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = state();
        let failure = state.step(&self.path)?;
        let written = if failure.is_some() { &bytes[..bytes.len() / 2] } else { bytes };
        let len = self.size()?;
        let mut before = vec![0; written.len().min(len.saturating_sub(offset) as usize)];
        self.file.read_exact_at(&mut before, offset.min(len))?;
        let longer = (before.len() < written.len()).then_some(len);
        state.remember(Undo::Write { path: self.path.clone(), offset, before, len: longer });
        self.file.write_all_at(written, offset)?;
        failure.map_or(Ok(()), Err)
    }

    fn sync(&mut self, _: bool) -> io::Result<()> {
        let mut state = state();
        if let Some(error) = state.step(&self.path)? {
            return Err(error);
        }
        state.undo.retain(|undo| undo.path() != self.path);
        if state.made.remove(&self.path) {
            // SQLite's own layer puts the folder onto the disk with the first sync of a file that it made.
            state.undo.retain(|undo| !matches!(undo, Undo::Deletion { .. }));
        }
        Ok(())
    }

    fn set_len(&mut self, size: u64) -> io::Result<()> {
        let mut state = state();
        if let Some(error) = state.step(&self.path)? {
            return Err(error);
        }
        let len = self.size()?;
        let mut before = vec![0; len.saturating_sub(size) as usize];
        self.file.read_exact_at(&mut before, size.min(len))?;
        state.remember(Undo::Length { path: self.path.clone(), before, len });
        self.file.set_len(size)
    }

    fn lock(&mut self, lock: LockKind) -> io::Result<bool> {
        let mut state = state();
        let holders = state.locks.entry(self.key).or_default();
        let strongest = holders.iter().filter(|(id, _)| **id != self.id).map(|(_, rank)| *rank).max().unwrap_or(0);
        let is_free = match lock {
            LockKind::None => true,
            LockKind::Shared => strongest < rank(LockKind::Pending),
            LockKind::Reserved | LockKind::Pending => strongest < rank(LockKind::Reserved),
            LockKind::Exclusive => strongest == 0,
        };
        if is_free {
            holders.insert(self.id, rank(lock));
        }
        Ok(is_free)
    }

    fn reserved(&mut self) -> io::Result<bool> {
        let holders = state().locks.get(&self.key).cloned().unwrap_or_default();
        Ok(holders.values().any(|held| *held >= rank(LockKind::Reserved)))
    }

    fn current_lock(&self) -> io::Result<LockKind> {
        let held = state().locks.get(&self.key).and_then(|holders| holders.get(&self.id).copied());
        Ok(match held.unwrap_or(0) {
            0 => LockKind::None,
            1 => LockKind::Shared,
            2 => LockKind::Reserved,
            3 => LockKind::Pending,
            _ => LockKind::Exclusive,
        })
    }

    fn wal_index(&self, _: bool) -> io::Result<SharedIndex> {
        Ok(SharedIndex { key: self.key, id: self.id })
    }

    fn moved(&self) -> io::Result<bool> {
        Ok(self.path.metadata().map_or(true, |meta| (meta.dev(), meta.ino()) != self.key))
    }
}

/// The index of the log, which connections of this process share.
pub(crate) struct SharedIndex {
    key: Key,
    id: u64,
}

impl SharedIndex {
    fn with<T>(&self, work: impl FnOnce(&mut Index) -> T) -> T {
        work(state().indices.entry(self.key).or_default())
    }
}

impl Drop for SharedIndex {
    fn drop(&mut self) {
        if let Some(index) = state().indices.get_mut(&self.key) {
            index.locks.values_mut().for_each(|holders| _ = holders.remove(&self.id));
        }
    }
}

impl WalIndex for SharedIndex {
    fn map(&mut self, region: u32) -> io::Result<[u8; REGION_BYTES]> {
        let shared = |index: &mut Index| {
            let data = index.regions.entry(region).or_insert_with(|| vec![0; REGION_BYTES]);
            data.as_slice().try_into().map_err(io::Error::other)
        };
        self.with(shared)
    }

    fn lock(&mut self, slots: Range<u8>, lock: WalIndexLock) -> io::Result<bool> {
        let id = self.id;
        self.with(|index| {
            let is_free = |slot: u8| {
                let others = index.locks.get(&slot).into_iter().flatten().filter(|(other, _)| **other != id);
                others.into_iter().all(|(_, is_exclusive)| lock == WalIndexLock::Shared && !is_exclusive)
            };
            if lock != WalIndexLock::None && !slots.clone().all(is_free) {
                return Ok(false);
            }
            for slot in slots {
                let holders = index.locks.entry(slot).or_default();
                match lock {
                    WalIndexLock::None => _ = holders.remove(&id),
                    _ => _ = holders.insert(id, lock == WalIndexLock::Exclusive),
                }
            }
            Ok(true)
        })
    }

    fn delete(self) -> io::Result<()> {
        self.with(|index| index.regions.clear());
        Ok(())
    }

    fn pull(&mut self, region: u32, data: &mut [u8; REGION_BYTES]) -> io::Result<()> {
        self.with(|index| data.copy_from_slice(index.regions.entry(region).or_insert_with(|| vec![0; REGION_BYTES])));
        Ok(())
    }

    fn push(&mut self, region: u32, data: &[u8; REGION_BYTES]) -> io::Result<()> {
        self.with(|index| index.regions.insert(region, data.to_vec()));
        Ok(())
    }
}
