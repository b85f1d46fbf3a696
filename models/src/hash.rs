//! SHA-256 of files, and the check that a file is the one that was pinned.

use std::fmt::Write;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// A file is not the one that was pinned, or cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// The content differs.
    #[error(
        "`{path}` is not the expected file: its sha256 is {found}, but {expected} is pinned; \
         delete the file and fetch it again, or correct the pinned hash if the change is meant"
    )]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// The pinned hash.
        expected: String,
        /// The file's hash.
        found: String,
    },
    /// The file cannot be read.
    #[error("failed to read `{path}`: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The hash of some bytes as 64 lower-case hexadecimal digits.
pub fn sha256_of_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The hash of a file as 64 lower-case hexadecimal digits.
pub fn sha256_of_file(path: &Path) -> Result<String, HashError> {
    let fail = |source| HashError::Io { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(fail)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let n = file.read(&mut buffer).map_err(fail)?;
        if n == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(&buffer[..n]);
    }
}

/// Checks a file against a pinned hash.
pub fn verify(path: &Path, expected: &str) -> Result<(), HashError> {
    let found = sha256_of_file(path)?;
    if found == expected {
        return Ok(());
    }
    Err(HashError::Mismatch { path: path.to_owned(), expected: expected.to_owned(), found })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_is_named_with_both_hashes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("weights.onnx");
        std::fs::write(&path, b"abc").unwrap();
        // The test vector of FIPS 180-2, appendix B.1.
        let right = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        verify(&path, right).unwrap();
        let wrong = "00".repeat(32);
        let text = verify(&path, &wrong).unwrap_err().to_string();
        assert!(text.contains("weights.onnx") && text.contains(right) && text.contains(&wrong), "{text}");
    }
}
