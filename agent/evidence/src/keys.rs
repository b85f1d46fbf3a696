//! The device's key on the disk: made at the first start, certified by an authority of its own until a site's authority
//! does, exchanged by a word of the key before. Where the site names a token, the key lies there instead, and nothing of it
//! on the disk.
//!
//! | file | what |
//! |---|---|
//! | `device.key` | the secret key; nobody but the agent's user may read it |
//! | `device.pem` | its certificate, and those of who signed it |
//! | `authority.key`, `authority.pem` | the authority of its own |
//! | `next.key`, `next.pem` | while a key is exchanged |
//! | `former-<key>.pem` | certificates of keys before |

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use forewarn_base::{durable, private};
use forewarn_domain::{KeyToken, TokenError};
use forewarn_seal::certificate::{Authority, CertificateError, Certificates, request};
use forewarn_seal::key::{DeviceKey, KeyError, PublicKey};

const KEY: &str = "device.key";
const CERTIFICATE: &str = "device.pem";
const AUTHORITY_KEY: &str = "authority.key";
const AUTHORITY: &str = "authority.pem";
const NEXT_KEY: &str = "next.key";
const NEXT_CERTIFICATE: &str = "next.pem";

/// The keys of a device cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A file cannot be read or written.
    #[error("failed to use the device's keys: {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error(
        "failed to use the device's keys: {}: {source}; bring it back from where it was kept, or remove it for a new key, \
         which the chain of seals will show",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        source: KeyError,
    },
    /// No key was made yet.
    #[error(
        "there is no key yet: {} is not there; `forewarn key init` makes it, and so does the agent's first start",
        path.display()
    )]
    NoKey {
        /// Where it would lie.
        path: PathBuf,
    },
    /// The token does not do its part; it may do so later.
    #[error("failed to sign evidence: {0}")]
    Token(KeyError),
    /// The site file names a token, and the key before has not handed over to it.
    #[error(
        "failed to sign evidence: the site file names a key in a token, but the key of {} has not handed over to it; stop \
         the agent and run: forewarn key roll --config SITE",
        path.display()
    )]
    NotHandedOver {
        /// The key before.
        path: PathBuf,
    },
    /// Only who holds the token can make another key in it.
    #[error(
        "failed to exchange the key: it lies in a token already; keep that key, or make another in the token and name it in \
         the site file: the chain then shows a key to which nobody handed over"
    )]
    InToken,
    /// A certificate cannot be made or read.
    #[error(transparent)]
    Certificate(CertificateError),
    /// A certificate is of another key, or does not hold.
    #[error("failed to take over the certificate: {why}; ask your authority to sign the request of `forewarn key csr`")]
    NotOurs {
        /// Why.
        why: String,
    },
}

impl From<CertificateError> for KeysError {
    fn from(error: CertificateError) -> Self {
        match error {
            CertificateError::Unsigned(source) => Self::Token(source),
            other => Self::Certificate(other),
        }
    }
}

impl From<TokenError> for KeysError {
    fn from(error: TokenError) -> Self {
        Self::Token(error.into())
    }
}

/// Where the keys of a device lie, and of which site it is.
#[derive(Debug, Clone)]
pub struct Signing {
    /// The folder.
    pub keys: PathBuf,
    /// The site's id.
    pub site: String,
    /// The token in which the device's key lies instead; none if it lies in the folder.
    pub token: Option<Arc<dyn KeyToken>>,
}

/// The key that seals, with its certificate.
#[derive(Debug)]
pub struct Signer {
    /// The key.
    pub key: DeviceKey,
    /// Its certificate and those of who signed it, as PEM.
    pub certificates: String,
    /// The site's id.
    pub site: String,
}

impl Signing {
    /// The key and its certificate, made if there are none; a key in a token is never made so.
    pub fn load_or_make(&self) -> Result<Signer, KeysError> {
        private::create_dirs(&self.keys).map_err(|source| self.failed("", source))?;
        let key = match &self.token {
            None => self.key_in(KEY)?,
            Some(_) if self.path(KEY).exists() => return Err(KeysError::NotHandedOver { path: self.path(KEY) }),
            Some(token) => in_token(token)?,
        };
        let kept = self.read(CERTIFICATE)?.filter(|pem| self.fits(pem, &key) && !self.is_outdated(pem, &key));
        let certificates = if let Some(pem) = kept {
            pem
        } else {
            let pem = self.certified(&key)?;
            self.write(CERTIFICATE, &pem)?;
            pem
        };
        Ok(Signer { key, certificates, site: self.site.clone() })
    }

    /// Writes the key that is in use anew where its file is gone: the disk was exchanged, or somebody took the directory away.
    /// The next start would make another key, to which the chain never handed over.
    pub(crate) fn keep(&self, signer: &Signer) -> Result<(), KeysError> {
        if self.token.is_some() || self.path(KEY).try_exists().map_err(|source| self.failed(KEY, source))? {
            return Ok(());
        }
        tracing::warn!("{} was gone; the key that is in use is written there anew", self.path(KEY).display());
        private::create_dirs(&self.keys).map_err(|source| self.failed("", source))?;
        self.write(CERTIFICATE, &signer.certificates)?;
        self.write_key(KEY, &signer.key)
    }

    /// The public key, if there is one.
    pub fn load(&self) -> Result<PublicKey, KeysError> {
        if let Some(token) = &self.token {
            return Ok(in_token(token)?.public());
        }
        let missing = || KeysError::NoKey { path: self.path(KEY) };
        Ok(self.kept(KEY)?.ok_or_else(missing)?.public())
    }

    /// Makes the key where there is none, also in a token.
    pub fn make(&self) -> Result<(), KeysError> {
        if let Some(token) = self.token.as_ref().filter(|token| token.public().is_err()) {
            token.make()?;
        }
        self.load_or_make().map(drop)
    }

    /// Whether the key of the device is certified here and lies elsewhere.
    pub(crate) fn lies_in_a_token(&self, key: &PublicKey) -> bool {
        let certified = self.read(CERTIFICATE).ok().flatten().and_then(|pem| certified_key(&pem));
        certified == Some(*key) && !self.path(KEY).exists()
    }

    /// Where the device's certificate lies.
    pub fn certificate_path(&self) -> PathBuf {
        self.path(CERTIFICATE)
    }

    /// What a site's authority is asked to sign, as PEM.
    pub fn request(&self) -> Result<String, KeysError> {
        Ok(request(&self.load_or_make()?.key, &self.site)?)
    }

    /// Takes over what a site's authority made of the request; `at_s` is the time in seconds since the Unix epoch.
    pub fn import(&self, pem: &str, at_s: u64) -> Result<(), KeysError> {
        let (given, own) = (Certificates::from_pem(pem.as_bytes())?, self.load_or_make()?.key.public());
        if given.key() != Some(own) {
            let why = format!("the first certificate is not of this device's key {own}");
            return Err(KeysError::NotOurs { why });
        }
        given.hang_together(at_s).map_err(|error| KeysError::NotOurs {
            why: format!("the last certificate of the file does not vouch for the first now ({error})"),
        })?;
        self.write(CERTIFICATE, pem)
    }

    /// Makes the key that is to follow; it is taken up by [`Self::finish_exchange`], once the chain says so.
    pub(crate) fn prepare_exchange(&self) -> Result<PublicKey, KeysError> {
        let next = DeviceKey::generate().map_err(|source| self.damaged(NEXT_KEY, source))?;
        self.write(NEXT_CERTIFICATE, &self.certified(&next)?)?;
        self.write_key(NEXT_KEY, &next)?;
        Ok(next.public())
    }

    /// The key that was prepared, if there is one.
    pub(crate) fn next(&self) -> Result<Option<PublicKey>, KeysError> {
        Ok(self.kept(NEXT_KEY)?.as_ref().map(DeviceKey::public))
    }

    /// Who signs that the token's key follows, and that key; an error where nobody before it is left to do so.
    pub(crate) fn prepare_hand_over(&self, token: &Arc<dyn KeyToken>) -> Result<(Signer, PublicKey), KeysError> {
        let key = self.kept(KEY)?.ok_or(KeysError::InToken)?;
        let certificates = self.read(CERTIFICATE)?.unwrap_or_default();
        Ok((Signer { key, certificates, site: self.site.clone() }, in_token(token)?.public()))
    }

    /// Whether the key that lies in a file signed a link and should hand over to a token.
    pub(crate) fn is_to_hand_over(&self, signed_by: &PublicKey) -> Result<bool, KeysError> {
        Ok(self.token.is_some() && self.kept(KEY)?.is_some_and(|key| key.public() == *signed_by))
    }

    /// The token's key is in the chain: the one before is gone for good, its certificate stays.
    pub(crate) fn finish_hand_over(&self) -> Result<(), KeysError> {
        self.keep_former_certificate()?;
        // A kill may have left the key alone.
        for name in [CERTIFICATE, KEY].into_iter().filter(|name| self.path(name).exists()) {
            durable::remove_file(&self.path(name)).map_err(|source| self.failed(name, source))?;
        }
        Ok(())
    }

    fn keep_former_certificate(&self) -> Result<(), KeysError> {
        if let Some(pem) = self.read(CERTIFICATE)?
            && let Some(key) = certified_key(&pem)
        {
            self.write(&format!("former-{}.pem", key.short()), &pem)?;
        }
        Ok(())
    }

    /// Takes up the key that was prepared; the one before is gone for good, its certificate stays.
    pub(crate) fn finish_exchange(&self) -> Result<(), KeysError> {
        self.keep_former_certificate()?;
        let moved = |from: &str, to: &str| {
            durable::rename(&self.path(from), &self.path(to)).map_err(|source| self.failed(from, source))
        };
        // The certificate first: one that does not fit its key is made anew.
        if self.path(NEXT_CERTIFICATE).exists() {
            moved(NEXT_CERTIFICATE, CERTIFICATE)?;
        }
        moved(NEXT_KEY, KEY)?;
        durable::sync_dir(&self.keys).map_err(|source| self.failed("", source))
    }

    /// Forgets a key that was prepared and never came into the chain.
    pub(crate) fn forget_exchange(&self) -> Result<(), KeysError> {
        durable::remove_file(&self.path(NEXT_KEY)).map_err(|source| self.failed(NEXT_KEY, source))
    }

    /// The certificate of the device and of its authority, made by the authority of its own.
    fn certified(&self, key: &DeviceKey) -> Result<String, KeysError> {
        let authority = Authority::of(self.key_in(AUTHORITY_KEY)?);
        let own = authority.certificate()?;
        if self.read(AUTHORITY)?.as_ref() != Some(&own) {
            self.write(AUTHORITY, &own)?;
        }
        Ok(authority.certify(key, &self.site)? + &own)
    }

    fn fits(&self, pem: &str, key: &DeviceKey) -> bool {
        let fits = certified_key(pem) == Some(key.public());
        if !fits {
            tracing::warn!("{} is not of the device's key and is made anew", self.path(CERTIFICATE).display());
        }
        fits
    }

    /// Whether the authority of its own would certify the key in another form now. It signs the same thing in the same way
    /// each time; what a site's authority signed is never outdated.
    fn is_outdated(&self, pem: &str, key: &DeviceKey) -> bool {
        let Ok(Some(authority)) = self.kept(AUTHORITY_KEY) else { return false };
        let authority = Authority::of(authority);
        let is_its_own = |own: &str| pem.ends_with(own) && pem.len() > own.len();
        authority.certificate().is_ok_and(|own| is_its_own(&own))
            && authority.certify(key, &self.site).is_ok_and(|now| !pem.starts_with(&now))
    }

    /// The key of a file, made if there is none.
    fn key_in(&self, name: &str) -> Result<DeviceKey, KeysError> {
        if let Some(key) = self.kept(name)? {
            return Ok(key);
        }
        let key = DeviceKey::generate().map_err(|source| self.damaged(name, source))?;
        self.write_key(name, &key)?;
        Ok(key)
    }

    /// The key of a file, if there is one.
    fn kept(&self, name: &str) -> Result<Option<DeviceKey>, KeysError> {
        let pem = self.read(name)?;
        pem.map(|pem| DeviceKey::from_pem(&pem).map_err(|source| self.damaged(name, source))).transpose()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.keys.join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Result<Option<String>, KeysError> {
        match fs::read_to_string(self.path(name)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            // What is no text is no PEM, which is told by who reads it.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(Some(String::new())),
            Err(source) => Err(self.failed(name, source)),
        }
    }

    /// Writes a key; one in a token needs no file.
    fn write_key(&self, name: &str, key: &DeviceKey) -> Result<(), KeysError> {
        key.to_pem().map_or(Ok(()), |pem| self.write(name, &pem))
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> Result<(), KeysError> {
        durable::replace(&self.path(name), text.as_bytes()).map_err(|source| self.failed(name, source))
    }

    pub(crate) fn failed(&self, name: &str, source: io::Error) -> KeysError {
        let path = if name.is_empty() { self.keys.clone() } else { self.path(name) };
        KeysError::File { path, source }
    }

    fn damaged(&self, name: &str, source: KeyError) -> KeysError {
        KeysError::Damaged { path: self.path(name), source }
    }
}

fn in_token(token: &Arc<dyn KeyToken>) -> Result<DeviceKey, KeysError> {
    DeviceKey::in_token(Arc::clone(token)).map_err(KeysError::Token)
}

/// Whose key the first certificate is of, if it can be read.
fn certified_key(pem: &str) -> Option<PublicKey> {
    Certificates::from_pem(pem.as_bytes()).ok()?.key()
}
