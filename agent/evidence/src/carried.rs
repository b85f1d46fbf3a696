//! Content credentials that the files of a bundle carry: whether they hold the file, and whose they are.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;

use forewarn_seal::credentials::{Credentials, Unheld, in_movie, of_jpeg};
use forewarn_seal::key::PublicKey;
use serde_json::{Value, json};

use crate::manifest::ManifestEntry;
use crate::problem::Problem;

/// The largest picture that is looked into; the agent writes none of a tenth of that.
const MOST_PICTURE_BYTES: u64 = 64 << 20;

/// What one picture or clip carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// The file.
    pub file: String,
    /// What was found; none if it carries no credentials.
    pub found: Option<Result<Credentials, Unheld>>,
    /// Whether they are signed by a key that sealed this bundle.
    pub is_by_sealer: bool,
}

/// What the pictures and clips of a folder carry; `sealers` are the keys of its seals. Files that are not there are left out.
pub(crate) fn check(dir: &Path, entries: &[ManifestEntry], sealers: &[PublicKey]) -> io::Result<Vec<Carried>> {
    let mut all = Vec::new();
    for ManifestEntry { file, .. } in entries {
        let path = dir.join(file);
        let is_plain = std::fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_file());
        if !is_plain || file.contains(['/', '\\']) {
            continue;
        }
        let found = match path.extension().and_then(|kind| kind.to_str()) {
            Some("jpg") if path.metadata()?.len() <= MOST_PICTURE_BYTES => of_jpeg(&std::fs::read(&path)?),
            Some("mp4") => in_movie(&mut File::open(&path)?)?,
            _ => continue,
        };
        let is_by_sealer = matches!(&found, Some(Ok(credentials)) if sealers.contains(&credentials.key));
        all.push(Carried { file: file.clone(), found, is_by_sealer });
    }
    Ok(all)
}

impl Carried {
    /// What is wrong, if they do not hold.
    pub(crate) fn problem(&self) -> Option<Problem> {
        let why = self.found.and_then(Result::err)?;
        Some(Problem::Credentials { file: self.file.clone(), why })
    }

    /// The same for programs.
    pub(crate) fn to_json(&self) -> Value {
        let key = self.found.and_then(Result::ok).map(|held| held.key);
        let why = self.found.and_then(Result::err).map(|why| why.to_string());
        json!({ "file": self.file, "carries": self.found.is_some(), "holds": self.found.map(|found| found.is_ok()),
            "key": key, "by_sealer": key.map(|_| self.is_by_sealer), "why": why })
    }
}

/// The kinds of what was found, each with its files, in words; what does not hold stands with the problems.
pub(crate) fn tell(all: &[Carried], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut line = |words: &str, is_meant: &dyn Fn(&Carried) -> bool| {
        let files: Vec<&str> = all.iter().filter(|one| is_meant(one)).map(|one| one.file.as_str()).collect();
        if files.is_empty() { Ok(()) } else { writeln!(f, "  content credentials {words}: {}", files.join(", ")) }
    };
    let holds = |one: &Carried| matches!(one.found, Some(Ok(_)));
    line("hold and are signed by the key of the seal", &|one| holds(one) && one.is_by_sealer)?;
    let mut others: Vec<PublicKey> =
        all.iter().filter(|one| !one.is_by_sealer).filter_map(|one| Some(one.found?.ok()?.key)).collect();
    others.sort_unstable();
    others.dedup();
    for key in others {
        let is_of = |one: &Carried| one.found == Some(Ok(Credentials { key })) && !one.is_by_sealer;
        line(&format!("hold, but are signed by another key, {key}"), &is_of)?;
    }
    line("are in none of", &|one| one.found.is_none())
}
