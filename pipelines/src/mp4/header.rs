//! What the index of a recording says of its tracks: how their pictures are turned.
//!
//! GStreamer 1.22 reads seven of the eight turns, none that is scaled beside, and not that of the whole film.
//!
//! Source: ISO/IEC 14496-12, 6.2.2 (matrices), 8.2.2 `mvhd`, 8.3.2 `tkhd`.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use forewarn_domain::Orientation;

/// No header that is read is larger.
const HEADER_BYTES: u64 = 256;
/// No film has more boxes side by side.
const MOST_BOXES: usize = 100_000;

/// The upper left of a matrix: a, b, c, d of x' = ax + cy, y' = bx + dy.
type Matrix = [i64; 4];

/// How the pictures of each track are turned, by its number; `None` if there is no index.
pub(crate) fn turns(input: &mut (impl Read + Seek)) -> io::Result<Option<BTreeMap<u32, Orientation>>> {
    let end = input.seek(SeekFrom::End(0))?;
    let Some(index) = boxes(input, 0..end)?.into_iter().find_map(|(kind, place)| (&kind == b"moov").then_some(place))
    else {
        return Ok(None);
    };
    let (mut whole, mut tracks) = (None, Vec::new());
    for (kind, place) in boxes(input, index)? {
        match &kind {
            b"mvhd" => whole = matrix(&head(input, &place)?, 36, 48),
            b"trak" => {
                for (kind, place) in boxes(input, place)? {
                    if &kind == b"tkhd" {
                        let header = head(input, &place)?;
                        tracks.extend(number_of_track(&header).zip(matrix(&header, 40, 52)));
                    }
                }
            }
            _ => {}
        }
    }
    let turn = |own: Matrix| orientation_of(whole.map_or(own, |whole| product(own, whole)));
    Ok(Some(tracks.into_iter().map(|(number, own)| (number, turn(own))).collect()))
}

/// The boxes side by side in `place`, with the places of their contents; one that is cut ends where `place` does.
fn boxes(input: &mut (impl Read + Seek), place: Range<u64>) -> io::Result<Vec<([u8; 4], Range<u64>)>> {
    let (mut at, mut boxes) = (place.start, Vec::new());
    while at.checked_add(8).is_some_and(|begin| begin <= place.end) && boxes.len() < MOST_BOXES {
        let mut head = [0; 8];
        input.seek(SeekFrom::Start(at))?;
        input.read_exact(&mut head)?;
        let [size @ .., k, i, n, d] = head;
        let (begin, end) = match u64::from(u32::from_be_bytes(size)) {
            0 => (at + 8, place.end),
            1 if at + 16 <= place.end => {
                let mut size = [0; 8];
                input.read_exact(&mut size)?;
                (at + 16, at.saturating_add(u64::from_be_bytes(size)))
            }
            size => (at + 8, at + size),
        };
        if end < begin {
            break;
        }
        boxes.push(([k, i, n, d], begin..end.min(place.end)));
        at = end;
    }
    Ok(boxes)
}

/// The beginning of a box's content.
fn head(input: &mut (impl Read + Seek), place: &Range<u64>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.seek(SeekFrom::Start(place.start))?;
    input.take((place.end - place.start).min(HEADER_BYTES)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn word(header: &[u8], at: usize) -> Option<[u8; 4]> {
    header.get(at..)?.first_chunk::<4>().copied()
}

/// Behind the times, which are of 64 bits in version 1.
fn number_of_track(header: &[u8]) -> Option<u32> {
    word(header, if header.first() == Some(&1) { 20 } else { 12 }).map(u32::from_be_bytes)
}

/// The matrix of a header, which stands at one place in version 0 and at another in version 1.
fn matrix(header: &[u8], at: usize, at_of_1: usize) -> Option<Matrix> {
    let at = if header.first() == Some(&1) { at_of_1 } else { at };
    let value = |i: usize| word(header, at + 4 * i).map(|word| i64::from(i32::from_be_bytes(word)));
    Some([value(0)?, value(1)?, value(3)?, value(4)?])
}

/// One matrix, and then another.
fn product([a, b, c, d]: Matrix, [e, f, g, h]: Matrix) -> Matrix {
    [a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h].map(|value| value >> 16)
}

/// The turn that is nearest to a matrix, whatever it scales.
fn orientation_of([a, b, c, d]: Matrix) -> Orientation {
    let is_sideways = b.abs() + c.abs() > a.abs() + d.abs();
    // How far the stored left and top edges are turned; they agree unless it is mirrored.
    let (is_mirrored, quarter_turns) = match (is_sideways, if is_sideways { (b < 0, c < 0) } else { (a < 0, d < 0) }) {
        (false, (false, false)) => (false, 0),
        (false, (true, true)) => (false, 2),
        (false, (true, false)) => (true, 0),
        (false, (false, true)) => (true, 2),
        (true, (false, true)) => (false, 1),
        (true, (true, false)) => (false, 3),
        (true, (true, true)) => (true, 1),
        (true, (false, false)) => (true, 3),
    };
    Orientation { is_mirrored, quarter_turns }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::super::matrix_of;
    use super::*;

    fn boxed(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
        [&(content.len() as u32 + 8).to_be_bytes()[..], &kind, content].concat()
    }

    /// A header of that version whose matrix stands behind `before` bytes more than its times.
    fn header(version: u8, number: u32, before: usize, matrix: [i32; 9]) -> Vec<u8> {
        let mut bytes = vec![version, 0, 0, 3];
        bytes.extend(vec![0; if version == 1 { 16 } else { 8 }]);
        bytes.extend(number.to_be_bytes());
        // A duration of 64 bits in version 1.
        bytes.extend(vec![0; before + if version == 1 { 4 } else { 0 }]);
        bytes.extend(matrix.iter().flat_map(|value| value.to_be_bytes()));
        bytes.extend([0; 24]);
        bytes
    }

    fn film(version: u8, whole: [i32; 9], track: [i32; 9]) -> Vec<u8> {
        let movie = boxed(*b"mvhd", &header(version, 1000, 20, whole));
        let track = boxed(*b"trak", &boxed(*b"tkhd", &header(version, 7, 24, track)));
        [boxed(*b"mdat", &[7; 9]), boxed(*b"moov", &[movie, boxed(*b"free", b""), track].concat())].concat()
    }

    fn turn_of(film: Vec<u8>) -> Option<Orientation> {
        turns(&mut Cursor::new(film)).unwrap().unwrap().get(&7).copied()
    }

    #[test]
    fn every_turn_is_read_in_both_versions_and_whatever_it_scales() {
        let whole = matrix_of(Orientation::UPRIGHT, (0, 0));
        for exif in 1..=8 {
            let turn = Orientation::of_exif(exif).unwrap();
            let matrix = matrix_of(turn, (64 << 16, 48 << 16));
            let scaled = matrix.map(|value| if value.abs() == 1 << 16 { value * 2 } else { value });
            for (version, matrix) in [(0, matrix), (1, matrix), (0, scaled)] {
                assert_eq!(turn_of(film(version, whole, matrix)), Some(turn), "{exif}");
            }
            // The whole film is turned once more.
            let quarter = Orientation { is_mirrored: false, quarter_turns: 1 };
            assert_eq!(turn_of(film(0, matrix_of(quarter, (0, 0)), matrix)), Some(turn.then(quarter)), "{exif}");
        }
    }

    #[test]
    fn a_recording_that_was_cut_off_has_no_index() {
        let whole = matrix_of(Orientation::UPRIGHT, (0, 0));
        let film = film(0, whole, whole);
        assert!(turns(&mut Cursor::new(&film[..17])).unwrap().is_none());
        assert!(turns(&mut Cursor::new(&film[..10])).unwrap().is_none());
        assert!(turns(&mut Cursor::new(&film[..40])).unwrap().unwrap().is_empty(), "cut within it");
        let large = [&[0, 0, 0, 1], &b"mdat"[..], &u64::MAX.to_be_bytes()].concat();
        assert!(turns(&mut Cursor::new(large)).unwrap().is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(place in 0_usize..200, bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let whole = matrix_of(Orientation::UPRIGHT, (0, 0));
            let mut film = film(0, whole, whole);
            let n = film.len();
            film.splice(place.min(n)..(place + bytes.len()).min(n), bytes);
            let _ = turns(&mut Cursor::new(film));
        }
    }
}
