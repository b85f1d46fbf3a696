//! IP horns: G.711 µ-law (PCMU) over RTP, unicast or multicast (RFC 3550, RFC 3551 section 4.5.14).
//!
//! GStreamer makes packets of 20 ms and paces them against its clock; the packets leave by a connected UDP
//! socket of our own, because that one hears it when the horn's host refuses (ICMP port unreachable).

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forewarn_domain::clock::Stopwatch;
use forewarn_domain::{Announcement, FailureKind, Playback, Proof, SpeakerId};
use gst::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use socket2::SockRef;

use super::{Adapter, Mistake, Settings};
use crate::speaker::error::PlayError;
use crate::speaker::programme::{Codec, Programme};
use crate::speaker::run::{Limits, Rendered, chain, element, source_of_bytes, to_end};

/// PCMU's rate is also that of its RTP clock.
const RATE_HZ: u32 = Codec::RATE_HZ;
/// Duration of one packet: RFC 3551's default.
const PACKET_NS: i64 = 20_000_000;
/// Length of an RTP header without contributing sources or extension.
const HEADER_LEN: usize = 12;

/// An IP horn that takes PCMU (RFC 3551, payload type 0) over RTP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RtpConfig {
    /// Address and UDP port of the horn, or the multicast group that horns listen to: `239.1.2.3:5004`.
    pub address: SocketAddr,
    /// Hops that a packet may take (64 to one horn, 1 to a multicast group if absent).
    #[serde(default)]
    pub ttl: Option<u8>,
    /// IPv4 address of the network interface for multicast; the operating system's choice if absent.
    #[serde(default)]
    pub interface: Option<Ipv4Addr>,
}

impl Settings for RtpConfig {
    fn check(&self, _base_dir: &Path) -> Result<(), Mistake> {
        let ip = self.address.ip();
        if self.address.port() == 0 || ip.is_unspecified() {
            return Err(Mistake("address", format!("{} is no place to send to", self.address)));
        }
        if matches!(ip, IpAddr::V4(v4) if v4.is_broadcast()) {
            return Err(Mistake("address", format!("{ip} is everybody; name the horn, or a multicast group")));
        }
        if self.ttl == Some(0) {
            return Err(Mistake("ttl", "packets of 0 hops never leave the box".to_owned()));
        }
        let multicast_v4 = matches!(ip, IpAddr::V4(v4) if v4.is_multicast());
        if self.interface.is_some() && !multicast_v4 {
            return Err(Mistake("interface", format!("{ip} is no IPv4 multicast group, so the routing table decides")));
        }
        Ok(())
    }

    fn adapter(&self, _id: &SpeakerId, _base_dir: &Path) -> Result<Box<dyn Adapter>, Mistake> {
        Ok(Box::new(Rtp::new(self)))
    }
}

/// The network did not take a packet; a horn that is off answers "connection refused".
#[derive(Debug, thiserror::Error)]
#[error("failed to send to {address}")]
struct SendError {
    address: SocketAddr,
    source: io::Error,
}

impl From<SendError> for PlayError {
    fn from(error: SendError) -> Self {
        let is_refused = error.source.kind() == io::ErrorKind::ConnectionRefused;
        Self::device(if is_refused { FailureKind::Refused } else { FailureKind::Unreachable }, error)
    }
}

/// Sends to a horn or a group of them.
struct Rtp {
    address: SocketAddr,
    ttl: u32,
    interface: Option<Ipv4Addr>,
    session: Option<Session>,
}

/// One RTP source over many talk-spurts, so that receivers see a pause and not a new speaker.
#[derive(Debug, Clone, Copy)]
struct Session {
    ssrc: u32,
    next_sequence: u16,
    next_timestamp: u32,
    silent_since: Stopwatch,
}

/// What the sending thread leaves behind.
#[derive(Default)]
struct Sent {
    session: Option<Session>,
    error: Option<io::Error>,
}

impl Rtp {
    fn new(config: &RtpConfig) -> Self {
        let default_ttl = if config.address.ip().is_multicast() { 1 } else { 64 };
        let ttl = u32::from(config.ttl.unwrap_or(default_ttl));
        Self { address: config.address, ttl, interface: config.interface, session: None }
    }

    fn connect(&self) -> Result<UdpSocket, PlayError> {
        let open = || -> io::Result<UdpSocket> {
            let any: IpAddr = if self.address.is_ipv4() { [0; 4].into() } else { [0_u16; 8].into() };
            let socket = UdpSocket::bind((any, 0))?;
            let options = SockRef::from(&socket);
            match (self.address.ip(), self.interface) {
                (IpAddr::V4(ip), interface) if ip.is_multicast() => {
                    options.set_multicast_ttl_v4(self.ttl)?;
                    interface.map_or(Ok(()), |nic| options.set_multicast_if_v4(&nic))?;
                }
                (IpAddr::V4(_), _) => options.set_ttl_v4(self.ttl)?,
                (IpAddr::V6(ip), _) if ip.is_multicast() => options.set_multicast_hops_v6(self.ttl)?,
                (IpAddr::V6(_), _) => options.set_unicast_hops_v6(self.ttl)?,
            }
            socket.connect(self.address)?;
            // A full send buffer must not hold the pipeline up beyond its watchdog.
            socket.set_write_timeout(Some(Duration::from_secs(1)))?;
            Ok(socket)
        };
        open().map_err(|source| SendError { address: self.address, source }.into())
    }

    /// Makes packets, numbered on from the last talk-spurt.
    fn payloader(&self) -> Result<gst::Element, PlayError> {
        let pay = element("rtppcmupay", "gstreamer1.0-plugins-good")?;
        pay.set_property("min-ptime", PACKET_NS);
        pay.set_property("max-ptime", PACKET_NS);
        pay.set_property("pt", 0_u32);
        if let Some(last) = self.session {
            // The timestamp runs on during silence (RFC 3550, 5.1). The largest offset means "random" to GStreamer.
            let silent = (last.silent_since.elapsed().as_secs_f64() * f64::from(RATE_HZ)) as u64 as u32;
            let timestamp = last.next_timestamp.wrapping_add(silent).min(u32::MAX - 1);
            pay.set_property("ssrc", last.ssrc);
            pay.set_property("seqnum-offset", i32::from(last.next_sequence));
            pay.set_property("timestamp-offset", timestamp);
        }
        Ok(pay)
    }
}

impl Adapter for Rtp {
    fn announce(
        &mut self,
        programme: &mut Programme<'_>,
        _: &Announcement,
        limits: &Limits,
    ) -> Result<Playback, PlayError> {
        let socket = Arc::new(self.connect()?);
        let bytes = programme.encoded(Codec::Pcmu)?;
        let (sent, rendered) = (Arc::new(Mutex::new(Sent::default())), Rendered::default());
        let source = source_of_bytes(&Codec::Pcmu.caps(), &bytes, RATE_HZ, 1)?;
        let sink = packet_sink(socket.clone(), sent.clone(), rendered.clone());
        let pipeline = chain(&[&source, &self.payloader()?, sink.upcast_ref()])?;
        let outcome = to_end(&pipeline, &rendered, limits);
        let mut sent = sent.lock().map(|mut s| std::mem::take(&mut *s)).unwrap_or_default();
        self.session = sent.session.or(self.session);
        // The refusal of the last packets arrives after they were sent.
        if let Some(source) = sent.error.take().or_else(|| socket.take_error().ok().flatten()) {
            return Err(SendError { address: self.address, source }.into());
        }
        outcome?;
        // Nobody answers for the far end.
        let sent = format!("{} bytes of PCMU over RTP to {}", bytes.len(), self.address);
        Ok(Playback::new(rendered.duration(RATE_HZ), Proof::Sent, sent))
    }

    fn probe(&self) -> Result<String, PlayError> {
        let socket = self.connect()?;
        let from = socket.local_addr().map_or_else(|_| "?".to_owned(), |a| a.ip().to_string());
        Ok(format!("PCMU over RTP from {from} to {}, TTL {}", self.address, self.ttl))
    }
}

/// The pipeline's end: sends each packet when its time has come.
fn packet_sink(socket: Arc<UdpSocket>, sent: Arc<Mutex<Sent>>, rendered: Rendered) -> gst_app::AppSink {
    let sink = gst_app::AppSink::builder().sync(true).build();
    sink.set_callbacks(
        gst_app::AppSinkCallbacks::builder()
            .new_sample(move |sink| {
                let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                let packet = sample.buffer().and_then(|b| b.map_readable().ok()).ok_or(gst::FlowError::Error)?;
                let mut sent = sent.lock().map_err(|_| gst::FlowError::Error)?;
                if let Err(error) = socket.send(&packet) {
                    gst::element_error!(sink, gst::ResourceError::Write, ("failed to send: {error}"));
                    sent.error = Some(error);
                    return Err(gst::FlowError::Error);
                }
                let samples = packet.len().saturating_sub(HEADER_LEN);
                rendered.add(samples as u64);
                sent.session = session_after(&packet, samples);
                Ok(gst::FlowSuccess::Ok)
            })
            .build(),
    );
    sink
}

/// Where the session goes on after a packet.
fn session_after(packet: &[u8], samples: usize) -> Option<Session> {
    let header = packet.get(..HEADER_LEN)?;
    let u32_at = |i: usize| u32::from_be_bytes([header[i], header[i + 1], header[i + 2], header[i + 3]]);
    Some(Session {
        ssrc: u32_at(8),
        next_sequence: u16::from_be_bytes([header[2], header[3]]).wrapping_add(1),
        next_timestamp: u32_at(4).wrapping_add(samples as u32),
        silent_since: Stopwatch::start(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speaker::programme::Pcm;
    use crate::speaker::tests::announce;

    fn config(rest: &str) -> RtpConfig {
        toml::from_str(rest).unwrap()
    }

    fn horn(address: SocketAddr) -> Rtp {
        gst::init().unwrap();
        Rtp::new(&config(&format!("address = \"{address}\"")))
    }

    #[test]
    fn places_that_cannot_be_sent_to_are_named() {
        for (text, key) in [
            ("address = \"0.0.0.0:5004\"", "address"),
            ("address = \"10.0.0.5:0\"", "address"),
            ("address = \"10.0.0.5:5004\"\nttl = 0", "ttl"),
            ("address = \"10.0.0.5:5004\"\ninterface = \"10.0.0.1\"", "interface"),
        ] {
            assert_eq!(config(text).check(Path::new(".")).unwrap_err().0, key, "{text}");
        }
        assert!(config("address = \"239.1.2.3:5004\"\ninterface = \"10.0.0.1\"").check(Path::new(".")).is_ok());
        assert!(toml::from_str::<RtpConfig>("address = \"10.0.0.5\"").is_err());
    }

    fn listener() -> (UdpSocket, SocketAddr) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let address = socket.local_addr().unwrap();
        (socket, address)
    }

    /// One second of a tone that swells over the whole range, at PCMU's rate so that nothing is resampled.
    fn tone() -> Pcm {
        let sample = |i: usize| (i as f64 * 4.0 * (i as f64 * 0.2).sin()) as i16;
        Pcm { rate_hz: RATE_HZ, samples: (0..8000).map(sample).collect() }
    }

    /// ITU-T G.711, µ-law: a sign, three bits of exponent and four of mantissa, all inverted; a bias of 132.
    fn mulaw_to_linear(code: u8) -> (i32, i32) {
        let code = !code;
        let (exponent, mantissa) = ((code >> 4) & 7, i32::from(code & 15));
        let magnitude = (((mantissa << 3) + 132) << exponent) - 132;
        (if code & 0x80 == 0 { magnitude } else { -magnitude }, 4 << exponent)
    }

    /// Receives what `play` sends, each packet with its arrival since before the first was due.
    fn listen(socket: &UdpSocket, play: impl FnOnce() -> Playback + Send) -> Vec<(Duration, Vec<u8>)> {
        let watch = Stopwatch::start();
        std::thread::scope(|scope| {
            let playing = scope.spawn(play);
            let mut packets = Vec::new();
            let mut buffer = [0; 2000];
            while packets.len() < 50 {
                let length = socket.recv(&mut buffer).unwrap();
                packets.push((watch.elapsed(), buffer[..length].to_vec()));
            }
            let played = playing.join().unwrap();
            assert_eq!((played.duration, played.proof), (Duration::from_secs(1), Proof::Sent));
            packets
        })
    }

    fn header(packet: &[u8]) -> (u8, u8, u16, u32, u32) {
        let u32_at = |i: usize| u32::from_be_bytes(packet[i..i + 4].try_into().unwrap());
        (packet[0], packet[1], u16::from_be_bytes([packet[2], packet[3]]), u32_at(4), u32_at(8))
    }

    #[test]
    fn packets_are_pcmu_of_20_ms_in_real_time() {
        let (socket, address) = listener();
        let pcm = tone();
        let mut output = horn(address);
        let packets = listen(&socket, || announce(&mut output, pcm.clone()).unwrap());
        let (_, _, sequence, timestamp, ssrc) = header(&packets[0].1);
        for (i, (arrival, packet)) in packets.iter().enumerate() {
            // Version 2 without padding, extension or sources; payload type 0 with the marker on the first.
            let marker = if i == 0 { 0x80 } else { 0 };
            let n = i as u32;
            let expected = (0x80, marker, sequence.wrapping_add(n as u16), timestamp.wrapping_add(n * 160), ssrc);
            assert_eq!(header(packet), expected, "packet {i}");
            assert_eq!(packet.len(), HEADER_LEN + 160, "packet {i}");
            assert!(*arrival >= Duration::from_millis(20) * n, "packet {i} came early, at {arrival:?}");
            for (code, sample) in packet[HEADER_LEN..].iter().zip(&pcm.samples[i * 160..]) {
                let (linear, half_step) = mulaw_to_linear(*code);
                let error = (linear - i32::from(*sample)).abs();
                assert!(error <= half_step, "packet {i}: {sample} became {linear}");
            }
        }
    }

    #[test]
    fn a_second_talk_spurt_goes_on_with_the_session() {
        let (socket, address) = listener();
        let mut output = horn(address);
        let mut play = || {
            let pcm = tone();
            listen(&socket, || announce(&mut output, pcm.clone()).unwrap())
        };
        let (first, second) = (play(), play());
        let (_, _, last_sequence, last_timestamp, ssrc) = header(&first[49].1);
        let (_, marker, sequence, timestamp, same_ssrc) = header(&second[0].1);
        assert_eq!((marker, same_ssrc, sequence), (0x80, ssrc, last_sequence.wrapping_add(1)));
        let gap = timestamp.wrapping_sub(last_timestamp);
        assert!((160..80_000).contains(&gap), "the silence counts as {gap} samples");
    }

    #[test]
    fn a_horn_that_refuses_is_a_failure() {
        let (socket, address) = listener();
        drop(socket);
        let error = announce(&mut horn(address), tone()).unwrap_err();
        assert_eq!(error.kind(), FailureKind::Refused);
        assert_eq!(error.to_string(), format!("failed to send to {address}"));
    }

    #[test]
    fn a_multicast_group_hears_it_by_the_named_interface() {
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let (group, nic) = (Ipv4Addr::new(239, 255, 70, 87), Ipv4Addr::LOCALHOST);
        socket.join_multicast_v4(&group, &nic).unwrap();
        let mut output = horn((group, socket.local_addr().unwrap().port()).into());
        output.interface = Some(nic);
        let pcm = tone();
        let packets = listen(&socket, || announce(&mut output, pcm.clone()).unwrap());
        assert_eq!(packets[49].1.len(), HEADER_LEN + 160);
        assert_eq!(output.ttl, 1, "a group hears it in the own network only unless told otherwise");
    }
}
