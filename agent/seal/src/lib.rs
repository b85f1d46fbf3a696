//! What makes a bundle more than files with hashes: who sealed it, and what was sealed before and after. Pure: no files,
//! no clock, no network.
//!
//! - [`canonical`]: JSON that has one spelling only (RFC 8785), so that a hash or a signature of it means one thing.
//! - [`key`]: the Ed25519 key of a device.
//! - [`certificate`]: an authority of one's own, certificates, requests to a site's authority, and their judgement.
//! - [`credentials`]: what a picture or a clip says of itself wherever it goes (C2PA).
//! - [`age`]: files for the holder of a key alone.
//! - [`time_stamp`]: what an outsider with a clock says of a hash (RFC 3161), and whether that holds.
//! - [`chain`]: links by number and hash, and what a set of them tells of one that is missing, doubled or replaced.

pub mod age;
mod canon;
pub mod certificate;
pub mod chain;
pub mod credentials;
mod der;
pub mod key;
mod link;
pub mod time_stamp;

pub use canon::canonical;
pub use link::{Access, Custody, Deed, Device, Earlier, KeyChange, Link, Place, Removal, Removed};
