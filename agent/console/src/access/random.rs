//! Bytes that nobody can guess.

use std::fmt::Write as _;

use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom as _, SystemRandom};

/// So many of them.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // The system's generator fails where there is none; a process without it has begun to serve nobody.
    if SystemRandom::new().fill(&mut bytes).is_err() {
        tracing::error!(
            "the system gives no random bytes; the process ends rather than to hand out what can be guessed"
        );
        std::process::abort();
    }
    bytes
}

/// A token of 256 bits.
pub(crate) fn token() -> String {
    hex(&bytes::<32>())
}

/// What is kept of a token, so that whoever reads the memory or a file of the agent cannot use it.
pub(crate) fn fingerprint(token: &str) -> String {
    hex(digest(&SHA256, token.as_bytes()).as_ref())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
