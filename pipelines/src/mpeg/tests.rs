//! Readers against streams that are packed here byte by byte.

use proptest::prelude::*;

use super::*;

/// 33 bits in five bytes, with marks between.
fn time(kind: u8, at: u64) -> Vec<u8> {
    let [b, c, d, e] = [at >> 22, at >> 15 << 1 | 1, at >> 7, at << 1 | 1].map(|value| value as u8);
    vec![kind << 4 | (at >> 30 << 1) as u8 | 1, b, c, d, e]
}

pub(super) fn packet(name: u8, pts: Option<u64>, content: &[u8]) -> Vec<u8> {
    let head = pts.map_or(vec![0x80, 0, 0], |pts| [vec![0x80, 0x80, 5], time(2, pts)].concat());
    let length = ((head.len() + content.len()) as u16).to_be_bytes();
    [&[0, 0, 1, name][..], &length, &head, content].concat()
}

fn pack() -> Vec<u8> {
    [&[0, 0, 1, 0xBA, 0x44, 0, 4, 0, 4, 1, 0, 0, 3, 0xFA][..], &[0xFF; 2]].concat()
}

/// In packets of that size, each begun anew.
pub(super) fn transport(track: u16, packets: &[Vec<u8>], stride: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for packet in packets {
        for (i, part) in packet.chunks(170).enumerate() {
            let begins = if i == 0 { 0x40 } else { 0 };
            let stuffing = 184 - part.len();
            out.extend(vec![0x20; (stride - 188) % 16]);
            out.extend([0x47, begins | (track >> 8) as u8, track as u8, 0x30, stuffing as u8 - 1, 0]);
            out.extend(vec![0xFF; stuffing - 2]);
            out.extend(part);
            out.extend(vec![0; (stride - 188) / 16 * 16]);
        }
    }
    out
}

fn read_all(mut layout: Layout, bytes: &[u8], step: usize) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = bytes.chunks(step).flat_map(|chunk| layout.feed(Some(chunk))).collect();
    pieces.extend(layout.feed(None));
    pieces
}

fn piece(track: u16, pts: Option<u64>, bytes: &[u8]) -> Piece {
    Piece { track, pts, dts: None, bytes: bytes.to_vec() }
}

pub(super) const VIDEO: &[u8] = &[0, 0, 0, 1, 0x67, 66, 0, 30, 9, 0, 0, 1, 0x65, 1, 2, 3];

#[test]
fn a_program_is_read_whatever_stands_between() {
    let bytes = [
        b"IMKH of a recorder".to_vec(),
        pack(),
        packet(0xC0, Some(5), &[0, 0, 1, 0xE0, 0, 9]),
        packet(0xE0, Some(7), VIDEO),
        pack(),
        packet(0xE0, None, &[1; 300]),
        vec![0; 50],
        packet(0xBD, None, &[2; 9]),
        vec![0, 0, 1, 0xB9],
        pack(),
        packet(0xE1, Some((1 << 33) - 1), &[3; 9]),
    ]
    .concat();
    let expected =
        [piece(0xE0, Some(7), VIDEO), piece(0xE0, None, &[1; 300]), piece(0xE1, Some((1 << 33) - 1), &[3; 9])];
    for step in [1, 7, 9999] {
        assert_eq!(read_all(Layout::of(&bytes).unwrap(), &bytes, step), expected, "{step}");
    }
    let (_, track, coding) = find(&bytes[..]).unwrap();
    assert_eq!((track, coding), (0xE0, Coding::Kept(crate::Codec::H264)));
}

#[test]
fn a_wrong_length_costs_no_packet_of_video_and_none_needs_one() {
    let mut wrong = packet(0xE0, Some(1), VIDEO);
    wrong[4..6].copy_from_slice(&900_u16.to_be_bytes());
    let mut none = packet(0xE0, Some(2), VIDEO);
    none[4..6].copy_from_slice(&[0, 0]);
    let bytes = [pack(), wrong, none, packet(0xE0, Some(3), VIDEO)].concat();
    let expected: Vec<Piece> = (1..=3).map(|n| piece(0xE0, Some(n), VIDEO)).collect();
    assert_eq!(read_all(Layout::of(&bytes).unwrap(), &bytes, 5), expected);
}

#[test]
fn a_transport_stream_is_read_in_every_form_and_behind_damage() {
    let packets: Vec<Vec<u8>> = (0..5).map(|n| packet(0xE3, Some(n), &[VIDEO, &[9; 400]].concat())).collect();
    for stride in [188, 192, 204] {
        let whole = transport(0x111, &packets, stride);
        let expected: Vec<Piece> = (0..5).map(|n| piece(0x111, Some(n), &[VIDEO, &[9; 400]].concat())).collect();
        for step in [11, 9999] {
            assert_eq!(read_all(Layout::of(&whole).unwrap(), &whole, step), expected, "{stride}");
        }
        // Some bytes are lost on the way.
        let damaged = [&whole[..stride * 4 + 60], &whole[stride * 4 + 90..]].concat();
        let pieces = read_all(Layout::of(&damaged).unwrap(), &damaged, 100);
        assert_eq!((pieces.len(), &pieces[2..]), (5, &expected[2..]), "{stride}");
        assert_eq!(find(&whole[..]).unwrap().1, 0x111);
    }
    let scrambled: Vec<u8> =
        transport(5, &packets, 188).chunks(188).flat_map(|p| [&p[..3], &[0xB0], &p[4..]].concat()).collect();
    assert!(find(&scrambled[..]).is_none());
    assert!(Layout::of(&[7; 5000]).is_none() && Layout::of(&[]).is_none());
}

/// Flash video with all that may stand in it, cut in its last tag.
fn flash() -> Vec<u8> {
    let tag = |kind: u8, at: u8, content: &[u8]| {
        [&[kind, 0, 0, content.len() as u8, 0, 0, at, 0, 0, 0, 0][..], content, &[0; 4]].concat()
    };
    let head = b"FLV\x01\x05\0\0\0\x09\0\0\0\0".to_vec();
    let setup = [1, 66, 0, 30, 0xFD, 0xE1, 0, 4, 0x67, 66, 0, 30, 1, 0, 2, 0x68, 1];
    [
        head.clone(),
        tag(18, 0, b"onMetaData"),
        tag(9, 0, &[&[0x17, 0, 0, 0, 0][..], &setup].concat()),
        tag(8, 1, &[0xAF, 1, 9]),
        tag(9, 2, &[0x17, 1, 0, 0, 3, 0, 2, 0x65, 9, 0, 1, 0x06]),
        tag(9, 3, &[0x57, 0]),
        head,
        tag(9, 4, &[0x27, 1, 0xFF, 0xFF, 0xFF, 0, 1, 0x41]),
        tag(9, 5, &[0x27, 1, 0, 0, 0, 0, 1, 0x41])[..12].to_vec(),
    ]
    .concat()
}

#[test]
fn flash_video_is_read_in_every_form_and_up_to_a_cut() {
    let bytes = flash();
    let first =
        [&[0, 0, 0, 1, 0x67, 66, 0, 30, 0, 0, 0, 1, 0x68, 1][..], &[0, 0, 0, 1, 0x65, 9, 0, 0, 0, 1, 6]].concat();
    let of =
        |pts: u64, dts: u64, bytes: &[u8]| Piece { track: 0, pts: Some(pts), dts: Some(dts), bytes: bytes.to_vec() };
    let expected = [of(450, 180, &first), of(270, 360, &[0, 0, 0, 1, 0x41])];
    for step in [1, 7, bytes.len()] {
        assert_eq!(read_all(Layout::of(&bytes).unwrap(), &bytes, step), expected, "by {step}");
    }
    let truncated = [&bytes[..13], &[9, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0x97, 0, 0, 0, 0]].concat();
    assert_eq!(read_all(Layout::of(&bytes).unwrap(), &truncated, 5), []);
}

proptest! {
    #[test]
    fn every_packet_comes_back(
        contents in prop::collection::vec((any::<Option<u32>>(), prop::collection::vec(2_u8.., 1..600)), 3..9),
        step in 1_usize..700,
        is_program: bool,
    ) {
        let packets: Vec<Vec<u8>> =
            contents.iter().map(|(pts, content)| packet(0xE0, pts.map(u64::from), content)).collect();
        let (track, bytes) = if is_program {
            (0xE0, packets.iter().flat_map(|packet| [pack(), packet.clone()].concat()).collect())
        } else {
            (0x40, transport(0x40, &packets, 188))
        };
        let layout = Layout::of(&bytes);
        prop_assert!(layout.is_some());
        let pieces = layout.map(|layout| read_all(layout, &bytes, step)).unwrap_or_default();
        let expected: Vec<Piece> = contents.iter().map(|(pts, c)| piece(track, pts.map(u64::from), c)).collect();
        prop_assert_eq!(pieces, expected);
    }

    #[test]
    fn any_bytes_are_survived(seed: u64, cuts in prop::collection::vec((0_usize..4000, any::<u8>()), 0..20), kind in 0..3) {
        let packets: Vec<Vec<u8>> = (0..5).map(|n| packet(0xE0, Some(seed % 999 + n), VIDEO)).collect();
        let mut bytes = match kind {
            0 => [pack(), packets.concat()].concat(),
            1 => transport(7, &packets, 188),
            _ => flash(),
        };
        for (at, value) in cuts {
            let n = bytes.len();
            bytes[at % n] = value;
        }
        fuzz_recording(&bytes);
    }
}
