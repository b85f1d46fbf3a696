//! The chain of seals on the disk.
//!
//! `chain.json` holds the last link whole, with its signature and where it belongs. It is replaced first, at once and as a
//! whole; only then the link is put where it belongs, a manifest into its folder, another link behind those of
//! `links.jsonl`. A kill in between is made up for at the next start from `chain.json`. So no number is given twice and none
//! is left out, wherever the kill falls.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use forewarn_base::{durable, file, hash};
use forewarn_domain::WallTime;
use forewarn_seal::chain::{Known, What};
use forewarn_seal::key::{from_hex, to_hex};
use forewarn_seal::{Device, KeyChange, Link, Place, Removal, canonical};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::EvidenceError;
use crate::keys::{KeysError, Signer};
use crate::manifest::{MANIFEST, Manifest, SIGNATURE, earlier_manifest};
use crate::store::{EvidenceStore, name_below};

/// The last link.
pub(crate) const HEAD: &str = "chain.json";
/// The links that are no seals, one a line.
pub(crate) const LINKS: &str = "links.jsonl";
/// Held by the agent that keeps its data in the directory around the store, by the name that the site's storage gives it.
const LOCK: &str = "agent.lock";
/// How long, and how many times, a reader waits for the last link to be put where it belongs. A slow disk takes a second.
const PLACING: (Duration, usize) = (Duration::from_millis(50), 40);

/// The content of `chain.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HeadFile {
    /// The last link's number.
    pub(crate) number: u64,
    /// Its sha256.
    pub(crate) sha256: String,
    /// The last seal that lies in the outbox.
    pub(crate) told: u64,
    /// The folder of its bundle, below the root.
    pub(crate) folder: Option<String>,
    /// The link as it is spelt.
    pub(crate) document: String,
    /// Its signature, in hexadecimal digits.
    pub(crate) signature: String,
}

/// A line of `links.jsonl`.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Line {
    link: Value,
    signature: String,
}

impl HeadFile {
    fn link(&self) -> Option<Link> {
        serde_json::from_str(&self.document).ok().filter(|link: &Link| link.schema == Link::SCHEMA)
    }

    /// Its link with a signature that fits; why it is none otherwise.
    pub(crate) fn known(&self) -> Result<Known, String> {
        let signature = from_hex(&self.signature).unwrap_or_default();
        let bytes = self.document.as_bytes();
        let known = match self.link() {
            Some(link) => known_link(&link, bytes, &signature),
            None => serde_json::from_slice::<Manifest>(bytes)
                .ok()
                .and_then(|manifest| known_seal(&manifest, bytes, &signature, HEAD)),
        };
        let known = known.ok_or("its link does not bear the signature of the key that it names")?;
        if (known.number, &known.sha256) == (self.number, &self.sha256) {
            return Ok(known);
        }
        Err("its number and hash are not those of its link".to_owned())
    }

    /// The folder of the bundle that its seal belongs in; none if it is no seal, or if that folder is gone.
    fn bundle(&self, root: &Path) -> Option<PathBuf> {
        if self.link().is_some() {
            return None;
        }
        self.folder.as_ref().map(|folder| root.join(folder)).filter(|dir| dir.is_dir())
    }

    /// Whether its link lies where it belongs, as far as there is such a place.
    fn is_in_place(&self, root: &Path) -> bool {
        if self.link().is_some() {
            return match fs::read_to_string(root.join(LINKS)) {
                Ok(text) => text.lines().rev().any(|line| line.contains(&self.signature)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => false,
                // Whoever reads the links themselves tells what is wrong with them.
                Err(_) => true,
            };
        }
        // A later change of the folder may have put the manifest aside already.
        self.bundle(root).is_none_or(|dir| {
            dir.join(earlier_manifest(self.number)).exists()
                || fs::read(dir.join(MANIFEST)).is_ok_and(|kept| kept == self.document.as_bytes())
        })
    }
}

/// The seal of a manifest whose signature fits the key that it names.
pub(crate) fn known_seal(manifest: &Manifest, bytes: &[u8], signature: &[u8], lies_in: &str) -> Option<Known> {
    let (device, place) = (manifest.device.as_ref()?, manifest.chain.clone()?);
    device.key.has_signed(bytes, signature).then(|| Known {
        lies_in: lies_in.to_owned(),
        number: place.number,
        previous: place.previous,
        sha256: hash::sha256_of_bytes(bytes),
        key: device.key,
        what: What::Seal { supersedes: place.supersedes },
    })
}

fn known_link(link: &Link, bytes: &[u8], signature: &[u8]) -> Option<Known> {
    let what = match (&link.removal, &link.key_change, &link.hold, &link.release, &link.access) {
        (Some(removal), None, None, None, None) => {
            What::Removal { incident: removal.incident.clone(), seals: removal.seals.clone() }
        }
        (None, Some(change), None, None, None) => What::KeyChange(change.next),
        (None, None, Some(hold), None, None) => What::Hold(hold.incident.clone()),
        (None, None, None, Some(release), None) => What::Release(release.incident.clone()),
        (None, None, None, None, Some(access)) => What::Access(access.incident.clone()),
        _ => return None,
    };
    link.device.key.has_signed(bytes, signature).then(|| Known {
        lies_in: format!("{LINKS}, link {}", link.chain.number),
        number: link.chain.number,
        previous: link.chain.previous.clone(),
        sha256: hash::sha256_of_bytes(bytes),
        key: link.device.key,
        what,
    })
}

/// Where the chain lies: a storage directory holds its evidence in a folder of its own.
pub(crate) fn root_of(path: &Path) -> PathBuf {
    let inner = path.join("evidence");
    if path.join(HEAD).exists() || !inner.join(HEAD).exists() { path.to_owned() } else { inner }
}

/// Reads `chain.json` below a root; none if there is none.
pub(crate) fn read_head(root: &Path) -> io::Result<Option<HeadFile>> {
    match fs::read(root.join(HEAD)) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The head as a reader takes it: once its link lies where it belongs, which whoever lengthens the chain does at once after
/// replacing the head. What is missing where no agent runs, or after [`PLACING`], was taken away.
pub(crate) fn read_settled_head(root: &Path) -> io::Result<Option<HeadFile>> {
    let (pause, most) = PLACING;
    settled_head(root, most, || {
        let grows = is_in_use(root);
        if grows {
            // It is another process that writes, of which no event comes.
            thread::park_timeout(pause);
        }
        grows
    })
}

/// Whether an agent runs on this store.
fn is_in_use(root: &Path) -> bool {
    root.parent().is_some_and(|dir| file::is_held(&dir.join(LOCK)))
}

/// `wait` says whether anything is to be waited for.
fn settled_head(root: &Path, most_waits: usize, mut wait: impl FnMut() -> bool) -> io::Result<Option<HeadFile>> {
    for _ in 0..most_waits {
        let head = read_head(root)?;
        if head.as_ref().is_none_or(|head| head.is_in_place(root)) || !wait() {
            return Ok(head);
        }
    }
    read_head(root)
}

/// A link of `links.jsonl` whose signature fits.
pub(crate) struct Linked {
    pub(crate) known: Known,
    /// As it is spelt.
    pub(crate) document: Vec<u8>,
    /// In hexadecimal digits.
    pub(crate) signature: String,
}

/// The links of `links.jsonl` below a root; of each that cannot be read or does not bear its signature, the line.
pub(crate) fn read_links(root: &Path) -> io::Result<Vec<Result<Linked, usize>>> {
    let text = match fs::read(root.join(LINKS)) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let read = |line: &str| {
        let Line { link, signature } = serde_json::from_str(line).ok()?;
        let document = canonical(&link).ok()?;
        let link: Link = serde_json::from_value(link).ok()?;
        let known = known_link(&link, &document, &from_hex(&signature)?)?;
        Some(Linked { known, document, signature })
    };
    Ok(text.lines().enumerate().map(|(n, line)| read(line).ok_or(n + 1)).collect())
}

impl EvidenceStore {
    /// Makes the next link: `make` spells it, given its place. Once this is on the disk the link is part of the chain.
    pub(crate) fn append(
        &self,
        signer: &Signer,
        folder: Option<String>,
        make: impl FnOnce(Device, Place) -> Result<Vec<u8>, serde_json::Error>,
    ) -> Result<HeadFile, EvidenceError> {
        let root = self.root();
        let failed = |source| EvidenceError::folder("write the chain of seals", root)(source);
        let last = read_head(root).map_err(failed)?;
        self.check_end(last.as_ref())?;
        let number = last.as_ref().map_or(0, |head| head.number) + 1;
        let place = Place { number, previous: last.as_ref().map(|head| head.sha256.clone()), supersedes: None };
        let device = Device { site: signer.site.clone(), key: signer.key.public() };
        let document = make(device, place).map_err(|error| failed(error.into()))?;
        let signature = signer.key.sign(&document).map_err(KeysError::Token)?;
        let head = HeadFile {
            number,
            sha256: hash::sha256_of_bytes(&document),
            told: last.map_or(0, |head| head.told),
            folder,
            document: String::from_utf8(document).map_err(|error| failed(io::Error::other(error)))?,
            signature: to_hex(&signature),
        };
        self.write_head(&head).map_err(failed)?;
        self.note_end(&head)?;
        self.put_in_place(&head).map_err(failed)?;
        Ok(head)
    }

    pub(crate) fn write_head(&self, head: &HeadFile) -> io::Result<()> {
        durable::replace(&self.root().join(HEAD), &serde_json::to_vec(head)?)
    }

    /// Puts the last link where it belongs, unless it is there.
    fn put_in_place(&self, head: &HeadFile) -> io::Result<()> {
        if head.link().is_some() {
            return self.put_link(head);
        }
        let Some(dir) = head.bundle(self.root()) else { return Ok(()) };
        if head.is_in_place(self.root()) {
            return Ok(());
        }
        durable::replace(&dir.join(SIGNATURE), &from_hex(&head.signature).unwrap_or_default())?;
        durable::replace(&dir.join(MANIFEST), head.document.as_bytes())
    }

    fn put_link(&self, head: &HeadFile) -> io::Result<()> {
        let line = Line { link: serde_json::from_str(&head.document)?, signature: head.signature.clone() };
        durable::append_line(&self.root().join(LINKS), &serde_json::to_vec(&line)?)
    }

    /// Finishes what a kill interrupted.
    pub(crate) fn recover_chain(&self) -> Result<(), EvidenceError> {
        let Some(signing) = self.signing() else { return Ok(()) };
        let failed = EvidenceError::folder("finish the chain of seals", self.root());
        let Some(head) = self.head_or_found()? else {
            return match signing.next()? {
                Some(_) => Ok(signing.forget_exchange()?),
                None => Ok(()),
            };
        };
        self.put_in_place(&head).map_err(failed)?;
        let link = head.link();
        if let Some(link) = link.as_ref().filter(|link| link.key_change.is_some())
            && signing.is_to_hand_over(&link.device.key)?
        {
            signing.finish_hand_over()?;
        }
        if let Some(folder) = head.folder.as_ref().filter(|_| link.as_ref().is_some_and(|link| link.removal.is_some()))
        {
            let dir = self.root().join(folder);
            if dir.is_dir() {
                self.delete_now(&dir)?;
            }
        }
        match (signing.next()?, link.and_then(|link| link.key_change)) {
            (Some(next), Some(change)) if change.next == next => Ok(signing.finish_exchange()?),
            (Some(_), _) => Ok(signing.forget_exchange()?),
            (None, _) => Ok(()),
        }
    }

    /// Writes down that a bundle is about to be deleted.
    pub(crate) fn append_removal(&self, dir: &Path, removal: Removal, now: WallTime) -> Result<(), EvidenceError> {
        let Some(signer) = self.signer()? else { return Ok(()) };
        let folder = Some(name_below(self.root(), dir));
        let make = |device, chain| canonical(&Link { removal: Some(removal), ..link(device, chain, now) });
        self.append(signer, folder, make).map(drop)
    }

    /// Goes on with a new key. The one before signs that it does.
    pub fn exchange_key(&mut self, now: WallTime) -> Result<(), EvidenceError> {
        self.recover_chain()?;
        let Some(signing) = self.signing().cloned() else { return Ok(()) };
        if let Some(token) = &signing.token {
            let (former, next) = signing.prepare_hand_over(token)?;
            let make =
                |device, chain| canonical(&Link { key_change: Some(KeyChange { next }), ..link(device, chain, now) });
            self.append(&former, None, make)?;
            return Ok(signing.finish_hand_over()?);
        }
        if let Some(signer) = self.signer()? {
            let next = signing.prepare_exchange()?;
            let make =
                |device, chain| canonical(&Link { key_change: Some(KeyChange { next }), ..link(device, chain, now) });
            self.append(signer, None, make)?;
        }
        signing.finish_exchange()?;
        self.forget_signer();
        Ok(())
    }

    /// Every seal up to this number lies in the outbox.
    pub fn note_told(&self, number: u64) -> Result<(), EvidenceError> {
        let noted = read_head(self.root()).and_then(|head| match head {
            Some(head) if head.told < number => self.write_head(&HeadFile { told: number, ..head }),
            _ => Ok(()),
        });
        noted.map_err(EvidenceError::folder("note what was reported", self.root()))
    }
}

/// A link that says nothing yet.
pub(crate) fn link(device: Device, chain: Place, now: WallTime) -> Link {
    let (schema, at) = (Link::SCHEMA.to_owned(), now.to_rfc3339());
    Link { schema, at, device, chain, removal: None, key_change: None, hold: None, release: None, access: None }
}

impl From<KeysError> for EvidenceError {
    fn from(source: KeysError) -> Self {
        Self::Keys(source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_waits_until_the_last_link_lies_where_it_belongs_and_no_longer() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        assert_eq!(settled_head(root, 1, || panic!("nothing was ever signed")).unwrap(), None);
        let (bundle, document) = (root.join("day/gate-parking-1"), r#"{"a":"manifest"}"#.to_owned());
        let folder = Some("day/gate-parking-1".to_owned());
        let seal =
            HeadFile { number: 1, sha256: "0".repeat(64), told: 0, folder, document, signature: "ab".repeat(64) };
        let write = |head: &HeadFile| fs::write(root.join(HEAD), serde_json::to_vec(head).unwrap()).unwrap();
        write(&seal);
        assert_eq!(settled_head(root, 1, || panic!("its bundle is gone")).unwrap(), Some(seal.clone()));
        fs::create_dir_all(&bundle).unwrap();
        let mut n_waits = 0;
        let head = settled_head(root, 9, || {
            n_waits += 1;
            if n_waits == 2 {
                fs::write(bundle.join(MANIFEST), &seal.document).unwrap();
            }
            true
        });
        assert_eq!((head.unwrap(), n_waits), (Some(seal.clone()), 2));

        let word = serde_json::json!({
            "schema": Link::SCHEMA, "at": "2026-01-01T00:00:00Z",
            "device": { "site": "s", "key": "0".repeat(64) },
            "chain": { "number": 2, "previous": null, "supersedes": null },
        });
        let link = HeadFile { number: 2, folder: None, document: word.to_string(), ..seal };
        assert!(link.link().is_some(), "{}", link.document);
        write(&link);
        let mut n_waits = 0;
        let line = serde_json::json!({ "link": word, "signature": link.signature }).to_string();
        let head = settled_head(root, 9, || {
            n_waits += 1;
            fs::write(root.join(LINKS), &line).unwrap();
            true
        });
        assert_eq!((head.unwrap(), n_waits), (Some(link.clone()), 1));
        fs::write(root.join(LINKS), "").unwrap();
        let mut n_waits = 0;
        let head = settled_head(root, 9, || {
            n_waits += 1;
            true
        });
        assert_eq!((head.unwrap(), n_waits), (Some(link.clone()), 9), "it was taken away");
        assert_eq!(settled_head(root, 9, || false).unwrap(), Some(link), "nobody is there who could put it back");
    }

    #[test]
    fn only_where_an_agent_holds_the_directory_is_there_something_to_wait_for() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("evidence");
        assert!(!is_in_use(&root));
        let lock = fs::File::create(dir.path().join(LOCK)).unwrap();
        assert!(!is_in_use(&root));
        lock.lock().unwrap();
        assert!(is_in_use(&root));
        lock.unlock().unwrap();
        assert!(!is_in_use(&root));
    }
}
