//! Credentials in a JPEG: APP11 segments behind its first marker (ISO/IEC 19566-5, annex D).

use super::cbor::Cbor;
use super::manifest::{Binding, Purpose, sha256, store};
use super::read::{Credentials, Unheld, judged};
use super::{CredentialsError, Said, Signatory};

/// How a JPEG begins.
const START: [u8; 2] = [0xff, 0xd8];
/// Begins a segment of JUMBF: the marker, later its length, then the common identifier and the number of the box.
const APP11: [u8; 2] = [0xff, 0xeb];
const IDENTIFIER: [u8; 4] = [b'J', b'P', 0x00, 0x01];
/// Bytes of length and type, which every segment repeats.
const BOX_HEADER: usize = 8;
/// What a segment takes of a box beside that: its length counts itself, the identifier and the number of the segment.
const MOST_IN_SEGMENT: usize = 65_535 - 2 - IDENTIFIER.len() - 4 - BOX_HEADER;
/// What each segment adds.
const SEGMENT_HEADER: usize = APP11.len() + 2 + IDENTIFIER.len() + 4 + BOX_HEADER;

/// The picture with credentials that say what was said of it.
pub fn in_jpeg(jpeg: &[u8], said: &Said<'_>, signatory: &Signatory<'_>) -> Result<Vec<u8>, CredentialsError> {
    let Some(rest) = jpeg.strip_prefix(&START) else {
        return Err(CredentialsError::Unfit("the picture is no JPEG"));
    };
    let sha256 = sha256(jpeg);
    let made = |length, purpose| store(said, &binding(length, &sha256), signatory, purpose);
    // The assertion says how long the segments are that it lies in. A longer number never makes them shorter, so this ends.
    let mut length = 0;
    loop {
        let needed = segments_len(made(length, Purpose::Measured)?.len());
        if needed == length {
            break;
        }
        length = needed;
    }
    Ok([&START[..], &segments(&made(length, Purpose::Kept)?), rest].concat())
}

fn binding(length: usize, sha256: &[u8]) -> Binding {
    let excluded =
        Cbor::map([("start", Cbor::Unsigned(START.len() as u64)), ("length", Cbor::Unsigned(length as u64))]);
    let assertion = Cbor::map([
        ("exclusions", Cbor::Array(vec![excluded])),
        ("name", Cbor::text("jumbf manifest")),
        ("alg", Cbor::text("sha256")),
        ("hash", Cbor::Bytes(sha256.to_vec())),
        ("pad", Cbor::Bytes(Vec::new())),
    ]);
    Binding { label: "c2pa.hash.data", assertion, sha256: sha256.to_vec() }
}

/// Bytes of the segments of a box of so many bytes.
fn segments_len(boxed: usize) -> usize {
    let content = boxed - BOX_HEADER;
    content + content.div_ceil(MOST_IN_SEGMENT).max(1) * SEGMENT_HEADER
}

fn segments(boxed: &[u8]) -> Vec<u8> {
    let (header, content) = boxed.split_at(BOX_HEADER);
    let mut out = Vec::with_capacity(segments_len(boxed.len()));
    for (number, part) in (1_u32..).zip(content.chunks(MOST_IN_SEGMENT)) {
        // At most 65,535, by the size of the parts.
        let length = (SEGMENT_HEADER - APP11.len() + part.len()) as u16;
        out.extend([&APP11[..], &length.to_be_bytes(), &IDENTIFIER, &number.to_be_bytes(), header, part].concat());
    }
    out
}

/// What credentials a picture carries, where this program puts them; none if it carries none.
pub fn of_jpeg(jpeg: &[u8]) -> Option<Result<Credentials, Unheld>> {
    let behind = jpeg.strip_prefix(&START)?;
    let (mut rest, mut boxed) = (behind, Vec::new());
    while let Some((part, after)) = next_segment(rest, boxed.is_empty()) {
        boxed.extend_from_slice(part);
        rest = after;
    }
    if boxed.is_empty() {
        return None;
    }
    let length = behind.len() - rest.len();
    if boxed.len() < BOX_HEADER || segments(&boxed) != behind[..length] {
        return Some(Err(Unheld::Unread));
    }
    let bare = [&START[..], rest].concat();
    Some(judged(&boxed, &binding(length, &sha256(&bare))))
}

/// What a segment of JUMBF holds of its box, the first with the header of that, and what follows the segment.
fn next_segment(bytes: &[u8], is_first: bool) -> Option<(&[u8], &[u8])> {
    let (length, after) = bytes.strip_prefix(&APP11)?.split_first_chunk::<2>()?;
    let (segment, rest) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)).checked_sub(2)?)?;
    let part = segment.strip_prefix(&IDENTIFIER)?.get(4..)?;
    Some((if is_first { part } else { part.get(BOX_HEADER..)? }, rest))
}
