//! Certificates as sites make them.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

use super::pinned::Verifier;
use super::*;

/// 1 June 2026.
const TODAY_S: u64 = 1_780_272_000;
const YEAR_S: u64 = 365 * 86_400;

/// What one openssl command makes: it is signed by itself and calls itself an authority.
fn self_signed(names: &[&str]) -> CertificateDer<'static> {
    let key = KeyPair::generate().unwrap();
    params(names, IsCa::Ca(BasicConstraints::Unconstrained)).self_signed(&key).unwrap().der().clone()
}

fn params(names: &[&str], is_ca: IsCa) -> CertificateParams {
    let mut params = CertificateParams::new(names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>()).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2027, 1, 1));
    params.is_ca = is_ca;
    params
}

/// Whether `shown` is accepted of a server called `name`, and otherwise why not.
fn judge(trusted: &[CertificateDer<'static>], shown: &CertificateDer<'_>, name: &str, at_s: u64) -> Result<(), String> {
    let verifier = Verifier::new(trusted.to_vec(), Arc::new(ring::default_provider())).unwrap();
    let name = ServerName::try_from(name).unwrap();
    let at = UnixTime::since_unix_epoch(Duration::from_secs(at_s));
    verifier.verify_server_cert(shown, &[], &name, &[], at).map(|_| ()).map_err(|error| explain(&error))
}

#[test]
fn a_certificate_of_the_brokers_own_making_is_accepted_where_the_file_holds_it() {
    let (own, other) = (self_signed(&["127.0.0.1", "broker"]), self_signed(&["127.0.0.1", "broker"]));
    assert_eq!(judge(std::slice::from_ref(&own), &own, "127.0.0.1", TODAY_S), Ok(()));
    assert_eq!(judge(&[other.clone(), own.clone()], &own, "broker", TODAY_S), Ok(()));
    let refusal = judge(&[other], &own, "127.0.0.1", TODAY_S).unwrap_err();
    assert!(refusal.contains("calls itself an authority") && refusal.contains("`ca_file`"), "{refusal}");
}

#[test]
fn the_brokers_own_certificate_must_bear_its_name_and_be_valid_at_the_time() {
    let own = self_signed(&["broker"]);
    let trusted = [own.clone()];
    let refusal = judge(&trusted, &own, "127.0.0.1", TODAY_S).unwrap_err();
    assert!(refusal.contains("is for DnsName(\"broker\"), not for 127.0.0.1"), "{refusal}");
    assert!(judge(&trusted, &own, "broker", TODAY_S + YEAR_S).unwrap_err().contains("has expired"));
    assert!(judge(&trusted, &own, "broker", TODAY_S - YEAR_S).unwrap_err().contains("not valid yet"));
    let nameless = self_signed(&[]);
    let refusal = judge(std::slice::from_ref(&nameless), &nameless, "broker", TODAY_S).unwrap_err();
    assert!(refusal.contains("names no host; make one with a subjectAltName"), "{refusal}");
}

#[test]
fn authorities_are_trusted_as_ever() {
    let mut of_authority = params(&[], IsCa::Ca(BasicConstraints::Unconstrained));
    of_authority.distinguished_name.push(DnType::CommonName, "authority");
    let authority = CertifiedIssuer::self_signed(of_authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let shown = params(&["broker"], IsCa::NoCa).signed_by(&key, &authority).unwrap().der().clone();
    assert_eq!(judge(&[authority.der().clone()], &shown, "broker", TODAY_S), Ok(()));
    let refusal = judge(&[self_signed(&["broker"])], &shown, "broker", TODAY_S).unwrap_err();
    assert!(refusal.contains("nobody who is trusted has signed"), "{refusal}");
}

#[test]
fn a_reason_is_found_in_whatever_wraps_it() {
    let refused = rustls::Error::InvalidCertificate(rustls::CertificateError::Expired);
    let wrapped = io::Error::new(io::ErrorKind::InvalidData, refused);
    assert!(explain(&wrapped).contains("has expired"));
    let plain = io::Error::new(io::ErrorKind::ConnectionReset, "connection reset by peer");
    assert!(explain(&plain).starts_with("connection reset by peer; check `ca_file`"));
}

/// Writes the files that a test names and loads them.
fn load(files: TlsFiles<'_>, host: &str, written: &[(&str, String)]) -> Result<TlsClient, String> {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in written {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    files.load(dir.path(), host).map_err(|error| error.line())
}

#[test]
fn files_are_read_or_refused_by_key_and_with_a_mend() {
    let (key, other_key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let good = params(&["broker"], IsCa::NoCa).self_signed(&key).unwrap().pem();
    let bad = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";
    let written = [
        ("good", good.clone()),
        ("mixed", format!("{good}{bad}")),
        ("empty", String::new()),
        ("key", key.serialize_pem()),
        ("other-key", other_key.serialize_pem()),
    ];
    let files = |ca_file: Option<&'static str>, client_cert: Option<&'static str>, client_key: Option<&'static str>| {
        let path = |name: Option<&'static str>| name.map(Path::new);
        TlsFiles { ca_file: path(ca_file), client_cert: path(client_cert), client_key: path(client_key) }
    };
    load(files(Some("good"), Some("good"), Some("key")), "broker", &written).unwrap();
    load(files(Some("good"), None, None), "127.0.0.1", &written).unwrap();
    for (files, host, says) in [
        (files(Some("mixed"), None, None), "broker", "certificate 2 of 2 cannot be used"),
        (files(Some("empty"), None, None), "broker", "it holds no certificate; it must be a PEM file"),
        (files(Some("absent"), None, None), "broker", "ca_file: failed to read "),
        (files(Some("good"), Some("good"), None), "broker", "client_cert: only one of `client_cert` and `client_key`"),
        (files(Some("good"), Some("good"), Some("other-key")), "broker", "client_cert: it cannot be used with"),
        (files(Some("good"), Some("good"), Some("good")), "broker", "it must be a PEM file with one private key"),
        (files(Some("good"), None, None), "[::1]", "url: \"[::1]\" cannot be checked against a certificate"),
    ] {
        let refusal = load(files, host, &written).unwrap_err();
        assert!(refusal.contains(says), "{refusal}");
    }
}
