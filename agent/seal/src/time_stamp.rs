//! Time stamps (RFC 3161): what a time stamp authority is asked for, and what its answer proves.
//!
//! A time stamp is a CMS message (RFC 5652) in which the authority signs a hash together with its own time. It shows that
//! what has this hash was there by then, whatever the clock of the box said.

#[cfg(any(test, feature = "authority"))]
pub mod authority;
mod read;
#[cfg(test)]
mod tests;

use ring::digest;
use ring::rand::{SecureRandom as _, SystemRandom};
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm};
use webpki::{EndEntityCert, ring as algorithms};

use crate::certificate::{Trusted, Usage};
use crate::key::{KeyError, to_hex};

/// What stands before the hash in a request for a time stamp of a SHA-256 hash, up to its length.
const REQUEST_PREFIX: [u8; 24] = [
    0x30, 0x43, 0x02, 0x01, 0x01, 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
    0x01, 0x05, 0x00, 0x04, 0x20,
];

/// An answer is no time stamp that proves something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StampError {
    /// The authority did not stamp it.
    #[error("the time stamp authority refused: status {status}{}", if why.is_empty() { String::new() } else { format!(": {why}") })]
    Refused {
        /// Its status (RFC 3161, section 2.4.2).
        status: u8,
        /// Its words.
        why: String,
    },
    /// It is not laid out as a time stamp.
    #[error("it is no time stamp: {0}")]
    Unread(String),
    /// The signature does not hold.
    #[error("it proves nothing: {0}")]
    Unproven(String),
}

/// Asks for a stamp of what has this SHA-256 hash, with the authority's certificate in it.
pub fn request(sha256: &[u8; 32], nonce: Nonce) -> Vec<u8> {
    [&REQUEST_PREFIX[..], sha256, &[0x02, 0x08], &nonce.0, &[0x01, 0x01, 0xff]].concat()
}

/// By which an answer is known to be the one to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nonce([u8; 8]);

impl Nonce {
    /// One of the system's random numbers.
    pub fn random() -> Result<Self, KeyError> {
        let mut bytes = [0; 8];
        SystemRandom::new().fill(&mut bytes).map_err(|_| KeyError::NoRandom)?;
        Ok(Self::of(bytes))
    }

    fn of(mut bytes: [u8; 8]) -> Self {
        // A number that is positive and has one spelling.
        bytes[0] = bytes[0] & 0x3f | 0x40;
        Self(bytes)
    }
}

/// A time stamp whose signature fits the certificate in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// The hash that was stamped, by its algorithm.
    imprint: (HashKind, Vec<u8>),
    /// When, in seconds since the Unix epoch.
    pub at_s: u64,
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// How far the time may be off, by the authority's word, in microseconds; none if it says nothing.
    pub accuracy_us: Option<u64>,
    /// Its number, in hexadecimal digits.
    pub serial: String,
    /// Who stamped, by the name in the certificate.
    pub by: String,
    nonce: Option<Vec<u8>>,
    /// The certificate of who stamped, then the others that came with it.
    certificates: Vec<CertificateDer<'static>>,
}

/// A hash function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HashKind {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl HashKind {
    fn of(self, bytes: &[u8]) -> digest::Digest {
        let algorithm = match self {
            // Old authorities name their certificate by it, which the signature then vouches for.
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        };
        digest::digest(algorithm, bytes)
    }
}

impl Stamp {
    /// Reads an answer of an authority. It is signed by the certificate that came with it; whose that is, is another
    /// question: [`Self::is_vouched_for`].
    pub fn read(answer: &[u8]) -> Result<Self, StampError> {
        let token = read::token(answer)?;
        let unproven = |why: &str| StampError::Unproven(why.to_owned());
        let own = token.own_certificate().ok_or_else(|| unproven("the certificate of who signed is not in it"))?;
        let hash = token.signed_hash;
        if hash == HashKind::Sha1 || token.message_digest != hash.of(token.info_bytes).as_ref() {
            return Err(unproven("what it says is not what was signed"));
        }
        let der = CertificateDer::from(own);
        let certificate = EndEntityCert::try_from(&der)
            .map_err(|error| StampError::Unproven(format!("its certificate cannot be read: {error:?}")))?;
        let candidates = token.signature_algorithm.verifiers(hash);
        let is_signed = candidates
            .iter()
            .any(|algorithm| certificate.verify_signature(*algorithm, &token.signed_bytes, token.signature).is_ok());
        if !is_signed {
            return Err(unproven("the signature is not that of its certificate, or of a kind that is not supported"));
        }
        if !read::is_for_time_stamps(own) {
            return Err(unproven("its certificate is not one for time stamps alone"));
        }
        let by = read::name_of(certificate.subject());
        let others = token.certificates.iter().filter(|other| **other != own);
        let certificates = std::iter::once(&own).chain(others).map(|der| CertificateDer::from(der.to_vec())).collect();
        let info = token.info;
        Ok(Self {
            imprint: (info.hash, info.hashed.to_vec()),
            at_s: info.at_s,
            at: info.at,
            accuracy_us: info.accuracy_us,
            serial: to_hex(info.serial),
            by,
            nonce: info.nonce.map(<[u8]>::to_vec),
            certificates,
        })
    }

    /// Whether it is of these bytes.
    pub fn is_of(&self, bytes: &[u8]) -> bool {
        let (hash, hashed) = &self.imprint;
        *hash != HashKind::Sha1 && hash.of(bytes).as_ref() == hashed
    }

    /// Whether it is the answer to the request for this hash with this nonce.
    pub fn answers(&self, sha256: &[u8; 32], nonce: Nonce) -> bool {
        self.imprint.0 == HashKind::Sha256 && self.imprint.1 == sha256 && self.nonce.as_deref() == Some(&nonce.0)
    }

    /// Whether those in `trusted` vouched, at the time of the stamp, for who stamped, as somebody who stamps times.
    pub fn is_vouched_for(&self, trusted: &Trusted) -> Result<(), String> {
        trusted.vouch_for(&self.certificates, self.at_s, Usage::TimeStamping)
    }
}

/// How a signature was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SignatureKind {
    Rsa,
    Ecdsa,
    Ed25519,
    Other,
}

impl SignatureKind {
    fn verifiers(self, hash: HashKind) -> &'static [&'static dyn SignatureVerificationAlgorithm] {
        match (self, hash) {
            (Self::Rsa, HashKind::Sha256) => &RSA_SHA256,
            (Self::Rsa, HashKind::Sha384) => &RSA_SHA384,
            (Self::Rsa, HashKind::Sha512) => &RSA_SHA512,
            (Self::Ecdsa, HashKind::Sha256) => &ECDSA_SHA256,
            (Self::Ecdsa, HashKind::Sha384) => &ECDSA_SHA384,
            (Self::Ed25519, _) => &ED25519,
            _ => &[],
        }
    }
}

type Verifiers<const N: usize> = [&'static dyn SignatureVerificationAlgorithm; N];

static RSA_SHA256: Verifiers<1> = [algorithms::RSA_PKCS1_2048_8192_SHA256];
static RSA_SHA384: Verifiers<1> = [algorithms::RSA_PKCS1_2048_8192_SHA384];
static RSA_SHA512: Verifiers<1> = [algorithms::RSA_PKCS1_2048_8192_SHA512];
static ECDSA_SHA256: Verifiers<2> = [algorithms::ECDSA_P256_SHA256, algorithms::ECDSA_P384_SHA256];
static ECDSA_SHA384: Verifiers<2> = [algorithms::ECDSA_P256_SHA384, algorithms::ECDSA_P384_SHA384];
static ED25519: Verifiers<1> = [algorithms::ED25519];
