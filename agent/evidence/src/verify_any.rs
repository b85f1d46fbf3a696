//! Verification of whatever somebody names: a bundle, or a folder of them.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use forewarn_seal::certificate::{self, CertificateError};
use serde_json::Value;

use crate::copy::{CopyVerification, PAPER, verify_copy};
use crate::manifest::MANIFEST;
use crate::manifest_file::VerifyError;
use crate::record_file::RECORD;
use crate::verify::{Verification, verify_for};
use crate::verify_store::{StoreVerification, verify_store};

/// A file does not say whom to trust.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// It cannot be read.
    #[error("failed to read whom to trust: {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It holds nobody.
    #[error("failed to read whom to trust: {}: {source}", path.display())]
    Nobody {
        /// The file.
        path: PathBuf,
        /// Why.
        source: CertificateError,
    },
}

/// Whom somebody trusts who verifies.
#[derive(Debug, Clone, Default)]
pub struct Trusted {
    signers: Option<certificate::Trusted>,
    stampers: Option<certificate::Trusted>,
}

impl Trusted {
    /// Who must vouch for the keys that signed; nobody need if none is named.
    pub(crate) fn signers(&self) -> Option<&certificate::Trusted> {
        self.signers.as_ref()
    }

    /// Who must vouch for those who stamped times; nobody need if none is named.
    pub(crate) fn stampers(&self) -> Option<&certificate::Trusted> {
        self.stampers.as_ref()
    }

    /// Those of the files, which hold certificates and public keys as PEM: for the keys that signed, and for time stamps.
    pub fn read(signers: &[PathBuf], stampers: &[PathBuf]) -> Result<Self, TrustError> {
        let of = |files: &[PathBuf]| (!files.is_empty()).then(|| Self::of_files(files)).transpose();
        Ok(Self { signers: of(signers)?, stampers: of(stampers)? })
    }

    pub(crate) fn of_files(files: &[PathBuf]) -> Result<certificate::Trusted, TrustError> {
        let mut all = Vec::new();
        for path in files {
            let pem = fs::read(path).map_err(|source| TrustError::File { path: path.clone(), source })?;
            certificate::Trusted::from_pem(&pem).map_err(|source| TrustError::Nobody { path: path.clone(), source })?;
            all.extend(pem);
            all.push(b'\n');
        }
        let nobody = |source| TrustError::Nobody { path: files.first().cloned().unwrap_or_default(), source };
        certificate::Trusted::from_pem(&all).map_err(nobody)
    }
}

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
    if path.join(MANIFEST).exists() || path.join(RECORD).exists() || !path.is_dir() {
        return Ok(Found::Bundle(Box::new(verify_for(path, trusted)?)));
    }
    verify_store(path, trusted).map(Found::Store)
}
