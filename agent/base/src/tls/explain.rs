//! Why TLS failed, in words that help.

use std::error::Error as StdError;
use std::io;

use rustls::{AlertDescription, CertificateError, Error};

use super::pinned::webpki_error;

/// Why a handshake failed and what to do, from whatever a library wrapped the reason in.
pub fn explain(error: &(dyn StdError + 'static)) -> String {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(reason) = error.downcast_ref::<Error>() {
            return of_tls(reason);
        }
        // An `io::Error` passes over what it holds when it is asked for its source.
        let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = held.map(|held| held as &(dyn StdError + 'static)).or_else(|| error.source());
    }
    with_keys(&error.to_string())
}

fn of_tls(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(problem) => of_certificate(problem, webpki_error(error)),
        Error::InvalidMessage(_) => "what came is not TLS; check the port in `url`, or use mqtt://".to_owned(),
        Error::AlertReceived(
            alert @ (AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateExpired
            | AlertDescription::AccessDenied),
        ) => format!("the broker wants another certificate of this client ({alert:?}); check `client_cert`"),
        other => with_keys(&other.to_string()),
    }
}

fn of_certificate(problem: &CertificateError, reason: Option<&webpki::Error>) -> String {
    let docs = "docs/mqtt.md, \"TLS\", has the command";
    match (problem, reason) {
        (CertificateError::NotValidForNameContext { presented, .. }, _) if presented.is_empty() => {
            format!("the broker's certificate names no host; make one with a subjectAltName: {docs}")
        }
        (CertificateError::NotValidForNameContext { expected, presented }, _) => format!(
            "the broker's certificate is for {}, not for {}; write one of these names in `url`, or make another: {docs}",
            presented.join(", "),
            expected.to_str(),
        ),
        (CertificateError::Expired | CertificateError::ExpiredContext { .. }, _) => {
            "the broker's certificate has expired; renew it, and look at the clock of this box".to_owned()
        }
        (CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }, _) => {
            "the broker's certificate is not valid yet; look at the clock of this box".to_owned()
        }
        (CertificateError::UnknownIssuer, _) => {
            "nobody who is trusted has signed the broker's certificate; name by `ca_file` who has, or that certificate"
                .to_owned()
        }
        (_, Some(webpki::Error::CaUsedAsEndEntity)) => {
            "the broker's certificate calls itself an authority, as self-made ones do, and `ca_file` does not hold it; name \
             that very certificate there"
                .to_owned()
        }
        (_, Some(webpki::Error::UnsupportedCertVersion)) => {
            format!("the broker's certificate is of version 1, which names no host; make one of version 3: {docs}")
        }
        (other, _) => with_keys(&format!("the broker's certificate cannot be used: {other}")),
    }
}

fn with_keys(why: &str) -> String {
    format!("{why}; check `ca_file`, `client_cert` and the host name in `url`")
}
