//! Makes the samples of an announcement: the chime, then the sound file or the spoken text.

use std::path::PathBuf;
use std::time::Duration;

use forewarn_domain::Announcement;

use super::chime::chime;
use super::config::SpeechConfig;
use super::decode::decode_file;
use super::error::{PlayError, with_causes};
use super::pcm::Pcm;
use super::speech::Speech;

/// Makes announcements audible.
pub(super) struct Programme {
    speech: Speech,
    chime: bool,
    audio_dir: PathBuf,
}

impl Programme {
    pub(super) fn new(speech: SpeechConfig, chime: bool, audio_dir: PathBuf) -> Self {
        Self { speech: Speech::new(speech), chime, audio_dir }
    }

    /// Says which speech program there is.
    pub(super) fn probe(&self) -> Result<String, PlayError> {
        self.speech.probe()
    }

    /// The announcement's samples, made within `limit`.
    ///
    /// A sound file that cannot be played must not cost the warning: its text is spoken instead if there is one.
    pub(super) fn render(&mut self, announcement: &Announcement, limit: Duration) -> Result<Pcm, PlayError> {
        let has_text = !announcement.text.text.trim().is_empty();
        let body = match &announcement.audio {
            Some(file) => match decode_file(&self.audio_dir.join(file), limit) {
                Err(error) if has_text => {
                    tracing::warn!(error = %with_causes(&error), "sound file not playable, speaking the text instead");
                    self.speech.speak(&announcement.text, limit)?.as_ref().clone()
                }
                decoded => decoded?,
            },
            None if has_text => self.speech.speak(&announcement.text, limit)?.as_ref().clone(),
            None => return Err(PlayError::Nothing),
        };
        if !self.chime {
            return Ok(body);
        }
        let mut samples = chime(body.rate_hz);
        samples.extend(body.samples);
        Ok(Pcm { rate_hz: body.rate_hz, samples })
    }
}
