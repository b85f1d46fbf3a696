//! Files for the holder of a key alone, in the format of `age` (age-encryption.org/v1) with X25519 recipients: whoever has only
//! the recipient's word can make them, and nobody but the holder of its identity can open them.
//!
//! There is a crate of the format; it brings its own languages, prompts and ciphers of others, and this is the one thing needed.
//!
//! Source: the format's specification, C2SP age; RFC 7748, RFC 8439, RFC 5869; BIP 173 for the word.

use std::fmt;
use std::io::{self, Read, Write};
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};

/// The first line of a file, and what the recipient's key is bound to.
const VERSION: &str = "age-encryption.org/v1";
const WRAPS: &str = "age-encryption.org/v1/X25519";
/// What a word of a recipient begins with.
const PREFIX: &str = "age";
/// The letters of such a word, by their value.
const LETTERS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
/// What is encrypted at once.
const CHUNK_BYTES: usize = 64 << 10;

/// Who can open what is made for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient([u8; 32]);

/// A word is no recipient.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecipientError {
    /// It is the secret itself.
    #[error(
        "this is a secret identity, which must never be on the box; give its public key, which `age-keygen -y` prints"
    )]
    Secret,
    /// It is something else.
    #[error("no public key of age: it begins with `age1`, has 62 letters and is printed by `age-keygen`")]
    Other,
    /// A letter of it is wrong.
    #[error("a mistyped public key of age: its check letters do not fit; copy it as `age-keygen` prints it")]
    Mistyped,
}

impl FromStr for Recipient {
    type Err = RecipientError;

    fn from_str(word: &str) -> Result<Self, RecipientError> {
        if word.to_ascii_uppercase().starts_with("AGE-SECRET-KEY-") {
            return Err(RecipientError::Secret);
        }
        let letters = word.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix('1')).ok_or(RecipientError::Other)?;
        let value = |letter: u8| LETTERS.iter().position(|known| *known == letter).map(|value| value as u8);
        let values: Vec<u8> = letters.bytes().map(value).collect::<Option<_>>().ok_or(RecipientError::Other)?;
        let (data, _) = values.split_at_checked(values.len().wrapping_sub(6)).ok_or(RecipientError::Other)?;
        // 32 bytes in parts of 5 bits, and four bits over, which are nought.
        if data.len() != 52 {
            return Err(RecipientError::Other);
        }
        let mut key = [0; 32];
        for (n, byte) in key.iter_mut().enumerate() {
            let bit = |at: usize| data[at / 5] >> (4 - at % 5) & 1;
            *byte = (n * 8..n * 8 + 8).fold(0, |sum, at| sum << 1 | bit(at));
        }
        if checksum(&values) != 1 || data[51] & 0x0F != 0 {
            return Err(RecipientError::Mistyped);
        }
        Ok(Self(key))
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bit = |at: usize| self.0.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
        let mut values: Vec<u8> = (0..52).map(|n| (n * 5..n * 5 + 5).fold(0, |sum, at| sum << 1 | bit(at))).collect();
        values.extend([0; 6]);
        let sum = checksum(&values) ^ 1;
        (0..6).for_each(|n| values[52 + n] = (sum >> (5 * (5 - n)) & 31) as u8);
        let letters: String = values.iter().map(|value| char::from(LETTERS[usize::from(*value)])).collect();
        write!(f, "{PREFIX}1{letters}")
    }
}

/// The checksum of BIP 173 over the prefix and these values; 1 if they bear theirs.
fn checksum(values: &[u8]) -> u32 {
    const STEPS: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let high = PREFIX.bytes().map(|letter| letter >> 5);
    let low = PREFIX.bytes().map(|letter| letter & 31);
    high.chain([0]).chain(low).chain(values.iter().copied()).fold(1, |sum, value| {
        let top = sum >> 25;
        let next = (sum & 0x01ff_ffff) << 5 ^ u32::from(value);
        STEPS.iter().enumerate().filter(|(n, _)| top >> n & 1 == 1).fold(next, |sum, (_, step)| sum ^ step)
    })
}

/// A key of so many bytes out of what a key agreement or a file has.
struct Bytes(usize);

impl KeyType for Bytes {
    fn len(&self) -> usize {
        self.0
    }
}

fn derived(secret: &[u8], salt: &[u8], info: &str) -> io::Result<[u8; 32]> {
    let mut key = [0; 32];
    let filled = Salt::new(HKDF_SHA256, salt)
        .extract(secret)
        .expand(&[info.as_bytes()], Bytes(32))
        .and_then(|out| out.fill(&mut key));
    filled.map_err(|_| refused())?;
    Ok(key)
}

fn cipher(key: &[u8; 32]) -> io::Result<LessSafeKey> {
    UnboundKey::new(&CHACHA20_POLY1305, key).map(LessSafeKey::new).map_err(|_| refused())
}

fn refused() -> io::Error {
    io::Error::other("the cipher refused its key")
}

fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("the system gives no random numbers"))?;
    Ok(bytes)
}

/// Writes all that is read of `plain` to `sealed`, for the recipient alone.
pub fn seal(recipient: &Recipient, plain: &mut impl Read, sealed: &mut impl Write) -> io::Result<()> {
    let file_key: [u8; 16] = random()?;
    let header = header(recipient, &file_key)?;
    let mac_key = hmac::Key::new(hmac::HMAC_SHA256, &derived(&file_key, &[], "header")?);
    let mac = hmac::sign(&mac_key, header.as_bytes());
    writeln!(sealed, "{header} {}", STANDARD_NO_PAD.encode(mac.as_ref()))?;
    let nonce: [u8; 16] = random()?;
    sealed.write_all(&nonce)?;
    let cipher = cipher(&derived(&file_key, &nonce, "payload")?)?;
    let (mut chunk, mut next) = (read_chunk(plain)?, Vec::new());
    let mut counter = 0_u64;
    loop {
        // A full chunk is the last one only if nothing comes behind it.
        if chunk.len() == CHUNK_BYTES {
            next = read_chunk(plain)?;
        }
        let is_last = next.is_empty();
        let mut bytes = [0; 12];
        bytes[3..11].copy_from_slice(&counter.to_be_bytes());
        bytes[11] = u8::from(is_last);
        let nonce = Nonce::assume_unique_for_key(bytes);
        cipher.seal_in_place_append_tag(nonce, Aad::empty(), &mut chunk).map_err(|_| refused())?;
        sealed.write_all(&chunk)?;
        if is_last {
            return Ok(());
        }
        (chunk, counter) = (std::mem::take(&mut next), counter + 1);
    }
}

/// The header up to where its own check stands.
fn header(recipient: &Recipient, file_key: &[u8; 16]) -> io::Result<String> {
    let random = SystemRandom::new();
    let own = EphemeralPrivateKey::generate(&X25519, &random).map_err(|_| refused())?;
    let share = own.compute_public_key().map_err(|_| refused())?;
    let salt = [share.as_ref(), &recipient.0].concat();
    let theirs = UnparsedPublicKey::new(&X25519, recipient.0);
    let wrapping = agree_ephemeral(own, &theirs, |shared| derived(shared, &salt, WRAPS));
    let wrapping = wrapping.map_err(|_| io::Error::other("the public key of age is none that can be used"))??;
    let mut wrapped = file_key.to_vec();
    let nonce = Nonce::assume_unique_for_key([0; 12]);
    cipher(&wrapping)?.seal_in_place_append_tag(nonce, Aad::empty(), &mut wrapped).map_err(|_| refused())?;
    let (share, wrapped) = (STANDARD_NO_PAD.encode(share.as_ref()), STANDARD_NO_PAD.encode(wrapped));
    Ok(format!("{VERSION}\n-> X25519 {share}\n{wrapped}\n---"))
}

fn read_chunk(plain: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut chunk = Vec::with_capacity(CHUNK_BYTES + 16);
    plain.take(CHUNK_BYTES as u64).read_to_end(&mut chunk)?;
    Ok(chunk)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    /// A key pair of Debian's `age-keygen`: the identity and its recipient.
    fn key_pair() -> (String, Recipient) {
        let made = Command::new("age-keygen").stderr(Stdio::null()).output().expect("age is installed by xtask setup");
        let identity = String::from_utf8(made.stdout).unwrap();
        let word = identity.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap();
        (identity.clone(), word.parse().unwrap())
    }

    #[test]
    fn the_holder_of_the_identity_opens_files_of_any_length_with_age_and_nobody_else_does() {
        let dir = tempfile::tempdir().unwrap();
        let (identity, recipient) = key_pair();
        let (other, _) = key_pair();
        std::fs::write(dir.path().join("key"), identity).unwrap();
        std::fs::write(dir.path().join("other"), other).unwrap();
        let opened = |key: &str, sealed: &[u8]| {
            let path = dir.path().join("sealed.age");
            std::fs::write(&path, sealed).unwrap();
            let done = Command::new("age").arg("-d").arg("-i").arg(dir.path().join(key)).arg(&path).output().unwrap();
            done.status.success().then_some(done.stdout)
        };
        for length in [0, 1, 1000, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES] {
            let plain: Vec<u8> = (0..length).map(|n| (n * 7 % 251) as u8).collect();
            let mut sealed = Vec::new();
            seal(&recipient, &mut plain.as_slice(), &mut sealed).unwrap();
            assert_eq!(opened("key", &sealed).as_ref(), Some(&plain), "{length} bytes");
            assert_eq!(opened("other", &sealed), None);
            let end = sealed.len() - 1;
            sealed[end] ^= 1;
            assert_eq!(opened("key", &sealed), None, "a byte of it was changed");
        }
    }

    #[test]
    fn words_are_read_and_written_and_mistakes_are_told() {
        let word = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
        let read: Recipient = word.parse().unwrap();
        assert_eq!(read.to_string(), word);
        let said = |word: &str| word.parse::<Recipient>().unwrap_err();
        for at in 4..word.len() {
            let mut typed = word.as_bytes().to_vec();
            typed[at] = if typed[at] == b'q' { b'p' } else { b'q' };
            assert_eq!(said(std::str::from_utf8(&typed).unwrap()), RecipientError::Mistyped, "letter {at}");
        }
        assert_eq!(said("AGE-SECRET-KEY-1QQ"), RecipientError::Secret);
        for other in ["", "age1", "age1qqqq", "ssh-ed25519 AAAA", &word[..61], &word.to_uppercase()] {
            assert_eq!(said(other), RecipientError::Other, "{other}");
        }
    }
}
