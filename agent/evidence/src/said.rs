//! `said.jsonl`: what loudspeakers said for an incident, word for word, so that it can be read and heard again.

use std::fs;
use std::io;
use std::path::Path;

use forewarn_base::durable;
use forewarn_domain::violation::Language;
use forewarn_domain::{Announcement, IncidentRecord, SpeakerId};
use serde::{Deserialize, Serialize};

use crate::error::EvidenceError;
use crate::record_file::{has_final_seal, make_way};
use crate::store::EvidenceStore;

/// The name of the file.
const SAID: &str = "said.jsonl";

/// An announcement that was played to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// When it had been played, RFC 3339 in UTC.
    pub at: String,
    /// Which warning of the incident it was, from 1.
    pub attempt: u32,
    /// Over which loudspeaker.
    pub speaker: SpeakerId,
    /// The language of the text.
    pub language: Language,
    /// The words; empty where a sound alone was played.
    pub text: String,
    /// The sound file that was played in their place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sound: Option<String>,
}

impl Said {
    /// What an announcement said by then.
    pub fn by(announcement: &Announcement, at: String) -> Self {
        let Announcement { attempt, speaker, text, audio, .. } = announcement.clone();
        Self { at, attempt, speaker, language: text.language, text: text.text, sound: audio }
    }

    /// What was said for the incident of a bundle, in order; nothing where nobody kept it. A line that cannot be read is left out.
    pub fn read(bundle: &Path) -> io::Result<Vec<Self>> {
        match fs::read_to_string(bundle.join(SAID)) {
            Ok(lines) => Ok(lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

impl EvidenceStore {
    /// Keeps what was said, behind what was said before. A no-op where nothing more comes into the folder.
    pub(crate) fn add_said(&self, incident: &IncidentRecord, title: &str, said: &Said) -> Result<(), EvidenceError> {
        let (dir, _) = self.open_bundle(incident, title)?;
        if has_final_seal(&dir) {
            return Ok(());
        }
        make_way(&dir, incident, SAID)?;
        let path = dir.join(SAID);
        let written = Said::read(&dir).and_then(|mut all| {
            all.retain(|before| before != said);
            all.push(said.clone());
            let lines: Result<Vec<String>, _> = all.iter().map(serde_json::to_string).collect();
            durable::replace(&path, (lines?.join("\n") + "\n").as_bytes())
        });
        written.map_err(EvidenceError::file(&incident.id, "write what was said", &path))
    }
}
