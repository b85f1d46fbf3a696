//! A server's side of TLS: a certificate and its key in files, which may be renewed while the server runs.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use rustls::crypto::ring;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{Error, ServerConfig};
use sha2::{Digest as _, Sha256};
use webpki::{EndEntityCert, KeyUsage};

use super::{certificates, no_tls, private_key};
use crate::setting::SettingError;
use crate::sync::lock;

/// What a client that speaks HTTP/2 names.
pub const HTTP2: &[u8] = b"h2";

/// A certificate that ends within so long is told: a renewal by a program is a month early.
const SOON: Duration = Duration::from_hours(14 * 24);
const DAY_S: u64 = 24 * 3600;

/// The files of a server's certificate, its chain behind it, and of its key; both may be one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFiles {
    /// `certificate`.
    pub certificate: PathBuf,
    /// `key`.
    pub key: PathBuf,
}

impl ServerFiles {
    fn read(&self) -> Result<CertifiedKey, SettingError> {
        let chain = certificates("certificate", &self.certificate)?;
        let key = private_key("key", &self.key)?;
        CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| {
            let why = match error {
                Error::InconsistentKeys(_) => format!("the key in {} is another's", self.key.display()),
                error => format!("it cannot be used with {}: {error}", self.key.display()),
            };
            let mend = "name a certificate and the key that belongs to it, the server's own certificate first";
            self.fault(&why, mend)
        })
    }

    /// Whether they can be used: both are there and belong together.
    pub fn usable(&self) -> Result<(), SettingError> {
        self.read().map(drop)
    }

    /// What browsers have against the certificate of a server that is called by these names, so long after 1970.
    pub fn faults(&self, names: &[String], now: Duration) -> Vec<SettingError> {
        let shown = match self.read() {
            Ok(shown) => shown,
            Err(error) => return vec![error],
        };
        let wrong = |why: String, mend| self.fault(&why, mend);
        let Ok(own) = EndEntityCert::try_from(&shown.cert[0]) else {
            return vec![wrong("no client can read it".to_owned(), "make one of version 3, in DER or PEM")];
        };
        let unnamed = names.iter().filter(|name| {
            let name = ServerName::try_from(name.as_str());
            name.is_ok_and(|name| own.verify_is_valid_for_subject_name(&name).is_err())
        });
        let unnamed = unnamed.map(|name| {
            let why = format!("it does not name {name}, which `hosts` lists");
            wrong(why, "have that name put into its subjectAltName, or take it out of `hosts`")
        });
        out_of_time(&own, now)
            .map(|why| wrong(why, "renew it; it is taken up without a restart"))
            .into_iter()
            .chain(unnamed)
            .collect()
    }

    fn fault(&self, why: &str, mend: &'static str) -> SettingError {
        SettingError::value("certificate", format!("{}: {why}", self.certificate.display()), mend)
    }

    /// By what a change of them is seen.
    fn stamp(&self) -> Stamp {
        [&self.certificate, &self.key]
            .map(|path| fs::metadata(path).ok().and_then(|it| Some((it.modified().ok()?, it.len()))))
    }
}

type Stamp = [Option<(SystemTime, u64)>; 2];

/// Why a certificate is not valid now, or soon will not be.
fn out_of_time(own: &EndEntityCert<'_>, now: Duration) -> Option<String> {
    // Nobody's word is needed for when it begins and ends, and that is judged before its issuer.
    let at = |at: Duration| {
        let at = UnixTime::since_unix_epoch(at);
        own.verify_for_usage(&[], &[], &[], at, KeyUsage::server_auth(), None, None).err()
    };
    let days =
        |span: u64| if span < 2 * DAY_S { format!("{} hours", span / 3600) } else { format!("{} days", span / DAY_S) };
    match at(now) {
        Some(webpki::Error::CertExpired { not_after, .. }) => {
            Some(format!("it ended {} ago", days(now.as_secs().saturating_sub(not_after.as_secs()))))
        }
        Some(webpki::Error::CertNotValidYet { not_before, .. }) => {
            Some(format!("it begins in {} only", days(not_before.as_secs().saturating_sub(now.as_secs()))))
        }
        _ => match at(now + SOON) {
            Some(webpki::Error::CertExpired { not_after, .. }) => {
                Some(format!("it ends in {}", days(not_after.as_secs().saturating_sub(now.as_secs()))))
            }
            _ => None,
        },
    }
}

/// A server's side of TLS. Clones are the same one.
#[derive(Clone)]
pub struct TlsServer {
    files: ServerFiles,
    shown: Arc<Shown>,
    config: Arc<ServerConfig>,
}

/// What is shown to whoever connects now.
struct Shown(Mutex<(Arc<CertifiedKey>, Stamp)>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&lock(&self.0).0))
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown")
    }
}

impl fmt::Debug for TlsServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The library's own would show keys of sessions.
        f.debug_struct("TlsServer").field("files", &self.files).finish_non_exhaustive()
    }
}

impl TlsServer {
    /// Reads the files and prepares TLS for HTTP/2 and HTTP/1.1.
    pub fn open(files: ServerFiles) -> Result<Self, SettingError> {
        let stamp = files.stamp();
        let shown = Arc::new(Shown(Mutex::new((Arc::new(files.read()?), stamp))));
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| no_tls(&error))?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::<Shown>::clone(&shown));
        config.alpn_protocols = vec![HTTP2.to_vec(), b"http/1.1".to_vec()];
        Ok(Self { files, shown, config: Arc::new(config) })
    }

    /// What the library needs.
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// The SHA-256 of the certificate that is shown, as browsers write it.
    pub fn fingerprint(&self) -> String {
        let shown = Arc::clone(&lock(&self.shown.0).0);
        let octets = Sha256::digest(&shown.cert[0]);
        octets.iter().map(|octet| format!("{octet:02X}")).collect::<Vec<_>>().join(":")
    }

    /// Takes files up that changed since they were read. What cannot be used is told once, and the former certificate is
    /// shown on.
    pub fn refresh(&self) -> Result<bool, SettingError> {
        let stamp = self.files.stamp();
        if lock(&self.shown.0).1 == stamp {
            return Ok(false);
        }
        let read = self.files.read();
        let mut shown = lock(&self.shown.0);
        shown.1 = stamp;
        shown.0 = Arc::new(read?);
        Ok(true)
    }

    /// Whether the certificate that is shown is for a server of this name or address.
    pub fn is_for(&self, name: &str) -> bool {
        let shown = Arc::clone(&lock(&self.shown.0).0);
        let own = EndEntityCert::try_from(&shown.cert[0]);
        let name = ServerName::try_from(name.trim_start_matches('[').trim_end_matches(']'));
        matches!((own, name), (Ok(own), Ok(name)) if own.verify_is_valid_for_subject_name(&name).is_ok())
    }

    /// Where its certificate lies.
    pub fn certificate(&self) -> &Path {
        &self.files.certificate
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    const YEAR_S: u64 = 365 * DAY_S;
    /// 1 June 2026.
    const TODAY_S: u64 = 1_780_272_000;

    /// Writes a certificate of the year 2026 for these names, and its key.
    fn write(dir: &Path, names: &[&str]) -> ServerFiles {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2027, 1, 1));
        let files = ServerFiles { certificate: dir.join("console.pem"), key: dir.join("console.key") };
        fs::write(&files.certificate, params.self_signed(&key).unwrap().pem()).unwrap();
        fs::write(&files.key, key.serialize_pem()).unwrap();
        files
    }

    #[test]
    fn what_browsers_have_against_a_certificate_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let files = write(dir.path(), &["console.example.org", "10.0.0.7"]);
        let told = |names: &[&str], at_s: u64| {
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            let faults = files.faults(&names, Duration::from_secs(at_s));
            faults.iter().map(SettingError::line).collect::<Vec<_>>().join("\n")
        };
        assert_eq!(told(&["console.example.org", "10.0.0.7"], TODAY_S), "");
        assert!(told(&["other.example.org"], TODAY_S).contains("it does not name other.example.org"));
        assert!(told(&[], TODAY_S + YEAR_S).contains("it ended 151 days ago"), "{}", told(&[], TODAY_S + YEAR_S));
        assert!(told(&[], TODAY_S - YEAR_S).contains("it begins in 214 days only"));
        assert!(told(&[], TODAY_S + 209 * DAY_S).contains("it ends in 5 days; renew it"));
        fs::write(&files.key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
        assert!(files.usable().is_err());
        let mismatch = told(&[], TODAY_S);
        assert!(mismatch.contains("console.pem: the key in ") && mismatch.contains("is another's"), "{mismatch}");
        fs::remove_file(&files.key).unwrap();
        assert!(told(&[], TODAY_S).starts_with("key: failed to read "));
    }

    #[test]
    fn a_renewed_certificate_is_taken_up_and_half_of_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let server = TlsServer::open(write(dir.path(), &["a"])).unwrap();
        let first = server.fingerprint();
        assert_eq!(first.len(), 95);
        assert!(server.is_for("a") && !server.is_for("b") && !server.is_for("10.0.0.7"));
        assert_eq!(server.refresh(), Ok(false));
        let key = fs::read(dir.path().join("console.key")).unwrap();
        write(dir.path(), &["a", "b"]);
        let renewed = fs::read(dir.path().join("console.key")).unwrap();
        fs::write(dir.path().join("console.key"), [key, b"\n".to_vec()].concat()).unwrap();
        assert!(server.refresh().is_err() && server.fingerprint() == first, "the key is still the former one");
        assert_eq!(server.refresh(), Ok(false), "that is told once");
        fs::write(dir.path().join("console.key"), renewed).unwrap();
        assert_eq!(server.refresh(), Ok(true));
        assert_ne!(server.fingerprint(), first);
    }
}
