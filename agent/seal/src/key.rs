//! The device's Ed25519 key: made once, kept as PKCS #8 that every tool reads, known by its public half.

use std::fmt;
use std::str::FromStr;

use rcgen::{KeyPair, PKCS_ED25519, SigningKey as _};
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{ED25519, UnparsedPublicKey};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};

/// What stands before the seed in PKCS #8 of version 1 (RFC 8410, section 7).
const PKCS8_PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
/// What stands before the key in a SubjectPublicKeyInfo (RFC 8410, section 4).
pub(crate) const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Bytes of a signature.
pub const SIGNATURE_BYTES: usize = 64;

/// A key is none.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The system gives no random numbers.
    #[error("failed to make a key: the system gives no random numbers")]
    NoRandom,
    /// It is not what this program writes.
    #[error("failed to read a key: {0}; it must be an Ed25519 key in PKCS #8, as PEM")]
    NoKey(String),
    /// Nothing could be signed with it.
    #[error("failed to sign: {0}")]
    NoSignature(String),
}

/// The secret key of a device.
pub struct DeviceKey(KeyPair);

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceKey({})", self.public())
    }
}

impl DeviceKey {
    /// Makes one of the system's random numbers.
    pub fn generate() -> Result<Self, KeyError> {
        let mut seed = [0; 32];
        SystemRandom::new().fill(&mut seed).map_err(|_| KeyError::NoRandom)?;
        // Version 1, which openssl reads; version 2, which ring makes, it does not.
        Self::from_pkcs8(&[&PKCS8_PREFIX[..], &seed].concat())
    }

    /// Reads one.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let der =
            PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).map_err(|error| KeyError::NoKey(error.to_string()))?;
        Self::from_pkcs8(der.secret_pkcs8_der())
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let pair = KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(der), &PKCS_ED25519);
        pair.map(Self).map_err(|error| KeyError::NoKey(error.to_string()))
    }

    /// As it is kept. Secret.
    pub fn to_pem(&self) -> String {
        self.0.serialize_pem()
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.0.public_key_raw());
        PublicKey(bytes)
    }

    /// The signature of some bytes.
    pub fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.0.sign(bytes).map_err(|error| KeyError::NoSignature(error.to_string()))
    }

    pub(crate) fn pair(&self) -> &KeyPair {
        &self.0
    }
}

/// By which a device is known: 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Whether the holder of the key signed these bytes.
    pub fn has_signed(&self, bytes: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(bytes, signature).is_ok()
    }

    /// The key of a SubjectPublicKeyInfo; none if it is of another kind.
    pub fn from_spki(der: &[u8]) -> Option<Self> {
        der.strip_prefix(&SPKI_PREFIX).and_then(|key| key.try_into().ok()).map(Self)
    }

    /// The first digits, for people.
    pub fn short(&self) -> String {
        self.to_string()[..16].to_owned()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let no_key = || KeyError::NoKey(format!("\"{text}\" is not 64 hexadecimal digits"));
        from_hex(text).and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or_else(no_key)
    }
}

impl TryFrom<String> for PublicKey {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, KeyError> {
        text.parse()
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.to_string()
    }
}

/// Bytes as lower-case hexadecimal digits.
pub fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|n| char::from(DIGITS[usize::from(n)])).collect()
}

/// The bytes of lower-case hexadecimal digits; none if it is anything else.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| <[u8; 2]>::try_from(pair).ok().and_then(|[a, b]| Some(digit(a)? << 4 | digit(b)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_kept_and_signs_for_its_public_half_alone() {
        let key = DeviceKey::generate().unwrap();
        let other = DeviceKey::generate().unwrap();
        let again = DeviceKey::from_pem(&key.to_pem()).unwrap();
        assert_eq!(again.public(), key.public());
        assert_ne!(other.public(), key.public());
        let mut signature = again.sign(b"manifest").unwrap();
        assert_eq!(signature.len(), SIGNATURE_BYTES);
        assert!(key.public().has_signed(b"manifest", &signature));
        assert!(!other.public().has_signed(b"manifest", &signature));
        assert!(!key.public().has_signed(b"manifesT", &signature));
        assert!(!key.public().has_signed(b"manifest", &signature[..63]));
        signature[7] ^= 1;
        assert!(!key.public().has_signed(b"manifest", &signature));
    }

    #[test]
    fn the_test_vector_of_the_standard_holds() {
        // RFC 8032, section 7.1, test 2.
        let key: PublicKey = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c".parse().unwrap();
        let signature = from_hex(
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        );
        assert!(key.has_signed(&[0x72], &signature.unwrap()));
    }

    #[test]
    fn what_is_no_key_is_refused_and_no_secret_is_shown() {
        assert!(DeviceKey::from_pem("nothing").unwrap_err().to_string().contains("PKCS #8"));
        for text in ["", "12", &"g".repeat(64), &"A".repeat(64), &"a".repeat(63)] {
            assert!(text.parse::<PublicKey>().is_err(), "{text}");
        }
        let key = DeviceKey::generate().unwrap();
        assert_eq!(format!("{key:?}"), format!("DeviceKey({})", key.public()));
        assert_eq!(to_hex(&from_hex("00ff7a").unwrap()), "00ff7a");
    }
}
