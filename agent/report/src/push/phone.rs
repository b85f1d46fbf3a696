//! One phone that is told.

use serde::{Deserialize, Serialize};
use url::Url;

/// A public key of P-256 as a point that is not compressed.
pub(super) const KEY_BYTES: usize = 65;
/// What phones share with their site.
pub(super) const AUTH_BYTES: usize = 16;

/// One phone, or one browser: a subscription as browsers write it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phone {
    /// The address of its push service for it; who knows it and the site's key may ring the phone.
    pub endpoint: String,
    /// Its public key.
    pub p256dh: String,
    /// What it shares with the site.
    pub auth: String,
    /// The account that signed it up.
    #[serde(default)]
    pub by: String,
}

impl Phone {
    /// The host of its push service; the whole address is for nobody to see.
    pub fn service(&self) -> Option<String> {
        Some(Url::parse(&self.endpoint).ok()?.host_str()?.to_owned())
    }
}
