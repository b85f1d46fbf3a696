//! What is kept over a restart: the commands that were let in, and the silences that hold.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use forewarn_base::durable;
use forewarn_domain::WallTime;
use serde::{Deserialize, Serialize};

use crate::configure::Begun;
use crate::gate::Memory;

/// A silence that somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quiet {
    /// The camera.
    pub camera: String,
    /// The zone; every zone of the camera if none.
    #[serde(default)]
    pub zone: Option<String>,
    /// Until when, in seconds since the Unix epoch.
    pub until_s: i64,
}

/// All that is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// What the gate remembers.
    #[serde(flatten)]
    pub memory: Memory,
    /// The silences that hold.
    #[serde(default)]
    pub silences: Vec<Quiet>,
    /// The change of the site file that has not come to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun: Option<Begun>,
}

/// Keeps it; returns when it is on the disk.
pub(crate) type Keep = Box<dyn FnMut(&Kept) -> io::Result<()> + Send>;

/// What the file at `path` keeps, and the way to keep more in it. A damaged one is moved aside: what was let in by now is
/// then not let in again, because nothing is that expires soon.
pub(crate) fn open(path: PathBuf, now: WallTime) -> (Kept, Keep) {
    let kept = match read(&path) {
        Ok(kept) => kept,
        Err(error) => {
            tracing::error!(%error, path = %path.display(), "what commands came lately cannot be read: none is taken that expires within ten minutes");
            let _ = fs::rename(&path, path.with_extension("damaged.json"));
            Kept { memory: Memory::lost(now), ..Kept::default() }
        }
    };
    (kept, Box::new(move |kept| durable::replace(&path, &serde_json::to_vec(kept)?)))
}

fn read(path: &Path) -> io::Result<Kept> {
    match fs::read(path) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Kept::default()),
        Err(error) => Err(error),
    }
}
