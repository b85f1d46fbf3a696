//! Whether credentials hold the file that carries them, and who signed them.

use super::cbor::Cbor;
use super::jumbf::{Read, Superbox};
use super::manifest::{
    ALG, ASSERTION, ASSERTIONS, Binding, CLAIM, COSE_SIGN1, EDDSA, SIGNATURE, X5CHAIN, enclosed, sha256, signature_of,
    signed_by, to_sign,
};
use crate::certificate::Certificates;
use crate::key::PublicKey;

/// Credentials that hold the file: every hash fits, and the claim bears the signature of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credentials {
    /// Who signed them, by the certificate in them. Whether that is the device, whoever asks knows.
    pub key: PublicKey,
}

/// Why credentials that are there do not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unheld {
    /// They are not of the form that this program writes.
    #[error("they are damaged, or of another program")]
    Unread,
    /// The claim is not what was signed.
    #[error("their signature is not of what they claim")]
    Signature,
    /// An assertion is not what the claim has the hash of.
    #[error("what they say was changed after it was signed")]
    Assertions,
    /// The file is not the one of which they have the hash.
    #[error("they are of another file, or the file was changed since")]
    File,
}

/// What is found of a store in a file that should be bound to it in this way.
pub(super) fn judged(store: &[u8], expected: &Binding) -> Result<Credentials, Unheld> {
    let manifest = Read::of(store).and_then(|store| store.inner().last()).ok_or(Unheld::Unread)?;
    let content = |label| manifest.named(label).and_then(|one| one.holds(*b"cbor")).ok_or(Unheld::Unread);
    let (claim, signature) = (content(CLAIM)?, content(SIGNATURE)?);
    let assertions = manifest.named(ASSERTIONS).ok_or(Unheld::Unread)?;
    let kept = assertions.inner().fold(Superbox::new(*b"c2as", ASSERTIONS), |all, one| all.with_read(one));
    // Neither hash nor signature is over the headers of boxes: those are as this program writes them, or it did not.
    if store != enclosed(manifest.label, &kept, (claim, signature)) {
        return Err(Unheld::Unread);
    }
    let key = signer(claim, signature)?;
    let claimed = claimed(claim, manifest.label).ok_or(Unheld::Unread)?;
    let hashes: Vec<(&str, Vec<u8>)> = assertions.inner().map(|one| (one.label, sha256(one.content))).collect();
    if claimed.iter().map(|(label, hash)| (label.as_str(), hash)).ne(hashes.iter().map(|(label, hash)| (*label, hash)))
    {
        return Err(Unheld::Assertions);
    }
    let bound = assertions.named(expected.label).and_then(|one| one.holds(*b"cbor"));
    if bound != Some(expected.assertion.to_bytes().as_slice()) {
        return Err(Unheld::File);
    }
    Ok(Credentials { key })
}

/// The key whose signature the claim bears.
fn signer(claim: &[u8], whole: &[u8]) -> Result<PublicKey, Unheld> {
    let Some(Cbor::Tagged(COSE_SIGN1, signed)) = Cbor::from_bytes(whole) else { return Err(Unheld::Unread) };
    let Cbor::Array(fields) = *signed else { return Err(Unheld::Unread) };
    let [Cbor::Bytes(protected), _, _, Cbor::Bytes(signature)] = fields.as_slice() else {
        return Err(Unheld::Unread);
    };
    if signed_by(protected.clone(), signature.clone()) != whole {
        return Err(Unheld::Unread);
    }
    let header = Cbor::from_bytes(protected).ok_or(Unheld::Unread)?;
    let own = match header.get(&Cbor::Unsigned(X5CHAIN)) {
        Some(Cbor::Bytes(own)) => Some(own),
        Some(Cbor::Array(chain)) => match chain.first() {
            Some(Cbor::Bytes(own)) => Some(own),
            _ => None,
        },
        _ => None,
    };
    let key = own.and_then(|der| Certificates::key_of(der)).ok_or(Unheld::Unread)?;
    let is_signed =
        header.get(&Cbor::Unsigned(ALG)) == Some(&EDDSA) && key.has_signed(&to_sign(protected, claim), signature);
    if is_signed { Ok(key) } else { Err(Unheld::Signature) }
}

/// The assertions that the claim of a manifest of this name has, with their hashes.
fn claimed(claim: &[u8], name: &str) -> Option<Vec<(String, Vec<u8>)>> {
    let claim = Cbor::from_bytes(claim)?;
    if claim.get(&Cbor::text("signature"))? != &signature_of(name) {
        return None;
    }
    let Cbor::Array(all) = claim.get(&Cbor::text("created_assertions"))? else { return None };
    let one = |one: &Cbor| match (one.get(&Cbor::text("url"))?, one.get(&Cbor::text("hash"))?) {
        (Cbor::Text(url), Cbor::Bytes(hash)) => Some((url.strip_prefix(ASSERTION)?.to_owned(), hash.clone())),
        _ => None,
    };
    all.iter().map(one).collect()
}
