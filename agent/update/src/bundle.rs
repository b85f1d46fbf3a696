//! The file that carries an update: a tar archive of the manifest, its signature, and the files, in that order. Nothing of
//! the files is looked at before the manifest is found to be signed.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use forewarn_base::hash::Digest;
use forewarn_base::packet::Packet;
use forewarn_seal::key::{DeviceKey, PublicKey};
use tar::Archive;

use crate::error::UpdateError;
use crate::manifest::{Entry, Manifest};

const MANIFEST: &str = "manifest.json";
const SIGNATURE: &str = "manifest.sig";
/// Most bytes of a manifest.
const MOST_MANIFEST_BYTES: u64 = 1 << 20;
/// Rights of what all may read.
const READ_MODE: u32 = 0o644;

/// Packs and signs.
pub fn pack(out: &Path, manifest: &Manifest, files: &[PathBuf], key: &DeviceKey) -> Result<(), UpdateError> {
    let text = manifest.text();
    let signature = key.sign(&Manifest::signed(&text))?;
    // It may be the key, or one of the files that are packed.
    must_be_new(out)?;
    let mut packet = Packet::begin(out, READ_MODE).map_err(UpdateError::io("write", out))?;
    for (name, bytes) in [(MANIFEST, &text), (SIGNATURE, &signature)] {
        packet.add(name, bytes.len() as u64, &mut bytes.as_slice()).map_err(UpdateError::io("write", out))?;
    }
    for (entry, path) in manifest.files.iter().zip(files) {
        let mut file = File::open(path).map_err(UpdateError::io("read", path))?;
        packet.add(&entry.path(), entry.bytes, &mut file).map_err(UpdateError::io("write", out))?;
    }
    packet.finish().map_err(UpdateError::io("write", out))
}

/// Nothing bears the name of a file that is made: what is there is kept.
pub(crate) fn must_be_new(path: &Path) -> Result<(), UpdateError> {
    if path.symlink_metadata().is_err() {
        return Ok(());
    }
    Err(UpdateError::Exists(path.to_owned()))
}

/// Reads a bundle that the holder of `key` signed. `judge` sees the manifest before anything else is read; `take` is given
/// each file in turn. `name` is for messages.
pub fn read(
    from: impl Read,
    name: &str,
    key: &PublicKey,
    judge: impl FnOnce(&Manifest) -> Result<(), UpdateError>,
    mut take: impl FnMut(&Entry, &mut dyn Read) -> Result<(), UpdateError>,
) -> Result<Manifest, UpdateError> {
    let wrong = |why: String| UpdateError::NoBundle(name.to_owned(), why);
    let broken = |error: io::Error| wrong(format!("it cannot be read: {error}"));
    let mut archive = Archive::new(from);
    let mut entries = archive.entries().map_err(broken)?;
    let mut head = |wanted: &str| {
        let entry = entries.next().ok_or_else(|| wrong("it is empty or ends too early".to_owned()))?;
        let entry = entry.map_err(broken)?;
        if entry.path_bytes() != wanted.as_bytes() || entry.size() > MOST_MANIFEST_BYTES {
            return Err(wrong(format!("it does not begin with {MANIFEST} and {SIGNATURE}")));
        }
        let mut bytes = Vec::new();
        entry.take(MOST_MANIFEST_BYTES).read_to_end(&mut bytes).map_err(broken)?;
        Ok(bytes)
    };
    let (text, signature) = (head(MANIFEST)?, head(SIGNATURE)?);
    let manifest = Manifest::read(&text, &signature, key)?;
    judge(&manifest)?;
    for expected in &manifest.files {
        let entry = entries.next().ok_or_else(|| wrong(format!("it ends before {}", expected.path())))?;
        let mut entry = entry.map_err(broken)?;
        if entry.path_bytes() != expected.path().as_bytes() || entry.size() != expected.bytes {
            return Err(wrong(format!("{} is not what was signed", expected.path())));
        }
        let mut noted = Noted { from: &mut entry, failed: None };
        let taken = take(expected, &mut noted);
        // A download that breaks is told as such, and not as a disk that refuses.
        if let Some(error) = noted.failed {
            return Err(broken(error));
        }
        taken?;
    }
    match entries.next() {
        None => Ok(manifest),
        Some(_) => Err(wrong("something that was not signed follows its files".to_owned())),
    }
}

/// Remembers why nothing more could be read.
struct Noted<'a, R> {
    from: &'a mut R,
    failed: Option<io::Error>,
}

impl<R: Read> Read for Noted<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.from.read(into).inspect_err(|error| {
            self.failed = Some(io::Error::new(error.kind(), error.to_string()));
        })
    }
}

/// Whether what was read is the file that was signed.
pub fn is_as_signed(entry: &Entry, found: &Digest, name: &str) -> Result<(), UpdateError> {
    if found.sha256 == entry.sha256 && found.bytes == entry.bytes {
        return Ok(());
    }
    Err(UpdateError::NoBundle(name.to_owned(), format!("{} is not what was signed", entry.path())))
}

/// For which processor a program is, by its ELF header.
pub fn arch_of(program: &Path) -> Result<&'static str, UpdateError> {
    let mut head = [0; 20];
    let read = File::open(program).and_then(|mut file| file.read_exact(&mut head));
    read.map_err(UpdateError::io("read", program))?;
    match (&head[..4], u16::from_le_bytes([head[18], head[19]])) {
        (b"\x7fELF", 0x3e) => Ok("x86_64"),
        (b"\x7fELF", 0xb7) => Ok("aarch64"),
        _ => {
            let what = format!("{} is no program of Linux for x86_64 or aarch64", program.display());
            Err(UpdateError::Bad(what))
        }
    }
}
