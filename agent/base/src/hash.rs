//! SHA-256 of files, and the check that a file is the one that was pinned.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

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

/// Size and hash of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// The size.
    pub bytes: u64,
    /// The hash as 64 lower-case hexadecimal digits.
    pub sha256: String,
}

/// The hash of some bytes as 64 lower-case hexadecimal digits.
pub fn sha256_of_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Size and hash of a file, read in pieces.
pub fn digest_of_file(path: &Path) -> io::Result<Digest> {
    digest_of(&mut File::open(path)?)
}

/// Size and hash of all that can be read, in pieces.
pub fn digest_of(from: &mut dyn Read) -> io::Result<Digest> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        let n = from.read(&mut buffer)?;
        if n == 0 {
            return Ok(Digest { bytes, sha256: hex(&hasher.finalize()) });
        }
        hasher.update(&buffer[..n]);
        bytes += n as u64;
    }
}

/// Checks a file against a pinned hash.
pub fn verify(path: &Path, expected: &str) -> Result<(), HashError> {
    let digest = digest_of_file(path).map_err(|source| HashError::Io { path: path.to_owned(), source })?;
    if digest.sha256 == expected {
        return Ok(());
    }
    Err(HashError::Mismatch { path: path.to_owned(), expected: expected.to_owned(), found: digest.sha256 })
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of FIPS 180-4 for "abc".
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn hashes_agree_with_the_published_example() {
        assert_eq!(sha256_of_bytes(b"abc"), ABC);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        std::fs::write(&path, b"abc").unwrap();
        assert_eq!(digest_of_file(&path).unwrap(), Digest { bytes: 3, sha256: ABC.to_owned() });
        // More than one piece.
        let long = vec![7; 200_000];
        std::fs::write(&path, &long).unwrap();
        assert_eq!(digest_of_file(&path).unwrap(), Digest { bytes: 200_000, sha256: sha256_of_bytes(&long) });
    }

    #[test]
    fn a_changed_file_is_named_with_both_hashes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("weights.onnx");
        std::fs::write(&path, b"abc").unwrap();
        verify(&path, ABC).unwrap();
        let wrong = "00".repeat(32);
        let text = verify(&path, &wrong).unwrap_err().to_string();
        assert!(text.contains("weights.onnx") && text.contains(ABC) && text.contains(&wrong), "{text}");
    }
}
