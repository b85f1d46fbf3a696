//! TLS from files: a client's side here, a server's in [`server`].
//!
//! The cryptography is `ring`'s, named here once. `ca_file` holds authorities or, as small sites make it with one command,
//! the very certificate that the server shows; see [`pinned`].

mod explain;
mod pinned;
pub mod server;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

pub use explain::explain;

use crate::file;
use crate::secret::warn_if_open;
use crate::setting::SettingError;

/// A client's side of TLS.
#[derive(Clone)]
pub struct TlsClient(Arc<ClientConfig>);

impl TlsClient {
    /// What the library needs.
    pub fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.0)
    }
}

impl fmt::Debug for TlsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The library's own would show keys of the session.
        f.write_str("TlsClient")
    }
}

/// The files that a table of the site file names.
#[derive(Debug, Clone, Copy, Default)]
pub struct TlsFiles<'a> {
    /// `ca_file`: whom to trust; the system's authorities if not given.
    pub ca_file: Option<&'a Path>,
    /// `client_cert`: this client's certificate chain.
    pub client_cert: Option<&'a Path>,
    /// `client_key`: its key.
    pub client_key: Option<&'a Path>,
}

impl TlsFiles<'_> {
    /// The first key that is given.
    pub fn first_key(&self) -> Option<&'static str> {
        let keys = [("ca_file", self.ca_file), ("client_cert", self.client_cert), ("client_key", self.client_key)];
        keys.into_iter().find(|(_, file)| file.is_some()).map(|(key, _)| key)
    }

    /// Reads the files, whose paths are relative to `directory`, and prepares TLS to `host`.
    pub fn load(&self, directory: &Path, host: &str) -> Result<TlsClient, SettingError> {
        if ServerName::try_from(host).is_err() {
            let why = format!("\"{host}\" cannot be checked against a certificate");
            return Err(SettingError::value("url", why, "use a host name or an IPv4 address"));
        }
        // The provider is named, because the process-wide default is ambiguous where two are linked in.
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| no_tls(&error))?;
        let builder = match self.ca_file {
            Some(file) => {
                let verifier = pinned::Verifier::new(trusted(&directory.join(file))?, provider)?;
                builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
            }
            None => builder.with_root_certificates(system()?),
        };
        let config = match (self.client_cert, self.client_key) {
            (None, None) => builder.with_no_client_auth(),
            (Some(cert), Some(key)) => {
                let (chain, key) = (
                    certificates("client_cert", &directory.join(cert))?,
                    private_key("client_key", &directory.join(key))?,
                );
                builder.with_client_auth_cert(chain, key).map_err(|error| {
                    let why = format!("it cannot be used with `client_key`: {error}");
                    SettingError::value("client_cert", why, "name a certificate and the key that belongs to it")
                })?
            }
            _ => {
                let why = "only one of `client_cert` and `client_key` is given";
                return Err(SettingError::value("client_cert", why, "give both or neither"));
            }
        };
        Ok(TlsClient(Arc::new(config)))
    }
}

/// The certificates of `ca_file`, each of which must be usable as an authority: a file with one that nobody can use is
/// not the file that was meant.
fn trusted(path: &Path) -> Result<Vec<CertificateDer<'static>>, SettingError> {
    let found = certificates("ca_file", path)?;
    let mut roots = RootCertStore::empty();
    for (i, certificate) in found.iter().enumerate() {
        roots.add(certificate.clone()).map_err(|error| {
            let why = format!("certificate {} of {} cannot be used: {error}", i + 1, found.len());
            SettingError::file("ca_file", path, why, "take it out of the file, or fix it")
        })?;
    }
    Ok(found)
}

/// The authorities that the system trusts. One that cannot be used is passed over: the file is not the site's.
fn system() -> Result<RootCertStore, SettingError> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = found.errors.first().map_or("none is installed".to_owned(), ToString::to_string);
        let why = format!("there is no certificate authority on this system: {why}");
        return Err(SettingError::value("url", why, "name one by `ca_file`, or install ca-certificates"));
    }
    Ok(roots)
}

fn certificates(key: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, SettingError> {
    let wrong = |why: String| SettingError::file(key, path, why, "it must be a PEM file with certificates");
    let text = file::read(path).map_err(|error| wrong(error.to_string()))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let found = found.map_err(|error| wrong(describe(&error)))?;
    if found.is_empty() { Err(wrong("it holds no certificate".to_owned())) } else { Ok(found) }
}

fn private_key(name: &'static str, path: &Path) -> Result<PrivateKeyDer<'static>, SettingError> {
    let mend = "it must be a PEM file with one private key";
    let wrong = |why: String| SettingError::file(name, path, why, mend);
    let text = file::read(path).map_err(|error| wrong(error.to_string()))?;
    warn_if_open(name, path);
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| wrong(describe(&error)))
}

fn describe(error: &pem::Error) -> String {
    match error {
        pem::Error::Io(error) => error.to_string(),
        pem::Error::NoItemsFound => "it holds nothing of that kind".to_owned(),
        other => other.to_string(),
    }
}

fn no_tls(error: &dyn fmt::Display) -> SettingError {
    SettingError::value("url", format!("TLS cannot be set up: {error}"), "use mqtt://, or another build")
}
