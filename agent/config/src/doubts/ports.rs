//! Doubts about cameras that send to the box: two that send to one place, and a place that is none of this box.

use std::io::ErrorKind;
use std::net::{IpAddr, UdpSocket};

use forewarn_pipelines::{SourceKind, SourceUrl};

use super::{About, Doubt};
use crate::{Camera, Site};

/// Cameras whose datagrams come to one port: whichever listens first is heard, or both of a group hear all of it.
pub(super) fn shared(site: &Site) -> Vec<Doubt> {
    let listeners: Vec<(&Camera, &SourceUrl)> = sources(site).collect();
    let mut doubts = Vec::new();
    for (n, (camera, source)) in listeners.iter().enumerate() {
        let Some((other, _)) = listeners[..n].iter().find(|(_, before)| is_one_place(before, source)) else { continue };
        let with = if other.id == camera.id { "its other stream".to_owned() } else { format!("camera {}", other.id) };
        doubts.push(Doubt {
            about: About::camera(&camera.id),
            problem: format!(
                "{source} is where {with} is listened for, too, so only one of the two is seen, or of a group a mixture"
            ),
            mend: "have each camera send to a port of its own, and write that".to_owned(),
        });
    }
    doubts
}

/// Cameras that are listened for at another box's address, or at a name.
pub(super) fn elsewhere(site: &Site) -> Vec<Doubt> {
    let told = |(camera, source): (&Camera, &SourceUrl)| {
        let (address, port) = source.listens_at()?;
        let is_here = match address.parse::<IpAddr>() {
            Ok(address) if address.is_multicast() => true,
            // Who may not listen may still be right.
            Ok(address) => UdpSocket::bind((address, 0)).err().is_none_or(|e| e.kind() != ErrorKind::AddrNotAvailable),
            Err(_) => address == "localhost",
        };
        (!is_here).then(|| Doubt {
            about: About::camera(&camera.id),
            problem: format!(
                "{source} is listened for at {address}, which is no address of this box, so nothing comes"
            ),
            mend: format!("leave the address out to listen at every one (`:{port}`), or write one of this box"),
        })
    };
    sources(site).filter_map(told).collect()
}

fn sources(site: &Site) -> impl Iterator<Item = (&Camera, &SourceUrl)> {
    site.cameras.iter().flat_map(|camera| {
        let streams = [Some(&camera.source), camera.watched.as_ref()];
        streams.into_iter().flatten().map(move |source| (camera, source))
    })
}

/// Whether what is sent to the one may reach the other.
fn is_one_place(a: &SourceUrl, b: &SourceUrl) -> bool {
    let is_any = |address: &str| matches!(address, "0.0.0.0" | "::");
    // A port of TCP and one of UDP are two.
    let is_tcp = |url: &SourceUrl| matches!(url.kind(), SourceKind::Rtmp | SourceKind::Whip);
    if is_tcp(a) != is_tcp(b) {
        return false;
    }
    match (a.listens_at(), b.listens_at()) {
        (Some((a, port)), Some((b, other))) => port == other && (a == b || is_any(a) || is_any(b)),
        _ => false,
    }
}
