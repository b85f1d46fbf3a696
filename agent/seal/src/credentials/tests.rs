//! What a file with credentials is, and when it gets none.

use std::io::Cursor;

use super::*;
use crate::certificate::Authority;

/// A picture of which only the markers matter.
const JPEG: [u8; 8] = [0xff, 0xd8, 0xff, 0xda, 0x00, 0x02, 0xff, 0xd9];

fn key() -> (DeviceKey, String) {
    let (authority, device) = (Authority::of(DeviceKey::generate().unwrap()), DeviceKey::generate().unwrap());
    let pem = authority.certify(&device, "riverside").unwrap() + &authority.certificate().unwrap();
    (device, pem)
}

fn said(filling: usize) -> Said<'static> {
    let said = Said::new("confirmed.jpg", "0.1.0", &[Action::Captured]);
    said.and("io.forewarn.incident", &"x".repeat(filling)).unwrap()
}

fn movie(boxes: &[(&[u8; 4], &[u8])]) -> Cursor<Vec<u8>> {
    Cursor::new(boxes.iter().flat_map(|(kind, content)| jumbf::boxed(**kind, content)).collect())
}

/// The length of each segment of JUMBF, and what stands behind them.
fn segments(jpeg: &[u8]) -> (Vec<usize>, &[u8]) {
    let (mut lengths, mut rest) = (Vec::new(), &jpeg[2..]);
    while rest.starts_with(&[0xff, 0xeb]) {
        let length = 2 + usize::from(u16::from_be_bytes([rest[2], rest[3]]));
        lengths.push(length);
        rest = &rest[length..];
    }
    (lengths, rest)
}

#[test]
fn a_picture_stays_what_it_was_behind_segments_of_the_length_that_the_claim_states() {
    let (device, pem) = key();
    let signatory = Signatory::new(&device, &pem).unwrap();
    // Around the lengths at which a number takes more bytes, and at which another segment begins.
    for filling in [0, 10, 62_000, 63_000, 63_400, 64_000, 140_000] {
        let with = in_jpeg(&JPEG, &said(filling), &signatory).unwrap();
        let (lengths, rest) = segments(&with);
        assert_eq!(rest, &JPEG[2..], "{filling}");
        let total: usize = lengths.iter().sum();
        let stated =
            cbor::Cbor::map([("start", cbor::Cbor::Unsigned(2)), ("length", cbor::Cbor::Unsigned(total as u64))]);
        let stated = stated.to_bytes();
        let whole = [with[..2].to_vec(), with[2..2 + total].to_vec()].concat();
        assert!(whole.windows(stated.len()).any(|bytes| bytes == stated), "{filling}: {lengths:?}");
    }
    assert_eq!(segments(&in_jpeg(&JPEG, &said(140_000), &signatory).unwrap()).0.len(), 3);
    assert!(matches!(in_jpeg(b"GIF89a", &said(0), &signatory), Err(CredentialsError::Unfit(_))));
}

#[test]
fn the_hash_of_a_movie_leaves_out_what_others_may_change_and_knows_where_everything_lies() {
    let of = |boxes: &[(&[u8; 4], &[u8])]| MovieDigest::of(&mut movie(boxes));
    let whole = of(&[(b"ftyp", b"isom"), (b"mdat", b"video"), (b"moov", b"where")]).unwrap();
    assert_eq!(of(&[(b"ftyp", b"iso2"), (b"mdat", b"video"), (b"moov", b"where")]).unwrap(), whole);
    assert_eq!(of(&[(b"ftyp", b"isom"), (b"mdat", b"video"), (b"moov", b"where"), (b"free", b"")]).unwrap(), whole);
    assert_ne!(of(&[(b"ftyp", b"isom"), (b"mdat", b"Video"), (b"moov", b"where")]).unwrap(), whole);
    assert_ne!(of(&[(b"ftyp", b"isom"), (b"free", b""), (b"mdat", b"video"), (b"moov", b"where")]).unwrap(), whole);
}

#[test]
fn a_movie_to_which_nothing_can_be_added_is_refused() {
    let refused = |bytes: &[u8]| MovieDigest::of(&mut Cursor::new(bytes.to_vec())).unwrap_err();
    for wrong in [
        &b"\0\0\0\0mdatvideo"[..],
        b"\0\0\0\x07mdat",
        b"\0\0\0\x09mdat",
        b"\0\0\0\x01mdat\0\0\0\0\0\0\0\x01",
        b"\0\0\0\x18uuid0123456789abcdef",
    ] {
        assert!(matches!(refused(wrong), CredentialsError::Unfit(_)), "{wrong:?}");
    }
    assert!(matches!(refused(b"\0\0\0"), CredentialsError::Unread(_)));
}

#[test]
fn without_a_certificate_nothing_is_said() {
    let (device, _) = key();
    assert!(matches!(Signatory::new(&device, ""), Err(CredentialsError::Certificate(_))));
}

#[test]
fn a_picture_says_whose_credentials_it_carries_and_every_change_of_a_byte_is_found() {
    let (device, pem) = key();
    let signatory = Signatory::new(&device, &pem).unwrap();
    assert_eq!(of_jpeg(&JPEG), None);
    for filling in [0, 140_000] {
        let with = in_jpeg(&JPEG, &said(filling), &signatory).unwrap();
        assert_eq!(of_jpeg(&with), Some(Ok(Credentials { key: device.public() })), "{filling}");
    }
    let with = in_jpeg(&JPEG, &said(10), &signatory).unwrap();
    let holds = |bytes: &[u8]| matches!(of_jpeg(bytes), Some(Ok(Credentials { key })) if key == device.public());
    for at in 0..with.len() {
        let mut forged = with.clone();
        forged[at] ^= 1;
        assert!(!holds(&forged), "byte {at} of {}", with.len());
        assert!(!holds(&with[..at]), "cut at {at}");
    }
    assert!(!holds(&[&with[..], b"more"].concat()));
}

#[test]
fn a_movie_says_whose_credentials_it_carries_and_a_change_or_a_box_more_is_found() {
    let (device, pem) = key();
    let signatory = Signatory::new(&device, &pem).unwrap();
    let bare = movie(&[(b"ftyp", b"isom"), (b"mdat", b"video"), (b"moov", b"where")]).into_inner();
    let found = |bytes: &[u8]| in_movie(&mut Cursor::new(bytes)).unwrap();
    assert_eq!(found(&bare), None);
    let digest = MovieDigest::of(&mut Cursor::new(&bare)).unwrap();
    let with = [bare.clone(), of_movie(&digest, &said(10), &signatory).unwrap()].concat();
    assert_eq!(found(&with), Some(Ok(Credentials { key: device.public() })));
    let at = |words: &[u8]| with.windows(words.len()).position(|window| window == words).unwrap();
    for (place, why) in [
        (at(b"video"), Unheld::File),
        (at(b"xxxxxxxxxx"), Unheld::Assertions),
        (at(b"instanceID") + 20, Unheld::Signature),
        (with.len() - 1, Unheld::Signature),
    ] {
        let mut forged = with.clone();
        forged[place] ^= 1;
        assert_eq!(found(&forged), Some(Err(why)), "byte {place}");
    }
    // Credentials that were taken from another clip, and what was put behind them.
    let other = movie(&[(b"ftyp", b"isom"), (b"mdat", b"other"), (b"moov", b"where")]).into_inner();
    assert_eq!(found(&[&other[..], &with[bare.len()..]].concat()), Some(Err(Unheld::File)));
    assert_eq!(found(&[&with[..], &jumbf::boxed(*b"free", b"")].concat()), Some(Err(Unheld::Unread)));
    assert_eq!(found(&with[..with.len() - 1]), Some(Err(Unheld::Unread)));
    for at in bare.len()..with.len() {
        let mut forged = with.clone();
        forged[at] ^= 1;
        assert!(!matches!(found(&forged), Some(Ok(_))), "byte {at} of {}", with.len());
    }
}
