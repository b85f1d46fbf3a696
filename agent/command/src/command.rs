//! A command as it is sent, and what may be asked.

#[cfg(test)]
use std::fmt::Write as _;

use forewarn_domain::CaseStage;
use forewarn_domain::site_change::SiteChange;
use forewarn_domain::violation::Language;
use forewarn_memory::feedback::Opinion;
#[cfg(test)]
use ring::hmac;
use serde::{Deserialize, Serialize};

/// What the audit log repeats of a text, at most.
const NOTED_CHARS: usize = 200;

/// What is asked, by whom, and until when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// Its own, never used again; the reply bears it.
    pub id: String,
    /// The site that is meant; a command for another one is refused.
    pub site: String,
    /// Who asks, for histories and the audit log.
    pub by: String,
    /// When it is too late, in seconds since the Unix epoch; at most ten minutes ahead.
    pub expires_s: i64,
    /// What is asked.
    pub ask: Ask,
}

/// What is looked for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookFor {
    /// The camera.
    pub camera: String,
    /// The violation, whether or not the camera has a rule for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub violation: Option<String>,
    /// Where; wherever the camera has a rule for it if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// What the detector finds of these classes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
}

/// What may be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Ask {
    /// To take a step of a case.
    Case {
        /// The incident.
        incident: String,
        /// The stage that it has reached.
        stage: CaseStage,
        /// What is said with it.
        #[serde(default)]
        note: String,
    },
    /// To keep what somebody thinks of an incident.
    Judge {
        /// The incident.
        incident: String,
        /// Whether it was what it was reported as.
        opinion: Opinion,
        /// What is said with it.
        #[serde(default)]
        note: String,
    },
    /// To speak a text.
    Speak {
        /// The loudspeaker.
        speaker: String,
        /// What is said.
        text: String,
        /// In which language.
        #[serde(default)]
        language: Language,
    },
    /// To say what is ready to be said.
    Play {
        /// The loudspeaker.
        speaker: String,
        /// By what it is asked for: a violation whose text needs nothing filled in, or `file:` and a sound file beside them.
        prepared: String,
        /// In which language.
        #[serde(default)]
        language: Language,
    },
    /// To announce nothing in a zone.
    Silence {
        /// The camera.
        camera: String,
        /// The zone; every zone of the camera if absent.
        #[serde(default)]
        zone: Option<String>,
        /// Until when, in seconds since the Unix epoch; a time that has passed ends a silence.
        until_s: i64,
    },
    /// To look at once, and tell what is seen.
    Look(LookFor),
    /// To cut a clip out of what is kept of a camera's video.
    Clip {
        /// The camera.
        camera: String,
        /// From when, in seconds since the Unix epoch.
        from_s: f64,
        /// Until when.
        to_s: f64,
    },
    /// To change the site file, or to see what would come of it.
    Configure {
        /// What is changed, one after the other.
        changes: Vec<SiteChange>,
        /// The file that was seen, to save it; none to see it.
        #[serde(default)]
        base: Option<String>,
    },
    /// To read the site file anew, with the model that it names.
    Reload {},
}

impl Ask {
    /// The word used in the audit log and in metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Case { .. } => "case",
            Self::Judge { .. } => "judge",
            Self::Speak { .. } => "speak",
            Self::Play { .. } => "play",
            Self::Silence { .. } => "silence",
            Self::Look { .. } => "look",
            Self::Clip { .. } => "clip",
            Self::Configure { .. } => "configure",
            Self::Reload {} => "reload",
        }
    }

    /// What the audit log says beside that: whether a change of the site file was to be saved, what was looked for or said.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Configure { base: None, .. } => Some("only to see it".to_owned()),
            Self::Configure { base: Some(_), changes } => Some(format!("to save it, {} changes", changes.len())),
            Self::Speak { text, .. } => Some(format!("to say: {}", text.chars().take(NOTED_CHARS).collect::<String>())),
            Self::Play { prepared, .. } => {
                Some(format!("to play: {}", prepared.chars().take(NOTED_CHARS).collect::<String>()))
            }
            Self::Look(LookFor { violation: Some(violation), .. }) => Some(format!("for {violation}")),
            _ => None,
        }
    }

    /// What it is about.
    pub fn about(&self) -> &str {
        match self {
            Self::Case { incident, .. } | Self::Judge { incident, .. } => incident,
            Self::Speak { speaker, .. } | Self::Play { speaker, .. } => speaker,
            Self::Configure { .. } | Self::Reload {} => "site",
            Self::Silence { camera, .. } | Self::Look(LookFor { camera, .. }) | Self::Clip { camera, .. } => camera,
        }
    }
}

/// A command as it is published: the signature of its text, a space, and the text.
///
/// The text is signed byte for byte, so that nobody has to agree on how JSON is written.
#[cfg(test)]
pub(crate) fn sign(text: &str, secret: &[u8]) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), text.as_bytes());
    let mut message = String::with_capacity(text.len() + 65);
    for byte in tag.as_ref() {
        // A text takes everything that is written to it.
        let _ = write!(message, "{byte:02x}");
    }
    message.push(' ');
    message.push_str(text);
    message
}
