//! A drone's encoder that hovers: a transport stream in datagrams, with a packet of MISB ST 0601 beside each picture.

use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use forewarn_base::thread::Thread;
use forewarn_domain::clock::Stopwatch;

use crate::wait::pause;

const PACKET: usize = 188;
/// So many packets are in a datagram.
const IN_DATAGRAM: usize = 7;
/// The stream of the metadata, which no map of programs names.
const TRACK: u16 = 0x1F0;
const KEY: [u8; 16] = [0x06, 0x0E, 0x2B, 0x34, 0x02, 0x0B, 0x01, 0x01, 0x0E, 0x01, 0x03, 0x01, 0x01, 0x00, 0x00, 0x00];

/// Where it hovers, and where its camera looks.
#[derive(Debug, Clone, Copy)]
pub struct Hover {
    /// Latitude in degrees.
    pub lat_deg: f64,
    /// Longitude in degrees.
    pub lon_deg: f64,
    /// Height above the sea.
    pub height_m: f64,
    /// The camera's direction.
    pub yaw_deg: f64,
    /// Its tilt.
    pub pitch_deg: f64,
}

impl Hover {
    /// The packet, by the tables of the standard.
    fn packet(&self) -> Vec<u8> {
        let part = |value: f64, of: f64, most: f64| (value / of * most).round();
        let items: [(u8, Vec<u8>); 8] = [
            (5, (part(self.yaw_deg, 360.0, 65_535.0) as u16).to_be_bytes().to_vec()),
            (6, vec![0; 2]),
            (7, vec![0; 2]),
            (13, (part(self.lat_deg, 90.0, f64::from(i32::MAX)) as i32).to_be_bytes().to_vec()),
            (14, (part(self.lon_deg, 180.0, f64::from(i32::MAX)) as i32).to_be_bytes().to_vec()),
            (15, (part(self.height_m + 900.0, 19_900.0, 65_535.0) as u16).to_be_bytes().to_vec()),
            (18, vec![0; 4]),
            (19, (part(self.pitch_deg, 180.0, f64::from(i32::MAX)) as i32).to_be_bytes().to_vec()),
        ];
        let body: Vec<u8> = items
            .iter()
            .flat_map(|(tag, value)| [&[*tag, value.len() as u8], &value[..]].concat())
            .chain([1, 2])
            .collect();
        let mut packet = [&KEY[..], &[body.len() as u8 + 2], &body].concat();
        let sum = packet
            .iter()
            .enumerate()
            .fold(0_u16, |sum, (i, byte)| sum.wrapping_add(u16::from(*byte) << (8 * ((i + 1) % 2))));
        packet.extend(sum.to_be_bytes());
        packet
    }
}

/// Sends until it is dropped.
#[derive(Debug)]
pub struct Drone {
    is_over: Arc<AtomicBool>,
    is_silent: Arc<AtomicBool>,
    thread: Thread<std::io::Result<()>>,
}

impl Drone {
    /// Sends a clip to a port of this box, over and over.
    pub fn start(clip: &Path, folder: &Path, port: u16, hover: Hover) -> anyhow::Result<Self> {
        let stream = muxed(clip, folder)?;
        let bytes = std::fs::read(&stream).with_context(|| format!("failed to read {}", stream.display()))?;
        let is_over = Arc::<AtomicBool>::default();
        let is_silent = Arc::<AtomicBool>::default();
        let (until, says_nothing) = (Arc::clone(&is_over), Arc::clone(&is_silent));
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        let send = move || {
            while !until.load(Ordering::Relaxed) {
                send_once(&socket, port, &bytes, &hover.packet(), (&until, &says_nothing))?;
            }
            Ok(())
        };
        Ok(Self { is_over, is_silent, thread: Thread::spawn("drone", send)? })
    }

    /// Whether its pictures come without a word of where it is, from now on.
    pub fn say_nothing(&self, is_silent: bool) {
        self.is_silent.store(is_silent, Ordering::Relaxed);
    }
}

impl Drop for Drone {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // What went wrong with it shows in what the test waits for.
        let _ = self.thread.join();
    }
}

/// The clip as a transport stream.
fn muxed(clip: &Path, folder: &Path) -> anyhow::Result<PathBuf> {
    let stream = folder.join("drone.ts");
    let mut command = Command::new("gst-launch-1.0");
    command.args(["--quiet", "filesrc", &format!("location={}", clip.display()), "!", "qtdemux", "!", "h264parse"]);
    command.args(["config-interval=-1", "!", "mpegtsmux", "alignment=7", "!", "filesink"]);
    let status = command.arg(format!("location={}", stream.display())).status();
    let status = status.context("failed to run gst-launch-1.0; install gstreamer1.0-tools")?;
    anyhow::ensure!(status.success(), "gst-launch-1.0 ended with {status}");
    Ok(stream)
}

fn send_once(
    socket: &UdpSocket,
    port: u16,
    bytes: &[u8],
    klv: &[u8],
    (until, says_nothing): (&AtomicBool, &AtomicBool),
) -> std::io::Result<()> {
    let (watch, mut first, mut datagram, mut n_klv) = (Stopwatch::start(), None, Vec::new(), 0_u8);
    for packet in bytes.chunks_exact(PACKET) {
        if until.load(Ordering::Relaxed) {
            return Ok(());
        }
        if let Some(pts) = pts_of_video(packet) {
            let second = Duration::from_micros(pts.saturating_sub(*first.get_or_insert(pts)) * 100 / 9);
            pause(second.saturating_sub(watch.elapsed()));
            if !says_nothing.load(Ordering::Relaxed) {
                datagram.extend(in_packet(klv, pts, n_klv));
                n_klv = n_klv.wrapping_add(1);
            }
        }
        datagram.extend_from_slice(packet);
        while datagram.len() >= IN_DATAGRAM * PACKET {
            let rest = datagram.split_off(IN_DATAGRAM * PACKET);
            socket.send_to(&datagram, ("127.0.0.1", port))?;
            datagram = rest;
        }
    }
    Ok(())
}

/// When the picture is shown that begins in a packet, on the stream's clock.
fn pts_of_video(packet: &[u8]) -> Option<u64> {
    let begin = if packet[3] & 0x20 == 0 { 4 } else { 5 + usize::from(packet[4]) };
    let head = packet.get(begin..).filter(|_| packet[1] & 0x40 != 0)?;
    let [0, 0, 1, 0xE0..=0xEF, _, _, _, flags, _, a, b, c, d, e, ..] = *head else { return None };
    let [a, b, c, d, e] = [a, b, c, d, e].map(u64::from);
    (flags & 0x80 != 0).then_some((a >> 1 & 7) << 30 | b << 22 | (c >> 1) << 15 | d << 7 | e >> 1)
}

/// A small packet of metadata in one packet of the stream.
fn in_packet(klv: &[u8], pts: u64, number: u8) -> Vec<u8> {
    let time = [0x21 | (pts >> 29 & 0x0E), pts >> 22, pts >> 14 | 1, pts >> 7, pts << 1 | 1].map(|byte| byte as u8);
    let head = [&[0x80, 0x80, 5][..], &time].concat();
    let length = ((head.len() + klv.len()) as u16).to_be_bytes();
    let content = [&[0, 0, 1, 0xBD][..], &length, &head, klv].concat();
    let stuffing = PACKET - 4 - content.len();
    let mut packet = vec![0x47, 0x40 | (TRACK >> 8) as u8, TRACK as u8, 0x30 | (number & 15), stuffing as u8 - 1, 0];
    packet.extend(vec![0xFF; stuffing - 2]);
    packet.extend(content);
    packet
}
