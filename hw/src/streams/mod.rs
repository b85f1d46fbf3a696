//! Which streams a camera has, as it says itself by ONVIF: name, size, pictures a second and address of each.
//!
//! A few questions over HTTP, SOAP 1.2 with a digest of the password (WS-Security UsernameToken Profile 1.1), which counts
//! only within seconds of the camera's own clock; so the clock is asked for first. The media service is asked at the port
//! that answered, whatever host its address names: behind a router cameras name one that nobody reaches.

mod soap;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use forewarn_base::http::{Ask, Http, HttpError};
use forewarn_base::secret::Credentials;
use forewarn_domain::WallTime;

use self::soap::Reply;

/// Where cameras answer, in the order in which they are asked: by the standard, Reolink, others, TP-Link, Dahua's kin.
const PORTS: [u16; 5] = [80, 8000, 8080, 2020, 8899];
/// The path of the device service, which the standard fixes.
const DEVICE: &str = "/onvif/device_service";
/// One question and its answer.
const WITHIN: Duration = Duration::from_secs(2);
/// The longest answer that is read: cameras with dozens of profiles take 100 kB.
const MOST_BYTES: usize = 1 << 20;
/// Profiles whose addresses are asked for.
const MOST_PROFILES: usize = 16;

/// One of a camera's streams.
#[derive(Debug, Clone, PartialEq)]
pub struct Stream {
    /// The name that the camera gives it.
    pub name: String,
    /// `H264`, `H265` or what else it says.
    pub coding: String,
    /// Width and height of its pictures.
    pub size: (u32, u32),
    /// Pictures a second.
    pub fps: f32,
    /// Its address.
    pub url: String,
}

impl Stream {
    /// Pixels that are decoded in a second.
    fn pixels(&self) -> f64 {
        f64::from(self.size.0) * f64::from(self.size.1) * f64::from(self.fps.max(1.0))
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (width, height) = self.size;
        write!(f, "{}, {width}x{height} at {} a second, {}", self.name, self.fps, self.coding)
    }
}

/// A camera does not say which streams it has.
#[derive(Debug, thiserror::Error)]
pub enum StreamsError {
    /// Nobody answers.
    #[error("{0}")]
    Away(#[from] HttpError),
    /// It answers with an error.
    #[error("{peer} says: {reason}; cameras often have users of their own for ONVIF, add this one there")]
    Refused {
        /// Host and port.
        peer: String,
        /// Its words, or the status.
        reason: String,
    },
    /// What it answers is no ONVIF.
    #[error("{peer} answers, and not by ONVIF: {why}")]
    Foreign {
        /// Host and port.
        peer: String,
        /// Why.
        why: String,
    },
}

/// Asks the camera at `host` which streams it has, at the ports where cameras answer, `now`.
pub fn of_host(host: &str, login: Option<&Credentials>, now: WallTime) -> Result<Vec<Stream>, StreamsError> {
    let mut first = None;
    for port in PORTS {
        match of_peer(&format!("{host}:{port}"), login, now) {
            Ok(streams) => return Ok(streams),
            // Who speaks ONVIF and refuses is the camera.
            Err(refused @ StreamsError::Refused { .. }) => return Err(refused),
            Err(error) => first = first.or(Some(error)),
        }
    }
    Err(first.unwrap_or_else(|| StreamsError::Foreign { peer: host.to_owned(), why: "no port is known".to_owned() }))
}

/// The same of a host and a port.
pub fn of_peer(peer: &str, login: Option<&Credentials>, now: WallTime) -> Result<Vec<Stream>, StreamsError> {
    let http = Http::new(None, WITHIN);
    let ask = |path: &str, body: &str, at: Option<WallTime>| {
        let header = login.zip(at).map(|(login, at)| soap::security(login, at)).unwrap_or_default();
        let ask = Ask::post(format!("http://{peer}{path}"), soap::MEDIA_TYPE, soap::envelope(&header, body));
        let answer = http.ask(&ask, MOST_BYTES)?;
        Reply::of(answer.status, &answer.body).map_err(|why| StreamsError::Foreign { peer: peer.to_owned(), why })
    };
    let told = |reply: Reply| match reply {
        Reply::Body(text) => Ok(text),
        Reply::Fault(reason) => Err(StreamsError::Refused { peer: peer.to_owned(), reason }),
    };
    let unread = |why: String| StreamsError::Foreign { peer: peer.to_owned(), why };
    // Who refuses to tell the time goes by ours.
    let at = match ask(DEVICE, soap::TIME, None)? {
        Reply::Body(text) => soap::time(&text).unwrap_or(now),
        Reply::Fault(_) => now,
    };
    let media = soap::media_path(&told(ask(DEVICE, soap::CAPABILITIES, Some(at))?)?);
    let media = media.unwrap_or_else(|| DEVICE.to_owned());
    let mut profiles = soap::profiles(&told(ask(&media, soap::PROFILES, Some(at))?)?).map_err(unread)?;
    profiles.truncate(MOST_PROFILES);
    let streams = profiles.into_iter().map(|(token, stream)| {
        let url = soap::address(&told(ask(&media, &soap::stream_uri(&token), Some(at))?)?).map_err(unread)?;
        Ok(Stream { url, ..stream })
    });
    streams.collect()
}

/// What to say of a camera's streams to a site that watches the one whose pictures are of size `watched`: the smaller ones
/// with what is saved, so that one of them can be written into the site file.
pub fn advice(streams: &[Stream], watched: (u32, u32)) -> Vec<String> {
    let area = |size: (u32, u32)| u64::from(size.0) * u64::from(size.1);
    let main = streams.iter().filter(|stream| stream.size == watched).max_by(|a, b| a.pixels().total_cmp(&b.pixels()));
    let fps = main.map_or(25.0, |main| main.fps);
    let all = area(watched) as f64 * f64::from(fps.max(1.0));
    let smaller = streams.iter().filter(|stream| area(stream.size) < area(watched));
    let mut told: Vec<String> = smaller
        .map(|stream| {
            let part = (100.0 * stream.pixels() / all.max(1.0)).ceil();
            format!("{stream}: {part} % of the pixels to decode with\n      detect_url = \"{}\"", stream.url)
        })
        .collect();
    if told.is_empty() {
        told.push("it offers no smaller stream; set one up in the camera, 640x360 or more".to_owned());
    }
    told
}
