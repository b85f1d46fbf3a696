//! WS-Discovery: a question to everybody on the network, and who answers.
//!
//! The question goes out of each address of the box by itself, because the routing table sends multicast over one network
//! alone, and none at all where there is no default route.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4, UdpSocket};
use std::time::Duration;

use forewarn_domain::clock::Stopwatch;
use forewarn_domain::found_camera::FoundCamera;
use roxmltree::{Document, Node};
use socket2::{Domain, Protocol, Socket, Type};
use url::{Host, Url};

use super::error::DiscoveryError;
use crate::xml::text_of;
use forewarn_base::random::uuid;

/// Where everybody listens (WS-Discovery 2005/04, 2.4).
pub const GROUP: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(239, 255, 255, 250), 3702);
/// The question is sent so often, because datagrams get lost.
const TIMES: u32 = 2;
/// How long one socket is listened to before the next.
const TURN: Duration = Duration::from_millis(20);
/// No more cameras are told.
const MOST: usize = 200;
/// The longest answer.
const LONGEST_BYTES: usize = 16 * 1024;

/// Asks every network of the box at `group`, and listens for `within`. Each camera once, by its address.
pub fn find(group: SocketAddrV4, within: Duration) -> Result<Vec<FoundCamera>, DiscoveryError> {
    let addresses = own_addresses(&fs::read_to_string("/proc/net/fib_trie").unwrap_or_default());
    let opened: Vec<io::Result<UdpSocket>> = addresses.into_iter().map(open).collect();
    let (sockets, failed): (Vec<_>, Vec<_>) = opened.into_iter().partition(Result::is_ok);
    let sockets: Vec<UdpSocket> = sockets.into_iter().flatten().collect();
    if sockets.is_empty() {
        let none = io::Error::other("the box has no network");
        return Err(failed.into_iter().find_map(Result::err).unwrap_or(none).into());
    }
    let mut found = Vec::new();
    for _ in 0..TIMES {
        let question = question();
        // A network that takes no multicast has no camera that could answer.
        let sent = sockets.iter().map(|socket| socket.send_to(question.as_bytes(), group));
        let sent: Vec<_> = sent.collect();
        if let (true, Some(Err(error))) = (sent.iter().all(Result::is_err), sent.into_iter().next()) {
            return Err(error.into());
        }
        listen(&sockets, within / TIMES, &mut found);
    }
    found.sort_by(|a, b| a.address.cmp(&b.address));
    Ok(found)
}

fn open(own: Ipv4Addr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.bind(&SocketAddrV4::new(own, 0).into())?;
    socket.set_multicast_if_v4(&own)?;
    socket.set_multicast_ttl_v4(1)?;
    socket.set_read_timeout(Some(TURN))?;
    Ok(socket.into())
}

/// The box's addresses, as the kernel lists them: each followed by `/32 host LOCAL`.
fn own_addresses(fib_trie: &str) -> Vec<Ipv4Addr> {
    let (mut last, mut found) = (None, Vec::new());
    for line in fib_trie.lines().map(str::trim) {
        if let Some((_, address)) = line.split_once("-- ") {
            last = address.parse::<Ipv4Addr>().ok();
        } else if line == "/32 host LOCAL"
            && let Some(own) = last
            && !found.contains(&own)
        {
            found.push(own);
        }
    }
    found
}

fn question() -> String {
    let id = uuid();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\" \
         xmlns:w=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" \
         xmlns:d=\"http://schemas.xmlsoap.org/ws/2005/04/discovery\" \
         xmlns:dn=\"http://www.onvif.org/ver10/network/wsdl\"><e:Header><w:MessageID>uuid:{id}</w:MessageID>\
         <w:To e:mustUnderstand=\"true\">urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To>\
         <w:Action e:mustUnderstand=\"true\">http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</w:Action></e:Header>\
         <e:Body><d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe></e:Body></e:Envelope>"
    )
}

fn listen(sockets: &[UdpSocket], within: Duration, found: &mut Vec<FoundCamera>) {
    let (since, mut buffer) = (Stopwatch::start(), vec![0; LONGEST_BYTES]);
    while since.elapsed() < within {
        for socket in sockets {
            // Silence, and an answer that was lost, are the same.
            let Ok((bytes, from)) = socket.recv_from(&mut buffer) else { continue };
            let text = String::from_utf8_lossy(buffer.get(..bytes).unwrap_or_default());
            for camera in told(&text, from.ip()) {
                if found.len() < MOST && found.iter().all(|known| known.address != camera.address) {
                    found.push(camera);
                }
            }
        }
    }
}

/// The cameras that an answer tells of.
fn told(text: &str, from: IpAddr) -> Vec<FoundCamera> {
    let Ok(document) = Document::parse(text) else { return Vec::new() };
    let matches = document.descendants().filter(|node| node.tag_name().name() == "ProbeMatch");
    let camera = |node: Node<'_, '_>| {
        let addresses = text_of(node, "XAddrs").unwrap_or_default();
        let urls = addresses.split_whitespace().filter_map(|address| Url::parse(address).ok());
        let mut urls: Vec<Url> = urls.filter(|url| url.scheme() == "http").collect();
        // Of several addresses of one camera, that from which it answered can be reached.
        urls.sort_by_key(|url| !matches!((url.host(), from), (Some(Host::Ipv4(ip)), IpAddr::V4(from)) if ip == from));
        let scopes = text_of(node, "Scopes").unwrap_or_default();
        let scope = |kind: &str| scopes.split_whitespace().find_map(|scope| unescaped(scope.split_once(kind)?.1));
        let (name, model) = (scope("onvif.org/name/"), scope("onvif.org/hardware/"));
        let address = urls.into_iter().next()?.to_string();
        Some(FoundCamera { address, name: name.unwrap_or_default(), model: model.unwrap_or_default() })
    };
    matches.filter_map(camera).collect()
}

/// What stands in a URI, as people read it.
fn unescaped(text: &str) -> Option<String> {
    let pairs = format!("v={}", text.replace('+', "%2B").replace('&', "%26"));
    let (_, value) = url::form_urlencoded::parse(pairs.as_bytes()).next()?;
    Some(value.trim().to_owned()).filter(|value| !value.chars().any(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = include_str!("answer.xml");

    #[test]
    fn a_camera_is_told_by_the_address_from_which_it_answered() {
        let from = |ip: &str| told(ANSWER, ip.parse().unwrap());
        let camera = |address: &str| FoundCamera {
            address: address.to_owned(),
            name: "North gate+1".to_owned(),
            model: "IPC-B2".to_owned(),
        };
        assert_eq!(from("10.0.0.5"), [camera("http://10.0.0.5/onvif/device_service")]);
        assert_eq!(from("192.168.1.64"), [camera("http://192.168.1.64:8000/onvif/device_service")]);
        assert_eq!(
            told("<a><ProbeMatch><XAddrs>https://x/ file:///etc</XAddrs></ProbeMatch></a>", [1, 2, 3, 4].into()),
            []
        );
        assert_eq!(told("no XML at all", [1, 2, 3, 4].into()), []);
    }

    #[test]
    fn the_addresses_of_the_box_are_read_from_the_kernels_table() {
        let table = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n     +-- 10.0.0.0/24 2 0 2\n\
                     |-- 10.0.0.0\n        /24 link UNICAST\n        |-- 10.0.0.5\n           /32 host LOCAL\n\
                     |-- 10.0.0.255\n           /32 link BROADCAST\n     |-- 127.0.0.1\n        /32 host LOCAL\n\
                     Local:\n        |-- 10.0.0.5\n           /32 host LOCAL\n";
        assert_eq!(own_addresses(table), [Ipv4Addr::new(10, 0, 0, 5), Ipv4Addr::LOCALHOST]);
    }

    #[test]
    fn each_question_has_a_number_of_its_own_and_is_xml() {
        let id = |text: &str| text_of(Document::parse(text).unwrap().root(), "MessageID").unwrap().to_owned();
        let (one, other) = (id(&question()), id(&question()));
        assert!(one != other && one.len() == 41 && one.as_bytes()[19] == b'4', "{one}");
    }
}
