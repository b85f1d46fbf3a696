//! Content credentials (C2PA 2.2): what a picture or a clip says of itself wherever it goes, signed by the device's key.
//!
//! A store of one manifest lies in the file: assertions, the claim that holds their hashes, and the signature of the claim.
//! One assertion holds the hash of the file without the store, so that any change of either shows. The boxes are those of
//! JUMBF (ISO/IEC 19566-5), the claim is CBOR (RFC 8949), the signature COSE (RFC 9052).

mod cbor;
mod jpeg;
mod jumbf;
mod manifest;
mod mp4;
mod read;

use std::io;

use serde::Serialize;

use crate::certificate::{CertificateError, Certificates};
use crate::key::{DeviceKey, KeyError};

pub use jpeg::{in_jpeg, of_jpeg};
pub use mp4::{MovieDigest, in_movie, of_movie};
pub use read::{Credentials, Unheld};

/// What was done to make a file, by the names of C2PA 2.2, section 18.15.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A camera took it.
    Captured,
    /// Something was drawn over it.
    Drawn,
    /// A part was cut out of it.
    Cropped,
}

/// What is said of a file.
#[derive(Debug, Clone)]
pub struct Said<'a> {
    /// The file's name.
    pub title: &'a str,
    /// The version of the program that says it.
    pub version: &'a str,
    /// What was done, in order.
    pub actions: &'a [Action],
    /// Names of assertions, in reverse domain form, and their JSON.
    assertions: Vec<(&'a str, Vec<u8>)>,
}

impl<'a> Said<'a> {
    /// Says what was done to make a file.
    pub fn new(title: &'a str, version: &'a str, actions: &'a [Action]) -> Self {
        Self { title, version, actions, assertions: Vec::new() }
    }

    /// Says something more of it, under a name of its own.
    pub fn and<T: Serialize>(mut self, label: &'a str, value: &T) -> Result<Self, CredentialsError> {
        self.assertions.push((label, serde_json::to_vec(value)?));
        Ok(self)
    }
}

/// Who says it.
#[derive(Debug)]
pub struct Signatory<'a> {
    key: &'a DeviceKey,
    certificates: Certificates,
}

impl<'a> Signatory<'a> {
    /// The holder of a key, with its certificate and those of who signed it, as PEM.
    pub fn new(key: &'a DeviceKey, certificates: &str) -> Result<Self, CredentialsError> {
        Ok(Self { key, certificates: Certificates::from_pem(certificates.as_bytes())? })
    }
}

/// A file gets no credentials.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// What is to be said is no JSON.
    #[error("failed to write content credentials: {0}")]
    Unsaid(#[from] serde_json::Error),
    /// The certificate cannot be read.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The key does not sign.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The file is not of its kind.
    #[error("failed to write content credentials: {0}")]
    Unfit(&'static str),
    /// The file cannot be read.
    #[error("failed to read what content credentials are for: {0}")]
    Unread(#[from] io::Error),
}

#[cfg(test)]
mod tests;
