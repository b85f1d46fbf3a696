//! TLS to the broker of a sensor.

use std::path::Path;
use std::sync::Arc;

use rumqttc::tokio_rustls::rustls::crypto::ring;
use rumqttc::tokio_rustls::rustls::pki_types::pem::PemObject as _;
use rumqttc::tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rumqttc::tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::error::ConfigError;

/// The files that the configuration names.
pub(super) struct TlsFiles<'a> {
    pub(super) ca: Option<&'a Path>,
    pub(super) client_cert: Option<&'a Path>,
    pub(super) client_key: Option<&'a Path>,
}

impl TlsFiles<'_> {
    /// Reads the files and prepares TLS to `host`.
    pub(super) fn load(&self, host: &str) -> Result<Arc<ClientConfig>, ConfigError> {
        let wrong = |key, why: String, mend| ConfigError::Value { key, why, mend };
        if ServerName::try_from(host).is_err() {
            let why = format!("\"{host}\" cannot be checked against a certificate");
            return Err(wrong("url", why, "use a host name or an IPv4 address"));
        }
        // The provider is named, because the process-wide default is ambiguous where two are linked in.
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong("url", error.to_string(), "use mqtt://, or another build"))?
            .with_root_certificates(self.roots()?);
        let config = match (self.client_cert, self.client_key) {
            (None, None) => builder.with_no_client_auth(),
            (Some(cert), Some(path)) => {
                let mend = "it must be a PEM file with one private key";
                let key = PrivateKeyDer::from_pem_file(path)
                    .map_err(|error| unreadable("client_key", path, error.to_string(), mend))?;
                builder
                    .with_client_auth_cert(certificates("client_cert", cert)?, key)
                    .map_err(|error| wrong("client_cert", error.to_string(), "certificate and key must fit"))?
            }
            _ => return Err(wrong("client_cert", "half of a client is given".to_owned(), "give both or neither")),
        };
        Ok(Arc::new(config))
    }

    fn roots(&self) -> Result<RootCertStore, ConfigError> {
        let mut roots = RootCertStore::empty();
        let found = match self.ca {
            Some(path) => certificates("ca_file", path)?,
            None => rustls_native_certs::load_native_certs().certs,
        };
        roots.add_parsable_certificates(found);
        if roots.is_empty() {
            let why = "no certificate authority can be used".to_owned();
            return Err(ConfigError::Value { key: "ca_file", why, mend: "name a PEM file with certificates" });
        }
        Ok(roots)
    }
}

fn certificates(key: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let wrong = |why| unreadable(key, path, why, "it must be a PEM file with certificates");
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(chain) if chain.is_empty() => Err(wrong("it holds no certificate".to_owned())),
        Ok(chain) => Ok(chain),
        Err(error) => Err(wrong(error.to_string())),
    }
}

fn unreadable(key: &'static str, path: &Path, why: String, mend: &'static str) -> ConfigError {
    ConfigError::File { key, path: path.to_owned(), why, mend }
}
