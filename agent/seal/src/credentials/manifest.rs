//! The manifest: assertions, the claim over their hashes, and the signature of the claim.

use ring::digest::{SHA256, digest};

use super::cbor::Cbor;
use super::jumbf::Superbox;
use super::{Action, CredentialsError, Said, Signatory};
use crate::key::{SIGNATURE_BYTES, to_hex};

/// The generator's name in claims.
const GENERATOR: &str = "Forewarn";
/// Where a camera's picture comes from, by the list of the IPTC that C2PA names.
const CAPTURE: &str = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture";
/// Labels of the parts of a manifest.
pub(super) const ASSERTIONS: &str = "c2pa.assertions";
pub(super) const CLAIM: &str = "c2pa.claim.v2";
pub(super) const SIGNATURE: &str = "c2pa.signature";
/// By which a claim refers to an assertion, before its label.
pub(super) const ASSERTION: &str = "self#jumbf=c2pa.assertions/";
/// COSE's numbers (RFC 9052, RFC 9360): a tagged signature by one, the algorithm and which it is, the certificates.
pub(super) const COSE_SIGN1: u64 = 18;
pub(super) const ALG: u64 = 1;
pub(super) const EDDSA: Cbor = Cbor::Negative(7);
pub(super) const X5CHAIN: u64 = 33;

/// What binds the manifest to the file: its name and the assertion with the file's hash.
pub(super) struct Binding {
    pub(super) label: &'static str,
    pub(super) assertion: Cbor,
    /// sha256 of the file without the manifest, from which the manifest has its name.
    pub(super) sha256: Vec<u8>,
}

/// How the store is made: as it is to be kept, or only as long as it will be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Measured,
    Kept,
}

pub(super) fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

/// The store with the one manifest. Only what is kept is signed: a token takes its time.
pub(super) fn store(
    said: &Said<'_>,
    binding: &Binding,
    signatory: &Signatory<'_>,
    purpose: Purpose,
) -> Result<Vec<u8>, CredentialsError> {
    let uuid = uuid_of(&binding.sha256, said.title);
    let name = format!("urn:c2pa:{uuid}");
    let assertions = assertions(said, binding);
    let claim = claim(said, &name, &uuid, &assertions).to_bytes();
    let kept = assertions.iter().fold(Superbox::new(*b"c2as", ASSERTIONS), |all, (_, one)| all.with(one));
    Ok(enclosed(&name, &kept, (&claim, &signed(&claim, signatory, purpose)?)))
}

/// The store with one manifest of this name.
pub(super) fn enclosed(name: &str, assertions: &Superbox, (claim, signature): (&[u8], &[u8])) -> Vec<u8> {
    let manifest = Superbox::new(*b"c2ma", name)
        .with(assertions)
        .with(&Superbox::new(*b"c2cl", CLAIM).holding(*b"cbor", claim))
        .with(&Superbox::new(*b"c2cs", SIGNATURE).holding(*b"cbor", signature));
    Superbox::new(*b"c2pa", "c2pa").with(&manifest).to_bytes()
}

/// How the claim of a manifest of this name refers to its signature.
pub(super) fn signature_of(name: &str) -> Cbor {
    Cbor::text(format!("self#jumbf=/c2pa/{name}/{SIGNATURE}"))
}

/// A name (RFC 9562, version 8) that another file, or the same file under another name, does not have.
fn uuid_of(file_sha256: &[u8], title: &str) -> String {
    let mut bytes = sha256(&[file_sha256, title.as_bytes()].concat());
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = to_hex(&bytes[..16]);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn assertions<'a>(said: &Said<'a>, binding: &Binding) -> Vec<(&'a str, Superbox)> {
    let cbor =
        |label: &'a str, value: &Cbor| (label, Superbox::new(*b"cbor", label).holding(*b"cbor", &value.to_bytes()));
    let actions = Cbor::map([("actions", Cbor::Array(said.actions.iter().map(|one| action(*one)).collect()))]);
    let mut all = vec![cbor("c2pa.actions.v2", &actions), cbor(binding.label, &binding.assertion)];
    let json = |(label, json): &(&'a str, Vec<u8>)| (*label, Superbox::new(*b"json", label).holding(*b"json", json));
    all.extend(said.assertions.iter().map(json));
    all
}

fn action(action: Action) -> Cbor {
    let name = |name: &str| ("action", Cbor::text(name));
    match action {
        Action::Captured => Cbor::map([name("c2pa.created"), ("digitalSourceType", Cbor::text(CAPTURE))]),
        Action::Drawn => Cbor::map([name("c2pa.drawing")]),
        Action::Cropped => Cbor::map([name("c2pa.cropped")]),
    }
}

fn claim(said: &Said<'_>, name: &str, uuid: &str, assertions: &[(&str, Superbox)]) -> Cbor {
    let refer = |(label, one): &(&str, Superbox)| {
        let url = Cbor::text(format!("{ASSERTION}{label}"));
        Cbor::map([("url", url), ("hash", Cbor::Bytes(sha256(one.content())))])
    };
    Cbor::map([
        ("instanceID", Cbor::text(format!("xmp:iid:{uuid}"))),
        ("claim_generator_info", Cbor::map([("name", Cbor::text(GENERATOR)), ("version", Cbor::text(said.version))])),
        ("signature", signature_of(name)),
        ("created_assertions", Cbor::Array(assertions.iter().map(refer).collect())),
        ("dc:title", Cbor::text(said.title)),
        ("alg", Cbor::text("sha256")),
    ])
}

/// The claim's signature (C2PA 2.2, section 13.2): certificates are under it, the claim itself stands elsewhere.
fn signed(claim: &[u8], signatory: &Signatory<'_>, purpose: Purpose) -> Result<Vec<u8>, CredentialsError> {
    let mut chain: Vec<Cbor> = signatory.certificates.der().map(|der| Cbor::Bytes(der.to_vec())).collect();
    let chain = if chain.len() == 1 { chain.remove(0) } else { Cbor::Array(chain) };
    let protected = Cbor::Map(vec![(Cbor::Unsigned(ALG), EDDSA), (Cbor::Unsigned(X5CHAIN), chain)]).to_bytes();
    let signature = match purpose {
        Purpose::Measured => vec![0; SIGNATURE_BYTES],
        Purpose::Kept => signatory.key.sign(&to_sign(&protected, claim))?,
    };
    Ok(signed_by(protected, signature))
}

/// The box of a signature: nothing stands in it that is not signed, but the signature.
pub(super) fn signed_by(protected: Vec<u8>, signature: Vec<u8>) -> Vec<u8> {
    let fields = vec![Cbor::Bytes(protected), Cbor::Map(Vec::new()), Cbor::Null, Cbor::Bytes(signature)];
    Cbor::Tagged(COSE_SIGN1, Box::new(Cbor::Array(fields))).to_bytes()
}

/// What the signature is of.
pub(super) fn to_sign(protected: &[u8], claim: &[u8]) -> Vec<u8> {
    let bytes = |bytes: &[u8]| Cbor::Bytes(bytes.to_vec());
    Cbor::Array(vec![Cbor::text("Signature1"), bytes(protected), bytes(&[]), bytes(claim)]).to_bytes()
}
