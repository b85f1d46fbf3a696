//! Files are written on a thread of their own: a disk that stalls holds no decision up, and what it refuses is tried again
//! until it is taken.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use forewarn_base::sync::{held, lock};

/// Writes that wait, at most; beyond that the oldest is given up.
const MOST: usize = 512;
/// How long a disk that refused is left alone.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// Does a write; what went wrong, for people.
type Write = Box<dyn Fn() -> Result<(), String> + Send>;

#[derive(Default)]
struct State {
    /// By the order in which they came.
    waiting: BTreeMap<u64, (PathBuf, Write)>,
    n_put: u64,
    /// What went wrong when a file was written last.
    troubles: BTreeMap<PathBuf, String>,
    is_busy: bool,
    is_over: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// Takes writes. Clones are the same one; the thread ends with the last of them.
#[derive(Clone)]
pub struct Shelf(Option<Arc<Owner>>);

/// Ends the thread when nobody can put anything on the shelf any more.
struct Owner(Arc<Shared>);

impl Drop for Owner {
    fn drop(&mut self) {
        lock(&self.0.state).is_over = true;
        self.0.changed.notify_all();
    }
}

impl Shelf {
    /// A shelf whose writes are done at once, by whoever puts them there: for commands, and for replays.
    pub fn at_once() -> Self {
        Self(None)
    }

    /// A shelf with a thread.
    pub fn start() -> std::io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let of_thread = Arc::clone(&shared);
        std::thread::Builder::new().name("files".to_owned()).spawn(move || work(&of_thread))?;
        Ok(Self(Some(Arc::new(Owner(shared)))))
    }

    /// Writes `path`, in place of a write of it that waits. What went wrong, where it is known at once.
    pub fn put(&self, path: &Path, write: impl Fn() -> Result<(), String> + Send + 'static) -> Result<(), String> {
        let Some(owner) = &self.0 else { return write() };
        let mut state = owner.0.lock();
        state.waiting.retain(|_, (waiting, _)| waiting != path);
        state.n_put += 1;
        let number = state.n_put;
        state.waiting.insert(number, (path.to_owned(), Box::new(write)));
        if state.waiting.len() > MOST
            && let Some((_, (path, _))) = state.waiting.pop_first()
        {
            state.troubles.insert(path, "the disk takes too long, and too much waited for it".to_owned());
        }
        owner.0.changed.notify_all();
        Ok(())
    }

    /// What went wrong when a file below `path`, or that file, was written last.
    pub fn trouble(&self, path: &Path) -> Option<String> {
        let state = self.0.as_ref()?.0.lock();
        state.troubles.iter().find(|(of, _)| of.starts_with(path)).map(|(_, trouble)| trouble.clone())
    }

    /// Waits until all is written, at most for `patience`. Whether it is.
    pub fn flush(&self, patience: Duration) -> bool {
        let Some(owner) = &self.0 else { return true };
        let is_open = |state: &mut State| state.is_busy || !state.waiting.is_empty();
        let (mut state, _) = held(owner.0.changed.wait_timeout_while(owner.0.lock(), patience, is_open));
        !is_open(&mut state)
    }
}

impl std::fmt::Debug for Shelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Shelf with a thread" } else { "Shelf at once" })
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// The thread.
fn work(shared: &Shared) {
    let mut state = shared.lock();
    loop {
        state = held(shared.changed.wait_while(state, |state| state.waiting.is_empty() && !state.is_over));
        let Some((number, (path, write))) = state.waiting.pop_first() else { return };
        state.is_busy = true;
        drop(state);
        let written = write();
        state = shared.lock();
        state.is_busy = false;
        match written {
            Ok(()) => drop(state.troubles.remove(&path)),
            Err(trouble) => {
                state.troubles.insert(path.clone(), trouble);
                if state.waiting.values().all(|(waiting, _)| *waiting != path) && !state.is_over {
                    state.waiting.insert(number, (path, write));
                }
                shared.changed.notify_all();
                (state, _) = held(shared.changed.wait_timeout_while(state, AGAIN_AFTER, |state| !state.is_over));
            }
        }
        shared.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::mpsc::sync_channel;

    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn a_disk_that_stalls_holds_nobody_up_and_the_newest_of_a_file_is_written() {
        let shelf = Shelf::start().unwrap();
        let (go_on, stalled) = sync_channel::<()>(0);
        let stalled = Mutex::new(stalled);
        let written = Arc::new(AtomicU32::new(0));
        let first = move || lock(&stalled).recv().map_err(|error| error.to_string());
        shelf.put(Path::new("a"), first).unwrap();
        for n in 1..=100 {
            let written = Arc::clone(&written);
            let write = move || {
                written.fetch_add(n, Ordering::SeqCst);
                Ok(())
            };
            shelf.put(Path::new("b"), write).unwrap();
        }
        assert!(!shelf.flush(Duration::ZERO));
        go_on.send(()).unwrap();
        assert!(shelf.flush(LONG));
        assert_eq!((written.load(Ordering::SeqCst), shelf.trouble(Path::new("a"))), (100, None));
    }

    #[test]
    fn what_is_refused_is_a_trouble_until_it_is_taken() {
        let shelf = Shelf::start().unwrap();
        let n = Arc::new(AtomicU32::new(0));
        let tries = Arc::clone(&n);
        let write = move || if tries.fetch_add(1, Ordering::SeqCst) == 0 { Err("full".to_owned()) } else { Ok(()) };
        shelf.put(Path::new("heat/gate/minute"), write).unwrap();
        while n.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
        assert!(!shelf.flush(Duration::from_millis(100)));
        assert_eq!(shelf.trouble(Path::new("heat")).as_deref(), Some("full"));
        assert!(shelf.flush(LONG));
        assert_eq!((n.load(Ordering::SeqCst), shelf.trouble(Path::new("heat"))), (2, None));
        assert_eq!(Shelf::at_once().put(Path::new("x"), || Err("no".to_owned())), Err("no".to_owned()));
    }
}
