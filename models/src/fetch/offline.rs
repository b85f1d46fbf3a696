//! The store in one file, for a box without a network: what this program pins, and nothing else.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use forewarn_base::hash;
use forewarn_base::packet::Packet;
use tar::Archive;

use super::{FetchError, Fetcher, manifest};
use crate::cards;

/// No file of the store is larger.
const MOST_BYTES: u64 = 2 << 30;
/// What archives consist of.
const BLOCK_BYTES: u64 = 512;
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
        let nothing = || FetchError::NothingToPack(self.store.root().to_owned());
        if !self.store.root().is_dir() {
            return Err(nothing());
        }
        let _lock = self.lock()?;
        let io = |source| FetchError::io("write", out, source);
        let mut packet = Packet::begin(out, READ_MODE).map_err(io)?;
        let mut packed = Vec::new();
        for (name, sha256) in pins()? {
            let path = self.store.path(&name);
            if !path.is_file() || hash::verify(&path, &sha256).is_err() {
                continue;
            }
            let mut file = File::open(&path).map_err(|source| FetchError::io("read", &path, source))?;
            let bytes = file.metadata().map_err(|source| FetchError::io("read", &path, source))?.len();
            packet.add(&name, bytes, &mut file).map_err(io)?;
            self.progress.note(&format!("{name} ({bytes} bytes)"));
            packed.push((name, bytes));
        }
        if packed.is_empty() {
            return Err(nothing());
        }
        packet.finish().map_err(io)?;
        Ok(packed)
    }

    /// Puts what another machine packed into the store, each file checked by the hash that this program pins; says what. What
    /// it does not pin is left out, and that is noted.
    pub fn unpack(&self, from: &Path) -> Result<Vec<String>, FetchError> {
        let io = |source| FetchError::io("read", from, source);
        let (_lock, pins) = (self.lock()?, pins()?);
        let file = forewarn_base::file::open(from).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        let cut = || FetchError::Cut(from.to_owned());
        let mut archive = Archive::new(file);
        let (mut taken, mut end) = (Vec::new(), 0);
        for entry in archive.entries().map_err(io)? {
            let entry = entry.map_err(|error| if length < BLOCK_BYTES + end { cut() } else { io(error) })?;
            end = entry.raw_file_position().saturating_add(entry.size()).next_multiple_of(BLOCK_BYTES);
            if length < end {
                return Err(cut());
            }
            if entry.header().entry_type().is_dir() {
                continue;
            }
            let path = entry.path().map_err(io)?;
            // Whoever packs it by hand as `tar cf models.tar .` has all names begin so.
            let name = path.strip_prefix(".").unwrap_or(&path).to_string_lossy().into_owned();
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
        // A block of noughts ends an archive; without it a copy that broke off between two files would pass for all of it.
        if length < end + BLOCK_BYTES {
            return Err(cut());
        }
        if taken.is_empty() {
            return Err(FetchError::NothingToTake(from.to_owned()));
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
    }

    /// A store with the weights of the cards that are part of the program, and the archive of it.
    fn packed(dir: &Path) -> Vec<u8> {
        let (here, out) = (dir.join("here"), dir.join("models.tar"));
        std::fs::create_dir(&here).unwrap();
        let shipped = cards::BUILTIN.iter().filter_map(|(name, _)| cards::builtin(name).ok());
        shipped.for_each(|card| drop(Store::at(&here).weights(&card)));
        fetcher(&here).pack(&out).unwrap();
        std::fs::read(out).unwrap()
    }

    #[test]
    fn a_copy_that_broke_off_is_told_wherever_it_did() {
        let dir = tempfile::tempdir().unwrap();
        let (bytes, cut, there) = (packed(dir.path()), dir.path().join("cut.tar"), dir.path().join("there"));
        // Two blocks of noughts end an archive, so that without them it ends between two files.
        for length in [700, 512 + 1, bytes.len() / 2, bytes.len() - 1024, 100] {
            std::fs::write(&cut, &bytes[..length]).unwrap();
            let told = fetcher(&there).unpack(&cut).unwrap_err();
            assert!(matches!(told, FetchError::Cut(_)), "{length} of {} bytes: {told}", bytes.len());
        }
        std::fs::write(&cut, &bytes[..bytes.len() - 512]).unwrap();
        assert!(!fetcher(&there).unpack(&cut).unwrap().is_empty(), "one block of noughts says that it is whole");
    }

    #[test]
    fn what_was_packed_by_hand_is_taken_and_of_something_else_it_is_said_so() {
        let dir = tempfile::tempdir().unwrap();
        let expected = packed(dir.path()).len();
        let (by_hand, there) = (dir.path().join("hand.tar"), dir.path().join("there"));
        let run = |arguments: &[&str]| {
            let done = std::process::Command::new("tar").current_dir(dir.path()).args(arguments).status().unwrap();
            assert!(done.success());
        };
        run(&["cf", "hand.tar", "-C", "here", "."]);
        assert!(by_hand.metadata().unwrap().len() as usize >= expected);
        let taken = fetcher(&there).unpack(&by_hand).unwrap();
        assert!(!taken.is_empty() && taken.iter().all(|name| there.join(name).is_file()), "{taken:?}");
        std::fs::write(dir.path().join("holiday.jpg"), "x").unwrap();
        run(&["cf", "other.tar", "holiday.jpg"]);
        let told = fetcher(&there).unpack(&dir.path().join("other.tar")).unwrap_err().to_string();
        assert!(told.contains("holds nothing that this program asks for"), "{told}");
    }

    #[test]
    fn of_a_store_that_is_empty_or_not_there_no_archive_is_made() {
        let dir = tempfile::tempdir().unwrap();
        let (empty, out) = (dir.path().join("empty"), dir.path().join("models.tar"));
        let told = fetcher(&empty).pack(&out).unwrap_err().to_string();
        assert!(told.contains("models fetch") && !empty.exists(), "{told}");
        std::fs::create_dir(&empty).unwrap();
        assert!(matches!(fetcher(&empty).pack(&out), Err(FetchError::NothingToPack(_))));
        assert!(!out.exists());
    }
}
