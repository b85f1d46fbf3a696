//! Files that are either wholly there or not there: an unfinished name beside the place, then onto the disk, renamed, and
//! the folder onto the disk.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::private;

#[cfg(any(test, feature = "faults"))]
pub mod faults;

/// What the disk is about to be asked for, for the tests in which it dies; anywhere else nothing.
#[cfg(not(any(test, feature = "faults")))]
mod faults {
    #![expect(clippy::unnecessary_wraps, reason = "it fails in tests")]

    use std::io;
    use std::path::Path;

    pub(super) fn step() -> io::Result<()> {
        Ok(())
    }

    pub(super) fn written(bytes: &[u8]) -> (&[u8], io::Result<()>) {
        (bytes, Ok(()))
    }

    pub(super) fn renamed(_from: &Path, _to: &Path) {}

    pub(super) fn synced(_dir: &Path) {}

    pub(super) fn is_dead() -> bool {
        false
    }
}

/// What is read and written at once.
const PIECE_BYTES: usize = 1 << 18;

/// Files of this prefix are unfinished and may be deleted whenever no writer is at work.
pub const UNFINISHED_PREFIX: &str = ".tmp-";

/// Replaces the file at `path`, which shows either its former content or all of `bytes`. Nobody but the owner may read it
/// at any time.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    faults::step()?;
    let unfinished = Unfinished::beside(path);
    // The mode of a file that is there already would stay as it is.
    match fs::remove_file(unfinished.path()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => write(unfinished, OpenOptions::new().mode(private::FILE_MODE), bytes),
    }
}

/// Like [`replace`], for what others may read, and where other processes may do the same at the same time.
pub fn replace_shared(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write(Unfinished::of_process(path), OpenOptions::new().mode(0o666), bytes)
}

/// Replaces the file at `path` by all that is read of `from`, piece by piece, with these rights. What another process leaves
/// under the unfinished name is not followed, be it a link.
pub fn replace_from(path: &Path, from: &mut dyn Read, mode: u32) -> io::Result<()> {
    faults::step()?;
    let unfinished = Unfinished::beside(path);
    match fs::remove_file(unfinished.path()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(unfinished.path())?;
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let n = from.read(&mut piece)?;
        if n == 0 {
            break;
        }
        write_all(&mut file, &piece[..n])?;
    }
    // Whatever mask this runs under.
    file.set_permissions(Permissions::from_mode(mode))?;
    unfinished.place()
}

fn write(unfinished: Unfinished, options: &mut OpenOptions, bytes: &[u8]) -> io::Result<()> {
    let mut file = options.write(true).create(true).truncate(true).open(unfinished.path())?;
    write_all(&mut file, bytes)?;
    unfinished.place()
}

/// A file that is made beside its place. Unless it is put there, it is removed.
#[derive(Debug)]
#[must_use = "an unfinished file is removed when it is dropped"]
pub struct Unfinished {
    temporary: PathBuf,
    place: PathBuf,
}

impl Unfinished {
    /// For the only writer of `place`. What a killed writer left is written over.
    pub fn beside(place: &Path) -> Self {
        Self::named(place, "")
    }

    /// For one of several processes that may write `place`.
    pub fn of_process(place: &Path) -> Self {
        Self::named(place, &format!("{}-", std::process::id()))
    }

    fn named(place: &Path, owner: &str) -> Self {
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        Self { temporary: place.with_file_name(format!("{UNFINISHED_PREFIX}{owner}{name}")), place: place.to_owned() }
    }

    /// Where the file is made.
    pub fn path(&self) -> &Path {
        &self.temporary
    }

    /// Puts the finished file in its place and everything onto the disk. It belongs to the owner of what was there, or of the
    /// folder.
    pub fn place(self) -> io::Result<()> {
        faults::step()?;
        let like = if self.place.exists() { &self.place } else { private::folder_of(&self.place) };
        private::share_owner(&self.temporary, like)?;
        File::open(&self.temporary)?.sync_all()?;
        rename(&self.temporary, &self.place)?;
        sync_dir_of(&self.place)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // After the rename there is nothing; a rest that cannot be removed only takes space.
        if !faults::is_dead() {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Moves a finished file to `path`, by rename or, across file systems, by a copy.
pub fn move_file(from: &Path, path: &Path) -> io::Result<()> {
    File::open(from)?.sync_all()?;
    match rename(from, path) {
        Ok(()) => sync_dir_of(path),
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            let copy = Unfinished::beside(path);
            fs::copy(from, copy.path())?;
            copy.place()?;
            fs::remove_file(from)
        }
        Err(error) => Err(error),
    }
}

/// Gives a file or folder another name. That is on the disk once the folder is: [`sync_dir`].
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    faults::step()?;
    faults::renamed(from, to);
    fs::rename(from, to)
}

/// Removes a file.
pub fn remove_file(path: &Path) -> io::Result<()> {
    faults::step()?;
    fs::remove_file(path)
}

/// Removes a folder with all that is in it.
pub fn remove_dir_all(path: &Path) -> io::Result<()> {
    faults::step()?;
    fs::remove_dir_all(path)
}

/// Puts a folder's entries onto the disk.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    faults::step()?;
    File::open(dir)?.sync_all()?;
    faults::synced(dir);
    Ok(())
}

/// Writes a line behind those of a file, unless it is the last one already. Half a line that a kill left is cut off. Nobody
/// but the owner may read the file.
pub fn append_line(path: &Path, line: &[u8]) -> io::Result<()> {
    faults::step()?;
    let mut file = OpenOptions::new().append(true).create(true).mode(private::FILE_MODE).open(path)?;
    let kept = fs::read(path)?;
    if kept.is_empty() {
        private::share_owner(path, private::folder_of(path))?;
    }
    let whole = kept.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    if whole < kept.len() {
        file.set_len(whole as u64)?;
    }
    let last = kept[..whole].strip_suffix(b"\n").and_then(|lines| lines.rsplit(|byte| *byte == b'\n').next());
    if last != Some(line) {
        write_all(&mut file, &[line, b"\n"].concat())?;
    }
    faults::step()?;
    file.sync_all()?;
    sync_dir_of(path)
}

fn write_all(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    let (bytes, outcome) = faults::written(bytes);
    file.write_all(bytes)?;
    outcome
}

/// Puts the entry of `path` onto the disk.
fn sync_dir_of(path: &Path) -> io::Result<()> {
    sync_dir(private::folder_of(path))
}

/// Makes a folder and those above it, for their owner alone, and puts the new entries, which are below `root`, onto the disk.
pub fn create_dirs(dir: &Path, root: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    private::create_dirs(dir)?;
    for parent in dir.ancestors().skip(1).take_while(|p| p.starts_with(root)) {
        sync_dir(parent)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};

    use super::*;

    /// Leaves an unfinished file that everybody may read, as a killed writer does.
    fn leave_rest(path: &Path) {
        let rest = Unfinished::beside(path);
        fs::write(rest.path(), b"long rubbish").unwrap();
        fs::set_permissions(rest.path(), Permissions::from_mode(0o644)).unwrap();
        std::mem::forget(rest);
    }

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned());
        entries.collect()
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_file_belongs_to_who_owned_it_before_or_owns_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let (new, kept, line) = (dir.path().join("new"), dir.path().join("kept"), dir.path().join("line"));
        fs::write(&kept, b"by somebody else").unwrap();
        // Only root can give something away; whoever else runs this owns all.
        let _ = chown(dir.path(), Some(65_534), Some(65_534));
        let _ = chown(&kept, None, Some(65_533));
        let owner = |path: &Path| fs::metadata(path).map(|meta| (meta.uid(), meta.gid())).unwrap();
        let before = owner(&kept);
        replace(&new, b"x").unwrap();
        replace_shared(&kept, b"x").unwrap();
        append_line(&line, b"x").unwrap();
        assert_eq!((owner(&new), owner(&line), owner(&kept)), (owner(dir.path()), owner(dir.path()), before));
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_leaves_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.json");
        leave_rest(&path);
        for write in [replace, replace_shared] {
            write(&path, b"first").unwrap();
            write(&path, b"new").unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"new");
        }
        assert_eq!(names(dir.path()), ["state.json"]);
    }

    #[test]
    fn a_failed_write_leaves_the_former_content_and_no_rest() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("inside"), b"kept").unwrap();
        for write in [replace, replace_shared] {
            assert!(write(&path, b"new").is_err(), "a folder cannot be replaced by a file");
        }
        assert_eq!(fs::read(path.join("inside")).unwrap(), b"kept");
        assert_eq!(names(dir.path()), ["x"]);
        assert!(replace(&dir.path().join("no-such-folder/x"), b"new").is_err());
    }

    #[test]
    fn a_file_is_for_its_owner_whatever_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        replace_shared(&path, b"open").unwrap();
        assert_ne!(mode(&path), 0o600);
        leave_rest(&path);
        replace(&path, b"secret").unwrap();
        assert_eq!((fs::read(&path).unwrap(), mode(&path)), (b"secret".to_vec(), 0o600));
    }

    #[test]
    fn what_is_read_elsewhere_replaces_a_file_with_its_rights_and_follows_no_link() {
        let dir = tempfile::tempdir().unwrap();
        let (path, trap) = (dir.path().join("program"), dir.path().join("trap"));
        fs::write(&trap, b"untouched").unwrap();
        std::os::unix::fs::symlink(&trap, dir.path().join(format!("{UNFINISHED_PREFIX}program"))).unwrap();
        let long = vec![7; 3 * PIECE_BYTES + 1];
        replace_from(&path, &mut &long[..], 0o755).unwrap();
        assert_eq!((fs::read(&path).unwrap(), mode(&path)), (long, 0o755));
        assert_eq!(fs::read(&trap).unwrap(), b"untouched");
    }

    #[test]
    fn what_is_not_put_in_place_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let unfinished = Unfinished::beside(&dir.path().join("clip.mp4"));
        fs::write(unfinished.path(), b"half").unwrap();
        drop(unfinished);
        assert_eq!(names(dir.path()), [""; 0]);
    }

    #[test]
    fn a_file_is_moved_and_folders_are_made() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("a"), dir.path().join("b/c/d"));
        create_dirs(to.parent().unwrap(), dir.path()).unwrap();
        fs::write(&from, b"clip").unwrap();
        move_file(&from, &to).unwrap();
        assert_eq!((fs::read(&to).unwrap(), from.exists()), (b"clip".to_vec(), false));
        assert!(move_file(&from, &to).is_err());
        assert_eq!(fs::read(&to).unwrap(), b"clip");
    }
}
