//! What a loudspeaker says, as a sound for whoever was not there.

use std::time::Duration;

use forewarn_domain::{Announcement, AnnouncementId, IncidentId, LoudspeakerError, SpeakerId, SpokenText};

use super::common::ProgrammeConfig;
use super::config::SpeakerConfig;
use super::programme::Studio;
use super::{SpeakerContext, failure};

/// How long making a sound may take; speech that was said lately is there at once.
const LIMIT: Duration = Duration::from_secs(20);

/// The voice of one loudspeaker. Clones share the speech that was made before.
#[derive(Clone)]
pub struct Voice {
    id: SpeakerId,
    programme: ProgrammeConfig,
    context: SpeakerContext,
}

impl Voice {
    /// That of a loudspeaker of the site.
    pub fn of(id: &SpeakerId, config: &SpeakerConfig, context: &SpeakerContext) -> Self {
        Self { id: id.clone(), programme: config.common.clone(), context: context.clone() }
    }

    /// What it sends or plays for these words, or for a sound file in their place, as a WAV file: at its usual loudness,
    /// whatever the hour.
    pub fn wav(&self, text: SpokenText, sound: Option<String>) -> Result<Vec<u8>, LoudspeakerError> {
        let said = Announcement {
            id: AnnouncementId(0),
            incident: IncidentId::from_stored("heard-again"),
            speaker: self.id.clone(),
            text,
            audio: sound,
            attempt: 1,
            deadline: self.context.clock.now() + LIMIT,
            urgency: 0,
        };
        let made = Studio::new(&self.programme, &self.context).render(&said, None, LIMIT);
        made.map(|pcm| pcm.to_wav()).map_err(|error| failure(&self.id, &error))
    }
}
