//! What is to be heard: an announcement in every form that a loudspeaker may carry.
//!
//! [`Studio`] is what a speaker keeps from one announcement to the next; a [`Programme`] is one announcement, whose
//! forms are made when an adapter first asks for them.

mod cache;
mod chime;
mod decode;
mod encode;
mod limiter;
mod loudness;
mod sentences;
mod speech;
mod spell;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use forewarn_domain::{Announcement, CivilTime, Clock, Playback, SpokenText};

pub use cache::SpeechCache;
pub use encode::{AAC_UNIT, Codec};

pub use super::error::{SoundFileError, SpeechError};
pub use super::pcm::{Pcm, samples_to_duration};

use super::SpeakerContext;
use super::common::{ProgrammeConfig, VolumeConfig};
use super::error::{PlayError, with_causes};
use super::guard::Patience;
use super::hearing::RATE_HZ as HEARING_HZ;
use super::run::{Limits, TOLERANCE};
use chime::chime;
use decode::decode_file;
use encode::{aac, encode, resample};
use loudness::USUAL_LUFS;
use speech::Speech;
use spell::spell;

/// Makes announcements audible.
pub(super) struct Studio {
    speech: Speech,
    chime: bool,
    volume: Vec<VolumeConfig>,
    clock: Arc<dyn Clock>,
    civil: Arc<dyn CivilTime>,
    audio_dir: PathBuf,
}

impl Studio {
    pub(super) fn new(config: &ProgrammeConfig, context: &SpeakerContext) -> Self {
        Self {
            speech: Speech::new(config.speech.clone(), context),
            chime: config.chime,
            volume: config.volume.clone(),
            clock: context.clock.clone(),
            civil: context.civil.clone(),
            audio_dir: context.audio_dir.clone(),
        }
    }

    /// Says which speech program there is.
    pub(super) fn probe(&self) -> Result<String, PlayError> {
        Ok(self.speech.probe()?)
    }

    /// How much louder than usual announcements are at this time of day, in dB; none where the time makes no difference.
    fn louder_now(&self) -> Option<f64> {
        let now = self.clock.now();
        // Where nobody knows the time of day, no hour holds: what is too soft is not heard.
        let holds = |volume: &&VolumeConfig| volume.hours.holds_at(now, &*self.civil) == Some(true);
        self.volume.iter().find(holds).map(|volume| volume.db)
    }

    /// The announcement's samples, made within `limit`.
    ///
    /// A sound file that cannot be played must not cost the warning: its text is spoken instead if there is one.
    pub(super) fn render(
        &self,
        announcement: &Announcement,
        louder_db: Option<f64>,
        limit: Duration,
    ) -> Result<Pcm, PlayError> {
        let text = spoken(announcement);
        let lufs = USUAL_LUFS + louder_db.unwrap_or(0.0);
        let body = match (&announcement.audio, &text) {
            (Some(file), _) => match (audible_file(&self.audio_dir.join(file), limit), &text) {
                (Err(error), Some(text)) => {
                    tracing::warn!(error = %with_causes(&error), "sound file not playable, speaking the text instead");
                    self.speech.speak(text, lufs, limit)?.as_ref().clone()
                }
                (decoded, _) => loudness::at(&decoded?, lufs),
            },
            (None, Some(text)) => self.speech.speak(text, lufs, limit)?.as_ref().clone(),
            (None, None) => return Err(PlayError::Nothing),
        };
        if !self.chime {
            return Ok(body);
        }
        let mut whole = loudness::at(&Pcm { rate_hz: body.rate_hz, samples: chime(body.rate_hz) }, lufs);
        whole.samples.extend(body.samples);
        Ok(whole)
    }
}

/// A sound file in which there is something to hear.
fn audible_file(path: &Path, limit: Duration) -> Result<Pcm, PlayError> {
    let pcm = decode_file(path, limit)?;
    if !pcm.is_audible() {
        return Err(SoundFileError::Silent { path: path.to_owned() }.into());
    }
    Ok(pcm)
}

/// What is spoken, if anything is: the text in words alone.
fn spoken(announcement: &Announcement) -> Option<SpokenText> {
    let text = &announcement.text;
    (!text.text.trim().is_empty()).then(|| spell(text))
}

/// One announcement in every form that a loudspeaker may carry.
pub struct Programme<'a> {
    studio: &'a mut Studio,
    announcement: &'a Announcement,
    limits: Limits,
    patience: &'a Patience,
    is_of_the_device: bool,
    louder_db: Option<f64>,
    pcm: Option<Arc<Pcm>>,
    encoded: BTreeMap<Codec, Arc<[u8]>>,
}

impl<'a> Programme<'a> {
    pub(super) fn new(
        studio: &'a mut Studio,
        announcement: &'a Announcement,
        limits: &Limits,
        patience: &'a Patience,
    ) -> Self {
        let louder_db = studio.louder_now();
        Self {
            studio,
            announcement,
            limits: limits.clone(),
            patience,
            is_of_the_device: false,
            louder_db,
            pcm: None,
            encoded: BTreeMap::new(),
        }
    }

    /// The same with samples that are made already.
    #[cfg(test)]
    pub(super) fn holding(mut self, pcm: Pcm) -> Self {
        self.pcm = Some(Arc::new(pcm));
        self
    }

    /// The device says itself when it has played, and may take until the deadline for it.
    pub fn wait_for_the_device(&mut self) {
        self.is_of_the_device = true;
    }

    /// Samples for what plays anything: the chime, then the sound file or the speech.
    pub fn pcm(&mut self) -> Result<Arc<Pcm>, PlayError> {
        if let Some(pcm) = &self.pcm {
            return Ok(pcm.clone());
        }
        let pcm = Arc::new(self.studio.render(self.announcement, self.louder_db, self.limits.left())?);
        let lasts = pcm.duration();
        self.limits.check(lasts)?;
        if !self.is_of_the_device {
            // Opening and draining may each take as long as a stall; more than that is none of a working speaker.
            self.patience.shorten(lasts + 2 * self.limits.stall);
        }
        Ok(self.pcm.insert(pcm).clone())
    }

    /// The same for a device that takes one encoding.
    pub fn encoded(&mut self, codec: Codec) -> Result<Arc<[u8]>, PlayError> {
        if let Some(bytes) = self.encoded.get(&codec) {
            return Ok(bytes.clone());
        }
        let pcm = self.pcm()?;
        let bytes: Arc<[u8]> = encode(&pcm, codec, &self.limits)?.into();
        self.encoded.insert(codec, bytes.clone());
        Ok(bytes)
    }

    /// The same for a device that takes AAC-LC at one rate: access units of [`AAC_UNIT`] samples each.
    pub fn aac(&mut self, rate_hz: u32) -> Result<Vec<Vec<u8>>, PlayError> {
        let pcm = self.pcm()?;
        aac(&pcm, rate_hz, &self.limits)
    }

    /// The samples for a device that takes them as they are, at its rate: 16 bits each, the lower byte first.
    pub fn plain(&mut self, rate_hz: u32) -> Result<Arc<[u8]>, PlayError> {
        let pcm = self.pcm()?;
        Ok(resample(&pcm, rate_hz, &self.limits)?.into())
    }

    /// What is to be heard, as a microphone's sound is compared with it.
    pub(super) fn said(&mut self) -> Result<Vec<i16>, PlayError> {
        let bytes = self.plain(HEARING_HZ)?;
        Ok(bytes.chunks_exact(2).map(|two| i16::from_le_bytes([two[0], two[1]])).collect())
    }

    /// The words for a device that speaks by itself, numbers and plates written out; none where there is a sound file
    /// alone.
    pub fn text(&self) -> Option<SpokenText> {
        spoken(self.announcement)
    }

    /// The clip that the device itself holds, by its own table from the names of sound files to clips.
    pub fn clip<'t, C>(&self, clips: &'t BTreeMap<String, C>) -> Option<&'t C> {
        self.announcement.audio.as_ref().and_then(|file| clips.get(file))
    }

    /// Whether all of what was made was played. A device that speaks by itself is taken at its word, and is as loud as it
    /// is set.
    pub(super) fn judge(&self, mut playback: Playback) -> Result<Playback, PlayError> {
        let Some(pcm) = &self.pcm else { return Ok(playback) };
        if playback.duration + TOLERANCE < pcm.duration() {
            return Err(PlayError::Incomplete {
                played_s: playback.duration.as_secs_f64(),
                expected_s: pcm.duration().as_secs_f64(),
            });
        }
        if let Some(db) = self.louder_db {
            let _ = write!(playback.receipt.sent, ", {db:+.0} dB at this hour");
        }
        Ok(playback)
    }
}
