//! One file from which a box is brought back: the site file, violations, databases and what is learned; keys, secrets and
//! evidence only where they are asked for.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use forewarn_base::hash;
use forewarn_base::packet::Packet;
use forewarn_base::private::FILE_MODE;
use forewarn_config::{Site, StorageDir};
use rusqlite::{Connection, OpenFlags};
use serde::{Deserialize, Serialize};
use toml::Table;

use crate::error::UpkeepError;
use crate::secrets;

/// The one layout so far.
pub(crate) const FORMAT: u32 = 1;
/// What a backup says of itself, behind its files.
pub(crate) const INDEX: &str = "backup.json";
pub(crate) const SITE_FILE: &str = "configuration/site.toml";

/// What is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted {
    /// The key by which the device signs evidence.
    pub keys: bool,
    /// What the site file names: passwords, certificates; and the console's accounts and tokens.
    pub secrets: bool,
    /// Evidence, for which the agent must be stopped.
    pub evidence: bool,
}

/// What a backup says of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Index {
    pub(crate) format: u32,
    /// The program that made it.
    pub(crate) forewarn: String,
    pub(crate) site: String,
    pub(crate) files: Vec<Packed>,
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Packed {
    pub(crate) name: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

/// A backup that is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Made {
    /// Files in it.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// Makes a backup of a site.
pub fn make(out: &Path, site: &Site, site_file: &Path, wanted: Wanted) -> Result<Made, UpkeepError> {
    // Bundles grow while the agent runs, and a chain of seals that is copied meanwhile has a torn end.
    let _claim = wanted.evidence.then(|| forewarn_config::claim(&site.storage.dir)).transpose()?;
    let packet = Packet::begin(out, FILE_MODE).map_err(UpkeepError::packed(out))?;
    let mut backup = Backup { packet, out, files: Vec::new() };
    backup.file(SITE_FILE, site_file)?;
    // Where the site has no violation files of its own, this is the folder of the site file, with all else that lies there.
    if site.violations_dir != site.directory {
        backup.folder("configuration/violations", &site.violations_dir)?;
    }
    if wanted.secrets {
        let table = table_of(site_file)?;
        for (n, path) in secrets::files(&table).iter().enumerate() {
            backup.file(&format!("secrets/{n}"), &place_of_secret(&site.directory, path))?;
        }
    }
    let scratch =
        tempfile::tempdir_in(out.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new(".")));
    let scratch = scratch.map_err(UpkeepError::io("write beside", out))?;
    for path in kept(&site.storage.dir, wanted) {
        let name = format!("storage/{}", path.file_name().unwrap_or_default().to_string_lossy());
        if path == site.storage.dir.outbox() && path.exists() {
            backup.file(&name, &copy_of_database(&path, scratch.path())?)?;
        } else if path.is_dir() {
            backup.folder(&name, &path)?;
        } else if path.exists() {
            backup.file(&name, &path)?;
        }
    }
    backup.finish(&site.header.id.to_string())
}

/// What of the storage directory goes into a backup. The console's index is made anew where it is gone.
pub(crate) fn kept(dir: &StorageDir, wanted: Wanted) -> Vec<PathBuf> {
    let mut paths = vec![
        dir.outbox(),
        dir.clock(),
        dir.rules_memory(),
        dir.scenes(),
        dir.suppressions(),
        dir.console_audit(),
        dir.commands(),
        dir.commands_audit(),
        dir.feedback(),
        dir.heat(),
    ];
    paths.extend(wanted.keys.then(|| dir.keys()));
    paths.extend(wanted.evidence.then(|| dir.evidence()));
    let secrets =
        [dir.console_accounts(), dir.console_tokens(), dir.console_certificate(), dir.answer_links(), dir.web_push()];
    paths.extend(secrets.into_iter().filter(|_| wanted.secrets));
    paths
}

pub(crate) fn table_of(site_file: &Path) -> Result<Table, UpkeepError> {
    let text = fs::read_to_string(site_file).map_err(UpkeepError::io("read", site_file))?;
    toml::from_str(&text).map_err(|_| UpkeepError::Unknown(site_file.to_owned()))
}

/// Where a file that the site file names lies: what systemd shows to the service alone lies where root put it.
pub(crate) fn place_of_secret(directory: &Path, written: &Path) -> PathBuf {
    const FOR_SERVICE: &str = "/run/credentials/forewarn.service/site_";
    match written.to_str().and_then(|path| path.strip_prefix(FOR_SERVICE)) {
        Some(name) => Path::new("/etc/forewarn/credentials").join(name),
        None => directory.join(written),
    }
}

/// A copy as of one moment, whoever writes meanwhile.
fn copy_of_database(path: &Path, scratch: &Path) -> Result<PathBuf, UpkeepError> {
    let to = scratch.join("database.sqlite");
    let copied = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).and_then(|connection| {
        connection.busy_timeout(std::time::Duration::from_secs(20))?;
        connection.execute("VACUUM INTO ?1", [to.to_string_lossy()])
    });
    copied.map_err(|error| UpkeepError::Database { path: path.to_owned(), why: error.to_string() })?;
    Ok(to)
}

struct Backup<'a> {
    packet: Packet,
    out: &'a Path,
    files: Vec<Packed>,
}

impl Backup<'_> {
    fn file(&mut self, name: &str, path: &Path) -> Result<(), UpkeepError> {
        // What is replaced meanwhile stays whole in this hand; what grows is taken as long as it is now.
        let read = |error: io::Error| UpkeepError::io("read", path)(error);
        let mut file = File::open(path).map_err(read)?;
        let bytes = file.metadata().map_err(read)?.len();
        let digest = hash::digest_of(&mut io::Read::take(&mut file, bytes)).map_err(read)?;
        io::Seek::rewind(&mut file).map_err(read)?;
        self.packet.add(name, digest.bytes, &mut file).map_err(UpkeepError::packed(self.out))?;
        self.files.push(Packed { name: name.to_owned(), bytes: digest.bytes, sha256: digest.sha256 });
        Ok(())
    }

    /// The files of a folder and of those below it; nothing where there is no such folder.
    fn folder(&mut self, name: &str, path: &Path) -> Result<(), UpkeepError> {
        let Ok(listed) = fs::read_dir(path) else { return Ok(()) };
        let mut paths: Vec<PathBuf> = listed.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let name = format!("{name}/{file_name}");
            if file_name.starts_with('.') || path.is_symlink() {
                continue;
            }
            if path.is_dir() { self.folder(&name, &path)? } else { self.file(&name, &path)? }
        }
        Ok(())
    }

    fn finish(mut self, site: &str) -> Result<Made, UpkeepError> {
        let made = Made { files: self.files.len(), bytes: self.files.iter().map(|file| file.bytes).sum() };
        let forewarn = env!("CARGO_PKG_VERSION").to_owned();
        let index = Index { format: FORMAT, forewarn, site: site.to_owned(), files: self.files };
        let text = serde_json::to_vec(&index).unwrap_or_default();
        let added = self.packet.add(INDEX, text.len() as u64, &mut text.as_slice());
        added.and_then(|()| self.packet.finish()).map_err(UpkeepError::packed(self.out))?;
        Ok(made)
    }
}
