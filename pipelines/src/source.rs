//! Where video comes from: parsing of source addresses, and keeping their secrets out of every output.
//!
//! Accepted: `rtsp://`, `rtsps://`, `rtmp://`, `rtmps://`, `srt://`, `udp://`, `whip://`, `http://`, `https://`, `file:` or a plain path, and
//! `v4l2:` with a device. User and password may stand in the address (`rtsp://user:password@host/…`, percent-encoded where
//! needed) or come apart from it as [`Credentials`]; the address that is handed to GStreamer has none.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use forewarn_base::secret::Credentials;

use crate::address::{
    host_of, is_listener, listens, reads_as_host, redact, redact_address, split_authority, written_secrets,
};

/// How RTP travels from an RTSP camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RtspTransport {
    /// Interleaved in the RTSP connection: no lost packets, passes firewalls.
    #[default]
    Tcp,
    /// Unicast UDP.
    Udp,
}

/// The kind of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// RTSP, RFC 2326.
    Rtsp,
    /// RTMP.
    Rtmp,
    /// SRT.
    Srt,
    /// A transport stream in datagrams that come to this box.
    Udp,
    /// WebRTC that is published to this box, RFC 9725.
    Whip,
    /// HTTP: Motion JPEG, or a transport stream.
    Http,
    /// A file.
    File,
    /// A video4linux2 device.
    V4l2,
}

/// Why a text is no source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// Nothing was given.
    #[error("the source is empty; give an address such as rtsp://camera/stream or the path of a file")]
    Empty,
    /// An unknown scheme.
    #[error(
        "the scheme \"{scheme}\" is not known; use rtsp, rtsps, rtmp, rtmps, srt, udp, whip, http, https, file or v4l2"
    )]
    Scheme {
        /// What stood before the colon.
        scheme: String,
    },
    /// No host. The address is not repeated: what is wrong with it may be a password in the wrong place.
    #[error("the {scheme} address has no host; write it as {scheme}://host/path")]
    NoHost {
        /// The scheme.
        scheme: String,
    },
    /// What stands in the host's place is none.
    #[error(
        "what stands behind {scheme}:// is no host with a port from 1 to 65535; write {scheme}://host:port/path, and a \
         user and password before it as user:password@"
    )]
    Host {
        /// The scheme.
        scheme: String,
    },
    /// What is sent to this box by RTMP has no TLS.
    #[error(
        "what is sent to this box by RTMP is taken without TLS; write rtmp://:PORT/APP/KEY?mode=listener, and keep it \
         within a network of your own"
    )]
    Unciphered,
    /// RTMP without a host, and not as a listener.
    #[error(
        "the address has no host; write rtmp://host/path, or rtmp://:PORT/APP/KEY?mode=listener for what is sent to this box"
    )]
    NoListener,
    /// WebRTC without a port.
    #[error(
        "what is published by WHIP comes to a port of this box: write whip://:PORT/NAME, and have it published to http://BOX:PORT/NAME"
    )]
    WhipPort,
    /// Datagrams without a port.
    #[error(
        "datagrams come to a port of this box: write udp://127.0.0.1:PORT for a sender on this box, udp://:PORT for any, \
         udp://239.x.x.x:PORT for a group"
    )]
    Port,
}

/// A parsed source. `Display` and `Debug` show it without user, password and other secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct SourceUrl {
    kind: SourceKind,
    location: String,
    credentials: Option<Credentials>,
    passphrase: Option<String>,
    /// Whether a password stands before the host, whichever is used.
    has_written_password: bool,
}

impl SourceUrl {
    /// The source that is the file at `path`.
    pub fn file(path: impl AsRef<Path>) -> Self {
        let location = path.as_ref().to_string_lossy().into_owned();
        Self { kind: SourceKind::File, location, credentials: None, passphrase: None, has_written_password: false }
    }

    /// The kind.
    pub fn kind(&self) -> SourceKind {
        self.kind
    }

    /// The path of a file or device.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(&self.location)
    }

    /// The same source with `credentials` in place of those in the address.
    #[must_use]
    pub fn with_credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// The user that logs in, if there is one.
    pub fn user(&self) -> Option<&str> {
        self.credentials.as_ref().map(|login| login.user.as_str())
    }

    /// Whether the address itself holds a password or another secret.
    pub fn holds_secret(&self) -> bool {
        let is_path = matches!(self.kind, SourceKind::File | SourceKind::V4l2);
        let in_query = || !is_path && !written_secrets(&self.location).is_empty();
        self.has_written_password || self.passphrase.is_some() || in_query()
    }

    /// The address without user and password, as GStreamer needs it. It may hold secrets in its query.
    pub(crate) fn location(&self) -> &str {
        &self.location
    }

    /// Where a camera that sends to this box is listened for, as address and port, of TCP for RTMP and WHIP and else of UDP; none for other
    /// sources.
    pub fn listens_at(&self) -> Option<(&str, u16)> {
        let (_, host) = self.location.split_once("://")?;
        let may_listen = matches!(self.kind, SourceKind::Srt | SourceKind::Rtmp);
        if !(matches!(self.kind, SourceKind::Udp | SourceKind::Whip) || may_listen && listens(host)) {
            return None;
        }
        let host = &host[..host.find(['/', '?']).unwrap_or(host.len())];
        let (address, port) = host.rsplit_once(':')?;
        let address = address.trim_start_matches('[').trim_end_matches(']');
        Some((if address.is_empty() { "0.0.0.0" } else { address }, port.parse().ok()?))
    }

    /// The host of a camera that is asked over RTSP, an IPv6 address in its brackets; none for other sources.
    pub fn camera_host(&self) -> Option<&str> {
        let (_, host) = self.location.split_once("://").filter(|_| self.kind == SourceKind::Rtsp)?;
        let host = &host[..host.find(['/', '?']).unwrap_or(host.len())];
        let end = if host.starts_with('[') { host.find(']')? + 1 } else { host.find(':').unwrap_or(host.len()) };
        Some(&host[..end])
    }

    /// Who logs in.
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    pub(crate) fn passphrase(&self) -> Option<&str> {
        self.passphrase.as_deref()
    }

    /// `text` with each secret of this source blotted out; for messages of libraries.
    pub(crate) fn scrub(&self, text: &str) -> String {
        let mut clean = redact(&text.replace(&self.location, &self.to_string()));
        let secrets = self.credentials.iter().map(|login| login.password.expose()).chain(self.passphrase());
        let secrets = secrets.chain(written_secrets(&self.location));
        for secret in secrets.filter(|s| s.len() >= 3) {
            clean = clean.replace(secret, "***");
        }
        clean
    }

    fn network(kind: SourceKind, scheme: &str, text: &str) -> Result<Self, SourceError> {
        let rest = text[scheme.len()..].trim_start_matches(':').trim_start_matches("//");
        let (authority, tail) = split_authority(rest);
        let host = host_of(authority);
        let user_info = authority.strip_suffix(host).and_then(|info| info.strip_suffix('@'));
        let (tail, passphrase) = take_passphrase(kind, tail);
        let location = format!("{scheme}://{host}{tail}");
        // Some write udp://@:PORT for what is listened to.
        let may_listen = matches!(kind, SourceKind::Srt | SourceKind::Udp | SourceKind::Rtmp | SourceKind::Whip);
        let is_listener = may_listen && is_listener(host);
        if kind == SourceKind::Udp && !is_listener && port_of(host).is_none() {
            return Err(SourceError::Port);
        }
        if kind == SourceKind::Whip && !is_listener && port_of(host).is_none() {
            return Err(SourceError::WhipPort);
        }
        if kind == SourceKind::Rtmp {
            match (is_listener, listens(&location)) {
                (_, true) if scheme.eq_ignore_ascii_case("rtmps") => return Err(SourceError::Unciphered),
                (true, false) => return Err(SourceError::NoListener),
                _ => {}
            }
        }
        if host.is_empty() {
            return Err(SourceError::NoHost { scheme: scheme.to_owned() });
        }
        if !is_listener && !reads_as_host(host) {
            return Err(SourceError::Host { scheme: scheme.to_owned() });
        }
        let credentials = user_info.filter(|info| !info.is_empty()).map(|info| {
            let (user, password) = info.split_once(':').unwrap_or((info, ""));
            Credentials::new(percent_decode(user), percent_decode(password))
        });
        let has_written_password = credentials.as_ref().is_some_and(|login| !login.password.expose().is_empty());
        Ok(Self { kind, location, credentials, passphrase, has_written_password })
    }
}

/// The port that stands behind a host.
fn port_of(host: &str) -> Option<u16> {
    host.rsplit_once(':').filter(|(name, _)| !name.ends_with(':')).and_then(|(_, port)| port.parse().ok())
}

/// Takes `passphrase=…` out of an SRT query, so that it does not stand in the URI that libraries print.
fn take_passphrase(kind: SourceKind, tail: &str) -> (String, Option<String>) {
    let Some((path, query)) = tail.split_once('?').filter(|_| kind == SourceKind::Srt) else {
        return (tail.to_owned(), None);
    };
    let (secret, kept): (Vec<&str>, Vec<&str>) = query.split('&').partition(|pair| pair.starts_with("passphrase="));
    let passphrase = secret.first().and_then(|pair| pair.split_once('=')).map(|(_, value)| percent_decode(value));
    let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
    (format!("{path}{query}"), passphrase)
}

fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let hex = bytes.get(i + 1..i + 3).and_then(|h| std::str::from_utf8(h).ok());
        if let Some(byte) = hex.and_then(|h| u8::from_str_radix(h, 16).ok()).filter(|_| bytes[i] == b'%') {
            out.push(byte);
            i += 3;
        } else {
            out.push(bytes[i]);
            i += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

impl FromStr for SourceUrl {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(SourceError::Empty);
        }
        let Some((scheme, rest)) = text.split_once(':') else { return Ok(Self::file(text)) };
        let path = if rest.starts_with("///") { &rest[2..] } else { rest };
        match scheme.to_ascii_lowercase().as_str() {
            "rtsp" | "rtsps" => Self::network(SourceKind::Rtsp, scheme, text),
            "rtmp" | "rtmps" => Self::network(SourceKind::Rtmp, scheme, text),
            "srt" => Self::network(SourceKind::Srt, scheme, text),
            "udp" => Self::network(SourceKind::Udp, scheme, text),
            "whip" => Self::network(SourceKind::Whip, scheme, text),
            "http" | "https" => Self::network(SourceKind::Http, scheme, text),
            "file" if path.is_empty() => Err(SourceError::Empty),
            "file" => Ok(Self::file(path)),
            "v4l2" => {
                let device = path.trim_start_matches("//").to_owned();
                let location = if device.is_empty() { "/dev/video0".to_owned() } else { device };
                Ok(Self {
                    kind: SourceKind::V4l2,
                    location,
                    credentials: None,
                    passphrase: None,
                    has_written_password: false,
                })
            }
            // A path may hold a colon, as in "./2024-05-01T10:00.mp4". What has a user's name before the colon and an @
            // behind it is an address without a scheme.
            other if other.contains(['/', '\\']) || (other.contains('.') && !rest.contains('@')) => {
                Ok(Self::file(text))
            }
            other => Err(SourceError::Scheme { scheme: other.to_owned() }),
        }
    }
}

impl fmt::Display for SourceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            SourceKind::File => write!(f, "file:{}", self.location),
            SourceKind::V4l2 => write!(f, "v4l2:{}", self.location),
            SourceKind::Rtsp
            | SourceKind::Rtmp
            | SourceKind::Srt
            | SourceKind::Udp
            | SourceKind::Whip
            | SourceKind::Http => f.write_str(&redact_address(&self.location)),
        }
    }
}

impl fmt::Debug for SourceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> SourceUrl {
        text.parse().unwrap()
    }

    #[test]
    fn kinds_and_locations() {
        for (text, kind, location) in [
            ("rtsp://cam/s1", SourceKind::Rtsp, "rtsp://cam/s1"),
            ("rtsp://u:p@cam:554/s1?x=1", SourceKind::Rtsp, "rtsp://cam:554/s1?x=1"),
            ("rtsps://[fe80::1]:322/s", SourceKind::Rtsp, "rtsps://[fe80::1]:322/s"),
            ("rtmp://host/live/a", SourceKind::Rtmp, "rtmp://host/live/a"),
            ("rtmp://:1935/live/a?mode=listener", SourceKind::Rtmp, "rtmp://:1935/live/a?mode=listener"),
            ("srt://:9000?mode=listener", SourceKind::Srt, "srt://:9000?mode=listener"),
            ("srt://h:9000?mode=caller&passphrase=0123456789", SourceKind::Srt, "srt://h:9000?mode=caller"),
            ("udp://127.0.0.1:5000", SourceKind::Udp, "udp://127.0.0.1:5000"),
            ("udp://@:5000", SourceKind::Udp, "udp://:5000"),
            ("whip://:8889/hill3", SourceKind::Whip, "whip://:8889/hill3"),
            ("http://u:p@cam/video.mjpg?fps=5", SourceKind::Http, "http://cam/video.mjpg?fps=5"),
            ("https://cam:8443/mjpg", SourceKind::Http, "https://cam:8443/mjpg"),
            ("file:///tmp/a.mp4", SourceKind::File, "/tmp/a.mp4"),
            ("file:a.mp4", SourceKind::File, "a.mp4"),
            ("./10:30.mp4", SourceKind::File, "./10:30.mp4"),
            ("v4l2:/dev/video2", SourceKind::V4l2, "/dev/video2"),
            ("v4l2:///dev/video2", SourceKind::V4l2, "/dev/video2"),
        ] {
            let source = parse(text);
            assert_eq!((source.kind(), source.location()), (kind, location), "{text}");
        }
    }

    #[test]
    fn rtmp_that_is_sent_here_says_so_and_has_no_tls() {
        let why = |text: &str| text.parse::<SourceUrl>().unwrap_err();
        assert_eq!(why("rtmp://:1935/live/a"), SourceError::NoListener);
        assert_eq!(why("rtmp://:1935/live/a?mode=Listener"), SourceError::NoListener);
        assert_eq!(why("rtmps://:1935/live/a?mode=listener"), SourceError::Unciphered);
        assert_eq!(why("rtmp://:0/live/a?mode=listener"), SourceError::Host { scheme: "rtmp".to_owned() });
        assert!(!parse("rtmp://:1935/live/hill3?mode=listener").to_string().contains("hill3"));
    }

    #[test]
    fn datagrams_come_to_a_port_of_this_box() {
        let at = |text: &str| parse(text).listens_at().map(|(address, port)| format!("{address} {port}"));
        assert_eq!(at("udp://:5000").as_deref(), Some("0.0.0.0 5000"));
        assert_eq!(at("udp://@239.1.2.3:5000?pkt_size=1316").as_deref(), Some("239.1.2.3 5000"));
        assert_eq!(at("udp://[::1]:5000").as_deref(), Some("::1 5000"));
        assert_eq!(at("srt://:5000?latency=20&mode=listener").as_deref(), Some("0.0.0.0 5000"));
        assert_eq!(at("srt://:5000"), None);
        assert_eq!(at("rtmp://:1935/live/a?mode=listener").as_deref(), Some("0.0.0.0 1935"));
        assert_eq!(at("rtmp://127.0.0.1:1935/live?mode=listener").as_deref(), Some("127.0.0.1 1935"));
        assert_eq!(at("rtmp://relay:1935/live/a"), None);
        assert_eq!(at("whip://:8889/hill3").as_deref(), Some("0.0.0.0 8889"));
        assert_eq!(at("whip://10.0.0.5:8889/hill3").as_deref(), Some("10.0.0.5 8889"));
        assert!(matches!("whip://hill3".parse::<SourceUrl>(), Err(SourceError::WhipPort)));
        for text in ["udp://239.1.2.3", "udp://cam/x", "udp://"] {
            let error = text.parse::<SourceUrl>().unwrap_err();
            assert!(matches!(error, SourceError::Port), "{text}: {error}");
        }
    }

    #[test]
    fn passwords_may_be_encoded_or_plain() {
        for (text, password) in [
            ("rtsp://u:p%40ss%2Fw@cam/s", "p@ss/w"),
            ("rtsp://u:p@ss@cam/s", "p@ss"),
            ("rtsp://u:p/s?s@cam/s", "p/s?s"),
            ("rtsp://u:100%@cam/s", "100%"),
        ] {
            let source = parse(text);
            assert_eq!(source.credentials(), Some(&Credentials::new("u", password)), "{text}");
            assert_eq!(source.location(), "rtsp://cam/s");
        }
    }

    #[test]
    fn wrong_addresses_say_what_is_wrong() {
        assert_eq!("".parse::<SourceUrl>(), Err(SourceError::Empty));
        assert_eq!("htps://x/".parse::<SourceUrl>(), Err(SourceError::Scheme { scheme: "htps".into() }));
        assert!(matches!("rtsp:///s".parse::<SourceUrl>(), Err(SourceError::NoHost { .. })));
        for text in ["rtsp://cam:99999/s", "rtsp://guard:secret/live", "rtsp://guard:se:cret/live", "rtsp://a b/c"] {
            let error = text.parse::<SourceUrl>().unwrap_err();
            assert!(matches!(error, SourceError::Host { .. }) && !error.to_string().contains("cret"), "{error}");
        }
        let error = "john.doe:secret@192.168.1.2/s".parse::<SourceUrl>().unwrap_err().to_string();
        assert!(error.contains("use rtsp") && !error.contains("secret"), "{error}");
    }

    #[test]
    fn an_at_sign_behind_the_host_belongs_to_path_or_query() {
        for (text, location, user) in [
            (
                "rtsp://h:8554/user=admin&password=Ab1@Zz9&channel=1",
                "rtsp://h:8554/user=admin&password=Ab1@Zz9&channel=1",
                None,
            ),
            ("rtsp://h/live?user=guard@example.org&mode=1", "rtsp://h/live?user=guard@example.org&mode=1", None),
            ("rtsp://guard:secret@h/hall@north", "rtsp://h/hall@north", Some("guard")),
            ("rtsp://guard@example.org:secret@h/hall", "rtsp://h/hall", Some("guard@example.org")),
            ("rtsp://guard:se/cret@h/hall", "rtsp://h/hall", Some("guard")),
        ] {
            let source = parse(text);
            assert_eq!((source.location(), source.user()), (location, user));
            assert!(!source.to_string().contains("cret") && !source.to_string().contains("Zz9"), "{source}");
            let told = source.scrub(&format!("could not open {} and {text}", source.location()));
            assert!(!told.contains("Zz9") && !told.contains("cret"), "{told}");
        }
    }

    #[test]
    fn an_address_knows_whether_a_secret_stands_in_it() {
        for text in ["rtsp://u:p@h/s", "rtsp://h/user=a&password=b", "srt://h:9000?passphrase=0123456789"] {
            assert!(parse(text).with_credentials(Credentials::new("u", "other")).holds_secret(), "{text}");
        }
        for text in ["rtsp://u@h/s", "rtsp://h/s", "/tmp/token=a/b.mp4"] {
            assert!(!parse(text).holds_secret(), "{text}");
        }
    }

    #[test]
    fn vendor_style_secrets_are_redacted() {
        let shown = parse("rtsp://cam/user=admin&Password=tlJw&channel=1").to_string();
        assert_eq!(shown, "rtsp://cam/user=admin&Password=***&channel=1");
    }

    proptest! {
        #[test]
        fn no_output_shows_the_password(password in "[A-Z!#$%*+,/:;=?@~-]{6,20}") {
            let encoded = password.bytes().map(|b| format!("%{b:02X}")).collect::<Vec<_>>().concat();
            let source = parse(&format!("rtsp://viewer:{encoded}@cam/stream"));
            prop_assert_eq!(source.credentials().unwrap().password.expose(), password.as_str());
            let shown = format!("{source} {source:?} {:?} {:?}", source.credentials(), source);
            prop_assert!(!shown.contains(&password) && !shown.contains(&encoded));
            let message = format!("could not log in with {password}");
            prop_assert!(!source.scrub(&message).contains(&password));
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in "(rtsp|srt)?(://)?[a-z:/?@=& 0-9*.]{0,30}|.{0,60}") {
            let _ = text.parse::<SourceUrl>();
            let shown = redact(&text);
            prop_assert_eq!(redact(&shown), shown);
        }
    }

    #[test]
    fn the_host_of_a_camera_is_known() {
        for (url, host) in [
            ("rtsp://u:p@10.0.0.2:554/a?b=1", Some("10.0.0.2")),
            ("rtsp://camera.lan/a:b", Some("camera.lan")),
            ("rtsps://[fe80::1]:322/a", Some("[fe80::1]")),
            ("http://10.0.0.2/stream", None),
            ("udp://127.0.0.1:5000", None),
        ] {
            assert_eq!(url.parse::<SourceUrl>().unwrap().camera_host(), host, "{url}");
        }
    }
}
