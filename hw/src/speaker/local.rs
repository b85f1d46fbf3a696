//! The box's own sound card through PulseAudio or ALSA, or WAV files where there is none.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use forewarn_domain::Announcement;
use gst::prelude::*;

use super::Output;
use super::config::{LocalConfig, LocalSink};
use super::error::PlayError;
use super::pcm::Pcm;
use super::run::{Limits, Rendered, chain, describe, element, source, to_end};

const PULSE: (&str, &str) = ("pulsesink", "gstreamer1.0-plugins-good");
const ALSA: (&str, &str) = ("alsasink", "gstreamer1.0-alsa");

/// Plays at the sound card or into files.
pub(super) struct LocalOutput {
    sink: LocalSink,
    device: Option<String>,
    wav_dir: Option<PathBuf>,
    wav_keep: usize,
    wav_real_time: bool,
}

/// Where the sound goes this time.
enum Choice {
    Card { name: &'static str, sink: gst::Element },
    Wav(PathBuf),
}

impl LocalOutput {
    pub(super) fn new(config: &LocalConfig, base_dir: &Path) -> Self {
        Self {
            sink: config.sink,
            device: config.device.clone(),
            wav_dir: config.wav_dir.as_ref().map(|dir| base_dir.join(dir)),
            wav_keep: config.wav_keep,
            wav_real_time: config.wav_real_time,
        }
    }

    /// Chooses anew for each announcement: a USB sound card or a sound server may have come or gone.
    fn choose(&self) -> Result<Choice, PlayError> {
        let cards: &[_] = match self.sink {
            LocalSink::Auto => &[PULSE, ALSA],
            LocalSink::Pulse => &[PULSE],
            LocalSink::Alsa => &[ALSA],
            LocalSink::Wav => &[],
        };
        let mut tried = Vec::new();
        for &(name, package) in cards {
            match open_card(name, package, self.device.as_deref()) {
                Ok(sink) => return Ok(Choice::Card { name, sink }),
                Err(error) => tried.push(format!("{name}: {error}")),
            }
        }
        match &self.wav_dir {
            Some(dir) if matches!(self.sink, LocalSink::Auto | LocalSink::Wav) => Ok(Choice::Wav(dir.clone())),
            _ => Err(PlayError::NoSoundCard { tried: tried.join("; ") }),
        }
    }

    fn play_wav(
        &self,
        dir: &Path,
        pcm: &Pcm,
        announcement: &Announcement,
        limits: Limits,
    ) -> Result<Duration, PlayError> {
        let failed = |source: io::Error| PlayError::Wav { path: dir.to_owned(), source };
        fs::create_dir_all(dir).map_err(failed)?;
        let name = format!("{}-{}-{}", announcement.incident, announcement.attempt, announcement.id.0);
        let (part, whole) = (dir.join(format!("{name}.part")), dir.join(format!("{name}.wav")));
        let encoder = element("wavenc", "gstreamer1.0-plugins-good")?;
        let sink = element("filesink", "libgstreamer1.0-0")?;
        sink.set_property("location", &part);
        sink.set_property("sync", false);
        let pace = element("identity", "libgstreamer1.0-0")?;
        pace.set_property("sync", self.wav_real_time);
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
        // The announcement was played; files that stay too long do not undo that.
        if let Err(error) = keep_newest(dir, self.wav_keep) {
            tracing::warn!(dir = %dir.display(), %error, "failed to remove old announcements; remove them by hand");
        }
        Ok(rendered.duration(pcm.rate_hz))
    }
}

impl Output for LocalOutput {
    fn play(&mut self, pcm: &Pcm, announcement: &Announcement, limits: Limits) -> Result<Duration, PlayError> {
        let sink = match self.choose()? {
            Choice::Wav(dir) => return self.play_wav(&dir, pcm, announcement, limits),
            Choice::Card { sink, .. } => sink,
        };
        let base = "gstreamer1.0-plugins-base";
        let source = source(pcm)?;
        let (convert, resample) = (element("audioconvert", base)?, element("audioresample", base)?);
        let rendered = Rendered::default();
        // Counting before the conversion keeps the count free of the card's rate and channels; end-of-stream at the
        // sink proves that what was counted has left the card's buffer.
        convert.static_pad("sink").inspect(|pad| rendered.count_on(pad));
        let pipeline = chain(&[&source, &convert, &resample, &sink])?;
        to_end(&pipeline, &rendered, limits)?;
        Ok(rendered.duration(pcm.rate_hz))
    }

    fn probe(&self) -> Result<String, PlayError> {
        match self.choose()? {
            Choice::Card { name, sink } => {
                let _ = sink.set_state(gst::State::Null);
                Ok(format!("{name}, device {}", self.device.as_deref().unwrap_or("default")))
            }
            Choice::Wav(dir) => Ok(format!("WAV files in {}", dir.display())),
        }
    }
}

/// Makes the sink of a sound card and opens it, which is what tells whether there is one.
fn open_card(name: &'static str, package: &'static str, device: Option<&str>) -> Result<gst::Element, String> {
    let sink = element(name, package).map_err(|e| e.to_string())?;
    if let Some(device) = device {
        sink.set_property("device", device);
    }
    // The element alone has no bus; its complaint is collected on one of our own.
    let bus = gst::Bus::new();
    sink.set_bus(Some(&bus));
    let opened = sink.set_state(gst::State::Ready);
    let complaint = bus.pop_filtered(&[gst::MessageType::Error]);
    sink.set_bus(None);
    if opened.is_ok() {
        return Ok(sink);
    }
    let _ = sink.set_state(gst::State::Null);
    Err(match complaint.as_ref().map(|m| m.view()) {
        Some(gst::MessageView::Error(error)) => describe(error),
        _ => "did not open".to_owned(),
    })
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

    fn local(sink: LocalSink, wav_dir: Option<&str>, base_dir: &Path) -> LocalOutput {
        gst::init().unwrap();
        let wav_dir = wav_dir.map(PathBuf::from);
        LocalOutput::new(&LocalConfig { sink, wav_dir, ..LocalConfig::default() }, base_dir)
    }

    #[test]
    fn a_card_that_does_not_open_says_what_was_tried() {
        let mut output = local(LocalSink::Alsa, None, Path::new("."));
        output.device = Some("hw:CARD=nonexistent".to_owned());
        let Err(error) = output.choose() else { panic!("a card that does not exist opened") };
        let text = error.to_string();
        assert!(matches!(error, PlayError::NoSoundCard { .. }) && text.contains("alsasink"), "{text}");
        assert!(text.contains("wav_dir"), "{text}");
    }

    #[test]
    fn auto_falls_to_files_only_if_a_directory_is_given() {
        let dir = tempfile::tempdir().unwrap();
        let mut output = local(LocalSink::Auto, Some("said"), dir.path());
        output.device = Some("nonexistent-device".to_owned());
        assert_eq!(output.probe().unwrap(), format!("WAV files in {}", dir.path().join("said").display()));
        output.wav_dir = None;
        assert!(matches!(output.probe(), Err(PlayError::NoSoundCard { .. })));
    }

    #[test]
    fn alsa_plays_to_the_end() {
        // ALSA's own "null" device opens without a sound card and swallows what it is given.
        let mut output = local(LocalSink::Alsa, None, Path::new("."));
        output.device = Some("null".to_owned());
        let pcm = Pcm { rate_hz: 22_050, samples: vec![3000; 22_050 / 2] };
        let limits = Limits { total: Duration::from_secs(20), stall: Duration::from_secs(5) };
        let announcement = super::super::tests::announcement("", None);
        assert_eq!(output.play(&pcm, &announcement, limits).unwrap(), Duration::from_millis(500));
    }

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
    fn an_announcement_that_was_played_stays_played_when_tidying_fails() {
        let dir = tempfile::tempdir().unwrap();
        // Directories cannot be removed as files, so tidying fails; the plain file beside them still goes.
        for name in ["a.wav", "c.wav"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        fs::write(dir.path().join("b.wav"), "old").unwrap();
        let mut output = local(LocalSink::Wav, Some("."), dir.path());
        (output.wav_keep, output.wav_real_time) = (1, false);
        let pcm = Pcm { rate_hz: 22_050, samples: vec![3000; 22_050 / 2] };
        let limits = Limits { total: Duration::from_secs(20), stall: Duration::from_secs(5) };
        let announcement = super::super::tests::announcement("", None);
        assert_eq!(output.play(&pcm, &announcement, limits).unwrap(), Duration::from_millis(500));
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
