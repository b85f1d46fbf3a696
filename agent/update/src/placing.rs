//! The files of an update put where they belong, and what lay there put back. Each step may be done any number of times.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use forewarn_base::private::{folder_of, mode_or};
use forewarn_base::{durable, hash};

use crate::error::UpdateError;
use crate::state::{Former, Placed, Slot};

/// Rights of a file where none was.
const USUAL_MODE: u32 = 0o644;
/// Rights of what is kept in a slot.
const KEPT_MODE: u32 = 0o600;

/// What an update brings, as it lies somewhere before anything is in force.
#[derive(Debug, Default)]
pub struct Brought {
    /// The program that will run, and whether it comes with the update; the one that is typed if none.
    pub program: Option<(PathBuf, bool)>,
    /// The site file that will be, if it comes with it.
    pub configuration: Option<PathBuf>,
    /// The violation files that come with it, by name.
    pub violations: Vec<(String, PathBuf)>,
}

/// The file of the update that goes to a place, by its number.
pub(crate) fn file_of(slot: &Path, n: usize) -> PathBuf {
    slot.join("files").join(n.to_string())
}

fn former_of(slot: &Path, n: usize) -> PathBuf {
    slot.join("former").join(n.to_string())
}

/// Keeps what lies in the places of an update, beside it.
pub(crate) fn keep_former(dir: &Path, slot: &mut Slot) -> Result<(), UpdateError> {
    for (n, placed) in slot.placed.iter_mut().enumerate() {
        placed.former = match hash_at(&placed.to)? {
            None => Former::Nothing,
            Some(sha256) => {
                copy(&placed.to, &former_of(dir, n), KEPT_MODE)?;
                hash::verify(&former_of(dir, n), &sha256)?;
                Former::File(sha256)
            }
        };
    }
    Ok(())
}

/// Puts the files of an update into their places, as far as they are not there.
pub(crate) fn put(dir: &Path, slot: &Slot) -> Result<(), UpdateError> {
    for (n, placed) in slot.placed.iter().enumerate() {
        let there = hash_at(&placed.to)?;
        if there.as_deref() == Some(&placed.sha256) {
            continue;
        }
        if former_hash(placed) != there.as_deref() {
            let why = format!("{} was changed while the update began", placed.to.display());
            return Err(UpdateError::Bad(why));
        }
        let folder = folder_of(&placed.to);
        if !folder.is_dir() {
            durable::create_dirs(folder, folder_of(folder)).map_err(UpdateError::io("make", folder))?;
            let all = fs::set_permissions(folder, Permissions::from_mode(0o755));
            all.map_err(UpdateError::io("open to all", folder))?;
        }
        hash::verify(&file_of(dir, n), &placed.sha256)?;
        copy(&file_of(dir, n), &placed.to, mode_or(&placed.to, USUAL_MODE))?;
    }
    Ok(())
}

/// Puts back what lay in the places of an update, the latest first. What somebody has changed since is left; says so.
pub(crate) fn put_back(dir: &Path, slot: &Slot) -> Result<Vec<String>, UpdateError> {
    let mut told = Vec::new();
    for (n, placed) in slot.placed.iter().enumerate().rev() {
        let there = hash_at(&placed.to)?;
        if placed.former == Former::Unknown || there.as_deref() == former_hash(placed) {
            continue;
        }
        if there.as_deref() != Some(&placed.sha256) {
            told.push(format!("{} was changed since the update and is left as it is", placed.to.display()));
            continue;
        }
        if let Former::File(sha256) = &placed.former {
            hash::verify(&former_of(dir, n), sha256)?;
            copy(&former_of(dir, n), &placed.to, mode_or(&placed.to, USUAL_MODE))?;
        } else {
            let removed = durable::remove_file(&placed.to).and_then(|()| durable::sync_dir(folder_of(&placed.to)));
            removed.map_err(UpdateError::io("remove", &placed.to))?;
        }
    }
    Ok(told)
}

fn former_hash(placed: &Placed) -> Option<&str> {
    if let Former::File(sha256) = &placed.former { Some(sha256) } else { None }
}

/// The hash of a file; none if there is none.
fn hash_at(path: &Path) -> Result<Option<String>, UpdateError> {
    match hash::digest_of_file(path) {
        Ok(digest) => Ok(Some(digest.sha256)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(UpdateError::io("read", path)(error)),
    }
}

fn copy(from: &Path, to: &Path, mode: u32) -> Result<(), UpdateError> {
    let mut file = File::open(from).map_err(UpdateError::io("read", from))?;
    durable::replace_from(to, &mut file, mode).map_err(UpdateError::io("write", to))
}
