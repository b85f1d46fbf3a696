//! IP horns: G.711 µ-law (PCMU) over RTP, unicast or multicast (RFC 3550, RFC 3551 section 4.5.14).
//!
//! GStreamer encodes, makes packets of 20 ms and paces them against its clock; the packets leave by a connected UDP
//! socket of our own, because that one hears it when the horn's host refuses (ICMP port unreachable).

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forewarn_domain::Announcement;
use forewarn_domain::clock::Stopwatch;
use gst::prelude::*;
use socket2::SockRef;

use super::Output;
use super::config::RtpConfig;
use super::error::PlayError;
use super::pcm::Pcm;
use super::run::{Limits, Rendered, chain, element, mono_caps, source, to_end};

/// PCMU's rate, which is also that of its RTP clock.
const RATE_HZ: u32 = 8000;
/// Duration of one packet: RFC 3551's default.
const PACKET_NS: i64 = 20_000_000;
/// Length of an RTP header without contributing sources or extension.
const HEADER_LEN: usize = 12;

/// Sends to a horn or a group of them.
pub(super) struct RtpOutput {
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

impl RtpOutput {
    pub(super) fn new(config: &RtpConfig) -> Self {
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
        open().map_err(|source| PlayError::Send { address: self.address, source })
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

impl Output for RtpOutput {
    fn play(&mut self, pcm: &Pcm, _: &Announcement, limits: Limits) -> Result<Duration, PlayError> {
        let socket = Arc::new(self.connect()?);
        let (sent, rendered) = (Arc::new(Mutex::new(Sent::default())), Rendered::default());
        let base = "gstreamer1.0-plugins-base";
        let (convert, resample) = (element("audioconvert", base)?, element("audioresample", base)?);
        let narrow = element("capsfilter", "libgstreamer1.0-0")?;
        narrow.set_property("caps", mono_caps(RATE_HZ));
        let encode = element("mulawenc", "gstreamer1.0-plugins-good")?;
        let pay = self.payloader()?;
        let sink = packet_sink(socket.clone(), sent.clone(), rendered.clone());
        let source = source(pcm)?;
        let pipeline = chain(&[&source, &convert, &resample, &narrow, &encode, &pay, sink.upcast_ref()])?;
        let outcome = to_end(&pipeline, &rendered, limits);
        let mut sent = sent.lock().map(|mut s| std::mem::take(&mut *s)).unwrap_or_default();
        self.session = sent.session.or(self.session);
        // The refusal of the last packets arrives after they were sent.
        let refused = sent.error.take().or_else(|| socket.take_error().ok().flatten());
        match refused {
            Some(source) => Err(PlayError::Send { address: self.address, source }),
            None => outcome.map(|()| rendered.duration(RATE_HZ)),
        }
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
    use super::super::tests::announcement;
    use super::*;

    const LIMITS: Limits = Limits { total: Duration::from_secs(30), stall: Duration::from_secs(10) };

    fn horn(address: SocketAddr) -> RtpOutput {
        gst::init().unwrap();
        let text = format!("kind = \"rtp\"\naddress = \"{address}\"");
        let super::super::SpeakerConfig::Rtp(config) = toml::from_str(&text).unwrap() else { panic!("not RTP") };
        RtpOutput::new(&config)
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
    fn listen(socket: &UdpSocket, play: impl FnOnce() -> Duration + Send) -> Vec<(Duration, Vec<u8>)> {
        let watch = Stopwatch::start();
        std::thread::scope(|scope| {
            let playing = scope.spawn(play);
            let mut packets = Vec::new();
            let mut buffer = [0; 2000];
            while packets.len() < 50 {
                let length = socket.recv(&mut buffer).unwrap();
                packets.push((watch.elapsed(), buffer[..length].to_vec()));
            }
            assert_eq!(playing.join().unwrap(), Duration::from_secs(1));
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
        let packets = listen(&socket, || output.play(&pcm, &announcement("", None), LIMITS).unwrap());
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
            listen(&socket, || output.play(&pcm, &announcement("", None), LIMITS).unwrap())
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
        let error = horn(address).play(&tone(), &announcement("", None), LIMITS).unwrap_err();
        let PlayError::Send { address: named, source } = error else { panic!("{error}") };
        assert_eq!((named, source.kind()), (address, io::ErrorKind::ConnectionRefused));
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
        let packets = listen(&socket, || output.play(&pcm, &announcement("", None), LIMITS).unwrap());
        assert_eq!(packets[49].1.len(), HEADER_LEN + 160);
        assert_eq!(output.ttl, 1, "a group hears it in the own network only unless told otherwise");
    }
}
