//! The layout of an answer: RFC 3161 around CMS (RFC 5652), with the certificate named by RFC 2634 or RFC 5035.

use super::{HashKind, SignatureKind, StampError};
use crate::der::{NoDer, Reader, Value, tag};

mod oid {
    pub(super) const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
    pub(super) const STAMP_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04];
    pub(super) const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];
    pub(super) const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];
    pub(super) const SIGNING_CERTIFICATE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x0c];
    pub(super) const SIGNING_CERTIFICATE_V2: &[u8] =
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x2f];
    pub(super) const SHA1: &[u8] = &[0x2b, 0x0e, 0x03, 0x02, 0x1a];
    pub(super) const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
    pub(super) const SHA384: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
    pub(super) const SHA512: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];
    /// `rsaEncryption` and the signatures by it with SHA-256, SHA-384 and SHA-512 begin so.
    pub(super) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
    pub(super) const ECDSA_WITH_SHA2: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03];
    pub(super) const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
    pub(super) const KEY_PURPOSES: &[u8] = &[0x55, 0x1d, 0x25];
    pub(super) const TIME_STAMPING: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08];
    pub(super) const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
    pub(super) const ORGANISATION: &[u8] = &[0x55, 0x04, 0x0a];
}

impl From<NoDer> for StampError {
    fn from(error: NoDer) -> Self {
        Self::Unread(error.to_string())
    }
}

fn unread<T>(why: &str) -> Result<T, StampError> {
    Err(StampError::Unread(why.to_owned()))
}

/// A signed message with what it says.
pub(super) struct Token<'a> {
    pub(super) info: Info<'a>,
    /// What the hash that was signed is of.
    pub(super) info_bytes: &'a [u8],
    pub(super) certificates: Vec<&'a [u8]>,
    /// The hash function of the signature.
    pub(super) signed_hash: HashKind,
    pub(super) signature_algorithm: SignatureKind,
    pub(super) signature: &'a [u8],
    /// What was signed: the attributes, as they are hashed.
    pub(super) signed_bytes: Vec<u8>,
    pub(super) message_digest: &'a [u8],
    /// By which hash the certificate of who signed is named.
    named: (HashKind, &'a [u8]),
}

impl<'a> Token<'a> {
    /// The certificate that the signed attributes name.
    pub(super) fn own_certificate(&self) -> Option<&'a [u8]> {
        let (hash, hashed) = self.named;
        self.certificates.iter().find(|der| hash.of(der).as_ref() == hashed).copied()
    }
}

/// What an authority says of a hash.
pub(super) struct Info<'a> {
    pub(super) hash: HashKind,
    pub(super) hashed: &'a [u8],
    pub(super) serial: &'a [u8],
    pub(super) at_s: u64,
    pub(super) at: String,
    pub(super) accuracy_us: Option<u64>,
    pub(super) nonce: Option<&'a [u8]>,
}

/// Reads an answer, `TimeStampResp`.
pub(super) fn token(answer: &[u8]) -> Result<Token<'_>, StampError> {
    let mut all = Reader::of(answer);
    let mut response = all.sequence()?;
    all.end()?;
    let mut status_info = response.sequence()?;
    let status = status_info.small_number()?;
    if status > 1 {
        let words = status_info.optional(tag::SEQUENCE)?.map(|words| words.inside().any());
        let why = words.transpose()?.map_or_else(String::new, |words| text(words.content));
        return Err(StampError::Refused { status, why });
    }
    let mut content = response.sequence()?;
    response.end()?;
    if content.expect(tag::OID)?.content != oid::SIGNED_DATA {
        return unread("it holds no signed message");
    }
    let mut explicit = content.expect(tag::context(0))?.inside();
    content.end()?;
    let signed = explicit.sequence()?;
    explicit.end()?;
    signed_data(signed)
}

fn signed_data(mut signed: Reader<'_>) -> Result<Token<'_>, StampError> {
    signed.small_number()?;
    signed.expect(tag::SET)?;
    let mut inner = signed.sequence()?;
    if inner.expect(tag::OID)?.content != oid::STAMP_INFO {
        return unread("the message is about something else");
    }
    let mut explicit = inner.expect(tag::context(0))?.inside();
    let info_bytes = explicit.expect(tag::OCTETS)?.content;
    explicit.end()?;
    inner.end()?;
    let mut certificates = Vec::new();
    if let Some(set) = signed.optional(tag::context(0))? {
        let mut set = set.inside();
        while !set.is_empty() {
            let one = set.any()?;
            if one.tag == tag::SEQUENCE {
                certificates.push(one.whole);
            }
        }
    }
    signed.optional(tag::context(1))?;
    let mut signers = signed.expect(tag::SET)?.inside();
    signed.end()?;
    let signer = signers.sequence()?;
    if !signers.is_empty() {
        return unread("more than one signed it");
    }
    signer_info(signer, info_bytes, certificates)
}

fn signer_info<'a>(
    mut signer: Reader<'a>,
    info_bytes: &'a [u8],
    certificates: Vec<&'a [u8]>,
) -> Result<Token<'a>, StampError> {
    signer.small_number()?;
    // By its issuer and number, or by its key. The signed attributes name it by a hash, which is more.
    signer.any()?;
    let signed_hash = hash_kind(signer.sequence()?)?;
    let attributes = signer.expect(tag::context(0))?;
    let signature_algorithm = signature_kind(signer.sequence()?)?;
    let signature = signer.expect(tag::OCTETS)?.content;
    signer.optional(tag::context(1))?;
    signer.end()?;
    let (mut content_type, mut message_digest, mut named) = (None, None, None);
    let mut each = attributes.inside();
    while !each.is_empty() {
        let mut attribute = each.sequence()?;
        let kind = attribute.expect(tag::OID)?.content;
        let mut values = attribute.expect(tag::SET)?.inside();
        let value = values.any()?;
        match kind {
            oid::CONTENT_TYPE => content_type = Some(value.content),
            oid::MESSAGE_DIGEST => message_digest = Some(value.content),
            oid::SIGNING_CERTIFICATE => named = named.or(Some(certificate_hash(value, HashKind::Sha1)?)),
            oid::SIGNING_CERTIFICATE_V2 => named = Some(certificate_hash(value, HashKind::Sha256)?),
            _ => {}
        }
    }
    if content_type != Some(oid::STAMP_INFO) {
        return unread("what was signed is of another kind");
    }
    let (Some(message_digest), Some(named)) = (message_digest, named) else {
        return unread("what was signed names no hash, or no certificate");
    };
    // They are sent under a tag of their own, and hashed as the set that they are.
    let mut signed_bytes = attributes.whole.to_vec();
    signed_bytes[0] = tag::SET;
    Ok(Token {
        info: info(info_bytes)?,
        info_bytes,
        certificates,
        signed_hash,
        signature_algorithm,
        signature,
        signed_bytes,
        message_digest,
        named,
    })
}

/// The hash of the first certificate in `SigningCertificate` or `SigningCertificateV2`.
fn certificate_hash(value: Value<'_>, usual: HashKind) -> Result<(HashKind, &[u8]), StampError> {
    let mut certificates = value.inside().sequence()?;
    let mut first = certificates.sequence()?;
    let kind = match first.optional(tag::SEQUENCE)? {
        Some(algorithm) => hash_kind(algorithm.inside())?,
        None => usual,
    };
    Ok((kind, first.expect(tag::OCTETS)?.content))
}

/// Reads `TSTInfo`.
fn info(bytes: &[u8]) -> Result<Info<'_>, StampError> {
    let mut all = Reader::of(bytes);
    let mut info = all.sequence()?;
    all.end()?;
    if info.small_number()? != 1 {
        return unread("it is of another version");
    }
    info.expect(tag::OID)?;
    let mut imprint = info.sequence()?;
    let hash = hash_kind(imprint.sequence()?)?;
    let hashed = imprint.expect(tag::OCTETS)?.content;
    imprint.end()?;
    let serial = info.expect(tag::INTEGER)?.content;
    let (at_s, at) = time(info.expect(tag::TIME)?.content).ok_or(NoDer("its time is none"))?;
    let accuracy_us = info.optional(tag::SEQUENCE)?.map(|value| accuracy(value.inside())).transpose()?;
    info.optional(tag::BOOLEAN)?;
    let nonce = info.optional(tag::INTEGER)?.map(|value| value.content);
    info.optional(tag::context(0))?;
    info.optional(tag::context(1))?;
    info.end()?;
    Ok(Info { hash, hashed, serial, at_s, at, accuracy_us, nonce })
}

/// `Accuracy`: seconds, and under tags of their own milliseconds and microseconds.
fn accuracy(mut value: Reader<'_>) -> Result<u64, StampError> {
    const UNITS_US: [(u8, u64); 3] = [(tag::INTEGER, 1_000_000), (0x80, 1000), (0x81, 1)];
    let mut total_us = 0_u64;
    for (tag, unit_us) in UNITS_US {
        if let Some(number) = value.optional(tag)? {
            let n = number.content.iter().take(4).fold(0_u64, |n, byte| n << 8 | u64::from(*byte));
            total_us = total_us.saturating_add(n.saturating_mul(unit_us));
        }
    }
    value.end()?;
    Ok(total_us)
}

fn hash_kind(mut algorithm: Reader<'_>) -> Result<HashKind, StampError> {
    match algorithm.expect(tag::OID)?.content {
        oid::SHA1 => Ok(HashKind::Sha1),
        oid::SHA256 => Ok(HashKind::Sha256),
        oid::SHA384 => Ok(HashKind::Sha384),
        oid::SHA512 => Ok(HashKind::Sha512),
        _ => unread("its hash function is not supported"),
    }
}

fn signature_kind(mut algorithm: Reader<'_>) -> Result<SignatureKind, StampError> {
    let oid = algorithm.expect(tag::OID)?.content;
    Ok(match oid.split_last() {
        Some((1 | 11 | 12 | 13, oid::RSA)) => SignatureKind::Rsa,
        Some((2..=4, oid::ECDSA_WITH_SHA2)) => SignatureKind::Ecdsa,
        _ if oid == oid::ED25519 => SignatureKind::Ed25519,
        _ => SignatureKind::Other,
    })
}

/// `20260131060307.25Z`: in seconds since the Unix epoch, and as RFC 3339.
pub(super) fn time(text: &[u8]) -> Option<(u64, String)> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, part)| (whole, Some(part)));
    let is_plain = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() != 14 || !is_plain(whole) || !fraction.is_none_or(is_plain) {
        return None;
    }
    let number = |from: usize, to: usize| whole[from..to].parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (number(8, 10)?, number(10, 12)?, number(12, 14)?);
    if !(1970..=9999).contains(&year) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let is_leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let lengths = [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let month_at = usize::try_from(month).ok()?.checked_sub(1)?;
    if day == 0 || day > *lengths.get(month_at)? {
        return None;
    }
    let years = (1970..year).map(|year| 365 + u64::from(is_leap(year))).sum::<u64>();
    let days = years + lengths[..month_at].iter().sum::<u64>() + day - 1;
    let at_s = ((days * 24 + hour) * 60 + minute) * 60 + second;
    let part = fraction.map_or_else(String::new, |part| format!(".{part}"));
    Some((at_s, format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{part}Z")))
}

/// The common name in a `Name` without its tag, or else the organisation.
pub(super) fn name_of(subject: &[u8]) -> String {
    let found = |wanted: &[u8]| -> Option<String> {
        let mut names = Reader::of(subject);
        while let Ok(set) = names.expect(tag::SET) {
            let mut one = set.inside().sequence().ok()?;
            if one.expect(tag::OID).ok()?.content == wanted {
                return one.any().ok().map(|value| text(value.content));
            }
        }
        None
    };
    found(oid::COMMON_NAME).or_else(|| found(oid::ORGANISATION)).unwrap_or_else(|| "somebody without a name".to_owned())
}

/// Whether a certificate is for time stamps and nothing else, and whoever does not understand that must refuse it (RFC 3161,
/// section 2.3).
pub(super) fn is_for_time_stamps(certificate: &[u8]) -> bool {
    let found = || -> Result<bool, NoDer> {
        let mut fields = Reader::of(certificate).sequence()?.sequence()?;
        while !fields.is_empty() {
            let field = fields.any()?;
            if field.tag != tag::context(3) {
                continue;
            }
            let mut extensions = field.inside().sequence()?;
            while !extensions.is_empty() {
                let mut extension = extensions.sequence()?;
                if extension.expect(tag::OID)?.content != oid::KEY_PURPOSES {
                    continue;
                }
                let is_critical = extension.optional(tag::BOOLEAN)?.is_some_and(|value| value.content == [0xff]);
                let mut purposes = Reader::of(extension.expect(tag::OCTETS)?.content).sequence()?;
                let is_it = purposes.expect(tag::OID)?.content == oid::TIME_STAMPING;
                return Ok(is_critical && is_it && purposes.is_empty());
            }
        }
        Ok(false)
    };
    found().unwrap_or(false)
}

/// Words for people, without what would play tricks on a terminal.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().filter(|c| !c.is_control()).take(200).collect()
}
