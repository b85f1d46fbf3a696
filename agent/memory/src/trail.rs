//! Who did what, a line each in a file: in the console, and by commands. What is done with evidence stands in the chain of
//! its seals as well.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use forewarn_base::private;
use forewarn_base::sync::lock;
use serde::{Deserialize, Serialize};

/// A file of this size makes room for a new one; the one before it is kept beside it.
const MOST_BYTES: u64 = 8 * 1024 * 1024;
/// So much of its end is shown.
const SHOWN_BYTES: u64 = 256 * 1024;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// Who: an account, or whoever gave a command; none where nobody is known.
    pub who: Option<String>,
    /// What was done, such as `signed in`.
    pub deed: String,
    /// To what: an incident, a camera, an account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// More of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// The file.
#[derive(Debug)]
pub struct Trail {
    path: PathBuf,
    writing: Mutex<()>,
}

impl Trail {
    /// The file at `path`, which need not be there yet.
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned(), writing: Mutex::new(()) }
    }

    /// Adds a line. A disk that refuses is told in the log and keeps nobody from judging an incident.
    pub fn add(&self, line: &Line) {
        let _one = lock(&self.writing);
        if let Err(error) = self.write(line) {
            tracing::error!(%error, who = ?line.who, deed = line.deed, "the audit log does not say so");
        }
    }

    fn write(&self, line: &Line) -> io::Result<()> {
        if fs::metadata(&self.path).is_ok_and(|meta| meta.len() >= MOST_BYTES) {
            fs::rename(&self.path, self.path.with_extension("1.jsonl"))?;
        }
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        let mut file = OpenOptions::new().create(true).append(true).mode(private::FILE_MODE).open(&self.path)?;
        file.write_all(&text)?;
        file.sync_data()
    }

    /// The latest lines, the latest first; at most `most`.
    pub fn latest(&self, most: usize) -> io::Result<Vec<Line>> {
        let mut file = match fs::File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            file => file?,
        };
        let begin = file.metadata()?.len().saturating_sub(SHOWN_BYTES);
        file.seek(SeekFrom::Start(begin))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        // The first may be the end of a longer one, which is none.
        Ok(text.lines().rev().filter_map(|line| serde_json::from_str(line).ok()).take(most).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kept_in_order_and_the_latest_come_first() {
        let dir = tempfile::tempdir().unwrap();
        let trail = Trail::at(&dir.path().join("audit.jsonl"));
        assert_eq!(trail.latest(5).unwrap(), []);
        for n in 0..4 {
            let (at, deed) = (String::new(), format!("deed {n}"));
            trail.add(&Line { at, who: Some("ann".to_owned()), deed, about: None, detail: None });
        }
        let deeds: Vec<String> = trail.latest(2).unwrap().into_iter().map(|line| line.deed).collect();
        assert_eq!(deeds, ["deed 3", "deed 2"]);
    }
}
