//! Creation times inside an MP4 file, and how its picture is turned.
//!
//! The muxer stamps files with the time of day at which it ran. A clip should say when it was taken, and two
//! runs over the same video should give the same bytes, so the stamps are written anew. How the picture is turned
//! when it is shown stands in the header of its track, as in the recording that the clip is of.
//!
//! Source: ISO/IEC 14496-12, sections 4.2 (boxes), 8.2.2 `mvhd`, 8.3.2 `tkhd`, 8.4.2 `mdhd`.

mod header;

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use forewarn_domain::{Orientation, Timestamp};
pub(crate) use header::turns;

/// Seconds from 1904-01-01, from which MP4 counts, to 1970-01-01.
const EPOCHS_APART_S: i64 = 2_082_844_800;
/// A larger index does not belong to a clip of ours.
const MAX_INDEX_BYTES: u64 = 64 << 20;

/// Sets creation and modification time of the file and its tracks to `at`.
pub fn set_creation_time(path: &Path, at: Timestamp) -> io::Result<()> {
    finish(path, at, Orientation::UPRIGHT)
}

/// Sets the times to `at`, and how the picture is turned.
pub(crate) fn finish(path: &Path, at: Timestamp, orientation: Orientation) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let seconds = (at.as_micros().div_euclid(1_000_000) + EPOCHS_APART_S).max(0) as u64;
    let (begin, size) = find_index(&mut file)?;
    let mut index = vec![0; size as usize];
    file.seek(SeekFrom::Start(begin))?;
    file.read_exact(&mut index)?;
    stamp(&mut index, seconds, orientation);
    file.seek(SeekFrom::Start(begin))?;
    file.write_all(&index)
}

/// Offset and size of the content of `moov`.
fn find_index(file: &mut File) -> io::Result<(u64, u64)> {
    let broken = |what| io::Error::new(io::ErrorKind::InvalidData, what);
    let end = file.metadata()?.len();
    let mut at = 0;
    while at + 8 <= end {
        let mut head = [0; 16];
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut head[..8])?;
        let short = u64::from(u32::from_be_bytes([head[0], head[1], head[2], head[3]]));
        let (size, head_size) = match short {
            0 => (end - at, 8),
            1 => {
                file.read_exact(&mut head[8..])?;
                (head[8..].iter().fold(0, |n, &b| n << 8 | u64::from(b)), 16)
            }
            size => (size, 8),
        };
        if size < head_size || size > end - at {
            return Err(broken("a box of the clip is larger than the file"));
        }
        if &head[4..8] == b"moov" {
            let content = size - head_size;
            return if content <= MAX_INDEX_BYTES { Ok((at + head_size, content)) } else { Err(broken("huge index")) };
        }
        at += size;
    }
    Err(broken("the clip has no index"))
}

/// Stamps the header boxes among `boxes` and, recursively, in the tracks.
fn stamp(mut boxes: &mut [u8], seconds: u64, orientation: Orientation) {
    while boxes.len() >= 8 {
        let size = u32::from_be_bytes([boxes[0], boxes[1], boxes[2], boxes[3]]) as usize;
        if size < 8 || size > boxes.len() {
            return;
        }
        let (this, rest) = boxes.split_at_mut(size);
        let (head, content) = this.split_at_mut(8);
        match &head[4..8] {
            b"trak" | b"mdia" => stamp(content, seconds, orientation),
            b"mvhd" | b"mdhd" => stamp_header(content, seconds),
            b"tkhd" => {
                stamp_header(content, seconds);
                turn_header(content, orientation);
            }
            _ => {}
        }
        boxes = rest;
    }
}

/// Version and flags are followed by creation and modification time, of 64 bits in version 1, else of 32.
fn stamp_header(content: &mut [u8], seconds: u64) {
    let (width, bytes) = match content.first() {
        Some(1) => (8, seconds.to_be_bytes().to_vec()),
        _ => (4, u32::try_from(seconds).unwrap_or(u32::MAX).to_be_bytes().to_vec()),
    };
    if let Some(times) = content.get_mut(4..4 + 2 * width) {
        times[..width].copy_from_slice(&bytes);
        times[width..].copy_from_slice(&bytes);
    }
}

/// Writes the matrix that turns the picture, where it is to be turned. Width and height, as 16.16, stand behind it.
fn turn_header(content: &mut [u8], orientation: Orientation) {
    let at = if content.first() == Some(&1) { 52 } else { 40 };
    let Some(field) = content.get_mut(at..at + 44).filter(|_| orientation != Orientation::UPRIGHT) else { return };
    let number = |at: usize| i32::from_be_bytes([field[at], field[at + 1], field[at + 2], field[at + 3]]);
    let matrix = matrix_of(orientation, (number(36), number(40)));
    for (place, value) in field.as_chunks_mut::<4>().0.iter_mut().zip(matrix) {
        *place = value.to_be_bytes();
    }
}

/// The matrix {a, b, u, c, d, v, x, y, w} that maps a stored place (p, q) to the shown (ap + cq + x, bp + dq + y), so that
/// the shown picture begins at zero again.
pub(crate) fn matrix_of(orientation: Orientation, (width, height): (i32, i32)) -> [i32; 9] {
    const ONE: i32 = 1 << 16;
    let (a, b, c, d) = match orientation.quarter_turns % 4 {
        0 => (ONE, 0, 0, ONE),
        1 => (0, ONE, -ONE, 0),
        2 => (-ONE, 0, 0, -ONE),
        _ => (0, -ONE, ONE, 0),
    };
    // Mirrored first, which changes the sign of p.
    let (a, b) = if orientation.is_mirrored { (-a, -b) } else { (a, b) };
    let back = |of_width: i32, of_height: i32| {
        let side = |factor: i32, side: i32| if factor < 0 { side } else { 0 };
        side(of_width, width) + side(of_height, height)
    };
    [a, b, 0, c, d, 0, back(a, c), back(b, d), 1 << 30]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn boxed(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
        [&(content.len() as u32 + 8).to_be_bytes()[..], &kind, content].concat()
    }

    #[test]
    fn every_header_gets_the_time_of_the_video() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mp4");
        let v0 = boxed(*b"mvhd", &[0; 20]);
        let v1 = boxed(*b"mdhd", &[&[1, 0, 0, 0][..], &[7; 24]].concat());
        let track = boxed(*b"trak", &[boxed(*b"tkhd", &[0; 20]), boxed(*b"mdia", &v1)].concat());
        std::fs::write(&path, [boxed(*b"ftyp", b"isom"), boxed(*b"moov", &[v0, track].concat())].concat()).unwrap();
        set_creation_time(&path, Timestamp::from_micros(1_999_999)).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let stamp = ((EPOCHS_APART_S + 1) as u32).to_be_bytes();
        assert_eq!(bytes.windows(4).filter(|w| *w == stamp).count(), 6);
        assert_eq!(&bytes[bytes.len() - 8..], [7; 8]);
    }

    #[test]
    fn the_shown_picture_begins_at_zero_whatever_its_turn() {
        let (width, height) = (64 << 16, 48 << 16);
        for exif in 1..=8 {
            let orientation = Orientation::of_exif(exif).unwrap();
            let [a, b, _, c, d, _, x, y, _] = matrix_of(orientation, (width, height)).map(i64::from);
            let shown = |p: i64, q: i64| (((a * p + c * q) >> 16) + x, ((b * p + d * q) >> 16) + y);
            let corners = [(0, 0), (width, 0), (0, height), (width, height)].map(|(p, q)| shown(p.into(), q.into()));
            let (right, bottom) = (corners.map(|c| c.0).into_iter().max(), corners.map(|c| c.1).into_iter().max());
            let size = if exif >= 5 { (height, width) } else { (width, height) };
            assert_eq!((right, bottom), (Some(size.0.into()), Some(size.1.into())), "{exif}");
            assert!(corners.iter().all(|c| c.0 >= 0 && c.1 >= 0), "{exif}: {corners:?}");
        }
        let quarter = matrix_of(Orientation { is_mirrored: false, quarter_turns: 1 }, (width, height));
        assert_eq!(quarter, [0, 1 << 16, 0, -1 << 16, 0, 0, height, 0, 1 << 30], "as phones write it");
    }

    #[test]
    fn a_file_without_index_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mp4");
        for content in [boxed(*b"ftyp", b"isom"), vec![0, 0, 9, 0, b'm', b'o', b'o', b'v']] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(set_creation_time(&path, Timestamp::ZERO).unwrap_err().kind(), io::ErrorKind::InvalidData);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(mut bytes in prop::collection::vec(any::<u8>(), 0..80), seconds: u64) {
            stamp(&mut bytes, seconds, Orientation { is_mirrored: true, quarter_turns: 1 });
        }
    }
}
