//! Room for reports on a disk that others fill: a file beside the outbox that is given up bit by bit when there is none.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use forewarn_base::private;
use forewarn_domain::clock::Stopwatch;
use rustix::fs::{FallocateFlags, fallocate, statvfs};

/// What is reserved: some 5,000 reports.
const SIZE: u64 = 16 << 20;
/// What is reserved of a small disk at the least.
const LEAST: u64 = 512 << 10;
/// The part of a small disk that is reserved at the most.
const PART: u64 = 64;
/// What is given up at once; the rest stays reserved, for others would take it.
const SLICE: u64 = 256 << 10;
/// So many times the reserve must be free before it is filled up again.
const AMPLE: u64 = 2;
/// How often it is looked after.
const EVERY: Duration = Duration::from_secs(30);

/// The file.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
    looked_after: Option<Stopwatch>,
}

impl Reserve {
    /// For the outbox at `outbox`.
    pub(super) fn beside(outbox: &Path) -> Self {
        Self { path: super::companion::with_suffix(outbox, ".reserve"), looked_after: None }
    }

    /// Makes the file as large as it should be, if there is ample room. What fails here is tried again.
    pub(super) fn fill(&mut self) {
        if self.looked_after.is_some_and(|watch| watch.elapsed() < EVERY) {
            return;
        }
        self.looked_after = Some(Stopwatch::start());
        if let Err(error) = self.try_to_fill() {
            tracing::debug!(%error, "no room is reserved for reports");
        }
    }

    fn try_to_fill(&self) -> io::Result<()> {
        let disk = statvfs(self.path.parent().unwrap_or(Path::new(".")))?;
        let size = SIZE.min((disk.f_blocks * disk.f_frsize / PART).max(LEAST));
        if self.len() >= size || disk.f_bavail * disk.f_frsize < size * AMPLE {
            return Ok(());
        }
        let file =
            OpenOptions::new().write(true).create(true).truncate(false).mode(private::FILE_MODE).open(&self.path)?;
        // Where the file system cannot reserve, nothing is: a file of holes would be worth nothing.
        fallocate(&file, FallocateFlags::empty(), 0, size)?;
        file.sync_all()
    }

    /// Gives a part of it up. False if there is nothing left to give.
    pub(super) fn give(&mut self) -> bool {
        let len = self.len();
        if len == 0 {
            return false;
        }
        // What was given up is not taken back at once.
        self.looked_after = Some(Stopwatch::start());
        let left = len.saturating_sub(SLICE);
        tracing::warn!(left_kib = left >> 10, "the disk is full: room that was reserved for reports is given up");
        let shrink = |file: File| file.set_len(left);
        let given = match left {
            0 => fs::remove_file(&self.path),
            _ => OpenOptions::new().write(true).open(&self.path).and_then(shrink),
        };
        given.is_ok()
    }

    fn len(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |meta| meta.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reserved_is_given_up_in_parts_until_nothing_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let mut reserve = Reserve::beside(&dir.path().join("outbox.sqlite"));
        assert!(!reserve.give(), "there is nothing yet");
        reserve.fill();
        let whole = reserve.len();
        assert!((LEAST..=SIZE).contains(&whole), "{whole}");
        assert!(reserve.give());
        assert_eq!(reserve.len(), whole - SLICE);
        reserve.fill();
        assert_eq!(reserve.len(), whole - SLICE, "it is not taken back at once");
        let given = (0..1000).take_while(|_| reserve.give()).count() as u64;
        assert_eq!((given, dir.path().read_dir().unwrap().count()), (whole.div_ceil(SLICE) - 1, 0));
    }
}
