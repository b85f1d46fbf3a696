//! What was said for an incident, as the pages tell it.

use forewarn_domain::violation::Language;
use forewarn_evidence::Said;
use serde::Serialize;

/// An announcement that was played.
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = Said))]
#[derive(Serialize)]
pub(super) struct Told {
    /// When it had been played, RFC 3339 in UTC.
    at: String,
    /// Which warning of the incident it was, from 1.
    attempt: u32,
    /// Over which loudspeaker.
    speaker: String,
    #[cfg_attr(test, schema(value_type = crate::document::Language))]
    language: Language,
    /// Word for word; empty where a sound alone was played.
    text: String,
    /// The sound file that was played in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    sound: Option<String>,
}

impl From<Said> for Told {
    fn from(Said { at, attempt, speaker, language, text, sound }: Said) -> Self {
        Self { at, attempt, speaker: speaker.to_string(), language, text, sound }
    }
}
