//! Tags of Flash video, the form of web cameras and of recorders that push to servers.
//!
//! Each picture states when it is decoded and how much later it is shown, in milliseconds. GStreamer 1.22 takes a pause of
//! two seconds for a new beginning, and knows no H.265 here.
//!
//! Source: Adobe Flash Video File Format Specification 10.1, annex E; Enhanced RTMP v1 for H.265 under a name of four
//! letters; ISO/IEC 14496-15, 5.3.3 and 8.3.3, for the parameter sets.

use super::Piece;

/// What is read of the file's own head.
const HEAD: usize = 9;
/// Behind each tag, and behind the head, stands the size of the tag before.
const SIZE_BEFORE: usize = 4;
const TAG_HEAD: usize = 11;
const VIDEO: u8 = 9;

const H264: u8 = 7;
/// As recorders write it, which the specification never had.
const H265: u8 = 12;

/// Bytes of a file that are not yet complete tags.
#[derive(Debug, Default)]
pub(crate) struct Flv {
    bytes: Vec<u8>,
    /// Parameter sets that were stated since the last picture.
    sets: Vec<u8>,
    /// Bytes that state the length of a NAL unit.
    length_bytes: usize,
}

/// The kind of picture that is none: a seek of a server and the like.
const COMMAND: u8 = 5;

/// What a video tag holds.
enum Content<'a> {
    /// Parameter sets and lengths, as MP4 has them.
    Setup(&'a [u8], bool),
    /// NAL units, shown so many milliseconds after they are decoded.
    Picture(&'a [u8], i32),
}

impl Flv {
    /// Whether a file begins so.
    pub(super) fn is_begun(head: &[u8]) -> bool {
        head.starts_with(b"FLV\x01")
    }

    /// Takes the next bytes, or the end, which completes nothing.
    pub(super) fn feed(&mut self, bytes: Option<&[u8]>) -> Vec<Piece> {
        self.bytes.extend_from_slice(bytes.unwrap_or_default());
        let bytes = std::mem::take(&mut self.bytes);
        let (mut rest, mut pieces) = (&bytes[..], Vec::new());
        loop {
            // The head stands in the middle, too, where files were joined.
            if Self::is_begun(rest) && rest.len() >= HEAD + SIZE_BEFORE {
                rest = &rest[HEAD + SIZE_BEFORE..];
                continue;
            }
            let [kind, a, b, c, t1, t2, t3, t0, ..] = *rest else { break };
            let size = u32::from_be_bytes([0, a, b, c]) as usize;
            let end = TAG_HEAD + size;
            if Self::is_begun(rest) || rest.len() < end + SIZE_BEFORE {
                break;
            }
            let at_ms = i32::from_be_bytes([t0, t1, t2, t3]);
            if kind & 0x1F == VIDEO {
                pieces.extend(self.picture(&rest[TAG_HEAD..end], at_ms));
            }
            rest = &rest[end + SIZE_BEFORE..];
        }
        self.bytes = rest.to_vec();
        pieces
    }

    fn picture(&mut self, tag: &[u8], at_ms: i32) -> Option<Piece> {
        match content(tag)? {
            Content::Setup(setup, is_h265) => {
                let found = if is_h265 { sets_of_h265(setup) } else { sets_of_h264(setup) };
                if let Some((length_bytes, sets)) = found {
                    (self.length_bytes, self.sets) = (length_bytes, sets);
                }
                None
            }
            Content::Picture(mut units, later_ms) => {
                let mut bytes = std::mem::take(&mut self.sets);
                while let Some((unit, rest)) = sized(units, self.length_bytes) {
                    put(&mut bytes, unit);
                    units = rest;
                }
                let clock = |ms: i64| Some((ms * 90).rem_euclid(1 << 33) as u64);
                let dts = i64::from(at_ms);
                let piece = Piece { track: 0, pts: clock(dts + i64::from(later_ms)), dts: clock(dts), bytes };
                (!piece.bytes.is_empty()).then_some(piece)
            }
        }
    }
}

fn content(tag: &[u8]) -> Option<Content<'_>> {
    let (first, rest) = tag.split_first()?;
    if first >> 4 & 7 == COMMAND {
        return None;
    }
    if first & 0x80 != 0 {
        let (name, rest) = rest.split_at_checked(4)?;
        let is_h265 = match name {
            b"hvc1" => true,
            b"avc1" => false,
            _ => return None,
        };
        return match first & 0x0F {
            0 => Some(Content::Setup(rest, is_h265)),
            1 => later(rest),
            3 => Some(Content::Picture(rest, 0)),
            _ => None,
        };
    }
    let is_h265 = match first & 0x0F {
        H264 => false,
        H265 => true,
        _ => return None,
    };
    match rest.split_first()? {
        (0, rest) => Some(Content::Setup(rest.get(3..)?, is_h265)),
        (1, rest) => later(rest),
        _ => None,
    }
}

/// A picture behind the time by which it is shown later.
fn later(bytes: &[u8]) -> Option<Content<'_>> {
    let [a, b, c, units @ ..] = bytes else { return None };
    Some(Content::Picture(units, i32::from_be_bytes([*a, *b, *c, 0]) >> 8))
}

/// What stands behind its own length of so many bytes, and the rest.
fn sized(bytes: &[u8], length_bytes: usize) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_at_checked(length_bytes).filter(|_| length_bytes > 0)?;
    let length = length.iter().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
    // A unit that is cut is as much as there is.
    Some(rest.split_at(length.min(rest.len()))).filter(|_| !rest.is_empty())
}

fn put(out: &mut Vec<u8>, unit: &[u8]) {
    if !unit.is_empty() {
        out.extend([0, 0, 0, 1]);
        out.extend_from_slice(unit);
    }
}

/// The bytes of a length, and the parameter sets.
fn sets_of_h264(setup: &[u8]) -> Option<(usize, Vec<u8>)> {
    let length_bytes = usize::from(setup.get(4)? & 3) + 1;
    let (mut out, mut rest) = (Vec::new(), setup.get(5..)?);
    for mask in [0x1F, 0xFF] {
        let (n, behind) = rest.split_first()?;
        rest = behind;
        for _ in 0..n & mask {
            let (set, behind) = sized(rest, 2)?;
            put(&mut out, set);
            rest = behind;
        }
    }
    Some((length_bytes, out))
}

fn sets_of_h265(setup: &[u8]) -> Option<(usize, Vec<u8>)> {
    let length_bytes = usize::from(setup.get(21)? & 3) + 1;
    let n_arrays = *setup.get(22)?;
    let (mut out, mut rest) = (Vec::new(), &setup[23..]);
    for _ in 0..n_arrays {
        let [_, a, b, behind @ ..] = rest else { return None };
        rest = behind;
        for _ in 0..u16::from_be_bytes([*a, *b]) {
            let (set, behind) = sized(rest, 2)?;
            put(&mut out, set);
            rest = behind;
        }
    }
    Some((length_bytes, out))
}
