//! The device's Ed25519 key: made once, kept as PKCS #8 that every tool reads or in a token, known by its public half.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use forewarn_domain::{KeyToken, TokenError};
use rcgen::{KeyPair, PKCS_ED25519, PublicKeyData, SignatureAlgorithm, SigningKey};
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
    /// The token does not do its part.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The token was exchanged for another, or its key was.
    #[error(
        "failed to sign: the token holds another key than {expected}, with which this began; put the token back, or \
         restart to go on with the key that is there now"
    )]
    OtherKey {
        /// The key that was there at the beginning.
        expected: PublicKey,
    },
}

/// The secret key of a device.
pub struct DeviceKey {
    public: PublicKey,
    place: Place,
}

/// Where it is.
enum Place {
    /// In the memory of this process, and in a file.
    Here(Box<KeyPair>),
    /// Where nobody can read it.
    InToken(Arc<dyn KeyToken>),
}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceKey({})", self.public)
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
        let pair = pair.map_err(|error| KeyError::NoKey(error.to_string()))?;
        let mut public = [0; 32];
        public.copy_from_slice(pair.public_key_raw());
        Ok(Self { public: PublicKey(public), place: Place::Here(Box::new(pair)) })
    }

    /// The key of a token that is there now.
    pub fn in_token(token: Arc<dyn KeyToken>) -> Result<Self, KeyError> {
        Ok(Self { public: PublicKey(token.public()?), place: Place::InToken(token) })
    }

    /// As it is kept, which is secret; none if it lies in a token.
    pub fn to_pem(&self) -> Option<String> {
        match &self.place {
            Place::Here(pair) => Some(pair.serialize_pem()),
            Place::InToken(_) => None,
        }
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// The signature of some bytes.
    pub fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, KeyError> {
        match &self.place {
            Place::Here(pair) => pair.sign(bytes).map_err(|error| KeyError::NoSignature(error.to_string())),
            Place::InToken(token) => {
                let signature = token.sign(bytes)?;
                // Nothing is written down that would not verify.
                let fits = self.public.has_signed(bytes, &signature);
                if fits { Ok(signature) } else { Err(KeyError::OtherKey { expected: self.public }) }
            }
        }
    }
}

impl PublicKeyData for DeviceKey {
    fn der_bytes(&self) -> &[u8] {
        &self.public.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ED25519
    }
}

impl SigningKey for DeviceKey {
    fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        // It has one word only for what somebody else's key cannot do.
        Self::sign(self, bytes).map_err(|_| rcgen::Error::RemoteKeyError)
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
        let again = DeviceKey::from_pem(&key.to_pem().unwrap()).unwrap();
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

    /// A token with one key after another.
    #[derive(Debug)]
    struct Token(std::sync::Mutex<Vec<DeviceKey>>);

    impl KeyToken for Token {
        fn public(&self) -> Result<[u8; 32], TokenError> {
            let keys = self.0.lock().unwrap();
            keys.last().map(|key| key.public().0).ok_or_else(|| TokenError { message: "it is away".to_owned() })
        }

        fn make(&self) -> Result<(), TokenError> {
            Ok(())
        }

        fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, TokenError> {
            self.public()?;
            Ok(self.0.lock().unwrap().last().unwrap().sign(bytes).unwrap())
        }
    }

    #[test]
    fn a_token_signs_and_one_that_was_exchanged_signs_nothing() {
        let keys = [DeviceKey::generate().unwrap(), DeviceKey::generate().unwrap()];
        let (other, first) = (keys[0].public(), keys[1].public());
        let token = Arc::new(Token(std::sync::Mutex::new(keys.into())));
        let key = DeviceKey::in_token(token.clone()).unwrap();
        assert_eq!((key.public(), key.to_pem()), (first, None));
        assert!(first.has_signed(b"manifest", &key.sign(b"manifest").unwrap()));
        token.0.lock().unwrap().pop();
        assert_eq!(token.public().unwrap(), other.0);
        assert!(key.sign(b"manifest").unwrap_err().to_string().contains(&format!("another key than {first}")));
        token.0.lock().unwrap().pop();
        assert_eq!(key.sign(b"manifest").unwrap_err().to_string(), "it is away");
        assert!(DeviceKey::in_token(token).is_err());
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
