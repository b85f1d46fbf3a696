//! What somebody says into a microphone: kept as a file until it was played, and by nobody for longer.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::pcm::Pcm;

/// Who speaks for longer keeps warnings from being said.
const LONGEST: Duration = Duration::from_secs(30);

/// A recording cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// It is none.
    #[error("the recording cannot be read: {0}; it must be a WAV file of 16-bit samples")]
    Unreadable(&'static str),
    /// Nobody would hear it.
    #[error("there is nothing to be heard in the recording; is the right microphone chosen, and is it switched on?")]
    Silent,
    /// It is too long.
    #[error("the recording lasts {lasts_s:.0} s; speak for at most {} s", LONGEST.as_secs())]
    TooLong {
        /// How long it lasts.
        lasts_s: f64,
    },
    /// It cannot be kept.
    #[error("failed to write {}: {source}", path.display())]
    Unwritten {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A recording in a file, which goes with this.
#[derive(Debug)]
pub struct Recording(PathBuf);

impl Recording {
    /// Keeps a WAV file of somebody's words in a folder until this is dropped.
    pub fn keep(wav: &[u8], folder: &Path) -> Result<Self, RecordingError> {
        let pcm = Pcm::from_wav(wav).map_err(RecordingError::Unreadable)?;
        if !pcm.is_audible() {
            return Err(RecordingError::Silent);
        }
        if pcm.duration() > LONGEST {
            return Err(RecordingError::TooLong { lasts_s: pcm.duration().as_secs_f64() });
        }
        let path = folder.join(format!("spoken-{:016x}.wav", forewarn_base::random::random()));
        let failed = |source| RecordingError::Unwritten { path: path.clone(), source };
        // Sound files are looked for beside violations, unless their path is whole.
        let whole = std::path::absolute(&path).map_err(failed)?;
        forewarn_base::private::create_dirs(folder).map_err(failed)?;
        let kept = Self(whole);
        forewarn_base::durable::replace(&kept.0, &pcm.to_wav()).map_err(failed)?;
        Ok(kept)
    }

    /// Where it lies, as an announcement names its sound file.
    pub fn file(&self) -> String {
        self.0.display().to_string()
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        // What stays is deleted at the next start.
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(seconds: u32, loud: i16) -> Vec<u8> {
        let samples = (0..seconds * 8000).map(|n| if n / 20 % 2 == 0 { loud } else { -loud }).collect();
        Pcm { rate_hz: 8000, samples }.to_wav()
    }

    #[test]
    fn a_recording_is_kept_while_it_is_needed_and_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("scratch");
        let kept = Recording::keep(&tone(30, 9000), &folder).unwrap();
        assert!(Path::new(&kept.file()).is_absolute());
        assert_eq!(Pcm::from_wav(&fs::read(kept.file()).unwrap()).unwrap().duration(), Duration::from_secs(30));
        drop(kept);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        let told = |wav: &[u8]| Recording::keep(wav, &folder).unwrap_err().to_string();
        assert!(told(&tone(31, 9000)).contains("lasts 31 s; speak for at most 30 s"));
        assert!(told(&tone(1, 5)).contains("nothing to be heard"));
        assert!(told(b"OggS").contains("RIFF/WAVE"));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    }
}
