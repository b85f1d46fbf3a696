//! Footage file by file, to be played one after the other without a copy of it all.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use forewarn_domain::{StreamId, WallTime};

use super::cut::CutError;
use super::keep;
use super::read::contents;

/// A file of footage that can be played to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The file.
    pub path: PathBuf,
    /// When its first picture was taken.
    pub from: WallTime,
    /// When its last one was over.
    pub to: WallTime,
}

/// The files of `camera` with anything between `from` and `to`, in order: the first may begin before. The last may be growing, so that what is whole of it is
/// copied into the file `last`.
pub fn parts(
    root: &Path,
    camera: &StreamId,
    (from, to): (WallTime, WallTime),
    last: &Path,
) -> Result<Vec<Part>, CutError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| CutError::Io { path, source }
    };
    let files = keep::files(root, camera.as_str()).map_err(at(root))?;
    let n = files.len();
    let mut found = Vec::new();
    // The one before the first that begins later goes on beyond the beginning, or ends before it.
    let before = files.partition_point(|(_, begun)| *begun <= from).saturating_sub(1);
    for (i, (path, _)) in files.into_iter().enumerate().skip(before).take_while(|(_, (_, begun))| *begun < to) {
        let is_last = i + 1 == n;
        let contents = match contents(&path) {
            // The oldest file goes while it is looked for.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            contents => contents.map_err(at(&path))?,
        };
        let (Some(first), Some(end)) = (contents.fragments.first(), contents.fragments.last()) else { continue };
        if end.until() <= from {
            continue;
        }
        if is_last {
            copy(&path, contents.whole_bytes, last).map_err(at(last))?;
        }
        let path = if is_last { last.to_owned() } else { path };
        found.push(Part { path, from: first.taken.wall, to: end.until() });
    }
    if found.is_empty() {
        return Err(CutError::Nothing { camera: camera.clone(), from, to });
    }
    Ok(found)
}

fn copy(from: &Path, bytes: u64, to: &Path) -> io::Result<u64> {
    io::copy(&mut File::open(from)?.take(bytes), &mut File::create(to)?)
}
