//! The port to a key that nobody can copy: it lies in a token, which signs for whoever may ask it.

use std::fmt;

/// A token does not do what it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenError {
    /// What failed, why, and what to do.
    pub message: String,
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for TokenError {}

/// An Ed25519 key in a token. The token may go away at any time and come back.
pub trait KeyToken: fmt::Debug + Send + Sync {
    /// The public half.
    fn public(&self) -> Result<[u8; 32], TokenError>;

    /// Makes the key in the token. One that is there already is an error.
    fn make(&self) -> Result<(), TokenError>;

    /// The signature of some bytes.
    fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, TokenError>;
}
