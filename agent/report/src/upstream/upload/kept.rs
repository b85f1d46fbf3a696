//! How far files have been brought over, and what that has cost, across restarts.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Facts;
use crate::upstream::purse;
use crate::upstream::spending::Spending;

/// Files that are remembered; beyond that the one that was written down first is forgotten, and would be brought over again.
const MOST: usize = 4096;

/// What is remembered of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    /// The version of it, by its hash.
    sha256: String,
    /// What its passage goes on from; the server has it where there is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    goes_on: Option<String>,
    /// When it was written down, as a running number.
    n: u64,
}

/// The content of the file.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Content {
    #[serde(default)]
    files: BTreeMap<String, Known>,
    /// What was spent of the budget.
    #[serde(default)]
    spent: Spending,
}

/// What is remembered of one upstream.
#[derive(Debug, Default)]
pub(super) struct Kept {
    path: PathBuf,
    content: Content,
    /// Whether the disk refused it last.
    is_refused: bool,
}

impl Kept {
    /// Goes on with what the file holds. Without one, or with one that is spoilt, nothing is known.
    pub(super) fn open(path: PathBuf) -> Self {
        let content = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Self { path, content: content.unwrap_or_default(), is_refused: false }
    }

    /// What was spent.
    pub(super) fn spent(&self) -> &Spending {
        &self.content.spent
    }

    /// Whether the server has this version of a file.
    pub(super) fn is_there(&self, facts: &Facts) -> bool {
        self.of(facts).is_some_and(|known| known.goes_on.is_none())
    }

    /// What the passage of this version of a file goes on from.
    pub(super) fn goes_on(&self, facts: &Facts) -> Option<String> {
        self.of(facts)?.goes_on.clone()
    }

    fn of(&self, facts: &Facts) -> Option<&Known> {
        self.content.files.get(&facts.key).filter(|known| known.sha256 == facts.sha256)
    }

    /// Notes how far a file is, or that the server has it, and what was spent. Returns whether that is new.
    pub(super) fn note(&mut self, facts: &Facts, goes_on: Option<String>, spent: Spending) -> bool {
        let before = self.of(facts);
        if before.is_some_and(|known| known.goes_on == goes_on) {
            return false;
        }
        let files = &mut self.content.files;
        let n = files.values().map(|known| known.n).max().unwrap_or_default() + 1;
        files.insert(facts.key.clone(), Known { sha256: facts.sha256.clone(), goes_on, n });
        if files.len() > MOST
            && let Some(first) = files.iter().min_by_key(|(_, known)| known.n).map(|(key, _)| key.clone())
        {
            files.remove(&first);
        }
        self.content.spent = spent;
        true
    }

    /// Writes it down. What the disk refuses costs traffic after a restart, and nothing else.
    pub(super) fn write(&mut self) {
        let written = purse::write(&self.path, &self.content);
        let was_refused = std::mem::replace(&mut self.is_refused, written.is_err());
        if let (Err(error), false) = (written, was_refused) {
            let path = self.path.display();
            tracing::warn!(%path, %error, "how far uploads are is not kept: after a restart some begin again");
        }
    }
}

#[cfg(test)]
mod tests {
    use forewarn_domain::Timestamp;

    use super::*;

    fn facts(key: usize, sha256: &str) -> Facts {
        Facts { key: key.to_string(), media_type: "a/b", bytes: 1, sha256: sha256.to_owned() }
    }

    fn spent() -> Spending {
        Spending::from([(Timestamp::from_micros(5), 7)])
    }

    #[test]
    fn a_version_of_a_file_is_known_after_a_restart_and_no_other_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("uploads/city.json");
        let mut kept = Kept::open(path.clone());
        assert!(kept.note(&facts(1, "a"), Some("half".to_owned()), spent()));
        assert!(!kept.note(&facts(1, "a"), Some("half".to_owned()), Spending::new()), "it is the same");
        assert!(kept.note(&facts(2, "a"), None, spent()));
        kept.write();
        let kept = Kept::open(path.clone());
        assert_eq!(kept.goes_on(&facts(1, "a")).as_deref(), Some("half"));
        assert_eq!((kept.goes_on(&facts(1, "b")), kept.is_there(&facts(1, "a"))), (None, false));
        assert!(kept.is_there(&facts(2, "a")) && !kept.is_there(&facts(2, "b")) && *kept.spent() == spent());
        std::fs::write(&path, "{").unwrap();
        assert!(!Kept::open(path).is_there(&facts(2, "a")));
    }

    #[test]
    fn the_first_is_forgotten_when_there_are_too_many() {
        let mut kept = Kept::default();
        (0..=MOST).for_each(|n| assert!(kept.note(&facts(n, "a"), None, Spending::new())));
        assert!(!kept.is_there(&facts(0, "a")) && kept.is_there(&facts(1, "a")) && kept.is_there(&facts(MOST, "a")));
    }
}
