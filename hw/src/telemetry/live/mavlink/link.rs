//! The ways on which MAVLink comes, named as its own tools name them.

use std::fmt;
use std::io::{self, Read, Write as _};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs, UdpSocket};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use forewarn_base::setting::SettingError;
use mavlink_core::MavHeader;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::termios::{OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};

use super::words::{Said, frame};

/// Whoever waits looks about so often whether it is to go on.
const TURN: Duration = Duration::from_millis(200);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const MEND: &str = "write \"udpin:127.0.0.1:14550\", \"udpout:HOST:PORT\", \"tcp:HOST:PORT\" or \
                    \"serial:/dev/ttyUSB0:57600\"";
/// `MAV_COMP_ID_ONBOARD_COMPUTER`.
const COMPONENT: u8 = 191;

/// Where a link is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// Datagrams that come to this address of the box.
    UdpIn(String),
    /// Datagrams from where the first one is sent to.
    UdpOut(String),
    /// A server.
    Tcp(String),
    /// A serial line.
    Serial {
        /// Its device.
        path: PathBuf,
        /// Bits a second.
        baud: u32,
    },
}

impl Address {
    /// Reads what a site file says.
    pub fn parse(text: &str) -> Result<Self, SettingError> {
        let wrong = |why: String| SettingError::value("url", why, MEND);
        let (kind, rest) = text.split_once(':').ok_or_else(|| wrong(format!("{text:?} names no link")))?;
        let host = || {
            let port = rest.rsplit_once(':').and_then(|(host, port)| (!host.is_empty()).then(|| port.parse::<u16>()));
            match port {
                Some(Ok(port)) if port > 0 => Ok(rest.to_owned()),
                _ => Err(wrong(format!("{rest:?} is no HOST:PORT"))),
            }
        };
        match kind {
            "udp" | "udpin" => Ok(Self::UdpIn(host()?)),
            "udpout" => Ok(Self::UdpOut(host()?)),
            "tcp" => Ok(Self::Tcp(host()?)),
            "serial" => {
                let (path, baud) = rest.rsplit_once(':').ok_or_else(|| wrong("the baud rate is missing".to_owned()))?;
                let baud = baud.parse().ok().filter(|baud| (1_200..=4_000_000).contains(baud));
                let baud = baud.ok_or_else(|| wrong("the baud rate is no number of 1200 to 4000000".to_owned()))?;
                Ok(Self::Serial { path: PathBuf::from(path), baud })
            }
            other => Err(wrong(format!("{other:?} is no kind of link"))),
        }
    }

    /// Whether it listens at a port that somebody else has now.
    pub(crate) fn is_port_in_use(&self) -> bool {
        let Self::UdpIn(address) = self else { return false };
        UdpSocket::bind(address).is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse)
    }

    /// Whether others than the box itself can send to it.
    pub fn is_open_to_others(&self) -> bool {
        let Self::UdpIn(address) = self else { return false };
        address.to_socket_addrs().map_or(true, |mut all| all.any(|address| !address.ip().is_loopback()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UdpIn(address) => write!(f, "udpin:{address}"),
            Self::UdpOut(address) => write!(f, "udpout:{address}"),
            Self::Tcp(address) => write!(f, "tcp:{address}"),
            Self::Serial { path, baud } => write!(f, "serial:{}:{baud}", path.display()),
        }
    }
}

enum Way {
    Udp { socket: UdpSocket, latest: Option<SocketAddr>, peer: Option<SocketAddr> },
    Tcp(TcpStream),
    Serial(OwnedFd),
}

/// An open link. It can be read, and nothing but [`Said`] can be written onto it.
pub(super) struct Link {
    way: Way,
    sequence: u8,
}

impl Link {
    pub(super) fn open(address: &Address) -> io::Result<Self> {
        let way = match address {
            Address::UdpIn(address) => udp(UdpSocket::bind(address)?, None)?,
            Address::UdpOut(address) => {
                let peer = resolved(address)?;
                let own: SocketAddr = if peer.is_ipv4() { ([0; 4], 0).into() } else { ([0_u16; 8], 0).into() };
                udp(UdpSocket::bind(own)?, Some(peer))?
            }
            Address::Tcp(address) => {
                let stream = TcpStream::connect_timeout(&resolved(address)?, CONNECT_TIMEOUT)?;
                stream.set_read_timeout(Some(TURN))?;
                stream.set_write_timeout(Some(CONNECT_TIMEOUT))?;
                stream.set_nodelay(true)?;
                Way::Tcp(stream)
            }
            Address::Serial { path, baud } => Way::Serial(serial(path, *baud)?),
        };
        Ok(Self { way, sequence: 0 })
    }

    /// Whoever sent the latest datagram is answered.
    pub(super) fn answer_here(&mut self) {
        if let Way::Udp { latest, peer, .. } = &mut self.way {
            *peer = latest.or(*peer);
        }
    }

    /// Says it as a part of the system that is followed. Where nobody was heard yet, there is nobody to say it to.
    pub(super) fn say(&mut self, system: u8, said: Said) -> io::Result<()> {
        let header = MavHeader { system_id: u32::from(system), component_id: COMPONENT, sequence: self.sequence };
        self.sequence = self.sequence.wrapping_add(1);
        let bytes = frame(header, said);
        match &mut self.way {
            Way::Udp { socket, peer: Some(peer), .. } => {
                // A datagram that nobody takes is nothing that ends a link.
                let _ = socket.send_to(&bytes, *peer);
                Ok(())
            }
            Way::Udp { peer: None, .. } => Ok(()),
            Way::Tcp(stream) => stream.write_all(&bytes),
            // A line that is full drops what is said; it is said again.
            Way::Serial(line) => match rustix::io::write(line, &bytes) {
                Ok(_) | Err(rustix::io::Errno::AGAIN) => Ok(()),
                Err(error) => Err(error.into()),
            },
        }
    }
}

impl Read for Link {
    /// Reads what is there; `WouldBlock` or `TimedOut` where nothing comes for a turn.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.way {
            Way::Udp { socket, latest, .. } => {
                let (n, from) = socket.recv_from(buffer)?;
                *latest = Some(from);
                if n == 0 { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(n) }
            }
            Way::Tcp(stream) => stream.read(buffer),
            Way::Serial(line) => {
                let mut wanted = [PollFd::new(line, PollFlags::IN)];
                let turn = Timespec { tv_sec: 0, tv_nsec: TURN.subsec_nanos().into() };
                if poll(&mut wanted, Some(&turn))? == 0 {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                // Nothing to read although something is there: the device is gone.
                Ok(rustix::io::read(line, buffer)?)
            }
        }
    }
}

fn udp(socket: UdpSocket, peer: Option<SocketAddr>) -> io::Result<Way> {
    socket.set_read_timeout(Some(TURN))?;
    Ok(Way::Udp { socket, latest: None, peer })
}

fn resolved(address: &str) -> io::Result<SocketAddr> {
    let unknown = || io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    address.to_socket_addrs()?.next().ok_or_else(unknown)
}

/// A line of eight bits without parity or flow control, from which every byte comes as it is.
fn serial(path: &Path, baud: u32) -> io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let line = rustix::fs::open(path, flags, Mode::empty())?;
    let mut settings = tcgetattr(&line)?;
    settings.make_raw();
    settings.set_speed(baud)?;
    settings.special_codes[SpecialCodeIndex::VMIN] = 0;
    settings.special_codes[SpecialCodeIndex::VTIME] = 0;
    tcsetattr(&line, OptionalActions::Now, &settings)?;
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_named_as_their_tools_name_them() {
        for text in ["udpin:0.0.0.0:14550", "udpout:[::1]:14550", "tcp:drone:5760", "serial:/dev/ttyAMA0:57600"] {
            assert_eq!(Address::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Address::parse("udp:127.0.0.1:14550").unwrap().to_string(), "udpin:127.0.0.1:14550");
        for (text, says) in [
            ("14550", "names no link"),
            ("mqtt:a:1", "is no kind of link"),
            ("tcp:drone", "is no HOST:PORT"),
            ("tcp::5760", "is no HOST:PORT"),
            ("udp:a:0", "is no HOST:PORT"),
            ("serial:/dev/ttyAMA0", "the baud rate"),
            ("serial:/dev/ttyAMA0:9", "the baud rate is no number"),
        ] {
            let told = Address::parse(text).unwrap_err().line();
            assert!(told.starts_with("url: ") && told.contains(says) && told.contains("udpin:127"), "{told}");
        }
    }

    #[test]
    fn a_port_that_somebody_has_is_in_use() {
        let other = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = Address::parse(&format!("udpin:{}", other.local_addr().unwrap())).unwrap();
        assert!(address.is_port_in_use());
        drop(other);
        assert!(!address.is_port_in_use() && !Address::parse("tcp:127.0.0.1:1").unwrap().is_port_in_use());
    }

    #[test]
    fn only_what_listens_to_others_is_open_to_them() {
        let is_open = |text| Address::parse(text).unwrap().is_open_to_others();
        assert!(is_open("udpin:0.0.0.0:14550"));
        assert!(!is_open("udpin:127.0.0.1:14550") && !is_open("tcp:10.0.0.1:5760"));
    }
}
