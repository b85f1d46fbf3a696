//! Files that a user names to be looked at: what is no file, or an empty one, is told before anything waits for it.

use std::fs::{File, FileType, TryLockError};
use std::io::{self, Read as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

/// Most bytes of a file with passwords, certificates or keys.
const MOST_BYTES: u64 = 1 << 20;
const PIPE: &str = "it is a named pipe, which cannot be read twice; write it to a file first";

/// What stands in a small file. Nobody is waited for, and a device that never ends is not read to its end.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let wrong = |why: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    if path.metadata().is_ok_and(|found| found.file_type().is_fifo()) {
        return wrong(PIPE);
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES {
        wrong("it has more than 1 MiB; name the file that is meant")
    } else {
        Ok(bytes)
    }
}

/// Opens a file that has something in it.
pub fn open(path: &Path) -> io::Result<File> {
    check(path)?;
    File::open(path)
}

/// Whether somebody holds a lock file, such as that of a directory that an agent uses. It is held for a moment by who asks.
pub fn is_held(lock: &Path) -> bool {
    File::open(lock).is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Refuses what is there and is no file with something in it. What is not there is left to whoever opens it.
pub fn check(path: &Path) -> io::Result<()> {
    let Ok(found) = path.metadata() else { return Ok(()) };
    match fault_of(found.file_type(), found.len()) {
        Some(fault) => Err(io::Error::new(io::ErrorKind::InvalidInput, fault)),
        None => Ok(()),
    }
}

/// What is wrong with it. Whoever opens a named pipe waits for somebody who writes to it, maybe for ever.
fn fault_of(kind: FileType, bytes: u64) -> Option<&'static str> {
    if kind.is_dir() {
        Some("it is a folder; name a file in it")
    } else if kind.is_fifo() {
        Some(PIPE)
    } else if !kind.is_file() {
        Some("it is a device or a socket; write it to a file first")
    } else if bytes == 0 {
        Some("it is empty")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_file_is_read_without_waiting_or_filling_the_memory() {
        let dir = tempfile::tempdir().unwrap();
        let (pipe, full) = (dir.path().join("pipe"), dir.path().join("full"));
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        std::fs::write(&full, "x").unwrap();
        assert!(read(&pipe).unwrap_err().to_string().contains("named pipe"));
        assert!(read(Path::new("/dev/zero")).unwrap_err().to_string().contains("more than 1 MiB"));
        assert_eq!((read(&full).unwrap(), read(Path::new("/dev/null")).unwrap()), (b"x".to_vec(), Vec::new()));
    }

    #[test]
    fn only_files_with_something_in_them_are_opened() {
        let dir = tempfile::tempdir().unwrap();
        let (pipe, empty, full) = (dir.path().join("pipe"), dir.path().join("empty"), dir.path().join("full"));
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        std::fs::write(&empty, "").unwrap();
        std::fs::write(&full, "x").unwrap();
        let told = |path: &Path| open(path).err().unwrap().to_string();
        assert!(told(&pipe).contains("named pipe"));
        assert!(told(dir.path()).contains("folder"));
        assert!(told(Path::new("/dev/null")).contains("device"));
        assert!(told(&empty).contains("empty"));
        assert_eq!(open(&dir.path().join("none")).err().unwrap().kind(), io::ErrorKind::NotFound);
        assert!(open(&full).is_ok() && check(&dir.path().join("none")).is_ok());
    }
}
