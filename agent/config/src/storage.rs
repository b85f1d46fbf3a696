//! `[storage]`: where evidence and reports are kept, and how much of it.

pub(crate) mod footage;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::check::{Check, unwritten};
use crate::storage_dir::StorageDir;

pub(crate) const EXAMPLE: &str = r#"[storage]
dir = "forewarn-data"            # evidence, outbox and all that is remembered
max_days = 30                    # evidence is deleted after this, once upstream has acknowledged it
max_gib = 20.0                   # and beyond this, oldest closed incident first
min_free_gib = 1.0               # below this it is deleted even unacknowledged, and that is reported
outbox_mib = 512                 # reports kept while upstream is away
"#;

const MIB: f64 = 1024.0 * 1024.0;
pub(crate) const GIB: f64 = 1024.0 * MIB;
/// More than any disk of a gateway holds.
pub(crate) const DISK_GIB: f64 = 1e6;

/// `[storage]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawStorage {
    /// Directory of evidence and outbox, relative to the site file.
    pub dir: PathBuf,
    /// Evidence older than this is deleted once upstream has acknowledged it, in days.
    pub max_days: u32,
    /// Evidence beyond this is deleted, oldest first, once upstream has acknowledged it, in GiB.
    #[schemars(with = "f64")]
    pub max_gib: Spanned<f64>,
    /// Below this free space evidence is deleted even if it was not acknowledged, in GiB.
    #[schemars(with = "f64")]
    pub min_free_gib: Spanned<f64>,
    /// Bound of the outbox while upstream is away, in MiB.
    #[schemars(with = "f64")]
    pub outbox_mib: Spanned<f64>,
}

impl Default for RawStorage {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("forewarn-data"),
            max_days: 30,
            max_gib: unwritten(20.0),
            min_free_gib: unwritten(1.0),
            outbox_mib: unwritten(512.0),
        }
    }
}

/// What is kept on disk.
#[derive(Debug, Clone)]
pub struct Storage {
    /// The directory, and what lies where in it.
    pub dir: StorageDir,
    /// Bound of evidence in days.
    pub max_days: u32,
    /// Bound of evidence in bytes.
    pub max_bytes: u64,
    /// Free space that is always left, in bytes.
    pub min_free_bytes: u64,
    /// Bound of the outbox in bytes.
    pub outbox_bytes: u64,
}

impl RawStorage {
    pub(crate) fn check(&self, check: &mut Check<'_>) -> Option<Storage> {
        let max_gib = check.number(&self.max_gib, 0.01..=DISK_GIB, "GiB");
        let min_free_gib = check.number(&self.min_free_gib, 0.0..=DISK_GIB, "GiB");
        let outbox_mib = check.number(&self.outbox_mib, 1.0..=1e6, "MiB");
        Some(Storage {
            dir: StorageDir::new(check.path(&self.dir).components().collect::<PathBuf>()),
            max_days: self.max_days,
            max_bytes: (max_gib? * GIB) as u64,
            min_free_bytes: (min_free_gib? * GIB) as u64,
            outbox_bytes: (outbox_mib? * MIB) as u64,
        })
    }
}
