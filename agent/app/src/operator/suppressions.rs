//! `suppressions.json` in the storage directory: the instances that are passed over.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use forewarn_analytics::suppression::Suppression;
use forewarn_base::durable;
use forewarn_domain::Timestamp;
use forewarn_engine::Engine;

use crate::config::StorageDir;
use crate::keeper::{Due, Keeper};
use crate::telemetry;

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

/// How often the file is looked at.
const EVERY: Duration = Duration::from_secs(2);

/// Passes over what operators suppress while the agent runs.
#[derive(Debug)]
pub struct SuppressionsFile {
    path: PathBuf,
    due: Due,
    seen: Option<SystemTime>,
    trouble: Option<String>,
}

impl SuppressionsFile {
    /// Watches the file of a storage directory; what is there already counts as a change.
    pub fn new(storage: &StorageDir) -> Self {
        Self { path: storage.suppressions(), due: Due::every(EVERY), seen: None, trouble: None }
    }
}

impl Keeper for SuppressionsFile {
    fn name(&self) -> &'static str {
        "suppressions"
    }

    /// Hands the list over if it has changed. A file that cannot be read changes nothing.
    fn turn(&mut self, engine: &mut Engine, now: Timestamp) {
        if !self.due.take(now) {
            return;
        }
        let modified = fs::metadata(&self.path).and_then(|meta| meta.modified()).ok();
        if modified == self.seen {
            return;
        }
        self.seen = modified;
        let list = read(&self.path);
        self.trouble = list.as_ref().err().map(|error| format!("{error:#}; what was suppressed before stays so"));
        if let Ok(list) = list {
            tracing::info!("{} instances are suppressed, {} hits were so far", list.len(), engine.passed_over());
            telemetry::SUPPRESSIONS.of([]).set(list.len() as f64);
            engine.suppress(list);
        }
    }

    fn trouble(&self) -> Option<String> {
        self.trouble.clone()
    }
}
