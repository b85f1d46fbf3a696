//! `setting.json`: under which setting an incident was seen, so that it can be explained and run again elsewhere.

use std::fs;
use std::io;
use std::path::Path;

use forewarn_base::durable;
use forewarn_domain::violation::Language;
use forewarn_domain::{IncidentRecord, Place, Violation, Zone};
use serde::{Deserialize, Serialize};

use crate::error::EvidenceError;
use crate::record::BundleRecord;
use crate::record_file::{has_final_seal, make_way, to_json};
use crate::store::EvidenceStore;

/// The name of the file.
pub(crate) const SETTING: &str = "setting.json";

/// A model that looked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelUse {
    /// What it was used for: `detector`, or an attribute.
    pub what: String,
    /// Its card.
    pub card: String,
    /// sha256 of its weights; none where the card pins none.
    pub sha256: Option<String>,
}

/// The content of `setting.json`: the setting of the rule when the folder was made. No secret is in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Setting {
    /// The version of the layout.
    pub schema: String,
    /// The version of the agent.
    pub agent_version: String,
    /// The site's id.
    pub site: String,
    /// The site's time zone by its IANA name.
    pub time_zone: String,
    /// The site's language.
    pub language: Language,
    /// Where the camera stands.
    pub place: Place,
    /// The zone that the rule watches.
    pub zone: Option<Zone>,
    /// The models that looked.
    pub models: Vec<ModelUse>,
    /// Seconds between two frames that are looked at.
    pub analysis_interval_s: f64,
    /// The violation with the site's changes.
    pub violation: Violation,
    /// The tracker's settings, as the site file spells them; none where a former version did not keep them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking: Option<serde_json::Value>,
}

impl Setting {
    /// The version of the layout that is written.
    pub const SCHEMA: &'static str = "forewarn-setting/1";

    /// What people call the violation in a language; none if the site gave it no name in that one.
    pub fn title(&self, language: Language) -> Option<String> {
        let named = self.violation.title.in_language(language)?;
        (named.language == language).then_some(named.text)
    }

    /// The setting of a bundle; none if it has none that can be read.
    pub fn read(bundle: &Path) -> io::Result<Option<Self>> {
        match fs::read(bundle.join(SETTING)) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok().filter(|read: &Self| read.schema == Self::SCHEMA)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// What people call the violation of a bundle, in a language where its setting has it, else as its record has it.
pub(crate) fn title(record: Option<&BundleRecord>, setting: Option<&Setting>, language: Language) -> Option<String> {
    setting.and_then(|setting| setting.title(language)).or_else(|| record.map(|record| record.title.clone()))
}

impl EvidenceStore {
    /// Keeps the setting of an incident. The first that comes stays: it is the one under which the incident began.
    pub fn add_setting(&self, incident: &IncidentRecord, title: &str, setting: &Setting) -> Result<(), EvidenceError> {
        let (dir, _) = self.open_bundle(incident, title)?;
        let path = dir.join(SETTING);
        if path.exists() || has_final_seal(&dir) {
            return Ok(());
        }
        make_way(&dir, incident, SETTING)?;
        let written = to_json(setting).and_then(|json| durable::replace(&path, &json));
        written.map_err(EvidenceError::file(&incident.id, "write the setting", &path))
    }
}
