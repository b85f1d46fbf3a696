//! How far the chain goes, remembered beside the key.
//!
//! A folder of evidence that was unmounted, moved or put back to an earlier day looks like one in which little or nothing was
//! ever sealed. Were it taken at its word, a second chain would begin with number 1, and nobody would know of the first.

use std::io;

use serde::{Deserialize, Serialize};

use crate::keys::{KeysError, Signing};

/// The file beside the key.
pub(crate) const END: &str = "chain-end.json";

/// The last link that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChainEnd {
    pub(crate) number: u64,
    pub(crate) sha256: String,
}

impl ChainEnd {
    /// Whether a chain that ends there goes as far. A kill leaves it one link ahead of what is remembered.
    pub(crate) fn is_reached_by(&self, there: &Self) -> bool {
        there.number > self.number || self == there
    }
}

impl Signing {
    pub(crate) fn kept_end(&self) -> Result<Option<ChainEnd>, KeysError> {
        let unread = |error: serde_json::Error| self.failed(END, io::Error::other(error));
        self.read(END)?.map(|text| serde_json::from_str(&text).map_err(unread)).transpose()
    }

    pub(crate) fn keep_end(&self, end: &ChainEnd) -> Result<(), KeysError> {
        let json = serde_json::to_string(end).map_err(|error| self.failed(END, error.into()))?;
        self.write(END, &json)
    }
}
