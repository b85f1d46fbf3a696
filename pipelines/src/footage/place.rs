//! The folder of all footage: which files there are, which go, and whether there is room for more.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use forewarn_base::private;
use forewarn_base::sync::{held, lock};
use forewarn_base::thread::{Thread, ThreadError};
use forewarn_domain::{Clock, StreamId, WallTime};

use super::keep::{self, FootageLimits, Minute};
use super::read;

/// How often it is looked whether something is to go.
const EVERY: Duration = Duration::from_secs(2);

/// Footage cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum FootageError {
    /// No thread.
    #[error(transparent)]
    Thread(#[from] ThreadError),
}

#[derive(Debug, Default)]
struct State {
    minutes: BTreeMap<PathBuf, Minute>,
    /// Why nothing more may be written; none if it may.
    full: Option<String>,
    /// Whether the files of former runs are known.
    is_stocked: bool,
    is_stopping: bool,
}

struct Shared {
    root: PathBuf,
    limits: FootageLimits,
    clock: Arc<dyn Clock>,
    free: fn(&Path) -> io::Result<u64>,
    state: Mutex<State>,
    changed: Condvar,
}

/// The place of all footage of a site. Its thread ends when this is dropped.
pub struct Footage {
    shared: Arc<Shared>,
    thread: Thread,
}

impl std::fmt::Debug for Footage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Footage({})", self.shared.root.display())
    }
}

impl PartialEq for Footage {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

fn free_bytes(path: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(path)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

impl Footage {
    /// Begins to keep footage in the folder `root`, which is made where it is not there.
    pub fn start(root: PathBuf, limits: FootageLimits, clock: Arc<dyn Clock>) -> Result<Arc<Self>, FootageError> {
        Self::start_on(root, limits, clock, free_bytes)
    }

    pub(crate) fn start_on(
        root: PathBuf,
        limits: FootageLimits,
        clock: Arc<dyn Clock>,
        free: fn(&Path) -> io::Result<u64>,
    ) -> Result<Arc<Self>, FootageError> {
        let (state, changed) = (Mutex::default(), Condvar::new());
        let shared = Arc::new(Shared { root, limits, clock, free, state, changed });
        let of_thread = Arc::clone(&shared);
        let thread = Thread::spawn("footage", move || of_thread.look_after())?;
        Ok(Arc::new(Self { shared, thread }))
    }

    /// The folder.
    pub(crate) fn root(&self) -> &Path {
        &self.shared.root
    }

    /// Bytes of all files, and when the oldest was begun.
    pub fn level(&self) -> (u64, Option<WallTime>) {
        let state = lock(&self.shared.state);
        let bytes = state.minutes.values().map(|minute| minute.bytes).sum();
        (bytes, state.minutes.values().map(|minute| minute.begun).min())
    }

    /// Whether its thread has ended though nobody stopped it.
    pub fn is_broken(&self) -> bool {
        self.thread.has_ended()
    }

    /// Why nothing may be written now; none if it may.
    pub(crate) fn full(&self) -> Option<String> {
        lock(&self.shared.state).full.clone()
    }

    /// Makes the file of a camera that begins at `at`. Waits until the files of former runs are known, so that none of them
    /// is taken for one of them.
    pub(crate) fn begin(&self, camera: &StreamId, at: WallTime) -> io::Result<(PathBuf, File)> {
        let state = lock(&self.shared.state);
        drop(held(self.shared.changed.wait_while(state, |state| !state.is_stocked && !state.is_stopping)));
        for n in 0.. {
            let path = keep::place(&self.shared.root, camera, at, n);
            private::create_dirs(private::folder_of(&path))?;
            match OpenOptions::new().write(true).create_new(true).mode(private::FILE_MODE).open(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
                Ok(file) => {
                    let minute = Minute { begun: at, bytes: 0, is_open: true };
                    lock(&self.shared.state).minutes.insert(path.clone(), minute);
                    return Ok((path, file));
                }
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// A file has so many bytes now, and is being written or not.
    pub(crate) fn note(&self, path: &Path, bytes: u64, is_open: bool) {
        let mut state = lock(&self.shared.state);
        if bytes == 0 && !is_open {
            state.minutes.remove(path);
        } else if let Some(minute) = state.minutes.get_mut(path) {
            (minute.bytes, minute.is_open) = (bytes, is_open);
        }
    }
}

impl Drop for Footage {
    fn drop(&mut self) {
        lock(&self.shared.state).is_stopping = true;
        self.shared.changed.notify_all();
        // A disk that has stalled may hold the thread up for ever.
        if self.thread.has_ended() {
            let _ = self.thread.join();
        }
    }
}

impl Shared {
    fn look_after(&self) {
        if let Err(error) = self.take_stock() {
            tracing::warn!("the footage in {} could not be looked through: {error}", self.root.display());
        }
        lock(&self.state).is_stocked = true;
        self.changed.notify_all();
        loop {
            self.make_room();
            let state = lock(&self.state);
            let state = held(self.changed.wait_timeout_while(state, EVERY, |state| !state.is_stopping)).0;
            if state.is_stopping {
                return;
            }
        }
    }

    /// Finds the files of former runs, and cuts off what a kill left behind the newest of each camera.
    fn take_stock(&self) -> io::Result<()> {
        private::create_dirs(&self.root)?;
        for camera in keep::cameras(&self.root)? {
            let files = keep::files(&self.root, &camera)?;
            let newest = files.last().map(|(path, _)| path.clone());
            for (path, begun) in &files {
                let is_newest = newest.as_ref() == Some(path);
                let bytes = if is_newest { mend(path)? } else { fs::metadata(path)?.len() };
                if bytes > 0 {
                    let minute = Minute { begun: *begun, bytes, is_open: false };
                    lock(&self.state).minutes.insert(path.clone(), minute);
                }
            }
        }
        Ok(())
    }

    fn make_room(&self) {
        let free = match (self.free)(&self.root) {
            Ok(free) => free,
            Err(error) => {
                lock(&self.state).full = Some(format!("the disk of {} does not answer: {error}", self.root.display()));
                return;
            }
        };
        let minutes = lock(&self.state).minutes.clone();
        let age = |at| self.clock.age(at);
        let all = minutes.iter().map(|(path, minute)| (path.as_path(), minute));
        let plan = keep::plan(all, &self.limits, &age, free);
        for path in plan.doomed {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!("footage cannot be deleted: {}: {error}", path.display());
                    continue;
                }
                _ => {}
            }
            lock(&self.state).minutes.remove(path);
            // Fails while others of the day or of the camera are kept, which is as it should be.
            let day = private::folder_of(path);
            let _ = fs::remove_dir(day).and_then(|()| fs::remove_dir(private::folder_of(day)));
        }
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        lock(&self.state).full = (plan.short_bytes > 0).then(|| {
            let (lacks, least) = (mib(plan.short_bytes), mib(self.limits.min_free_bytes));
            format!("the disk lacks {lacks} MiB of the {least} MiB that stay free for evidence, and no footage is left to go")
        });
    }
}

/// Cuts off what is not whole at the end of a file, and says how long it is then. A file with nothing whole in it goes.
pub(super) fn mend(path: &Path) -> io::Result<u64> {
    let (bytes, whole) = (fs::metadata(path)?.len(), read::contents(path)?.whole_bytes);
    if whole == 0 {
        fs::remove_file(path)?;
        tracing::info!("{}: nothing in it was whole; it was removed", path.display());
    } else if whole < bytes {
        OpenOptions::new().write(true).open(path)?.set_len(whole)?;
        tracing::info!("{}: {} bytes at its end were not whole and were cut off", path.display(), bytes - whole);
    }
    Ok(whole)
}
