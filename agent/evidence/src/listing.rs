//! What lies in a folder of evidence, for people who look for something: nothing of it is checked.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use forewarn_domain::violation::Language;
use forewarn_domain::{IncidentId, IncidentState};
use serde_json::{Value, json};

use crate::chain_search::bundles_in;
use crate::holds::hold_file;
use crate::manifest::{Manifest, list_names};
use crate::manifest_file::{VerifyError, read_manifest};
use crate::record::BundleRecord;
use crate::record_file::read_record;
use crate::setting::{Setting, title};
use crate::store::{folder_id, name_below};

/// One bundle of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// Its folder, below the one that was named.
    pub folder: String,
    /// The incident.
    pub incident: IncidentId,
    /// The violation's title; none if the record cannot be read.
    pub title: Option<String>,
    /// The state that the incident is known to be in.
    pub state: Option<IncidentState>,
    /// When it began, RFC 3339 in UTC; none on the time line of a clip.
    pub began_at: Option<String>,
    /// The number of its present seal; none if it is unsigned or unsealed.
    pub seal: Option<u64>,
    /// Whether there is a seal, signed or not.
    pub is_sealed: bool,
    /// Bytes of all files.
    pub bytes: u64,
    /// Whether somebody holds it.
    pub is_held: bool,
}

/// One bundle with what it holds.
#[derive(Debug, Clone)]
pub struct Shown {
    /// As it is listed.
    pub listed: Listed,
    /// What is on record of its incident; none if that cannot be read.
    pub record: Option<BundleRecord>,
    /// What was sealed; none if nothing was, or it cannot be read.
    pub manifest: Option<Manifest>,
    /// The setting under which the incident began; none if there is none, or it cannot be read.
    pub setting: Option<Setting>,
}

impl Shown {
    /// What people call the violation, in a language where the setting has it, else as the record has it.
    pub fn title(&self, language: Language) -> Option<String> {
        title(self.record.as_ref(), self.setting.as_ref(), language)
    }
}

/// The bundles below a folder, by day and id.
pub fn list(path: &Path) -> Result<Vec<Listed>, VerifyError> {
    let unreadable = |source| VerifyError::Unreadable { path: path.to_owned(), source };
    bundles_in(path).map_err(unreadable)?.iter().map(|dir| Ok(look(path, dir).map_err(unreadable)?.listed)).collect()
}

/// One bundle.
pub fn show(bundle: &Path) -> Result<Shown, VerifyError> {
    let unreadable = |source| VerifyError::Unreadable { path: bundle.to_owned(), source };
    // Relative to where it lies, so that the last part of its name is told.
    let whole = fs::canonicalize(bundle).map_err(unreadable)?;
    let shown = look(whole.parent().unwrap_or(&whole), &whole).map_err(unreadable)?;
    if shown.record.is_none() && shown.manifest.is_none() {
        return Err(VerifyError::Unsealed { path: bundle.to_owned() });
    }
    Ok(shown)
}

fn look(root: &Path, dir: &Path) -> io::Result<Shown> {
    let (record, manifest) = (read_record(dir)?, read_manifest(dir).ok().map(|(manifest, _)| manifest));
    let incident = folder_id(dir);
    let mut bytes = 0;
    for name in list_names(dir)? {
        bytes += fs::metadata(dir.join(name))?.len();
    }
    let store = dir.parent().and_then(Path::parent);
    let listed = Listed {
        folder: name_below(root, dir),
        title: record.as_ref().map(|record| record.title.clone()),
        state: record.as_ref().map(|record| record.incident.state),
        began_at: record.as_ref().and_then(|record| record.history.first()?.at.utc.clone()),
        seal: manifest.as_ref().and_then(|manifest| Some(manifest.chain.as_ref()?.number)),
        is_sealed: manifest.is_some(),
        bytes,
        is_held: store.is_some_and(|store| hold_file(store, incident.as_str()).exists()),
        incident,
    };
    Ok(Shown { listed, record, manifest, setting: Setting::read(dir)? })
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.map_or("unknown", |state| state.as_str());
        let seal = match (self.is_sealed, self.seal) {
            (_, Some(number)) => format!("seal {number}"),
            (true, None) => "unsigned".to_owned(),
            (false, None) => "unsealed".to_owned(),
        };
        let held = if self.is_held { ", HELD" } else { "" };
        write!(
            f,
            "{}  {}  {state}, {seal}, {} bytes{held}",
            self.began_at.as_deref().unwrap_or("-"),
            self.folder,
            self.bytes
        )
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.listed)?;
        if let Some(record) = &self.record {
            let rule = &record.incident.rule;
            writeln!(f, "  {}: {} at camera {}, zone {}", record.title, rule.violation, rule.stream, rule.zone)?;
            for (n, step) in record.history.iter().enumerate() {
                let at = step.at.utc.clone().unwrap_or_else(|| format!("{:.1} s", step.at.seconds));
                writeln!(f, "  {at}  {} ({})", step.state.as_str(), step.cause.as_str())?;
                for tried in record.incident.history.get(n).iter().flat_map(|step| &step.tried) {
                    writeln!(f, "    {tried}")?;
                }
            }
        }
        if let Some(manifest) = &self.manifest {
            for entry in &manifest.files {
                writeln!(f, "  {}, {} bytes", entry.file, entry.bytes)?;
            }
            for gap in &manifest.missing {
                writeln!(f, "  stated as missing: {}: {}", gap.what, gap.why)?;
            }
        }
        Ok(())
    }
}

impl Listed {
    /// For programs.
    pub fn to_json(&self) -> Value {
        json!({ "folder": self.folder, "incident": self.incident, "title": self.title, "state": self.state,
            "began_at": self.began_at, "sealed": self.is_sealed, "seal": self.seal, "bytes": self.bytes,
            "held": self.is_held })
    }
}

impl Shown {
    /// For programs.
    pub fn to_json(&self) -> Value {
        json!({ "bundle": self.listed.to_json(), "record": self.record, "manifest": self.manifest })
    }
}
