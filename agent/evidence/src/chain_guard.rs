//! Sees that the chain on the disk goes as far as it was made.

use crate::chain_end::{ChainEnd, END};
use crate::chain_file::{HeadFile, read_head};
use crate::error::EvidenceError;
use crate::store::EvidenceStore;

fn end_of(head: &HeadFile) -> ChainEnd {
    ChainEnd { number: head.number, sha256: head.sha256.clone() }
}

impl EvidenceStore {
    /// Sees that the chain on the disk goes as far as it was made, by this agent or by one before.
    pub fn check_chain(&self) -> Result<(), EvidenceError> {
        if self.signing().is_none() {
            return Ok(());
        }
        let head = read_head(self.root());
        self.check_end(head.map_err(EvidenceError::folder("read the chain of seals", self.root()))?.as_ref())
    }

    /// Sees that a chain that ends like this goes as far as it was made.
    pub(crate) fn check_end(&self, head: Option<&HeadFile>) -> Result<(), EvidenceError> {
        let Some(signing) = self.signing() else { return Ok(()) };
        let kept = signing.kept_end()?;
        let remembered = self.chain_end();
        let Some(end) = remembered.clone().or_else(|| kept.clone()) else { return Ok(()) };
        if head.is_some_and(|head| end.is_reached_by(&end_of(head))) {
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
        let end = end_of(head);
        self.remember_end(&end);
        self.signing().map_or(Ok(()), |signing| Ok(signing.keep_end(&end)?))
    }
}
