//! The storage directory when an agent or a command begins to write there: taken for it alone, and closed to others. A disk that refuses keeps
//! nobody from watching and warning; it is told.

use std::fs::{File, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use forewarn_base::file;
use forewarn_base::private::{self, Found};

use crate::storage_dir::StorageDir;

/// The directory, taken until the process ends.
#[derive(Debug)]
pub struct Claim {
    /// The system frees it however the process ends.
    lock: Option<File>,
    /// What must be told.
    pub troubles: Vec<String>,
}

impl Claim {
    /// Whether nobody else can take it meanwhile.
    pub fn is_locked(&self) -> bool {
        self.lock.is_some()
    }
}

/// Another agent has the directory.
#[derive(Debug, thiserror::Error)]
#[error("another agent uses {}; stop it, or give this site its own `[storage] dir`", .0.display())]
pub struct Taken(pub PathBuf);

/// Takes the storage directory for this process alone: two agents would mix up their incidents. Fails only if another
/// agent has it.
pub fn claim(dir: &StorageDir) -> Result<Claim, Taken> {
    let mut troubles = Vec::new();
    if let Err(error) = private::create_dirs(dir.path()) {
        troubles.push(format!("failed to make the storage directory {}: {error}", dir.path().display()));
    }
    // Where no file can be made, the directory itself is held.
    // What stands in the file is the number of whoever holds it, so it is emptied by who holds it and not before.
    let file = File::options().write(true).create(true).truncate(false).mode(private::FILE_MODE).open(dir.lock());
    // Root makes it, too, to restore a box, and an agent that could not open it would hold something else.
    if let Err(error) = private::share_owner(&dir.lock(), dir.path()) {
        tracing::debug!(%error, "the lock does not belong to the owner of its directory");
    }
    let file = file.or_else(|_| File::open(dir.path()));
    let lock = match file.map(|file| (file.try_lock(), file)) {
        Ok((Ok(()), mut file)) => {
            // For `forewarn reload`. Where the directory itself is held, nothing can be written.
            if let Err(error) = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())) {
                tracing::debug!(%error, "the number of this process is not in the lock");
            }
            Some(file)
        }
        Ok((Err(TryLockError::WouldBlock), _)) => {
            return Err(Taken(dir.path().to_owned()));
        }
        Ok((Err(TryLockError::Error(error)), _)) | Err(error) => {
            let path = dir.path().display();
            troubles.push(format!("nothing keeps a second agent from using {path}: failed to lock it: {error}"));
            None
        }
    };
    if dir.unfinished_restore().exists() {
        troubles.push(
            "a backup was being restored here and that was not finished, so files of it lie beside files of before: stop the \
             agent and run `forewarn restore` again, with --over"
                .to_owned(),
        );
    }
    troubles.extend(what_is_kept(dir).iter().filter_map(|path| close(path)));
    Ok(Claim { lock, troubles })
}

/// Whether an agent uses the directory now.
pub fn is_taken(dir: &StorageDir) -> bool {
    file::is_held(&dir.lock())
}

/// What may show people, or tell of them.
fn what_is_kept(dir: &StorageDir) -> Vec<PathBuf> {
    let mut paths = dir.entries();
    paths.extend(["-wal", "-shm"].map(|end| {
        let mut path = dir.outbox().into_os_string();
        path.push(end);
        PathBuf::from(path)
    }));
    paths
}

/// Takes the rights of others away; says what must be told where that is not possible.
fn close(path: &Path) -> Option<String> {
    match private::close(path) {
        Ok(Found::Closed) => None,
        Ok(Found::Mended { mode }) => {
            tracing::warn!("{} could be used by others (mode {mode:o}); now it is for its owner alone", path.display());
            None
        }
        Ok(Found::Open { mode, owner }) => Some(format!(
            "{} belongs to user {owner} with mode {mode:o}: others may use it, or the agent may not; \
             run: chown -R $(id -u) and chmod -R go= on it as the agent's user",
            path.display()
        )),
        Err(error) => Some(format!("failed to see who may use {}: {error}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_directory_is_taken_once_and_what_lay_open_in_it_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let dir = StorageDir::new(folder.path().join("data"));
        private::create_dirs(dir.path()).unwrap();
        fs::write(dir.unfinished_restore(), "").unwrap();
        let told = claim(&dir).unwrap().troubles;
        assert!(told.len() == 1 && told[0].contains("that was not finished"), "{told:?}");
        fs::remove_file(dir.unfinished_restore()).unwrap();
        let first = claim(&dir).unwrap();
        assert_eq!((first.troubles.len(), mode(dir.path()), is_taken(&dir)), (0, 0o700, true));
        assert!(close(&dir.lock()).is_none() && mode(&dir.lock()) == 0o600);
        let refused = claim(&dir).unwrap_err().to_string();
        assert!(refused.starts_with("another agent uses"), "{refused}");
        // `forewarn reload` still finds the one that has it.
        assert_eq!(fs::read_to_string(dir.lock()).unwrap().trim(), std::process::id().to_string());
        drop(first);
        assert!(!is_taken(&dir), "the file is still there, and nobody holds it");
        fs::create_dir(dir.evidence()).unwrap();
        let wal = dir.path().join("outbox.sqlite-wal");
        for path in [&dir.outbox(), &wal, &dir.rules_memory()] {
            fs::write(path, "{}").unwrap();
            fs::set_permissions(path, Permissions::from_mode(0o644)).unwrap();
        }
        fs::set_permissions(dir.evidence(), Permissions::from_mode(0o755)).unwrap();
        assert_eq!(claim(&dir).unwrap().troubles, [""; 0]);
        assert_eq!([mode(&dir.evidence()), mode(&dir.outbox()), mode(&wal)], [0o700, 0o600, 0o600]);
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_told_and_keeps_nobody_from_starting() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        let claimed = claim(&StorageDir::new(folder.path().join("file/data"))).unwrap();
        assert!(!claimed.is_locked());
        assert!(claimed.troubles[0].contains("failed to make the storage directory"), "{claimed:?}");
    }
}
