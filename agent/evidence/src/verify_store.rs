//! Verification of a folder of bundles, and of the chain that their seals make.

use std::io;
use std::path::Path;

use forewarn_seal::chain::{Judgement, Known};
use forewarn_seal::{Link, Removal};

use crate::chain_file::{HEAD, HeadFile, LINKS, Linked, read_links, read_settled_head, root_of};
use crate::chain_search::bundles_in;
use crate::manifest_file::VerifyError;
use crate::opened::judge_read;
use crate::store::name_below;
use crate::trusted::Trusted;
use crate::verify::{Verification, verify_for};

/// One bundle of a folder.
#[derive(Debug)]
pub struct Checked {
    /// Its folder, below the one that was named.
    pub folder: String,
    /// What was found, or why it could not be checked.
    pub found: Result<Verification, VerifyError>,
}

/// The outcome of a verification of many bundles.
#[derive(Debug)]
pub struct StoreVerification {
    /// The bundles, by their folders.
    pub bundles: Vec<Checked>,
    /// What their seals tell together.
    pub chain: Judgement,
    /// Whether there is a head, without which nobody can tell what is missing at the end.
    pub has_head: bool,
    /// What the device says of bundles that were deleted, in words.
    pub deleted: Vec<String>,
    /// What else does not hold.
    pub problems: Vec<String>,
}

impl StoreVerification {
    /// Whether every bundle is as it was sealed and none is missing. An incident that goes on may be without a seal.
    pub fn is_intact(&self) -> bool {
        let holds = |checked: &Checked| match &checked.found {
            Ok(found) => found.is_intact(),
            Err(error) => matches!(error, VerifyError::Unsealed { .. }),
        };
        self.problems.is_empty() && self.chain.problems.is_empty() && self.bundles.iter().all(holds)
    }
}

/// Checks every bundle below a folder, and their chain.
pub(crate) fn verify_store(path: &Path, trusted: Option<&Trusted>) -> Result<StoreVerification, VerifyError> {
    let unreadable = |source| VerifyError::Unreadable { path: path.to_owned(), source };
    let root = &root_of(path);
    let mut problems = Vec::new();
    let before = head_of(root, &mut Vec::new()).map_err(unreadable)?;
    let folders = bundles_in(path).map_err(unreadable)?;
    if folders.is_empty() && before.is_none() {
        return Err(VerifyError::Unsealed { path: path.to_owned() });
    }
    let (mut known, mut bundles) = (Vec::new(), Vec::new());
    for dir in folders {
        let folder = name_below(path, &dir);
        let found = verify_for(&dir, trusted);
        // The agent deleted it meanwhile, which a link must say.
        if found.is_err() && !dir.exists() {
            continue;
        }
        if let Ok(found) = &found {
            known.extend(seals_in(&folder, found));
            let name = dir.file_name().unwrap_or_default().to_string_lossy();
            if before.is_some() && name != found.incident.as_str() {
                problems.push(format!("{folder}: holds the evidence of another incident, {}", found.incident));
            }
        }
        bundles.push(Checked { folder, found });
    }
    let mut deleted = Vec::new();
    for linked in read_links(root).map_err(unreadable)? {
        match linked {
            Ok(Linked { known: link, document, .. }) => {
                deleted.extend(tombstone(&document));
                known.push(link);
            }
            Err(line) => {
                problems.push(format!("{LINKS}: line {line} does not bear the signature of the key that it names"));
            }
        }
    }
    let head = head_of(root, &mut problems).map_err(unreadable)?;
    problems.extend(late_unsigned(&bundles));
    if let Some(head) = &head {
        problems.extend(unfinished(root, head));
    }
    let chain = judge_read(&known, before.as_ref(), head.as_ref());
    Ok(StoreVerification { bundles, chain, has_head: head.is_some(), deleted, problems })
}

/// What a link says of a bundle that was deleted.
fn tombstone(document: &[u8]) -> Option<String> {
    let link: Link = serde_json::from_slice(document).ok()?;
    let Removal { incident, why, who, seals, .. } = link.removal?;
    let numbers: Vec<String> = seals.iter().map(|seal| seal.number.to_string()).collect();
    let who = who.map_or_else(|| "the device itself".to_owned(), |who| format!("the device for {who}"));
    Some(format!("{incident}: deleted by {who} at {}, seals {}: {why}", link.at, numbers.join(", ")))
}

/// The head of a chain, if it is one.
fn head_of(root: &Path, problems: &mut Vec<String>) -> io::Result<Option<HeadFile>> {
    let head = match read_settled_head(root) {
        Ok(head) => head,
        Err(error) if root.join(HEAD).is_file() => {
            problems.push(format!("{HEAD}: damaged: {error}"));
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    if let Some(why) = head.as_ref().and_then(|head| head.known().err()) {
        problems.push(format!("{HEAD}: altered: {why}"));
    }
    Ok(head)
}

fn seals_in(folder: &str, found: &Verification) -> Vec<Known> {
    let seals = found.proof.as_ref().map(|proof| proof.seals.clone()).unwrap_or_default();
    // With their folders, so that one that lies there twice is told apart.
    let below = |known: Known| {
        let file = known.lies_in.rsplit_once('/').map(|(_, file)| format!("/{file}")).unwrap_or_default();
        Known { lies_in: format!("{folder}{file}"), ..known }
    };
    seals.into_iter().map(below).collect()
}

/// Bundles without a signature that say they were sealed when the device had a key.
fn late_unsigned(bundles: &[Checked]) -> Vec<String> {
    let found = || bundles.iter().filter_map(|checked| Some((&checked.folder, checked.found.as_ref().ok()?)));
    let first =
        found().filter(|(_, found)| found.proof.is_some()).filter_map(|(_, found)| found.sealed_at.clone()).min();
    let Some(first) = first else { return Vec::new() };
    let late =
        found().filter(|(_, found)| found.proof.is_none() && found.sealed_at.as_ref().is_some_and(|at| *at > first));
    late.map(|(folder, _)| format!("{folder}: unsigned, though the device had a key when it was sealed")).collect()
}

/// The last seal, where it does not lie in its folder.
fn unfinished(root: &Path, head: &HeadFile) -> Option<String> {
    let folder = head.folder.as_ref()?;
    let dir = root.join(folder);
    let is_there = crate::chain_search::all_seals(&dir, "")
        .is_ok_and(|seals| seals.iter().any(|seal| seal.known.sha256 == head.sha256));
    let is_link = head.known().is_ok_and(|known| !matches!(known.what, forewarn_seal::chain::What::Seal { .. }));
    (dir.is_dir() && !is_there && !is_link).then(|| {
        format!(
            "{folder}: seal {} is not in its folder: the agent was stopped while it sealed, and finishes it at its \
                 next start; or somebody took it away",
            head.number
        )
    })
}
