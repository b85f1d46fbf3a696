//! Recordings in MPEG program and transport streams and in Flash video, read without GStreamer.
//!
//! GStreamer's demuxers follow the clock that the stream carries for live receivers. Of a recording they lose pictures before
//! the first clock or map, give none of them a time where the sound comes first, and shorten every pause of more than half a
//! second. A recording needs no clock: each picture states when it is shown. Maps of programs are not needed either, for
//! what is coded how is told by the bytes themselves; recorders leave the map out, or state another coding than they use.
//!
//! Source: ISO/IEC 13818-1, 2.4.3 (transport and packets), 2.5.3 (program stream); ISO/IEC 11172-1, 2.4.3.

mod beside;
mod coding;
mod flv;
mod line;
mod metadata;
mod pes;
mod program;
#[cfg(test)]
mod tests;
mod transport;

use std::io::{self, Read};
use std::path::Path;

pub(crate) use beside::Beside;
pub use beside::LiveMetadata;
pub(crate) use coding::Coding;
use flv::Flv;
pub(crate) use line::Line;
pub use metadata::{Metadata, fuzz_metadata, metadata};
use program::Program;
use transport::Transport;

/// So much of a file is looked through for its video.
const HEAD_BYTES: usize = 16 << 20;
/// So much is read at once.
const STEP_BYTES: usize = 1 << 16;

/// A piece of an elementary stream of video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Which stream.
    pub(crate) track: u16,
    /// When the first picture that begins in it is shown, on a clock of 90 kHz and 33 bits.
    pub(crate) pts: Option<u64>,
    /// When that is decoded.
    pub(crate) dts: Option<u64>,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
}

/// How packets lie in the file.
#[derive(Debug)]
pub(crate) enum Layout {
    Program(Program),
    Transport(Transport),
    Flv(Flv),
}

impl Layout {
    /// The layout of a file that begins with `head`.
    fn of(head: &[u8]) -> Option<Self> {
        if Flv::is_begun(head) {
            return Some(Self::Flv(Flv::default()));
        }
        let transport = Transport::of(head).map(Self::Transport);
        transport.or_else(|| Program::is_begun(head).then(|| Self::Program(Program::default())))
    }

    /// Takes the next bytes of the file; of them `None` means its end. Gives the pieces that are complete.
    pub(crate) fn feed(&mut self, bytes: Option<&[u8]>) -> Vec<Piece> {
        match self {
            Self::Program(program) => program.feed(bytes),
            Self::Transport(transport) => transport.feed(bytes),
            Self::Flv(flv) => flv.feed(bytes),
        }
    }
}

/// A recording whose video was found.
#[derive(Debug)]
pub(crate) struct Recording<R> {
    input: R,
    layout: Option<Layout>,
    track: u16,
    /// How its video is coded.
    pub(crate) coding: Coding,
    /// Whether times may be missing, because several pictures share a packet.
    pub(crate) is_program: bool,
}

/// Opens a file that is such a recording; `None` if it is none, or if its video is coded in another way.
pub(crate) fn open(path: &Path) -> Option<Recording<std::fs::File>> {
    let (layout, track, coding) = find(std::fs::File::open(path).ok()?)?;
    let is_program = matches!(layout, Layout::Program(_));
    // From the beginning once more.
    let layout = Some(match layout {
        Layout::Program(_) => Layout::Program(Program::default()),
        Layout::Transport(transport) => Layout::Transport(transport.anew()),
        Layout::Flv(_) => Layout::Flv(Flv::default()),
    });
    Some(Recording { input: std::fs::File::open(path).ok()?, layout, track, coding, is_program })
}

/// Looks for the first video whose coding is known.
fn find(mut input: impl Read) -> Option<(Layout, u16, Coding)> {
    let mut heads = coding::Heads::default();
    let mut step = read_step(&mut input).ok()?;
    let mut layout = Layout::of(&step)?;
    let mut seen = 0;
    loop {
        let is_end = step.is_empty() || seen > HEAD_BYTES;
        for piece in layout.feed((!is_end).then_some(&step)) {
            if let Some(coding) = heads.learn(&piece) {
                return Some((layout, piece.track, coding));
            }
        }
        if is_end {
            return None;
        }
        seen += step.len();
        step = read_step(&mut input).ok()?;
    }
}

fn read_step(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut step = Vec::new();
    input.take(STEP_BYTES as u64).read_to_end(&mut step)?;
    Ok(step)
}

impl<R: Read> Recording<R> {
    /// The next pieces of its video, in order; `None` at the end.
    pub(crate) fn read(&mut self) -> io::Result<Option<Vec<Piece>>> {
        while let Some(layout) = &mut self.layout {
            let step = read_step(&mut self.input)?;
            let mut pieces = layout.feed((!step.is_empty()).then_some(&step));
            pieces.retain(|piece| piece.track == self.track);
            if step.is_empty() {
                self.layout = None;
            }
            if !pieces.is_empty() {
                return Ok(Some(pieces));
            }
        }
        Ok(None)
    }
}

/// Reads `bytes` as such a recording to its end, for the fuzzer.
pub fn fuzz_recording(bytes: &[u8]) {
    let Some((layout, track, coding)) = find(bytes) else { return };
    let is_program = matches!(layout, Layout::Program(_));
    let layout = Layout::of(&bytes[..bytes.len().min(STEP_BYTES)]);
    let mut recording = Recording { input: bytes, layout, track, coding, is_program };
    let mut line = Line::default();
    let mut total = 0;
    while let Ok(Some(pieces)) = recording.read() {
        for piece in pieces {
            total += piece.bytes.len();
            let _ = line.place(piece.pts, piece.dts);
        }
    }
    // A unit of one byte behind a length of one byte is written with a start code of four.
    assert!(total <= 3 * bytes.len(), "there is more in it than it has");
}
