//! What is seen in each picture of a clip that is decided again, for whoever lays two such decisions side by side.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use forewarn_domain::{Frame, Timestamp, Track, TrackState};
use forewarn_engine::Engine;
use forewarn_memory::Keeper;
use serde_json::json;

use crate::error::RehearsalError;

/// The file, of a line for each picture that was looked at.
const FILE: &str = "sights.jsonl";

/// Writes them down while a clip is replayed.
#[derive(Debug)]
pub struct Sights {
    file: File,
    trouble: Option<String>,
}

impl Sights {
    /// Into a folder, which is made if it is not there.
    pub fn write_to(folder: &Path) -> Result<Self, RehearsalError> {
        let path = folder.join(FILE);
        let file = fs::create_dir_all(folder).and_then(|()| File::create(&path)).map_err(RehearsalError::io(path))?;
        Ok(Self { file, trouble: None })
    }

    fn write(&mut self, frame: &Frame, tracks: &[Track]) -> io::Result<()> {
        let (w, h) = (frame.width.max(1) as f32, frame.height.max(1) as f32);
        let part = |px: f32, of: f32| (f64::from(px / of) * 1e4).round() / 1e4;
        let seen = tracks.iter().filter(|track| track.state == TrackState::Seen).map(|track| {
            let of = track.bbox;
            let parts = [part(of.x0, w), part(of.y0, h), part(of.x1, w), part(of.y1, h)];
            json!({ "id": track.id, "class": track.class, "box": parts })
        });
        let at_ms = frame.meta.captured_at.as_micros() / 1000;
        let line = json!({ "at_ms": at_ms, "tracks": seen.collect::<Vec<_>>() });
        self.file.write_all(format!("{line}\n").as_bytes())
    }
}

impl Keeper for Sights {
    fn name(&self) -> &'static str {
        "sights"
    }

    fn observe(&mut self, frame: &Frame, tracks: &[Track]) {
        let written = self.write(frame, tracks);
        self.trouble = written.err().map(|error| error.to_string());
    }

    fn turn(&mut self, _engine: &mut Engine, _now: Timestamp) {}

    fn trouble(&self) -> Option<String> {
        self.trouble.clone()
    }
}
