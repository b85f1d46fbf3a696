//! Evidence folders: snapshots, clips, manifest, verification, retention.
//!
//! One folder an incident, `ROOT/YYYY-MM-DD/INCIDENT-ID/`:
//!
//! | file | what |
//! |---|---|
//! | `<moment>.jpg` | the frame as it was analysed |
//! | `<moment>-marked.jpg` | a copy with box, zone, title and time drawn on it |
//! | `<moment>-look-<attribute>.jpg` | the best look until then at what somebody wears, or at a plate |
//! | `<name>.mp4` | a clip, never re-encoded |
//! | `*.jpg.age`, `*.mp4.age` | the same, where the site has them sealed to a public key |
//! | `incident.json` | the incident with its history and the facts of every file ([`BundleRecord`]) |
//! | `<name>.sights.jsonl` | what was seen in a clip, a line for each picture that was looked at |
//! | `said.jsonl` | what loudspeakers said for the incident, a line for each announcement that was played ([`Said`]) |
//! | `setting.json` | the configuration and the models under which it was seen ([`Setting`]) |
//! | `signer.pem` | the certificate of the device that sealed, where it signs |
//! | `manifest.json` | sha256 and size of every other file, written last; a link of the device's chain where it signs |
//! | `manifest.sig` | the device's signature of it |
//! | `manifest-<number>.json`, `.sig` | seals that a later one took the place of |
//! | `manifest-<number>.tsr` | what a time stamp authority said of the seal of that number (RFC 3161), added later |
//!
//! Beside the folders of days, where the device signs: `chain.json`, the last link, and `links.jsonl`, the links that are
//! no seals; `holds`, a file for each bundle that may not be deleted; and `accesses`, of what was looked at and the chain does not
//! know yet.
//!
//! Every file appears by an atomic rename after its bytes are on the disk, and `incident.json` is brought up to date
//! after each, so a process that is killed at any point leaves a folder that [`EvidenceStore::unsealed`] finds
//! and [`EvidenceStore::seal_abandoned`] closes, with what is missing and why stated in the manifest.

mod again;
mod audit;
mod bundle;
mod camera_signed;
mod canvas;
mod carried;
mod chain_end;
mod chain_file;
mod chain_guard;
mod chain_search;
mod clock_state;
mod closeup;
mod closeups;
mod copy;
mod credentials;
mod error;
mod holds;
mod keeper;
mod keys;
mod lack;
mod listing;
mod manifest;
mod manifest_file;
mod marking;
mod meanwhile;
mod opened;
mod problem;
mod proof;
mod record;
mod record_file;
mod retain;
mod retention;
mod said;
mod seal;
mod sealed_to;
mod setting;
mod sights;
mod stamper;
mod stamps;
mod store;
mod telling;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod text;
mod trusted;
mod verify;
mod verify_any;
mod verify_store;
mod words;

pub use again::{Again, Kept as KeptClip, Outcome};
pub use audit::{AuditEntry, AuditError, AuditLog, By, audit, system_user};
pub use camera_signed::CameraSigned;
pub use carried::Carried;
pub use clock_state::{ClockState, ClockStep, ClockTeller, Synchronised};
pub use closeups::Closeups;
pub use copy::{
    CopyError, CopyVerification, Hiding, ModelUsed, Original, OriginalSeal, Told, make_empty, without_texts,
};
pub use error::EvidenceError;
pub use forewarn_seal::chain::{Judgement, Problem as ChainProblem};
pub use forewarn_seal::credentials::Unheld;
pub use forewarn_seal::{Custody, Deed};
pub use keeper::{ClockFace, EvidenceKeeper, KeeperNews, KeeperSetup, RuleScene, RuleScenes, Unkept};
pub use keys::{KeysError, Signer, Signing};
pub use lack::Lack;
pub use listing::{Listed, Shown, list, show};
pub use manifest::{Manifest, ManifestEntry};
pub use manifest_file::VerifyError;
pub use marking::{Overlay, with_drawn};
pub use opened::Opened;
pub use problem::Problem;
pub use proof::{Flaw, Proof};
pub use record::{
    BundleRecord, ClipEntry, ClipFacts, CloseupEntry, HistoryEntry, Missing, SnapshotEntry, StreamTime, TimeLine,
};
pub use retain::RetentionOutcome;
pub use retention::{BundleInfo, DeletedFor, FreeSpace, Limits, RetentionEvent, StatvfsSpace, UpstreamState};
pub use said::Said;
pub use seal::{SealedBundle, Unsealed};
pub use sealed_to::is_sealed_to_key;
pub use setting::{ModelUse, Setting};
pub use sights::Sights;
pub use stamper::{StamperError, TimeStamps};
pub use stamps::Stamped;
pub use store::{EvidenceStore, StoreOptions};
pub use trusted::{TrustError, Trusted};
pub use verify::{Verification, verify};
pub use verify_any::{Found, verify_any};
pub use verify_store::{Checked, StoreVerification};
