//! A device key in a PKCS #11 token: a smart card, a security module, or a program that is like one.
//!
//! The module is initialised for each question and put away after it, so that a token that was pulled out and comes back, or
//! another process that uses it, needs no care. A PIN that was refused is never shown to the token again: three wrong ones
//! lock most cards for good.

mod error;
mod session;
#[cfg(test)]
mod tests;
mod uri;

use std::fmt;
use std::path::PathBuf;
use std::sync::Mutex;

use cryptoki::context::Pkcs11;
use cryptoki::types::AuthPin;
use forewarn_base::secret::Secret;
use forewarn_base::sync::lock;
use forewarn_domain::{KeyToken, TokenError};

use error::AskError;
use session::Access;
pub use uri::{KeyUri, KeyUriError};

/// A module may be initialised once in a process, and not every one bears two callers.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// An Ed25519 key in a token.
pub struct Pkcs11Key {
    module: PathBuf,
    key: KeyUri,
    pin: AuthPin,
    loaded: Mutex<Option<Pkcs11>>,
    /// Why the token refused the PIN.
    refused: Mutex<Option<AskError>>,
}

impl fmt::Debug for Pkcs11Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pkcs11Key({} by {})", self.key, self.module.display())
    }
}

impl Pkcs11Key {
    /// The key that `key` names, by way of the library `module`. Nothing is asked of it yet.
    pub fn new(module: PathBuf, key: KeyUri, pin: &Secret) -> Self {
        let pin = AuthPin::from(pin.expose());
        Self { module, key, pin, loaded: Mutex::default(), refused: Mutex::default() }
    }

    fn ask<T>(
        &self,
        access: Access,
        answer: impl FnOnce(&session::Unlocked<'_>) -> Result<T, AskError>,
    ) -> Result<T, TokenError> {
        let _alone = lock(&ONE_AT_A_TIME);
        if let Some(refusal) = &*lock(&self.refused) {
            return Err(refusal.told());
        }
        let answered = self.module().and_then(|module| session::ask(&module, (&self.key, &self.pin), access, answer));
        answered.map_err(|error| {
            let told = error.told();
            if error.is_about_the_pin() {
                *lock(&self.refused) = Some(error);
            }
            told
        })
    }

    fn module(&self) -> Result<Pkcs11, AskError> {
        let mut loaded = lock(&self.loaded);
        if let Some(module) = &*loaded {
            return Ok(module.clone());
        }
        let module =
            Pkcs11::new(&self.module).map_err(|source| AskError::Module { path: self.module.clone(), source })?;
        Ok(loaded.insert(module).clone())
    }
}

impl KeyToken for Pkcs11Key {
    fn public(&self) -> Result<[u8; 32], TokenError> {
        self.ask(Access::Read, |token| token.find()?.public())
    }

    fn make(&self) -> Result<(), TokenError> {
        self.ask(Access::Write, |token| token.make().map(drop))
    }

    fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, TokenError> {
        self.ask(Access::Read, |token| token.find()?.sign(bytes))
    }
}
