//! `suppressions.json` in the storage directory: the instances that are passed over.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use forewarn_analytics::suppression::Suppression;
use forewarn_base::durable;
use forewarn_domain::Timestamp;

/// The file of a storage directory.
pub fn file(storage: &Path) -> PathBuf {
    storage.join("suppressions.json")
}

/// Reads the list; empty if there is no file.
pub fn read(path: &Path) -> anyhow::Result<Vec<Suppression>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("failed to read {}", path.display())),
    };
    serde_json::from_str(&text)
        .with_context(|| format!("failed to read {}; mend it, or delete it to suppress nothing", path.display()))
}

/// Replaces the list, in one step.
pub fn write(path: &Path, list: &[Suppression]) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(list)?;
    durable::replace(path, text.as_bytes()).with_context(|| format!("failed to write {}", path.display()))
}

/// Notices when the file is changed while the agent runs.
#[derive(Debug)]
pub struct SuppressionsFile {
    path: PathBuf,
    seen: Option<SystemTime>,
    looked_at: Option<Timestamp>,
}

/// How often the file is looked at.
const EVERY: Duration = Duration::from_secs(2);

impl SuppressionsFile {
    /// Watches the file of a storage directory; what is there already counts as a change.
    pub fn new(storage: &Path) -> Self {
        Self { path: file(storage), seen: None, looked_at: None }
    }

    /// The list, if it has changed since the last call. A file that cannot be read is told once and changes nothing.
    pub fn changed(&mut self, now: Timestamp) -> Option<Vec<Suppression>> {
        if self.looked_at.is_some_and(|before| now.since(before) < EVERY) {
            return None;
        }
        self.looked_at = Some(now);
        let modified = fs::metadata(&self.path).and_then(|meta| meta.modified()).ok();
        if modified == self.seen {
            return None;
        }
        self.seen = modified;
        match read(&self.path) {
            Ok(list) => Some(list),
            Err(error) => {
                tracing::error!("{error:#}; what was suppressed before stays so");
                None
            }
        }
    }
}
