//! The streams that a camera offers, to somebody who means to add it.

use std::cmp::Reverse;

use forewarn_base::http;
use forewarn_base::secret::Credentials;
use forewarn_domain::clock::wall_now;
use forewarn_domain::found_camera::FoundStream;
use url::Url;

use super::error::DiscoveryError;
use crate::streams::{Stream, of_peer};

/// Asks the camera at `address` for its streams, the largest first.
pub fn streams(address: &str, login: Option<&Credentials>) -> Result<Vec<FoundStream>, DiscoveryError> {
    let mut found: Vec<_> = of_peer(&peer(address)?, login, wall_now())?.into_iter().filter_map(offer).collect();
    found.sort_by_key(|stream| Reverse(u64::from(stream.size_px.0) * u64::from(stream.size_px.1)));
    Ok(found)
}

/// Host and port of an address on the network; where its device service is, the standard says.
fn peer(address: &str) -> Result<String, DiscoveryError> {
    let wrong = |why: String| DiscoveryError::Address { address: address.to_owned(), why };
    let url = http::address("address", address, "").map_err(|error| wrong(error.to_string()))?;
    if url.scheme() != "http" {
        return Err(wrong("cameras are asked over http:// only".to_owned()));
    }
    let host = url.host_str().unwrap_or_default();
    Ok(format!("{host}:{}", url.port_or_known_default().unwrap_or(80)))
}

/// A login in its address stands nowhere: the camera is watched with the one that was given.
fn offer(stream: Stream) -> Option<FoundStream> {
    let mut url = Url::parse(&stream.url).ok().filter(|url| matches!(url.scheme(), "rtsp" | "rtsps"))?;
    let is_bare = url.set_username("").is_ok() && url.set_password(None).is_ok();
    let Stream { name, coding, size, .. } = stream;
    is_bare.then(|| FoundStream { name, url: url.to_string(), coding, size_px: size })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_on_the_network_are_asked() {
        for (address, asked) in [
            ("http://10.0.0.5/onvif/device_service", Some("10.0.0.5:80")),
            ("http://[fe80::1]:8000/onvif/device_service", Some("[fe80::1]:8000")),
            ("https://10.0.0.5/onvif/device_service", None),
            ("file:///etc/shadow", None),
            ("http://ann:s3@10.0.0.5/", None),
            ("10.0.0.5", None),
        ] {
            assert_eq!(peer(address).ok().as_deref(), asked, "{address}");
        }
    }

    #[test]
    fn a_stream_is_offered_without_a_login_in_its_address() {
        let stream = |url: &str| Stream {
            name: "main".to_owned(),
            coding: "H264".to_owned(),
            size: (1920, 1080),
            fps: 25.0,
            url: url.to_owned(),
        };
        let url = |url: &str| offer(stream(url)).map(|offer| offer.url);
        assert_eq!(url("rtsp://ann:s3@10.0.0.5:554/1?a=b&c=d").as_deref(), Some("rtsp://10.0.0.5:554/1?a=b&c=d"));
        assert_eq!(url("file:///etc/shadow"), None);
    }
}
