//! Who may read a file: what only its owner should read, and what others may.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;

/// Rights of a file that only its owner may read.
pub const FILE_MODE: u32 = 0o600;
/// Rights of a folder that only its owner may enter.
const FOLDER_MODE: u32 = 0o700;
/// The rights of everybody but the owner.
const OTHERS: u32 = 0o077;

/// What was found of a file or folder that only its owner should read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It is for its owner alone, or it is not there.
    Closed,
    /// Others could read it, with these rights; now they cannot.
    Mended {
        /// The rights that it had.
        mode: u32,
    },
    /// Others may read it, or somebody else owns it, and it cannot be changed.
    Open {
        /// Its rights.
        mode: u32,
        /// The number of its owner.
        owner: u32,
    },
}

/// The rights that others have to a file, as its whole mode; none if it is for its owner alone.
pub fn open_mode(path: &Path) -> io::Result<Option<u32>> {
    let mode = fs::metadata(path)?.mode() & 0o777;
    Ok(Some(mode).filter(|mode| mode & OTHERS != 0))
}

/// The rights of a file, which one that takes its place is to have; `usual` where there is none.
pub fn mode_or(path: &Path, usual: u32) -> u32 {
    fs::metadata(path).map_or(usual, |found| found.mode() & 0o777)
}

/// Takes away the rights that others have to a file or folder, as far as that may be done.
pub fn close(path: &Path) -> io::Result<Found> {
    let meta = match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_symlink() => return Ok(Found::Closed),
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Closed),
        Err(error) => return Err(error),
    };
    let (mode, owner) = (meta.mode() & 0o777, meta.uid());
    let is_ours = owner == rustix::process::geteuid().as_raw();
    if mode & OTHERS == 0 && is_ours {
        return Ok(Found::Closed);
    }
    let is_closed = is_ours && fs::set_permissions(path, Permissions::from_mode(mode & !OTHERS)).is_ok();
    Ok(if is_closed { Found::Mended { mode } } else { Found::Open { mode, owner } })
}

/// Makes a folder and those above it that are not there, for their owner alone: that of the folder in which they are made.
pub fn create_dirs(path: &Path) -> io::Result<()> {
    let made: Vec<&Path> = path.ancestors().take_while(|one| !one.as_os_str().is_empty() && !one.exists()).collect();
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(path)?;
    made.iter().rev().try_for_each(|one| share_owner(one, folder_of(one)))
}

/// Gives what root made to whoever owns another file or folder. An operator types commands as root, and the agent, which runs
/// as a user of its own, must be able to read what they leave for it.
pub fn share_owner(path: &Path, like: &Path) -> io::Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let (own, other) = (fs::symlink_metadata(path)?, fs::metadata(like)?);
    let (uid, gid) = (other.uid(), other.gid());
    if (own.uid(), own.gid()) == (uid, gid) { Ok(()) } else { chown(path, Some(uid), Some(gid)) }
}

/// The folder in which a file or folder lies.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn rights_of_others_are_taken_away_and_those_of_the_owner_stay() {
        let dir = tempfile::tempdir().unwrap();
        let (file, folder) = (dir.path().join("secret"), dir.path().join("a/b"));
        create_dirs(&folder).unwrap();
        assert_eq!((mode(&folder), mode(folder.parent().unwrap())), (0o700, 0o700));
        assert_eq!(close(&folder).unwrap(), Found::Closed);
        fs::write(&file, "x").unwrap();
        for (had, has) in [(0o644, 0o600), (0o755, 0o700), (0o440, 0o400)] {
            fs::set_permissions(&file, Permissions::from_mode(had)).unwrap();
            assert_eq!(open_mode(&file).unwrap(), Some(had));
            assert_eq!((close(&file).unwrap(), mode(&file)), (Found::Mended { mode: had }, has));
            assert_eq!((open_mode(&file).unwrap(), close(&file).unwrap()), (None, Found::Closed));
        }
        assert_eq!(close(&dir.path().join("nothing")).unwrap(), Found::Closed);
    }

    #[test]
    fn what_is_made_belongs_to_who_owns_the_folder_that_it_is_made_in() {
        let dir = tempfile::tempdir().unwrap();
        // Only root can give something away; whoever else runs this owns both.
        let _ = chown(dir.path(), Some(65_534), Some(65_534));
        let owner = |path: &Path| fs::metadata(path).map(|meta| (meta.uid(), meta.gid())).unwrap();
        create_dirs(&dir.path().join("holds/of/today")).unwrap();
        for made in ["holds", "holds/of", "holds/of/today"] {
            assert_eq!(owner(&dir.path().join(made)), owner(dir.path()), "{made}");
        }
    }

    #[test]
    fn what_somebody_else_owns_is_told_and_left_alone() {
        // The root folder belongs to root; as root, a file is given away.
        let dir = tempfile::tempdir().unwrap();
        let given_away = dir.path().join("given");
        fs::write(&given_away, "x").unwrap();
        let path = match std::os::unix::fs::chown(&given_away, Some(65_534), None) {
            Ok(()) => given_away.as_path(),
            Err(_) => Path::new("/"),
        };
        let before = mode(path);
        assert!(matches!(close(path).unwrap(), Found::Open { mode, .. } if mode == before));
        assert_eq!(mode(path), before);
    }
}
