//! By what a push service knows who sends: a token that is signed with the site's key. Source: RFC 8292.

use std::sync::Arc;

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::json;
use url::Url;

use super::base64;

/// Services refuse tokens that last for more than a day.
const LASTS_S: i64 = 12 * 3600;
/// What is signed, and how.
const HEAD: &str = r#"{"typ":"JWT","alg":"ES256"}"#;

/// The site's key, to which each phone's subscription is bound.
#[derive(Debug, Clone)]
pub struct SiteKey(Arc<EcdsaKeyPair>);

impl SiteKey {
    /// A new one, as PKCS#8.
    pub(super) fn generate() -> Option<Vec<u8>> {
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        made.ok().map(|document| document.as_ref().to_vec())
    }

    /// That of PKCS#8.
    pub(super) fn of(pkcs8: &[u8]) -> Option<Self> {
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &SystemRandom::new());
        Some(Self(Arc::new(key.ok()?)))
    }

    /// Its public half, as browsers take it.
    pub fn public(&self) -> String {
        base64(self.0.public_key().as_ref())
    }
}

/// The value of `authorization` for an endpoint, from a site that is reached at `contact`; none where the system gives no
/// random bytes.
pub fn authorization(key: &SiteKey, endpoint: &Url, contact: &str, now_s: i64) -> Option<String> {
    let audience = endpoint.origin().ascii_serialization();
    let claims = json!({ "aud": audience, "exp": now_s + LASTS_S, "sub": contact }).to_string();
    let said = format!("{}.{}", base64(HEAD.as_bytes()), base64(claims.as_bytes()));
    let signature = key.0.sign(&SystemRandom::new(), said.as_bytes()).ok()?;
    // Some read no space behind the comma.
    Some(format!("vapid t={said}.{},k={}", base64(signature.as_ref()), key.public()))
}
