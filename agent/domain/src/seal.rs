//! What is said of a seal outside the box that made it.

use serde::{Deserialize, Serialize};

/// The seal of a bundle: by it, whoever has the bundle later can tell whether it is still the one that was sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// The bundle: its folder below the folder of evidence, `YYYY-MM-DD/INCIDENT`.
    pub bundle: String,
    /// Its number in the chain of the device.
    pub number: u32,
    /// sha256 of the manifest.
    pub manifest_sha256: String,
    /// sha256 of the link of the chain before; none for the first.
    pub previous: Option<String>,
    /// The number of the seal of the same incident that it takes the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<u32>,
    /// The device's public key, 64 hexadecimal digits.
    pub key: String,
    /// Whether nothing more will come of this incident.
    pub is_final: bool,
}

/// What a report says of the evidence of its incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceRef {
    /// The bundle, as in [`Seal::bundle`].
    pub bundle: String,
    /// Its latest seal when the report was written down; none if there was none yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<Seal>,
}
