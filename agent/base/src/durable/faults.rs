//! A disk that dies at a chosen step, as it is after a loss of power: from then on nothing is taken, half of what was being
//! written may be there, and of the renames that were not put onto the disk some may be undone.

use std::cell::RefCell;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A rename that a loss of power may undo.
struct Renamed {
    from: PathBuf,
    to: PathBuf,
    /// What lay there before.
    former: Option<Vec<u8>>,
}

/// How a thread's disk fares.
struct Disk {
    steps: u64,
    dies_at: u64,
    seed: u64,
    unsynced: Vec<Renamed>,
}

thread_local! {
    static DISK: RefCell<Option<Disk>> = const { RefCell::new(None) };
}

/// Runs `work` on a disk that dies at its step number `dies_at`, counted from 0. `seed` says what is lost then. How many
/// steps were taken is returned with what `work` returns.
pub fn dying<T>(dies_at: u64, seed: u64, work: impl FnOnce() -> T) -> (T, u64) {
    DISK.set(Some(Disk { steps: 0, dies_at, seed, unsynced: Vec::new() }));
    let outcome = work();
    let disk = DISK.take();
    let Some(disk) = disk else { return (outcome, 0) };
    if disk.steps > disk.dies_at {
        disk.lose();
    }
    (outcome, disk.steps)
}

impl Disk {
    /// Undoes some of the renames that were not put onto the disk, the latest first.
    fn lose(&self) {
        for (n, renamed) in self.unsynced.iter().enumerate().rev() {
            if self.seed >> (n % 64) & 1 == 1 && renamed.to.exists() && !renamed.from.exists() {
                let _ = fs::rename(&renamed.to, &renamed.from);
                if let Some(former) = &renamed.former {
                    let _ = fs::write(&renamed.to, former);
                }
            }
        }
    }
}

fn dead() -> io::Error {
    io::Error::other("the disk is gone")
}

/// The disk is asked for something.
pub(super) fn step() -> io::Result<()> {
    DISK.with_borrow_mut(|disk| match disk {
        Some(disk) => {
            disk.steps += 1;
            if disk.steps > disk.dies_at { Err(dead()) } else { Ok(()) }
        }
        None => Ok(()),
    })
}

/// What of some bytes is written, and whether that is all.
pub(super) fn written(bytes: &[u8]) -> (&[u8], io::Result<()>) {
    let was_dead = is_dead();
    match step() {
        Ok(()) => (bytes, Ok(())),
        Err(error) => (&bytes[..if was_dead { 0 } else { bytes.len() / 2 }], Err(error)),
    }
}

/// A rename is about to be done.
pub(super) fn renamed(from: &Path, to: &Path) {
    DISK.with_borrow_mut(|disk| {
        if let Some(disk) = disk {
            let former = fs::read(to).ok();
            disk.unsynced.push(Renamed { from: from.to_owned(), to: to.to_owned(), former });
        }
    });
}

/// The entries of a folder are on the disk.
pub(super) fn synced(dir: &Path) {
    DISK.with_borrow_mut(|disk| {
        if let Some(disk) = disk {
            disk.unsynced.retain(|renamed| renamed.to.parent() != Some(dir));
        }
    });
}

/// Whether nothing is taken any more.
pub(super) fn is_dead() -> bool {
    DISK.with_borrow(|disk| disk.as_ref().is_some_and(|disk| disk.steps > disk.dies_at))
}
