//! Edit lists, as cutting programs and telephones leave them: what they hide is not looked at, and times begin at the first
//! picture that is shown.

use forewarn_domain::Orientation;

use super::make::{PICTURES, make};
use super::recordings::{Row, check_rows, codings};
use super::{Coding, Property};
use crate::support::clips;

/// Milliseconds from one picture to the next.
const APART_MS: usize = 40;

/// The pictures from one to before another.
type Shown = (usize, usize);

fn u32_at(bytes: &[u8], at: usize) -> usize {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// Where a box of this kind begins within `from..to`, which holds boxes, and where it ends.
fn find(bytes: &[u8], (mut from, to): (usize, usize), kind: &[u8]) -> Option<(usize, usize)> {
    while from + 8 <= to {
        let end = from + u32_at(bytes, from);
        if &bytes[from + 4..from + 8] == kind {
            return Some((from, end));
        }
        from = end;
    }
    None
}

/// A box by the kinds on the way to it.
pub(super) fn within(bytes: &[u8], path: &[&[u8]]) -> (usize, usize) {
    let mut place = (0, bytes.len());
    for (depth, kind) in path.iter().enumerate() {
        let (from, to) = place;
        place = find(bytes, (if depth == 0 { from } else { from + 8 }, to), kind).unwrap();
    }
    place
}

fn grow(bytes: &mut [u8], at: usize, by: isize) {
    let size = u32_at(bytes, at).checked_add_signed(by).unwrap() as u32;
    bytes[at..at + 4].copy_from_slice(&size.to_be_bytes());
}

/// The file with an edit list as ISO/IEC 14496-12, 8.6.6, has it, in place of its own. Its index lies behind its pictures,
/// so that nothing in it moves that is referred to.
fn edited(mut bytes: Vec<u8>, edits: &[Shown]) -> Vec<u8> {
    let timescale = |bytes: &[u8], path: &[&[u8]]| u32_at(bytes, within(bytes, path).0 + 20);
    let movie = timescale(&bytes, &[b"moov", b"mvhd"]);
    let media = timescale(&bytes, &[b"moov", b"trak", b"mdia", b"mdhd"]);
    let (moov, (trak, trak_end)) = (within(&bytes, &[b"moov"]).0, within(&bytes, &[b"moov", b"trak"]));
    let mut begins = 0;
    if let Some((from, to)) = find(&bytes, (trak + 8, trak_end), b"edts") {
        // Where B pictures make the first picture be shown late, the muxer's own list begins there.
        begins = u32_at(&bytes, from + 28);
        bytes.drain(from..to);
        for parent in [moov, trak] {
            grow(&mut bytes, parent, from as isize - to as isize);
        }
    }
    let mut list = [&0_u32.to_be_bytes()[..], &(edits.len() as u32).to_be_bytes()].concat();
    for &(from, to) in edits {
        let duration = (to - from) * APART_MS * movie / 1000;
        for word in [duration, begins + from * APART_MS * media / 1000, 1 << 16] {
            list.extend((word as u32).to_be_bytes());
        }
    }
    let boxed = |kind: &[u8], content: &[u8]| [&((content.len() + 8) as u32).to_be_bytes()[..], kind, content].concat();
    let edts = boxed(b"edts", &boxed(b"elst", &list));
    let behind = within(&bytes, &[b"moov", b"trak", b"tkhd"]).1;
    for parent in [moov, trak] {
        grow(&mut bytes, parent, edts.len() as isize);
    }
    bytes.splice(behind..behind, edts);
    bytes
}

#[test]
fn what_an_edit_list_hides_is_not_seen_and_times_begin_at_what_it_shows() {
    let cuts: [(&str, &[Shown]); 5] = [
        ("whole", &[(0, PICTURES)]),
        ("mid-group", &[(5, PICTURES)]),
        ("second-group", &[(13, PICTURES)]),
        ("middle", &[(5, 17)]),
        ("two-parts", &[(3, 9), (14, 26)]),
    ];
    let made = |property: &Property, (ending, muxer)| {
        let path = make(&clips().path(""), property, (ending, muxer), Orientation::UPRIGHT).unwrap();
        std::fs::read(path).unwrap()
    };
    let mut rows: Vec<Row> = Vec::new();
    for property in codings() {
        for (ending, muxer) in [("edits.mp4", "mp4mux"), ("edits.mov", "qtmux")] {
            let bytes = made(&property, (ending, muxer));
            for (name, edits) in cuts {
                let shown = edits.iter().flat_map(|&(from, to)| from..to);
                let truth = shown.enumerate().map(|(i, n)| (n, (i * APART_MS) as i64)).collect();
                let coding = if property.coding == Coding::H264 { "h264" } else { "h265" };
                rows.push((format!("{coding}-{}-{name}.{ending}", property.name), edited(bytes.clone(), edits), truth));
            }
        }
    }
    check_rows(&rows);
}
