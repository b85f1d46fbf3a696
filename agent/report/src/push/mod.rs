//! Web Push without a connection: who is told, how a message is made unreadable for whoever carries it, and how the carrier
//! knows who sent it. Shared by the recipient and the console's page, on which phones are signed up.

mod phone;
mod phones;
mod seal;
mod vapid;

pub use phone::Phone;
pub use phones::{MOST_PHONES, PhoneError, Phones};
pub use seal::{MOST_BYTES, SealError, seal};
pub use vapid::{SiteKey, authorization};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

fn base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Bytes of base64 as browsers write it, with or without padding.
fn bytes_of(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
}
