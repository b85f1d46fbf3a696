//! Loudspeakers: one [`SpeakerConfig`] in, one [`Loudspeaker`] out.
//!
//! A speaker is two halves. The programme ([`programme`]) is what is to be heard, in every form that a device may
//! carry: samples, encoded sound, words, a clip of the device's own. The adapter ([`adapters`]) asks it for the one
//! form that it carries, and says how far it is proven that the announcement was played. A further kind of speaker is
//! a file of [`adapters`] and a line in the registry there.

pub mod adapters;
mod camera_url;
mod common;
mod config;
mod error;
mod floor;
mod guard;
mod hall;
mod hearing;
mod line;
mod pcm;
pub mod programme;
mod recording;
mod run;
#[cfg(test)]
mod served;
mod template;
#[cfg(test)]
mod tests;
mod turns;
mod voice;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use forewarn_domain::clock::UnknownCivilTime;
use forewarn_domain::voice::{NoVoices, Voices};
use forewarn_domain::{
    Announcement, AnnouncementId, CivilTime, Clock, Cut, FailureKind, IncidentId, Loudspeaker, LoudspeakerError,
    Playback, SpeakerId, SpokenText,
};

pub use adapters::has_sound_card;
pub use common::{ProgrammeConfig, SpeakerDoubt, SpeechConfig, VolumeConfig};
pub use config::SpeakerConfig;
pub use error::{ConfigError, DeviceError, PlayError};
pub use floor::Earshot;
pub use hall::Hall;
pub use hearing::HearingConfig;
pub use programme::SpeechCache;
pub use recording::{Recording, RecordingError};
pub use run::Limits;
pub use turns::Turns;
pub use voice::Voice;

use adapters::{Adapter, Mistake};
use forewarn_base::random::random;
use guard::Guarded;
use hearing::Hearing;
use programme::{Programme, Studio};

/// How long a speaker may take to answer [`probe`].
const PROBE_LIMIT: Duration = Duration::from_secs(5);

/// How long a speaker may take for what is said by hand.
const SAY_LIMIT: Duration = Duration::from_mins(2);

/// What all speakers of the agent share.
#[derive(Clone)]
pub struct SpeakerContext {
    /// Tells how far away an announcement's deadline is.
    pub clock: Arc<dyn Clock>,
    /// Tells which hours of `volume` hold.
    pub civil: Arc<dyn CivilTime>,
    /// Directory against which an announcement's sound file is resolved: that of the violations.
    pub audio_dir: PathBuf,
    /// Directory against which relative paths of the configuration are resolved: that of the site file.
    pub base_dir: PathBuf,
    /// Speech that was made before.
    pub speech: SpeechCache,
    /// Opens voices that a site adds.
    pub voices: Arc<dyn Voices>,
}

impl SpeakerContext {
    /// One where nobody knows the time of day, which [`Self::civil`] tells.
    pub fn new(clock: Arc<dyn Clock>, audio_dir: impl Into<PathBuf>, base_dir: impl Into<PathBuf>) -> Self {
        Self {
            clock,
            civil: Arc::new(UnknownCivilTime),
            audio_dir: audio_dir.into(),
            base_dir: base_dir.into(),
            speech: SpeechCache::default(),
            voices: Arc::new(NoVoices),
        }
    }
}

/// What makes an announcement audible, and what carries it to the ears.
struct Halves {
    studio: Studio,
    adapter: Box<dyn Adapter>,
    /// A microphone that hears it, where the site names one.
    hearing: Option<Hearing>,
}

impl Halves {
    fn announce(
        &mut self,
        announcement: &Announcement,
        limits: &Limits,
        patience: &guard::Patience,
    ) -> Result<Playback, PlayError> {
        let mut programme = Programme::new(&mut self.studio, announcement, limits, patience);
        let listening = self.hearing.as_ref().map(Hearing::begin);
        let playback = self.adapter.announce(&mut programme, announcement, limits)?;
        let playback = programme.judge(playback)?;
        let Some(listening) = listening else { return Ok(playback) };
        match listening.and_then(|listening| Ok((listening, programme.said()?))) {
            Ok((listening, said)) => Ok(listening.judge(&said, playback, limits)),
            Err(error) => {
                // Who cannot listen takes nothing from what the loudspeaker proved.
                tracing::warn!(%error, "nobody could listen to an announcement");
                Ok(playback)
            }
        }
    }
}

struct Speaker {
    id: SpeakerId,
    kind: String,
    halves: Guarded<Halves>,
    clock: Arc<dyn Clock>,
    stall: Duration,
}

impl Speaker {
    fn new(id: &SpeakerId, config: &SpeakerConfig, context: &SpeakerContext) -> Result<Self, ConfigError> {
        config.check(id, &context.base_dir)?;
        gst::init().map_err(|e| ConfigError::Media { speaker: id.clone(), reason: e.to_string() })?;
        let studio = Studio::new(&config.common, context);
        let adapter = config
            .adapter
            .settings()
            .adapter(id, &context.base_dir)
            .map_err(|Mistake(key, reason)| ConfigError::Value { speaker: id.clone(), key, reason })?;
        let stall = Duration::from_secs_f64(config.common.stall_s);
        let hearing = config.common.heard_by.as_ref().map(|heard_by| heard_by.resolve(&context.base_dir));
        let hearing = hearing
            .transpose()
            .map_err(Mistake::from)
            .map_err(|Mistake(key, reason)| ConfigError::Value { speaker: id.clone(), key, reason })?;
        let halves = Guarded::new(Halves { studio, adapter, hearing });
        let kind = config.adapter.kind();
        Ok(Self { id: id.clone(), kind, halves, clock: context.clock.clone(), stall })
    }

    fn try_play(&mut self, announcement: &Announcement, cut: &Cut) -> Result<Playback, PlayError> {
        let remaining = announcement.deadline.since(self.clock.now());
        if remaining.is_zero() {
            return Err(PlayError::DeadlinePassed);
        }
        let (limits, order) = (Limits::new(remaining, self.stall).until(cut.clone()), announcement.clone());
        let mut playback =
            self.halves.run(remaining, move |halves, patience| halves.announce(&order, &limits, patience))?;
        playback.receipt.kind.clone_from(&self.kind);
        Ok(playback)
    }
}

impl Loudspeaker for Speaker {
    fn play(&mut self, announcement: &Announcement, cut: &Cut) -> Result<Playback, LoudspeakerError> {
        let outcome = self.try_play(announcement, cut);
        match &outcome {
            Ok(playback) => tracing::info!(
                speaker = %self.id, incident = %announcement.incident, attempt = announcement.attempt,
                duration_ms = playback.duration.as_millis() as u64, proof = %playback.proof, kind = self.kind,
                sent = playback.receipt.sent, answer = playback.receipt.answer, "announcement played"
            ),
            Err(error) => tracing::warn!(
                speaker = %self.id, incident = %announcement.incident, attempt = announcement.attempt,
                kind = %error.kind(), %error, "announcement failed"
            ),
        }
        outcome.map_err(|e| failure(&self.id, &e))
    }
}

fn failure(speaker: &SpeakerId, error: &PlayError) -> LoudspeakerError {
    LoudspeakerError { speaker: speaker.clone(), kind: error.kind(), message: error::with_causes(error) }
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

/// Says a text now, outside of any incident.
pub fn say(
    id: &SpeakerId,
    config: &SpeakerConfig,
    context: &SpeakerContext,
    text: SpokenText,
) -> Result<Playback, LoudspeakerError> {
    let misconfigured = |error| LoudspeakerError {
        speaker: id.clone(),
        kind: FailureKind::Misconfigured,
        message: error::with_causes(&error),
    };
    let mut speaker = Speaker::new(id, config, context).map_err(misconfigured)?;
    let announcement = Announcement {
        id: AnnouncementId(random() >> 16),
        incident: IncidentId::from_stored("by-hand"),
        speaker: id.clone(),
        text,
        audio: None,
        attempt: 1,
        deadline: context.clock.now() + SAY_LIMIT,
        urgency: Announcement::OF_PEOPLE,
    };
    speaker.play(&announcement, &Cut::default())
}

/// Tries whether the speaker could play now, without a sound: the sound card opens, the address is reachable as far
/// as this side can tell, the speech program runs. Returns a line that says what would be used.
pub fn probe(id: &SpeakerId, config: &SpeakerConfig, context: &SpeakerContext) -> Result<String, LoudspeakerError> {
    let speaker = Speaker::new(id, config, context).map_err(|e| LoudspeakerError {
        speaker: id.clone(),
        kind: FailureKind::Misconfigured,
        message: error::with_causes(&e),
    })?;
    let found = speaker.halves.run(PROBE_LIMIT, |halves, _| {
        let device = halves.adapter.probe()?;
        Ok(format!("{device}; {}", halves.studio.probe()?))
    });
    found.map_err(|e| failure(id, &e))
}
