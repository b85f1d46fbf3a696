//! Whom somebody trusts who verifies.

use std::fs;
use std::io;
use std::path::PathBuf;

use forewarn_seal::certificate::{self, CertificateError};

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
