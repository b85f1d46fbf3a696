//! The store in one file, for a box without a network: what this program pins, and nothing else.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use forewarn_base::durable::Unfinished;
use forewarn_base::hash;
use tar::{Archive, Builder, Header};

use super::{FetchError, Fetcher, manifest};
use crate::cards;

/// No file of the store is larger.
const MOST_BYTES: u64 = 2 << 30;
/// Rights of what all may read.
const READ_MODE: u32 = 0o644;

/// Every file of the store whose hash this program knows, with that: libraries for this processor, weights of built-in cards,
/// the demo's clip.
fn pins() -> Result<BTreeMap<String, String>, FetchError> {
    let manifest = manifest::read()?;
    let arch = std::env::consts::ARCH;
    let mut pins = BTreeMap::new();
    pins.extend(manifest.runtime.get(arch).map(|asset| (asset.file().to_owned(), asset.sha256.clone())));
    for asset in manifest.optional_runtime.into_values().filter(|asset| asset.arch == arch) {
        let folder = asset.folder;
        pins.extend(asset.files.into_iter().map(|(file, sha256)| (format!("{folder}/{file}"), sha256)));
    }
    pins.insert(manifest.clip.file, manifest.clip.sha256);
    let built_in = cards::BUILTIN.iter().filter_map(|(name, _)| cards::builtin(name).ok());
    pins.extend(built_in.filter_map(|card| Some((card.weights.file, card.weights.sha256?))));
    Ok(pins)
}

impl Fetcher {
    /// Packs all of the store that is pinned and whole into the file `out`; says what, with its bytes.
    pub fn pack(&self, out: &Path) -> Result<Vec<(String, u64)>, FetchError> {
        let _lock = self.lock()?;
        let io = |source| FetchError::io("write", out, source);
        if out.symlink_metadata().is_ok() {
            return Err(io(std::io::ErrorKind::AlreadyExists.into()));
        }
        let unfinished = Unfinished::of_process(out);
        let mut tar = Builder::new(File::create(unfinished.path()).map_err(io)?);
        let mut packed = Vec::new();
        for (name, sha256) in pins()? {
            let path = self.store.path(&name);
            if !path.is_file() || hash::verify(&path, &sha256).is_err() {
                continue;
            }
            let file = File::open(&path).map_err(|source| FetchError::io("read", &path, source))?;
            let bytes = file.metadata().map_err(|source| FetchError::io("read", &path, source))?.len();
            // The same for everybody, so that the same store makes the same file.
            let mut header = Header::new_gnu();
            header.set_size(bytes);
            header.set_mode(READ_MODE);
            tar.append_data(&mut header, &name, file.take(bytes)).map_err(io)?;
            self.progress.note(&format!("{name} ({bytes} bytes)"));
            packed.push((name, bytes));
        }
        tar.into_inner().map_err(io)?;
        unfinished.place().map_err(io)?;
        Ok(packed)
    }

    /// Puts what another machine packed into the store, each file checked by the hash that this program pins; says what. What
    /// it does not pin is left out, and that is noted.
    pub fn unpack(&self, from: &Path) -> Result<Vec<String>, FetchError> {
        let io = |source| FetchError::io("read", from, source);
        let (_lock, pins) = (self.lock()?, pins()?);
        let mut archive = Archive::new(forewarn_base::file::open(from).map_err(io)?);
        let mut taken = Vec::new();
        for entry in archive.entries().map_err(io)? {
            let entry = entry.map_err(io)?;
            let name = entry.path().map_err(io)?.to_string_lossy().into_owned();
            let Some(sha256) = pins.get(&name) else {
                self.progress.note(&format!("{name}: this program asks for no such file; it is left out"));
                continue;
            };
            let target = self.store.path(&name);
            let what = format!("{name} of {}", from.display());
            if !self.is_there(&target, Some(sha256), &what) {
                let mut bytes = Vec::new();
                entry.take(MOST_BYTES).read_to_end(&mut bytes).map_err(io)?;
                let folder = target.parent().unwrap_or(self.store.root());
                std::fs::create_dir_all(folder).map_err(|source| FetchError::io("create", folder, source))?;
                self.place(&target, &bytes, Some(sha256), &what)?;
            }
            taken.push(name);
        }
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Progress, Store};

    fn fetcher(dir: &Path) -> Fetcher {
        Fetcher::new(Store::at(dir), Progress::Silent)
    }

    #[test]
    fn what_one_machine_packs_another_takes_and_nothing_that_is_not_pinned() {
        let dir = tempfile::tempdir().unwrap();
        let (here, there) = (dir.path().join("here"), dir.path().join("there"));
        std::fs::create_dir(&here).unwrap();
        // One card's weights are part of the program; others are wrong, or nobody's.
        let shipped = cards::BUILTIN.iter().filter_map(|(name, _)| cards::builtin(name).ok());
        let shipped: Vec<_> = shipped.filter_map(|card| Store::at(&here).weights(&card).ok()).collect();
        assert!(!shipped.is_empty());
        std::fs::write(here.join("yolox_nano.onnx"), "broken").unwrap();
        std::fs::write(here.join("mine.onnx"), "mine").unwrap();
        let out = dir.path().join("models.tar");
        let packed = fetcher(&here).pack(&out).unwrap();
        assert_eq!(packed.len(), shipped.len());
        assert!(fetcher(&here).pack(&out).is_err(), "it is there already");
        let taken = fetcher(&there).unpack(&out).unwrap();
        assert_eq!(taken, packed.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>());
        for path in shipped {
            let name = path.file_name().unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(there.join(name)).unwrap());
        }
    }

    #[test]
    fn a_file_that_was_changed_on_the_way_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let here = dir.path().join("here");
        let shipped = cards::BUILTIN.iter().filter_map(|(name, _)| cards::builtin(name).ok());
        std::fs::create_dir(&here).unwrap();
        shipped.for_each(|card| drop(Store::at(&here).weights(&card)));
        let out = dir.path().join("models.tar");
        fetcher(&here).pack(&out).unwrap();
        let mut bytes = std::fs::read(&out).unwrap();
        bytes[2000] ^= 1;
        std::fs::write(&out, &bytes).unwrap();
        let there = dir.path().join("there");
        let told = fetcher(&there).unpack(&out).unwrap_err().to_string();
        assert!(told.contains("sha256"), "{told}");
        std::fs::write(&out, &bytes[..700]).unwrap();
        assert!(fetcher(&there).unpack(&out).is_err());
    }
}
