//! Keeps what went over a thin link in a file, so that a restart begins no new budget.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use forewarn_base::sync::lock;
use forewarn_base::thread::Thread;
use forewarn_base::{durable, private};
use forewarn_domain::Timestamp;
use serde::Serialize;

use super::settings::Surroundings;
use super::spending::{Budget, Spending};
use super::thin::Thin;

/// The budget of one upstream, over all connections and restarts. Clones are the same one.
#[derive(Debug, Clone)]
pub(super) struct Purse {
    thin: Arc<Mutex<Thin>>,
    path: PathBuf,
    writer: Arc<OnceLock<Option<SyncSender<Spending>>>>,
}

impl Purse {
    /// That of an upstream.
    pub(super) fn of(budget: Budget, around: &Surroundings<'_>) -> Self {
        Self::new(budget, around.people.spent.join(format!("{}.json", around.id)))
    }

    /// What was spent lies in the file at `path`; nothing is read of it before the first connection.
    pub(super) fn new(budget: Budget, path: PathBuf) -> Self {
        Self { thin: Arc::new(Mutex::new(Thin::new(budget))), path, writer: Arc::default() }
    }

    /// Takes up what was spent before, the first time.
    pub(super) fn open(&self) {
        self.writer.get_or_init(|| {
            // Where no folder is named, nothing outlives the program.
            self.path.parent().filter(|folder| !folder.as_os_str().is_empty())?;
            match read(&self.path) {
                Ok(spending) => lock(&self.thin).take_up(spending),
                Err(why) => tracing::warn!(path = %self.path.display(), "{why}; what was spent before is not known"),
            }
            let (path, (writer, written)) = (self.path.clone(), sync_channel::<Spending>(1));
            let work = move || {
                for spending in written {
                    if let Err(error) = write(&path, &spending) {
                        tracing::warn!(path = %path.display(), %error, "what was spent of a thin link is not kept");
                    }
                }
            };
            Thread::spawn("spent", work).map(|_| writer).ok()
        });
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Thin> {
        lock(&self.thin)
    }

    /// So many bytes of a message go.
    pub(super) fn spend(&self, now: Timestamp, bytes: usize) {
        let mut thin = self.lock();
        thin.spend(now, bytes);
        if let Some(Some(writer)) = self.writer.get() {
            // Where the disk is at work on an earlier sum, the next message brings this one along.
            let _ = writer.try_send(thin.spending());
        }
    }
}

fn read(path: &Path) -> Result<Spending, String> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| format!("it is damaged ({error})")),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Spending::new()),
        Err(error) => Err(format!("it cannot be read ({error})")),
    }
}

/// Keeps what outlives the program in a file whose folder is made if need be.
pub(super) fn write(path: &Path, content: &impl Serialize) -> std::io::Result<()> {
    private::create_dirs(private::folder_of(path))?;
    durable::replace(path, &serde_json::to_vec(content)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_spent_counts_after_a_restart_and_a_damaged_file_counts_for_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("spent/officers.json");
        let budget = Budget { kib_per_hour: 40, kib_per_day: 100 };
        let at = Timestamp::from_secs_f64;
        let first = Purse::new(budget, path.clone());
        first.open();
        first.spend(at(10.0), 30_000);
        assert!(!first.lock().has_room(at(20.0)));
        // Its writer ends with the last of its clones, and with that what it was given is written.
        drop(first);
        let written = (0..1_000).find_map(|_| {
            let (_open, wait) = sync_channel::<()>(0);
            let _ = wait.recv_timeout(std::time::Duration::from_millis(10));
            read(&path).ok().filter(|spending| !spending.is_empty())
        });
        assert_eq!(written, Some(Spending::from([(at(10.0), 31_000)])));
        let second = Purse::new(budget, path.clone());
        second.open();
        assert!(!second.lock().has_room(at(20.0)) && second.lock().has_room(at(3_700.0)));
        std::fs::write(&path, "[[1").unwrap();
        let third = Purse::new(budget, path);
        third.open();
        assert!(third.lock().has_room(at(20.0)));
    }
}
