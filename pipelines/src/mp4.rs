//! Creation times inside an MP4 file.
//!
//! The muxer stamps files with the time of day at which it ran. A clip should say when it was taken, and two
//! runs over the same video should give the same bytes, so the stamps are written anew.
//!
//! Source: ISO/IEC 14496-12, sections 4.2 (boxes), 8.2.2 `mvhd`, 8.3.2 `tkhd`, 8.4.2 `mdhd`.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use forewarn_domain::Timestamp;

/// Seconds from 1904-01-01, from which MP4 counts, to 1970-01-01.
const EPOCHS_APART_S: i64 = 2_082_844_800;
/// A larger index does not belong to a clip of ours.
const MAX_INDEX_BYTES: u64 = 64 << 20;

/// Sets creation and modification time of the file and its tracks to `at`.
pub fn set_creation_time(path: &Path, at: Timestamp) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let seconds = (at.as_micros().div_euclid(1_000_000) + EPOCHS_APART_S).max(0) as u64;
    let (begin, size) = find_index(&mut file)?;
    let mut index = vec![0; size as usize];
    file.seek(SeekFrom::Start(begin))?;
    file.read_exact(&mut index)?;
    stamp(&mut index, seconds);
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
fn stamp(mut boxes: &mut [u8], seconds: u64) {
    while boxes.len() >= 8 {
        let size = u32::from_be_bytes([boxes[0], boxes[1], boxes[2], boxes[3]]) as usize;
        if size < 8 || size > boxes.len() {
            return;
        }
        let (this, rest) = boxes.split_at_mut(size);
        let (head, content) = this.split_at_mut(8);
        match &head[4..8] {
            b"trak" | b"mdia" => stamp(content, seconds),
            b"mvhd" | b"tkhd" | b"mdhd" => stamp_header(content, seconds),
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
            stamp(&mut bytes, seconds);
        }
    }
}
