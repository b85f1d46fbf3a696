//! What stands in a file of footage, and how much of it is whole.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use forewarn_domain::WallTime;

use super::mux::{Taken, wall_of_ntp};
use crate::fragment::IS_SYNC;

/// No index of a fragment is larger.
const MOST_INDEX_BYTES: u64 = 1 << 20;

/// One fragment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fragment {
    /// Where its index begins.
    pub(crate) at: u64,
    pub(crate) index_bytes: u64,
    /// Of index and data.
    pub(crate) bytes: u64,
    pub(crate) taken: Taken,
    pub(crate) decoded_us: u64,
    pub(crate) lasts_us: u64,
    pub(crate) pictures: u32,
    /// Whether decoding can begin with it.
    pub(crate) is_key: bool,
}

impl Fragment {
    /// When its last picture was over.
    pub(crate) fn until(&self) -> WallTime {
        WallTime::from_micros(self.taken.wall.as_micros() + self.lasts_us as i64)
    }
}

/// What stands in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) header_bytes: u64,
    pub(crate) fragments: Vec<Fragment>,
    /// Where the last whole fragment ends; what a kill or a power cut left comes behind it.
    pub(crate) whole_bytes: u64,
}

/// Reads what stands in a file, up to the first thing that is not whole.
pub(crate) fn contents(path: &Path) -> io::Result<Contents> {
    let file = File::open(path)?;
    let end = file.metadata()?.len();
    contents_of(&mut BufReader::new(file), end)
}

fn contents_of(input: &mut (impl Read + Seek), end: u64) -> io::Result<Contents> {
    let (mut found, mut at) = (Contents::default(), 0);
    let (mut taken, mut index) = (None, None);
    while at + 8 <= end {
        let mut head = [0; 8];
        input.seek(SeekFrom::Start(at))?;
        input.read_exact(&mut head)?;
        let [a, b, c, d, kind @ ..] = head;
        let size = u64::from(u32::from_be_bytes([a, b, c, d]));
        if size < 8 || at + size > end {
            break;
        }
        let mut content = || -> io::Result<Vec<u8>> {
            let mut bytes = vec![0; (size - 8).min(MOST_INDEX_BYTES) as usize];
            input.read_exact(&mut bytes)?;
            Ok(bytes)
        };
        match &kind {
            b"ftyp" | b"moov" if found.fragments.is_empty() => found.header_bytes = at + size,
            b"prft" => taken = taken_of(&content()?),
            b"moof" => index = index_of(&content()?).map(|index| (at, size, index)),
            b"mdat" => {
                let (Some(taken), Some((from, index_bytes, index))) = (taken.take(), index.take()) else { break };
                let bytes = at + size - from;
                found.fragments.push(Fragment { at: from, index_bytes, bytes, taken, ..index });
                found.whole_bytes = at + size;
            }
            // The index of a clip that was cut out.
            b"sidx" => {}
            _ => break,
        }
        at += size;
    }
    Ok(found)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk::<4>().map(|word| u32::from_be_bytes(*word))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk::<8>().map(|word| u64::from_be_bytes(*word))
}

fn taken_of(content: &[u8]) -> Option<Taken> {
    Some(Taken { wall: wall_of_ntp(long(content, 8)?), shown_us: long(content, 16)? })
}

/// What the index of a fragment says, if it is as [`piece`](super::mux::piece) writes it: `mfhd`, and in `traf` first `tfhd`,
/// then `tfdt`, then `trun`.
fn index_of(content: &[u8]) -> Option<Fragment> {
    let decoded_at = DECODED_AT - HEAD;
    let (kind, run) = (content.get(decoded_at - 8..)?.get(..4)?, content.get(decoded_at + 8..)?);
    let (decoded_us, pictures) = (long(content, decoded_at)?, word(run, 12)?);
    let rows = run.get(20..)?.as_chunks::<16>().0;
    if kind != b"tfdt" || run.get(4..8)? != b"trun" || rows.len() != pictures as usize {
        return None;
    }
    let lasts_us = rows.iter().filter_map(|row| word(row, 0)).map(u64::from).sum();
    let is_key = word(rows.first()?, 8) == Some(IS_SYNC);
    let taken = Taken { wall: WallTime::from_micros(0), shown_us: 0 };
    Some(Fragment { at: 0, index_bytes: 0, bytes: 0, taken, decoded_us, lasts_us, pictures, is_key })
}

/// The head of a box: its size and its kind.
const HEAD: usize = 8;
/// Where in `moof`, with its own head, the number of the fragment stands: in `mfhd`, behind head and version.
pub(crate) const NUMBER_AT: usize = HEAD + 12;
/// Where the decoding time does: behind `mfhd`, the head of `traf`, `tfhd`, and head and version of `tfdt`.
pub(crate) const DECODED_AT: usize = HEAD + 16 + HEAD + 16 + 12;
