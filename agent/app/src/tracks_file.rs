//! `tracks.txt` in MOTChallenge form (Leal-Taixé et al., "MOTChallenge 2015", section 4).

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use forewarn_domain::{Class, Track, TrackState};

/// Writes `frame,id,left,top,width,height,score,-1,-1,-1`, one line for each seen track of each analysed frame.
#[derive(Debug)]
pub struct TracksFile {
    out: BufWriter<File>,
    /// The classes that are written, all where none is named.
    classes: Vec<Class>,
}

impl TracksFile {
    /// Starts a file of tracks of these classes, of all where none is named, in place of an earlier one.
    pub fn create(path: &Path, classes: Vec<Class>) -> io::Result<Self> {
        Ok(Self { out: BufWriter::new(File::create(path)?), classes })
    }

    /// Adds one analysed frame; `sequence` counts the clip's frames from 0, the file counts from 1.
    pub fn write(&mut self, sequence: u64, tracks: &[Track]) -> io::Result<()> {
        let is_asked = |t: &&Track| self.classes.is_empty() || self.classes.contains(&t.class);
        for track in tracks.iter().filter(|t| t.state == TrackState::Seen).filter(is_asked) {
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
