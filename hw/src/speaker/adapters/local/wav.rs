//! Announcements as WAV files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use forewarn_domain::{Announcement, FailureKind};
use gst::prelude::*;

use super::LocalConfig;
use crate::speaker::error::PlayError;
use crate::speaker::programme::Pcm;
use crate::speaker::run::{Limits, Rendered, chain, element, source, to_end};

/// A file was not written.
#[derive(Debug, thiserror::Error)]
#[error("failed to write {}", path.display())]
struct WriteError {
    path: PathBuf,
    source: io::Error,
}

/// One file for each announcement in one directory.
#[derive(Clone)]
pub(super) struct WavFiles {
    dir: PathBuf,
    keep: usize,
    is_real_time: bool,
}

impl WavFiles {
    pub(super) fn new(dir: PathBuf, config: &LocalConfig) -> Self {
        Self { dir, keep: config.wav_keep, is_real_time: config.wav_real_time }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The same without waiting for as long as it sounds.
    pub(super) fn at_once(&self) -> Self {
        Self { is_real_time: false, ..self.clone() }
    }

    /// Writes an announcement; returns its file and how long it sounds.
    pub(super) fn write(
        &self,
        pcm: &Pcm,
        announcement: &Announcement,
        limits: &Limits,
    ) -> Result<(PathBuf, Duration), PlayError> {
        let failed =
            |source: io::Error| PlayError::device(FailureKind::Broken, WriteError { path: self.dir.clone(), source });
        fs::create_dir_all(&self.dir).map_err(failed)?;
        let name = format!("{}-{}-{}", announcement.incident, announcement.attempt, announcement.id.0);
        let (part, whole) = (self.dir.join(format!("{name}.part")), self.dir.join(format!("{name}.wav")));
        let encoder = element("wavenc", "gstreamer1.0-plugins-good")?;
        let sink = element("filesink", "libgstreamer1.0-0")?;
        sink.set_property("location", &part);
        sink.set_property("sync", false);
        let pace = element("identity", "libgstreamer1.0-0")?;
        pace.set_property("sync", self.is_real_time);
        let rendered = Rendered::default();
        encoder.static_pad("sink").inspect(|pad| rendered.count_on(pad));
        let played = chain(&[&source(pcm)?, &pace, &encoder, &sink])
            .and_then(|pipeline| to_end(&pipeline, &rendered, limits))
            .and_then(|()| fs::rename(&part, &whole).map_err(failed));
        if played.is_err() {
            // What is left of a failed announcement must not be taken for a whole one.
            let _ = fs::remove_file(&part);
        }
        played?;
        // The announcement was written; files that stay too long do not undo that.
        if let Err(error) = keep_newest(&self.dir, self.keep) {
            let dir = self.dir.display();
            tracing::warn!(%dir, %error, "failed to remove old announcements; remove them by hand");
        }
        Ok((whole, rendered.duration(pcm.rate_hz)))
    }
}

/// Removes the oldest WAV files beyond `keep`, as many as it can; the first failure is returned.
fn keep_newest(dir: &Path, keep: usize) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.path().extension().is_some_and(|e| e == "wav")
            && let Some(meta) = unless_gone(entry.metadata())?
        {
            files.push((meta.modified()?, entry.path()));
        }
    }
    files.sort();
    let surplus = files.len().saturating_sub(keep);
    let removed = files.iter().take(surplus).map(|(_, path)| unless_gone(fs::remove_file(path)).map(|_| ()));
    removed.fold(Ok(()), io::Result::and)
}

/// `None` for a file that is gone: another speaker may share the directory and tidy it at the same time.
fn unless_gone<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        result => result.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speaker::tests::announcement;

    #[test]
    fn only_the_newest_files_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        for i in 0..5_u64 {
            let file = fs::File::create(dir.path().join(format!("{i}.wav"))).unwrap();
            file.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(1000 - i)).unwrap();
        }
        fs::write(dir.path().join("notes.txt"), "kept").unwrap();
        keep_newest(dir.path(), 2).unwrap();
        let mut left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["0.wav", "1.wav", "notes.txt"]);
    }

    #[test]
    fn an_announcement_that_was_written_stays_written_when_tidying_fails() {
        gst::init().unwrap();
        let dir = tempfile::tempdir().unwrap();
        // Directories cannot be removed as files, so tidying fails; the plain file beside them still goes.
        for name in ["a.wav", "c.wav"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        fs::write(dir.path().join("b.wav"), "old").unwrap();
        let files = WavFiles { dir: dir.path().to_owned(), keep: 1, is_real_time: false };
        let pcm = Pcm { rate_hz: 22_050, samples: vec![3000; 22_050 / 2] };
        let limits = Limits::new(Duration::from_secs(20), Duration::from_secs(5));
        let (_, lasts) = files.write(&pcm, &announcement("", None), &limits).unwrap();
        assert_eq!(lasts, Duration::from_millis(500));
        assert!(keep_newest(dir.path(), 0).is_err());
        assert!(!dir.path().join("b.wav").exists());
    }

    #[test]
    fn a_file_that_another_speaker_removed_is_no_failure() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(unless_gone(fs::remove_file(dir.path().join("gone.wav"))), Ok(None)));
        assert!(unless_gone(fs::remove_file(dir.path())).is_err());
    }
}
