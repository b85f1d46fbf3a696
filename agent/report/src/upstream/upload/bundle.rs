//! What lies in a bundle, and what of it goes first.

use std::fs;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use forewarn_base::hash::{digest_of_file, sha256_of_bytes};

use super::Facts;
use crate::upstream::small::small;

/// The largest thumbnail.
const THUMBNAIL_BYTES: usize = 15_000;
/// The last link of the chain of seals: where it is not, this is not the folder of evidence.
const CHAIN: &str = "chain.json";

/// Where bundles lie, here and there.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The folder of all evidence.
    pub(super) root: PathBuf,
    /// What each key begins with.
    pub(super) prefix: String,
}

/// What goes first. Words go whatever the budget says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// JSON, signatures, certificates, time stamps.
    Words,
    /// One small picture.
    Thumbnail,
    /// Pictures.
    Picture,
    /// Clips, and whatever else.
    Clip,
}

/// Where the bytes of a file are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// On the disk.
    File(PathBuf),
    /// Here: it was made of another.
    Made(Vec<u8>),
}

/// A file that is to be brought over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What goes before it.
    pub(super) rank: Rank,
    /// What it is.
    pub(super) facts: Facts,
    /// Where it is.
    pub(super) source: Source,
}

/// A bundle cannot be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shut {
    /// It is not there any more.
    Gone(String),
    /// Its disk is away, or refuses.
    Away(String),
}

impl Place {
    /// All that lies in a bundle now.
    pub(super) fn look(&self, bundle: &str) -> Result<Vec<Wanted>, Shut> {
        let dir = self.root.join(bundle);
        let away = |error: io::Error| Shut::Away(format!("failed to look into {}: {error}", dir.display()));
        let mut paths: Vec<PathBuf> = match fs::read_dir(&dir) {
            Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>().map_err(away)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.root.join(CHAIN).exists() => {
                return Err(Shut::Gone(format!("the bundle {bundle} is not on this box any more")));
            }
            Err(error) => return Err(away(error)),
        };
        paths.retain(|path| is_kept(path));
        paths.sort();
        let mut wanted = Vec::new();
        for path in &paths {
            wanted.push(self.file(bundle, path).map_err(away)?);
        }
        wanted.extend(self.thumbnail(bundle, &paths));
        Ok(wanted)
    }

    fn file(&self, bundle: &str, path: &Path) -> io::Result<Wanted> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let (rank, media_type) = sort_of(&name);
        let digest = digest_of_file(path)?;
        let key = format!("{}{bundle}/{name}", self.prefix);
        let facts = Facts { key, media_type, bytes: digest.bytes, sha256: digest.sha256 };
        Ok(Wanted { rank, facts, source: Source::File(path.to_owned()) })
    }

    /// The marked picture that comes last by its name, small; beside the bundle, which must stay as it was sealed.
    fn thumbnail(&self, bundle: &str, paths: &[PathBuf]) -> Option<Wanted> {
        let is_marked = |path: &&PathBuf| path.to_string_lossy().ends_with("-marked.jpg");
        let newest =
            paths.iter().filter(is_marked).max_by_key(|path| fs::metadata(path).and_then(|f| f.modified()).ok());
        let bytes = small(&fs::read(newest?).ok()?, THUMBNAIL_BYTES)?;
        let facts = Facts {
            key: format!("{}{bundle}.thumbnail.jpg", self.prefix),
            media_type: "image/jpeg",
            bytes: bytes.len() as u64,
            sha256: sha256_of_bytes(&bytes),
        };
        Some(Wanted { rank: Rank::Thumbnail, facts, source: Source::Made(bytes) })
    }
}

/// What is being written begins with a dot; folders are no files.
fn is_kept(path: &Path) -> bool {
    let is_hidden = path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
    !is_hidden && path.is_file()
}

fn sort_of(name: &str) -> (Rank, &'static str) {
    match name.rsplit('.').next().unwrap_or_default() {
        "json" => (Rank::Words, "application/json"),
        "jsonl" => (Rank::Words, "application/jsonl"),
        "sig" | "pem" | "tsr" => (Rank::Words, "application/octet-stream"),
        "jpg" => (Rank::Picture, "image/jpeg"),
        "age" if name.ends_with(".jpg.age") => (Rank::Picture, "application/octet-stream"),
        "mp4" => (Rank::Clip, "video/mp4"),
        _ => (Rank::Clip, "application/octet-stream"),
    }
}

impl Source {
    /// A piece.
    pub(super) fn read(&self, from: u64, bytes: u64) -> io::Result<Vec<u8>> {
        let (start, n) = (usize::try_from(from).unwrap_or(usize::MAX), usize::try_from(bytes).unwrap_or(usize::MAX));
        match self {
            Self::Made(made) => {
                let piece = made.get(start..start.saturating_add(n));
                piece.map(<[u8]>::to_vec).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
            }
            Self::File(path) => {
                let mut file = fs::File::open(path)?;
                file.seek(SeekFrom::Start(from))?;
                let mut piece = vec![0; n];
                file.read_exact(&mut piece)?;
                Ok(piece)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_is_told_as_it_lies_there_and_one_that_is_gone_is_told_from_a_disk_that_is_away() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place { root: dir.path().to_owned(), prefix: "north/".to_owned() };
        let bundle = "2026-01-31/gate-1";
        assert!(matches!(place.look(bundle), Err(Shut::Away(_))), "without the chain this is another folder");
        fs::write(dir.path().join(CHAIN), "{}").unwrap();
        assert!(matches!(place.look(bundle), Err(Shut::Gone(_))));
        let folder = dir.path().join(bundle);
        fs::create_dir_all(folder.join("folder")).unwrap();
        for name in ["escalated.mp4", "incident.json", "manifest.sig", "escalated-marked.jpg", ".tmp-1", "a.jpg.age"] {
            fs::write(folder.join(name), name).unwrap();
        }
        let told: Vec<_> = place.look(bundle).unwrap().into_iter().map(|one| (one.rank, one.facts.key)).collect();
        let key = |name: &str| format!("north/{bundle}/{name}");
        assert_eq!(
            told,
            [
                (Rank::Picture, key("a.jpg.age")),
                (Rank::Picture, key("escalated-marked.jpg")),
                (Rank::Clip, key("escalated.mp4")),
                (Rank::Words, key("incident.json")),
                (Rank::Words, key("manifest.sig")),
                (Rank::Thumbnail, format!("north/{bundle}.thumbnail.jpg")),
            ]
        );
        let source = Source::File(folder.join("incident.json"));
        assert_eq!(source.read(9, 4).unwrap(), b"json");
        assert!(source.read(9, 5).is_err() && Source::Made(vec![1]).read(1, 1).is_err());
    }
}
