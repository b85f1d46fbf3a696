//! Where the stream of a camera is: as the site file says, or as the camera itself tells by ONVIF.

use std::sync::Mutex;

use forewarn_base::secret::Credentials;
use forewarn_base::setting::SettingError;
use forewarn_base::sync::lock;
use forewarn_domain::clock::wall_now;
use url::Url;

use super::error::OnvifError;
use crate::speaker::camera_url::{NoStream, camera_url, is_host};
use crate::streams::{Stream, StreamsError, of_host, of_peer};

const URL_MEND: &str = "write it like \"rtsp://192.168.1.20/stream1\"";
const DEVICE_MEND: &str = "write it like \"192.168.1.20\", or \"192.168.1.20:8000\" where ONVIF has another port";

/// Where the stream is.
#[derive(Debug)]
pub(super) enum Place {
    /// There.
    Stream(Url),
    /// Where the camera at this address says.
    Device {
        /// Host and, where it is named, the port at which the camera is asked.
        peer: String,
        /// The host alone.
        host: String,
        /// What it said, until nobody answers there any more.
        told: Mutex<Option<Url>>,
    },
}

impl Place {
    /// By the one of the two keys that is given.
    pub(super) fn of(url: Option<&str>, device: Option<&str>) -> Result<Self, SettingError> {
        match (url, device) {
            (Some(url), None) => stream(url).map(Self::Stream),
            (None, Some(peer)) => {
                let host = host_of(peer)?;
                Ok(Self::Device { peer: peer.to_owned(), host, told: Mutex::default() })
            }
            (Some(_), Some(_)) => {
                Err(SettingError::value("device", "`url` says already where it is", "keep one of them"))
            }
            (None, None) => {
                let why = "neither `url` nor `device` says where the camera is";
                Err(SettingError::value("url", why, "name its stream by `url`, or its address by `device`"))
            }
        }
    }

    /// The address of the stream.
    pub(super) fn find(&self, login: Option<&Credentials>) -> Result<Url, OnvifError> {
        let (peer, host, told) = match self {
            Self::Stream(url) => return Ok(url.clone()),
            Self::Device { peer, host, told } => (peer, host, told),
        };
        if let Some(known) = lock(told).clone() {
            return Ok(known);
        }
        let asked =
            if host.len() < peer.len() { of_peer(peer, login, wall_now()) } else { of_host(host, login, wall_now()) };
        let untold = |why: String| OnvifError::Untold { peer: peer.clone(), why };
        let streams = asked.map_err(|error| match error {
            StreamsError::Away(error) => OnvifError::Away { peer: peer.clone(), why: error.to_string() },
            other => untold(other.to_string()),
        })?;
        // Its picture is not looked at here, so the smallest one is the best.
        let smallest = streams.iter().filter_map(|one| Some((pixels(one), usable(one, host)?)));
        let (_, found) = smallest.min_by_key(|(pixels, _)| *pixels).ok_or_else(|| untold("it has none".to_owned()))?;
        *lock(told) = Some(found.clone());
        Ok(found)
    }

    /// Nobody was there: it is asked anew.
    pub(super) fn forget(&self) {
        if let Self::Device { told, .. } = self {
            *lock(told) = None;
        }
    }
}

fn pixels(stream: &Stream) -> u64 {
    u64::from(stream.size.0) * u64::from(stream.size.1)
}

/// The address of a stream as this box reaches it: cameras behind a router name a host that nobody does.
fn usable(stream: &Stream, host: &str) -> Option<Url> {
    let mut url = Url::parse(&stream.url).ok().filter(|url| matches!(url.scheme(), "rtsp" | "rtsps"))?;
    url.set_host(Some(host)).ok()?;
    let is_bare = url.set_username("").is_ok() && url.set_password(None).is_ok();
    is_bare.then_some(url)
}

fn stream(text: &str) -> Result<Url, SettingError> {
    let wrong = |why: String| SettingError::value("url", why, URL_MEND);
    camera_url(text).map_err(|why| match why {
        NoStream::NoUrl(error) => wrong(format!("this is no URL: {error}")),
        NoStream::Scheme(scheme) => wrong(format!("the scheme is \"{scheme}\"")),
        NoStream::Host => wrong("its host is missing, or no name".to_owned()),
        NoStream::Login => {
            let mend = "use `user` and `password_file` or `password_env`";
            SettingError::value("url", "a user or password stands in it", mend)
        }
        NoStream::PortZero => wrong("nobody listens on port 0".to_owned()),
    })
}

/// The host of an address that is a host alone, or one with a port.
fn host_of(peer: &str) -> Result<String, SettingError> {
    let wrong = |why: &str| SettingError::value("device", why, DEVICE_MEND);
    let url = Url::parse(&format!("http://{peer}")).map_err(|_| wrong("this is no address of a camera"))?;
    let is_bare = url.username().is_empty() && url.password().is_none() && url.path() == "/" && url.query().is_none();
    let host = url.host_str().filter(|host| is_host(host) && !peer.ends_with('/'));
    match host {
        Some(host) if is_bare && url.port() != Some(0) && url.fragment().is_none() => Ok(host.to_owned()),
        _ => Err(wrong("it is no host, or more than a host and a port")),
    }
}
