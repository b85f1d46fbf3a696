//! Loudspeakers: one [`SpeakerConfig`] in, one [`Loudspeaker`] out.
//!
//! A speaker is two halves. The programme makes samples of an announcement (chime, then speech or a sound file) and
//! is the same for all of them. The output carries the samples to the ears: [`local`] through the sound card or into
//! a WAV file, [`rtp`] to an IP horn. A further kind of speaker is a further implementation of [`Output`], a variant
//! of [`SpeakerConfig`] and a line in [`build`].

mod chime;
mod config;
mod decode;
mod error;
mod guard;
mod local;
mod pcm;
mod programme;
mod rtp;
mod run;
mod speech;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use forewarn_domain::{Announcement, Clock, Loudspeaker, LoudspeakerError, SpeakerId};

pub use config::{LocalConfig, LocalSink, RtpConfig, SpeakerConfig, SpeechConfig};
pub use error::{ConfigError, PlayError};
pub use pcm::Pcm;

use guard::Guarded;
use programme::Programme;
use run::Limits;

/// How long a speaker may take to answer [`probe`].
const PROBE_LIMIT: Duration = Duration::from_secs(5);

/// What all speakers of the agent share.
#[derive(Clone)]
pub struct SpeakerContext {
    /// Tells how far away an announcement's deadline is.
    pub clock: Arc<dyn Clock>,
    /// Directory against which an announcement's sound file is resolved: that of the violations.
    pub audio_dir: PathBuf,
    /// Directory against which relative paths of the configuration are resolved: that of the site file.
    pub base_dir: PathBuf,
}

/// Carries samples to the ears.
trait Output: Send {
    /// Plays the samples in real time and returns how long the part that was rendered lasted.
    fn play(&mut self, pcm: &Pcm, announcement: &Announcement, limits: Limits) -> Result<Duration, PlayError>;

    /// Opens what playing needs and closes it again; says what was found.
    fn probe(&self) -> Result<String, PlayError>;
}

struct Speaker {
    id: SpeakerId,
    programme: Programme,
    output: Guarded,
    clock: Arc<dyn Clock>,
    stall: Duration,
}

impl Speaker {
    fn new(id: &SpeakerId, config: &SpeakerConfig, context: &SpeakerContext) -> Result<Self, ConfigError> {
        config.check(id)?;
        gst::init().map_err(|e| ConfigError::Media { speaker: id.clone(), reason: e.to_string() })?;
        let (speech, chime, stall_s) = match config {
            SpeakerConfig::Local(c) => (&c.speech, c.chime, c.stall_s),
            SpeakerConfig::Rtp(c) => (&c.speech, c.chime, c.stall_s),
        };
        let output: Box<dyn Output> = match config {
            SpeakerConfig::Local(c) => Box::new(local::LocalOutput::new(c, &context.base_dir)),
            SpeakerConfig::Rtp(c) => Box::new(rtp::RtpOutput::new(c)),
        };
        let programme = Programme::new(speech.clone(), chime, context.audio_dir.clone());
        let stall = Duration::from_secs_f64(stall_s);
        Ok(Self { id: id.clone(), programme, output: Guarded::new(output), clock: context.clock.clone(), stall })
    }

    fn try_play(&mut self, announcement: &Announcement) -> Result<Duration, PlayError> {
        let remaining = announcement.deadline.since(self.clock.now());
        if remaining.is_zero() {
            return Err(PlayError::DeadlinePassed);
        }
        let pcm = Arc::new(self.programme.render(announcement, remaining)?);
        let remaining = announcement.deadline.since(self.clock.now());
        if pcm.duration() > remaining {
            return Err(PlayError::TooLong { lasts_s: pcm.duration().as_secs_f64(), left_s: remaining.as_secs_f64() });
        }
        let limits = Limits { total: remaining, stall: self.stall };
        // Opening and draining may each take as long as a stall; more than that is none of a working speaker.
        let patience = remaining.min(pcm.duration() + 2 * self.stall);
        let (sound, order) = (pcm.clone(), announcement.clone());
        let played = self.output.run(patience, move |output| output.play(&sound, &order, limits))?;
        if played + run::TOLERANCE < pcm.duration() {
            let (played_s, expected_s) = (played.as_secs_f64(), pcm.duration().as_secs_f64());
            return Err(PlayError::Incomplete { played_s, expected_s });
        }
        Ok(played)
    }
}

impl Loudspeaker for Speaker {
    fn play(&mut self, announcement: &Announcement) -> Result<Duration, LoudspeakerError> {
        let outcome = self.try_play(announcement);
        match &outcome {
            Ok(duration) => tracing::info!(
                speaker = %self.id, incident = %announcement.incident, attempt = announcement.attempt,
                duration_ms = duration.as_millis() as u64, "announcement played"
            ),
            Err(error) => tracing::warn!(
                speaker = %self.id, incident = %announcement.incident, attempt = announcement.attempt,
                %error, "announcement failed"
            ),
        }
        outcome.map_err(|e| LoudspeakerError { speaker: self.id.clone(), message: error::with_causes(&e) })
    }
}

/// Makes the loudspeaker that a configuration describes.
///
/// Only the configuration is judged here: a speaker that is off or unplugged now may be there when it is needed.
/// [`probe`] tells whether it is there.
pub fn build(
    id: &SpeakerId,
    config: &SpeakerConfig,
    context: &SpeakerContext,
) -> Result<Box<dyn Loudspeaker>, ConfigError> {
    Ok(Box::new(Speaker::new(id, config, context)?))
}

/// Tries whether the speaker could play now, without a sound: the sound card opens, the address is reachable as far
/// as this side can tell, the speech program runs. Returns a line that says what would be used.
pub fn probe(id: &SpeakerId, config: &SpeakerConfig, context: &SpeakerContext) -> Result<String, LoudspeakerError> {
    let fail = |message: String| LoudspeakerError { speaker: id.clone(), message };
    let speaker = Speaker::new(id, config, context).map_err(|e| fail(error::with_causes(&e)))?;
    let output = speaker.output.run(PROBE_LIMIT, |output| output.probe()).map_err(|e| fail(error::with_causes(&e)))?;
    let speech = speaker.programme.probe().map_err(|e| fail(error::with_causes(&e)))?;
    Ok(format!("{output}; {speech}"))
}
