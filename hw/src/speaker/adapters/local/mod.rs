//! The box's own sound card through PulseAudio or ALSA, or WAV files where there is none.

mod wav;

use std::path::{Path, PathBuf};

use forewarn_domain::{Announcement, FailureKind, Playback, Proof, SpeakerId};
use gst::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Adapter, Mistake, Settings};
use crate::speaker::common::SpeakerDoubt;
use crate::speaker::error::PlayError;
use crate::speaker::programme::Programme;
use crate::speaker::run::{Limits, Rendered, chain, describe, element, source, to_end};
use wav::WavFiles;

const PULSE: (&str, &str) = ("pulsesink", "gstreamer1.0-plugins-good");
const ALSA: (&str, &str) = ("alsasink", "gstreamer1.0-alsa");

/// Where a local speaker's sound goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LocalSink {
    /// The first of PulseAudio and ALSA that opens. Where none does, the announcement fails, and `wav_dir` gets it.
    #[default]
    Auto,
    /// PulseAudio, or PipeWire in its place.
    Pulse,
    /// ALSA.
    Alsa,
    /// One WAV file for each announcement in `wav_dir`, which stands in for a loudspeaker.
    Wav,
}

/// A speaker at the box's sound card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LocalConfig {
    /// Where the sound goes.
    pub sink: LocalSink,
    /// The sound server's or ALSA's name of the device, such as `hw:1,0`; the default device if absent.
    pub device: Option<String>,
    /// Directory of the WAV files, relative to the site file.
    pub wav_dir: Option<PathBuf>,
    /// How many WAV files are kept; the oldest go first.
    pub wav_keep: usize,
    /// Whether a WAV file takes as long to write as it sounds, so that it stands in for a real speaker.
    pub wav_real_time: bool,
}

impl Default for LocalConfig {
    fn default() -> Self {
        Self { sink: LocalSink::Auto, device: None, wav_dir: None, wav_keep: 200, wav_real_time: true }
    }
}

impl Settings for LocalConfig {
    fn check(&self, _base_dir: &Path) -> Result<(), Mistake> {
        if self.sink == LocalSink::Wav && self.wav_dir.is_none() {
            return Err(Mistake("wav_dir", "sink = \"wav\" needs the directory of the files".to_owned()));
        }
        if self.sink == LocalSink::Wav && self.device.is_some() {
            return Err(Mistake("device", "sink = \"wav\" has no device".to_owned()));
        }
        if self.wav_keep == 0 {
            return Err(Mistake("wav_keep", "at least 1 file is kept".to_owned()));
        }
        Ok(())
    }

    fn doubt(&self) -> Option<SpeakerDoubt> {
        (self.sink == LocalSink::Wav).then(|| SpeakerDoubt {
            key: "sink",
            problem: "its announcements go to files, which nobody hears, and count as warnings".to_owned(),
            mend: "leave `sink` out where there is a sound card".to_owned(),
        })
    }

    fn adapter(&self, _id: &SpeakerId, base_dir: &Path) -> Result<Box<dyn Adapter>, Mistake> {
        Ok(Box::new(Local::new(self, base_dir)))
    }
}

/// A local speaker cannot play.
#[derive(Debug, thiserror::Error)]
enum LocalError {
    #[error(
        "this box has no sound card that opens ({tried}); connect one, name it by `device`, \
         or set `sink = \"wav\"` to let files stand in for it"
    )]
    NoSoundCard { tried: String },
    #[error("this box has no sound card that opens ({tried}); nobody heard what {} holds", file.display())]
    WrittenOnly { tried: String, file: PathBuf },
}

impl From<LocalError> for PlayError {
    fn from(error: LocalError) -> Self {
        Self::device(FailureKind::DeviceLost, error)
    }
}

/// Plays at the sound card or into files.
struct Local {
    sink: LocalSink,
    device: Option<String>,
    files: Option<WavFiles>,
}

/// Where the sound goes this time.
enum Choice<'a> {
    Card {
        name: &'static str,
        sink: gst::Element,
    },
    /// The file is the loudspeaker.
    File(&'a WavFiles),
    /// The file keeps what no card played.
    NoCard {
        tried: String,
        files: Option<&'a WavFiles>,
    },
}

impl Local {
    fn new(config: &LocalConfig, base_dir: &Path) -> Self {
        let files = config.wav_dir.as_ref().map(|dir| WavFiles::new(base_dir.join(dir), config));
        Self { sink: config.sink, device: config.device.clone(), files }
    }

    /// Chooses anew for each announcement: a USB sound card or a sound server may have come or gone.
    fn choose(&self) -> Choice<'_> {
        let cards: &[_] = match (self.sink, &self.files) {
            (LocalSink::Wav, Some(files)) => return Choice::File(files),
            (LocalSink::Wav, None) => &[],
            (LocalSink::Auto, _) => &[PULSE, ALSA],
            (LocalSink::Pulse, _) => &[PULSE],
            (LocalSink::Alsa, _) => &[ALSA],
        };
        let mut tried = Vec::new();
        for &(name, package) in cards {
            match open_card(name, package, self.device.as_deref()) {
                Ok(sink) => return Choice::Card { name, sink },
                Err(error) => tried.push(format!("{name}: {error}")),
            }
        }
        let files = self.files.as_ref().filter(|_| self.sink == LocalSink::Auto);
        Choice::NoCard { tried: tried.join("; "), files }
    }
}

impl Adapter for Local {
    fn announce(
        &mut self,
        programme: &mut Programme<'_>,
        announcement: &Announcement,
        limits: &Limits,
    ) -> Result<Playback, PlayError> {
        let (name, sink) = match self.choose() {
            Choice::Card { name, sink } => (name, sink),
            Choice::File(files) => {
                let (file, duration) = files.write(&*programme.pcm()?, announcement, limits)?;
                return Ok(Playback::new(duration, Proof::Written, file.display().to_string()));
            }
            Choice::NoCard { tried, files: None } => return Err(LocalError::NoSoundCard { tried }.into()),
            Choice::NoCard { tried, files: Some(files) } => {
                // Nobody waits for a file that nobody hears: it is written at once.
                let (file, _) = files.at_once().write(&*programme.pcm()?, announcement, limits)?;
                return Err(LocalError::WrittenOnly { tried, file }.into());
            }
        };
        let pcm = programme.pcm()?;
        let base = "gstreamer1.0-plugins-base";
        let source = source(&pcm)?;
        let (convert, resample) = (element("audioconvert", base)?, element("audioresample", base)?);
        let rendered = Rendered::default();
        // Counting before the conversion keeps the count free of the card's rate and channels; end-of-stream at the
        // sink proves that what was counted has left the card's buffer.
        convert.static_pad("sink").inspect(|pad| rendered.count_on(pad));
        let pipeline = chain(&[&source, &convert, &resample, &sink])?;
        to_end(&pipeline, &rendered, limits)?;
        let sent = format!("{} Hz to {name}, device {}", pcm.rate_hz, self.device.as_deref().unwrap_or("default"));
        Ok(Playback::new(rendered.duration(pcm.rate_hz), Proof::Rendered, sent))
    }

    fn probe(&self) -> Result<String, PlayError> {
        match self.choose() {
            Choice::Card { name, sink } => {
                let _ = sink.set_state(gst::State::Null);
                Ok(format!("{name}, device {}", self.device.as_deref().unwrap_or("default")))
            }
            Choice::File(files) => Ok(format!("WAV files in {}", files.dir().display())),
            Choice::NoCard { tried, .. } => Err(LocalError::NoSoundCard { tried }.into()),
        }
    }
}

/// Whether a sound card opens.
pub fn has_sound_card() -> bool {
    let has = || matches!(Local::new(&LocalConfig::default(), Path::new(".")).choose(), Choice::Card { .. });
    gst::init().is_ok() && has()
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::speaker::programme::Pcm;
    use crate::speaker::tests::announce;

    fn local(sink: LocalSink, wav_dir: Option<&str>, base_dir: &Path) -> Local {
        gst::init().unwrap();
        let wav_dir = wav_dir.map(PathBuf::from);
        Local::new(&LocalConfig { sink, wav_dir, wav_real_time: false, ..LocalConfig::default() }, base_dir)
    }

    fn half_a_second() -> Pcm {
        Pcm { rate_hz: 22_050, samples: vec![3000; 22_050 / 2] }
    }

    #[test]
    fn contradictions_are_named() {
        let wav = LocalConfig { sink: LocalSink::Wav, ..LocalConfig::default() };
        assert_eq!(wav.check(Path::new(".")).unwrap_err().0, "wav_dir");
        let wav = LocalConfig { wav_dir: Some("said".into()), ..wav };
        assert!(wav.check(Path::new(".")).is_ok() && wav.doubt().is_some());
        assert_eq!(LocalConfig { device: Some("hw:0".into()), ..wav }.check(Path::new(".")).unwrap_err().0, "device");
        assert!(LocalConfig::default().check(Path::new(".")).is_ok() && LocalConfig::default().doubt().is_none());
    }

    #[test]
    fn a_card_that_does_not_open_says_what_was_tried() {
        let mut local = local(LocalSink::Alsa, Some("said"), Path::new("."));
        local.device = Some("hw:CARD=nonexistent".to_owned());
        let error = local.probe().unwrap_err();
        assert_eq!(error.kind(), FailureKind::DeviceLost);
        assert!(error.to_string().contains("alsasink") && error.to_string().contains("sink = \"wav\""), "{error}");
    }

    #[test]
    fn a_file_that_nobody_hears_is_written_and_is_a_failure() {
        let dir = tempfile::tempdir().unwrap();
        let mut local = local(LocalSink::Auto, Some("said"), dir.path());
        local.device = Some("nonexistent-device".to_owned());
        assert!(local.probe().is_err());
        let error = announce(&mut local, half_a_second()).unwrap_err();
        assert_eq!(error.kind(), FailureKind::DeviceLost);
        assert!(error.to_string().contains("nobody heard"), "{error}");
        assert_eq!(std::fs::read_dir(dir.path().join("said")).unwrap().count(), 1);
    }

    #[test]
    fn alsa_plays_to_the_end() {
        // ALSA's own "null" device opens without a sound card and swallows what it is given.
        let mut local = local(LocalSink::Alsa, None, Path::new("."));
        local.device = Some("null".to_owned());
        let played = announce(&mut local, half_a_second()).unwrap();
        assert_eq!((played.duration, played.proof), (Duration::from_millis(500), Proof::Rendered));
    }
}
