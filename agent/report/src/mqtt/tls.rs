//! TLS for the connection to the broker.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rumqttc::tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use rumqttc::tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rumqttc::tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

/// Certificates or keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is not PEM of the wanted kind.
    #[error("`{key}`: failed to read {}: {why}; it must be a PEM file with {wanted}", path.display())]
    File {
        /// The key of the configuration.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
        /// What it should hold.
        wanted: &'static str,
    },
    /// Only one of certificate and key is given.
    #[error("`client_cert` and `client_key` belong together: give both or neither")]
    HalfAClient,
    /// The certificate and the key do not fit, or the library refuses them.
    #[error("`client_cert` and `client_key` cannot be used: {0}")]
    Client(String),
    /// The host's name cannot stand in a certificate.
    #[error("`url`: \"{host}\" cannot be checked against a certificate; use a host name or an IPv4 address")]
    Host {
        /// The host.
        host: String,
    },
    /// The system trusts nobody.
    #[error("found no certificate authority on this system: {why}; name one by `ca_file`")]
    NoRoots {
        /// What the search said.
        why: String,
    },
    /// The library refuses its own defaults.
    #[error("failed to set TLS up: {0}")]
    Setup(String),
}

/// A client's side of TLS.
#[derive(Clone)]
pub(crate) struct TlsClient(pub(crate) Arc<ClientConfig>);

impl fmt::Debug for TlsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsClient")
    }
}

/// The files that the configuration names.
pub(crate) struct TlsFiles<'a> {
    pub(crate) ca: Option<&'a Path>,
    pub(crate) client_cert: Option<&'a Path>,
    pub(crate) client_key: Option<&'a Path>,
}

impl TlsFiles<'_> {
    /// Reads the files and prepares TLS to `host`.
    pub(crate) fn load(&self, host: &str) -> Result<TlsClient, TlsError> {
        ServerName::try_from(host).map_err(|_| TlsError::Host { host: host.to_owned() })?;
        // The provider is named, because the process-wide default is ambiguous where two are linked in.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Setup(error.to_string()))?
            .with_root_certificates(self.roots()?);
        let config = match (self.client_cert, self.client_key) {
            (None, None) => builder.with_no_client_auth(),
            (Some(cert), Some(key)) => {
                let chain = certificates("client_cert", cert)?;
                let key = PrivateKeyDer::from_pem_file(key).map_err(|error| TlsError::File {
                    key: "client_key",
                    path: key.to_owned(),
                    why: describe(&error),
                    wanted: "one private key",
                })?;
                builder.with_client_auth_cert(chain, key).map_err(|error| TlsError::Client(error.to_string()))?
            }
            _ => return Err(TlsError::HalfAClient),
        };
        Ok(TlsClient(Arc::new(config)))
    }

    fn roots(&self) -> Result<RootCertStore, TlsError> {
        let mut roots = RootCertStore::empty();
        if let Some(path) = self.ca {
            for certificate in certificates("ca_file", path)? {
                roots.add(certificate).map_err(|error| TlsError::File {
                    key: "ca_file",
                    path: path.to_owned(),
                    why: error.to_string(),
                    wanted: "certificates",
                })?;
            }
            return Ok(roots);
        }
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            let why = found.errors.first().map_or("none is installed".to_owned(), ToString::to_string);
            return Err(TlsError::NoRoots { why });
        }
        Ok(roots)
    }
}

fn certificates(key: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong = |why: String| TlsError::File { key, path: path.to_owned(), why, wanted: "certificates" };
    let chain: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error: pem::Error| wrong(describe(&error)))?;
    if chain.is_empty() { Err(wrong("it holds no certificate".to_owned())) } else { Ok(chain) }
}

fn describe(error: &pem::Error) -> String {
    match error {
        pem::Error::Io(error) => error.to_string(),
        pem::Error::NoItemsFound => "it holds nothing of that kind".to_owned(),
        other => other.to_string(),
    }
}
