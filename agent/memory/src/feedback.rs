//! What operators said of incidents, a line each, only ever appended. The last word on an incident counts.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use forewarn_base::durable;
use forewarn_domain::{IncidentId, IncidentRecord};
use serde::{Deserialize, Serialize};

/// What an operator says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opinion {
    /// It was what it was reported as.
    True,
    /// It was not.
    FalseAlarm,
}

impl Opinion {
    /// The word used in files and folders.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "true",
            Self::FalseAlarm => "false_alarm",
        }
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Feedback {
    /// When it was said, RFC 3339.
    pub said_at: String,
    /// What was said.
    pub opinion: Opinion,
    /// In the operator's words.
    #[serde(default)]
    pub note: String,
    /// The incident as it was then, so that the line tells all when the incident is long forgotten.
    pub incident: IncidentRecord,
}

/// The file failed.
#[derive(Debug, thiserror::Error)]
#[error("failed to {what} {}: {source}", path.display())]
pub struct FeedbackError {
    what: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// Adds a line and syncs it to disk.
pub fn append(path: &Path, feedback: &Feedback) -> Result<(), FeedbackError> {
    let write = || durable::append_line(path, &serde_json::to_vec(feedback)?);
    write().map_err(|source| FeedbackError { what: "append to", path: path.to_owned(), source })
}

/// The last word on each incident. A torn line, as of a kill, is passed over.
pub fn read(path: &Path) -> Result<BTreeMap<IncidentId, Feedback>, FeedbackError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(source) => return Err(FeedbackError { what: "read", path: path.to_owned(), source }),
    };
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Feedback>(line).ok());
    Ok(lines.map(|feedback| (feedback.incident.id.clone(), feedback)).collect())
}
