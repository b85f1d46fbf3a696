//! Who looked at bundles, took something out of them, held, released or deleted them: links of the chain, told in their order.
//!
//! Only one process may lengthen the chain, so whoever looks leaves his word in `accesses`, beside the folders of days, and the
//! agent, or the command where no agent runs, makes it a link.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use forewarn_base::durable;
use forewarn_domain::WallTime;
use forewarn_seal::chain::Judgement;
use forewarn_seal::{Access, Custody, Deed, Device, KeyChange, Link, canonical};
use serde::{Deserialize, Serialize};

use crate::chain_file::{HEAD, LINKS, link, read_head, read_links, root_of};
use crate::error::EvidenceError;
use crate::keys::Signing;
use crate::opened::chain_of;
use crate::store::{EvidenceStore, StoreOptions, folder_id};
use crate::verify_any::is_bundle;
use crate::{Limits, TimeLine, words};

/// Where words lie of which the chain does not know yet.
const ACCESSES: &str = "accesses";

/// Who does something, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// The name that he gives; none if he gives none.
    pub who: Option<String>,
    /// Why; none if he says nothing.
    pub why: Option<String>,
}

/// The user of this process, by the system's word: the name where it has one, and the number.
pub fn system_user() -> String {
    let uid = rustix::process::getuid().as_raw();
    let of_line = |line: &str| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(uid)).then(|| name.to_owned())
    };
    let names = fs::read_to_string("/etc/passwd").unwrap_or_default();
    names.lines().find_map(of_line).map_or_else(|| format!("user {uid}"), |name| format!("{name} (user {uid})"))
}

impl EvidenceStore {
    /// The store in which a bundle lies, with the key of its device; none if it lies elsewhere, such as in a copy: whatever is
    /// done with that is no matter of the device.
    pub fn around(bundle: &Path, agent_version: &str) -> Option<Self> {
        let bundle = fs::canonicalize(bundle).ok()?;
        let root = bundle.parent()?.parent()?;
        let head = read_head(root).ok()??;
        // A seal and another link alike say so.
        let said: Signed = serde_json::from_str(&head.document).ok()?;
        let signing = Signing { keys: root.parent()?.join("keys"), site: said.device.site, token: None };
        // A key that is made now would be none that the chain knows.
        let follows = said.key_change.map_or(said.device.key, |change| change.next);
        let agent_version = agent_version.to_owned();
        let options = StoreOptions { limits: Limits::default(), time_line: TimeLine::WallClock, agent_version };
        let store = Self::new(root, options);
        if signing.lies_in_a_token(&follows) {
            // Which token is written in a site file; whoever reads that signs what is left here.
            return Some(store);
        }
        signing.load().ok().filter(|key| *key == follows)?;
        Some(store.signed_by(signing))
    }

    /// Leaves the word that something is done with a bundle, which [`Self::note_words`] makes a link.
    pub fn leave_access(
        &self,
        bundle: &Path,
        (deed, detail): (Deed, Option<String>),
        by: By,
        now: WallTime,
    ) -> Result<(), EvidenceError> {
        let incident =
            fs::canonicalize(bundle).map_or_else(|_| folder_id(bundle), |whole| folder_id(&whole)).to_string();
        let (at, user, By { who, why }) = (now.to_rfc3339(), system_user(), by);
        let access = Access { incident, deed, at, user, who, why, detail };
        let path = self.root().join(ACCESSES).join(format!("{}-{}.json", now.as_micros(), std::process::id()));
        words::leave(&path, self.root(), &access).map_err(EvidenceError::folder("write down who looks", &path))
    }

    /// Writes into the chain what was held, released and looked at meanwhile. Only for whoever may lengthen the chain.
    pub fn note_words(&self, now: WallTime) -> Result<(), EvidenceError> {
        if self.signing().is_none() {
            return Ok(());
        }
        self.note_holds(now)?;
        for path in words::left_in(&self.root().join(ACCESSES))
            .map_err(EvidenceError::folder("list who looked", self.root()))?
        {
            let bytes = fs::read(&path).map_err(EvidenceError::folder("read who looked", &path))?;
            // A spoilt one says nothing that could be signed.
            if let (Ok(access), Some(signer)) = (serde_json::from_slice::<Access>(&bytes), self.signer()?) {
                let last = read_head(self.root()).map_err(EvidenceError::folder("read the chain", self.root()))?;
                let last: Option<Link> = last.and_then(|head| serde_json::from_str(&head.document).ok());
                // A kill after it was noted and before the file was removed.
                let is_noted = last.and_then(|link| link.access).is_some_and(|noted| noted == access);
                if !is_noted {
                    let make = |device, chain| canonical(&Link { access: Some(access), ..link(device, chain, now) });
                    self.append(signer, None, make)?;
                }
            }
            durable::remove_file(&path).map_err(EvidenceError::folder("remove what was noted", &path))?;
        }
        Ok(())
    }
}

/// What every document of the chain says.
#[derive(Deserialize)]
struct Signed {
    device: Device,
    #[serde(default)]
    key_change: Option<KeyChange>,
}

/// One line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditEntry {
    /// The number of the link; none if the chain does not know of it yet.
    pub number: Option<u64>,
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// What was done.
    pub deed: &'static str,
    /// With the evidence of which incident; none of a new key.
    pub incident: Option<String>,
    /// The user by the system's word; none where the device acted by itself, or nobody wrote it down.
    pub user: Option<String>,
    /// The name that he gave.
    pub who: Option<String>,
    /// Why.
    pub why: Option<String>,
    /// More of it, such as where a copy went.
    pub detail: Option<String>,
}

/// Who did what, in the order of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLog {
    /// What was done.
    pub entries: Vec<AuditEntry>,
    /// What does not hold.
    pub problems: Vec<String>,
}

/// An audit log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// There is no such folder.
    #[error("failed to read the audit log of {}: nothing is there; name the storage directory of a site", path.display())]
    Absent {
        /// What was named.
        path: PathBuf,
    },
    /// One bundle was named, and the log is that of all.
    #[error(
        "failed to read the audit log of {}: it is one bundle, and the log of all bundles lies beside their folders of days; \
         name {}", path.display(), store.as_ref().map_or_else(
            || "the storage directory that it is from".to_owned(),
            |store| format!("{}, and look for {}", store.display(), folder_id(path)),
        )
    )]
    OfBundle {
        /// What was named.
        path: PathBuf,
        /// Where the log lies; none if the bundle lies apart from it.
        store: Option<PathBuf>,
    },
    /// Nothing was ever signed there.
    #[error(
        "failed to read the audit log of {}: there is no {HEAD}, so nothing was ever signed there; name the storage directory \
         of a site whose agent has sealed something", path.display()
    )]
    NoChain {
        /// What was named.
        path: PathBuf,
    },
    /// A file cannot be read.
    #[error("failed to read the audit log of {}: {source}", path.display())]
    Unreadable {
        /// What was named.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// The audit log of a storage directory, or of its folder of evidence.
pub fn audit(path: &Path) -> Result<AuditLog, AuditError> {
    let unreadable = |source| AuditError::Unreadable { path: path.to_owned(), source };
    let root = root_of(path);
    let judgement: Option<Judgement> = chain_of(&root).map_err(unreadable)?;
    let Some(judgement) = judgement else { return Err(without_chain(path)) };
    let (mut entries, mut problems) = (Vec::new(), Vec::new());
    for linked in read_links(&root).map_err(unreadable)? {
        match linked {
            Ok(linked) => entries.extend(serde_json::from_slice(&linked.document).ok().map(entry)),
            Err(line) => {
                problems.push(format!("{LINKS}: line {line} does not bear the signature of the key that it names"));
            }
        }
    }
    for file in words::left_in(&root.join(ACCESSES)).map_err(unreadable)? {
        let access = fs::read(&file).ok().and_then(|bytes| serde_json::from_slice::<Access>(&bytes).ok());
        entries.extend(access.map(|access| of_access(None, access)));
    }
    problems.extend(judgement.problems.iter().map(ToString::to_string));
    Ok(AuditLog { entries, problems })
}

/// Why there is no chain in what was named.
fn without_chain(path: &Path) -> AuditError {
    let Ok(whole) = fs::canonicalize(path) else { return AuditError::Absent { path: path.to_owned() } };
    if !is_bundle(&whole) {
        return AuditError::NoChain { path: path.to_owned() };
    }
    let store = whole.parent().and_then(Path::parent).filter(|root| root.join(HEAD).is_file());
    AuditError::OfBundle { store: store.map(Path::to_owned), path: whole }
}

fn of_access(number: Option<u64>, access: Access) -> AuditEntry {
    let Access { incident, deed, at, user, who, why, detail } = access;
    AuditEntry { number, at, deed: deed.as_str(), incident: Some(incident), user: Some(user), who, why, detail }
}

fn entry(link: Link) -> AuditEntry {
    let number = Some(link.chain.number);
    if let Some(access) = link.access {
        return of_access(number, access);
    }
    let plain = |deed, incident| AuditEntry {
        number,
        at: link.at.clone(),
        deed,
        incident,
        user: None,
        who: None,
        why: None,
        detail: None,
    };
    let of_custody = |deed, custody: Custody| AuditEntry {
        user: custody.user,
        who: Some(custody.who),
        why: Some(custody.why),
        ..plain(deed, Some(custody.incident))
    };
    match (link.hold, link.release, link.removal) {
        (Some(custody), ..) => of_custody("held", custody),
        (_, Some(custody), _) => of_custody("released", custody),
        (.., Some(removal)) => AuditEntry {
            user: removal.user,
            who: removal.who,
            why: Some(removal.why),
            ..plain("deleted", Some(removal.incident))
        },
        (None, None, None) => plain("went on with another key", None),
    }
}

impl fmt::Display for AuditEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            Some(number) => write!(f, "{number:>6}")?,
            None => write!(f, "{:>6}", "-")?,
        }
        write!(f, "  {}  {}", self.at, self.deed)?;
        if let Some(incident) = &self.incident {
            write!(f, " {incident}")?;
        }
        if let Some(detail) = &self.detail {
            write!(f, " {detail}")?;
        }
        match (&self.who, &self.user) {
            (Some(who), Some(user)) => write!(f, ", by {who}, logged in as {user}")?,
            (Some(who), None) => write!(f, ", by {who}")?,
            (None, Some(user)) => write!(f, ", by {user}")?,
            (None, None) => write!(f, ", by the device itself")?,
        }
        self.why.as_ref().map_or(Ok(()), |why| write!(f, ": {why}"))
    }
}

impl fmt::Display for AuditLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in &self.entries {
            writeln!(f, "{entry}")?;
        }
        for problem in &self.problems {
            writeln!(f, "NOT WHOLE: {problem}")?;
        }
        Ok(())
    }
}

impl AuditLog {
    /// For programs.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({ "whole": self.problems.is_empty(), "entries": self.entries, "problems": self.problems })
    }
}
