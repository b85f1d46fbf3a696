//! A box brought back from a backup. The whole file is read and checked before anything is written.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use forewarn_base::hash;
use forewarn_base::private::{FILE_MODE, folder_of};
use forewarn_base::{durable, private};
use forewarn_config::source::Source;
use forewarn_config::{Site, StorageDir};
use tar::Archive;
use toml::Table;

use crate::backup::{FORMAT, INDEX, Index, Made, Packed, SITE_FILE, Wanted, kept, place_of_secret};
use crate::error::UpkeepError;
use crate::secrets;

/// Most bytes of a site file or of what a backup says of itself.
const MOST_TEXT_BYTES: u64 = 64 << 20;
/// How names of violation files begin.
const VIOLATIONS: &str = "configuration/violations/";
/// Rights of what all may read.
const READ_MODE: u32 = 0o644;

/// Restores a backup, so that `site_file` is its site file. A box that is in use is refused unless `over`.
pub fn restore(backup: &Path, site_file: &Path, over: bool) -> Result<Made, UpkeepError> {
    let (index, text) = check(backup)?;
    let wrong = |why: String| UpkeepError::NoBackup { path: backup.to_owned(), why };
    let table: Table = toml::from_str(&text).map_err(|error| wrong(format!("its site file is none: {error}")))?;
    let place = Places::of(site_file, &table, &text);
    let _claim = forewarn_config::claim(&place.storage)?;
    let all = Wanted { keys: true, secrets: true, evidence: true };
    let used = std::iter::once(site_file.to_owned()).chain(kept(&place.storage, all)).find(|path| path.exists());
    if let Some(path) = used.filter(|_| !over) {
        return Err(UpkeepError::InUse(path));
    }
    let mark = place.storage.unfinished_restore();
    durable::replace(&mark, b"").map_err(UpkeepError::io("write", &mark))?;
    // The journal of a database that is replaced would be taken for that of the new one; its index is made anew.
    for beside in
        ["outbox.sqlite-wal", "outbox.sqlite-shm", "incidents.sqlite", "incidents.sqlite-wal", "incidents.sqlite-shm"]
    {
        let path = place.storage.path().join(beside);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(UpkeepError::io("remove", path)(error));
            }
            _ => {}
        }
    }
    let cannot = |error: io::Error| wrong(format!("it cannot be read: {error}"));
    let mut archive = Archive::new(File::open(backup).map_err(UpkeepError::io("read", backup))?);
    for entry in archive.entries().map_err(cannot)? {
        let mut entry = entry.map_err(cannot)?;
        let name = entry.path().map_err(cannot)?.to_string_lossy().into_owned();
        let Some(path) = place.of_entry(&name) else { continue };
        private::create_dirs(folder_of(&path)).map_err(UpkeepError::io("make a folder for", &path))?;
        durable::replace_from(&path, &mut entry, mode_of(&name, &path)).map_err(UpkeepError::io("write", path))?;
    }
    durable::remove_file(&mark).map_err(UpkeepError::io("remove", mark))?;
    Ok(Made { files: index.files.len(), bytes: index.files.iter().map(|file| file.bytes).sum() })
}

/// The rights of a restored file. A service that is not root reads its site file and its violations by those of others, so
/// the former stay and the latter are for all; whatever else is new is for its owner alone.
fn mode_of(name: &str, path: &Path) -> u32 {
    let usual = if name.starts_with(VIOLATIONS) { READ_MODE } else { FILE_MODE };
    private::mode_or(path, usual)
}

/// Reads a backup to its end: what it says of itself, and its site file.
fn check(backup: &Path) -> Result<(Index, String), UpkeepError> {
    let wrong = |why: String| UpkeepError::NoBackup { path: backup.to_owned(), why };
    let cannot = |error: io::Error| wrong(format!("it cannot be read: {error}"));
    let file = forewarn_base::file::open(backup).map_err(cannot)?;
    let (mut found, mut site, mut index) = (Vec::new(), None, None);
    let mut archive = Archive::new(file);
    for entry in archive.entries().map_err(cannot)? {
        let mut entry = entry.map_err(cannot)?;
        let name = entry.path().map_err(cannot)?.to_string_lossy().into_owned();
        if name == INDEX {
            let mut text = Vec::new();
            entry.take(MOST_TEXT_BYTES).read_to_end(&mut text).map_err(cannot)?;
            let read: Index = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
            index = Some(read);
            break;
        }
        let digest = if name == SITE_FILE {
            let mut text = String::new();
            entry.take(MOST_TEXT_BYTES).read_to_string(&mut text).map_err(cannot)?;
            let digest = hash::digest_of(&mut text.as_bytes()).map_err(cannot)?;
            site = Some(text);
            digest
        } else {
            hash::digest_of(&mut entry).map_err(cannot)?
        };
        found.push(Packed { name, bytes: digest.bytes, sha256: digest.sha256 });
    }
    let (Some(index), Some(site)) = (index, site) else {
        return Err(wrong("it ends too early, or was made by another program".to_owned()));
    };
    if index.format != FORMAT {
        return Err(wrong(format!("its format is {}, and {FORMAT} is known", index.format)));
    }
    if let Some(file) = index.files.iter().find(|file| !found.contains(file)) {
        return Err(wrong(format!("{} is not as it was packed", file.name)));
    }
    Ok((index, site))
}

/// Where the files of a backup belong.
struct Places {
    site_file: PathBuf,
    directory: PathBuf,
    violations: PathBuf,
    storage: StorageDir,
    secrets: Vec<PathBuf>,
}

impl Places {
    fn of(site_file: &Path, table: &Table, text: &str) -> Self {
        let secrets = secrets::files(table);
        // Where passwords are named that are not there yet, the site cannot be resolved; its folders stand in it all the same.
        let resolved: Option<Site> = forewarn_config::resolve(&Source::new(site_file.display().to_string(), text)).ok();
        let directory = folder_of(site_file).to_owned();
        let named = |table_name: &str, usual: &str| {
            let dir = table.get(table_name).and_then(|table| table.get("dir")).and_then(toml::Value::as_str);
            directory.join(dir.unwrap_or(usual))
        };
        let violations =
            resolved.as_ref().map_or_else(|| named("violations", "violations"), |s| s.violations_dir.clone());
        let storage = resolved.map_or_else(|| StorageDir::new(named("storage", "forewarn-data")), |s| s.storage.dir);
        Self { site_file: site_file.to_owned(), directory, violations, storage, secrets }
    }

    /// Where a file goes; nowhere if its name leads out of its folder, or is unknown.
    fn of_folder(folder: &Path, name: &str) -> Option<PathBuf> {
        let is_inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        (is_inside && !name.is_empty()).then(|| folder.join(name))
    }

    /// The place of a file by its name in the backup.
    fn of_name(&self, name: &str) -> Option<PathBuf> {
        let (folder, rest) = name.split_once('/')?;
        match folder {
            "storage" => Self::of_folder(self.storage.path(), rest),
            "configuration" => Self::of_folder(&self.violations, rest.strip_prefix("violations/")?),
            "secrets" => Some(place_of_secret(&self.directory, self.secrets.get(rest.parse::<usize>().ok()?)?)),
            _ => None,
        }
    }

    fn of_entry(&self, name: &str) -> Option<PathBuf> {
        if name == SITE_FILE { Some(self.site_file.clone()) } else { self.of_name(name) }
    }
}
