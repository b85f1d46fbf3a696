//! The address of a camera's stream in a loudspeaker's table.

use url::Url;

/// Why a text is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoStream {
    /// It is no URL.
    NoUrl(url::ParseError),
    /// Streams are not spoken by this scheme.
    Scheme(String),
    /// There is no host, or what is there is no name.
    Host,
    /// A user or password stands in it.
    Login,
    /// Nobody listens on port 0.
    PortZero,
}

/// Reads it, without a user or password in it.
pub(super) fn camera_url(text: &str) -> Result<Url, NoStream> {
    let url = Url::parse(text).map_err(NoStream::NoUrl)?;
    if !matches!(url.scheme(), "rtsp" | "rtsps") {
        return Err(NoStream::Scheme(url.scheme().to_owned()));
    }
    if !url.host_str().is_some_and(is_host) {
        return Err(NoStream::Host);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(NoStream::Login);
    }
    if url.port() == Some(0) { Err(NoStream::PortZero) } else { Ok(url) }
}

/// Whether the host of a URL is one that can be looked up.
pub(super) fn is_host(host: &str) -> bool {
    !host.is_empty() && !host.contains(['{', '}', '%', ','])
}
