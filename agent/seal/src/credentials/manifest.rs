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
/// COSE's numbers (RFC 9052, RFC 9360): a tagged signature by one, the algorithm and which it is, the certificates.
const COSE_SIGN1: u64 = 18;
const ALG: u64 = 1;
const EDDSA: Cbor = Cbor::Negative(7);
const X5CHAIN: u64 = 33;

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
    let kept = assertions.iter().fold(Superbox::new(*b"c2as", "c2pa.assertions"), |all, (_, one)| all.with(one));
    let manifest = Superbox::new(*b"c2ma", &name)
        .with(&kept)
        .with(&Superbox::new(*b"c2cl", "c2pa.claim.v2").holding(*b"cbor", &claim))
        .with(&Superbox::new(*b"c2cs", "c2pa.signature").holding(*b"cbor", &signed(&claim, signatory, purpose)?));
    Ok(Superbox::new(*b"c2pa", "c2pa").with(&manifest).to_bytes())
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
        let url = Cbor::text(format!("self#jumbf=c2pa.assertions/{label}"));
        Cbor::map([("url", url), ("hash", Cbor::Bytes(sha256(one.content())))])
    };
    Cbor::map([
        ("instanceID", Cbor::text(format!("xmp:iid:{uuid}"))),
        ("claim_generator_info", Cbor::map([("name", Cbor::text(GENERATOR)), ("version", Cbor::text(said.version))])),
        ("signature", Cbor::text(format!("self#jumbf=/c2pa/{name}/c2pa.signature"))),
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
    let to_sign = Cbor::Array(vec![
        Cbor::text("Signature1"),
        Cbor::Bytes(protected.clone()),
        Cbor::Bytes(Vec::new()),
        Cbor::Bytes(claim.to_vec()),
    ]);
    let signature = match purpose {
        Purpose::Measured => vec![0; SIGNATURE_BYTES],
        Purpose::Kept => signatory.key.sign(&to_sign.to_bytes())?,
    };
    let fields = vec![Cbor::Bytes(protected), Cbor::Map(Vec::new()), Cbor::Null, Cbor::Bytes(signature)];
    Ok(Cbor::Tagged(COSE_SIGN1, Box::new(Cbor::Array(fields))).to_bytes())
}
