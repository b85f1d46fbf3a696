//! What a transport stream carries beside its video: the packets of metadata that a drone's camera writes.
//!
//! They come in private streams (stream type 0x06, *asynchronous*, often without a time of their own) and in streams of
//! metadata (0x15, *synchronous*, each packet in a cell with a head of five bytes); as for video, the map of programs is not
//! needed, for the packets say by their universal key what they are.
//!
//! Source: MISB ST 1402, 9.4; ISO/IEC 13818-1, 2.12.4.2 (cells of metadata).

use std::io::Read;
use std::path::Path;

use super::transport::Transport;
use super::{HEAD_BYTES, Line, Piece, coding, read_step};

/// With which every universal key begins (SMPTE ST 336).
const KEY: [u8; 4] = [0x06, 0x0E, 0x2B, 0x34];
/// The head of a cell: service, number, flags, and the length of what it holds.
const CELL_HEAD: usize = 5;
/// No file brings more metadata than a day of thirty packets a second.
const MOST: usize = 3_000_000;

/// Packets of metadata, as they lay together in the stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Metadata {
    /// The second of the clip that the stream states for them.
    pub at_s: Option<f64>,
    /// The second of the video that comes beside them in the stream.
    pub beside_s: f64,
    /// The packets, without the heads of cells.
    pub bytes: Vec<u8>,
}

/// The metadata of a transport stream with video; `None` where the file is none.
pub fn metadata(path: &Path) -> std::io::Result<Option<Vec<Metadata>>> {
    let Some(video) = super::find(std::fs::File::open(path)?).map(|(_, track, _)| track) else { return Ok(None) };
    Ok(beside(std::fs::File::open(path)?, video))
}

/// What comes beside the video of a track; `None` where `input` is no transport stream.
fn beside(mut input: impl Read, video: u16) -> Option<Vec<Metadata>> {
    let mut step = read_step(&mut input).ok()?;
    let mut transport = Transport::of(&step)?.with_metadata();
    let (mut line, mut beside_s, mut found) = (Line::default(), None, Vec::new());
    let mut early = Vec::new();
    loop {
        let is_end = step.is_empty();
        for piece in transport.feed((!is_end).then_some(&step)) {
            if piece.track == video {
                let (shown, decoded) = line.place(piece.pts, piece.dts);
                beside_s = decoded.or(shown).map(seconds).or(beside_s);
                continue;
            }
            let Some(bytes) = packets(&piece.bytes) else { continue };
            // The clock of the line begins with the video; what comes before waits for it.
            match beside_s {
                None if early.len() < MOST => early.push((piece.pts, bytes)),
                None => {}
                Some(beside_s) => found.push(Metadata { at_s: line.at(piece.pts), beside_s, bytes }),
            }
            if let (Some(beside_s), false) = (beside_s, early.is_empty()) {
                let waited = std::mem::take(&mut early).into_iter();
                found.extend(waited.map(|(pts, bytes)| Metadata { at_s: line.at(pts), beside_s, bytes }));
            }
        }
        if is_end || found.len() >= MOST {
            return Some(found);
        }
        step = read_step(&mut input).ok()?;
    }
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

/// The packets in the content of one, out of their cells; none where it holds none.
pub(super) fn packets(content: &[u8]) -> Option<Vec<u8>> {
    if content.starts_with(&KEY) {
        return Some(content.to_vec());
    }
    if !content.get(CELL_HEAD..)?.starts_with(&KEY) {
        return None;
    }
    let (mut rest, mut bytes) = (content, Vec::new());
    while let Some((head, behind)) = rest.split_first_chunk::<CELL_HEAD>() {
        let length = usize::from(head[3]) << 8 | usize::from(head[4]);
        let (held, next) = behind.split_at(length.min(behind.len()));
        bytes.extend_from_slice(held);
        rest = next;
    }
    Some(bytes)
}

/// Reads `bytes` as such a stream to its end, for the fuzzer.
pub fn fuzz_metadata(bytes: &[u8]) -> Vec<Metadata> {
    let mut heads = coding::Heads::default();
    let step = &bytes[..bytes.len().min(HEAD_BYTES)];
    let mut pieces: Vec<Piece> = Vec::new();
    if let Some(mut transport) = Transport::of(step) {
        pieces.extend(transport.feed(Some(step)));
        pieces.extend(transport.feed(None));
    }
    let video = pieces.iter().find(|piece| heads.learn(piece).is_some()).map(|piece| piece.track);
    video.and_then(|video| beside(bytes, video)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mpeg::tests::{VIDEO, packet, transport};

    fn klv(n: u8) -> Vec<u8> {
        [&KEY[..], &[2, 0x0B, 1, 1, 0x0E, 1, 3, 1, 1, 0, 0, 0, 1, n]].concat()
    }

    /// In cells of at most 10 bytes.
    fn in_cells(content: &[u8]) -> Vec<u8> {
        content.chunks(10).flat_map(|part| [&[0xFC, 1, 0xDF, 0, part.len() as u8][..], part].concat()).collect()
    }

    fn found(bytes: &[u8]) -> Vec<Metadata> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.ts"), bytes).unwrap();
        metadata(&dir.path().join("a.ts")).unwrap().unwrap()
    }

    #[test]
    fn metadata_of_both_kinds_is_found_with_its_time_on_the_clip() {
        let tick = |s: f64| Some((s * 90_000.0) as u64 + 700);
        let bytes = [
            // Before the first picture, which is where the clip begins.
            transport(0x200, &[packet(0xBD, tick(9.9), &klv(0))], 188),
            transport(0x100, &[packet(0xE0, tick(10.0), VIDEO)], 188),
            transport(0x200, &[packet(0xBD, tick(10.5), &klv(1)), packet(0xBD, None, &klv(2))], 188),
            transport(0x201, &[packet(0xFC, tick(10.7), &in_cells(&klv(3)))], 188),
            transport(0x202, &[packet(0xBD, tick(10.7), b"a track of sound, in a private stream, too")], 188),
            transport(0x100, &[packet(0xE0, tick(11.0), VIDEO)], 188),
            transport(0x200, &[packet(0xBD, None, &klv(4))], 188),
        ]
        .concat();
        let told: Vec<(u8, Option<i64>, i64)> = found(&bytes)
            .iter()
            .map(|of| (of.bytes[17], of.at_s.map(|s| (s * 1e3).round() as i64), (of.beside_s * 1e3).round() as i64))
            .collect();
        let mut sorted = told.clone();
        sorted.sort_unstable();
        let expected = [(0, Some(0), 0), (1, Some(500), 0), (2, None, 0), (3, Some(700), 0), (4, None, 1000)];
        assert_eq!(sorted, expected, "{told:?}");
        let at_22_bytes = found(&bytes).iter().all(|of| of.bytes.len() == 18);
        assert!(at_22_bytes, "no head of a cell is left");
    }

    #[test]
    fn a_file_of_another_kind_has_none_to_give() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.klv"), klv(1)).unwrap();
        assert_eq!(metadata(&dir.path().join("a.klv")).unwrap(), None);
        assert!(metadata(&dir.path().join("gone.ts")).is_err());
    }
}
