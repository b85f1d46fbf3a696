//! Several files in one: a tar archive that is wholly there or not, and the same bytes whoever packs it, and when.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use tar::{Builder, Header};

use crate::durable::Unfinished;

/// An archive that is being made.
pub struct Packet {
    tar: Builder<File>,
    unfinished: Unfinished,
    mode: u32,
}

impl Packet {
    /// Begins the archive `out`; it and the files in it have these rights. Whatever bears its name is kept and refused as
    /// [`io::ErrorKind::AlreadyExists`]: it may be the site file itself, a database, a key or a device.
    pub fn begin(out: &Path, mode: u32) -> io::Result<Self> {
        if out.symlink_metadata().is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let unfinished = Unfinished::of_process(out);
        let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(unfinished.path())?;
        Ok(Self { tar: Builder::new(file), unfinished, mode })
    }

    /// Adds so many bytes under a name.
    pub fn add(&mut self, name: &str, bytes: u64, from: &mut dyn Read) -> io::Result<()> {
        let mut header = Header::new_gnu();
        header.set_size(bytes);
        header.set_mode(self.mode);
        let mut from = from.take(bytes);
        self.tar.append_data(&mut header, name, &mut from)?;
        // Nothing behind it could be found where its head says another length.
        if from.limit() > 0 {
            let why = format!("{name} became shorter while it was read");
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, why));
        }
        Ok(())
    }

    /// Puts the archive in its place.
    pub fn finish(self) -> io::Result<()> {
        self.tar.into_inner()?;
        self.unfinished.place()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn files_are_packed_to_the_same_bytes_with_their_rights_and_nothing_is_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (dir.path().join("one.tar"), dir.path().join("other.tar"));
        for out in [&one, &other] {
            let mut packet = Packet::begin(out, 0o600).unwrap();
            packet.add("a/b.json", 3, &mut &b"abcd"[..]).unwrap();
            assert!(!out.exists(), "half an archive is none");
            packet.finish().unwrap();
        }
        assert_eq!(fs::read(&one).unwrap(), fs::read(&other).unwrap());
        assert_eq!(fs::metadata(&one).unwrap().permissions().mode() & 0o777, 0o600);
        let mut archive = tar::Archive::new(File::open(&one).unwrap());
        let mut entry = archive.entries().unwrap().next().unwrap().unwrap();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        assert_eq!((entry.path_bytes().as_ref(), text.as_str()), (&b"a/b.json"[..], "abc"));
        let told = Packet::begin(&one, 0o600).err().map(|error| error.kind());
        assert_eq!(told, Some(io::ErrorKind::AlreadyExists));
    }

    #[test]
    fn a_file_that_becomes_shorter_makes_no_archive() {
        let dir = tempfile::tempdir().unwrap();
        let mut packet = Packet::begin(&dir.path().join("out.tar"), 0o644).unwrap();
        let told = packet.add("log.txt", 10, &mut &b"short"[..]).unwrap_err().to_string();
        assert!(told.contains("log.txt became shorter"), "{told}");
        drop(packet);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
