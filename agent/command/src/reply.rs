//! What is answered to a command.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was let in, and could not be done.
    Failed,
    /// It was not let in, and nothing came of it.
    Refused,
}

impl Outcome {
    /// The word used in files and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }
}

/// The answer to one message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// The command's id; null where the message has none.
    pub id: Option<String>,
    /// The site that answers.
    pub site: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it was not done; null where it was.
    pub why: Option<String>,
    /// What was found; null where nothing was asked for, or nothing came of it.
    pub found: Value,
}
