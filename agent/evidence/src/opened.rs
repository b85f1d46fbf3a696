//! One bundle with all that it says and all that is found of it, for whoever tells people of it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use forewarn_base::hash;
use forewarn_domain::IncidentId;
use forewarn_domain::violation::Language;
use forewarn_seal::chain::{Head, Judgement, Known, judge};

use crate::chain_file::{HEAD, HeadFile, read_head, read_links, read_settled_head};
use crate::chain_search::{all_seals, bundles_in};
use crate::copy::{PAPER, verify_copy};
use crate::manifest::Manifest;
use crate::manifest_file::{VerifyError, read_manifest};
use crate::record::BundleRecord;
use crate::record_file::read_record;
use crate::setting::{Setting, title};
use crate::store::{folder_id, name_below};
use crate::trusted::Trusted;
use crate::verify::{Verification, verify_for};

/// A bundle that was opened. What it says is believed by nobody who has not looked at `verified`.
#[derive(Debug)]
pub struct Opened {
    /// The folder.
    pub folder: PathBuf,
    /// The incident, by the folder's name.
    pub incident: IncidentId,
    /// `incident.json`, where it can be read.
    pub record: Option<BundleRecord>,
    /// `manifest.json`, where it can be read.
    pub manifest: Option<Manifest>,
    /// sha256 of the manifest.
    pub manifest_sha256: Option<String>,
    /// `setting.json`, where it is there and can be read.
    pub setting: Option<Setting>,
    /// Whether it is what was sealed; why that could not be found out.
    pub verified: Result<Verification, VerifyError>,
    /// Whether it is as it was made, if it is a redacted copy, which is no evidence itself.
    pub copy: Option<bool>,
    /// What the chain tells that lies beside the folders of days; none if the bundle lies elsewhere.
    pub chain: Option<Judgement>,
}

impl Opened {
    /// What people call the violation, in a language where the setting has it, else as the record has it.
    pub fn title(&self, language: Language) -> Option<String> {
        title(self.record.as_ref(), self.setting.as_ref(), language)
    }

    /// Opens a bundle, however damaged it is; fails only where there is none.
    pub fn read(bundle: &Path, trusted: Option<&Trusted>) -> Result<Self, VerifyError> {
        let unreadable = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => VerifyError::Absent { path: bundle.to_owned() },
            _ => VerifyError::Unreadable { path: bundle.to_owned(), source },
        };
        // By its own name, so that `.` is told as what it is.
        let folder = fs::canonicalize(bundle).map_err(unreadable)?;
        let record = read_record(&folder).ok().flatten();
        let read = read_manifest(&folder);
        let signers = trusted.and_then(Trusted::signers);
        let is_as_made = || verify_copy(&folder, signers).is_ok_and(|found| found.is_as_made());
        let copy = folder.join(PAPER).exists().then(is_as_made);
        if record.is_none() && copy.is_none() && matches!(read, Err(VerifyError::Unsealed { .. })) {
            return Err(VerifyError::Unsealed { path: bundle.to_owned() });
        }
        let (manifest, manifest_sha256) = read.ok().unzip();
        Ok(Self {
            incident: folder_id(&folder),
            record,
            manifest,
            manifest_sha256,
            setting: Setting::read(&folder).ok().flatten(),
            verified: verify_for(&folder, trusted),
            copy,
            chain: chain_beside(&folder).ok().flatten(),
            folder,
        })
    }

    /// Whether it is as it was sealed or, of a redacted copy, as it was made.
    pub fn holds(&self) -> bool {
        self.copy.unwrap_or_else(|| self.is_intact())
    }

    /// Whether everything about it holds that was looked at. A redacted copy is never intact.
    pub fn is_intact(&self) -> bool {
        self.verified.as_ref().is_ok_and(Verification::is_intact)
            && self.chain.as_ref().is_none_or(|chain| chain.problems.is_empty())
    }

    /// The bytes of a file of the bundle, if it has at most so many; and whether they are those that were sealed.
    pub fn file(&self, name: &str, most_bytes: u64) -> Option<(Vec<u8>, bool)> {
        // What the record names is the word of whoever wrote it, and must lead nowhere else.
        if name.starts_with('.') || name.contains(['/', '\\', '\0']) {
            return None;
        }
        let path = self.folder.join(name);
        let meta = fs::symlink_metadata(&path).ok().filter(|meta| meta.is_file() && meta.len() <= most_bytes)?;
        let bytes = fs::read(&path).ok()?;
        let sealed = self.manifest.as_ref().and_then(|manifest| manifest.files.iter().find(|entry| entry.file == name));
        let holds =
            sealed.is_some_and(|entry| entry.bytes == meta.len() && entry.sha256 == hash::sha256_of_bytes(&bytes));
        Some((bytes, holds))
    }
}

/// What the chain of the store tells in which a bundle lies, by the seals and links alone; no other bundle's files are read.
fn chain_beside(bundle: &Path) -> io::Result<Option<Judgement>> {
    bundle.parent().and_then(Path::parent).map_or(Ok(None), chain_of)
}

/// What the chain of a store tells, by its seals and links alone; none if there is none.
pub(crate) fn chain_of(root: &Path) -> io::Result<Option<Judgement>> {
    if !root.join(HEAD).is_file() {
        return Ok(None);
    }
    let before = read_settled_head(root)?;
    let mut known = Vec::new();
    for dir in bundles_in(root)? {
        known.extend(all_seals(&dir, &name_below(root, &dir))?.into_iter().map(|signed| signed.known));
    }
    known.extend(read_links(root)?.into_iter().flatten().map(|linked| linked.known));
    Ok(Some(judge_read(&known, before.as_ref(), read_head(root)?.as_ref())))
}

/// Judges links that were read between two looks at the head, the bundles' before those of deletions. The agent may have gone
/// on meanwhile: then links behind the former head are whole only as far as they were there when their folder was read.
pub(crate) fn judge_read(known: &[Known], before: Option<&HeadFile>, after: Option<&HeadFile>) -> Judgement {
    let number = |head: Option<&HeadFile>| head.map_or(0, |head| head.number);
    let head = after.map(|head| Head { number: head.number, sha256: head.sha256.clone() });
    let judgement = judge(known, head.as_ref());
    if number(before) < number(after) { judgement.grown_since(number(before)) } else { judgement }
}
