//! Doubts about cameras that send to the box: two that send to one place.

use forewarn_pipelines::{SourceKind, SourceUrl};

use super::Doubt;
use crate::{Camera, Site};

/// Cameras whose datagrams come to one port: whichever listens first is heard, or both of a group hear all of it.
pub(super) fn shared(site: &Site) -> Vec<Doubt> {
    let listeners: Vec<(&Camera, &SourceUrl)> = site
        .cameras
        .iter()
        .flat_map(|camera| [Some(&camera.source), camera.watched.as_ref()].map(|source| (camera, source)))
        .filter_map(|(camera, source)| Some((camera, source?)))
        .collect();
    let mut doubts = Vec::new();
    for (n, (camera, source)) in listeners.iter().enumerate() {
        let Some((other, _)) = listeners[..n].iter().find(|(_, before)| is_one_place(before, source)) else { continue };
        let with = if other.id == camera.id { "its other stream".to_owned() } else { format!("camera {}", other.id) };
        doubts.push(Doubt {
            about: format!("camera {}", camera.id),
            problem: format!(
                "{source} is where {with} is listened for, too, so only one of the two is seen, or of a group a mixture"
            ),
            mend: "have each camera send to a port of its own, and write that".to_owned(),
        });
    }
    doubts
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
