//! Files that are either wholly there or not there: temporary name, fsync, rename, fsync of the folder.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Files of this prefix are unfinished and may be deleted whenever no writer is at work.
pub(crate) const TEMP_PREFIX: &str = ".tmp-";

fn temp_path(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{TEMP_PREFIX}{name}"))
}

/// Puts a folder's entries onto the disk.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Makes a folder and those above it, and puts the new entries onto the disk.
pub(crate) fn create_dirs(dir: &Path, root: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(dir)?;
    for parent in dir.ancestors().skip(1).take_while(|p| p.starts_with(root)) {
        sync_dir(parent)?;
    }
    Ok(())
}

/// Writes a whole file; `path` shows either its former content or all of `bytes`.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temp = temp_path(path);
    let written = File::create(&temp).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    finish(written, &temp, path)
}

/// Moves a finished file to `path`, by rename or, across file systems, by a copy.
pub(crate) fn move_file(from: &Path, path: &Path) -> io::Result<()> {
    File::open(from)?.sync_all()?;
    match fs::rename(from, path) {
        Ok(()) => sync_dir(path.parent().unwrap_or(path)),
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            let temp = temp_path(path);
            let copied = fs::copy(from, &temp).and_then(|_| File::open(&temp)?.sync_all());
            finish(copied, &temp, path)?;
            fs::remove_file(from)
        }
        Err(error) => Err(error),
    }
}

fn finish(written: io::Result<()>, temp: &Path, path: &Path) -> io::Result<()> {
    let renamed = written.and_then(|()| fs::rename(temp, path));
    if let Err(error) = renamed {
        // The half-written file only takes space; that it cannot be removed either adds nothing to the error.
        let _ = fs::remove_file(temp);
        return Err(error);
    }
    sync_dir(path.parent().unwrap_or(path))
}

/// Size and sha256 (lower-case hexadecimal) of a file, read in pieces.
pub(crate) fn digest_file(path: &Path) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut bytes = 0;
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            return Ok((bytes, hex(&hasher.finalize())));
        }
        hasher.update(&buffer[..n]);
        bytes += n as u64;
    }
}

/// The sha256 of some bytes, in lower-case hexadecimal.
pub(crate) fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_agree_with_the_published_vector() {
        // FIPS 180-4, the example "abc".
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest(b"abc"), expected);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        write_file(&path, b"abc").unwrap();
        assert_eq!(digest_file(&path).unwrap(), (3, expected.to_owned()));
    }

    #[test]
    fn a_failed_write_leaves_the_former_file_and_no_rest() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("inside"), b"kept").unwrap();
        assert!(write_file(&path, b"new").is_err(), "a folder cannot be replaced by a file");
        assert_eq!(fs::read(path.join("inside")).unwrap(), b"kept");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
