//! `tracks.txt` in MOTChallenge form (Leal-Taixé et al., "MOTChallenge 2015", section 4).

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use forewarn_domain::{Track, TrackState};

/// Writes `frame,id,left,top,width,height,score,-1,-1,-1`, one line for each seen track of each analysed frame.
#[derive(Debug)]
pub struct TracksFile {
    out: BufWriter<File>,
}

impl TracksFile {
    /// Starts a file, in place of an earlier one.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { out: BufWriter::new(File::create(path)?) })
    }

    /// Adds one analysed frame; `sequence` counts the clip's frames from 0, the file counts from 1.
    pub fn write(&mut self, sequence: u64, tracks: &[Track]) -> io::Result<()> {
        for track in tracks.iter().filter(|t| t.state == TrackState::Seen) {
            let b = track.bbox;
            writeln!(
                self.out,
                "{},{},{:.2},{:.2},{:.2},{:.2},{:.3},-1,-1,-1",
                sequence + 1,
                track.id,
                b.x0,
                b.y0,
                b.width(),
                b.height(),
                track.score
            )?;
        }
        Ok(())
    }

    /// Writes what is still buffered.
    pub fn finish(mut self) -> io::Result<()> {
        self.out.flush()
    }
}
