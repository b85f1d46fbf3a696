//! What can go wrong with a token, in words that help.

use std::path::PathBuf;

use cryptoki::error::{Error, RvError};
use forewarn_domain::TokenError;

/// A token gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    /// There is no such library, or it is none of PKCS #11.
    #[error(
        "failed to load {}: {source}; name the PKCS #11 library of the token as `module`, and install it", path.display()
    )]
    Module {
        /// The library.
        path: PathBuf,
        /// Why.
        source: Error,
    },
    /// No token fits.
    #[error("no token fits {key}; plug it in, or fix its name (pkcs11-tool --list-token-slots shows what is there)")]
    Away {
        /// What was looked for.
        key: String,
    },
    /// More than one token fits.
    #[error("{n} tokens fit {key}; add `;serial=…`")]
    ManyTokens {
        /// How many.
        n: usize,
        /// What was looked for.
        key: String,
    },
    /// The PIN is wrong.
    #[error(
        "the token refuses the PIN; it is not tried again before a restart, as a token locks itself after a few; fix it"
    )]
    WrongPin,
    /// One more wrong PIN would lock the token.
    #[error(
        "the token allows one more PIN before it locks itself; type it by hand once (pkcs11-tool --login), then restart"
    )]
    LastPin,
    /// Too many wrong ones.
    #[error("the token has locked its PIN; unlock it with the PIN of its security officer")]
    Locked,
    /// The token has no such key.
    #[error("the token has no private key that fits {key}; `forewarn key init` makes it")]
    NoKey {
        /// What was looked for.
        key: String,
    },
    /// More than one key fits.
    #[error("{n} private Ed25519 keys of the token fit {key}; add `;id=%…` (pkcs11-tool --list-objects shows it)")]
    ManyKeys {
        /// How many.
        n: usize,
        /// What was looked for.
        key: String,
    },
    /// It is of another type.
    #[error("the key that fits {key} is {what}; evidence is signed by Ed25519 alone: name such a key")]
    OtherType {
        /// What was looked for.
        key: String,
        /// What was found.
        what: String,
    },
    /// The public half is not beside it.
    #[error("the token has no public key beside the private one that fits {key}; put it there under the same id")]
    NoPublic {
        /// What was looked for.
        key: String,
    },
    /// There is one already.
    #[error("the token has a key that fits {key} already; it is left as it is")]
    Exists {
        /// What was looked for.
        key: String,
    },
    /// A name must be given to a key that is to be made.
    #[error("a key that is to be made needs a name: add `;object=NAME`")]
    Unnamed,
    /// The token failed.
    #[error("the token failed to {doing}: {}", in_short(source))]
    Failed {
        /// What was asked for.
        doing: &'static str,
        /// What it said.
        source: Error,
    },
}

impl AskError {
    /// As the port tells it.
    pub(super) fn told(&self) -> TokenError {
        TokenError { message: self.to_string() }
    }

    /// Whether to ask again would make it worse.
    pub(super) fn is_about_the_pin(&self) -> bool {
        matches!(self, Self::WrongPin | Self::LastPin | Self::Locked)
    }

    /// For the answers of the token to one question.
    pub(super) fn failed(doing: &'static str) -> impl FnOnce(Error) -> Self {
        move |source| match source {
            Error::Pkcs11(RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange, _) => Self::WrongPin,
            Error::Pkcs11(RvError::PinLocked, _) => Self::Locked,
            source => Self::Failed { doing, source },
        }
    }
}

/// The crate repeats a page of the standard for each code; its name says as much.
fn in_short(error: &Error) -> String {
    match error {
        Error::Pkcs11(code, function) => format!("{function} answers {code:?}"),
        other => other.to_string(),
    }
}
