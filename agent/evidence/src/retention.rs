//! Which folders may go, and which must go so that the disk does not fill.
//!
//! The rules, in this order; within each the oldest folder first (by age of the incident's end, then by id):
//!
//! 1. sealed and acknowledged upstream, and older than `max_days`;
//! 2. sealed and acknowledged, while all folders together exceed `max_bytes`;
//! 3. while the disk has less than `min_free_bytes`: sealed and acknowledged, and when there are none left, sealed
//!    and not acknowledged. The latter is a loss and is told as [`RetentionEvent::DeletedUnacknowledged`].
//!
//! A folder without a manifest belongs to an open incident and is never deleted, and neither is one that somebody holds.

use std::cmp::Reverse;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use forewarn_domain::{IncidentId, WallTime};

/// How much evidence is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Bytes of all folders together.
    pub max_bytes: u64,
    /// Days from the end of an incident.
    pub max_days: u32,
    /// Bytes that must stay free on the disk.
    pub min_free_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_bytes: 20 << 30, max_days: 30, min_free_bytes: 1 << 30 }
    }
}

/// What is known of an incident's reports at the platform above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpstreamState {
    /// Everything reported so far was acknowledged.
    Acknowledged,
    /// Reports wait to be sent or acknowledged.
    Pending,
    /// The outbox knows nothing of the incident; treated as not acknowledged.
    Unknown,
}

/// One folder, as retention sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleInfo {
    /// The incident.
    pub incident: IncidentId,
    /// The folder.
    pub path: PathBuf,
    /// Bytes of its files.
    pub bytes: u64,
    /// Whether it has a manifest; without one the incident is open.
    pub is_sealed: bool,
    /// Whether somebody holds it, so that it may not go.
    pub is_held: bool,
    /// What the clock showed at the incident's last transition; zero if unknown.
    pub ended_at: WallTime,
}

/// Why a folder was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeletedFor {
    /// Older than the limit.
    Age,
    /// All folders together were too large.
    Quota,
    /// The disk was about to fill.
    DiskSpace,
}

impl DeletedFor {
    /// As it is written into the chain.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::Quota => "quota",
            Self::DiskSpace => "disk_space",
        }
    }
}

/// What retention did, or could not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RetentionEvent {
    /// A sealed folder whose reports were acknowledged was deleted.
    Deleted {
        /// The incident.
        incident: IncidentId,
        /// Bytes freed.
        bytes: u64,
        /// Why.
        reason: DeletedFor,
    },
    /// A sealed folder was deleted though its reports were not acknowledged, because the disk was about to fill.
    DeletedUnacknowledged {
        /// The incident.
        incident: IncidentId,
        /// Bytes freed.
        bytes: u64,
    },
    /// The limits are exceeded and nothing more may be deleted.
    StillOver {
        /// Bytes above the quota.
        over_quota_bytes: u64,
        /// Bytes short of what must stay free.
        short_of_free_bytes: u64,
    },
}

/// Reads how much space a disk has.
pub trait FreeSpace {
    /// Bytes that the agent may still write to the file system of `path`.
    fn free_bytes(&self, path: &Path) -> io::Result<u64>;
}

/// The file system's own figure.
#[derive(Debug, Clone, Copy, Default)]
pub struct StatvfsSpace;

impl FreeSpace for StatvfsSpace {
    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(path)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

/// Decides what to delete, in order; the last event may be a [`RetentionEvent::StillOver`].
///
/// `age` tells how long ago the clock showed something, whatever was done to it since.
/// Pure: the same folders, limits, ages, space and answers give the same plan, in whatever order the folders come.
pub(crate) fn plan_retention(
    bundles: &[BundleInfo],
    limits: &Limits,
    age: &dyn Fn(WallTime) -> Duration,
    free_bytes: u64,
    upstream: &dyn Fn(&IncidentId) -> UpstreamState,
) -> Vec<RetentionEvent> {
    let mut sealed: Vec<&BundleInfo> = bundles.iter().filter(|b| b.is_sealed && !b.is_held).collect();
    sealed.sort_by_cached_key(|b| (Reverse(age(b.ended_at)), b.ended_at, &b.incident));
    let (acknowledged, others): (Vec<_>, Vec<_>) =
        sealed.into_iter().partition(|b| upstream(&b.incident) == UpstreamState::Acknowledged);

    let mut total: u64 = bundles.iter().fold(0, |sum, b| sum.saturating_add(b.bytes));
    let mut free = free_bytes;
    let mut events = Vec::new();
    let max_age = Duration::from_secs(u64::from(limits.max_days) * 86_400);
    for bundle in acknowledged {
        let reason = if age(bundle.ended_at) > max_age {
            DeletedFor::Age
        } else if total > limits.max_bytes {
            DeletedFor::Quota
        } else if free < limits.min_free_bytes {
            DeletedFor::DiskSpace
        } else {
            break;
        };
        total = total.saturating_sub(bundle.bytes);
        free = free.saturating_add(bundle.bytes);
        events.push(RetentionEvent::Deleted { incident: bundle.incident.clone(), bytes: bundle.bytes, reason });
    }
    for bundle in others {
        if free >= limits.min_free_bytes {
            break;
        }
        total = total.saturating_sub(bundle.bytes);
        free = free.saturating_add(bundle.bytes);
        events.push(RetentionEvent::DeletedUnacknowledged { incident: bundle.incident.clone(), bytes: bundle.bytes });
    }
    let over_quota_bytes = total.saturating_sub(limits.max_bytes);
    let short_of_free_bytes = limits.min_free_bytes.saturating_sub(free);
    if over_quota_bytes > 0 || short_of_free_bytes > 0 {
        events.push(RetentionEvent::StillOver { over_quota_bytes, short_of_free_bytes });
    }
    events
}
