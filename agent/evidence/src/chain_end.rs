//! How far the chain goes, remembered beside the key.
//!
//! A folder of evidence that was unmounted, moved or put back to an earlier day looks like one in which little or nothing was
//! ever sealed. Were it taken at its word, a second chain would begin with number 1, and nobody would know of the first.

use std::io;

use serde::{Deserialize, Serialize};

use crate::chain_file::HeadFile;
use crate::error::EvidenceError;
use crate::keys::{KeysError, Signing};
use crate::store::EvidenceStore;

/// The file beside the key.
const END: &str = "chain-end.json";

/// The last link that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChainEnd {
    number: u64,
    sha256: String,
}

impl ChainEnd {
    pub(crate) fn of(head: &HeadFile) -> Self {
        Self { number: head.number, sha256: head.sha256.clone() }
    }

    /// Whether a chain that ends like this goes as far. A kill leaves it one link ahead of what is remembered.
    fn is_reached_by(&self, head: Option<&HeadFile>) -> bool {
        head.is_some_and(|head| head.number > self.number || *self == Self::of(head))
    }
}

impl Signing {
    fn kept_end(&self) -> Result<Option<ChainEnd>, KeysError> {
        let unread = |error: serde_json::Error| self.failed(END, io::Error::other(error));
        self.read(END)?.map(|text| serde_json::from_str(&text).map_err(unread)).transpose()
    }

    fn keep_end(&self, end: &ChainEnd) -> Result<(), KeysError> {
        let json = serde_json::to_string(end).map_err(|error| self.failed(END, error.into()))?;
        self.write(END, &json)
    }
}

impl EvidenceStore {
    /// Sees that the chain on the disk goes as far as it was made, by this agent or by one before.
    pub fn check_chain(&self) -> Result<(), EvidenceError> {
        if self.signing().is_none() {
            return Ok(());
        }
        let head = crate::chain_file::read_head(self.root());
        self.check_end(head.map_err(EvidenceError::folder("read the chain of seals", self.root()))?.as_ref())
    }

    /// Sees that a chain that ends like this goes as far as it was made.
    pub(crate) fn check_end(&self, head: Option<&HeadFile>) -> Result<(), EvidenceError> {
        let Some(signing) = self.signing() else { return Ok(()) };
        let kept = signing.kept_end()?;
        let remembered = self.chain_end();
        let Some(end) = remembered.clone().or_else(|| kept.clone()) else { return Ok(()) };
        if end.is_reached_by(head) {
            return Ok(());
        }
        if kept != remembered
            && let Some(end) = &remembered
        {
            // The folder of keys went with it; the next start must know, too.
            signing.keep_end(end)?;
        }
        Err(EvidenceError::ChainGone {
            root: self.root().to_owned(),
            number: end.number,
            found: head.map_or(0, |head| head.number),
            marker: signing.keys.join(END),
        })
    }

    /// Remembers a link that was just made.
    pub(crate) fn note_end(&self, head: &HeadFile) -> Result<(), EvidenceError> {
        let end = ChainEnd::of(head);
        self.remember_end(&end);
        self.signing().map_or(Ok(()), |signing| Ok(signing.keep_end(&end)?))
    }
}
