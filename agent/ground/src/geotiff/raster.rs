//! The numbers of a TIFF's first picture: one band, as it is, by Deflate or by LZW, in strips or tiles.

use std::collections::BTreeMap;
use std::io::Read as _;

use flate2::read::ZlibDecoder;

use super::{GeoTiffError, MOST_HEIGHTS, lzw};

/// Values of a tag beyond this are not read.
const MOST_VALUES: u32 = 1 << 20;
const CUT: GeoTiffError = GeoTiffError::Unread("it is damaged, or was cut off");

/// Where the values of each tag lie.
pub(super) struct Tags<'a> {
    bytes: &'a [u8],
    is_big: bool,
    /// Kind, number and place of the values of each.
    places: BTreeMap<u16, (u16, u32, usize)>,
}

impl<'a> Tags<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Result<Self, GeoTiffError> {
        let is_big = match bytes.get(..4) {
            Some(b"II*\0") => false,
            Some(b"MM\0*") => true,
            _ => return Err(GeoTiffError::Unread("it is no TIFF, or one of more than 4 GiB (BigTIFF)")),
        };
        let mut tags = Self { bytes, is_big, places: BTreeMap::new() };
        let first = tags.whole(4, 4).ok_or(CUT)? as usize;
        for n in 0..tags.whole(first, 2).ok_or(CUT)? as usize {
            let at = first + 2 + 12 * n;
            let [tag, kind] = [0, 2].map(|by| tags.whole(at + by, 2));
            let (tag, kind) = (tag.ok_or(CUT)? as u16, kind.ok_or(CUT)? as u16);
            let count = tags.whole(at + 4, 4).ok_or(CUT)? as u32;
            let is_here = u64::from(count) * size_of_kind(kind) as u64 <= 4;
            let place = if is_here { at + 8 } else { tags.whole(at + 8, 4).ok_or(CUT)? as usize };
            tags.places.insert(tag, (kind, count, place));
        }
        Ok(tags)
    }

    /// The values of a tag; none where it is not there, or cut off.
    pub(super) fn numbers(&self, tag: u16) -> Option<Vec<f64>> {
        let (kind, count, place) = *self.places.get(&tag).filter(|(_, count, _)| *count <= MOST_VALUES)?;
        let size = size_of_kind(kind);
        let number = |n: usize| {
            let bytes = self.bytes.get(place + n * size..place + (n + 1) * size)?;
            let format = if matches!(kind, 11 | 12) { Format::Float } else { Format::Unsigned };
            number(bytes, format, self.is_big)
        };
        (0..count as usize).map(number).collect()
    }

    pub(super) fn text(&self, tag: u16) -> Option<String> {
        let (_, count, place) = *self.places.get(&tag)?;
        let bytes = self.bytes.get(place..place.checked_add(count as usize)?)?;
        Some(String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned())
    }

    fn number(&self, tag: u16, usual: u32) -> u32 {
        self.numbers(tag).and_then(|values| values.first().copied()).map_or(usual, |value| value as u32)
    }

    fn whole(&self, at: usize, size: usize) -> Option<u64> {
        Some(whole(self.bytes.get(at..at.checked_add(size)?)?, self.is_big))
    }
}

fn size_of_kind(kind: u16) -> usize {
    match kind {
        3 | 8 => 2,
        4 | 9 | 11 => 4,
        5 | 10 | 12 | 16 => 8,
        _ => 1,
    }
}

/// What a number's bits are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Unsigned,
    Signed,
    Float,
}

/// At most eight bytes as a whole number.
fn whole(bytes: &[u8], is_big: bool) -> u64 {
    let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
    if is_big { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) }
}

/// The number in these bytes, of which there are one to eight.
fn number(bytes: &[u8], format: Format, is_big: bool) -> Option<f64> {
    let (bits, value) = (8 * bytes.len() as u32, whole(bytes, is_big));
    match format {
        Format::Unsigned => Some(value as f64),
        Format::Signed => Some(((value << (64 - bits)) as i64 >> (64 - bits)) as f64),
        Format::Float if bits == 32 => Some(f64::from(f32::from_bits(value as u32))),
        Format::Float if bits == 64 => Some(f64::from_bits(value)),
        Format::Float => None,
    }
}

/// How pieces are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packed {
    Not,
    Deflate,
    Lzw,
}

/// The picture, in pieces.
pub(super) struct Raster<'a> {
    bytes: &'a [u8],
    is_big: bool,
    /// Columns and rows.
    pub(super) size: (u32, u32),
    /// Those of a piece.
    piece: (u32, u32),
    /// Where each piece lies, and how many bytes it takes.
    pieces: Vec<(usize, usize)>,
    packed: Packed,
    predictor: u32,
    format: Format,
    width: usize,
}

impl<'a> Raster<'a> {
    pub(super) fn of(tags: &Tags<'a>) -> Result<Self, GeoTiffError> {
        let (columns, rows) = (tags.number(256, 0), tags.number(257, 0));
        if u64::from(columns) * u64::from(rows) > MOST_HEIGHTS as u64 {
            return Err(GeoTiffError::Large(columns, rows));
        }
        let bands = tags.number(277, 1);
        if bands != 1 {
            return Err(GeoTiffError::Bands(bands));
        }
        let packed = match tags.number(259, 1) {
            1 => Packed::Not,
            5 => Packed::Lzw,
            8 | 32_946 => Packed::Deflate,
            _ => return Err(GeoTiffError::Unread("it is packed in another manner than by Deflate or LZW")),
        };
        let format = match tags.number(339, 1) {
            2 => Format::Signed,
            3 => Format::Float,
            _ => Format::Unsigned,
        };
        let bits = tags.number(258, 1);
        let predictor = tags.number(317, 1);
        let is_read = matches!(bits, 8 | 16 | 32 | 64) && (format != Format::Float || bits >= 32);
        if !is_read || !(1..=3).contains(&predictor) || (predictor == 3) && (format != Format::Float) {
            return Err(GeoTiffError::Unread("its heights are numbers of a kind that is not read"));
        }
        let is_tiled = tags.places.contains_key(&324);
        let (at, of) = if is_tiled { (324, 325) } else { (273, 279) };
        let piece = if is_tiled {
            (tags.number(322, 0), tags.number(323, 0))
        } else {
            (columns, tags.number(278, rows).min(rows))
        };
        let places = |tag| tags.numbers(tag).map(|all| all.into_iter().map(|value| value as usize)).ok_or(CUT);
        let pieces = places(at)?.zip(places(of)?).collect();
        if piece.0 == 0 || piece.1 == 0 || u64::from(piece.0) * u64::from(piece.1) > MOST_HEIGHTS as u64 {
            return Err(CUT);
        }
        let (bytes, is_big, width) = (tags.bytes, tags.is_big, bits as usize / 8);
        Ok(Self { bytes, is_big, size: (columns, rows), piece, pieces, packed, predictor, format, width })
    }

    /// All heights, by rows from the first on.
    pub(super) fn heights(&self) -> Result<Vec<f64>, GeoTiffError> {
        let ((columns, rows), (across, down)) = (self.size, self.piece);
        let mut heights = vec![f64::NAN; columns as usize * rows as usize];
        let in_row = columns.div_ceil(across);
        if self.pieces.len() < (in_row * rows.div_ceil(down)) as usize {
            return Err(CUT);
        }
        for (n, place) in (0..in_row * rows.div_ceil(down)).zip(&self.pieces) {
            let (left, top) = (n % in_row * across, n / in_row * down);
            let unpacked = self.unpacked(*place)?;
            for (row, line) in (top..rows).zip(unpacked.chunks(across as usize * self.width)).take(down as usize) {
                let line = self.row(line).ok_or(CUT)?;
                let from = row as usize * columns as usize + left as usize;
                let kept = line.len().min((columns - left) as usize);
                heights[from..from + kept].copy_from_slice(&line[..kept]);
            }
        }
        Ok(heights)
    }

    fn unpacked(&self, (at, length): (usize, usize)) -> Result<Vec<u8>, GeoTiffError> {
        let packed = self.bytes.get(at..at.checked_add(length).ok_or(CUT)?).ok_or(CUT)?;
        let most = self.piece.0 as usize * self.piece.1 as usize * self.width;
        match self.packed {
            Packed::Not => return Ok(packed.to_vec()),
            Packed::Lzw => return lzw::unpacked(packed, most).ok_or(CUT),
            Packed::Deflate => {}
        }
        let mut unpacked = Vec::new();
        ZlibDecoder::new(packed).take(most as u64).read_to_end(&mut unpacked).map_err(|_| CUT)?;
        Ok(unpacked)
    }

    /// The numbers of a row, what was foretold of them added.
    fn row(&self, line: &[u8]) -> Option<Vec<f64>> {
        let width = self.width;
        if self.predictor == 3 {
            // Each byte counts from the one before; the highest bytes of all numbers come first, then the next lower ones.
            let mut sum = 0_u8;
            let line: Vec<u8> = line
                .iter()
                .map(|byte| {
                    sum = sum.wrapping_add(*byte);
                    sum
                })
                .collect();
            let n = line.len() / width;
            let of = |i: usize| (0..width).map(|byte| line[byte * n + i]).collect::<Vec<u8>>();
            return (0..n).map(|i| number(&of(i), self.format, true)).collect();
        }
        if self.predictor == 1 {
            return line.chunks_exact(width).map(|bytes| number(bytes, self.format, self.is_big)).collect();
        }
        let mut sum = 0_u64;
        let foretold = line.chunks_exact(width).map(|bytes| {
            sum = sum.wrapping_add(whole(bytes, self.is_big));
            number(&sum.to_be_bytes()[8 - width..], self.format, true)
        });
        foretold.collect()
    }
}
