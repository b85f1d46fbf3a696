//! Packets of MISB ST 0601, the UAS Datalink Local Set: a universal key of 16 bytes, a length, and items of tag, length and
//! value; the last item is a checksum over all before. What is read of them:
//!
//! | tag | is | as |
//! |---|---|---|
//! | 1 | checksum | the sum of 16-bit words |
//! | 2 | time | microseconds since 1970 |
//! | 5, 6, 7 | heading, pitch, roll of the platform | u16 over 360°, i16 over ±20°, i16 over ±50° |
//! | 13, 14, 15 | latitude, longitude, height above the sea of the sensor | i32 over ±90°, i32 over ±180°, u16 over −900 to 19,000 m |
//! | 16 | horizontal field of view | u16 over 180° |
//! | 18, 19, 20 | azimuth, elevation, roll of the sensor within the platform | u32 over 360°, i32 over ±180°, u32 over 360° |
//! | 90, 91 | pitch and roll of the platform, in full range | i32 over ±90° |
//!
//! They are read as they are, or with the time that a transport stream states for them. The zoom is the field of view against
//! the widest that is told, of which the site's lens is told. A value of length 0 and the smallest of a signed one mean *not known*. Tags above 127 and lengths of several bytes are
//! read as BER says.

use forewarn_domain::Timestamp;
use forewarn_ground::{Aim, Position, Sample, attitude};
use glam::DQuat;

use super::{Given, Height, instant, zoom_of};

/// With which every packet begins.
const KEY: [u8; 16] = [0x06, 0x0E, 0x2B, 0x34, 0x02, 0x0B, 0x01, 0x01, 0x0E, 0x01, 0x03, 0x01, 0x01, 0x00, 0x00, 0x00];
/// No packet is longer; a length beyond it is damage.
const MOST_BYTES: usize = 1 << 16;

/// What one packet tells.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Packet {
    /// When, in microseconds since 1970.
    pub time_us: Option<i64>,
    /// Where the sensor is, its height above the sea.
    pub position: Option<Position>,
    /// How the platform lies.
    pub platform: Option<DQuat>,
    /// How the sensor lies in the platform.
    pub sensor: Option<DQuat>,
    /// What the lens sees across, in degrees.
    pub view_deg: Option<f64>,
}

impl Packet {
    /// The sample of what is told for an instant, where that is enough: `aim` counts where the packet tells none, and the
    /// zoom is told against a view in degrees.
    pub(super) fn sample(self, at: Timestamp, (aim, view_deg): (Option<Aim>, Option<f64>)) -> Option<Sample> {
        let aim = self.sensor.filter(|_| self.platform.is_some()).map(Aim::Vehicle).or(aim)?;
        let zoom = self.view_deg.and_then(|view| zoom_of(view_deg, view)).unwrap_or(1.0);
        Some(Sample { at, position: self.position?, vehicle: self.platform, aim, zoom })
    }
}

/// Why bytes are no packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KlvError {
    /// The packet ends before its length.
    #[error("the packet at byte {0} is cut off: take the whole stream again")]
    CutOff(usize),
    /// The checksum is another.
    #[error("the packet at byte {0} is damaged: its checksum is another")]
    Checksum(usize),
    /// No checksum.
    #[error("the packet at byte {0} has no checksum as its last item, which ST 0601 asks for")]
    Unchecked(usize),
    /// No packet at all.
    #[error(
        "there is no packet of ST 0601 in it that tells time, place and attitude: give an MPEG-TS with a KLV stream, or the \
         bytes of that stream; where it tells no attitude, set `aim`"
    )]
    None,
    /// Another height counts.
    #[error("ST 0601 tells heights above the sea; set height = \"sea\", and ground_m above the sea")]
    Height,
}

/// Every packet in a run of bytes, damaged ones as errors; what lies between packets is passed over.
pub fn packets(bytes: &[u8]) -> Vec<Result<Packet, KlvError>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(from) = bytes[at..].windows(KEY.len()).position(|window| window == KEY).map(|i| at + i) {
        match packet(bytes, from) {
            Ok((packet, end)) => {
                found.push(Ok(packet));
                at = end;
            }
            Err(error) => {
                found.push(Err(error));
                at = from + KEY.len();
            }
        }
    }
    found
}

/// Packets with what the stream that carried them says of their time.
#[derive(Debug, Clone, PartialEq)]
pub struct Timed {
    /// The second of the clip that is stated for the first of them.
    pub at_s: Option<f64>,
    /// The second of the video that came beside them.
    pub beside_s: f64,
    /// The packets.
    pub bytes: Vec<u8>,
}

/// The samples of a run of packets whose first one stands for the start of the clip; damaged packets and those without
/// time, place or attitude are passed over. An error where not one remains.
pub fn read(bytes: &[u8], given: &Given) -> Result<Vec<Sample>, KlvError> {
    let packets = packets(bytes);
    let start = packets.iter().flatten().find_map(|packet| packet.time_us);
    let at_s = |packet: &Packet| Some(packet.time_us?.saturating_sub(start?) as f64 / 1e6);
    samples(packets.iter().map(|packet| packet.map(|packet| (at_s(&packet), packet))), given)
}

/// The same of packets that a stream carried. Where it states no time for them, their own clock counts, which is laid onto the
/// clip by the video beside them: half of them would come earlier by it, half later.
pub fn read_timed(carried: &[Timed], given: &Given) -> Result<Vec<Sample>, KlvError> {
    let read: Vec<(&Timed, Vec<Result<Packet, KlvError>>)> =
        carried.iter().map(|of| (of, packets(&of.bytes))).collect();
    let own_s = |packet: &Packet| packet.time_us.map(|us| us as f64 / 1e6);
    let first_s = |packets: &[Result<Packet, KlvError>]| packets.iter().flatten().find_map(own_s);
    let untimed = read.iter().filter(|(of, _)| of.at_s.is_none());
    let mut apart: Vec<f64> = untimed.filter_map(|(of, packets)| Some(of.beside_s - first_s(packets)?)).collect();
    apart.sort_by(f64::total_cmp);
    let apart_s = apart.get(apart.len() / 2).copied();
    let timed = read.iter().flat_map(|(of, packets)| {
        let first_s = first_s(packets);
        packets.iter().map(move |packet| {
            packet.map(|packet| {
                let at_s = match of.at_s {
                    Some(at_s) => Some(at_s + own_s(&packet).zip(first_s).map_or(0.0, |(own, first)| own - first)),
                    None => own_s(&packet).zip(apart_s).map(|(own, apart)| own + apart),
                };
                (at_s, packet)
            })
        })
    });
    samples(timed, given)
}

fn samples(
    packets: impl Iterator<Item = Result<(Option<f64>, Packet), KlvError>> + Clone,
    given: &Given,
) -> Result<Vec<Sample>, KlvError> {
    let damaged = packets.clone().find_map(Result::err);
    // The standard knows heights above the sea only.
    if given.height != Height::Sea {
        return Err(damaged.unwrap_or(KlvError::Height));
    }
    let views = packets.clone().flatten().filter_map(|(_, packet)| packet.view_deg);
    let widest = views.filter(|view| *view < 170.0).reduce(f64::max);
    let sample = |(at_s, packet): (Option<f64>, Packet)| packet.sample(instant(at_s?, given), (given.aim, widest));
    let samples: Vec<Sample> = packets.flatten().filter_map(sample).collect();
    if samples.is_empty() { Err(damaged.unwrap_or(KlvError::None)) } else { Ok(samples) }
}

fn packet(bytes: &[u8], from: usize) -> Result<(Packet, usize), KlvError> {
    let cut_off = KlvError::CutOff(from);
    let (length, mut at) = length(bytes, from + KEY.len()).filter(|(n, _)| *n <= MOST_BYTES).ok_or(cut_off)?;
    let end = at.checked_add(length).filter(|end| *end <= bytes.len()).ok_or(cut_off)?;
    let mut items = Items::default();
    let mut is_checked = false;
    while at < end {
        let (tag, value_at) = tag(bytes, at).ok_or(cut_off)?;
        let (length, value_at) = self::length(bytes, value_at).ok_or(cut_off)?;
        let next = value_at.checked_add(length).filter(|next| *next <= end).ok_or(cut_off)?;
        let value = &bytes[value_at..next];
        if tag == 1 {
            let stated = <[u8; 2]>::try_from(value).map(u16::from_be_bytes).map_err(|_| KlvError::Checksum(from))?;
            if stated != checksum(&bytes[from..value_at]) {
                return Err(KlvError::Checksum(from));
            }
            is_checked = next == end;
        }
        items.take(tag, value);
        at = next;
    }
    if is_checked { Ok((items.packet(), end)) } else { Err(KlvError::Unchecked(from)) }
}

/// Bytes at even places count as the high byte.
fn checksum(bytes: &[u8]) -> u16 {
    bytes.iter().enumerate().fold(0, |sum: u16, (i, byte)| sum.wrapping_add(u16::from(*byte) << (8 * ((i + 1) % 2))))
}

/// A BER length, and where its value begins.
fn length(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let first = *bytes.get(at)?;
    if first < 0x80 {
        return Some((usize::from(first), at + 1));
    }
    let n = usize::from(first & 0x7F);
    let digits = bytes.get(at + 1..at + 1 + n).filter(|digits| (1..=4).contains(&digits.len()))?;
    Some((digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)), at + 1 + n))
}

/// A BER object identifier, and where its length begins.
fn tag(bytes: &[u8], mut at: usize) -> Option<(u32, usize)> {
    let mut tag = 0_u32;
    for _ in 0..4 {
        let byte = *bytes.get(at)?;
        tag = tag << 7 | u32::from(byte & 0x7F);
        at += 1;
        if byte < 0x80 {
            return Some((tag, at));
        }
    }
    None
}

/// The values of the tags that are read.
#[derive(Debug, Default)]
struct Items {
    time_us: Option<i64>,
    heading: Option<f64>,
    pitch: Option<f64>,
    roll: Option<f64>,
    wide_pitch: Option<f64>,
    wide_roll: Option<f64>,
    lat: Option<f64>,
    lon: Option<f64>,
    height: Option<f64>,
    view: Option<f64>,
    azimuth: Option<f64>,
    elevation: Option<f64>,
    sensor_roll: Option<f64>,
}

impl Items {
    fn take(&mut self, tag: u32, value: &[u8]) {
        match tag {
            2 => self.time_us = <[u8; 8]>::try_from(value).ok().and_then(|v| i64::try_from(u64::from_be_bytes(v)).ok()),
            5 => self.heading = unsigned(value, 2, 360.0),
            6 => self.pitch = signed(value, 2, 20.0),
            7 => self.roll = signed(value, 2, 50.0),
            13 => self.lat = signed(value, 4, 90.0),
            14 => self.lon = signed(value, 4, 180.0),
            15 => self.height = unsigned(value, 2, 19_900.0).map(|m| m - 900.0),
            16 => self.view = unsigned(value, 2, 180.0),
            18 => self.azimuth = unsigned(value, 4, 360.0),
            19 => self.elevation = signed(value, 4, 180.0),
            20 => self.sensor_roll = unsigned(value, 4, 360.0),
            90 => self.wide_pitch = signed(value, 4, 90.0),
            91 => self.wide_roll = signed(value, 4, 90.0),
            _ => {}
        }
    }

    fn packet(self) -> Packet {
        let place = self.lat.zip(self.lon).zip(self.height);
        let (pitch, roll) = (self.wide_pitch.or(self.pitch), self.wide_roll.or(self.roll));
        Packet {
            time_us: self.time_us,
            position: place.map(|((lat_deg, lon_deg), height_m)| Position { lat_deg, lon_deg, height_m }),
            platform: self.heading.zip(pitch).zip(roll).map(|((yaw, pitch), roll)| attitude(yaw, pitch, roll)),
            sensor: self
                .azimuth
                .zip(self.elevation)
                .map(|(yaw, pitch)| attitude(yaw, pitch, self.sensor_roll.unwrap_or(0.0))),
            view_deg: self.view,
        }
    }
}

/// A whole number of `n` bytes, of which the largest is `most`.
fn unsigned(value: &[u8], n: usize, most: f64) -> Option<f64> {
    let whole = (value.len() == n).then(|| value.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte)))?;
    Some(whole as f64 / ((1_u64 << (8 * n)) - 1) as f64 * most)
}

/// A signed number of `n` bytes, of which the largest is `most`; the smallest means that it is not known.
fn signed(value: &[u8], n: usize, most: f64) -> Option<f64> {
    let whole = (value.len() == n).then(|| value.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte)))?;
    let shift = 64 - 8 * n as u32;
    let whole = (whole << shift).cast_signed() >> shift;
    let largest = (1_i64 << (8 * n - 1)) - 1;
    (whole >= -largest).then(|| whole as f64 / largest as f64 * most)
}

#[cfg(test)]
pub(super) mod testing {
    use super::KEY;

    /// A packet of these items, packed by hand.
    pub(super) fn packed(items: &[(&[u8], &[u8])]) -> Vec<u8> {
        let body: Vec<u8> =
            items.iter().flat_map(|(tag, value)| [*tag, &[value.len() as u8], *value].concat()).chain([1, 2]).collect();
        let mut packet = [&KEY[..], &[0x81, body.len() as u8 + 2], &body].concat();
        let sum = packet.chunks(2).fold(0_u16, |sum, pair| {
            sum.wrapping_add(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]))
        });
        packet.extend(sum.to_be_bytes());
        packet
    }

    /// A packet that tells everything at a second, looking so many degrees across.
    pub(in crate::telemetry) fn told(at_s: f64, view: u16) -> Vec<u8> {
        packed(&[
            (&[2], &(((1_700_000_000.0 + at_s) * 1e6).round() as u64).to_be_bytes()),
            (&[5], &[0, 0]),
            (&[6], &[0, 0]),
            (&[7], &[0, 0]),
            (&[13], &[0x55, 0x95, 0xB6, 0x6D]),
            (&[14], &[0x5B, 0x53, 0x60, 0xC4]),
            (&[15], &[0xC2, 0x21]),
            (&[16], &view.to_be_bytes()),
            (&[18], &[0; 4]),
            (&[19], &[0; 4]),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{packed, told};
    use super::*;
    use glam::DVec3;

    /// The examples of the standard's own tables: 0x71C2 is 159.9744°, 0xFD3D is −0.4315°, 0x5595B66D is 60.1768°, ….
    fn example() -> Vec<u8> {
        packed(&[
            (&[2], &[0x00, 0x04, 0x59, 0xF4, 0xA6, 0xAA, 0x4A, 0xA8]),
            (&[5], &[0x71, 0xC2]),
            (&[6], &[0xFD, 0x3D]),
            (&[7], &[0x08, 0xB8]),
            (&[13], &[0x55, 0x95, 0xB6, 0x6D]),
            (&[14], &[0x5B, 0x53, 0x60, 0xC4]),
            (&[15], &[0xC2, 0x21]),
            (&[16], &[0xCD, 0x9C]),
            (&[0x81, 0x0E], &[9, 9, 9]),
            (&[18], &[0x72, 0x4A, 0x0A, 0x20]),
            (&[19], &[0x87, 0xF8, 0x4B, 0x86]),
            (&[20], &[0x00, 0x00, 0x00, 0x00]),
        ])
    }

    #[test]
    fn the_examples_of_the_standard_come_out() {
        let packet = packets(&example())[0].unwrap();
        assert_eq!(packet.time_us, Some(1_224_807_209_913_000));
        let Position { lat_deg, lon_deg, height_m } = packet.position.unwrap();
        assert!((lat_deg - 60.176_822_966_978_335).abs() < 1e-9, "{lat_deg}");
        assert!((lon_deg - 128.426_759_042_045_97).abs() < 1e-9, "{lon_deg}");
        assert!((height_m - 14_190.719_462_882_43).abs() < 1e-6, "{height_m}");
        assert!((packet.view_deg.unwrap() - 144.571_298_1).abs() < 1e-6);
        let (heading, pitch, roll) = (159.974_364_843_213_56, -0.431_531_724_4, 3.405_865_656_6);
        assert!(packet.platform.unwrap().angle_between(attitude(heading, pitch, roll)) < 1e-8);
        let sensor = attitude(160.719_211_474, -168.792_324_833_941_1, 0.0);
        assert!((packet.sensor.unwrap() * DVec3::X - sensor * DVec3::X).length() < 1e-8);
    }

    #[test]
    fn a_hundred_packets_say_what_klvdata_reads_in_them() {
        let read = packets(include_bytes!("testdata/klv.bin"));
        let rows = include_str!("testdata/klv.csv").lines().skip(1);
        let rows: Vec<Vec<f64>> = rows.map(|row| row.split(',').map(|v| v.parse().unwrap()).collect()).collect();
        assert_eq!((read.len(), rows.len()), (100, 100));
        for (packet, row) in read.into_iter().zip(&rows) {
            let [time_us, heading, pitch, roll, lat, lon, height, view, azimuth, elevation, turn] = row[..] else {
                panic!("{row:?}")
            };
            let packet = packet.unwrap();
            assert_eq!(packet.time_us, Some(time_us as i64));
            let at = packet.position.unwrap();
            let off = (at.lat_deg - lat).abs().max((at.lon_deg - lon).abs()).max((at.height_m - height).abs());
            assert!(off < 1e-9 && (packet.view_deg.unwrap() - view).abs() < 1e-9, "{packet:?}, {row:?}");
            assert!(packet.platform.unwrap().angle_between(attitude(heading, pitch, roll)) < 1e-7, "{row:?}");
            assert!(packet.sensor.unwrap().angle_between(attitude(azimuth, elevation, turn)) < 1e-7, "{row:?}");
        }
    }

    #[test]
    fn packets_of_a_stream_count_by_its_time_or_by_their_own_clock_beside_the_video() {
        let given = Given { height: Height::Sea, offset_s: 1.0, ..Given::default() };
        let timed = |at_s: Option<f64>, beside_s: f64, bytes: Vec<u8>| Timed { at_s, beside_s, bytes };
        let seconds = |carried: &[Timed]| -> Vec<f64> {
            read_timed(carried, &given).unwrap().iter().map(|s| (s.at.as_secs_f64() * 1e3).round() / 1e3).collect()
        };
        let two = [told(7.0, 0x4000), told(7.25, 0x4000)].concat();
        assert_eq!(seconds(&[timed(Some(2.5), 9.0, two)]), [3.5, 3.75]);
        // The muxer holds some back by up to a second.
        let late = [0.2, 0.9, 0.4, 0.0, 0.5];
        let carried: Vec<Timed> = late
            .iter()
            .zip(0..)
            .map(|(late, n)| timed(None, f64::from(n) + late, told(40.0 + f64::from(n), 1)))
            .collect();
        assert_eq!(seconds(&carried), [1.4, 2.4, 3.4, 4.4, 5.4]);
        assert_eq!(read_timed(&[], &given), Err(KlvError::None));
        assert_eq!(read_timed(&carried, &Given::default()), Err(KlvError::Height));
    }

    #[test]
    fn the_zoom_is_the_view_against_the_widest() {
        let given = Given { height: Height::Sea, ..Given::default() };
        // 60° and 32.2°, whose tangents of the half differ by the factor 2.
        let bytes = [told(0.0, 21_845), told(1.0, 11_724), told(2.0, 0)].concat();
        let zooms: Vec<f64> = read(&bytes, &given).unwrap().iter().map(|sample| sample.zoom).collect();
        assert!((zooms[0] - 1.0).abs() < 1e-9 && (zooms[1] - 2.0).abs() < 1e-3 && zooms[2] == 1.0, "{zooms:?}");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_and_any_packet_comes_back_whole(
            noise in proptest::collection::vec(proptest::num::u8::ANY, 0..200),
            lat in -0x7FFF_FFFF_i32..=0x7FFF_FFFF,
            height in proptest::num::u16::ANY,
        ) {
            let _ = packets(&noise);
            let place = packed(&[
                (&[13], &lat.to_be_bytes()),
                (&[14], &[0, 0, 0, 1]),
                (&[15], &height.to_be_bytes()),
            ]);
            let bytes = [&noise[..], &place, &noise].concat();
            let found = packets(&bytes).into_iter().flatten().find_map(|packet| packet.position);
            // What comes before may swallow it by a length of its own, which is no packet then.
            if let Some(position) = found {
                proptest::prop_assert!((position.lat_deg - f64::from(lat) / f64::from(i32::MAX) * 90.0).abs() < 1e-9);
                proptest::prop_assert!((-900.0..=19_000.0).contains(&position.height_m));
            } else {
                proptest::prop_assert!(noise.windows(KEY.len()).any(|window| window == KEY));
            }
        }
    }

    #[test]
    fn what_is_not_known_is_none_and_damage_is_told() {
        let unknown =
            packed(&[(&[13], &[0x80, 0, 0, 0]), (&[14], &[0x5B, 0x53, 0x60, 0xC4]), (&[15], &[]), (&[5], &[])]);
        assert_eq!(packets(&unknown), [Ok(Packet::default())]);
        let mut damaged = example();
        damaged[40] ^= 1;
        let at_5 = [b"noise", &damaged[..], &example()].concat();
        assert_eq!(packets(&at_5)[0], Err(KlvError::Checksum(5)));
        assert!(packets(&at_5)[1].is_ok());
        assert_eq!(packets(&example()[..60]), [Err(KlvError::CutOff(0))]);
        let given = Given { height: Height::Sea, ..Given::default() };
        assert_eq!(read(&example(), &given).map(|samples| samples.len()), Ok(1));
        assert_eq!(read(b"nothing", &given), Err(KlvError::None));
        assert_eq!(read(&damaged, &given), Err(KlvError::Checksum(0)));
    }
}
