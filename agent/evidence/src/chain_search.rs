//! Looks through a folder of bundles for its links.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use forewarn_base::durable;
use forewarn_seal::chain::Known;
use forewarn_seal::key::to_hex;

use crate::chain_file::{HEAD, HeadFile, Linked, known_seal, read_head, read_links};
use crate::error::EvidenceError;
use crate::manifest::{MANIFEST, Manifest, SIGNATURE, earlier_manifest, earlier_numbers, earlier_signature};
use crate::record_file::RECORD;
use crate::store::{EvidenceStore, name_below};

impl EvidenceStore {
    /// The last link: from `chain.json`, or, where somebody removed or spoilt that, the last that is found.
    pub(crate) fn head_or_found(&self) -> Result<Option<HeadFile>, EvidenceError> {
        match read_head(self.root()) {
            Ok(Some(head)) => return Ok(Some(head)),
            Ok(None) => {}
            Err(error) => {
                tracing::error!(%error, "chain.json cannot be read; the chain goes on from the last link found");
                let path = self.root().join(HEAD);
                durable::remove_file(&path).map_err(EvidenceError::folder("remove a spoilt file", &path))?;
            }
        }
        let found =
            last_link(self.root()).map_err(EvidenceError::folder("look for the chain's last link", self.root()))?;
        if let Some(head) = &found {
            tracing::error!(
                number = head.number,
                "the chain's head was gone: the chain goes on from the last link found"
            );
            self.write_head(head).map_err(EvidenceError::folder("write the chain of seals", self.root()))?;
        }
        Ok(found)
    }
}

/// A manifest with a signature that fits.
pub(crate) struct Signed {
    pub(crate) known: Known,
    pub(crate) manifest: Manifest,
    pub(crate) bytes: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

/// The manifest of these files, if its signature fits the key that it names.
pub(crate) fn signed(dir: &Path, manifest: &str, signature: &str, lies_in: &str) -> Option<Signed> {
    let (bytes, signature) = (fs::read(dir.join(manifest)).ok()?, fs::read(dir.join(signature)).ok()?);
    let manifest: Manifest = serde_json::from_slice(&bytes).ok()?;
    let known = known_seal(&manifest, &bytes, &signature, lies_in)?;
    Some(Signed { known, manifest, bytes, signature })
}

/// The seals of a bundle before its present one, the oldest first; of each that does not bear its signature, the number.
pub(crate) fn earlier(dir: &Path, name: &str) -> io::Result<Vec<Result<Signed, u64>>> {
    let of = |number: u64| {
        let file = earlier_manifest(number);
        let found = signed(dir, &file, &earlier_signature(number), &format!("{name}/{file}"));
        found.filter(|signed| signed.known.number == number).ok_or(number)
    };
    Ok(earlier_numbers(dir)?.into_iter().map(of).collect())
}

/// All seals of a bundle whose signatures fit, the oldest first.
pub(crate) fn all_seals(dir: &Path, name: &str) -> io::Result<Vec<Signed>> {
    let mut seals: Vec<Signed> = earlier(dir, name)?.into_iter().flatten().collect();
    seals.extend(signed(dir, MANIFEST, SIGNATURE, name));
    Ok(seals)
}

/// The folders of bundles in a folder, at most three levels down, in order.
pub(crate) fn bundles_in(path: &Path) -> io::Result<Vec<PathBuf>> {
    fn walk(dir: &Path, depth: u32, found: &mut Vec<PathBuf>) -> io::Result<()> {
        if dir.join(MANIFEST).is_file() || dir.join(RECORD).is_file() {
            found.push(dir.to_owned());
            return Ok(());
        }
        if depth == 0 {
            return Ok(());
        }
        let mut folders = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
            if !is_hidden && entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
        folders.sort();
        folders.iter().try_for_each(|folder| walk(folder, depth - 1, found))
    }
    let mut found = Vec::new();
    walk(path, 3, &mut found)?;
    Ok(found)
}

/// The last link of a store, as its head would hold it.
pub(crate) fn last_link(root: &Path) -> io::Result<Option<HeadFile>> {
    let mut last: Option<HeadFile> = None;
    let mut offer = |head: HeadFile| {
        if last.as_ref().is_none_or(|last| last.number < head.number) {
            last = Some(head);
        }
    };
    for dir in bundles_in(root)? {
        let folder = name_below(root, &dir);
        for seal in all_seals(&dir, &folder)? {
            offer(HeadFile {
                number: seal.known.number,
                sha256: seal.known.sha256,
                told: 0,
                folder: Some(folder.clone()),
                document: String::from_utf8(seal.bytes).map_err(io::Error::other)?,
                signature: to_hex(&seal.signature),
            });
        }
    }
    for Linked { known, document, signature } in read_links(root)?.into_iter().flatten() {
        let document = String::from_utf8(document).map_err(io::Error::other)?;
        offer(HeadFile { number: known.number, sha256: known.sha256, told: 0, folder: None, document, signature });
    }
    Ok(last)
}
