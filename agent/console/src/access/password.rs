//! Passwords: how long, how they are kept, and that it takes as long to refuse as to accept.

use argon2::{Algorithm, Argon2, Params, Version};

use super::random;

/// Fewer characters than this are guessed.
const LEAST: usize = 12;
/// More than this is no password, and hashing it takes time.
const MOST: usize = 256;
/// What one guess costs, by OWASP's advice: 19 MiB and two passes.
const COST: Cost = Cost { memory_kib: 19_456, passes: 2, lanes: 1 };
/// Bytes of salt and of hash.
const SALT: usize = 16;
const HASH: usize = 32;

/// A password cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PasswordError {
    /// Too short or too long.
    #[error("a password has {LEAST} to {MOST} characters; three or four words are easy to remember")]
    Length,
    /// The hash failed.
    #[error("the password could not be hashed: {0}; try again")]
    Hash(String),
}

/// What argon2id may take.
#[derive(Debug, Clone, Copy)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// What is kept of a password: argon2id with a salt of its own, in the form `argon2id:KIB:PASSES:LANES:SALT:HASH`.
pub(crate) fn hash(password: &str) -> Result<String, PasswordError> {
    if !(LEAST..=MOST).contains(&password.chars().count()) {
        return Err(PasswordError::Length);
    }
    let salt = random::bytes::<SALT>();
    let hash = argon2id(password, &salt, COST).map_err(|error| PasswordError::Hash(error.to_string()))?;
    let Cost { memory_kib, passes, lanes } = COST;
    Ok(format!("argon2id:{memory_kib}:{passes}:{lanes}:{}:{}", random::hex(&salt), random::hex(&hash)))
}

/// Whether the password is the one that was kept. Without one kept it takes as long and is wrong, so that nobody learns
/// by the time it takes which accounts there are.
pub(crate) fn is_right(password: &str, kept: Option<&str>) -> bool {
    let Some((cost, salt, hash)) = kept.and_then(parse) else {
        drop(argon2id(password, &[0; SALT], COST));
        return false;
    };
    let found = argon2id(password, &salt, cost).unwrap_or_default();
    // All bytes are looked at, however early they differ.
    let differences = found.iter().zip(&hash).fold(0, |sum, (a, b)| sum | (a ^ b));
    found.len() == hash.len() && !found.is_empty() && differences == 0
}

fn argon2id(password: &str, salt: &[u8], cost: Cost) -> Result<Vec<u8>, argon2::Error> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(HASH))?;
    let mut hash = vec![0; HASH];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into(
        password.as_bytes(),
        salt,
        &mut hash,
    )?;
    Ok(hash)
}

fn parse(kept: &str) -> Option<(Cost, Vec<u8>, Vec<u8>)> {
    let mut parts = kept.strip_prefix("argon2id:")?.split(':');
    let mut number = || parts.next()?.parse().ok();
    let cost = Cost { memory_kib: number()?, passes: number()?, lanes: number()? };
    let (salt, hash) = (from_hex(parts.next()?)?, from_hex(parts.next()?)?);
    Some((cost, salt, hash))
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_kept_as_argon2id_and_only_itself_fits() {
        let kept = hash("three wise words").unwrap();
        assert!(kept.starts_with("argon2id:19456:2:1:") && !kept.contains("wise"), "{kept}");
        assert!(is_right("three wise words", Some(&kept)));
        assert!(!is_right("three wise word", Some(&kept)) && !is_right("three wise words", None));
        assert_ne!(kept, hash("three wise words").unwrap(), "each has a salt of its own");
        assert_eq!(hash("short").unwrap_err(), PasswordError::Length);
        for spoilt in ["", "argon2id:19456:2:1::", "argon2id:1:1:1:00:00", "plain"] {
            assert!(!is_right("three wise words", Some(spoilt)), "{spoilt}");
        }
    }
}
