//! The documents of the chain: each is signed, bears a number and names the one before.

use serde::{Deserialize, Serialize};

use crate::key::PublicKey;

/// Who signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// The site's id.
    pub site: String,
    /// The device's public key.
    pub key: PublicKey,
}

/// Where a document stands in the chain of its device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Its number, from 1, without a gap.
    pub number: u64,
    /// sha256 of the document before; null for the first.
    pub previous: Option<String>,
    /// The seal of the same incident that it takes the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<Earlier>,
}

/// An earlier seal of the same incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    /// Its number.
    pub number: u64,
    /// sha256 of its manifest.
    pub sha256: String,
}

/// A seal that is no longer there, as the device remembers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// Its number.
    pub number: u64,
    /// sha256 of its manifest.
    pub sha256: String,
    /// sha256 of the document before it.
    pub previous: Option<String>,
}

/// A bundle was deleted by the device itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removal {
    /// The incident.
    pub incident: String,
    /// Why.
    pub why: String,
    /// Who had it deleted; none if the device did by its own rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// The user by whose command, by the system's word; none if there was none, or it was not written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Its seals, the oldest first.
    pub seals: Vec<Removed>,
}

/// Somebody holds a bundle, so that it may not be deleted, or holds it no longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Custody {
    /// The incident.
    pub incident: String,
    /// Who.
    pub who: String,
    /// Why.
    pub why: String,
    /// The user by whose command, by the system's word; none where that was not written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// What somebody did with a bundle that it outlives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// Looked at what it says.
    Shown,
    /// Made a copy of it.
    Exported,
    /// Made a page of it.
    Reported,
    /// Had its clip decided again.
    Replayed,
}

impl Deed {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::Exported => "exported",
            Self::Reported => "reported",
            Self::Replayed => "replayed",
        }
    }
}

/// Somebody looked at a bundle, or took something out of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// The incident.
    pub incident: String,
    /// What was done.
    pub deed: Deed,
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// The user, by the system's word.
    pub user: String,
    /// The name that he gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// More of it, such as where a copy went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// The device goes on with another key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyChange {
    /// The key of all that follows.
    pub next: PublicKey,
}

/// A document of the chain that is no seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The version of the layout.
    pub schema: String,
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// Who signed it.
    pub device: Device,
    /// Where it stands.
    pub chain: Place,
    /// What was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removal: Option<Removal>,
    /// Which key follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_change: Option<KeyChange>,
    /// What is held from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Custody>,
    /// What is held no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Custody>,
    /// What was looked at, or taken out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<Access>,
}

impl Link {
    /// The version of the layout that is written.
    pub const SCHEMA: &'static str = "forewarn-link/1";
}
