//! Ports of this machine that nobody uses.

use std::io;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};

/// The first port that is looked at, and how many there are: below the range out of which Linux takes the ports of outgoing
/// connections (`net.ipv4.ip_local_port_range`), so that none of those slips in before the port is listened at.
const FIRST: u16 = 16_000;
const COUNT: u16 = 16_000;
/// How far apart the places are at which processes with neighbouring numbers begin.
const STRIDE: u32 = 211;

/// A port of the loopback that nobody uses, neither by TCP nor by UDP, and that this process was not given before.
///
/// # Errors
///
/// That of the last port tried, when none is free.
pub fn free_port() -> io::Result<u16> {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    let begin = (std::process::id().wrapping_mul(STRIDE) % u32::from(COUNT)) as u16;
    let mut tried = Err(io::Error::from(io::ErrorKind::AddrNotAvailable));
    for _ in 0..COUNT {
        let port = FIRST + begin.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let is_free =
            UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).and_then(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, port)));
        tried = is_free.map(|_| port);
        if tried.is_ok() {
            break;
        }
    }
    tried
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ports_are_given_once_and_none_that_is_in_use() {
        let taken = free_port().unwrap();
        let next = taken.wrapping_add(1);
        let _in_use = TcpListener::bind((Ipv4Addr::LOCALHOST, next));
        let given: BTreeSet<u16> = (0..50).map(|_| free_port().unwrap()).collect();
        assert_eq!(given.len(), 50);
        assert!(!given.contains(&taken) && !given.contains(&next), "{given:?}");
        assert!(given.iter().all(|port| (FIRST..FIRST + COUNT).contains(port)), "{given:?}");
    }
}
