//! Verification of whatever somebody names: a bundle, or a folder of them.

use std::fmt;
use std::path::Path;

use serde_json::Value;

use crate::copy::{CopyVerification, PAPER, verify_copy};
use crate::manifest::MANIFEST;
use crate::manifest_file::VerifyError;
use crate::record_file::RECORD;
use crate::trusted::Trusted;
use crate::verify::{Verification, verify_for};
use crate::verify_store::{StoreVerification, verify_store};

/// What was found.
#[derive(Debug)]
pub enum Found {
    /// Of one bundle.
    Bundle(Box<Verification>),
    /// Of a redacted copy.
    Copy(Box<CopyVerification>),
    /// Of a folder of bundles.
    Store(StoreVerification),
}

impl Found {
    /// Whether it is evidence that is as it was sealed. A redacted copy never is.
    pub fn is_intact(&self) -> bool {
        match self {
            Self::Bundle(found) => found.is_intact(),
            Self::Copy(_) => false,
            Self::Store(found) => found.is_intact(),
        }
    }

    /// Whether everything is as it was sealed, or, of a redacted copy, as it was made.
    pub fn holds(&self) -> bool {
        match self {
            Self::Copy(found) => found.is_as_made(),
            _ => self.is_intact(),
        }
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Bundle(found) => found.to_json(),
            Self::Copy(found) => found.to_json(),
            Self::Store(found) => found.to_json(),
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bundle(found) => found.fmt(f),
            Self::Copy(found) => found.fmt(f),
            Self::Store(found) => found.fmt(f),
        }
    }
}

/// Verifies a bundle, a redacted copy of one, or all bundles below a folder and their chain.
pub fn verify_any(path: &Path, trusted: Option<&Trusted>) -> Result<Found, VerifyError> {
    if path.join(PAPER).exists() {
        return Ok(Found::Copy(Box::new(verify_copy(path, trusted.and_then(Trusted::signers))?)));
    }
    if is_bundle(path) || !path.is_dir() {
        return Ok(Found::Bundle(Box::new(verify_for(path, trusted)?)));
    }
    verify_store(path, trusted).map(Found::Store)
}

/// Whether a folder is a bundle, or a redacted copy of one.
pub(crate) fn is_bundle(path: &Path) -> bool {
    [PAPER, MANIFEST, RECORD].iter().any(|name| path.join(name).exists())
}
