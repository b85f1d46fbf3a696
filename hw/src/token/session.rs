//! One question to a token: the module is initialised, the token found, unlocked, asked, and all is put away.

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;

use super::error::AskError;
use super::uri::KeyUri;

/// The curve as PKCS #11 3.0 names it: a printable string, `edwards25519`.
const EDWARDS_25519: &[u8] = b"\x13\x0cedwards25519";
/// What stands before the key in the point: an octet string of 32 bytes.
const POINT_PREFIX: [u8; 2] = [0x04, 0x20];
/// Bytes of the id of a key that is made.
const ID_BYTES: u32 = 8;

/// What is to be done. A token that is protected against writing signs all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// A token that is unlocked.
pub(super) struct Unlocked<'a> {
    session: Session,
    key: &'a KeyUri,
}

/// Asks one question.
pub(super) fn ask<T>(
    module: &Pkcs11,
    (key, pin): (&KeyUri, &AuthPin),
    access: Access,
    answer: impl FnOnce(&Unlocked<'_>) -> Result<T, AskError>,
) -> Result<T, AskError> {
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
        Err(error) => return Err(AskError::failed("begin")(error)),
    }
    let answered = open(module, key, access).and_then(|session| {
        session.login(UserType::User, Some(pin)).map_err(AskError::failed("log in"))?;
        answer(&Unlocked { session, key })
    });
    // The answer is there; what a token that went away says at the end is of no use.
    let _ = module.clone().finalize();
    answered
}

fn open(module: &Pkcs11, key: &KeyUri, access: Access) -> Result<Session, AskError> {
    let slot = slot_of(module, key)?;
    let opened = match access {
        Access::Read => module.open_ro_session(slot),
        Access::Write => module.open_rw_session(slot),
    };
    opened.map_err(AskError::failed("open a session"))
}

fn slot_of(module: &Pkcs11, key: &KeyUri) -> Result<Slot, AskError> {
    let mut found = Vec::new();
    for slot in module.get_slots_with_initialized_token().map_err(AskError::failed("list tokens"))? {
        // One that goes away meanwhile is none.
        let Ok(info) = module.get_token_info(slot) else { continue };
        if key.fits_token(info.label(), info.serial_number()) {
            found.push((slot, info));
        }
    }
    match found.as_slice() {
        [] => Err(AskError::Away { key: key.to_string() }),
        [(_, info)] if info.user_pin_locked() => Err(AskError::Locked),
        [(_, info)] if info.user_pin_final_try() => Err(AskError::LastPin),
        [(slot, _)] => Ok(*slot),
        many => Err(AskError::ManyTokens { n: many.len(), key: key.to_string() }),
    }
}

/// The key in a token.
pub(super) struct Found<'a> {
    token: &'a Unlocked<'a>,
    private: ObjectHandle,
    id: Vec<u8>,
}

impl Unlocked<'_> {
    /// The one key that fits.
    pub(super) fn find(&self) -> Result<Found<'_>, AskError> {
        let named = self.named(ObjectClass::PRIVATE_KEY);
        let all = self.session.find_objects(&named).map_err(AskError::failed("look for its keys"))?;
        let of_type = [named, vec![Attribute::KeyType(KeyType::EC_EDWARDS)]].concat();
        let fitting = self.session.find_objects(&of_type).map_err(AskError::failed("look for its keys"))?;
        let key = self.key.to_string();
        match (fitting.as_slice(), all.first()) {
            ([private], _) => Ok(Found { token: self, private: *private, id: self.id_of(*private)? }),
            ([], Some(other)) => Err(AskError::OtherType { key, what: self.type_of(*other) }),
            ([], None) => Err(AskError::NoKey { key }),
            (many, _) => Err(AskError::ManyKeys { n: many.len(), key }),
        }
    }

    /// Makes the key, which can never leave the token: its public and its private half.
    pub(super) fn make(&self) -> Result<(ObjectHandle, ObjectHandle), AskError> {
        let key = self.key.to_string();
        match self.find() {
            Err(AskError::NoKey { .. }) => {}
            Err(error) => return Err(error),
            Ok(_) => return Err(AskError::Exists { key }),
        }
        let label = self.key.object().ok_or(AskError::Unnamed)?;
        let id = match self.key.id() {
            Some(id) => id.to_vec(),
            None => self.session.generate_random_vec(ID_BYTES).map_err(AskError::failed("give a random number"))?,
        };
        let common = [Attribute::Token(true), Attribute::Label(label.into()), Attribute::Id(id)];
        let public = [&common[..], &[Attribute::EcParams(EDWARDS_25519.to_vec()), Attribute::Verify(true)]].concat();
        let secret = [
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Sign(true),
        ];
        let private = [&common[..], &secret].concat();
        let made = self.session.generate_key_pair(&Mechanism::EccEdwardsKeyPairGen, &public, &private);
        made.map_err(AskError::failed("make an Ed25519 key"))
    }

    fn named(&self, class: ObjectClass) -> Vec<Attribute> {
        let label = self.key.object().map(|label| Attribute::Label(label.into()));
        let id = self.key.id().map(|id| Attribute::Id(id.to_vec()));
        [Some(Attribute::Class(class)), label, id].into_iter().flatten().collect()
    }

    fn id_of(&self, object: ObjectHandle) -> Result<Vec<u8>, AskError> {
        let said =
            self.session.get_attributes(object, &[AttributeType::Id]).map_err(AskError::failed("tell its id"))?;
        Ok(said
            .into_iter()
            .find_map(|said| if let Attribute::Id(id) = said { Some(id) } else { None })
            .unwrap_or_default())
    }

    fn type_of(&self, object: ObjectHandle) -> String {
        let said = self.session.get_attributes(object, &[AttributeType::KeyType]).unwrap_or_default();
        let kind =
            said.into_iter().find_map(|said| if let Attribute::KeyType(kind) = said { Some(kind) } else { None });
        kind.map_or_else(|| "of an unknown type".to_owned(), |kind| format!("of type {kind}").replace("CKK_", ""))
    }
}

impl Found<'_> {
    /// Its public half, by the public key of the same id.
    pub(super) fn public(&self) -> Result<[u8; 32], AskError> {
        let session = &self.token.session;
        let beside = [Attribute::Class(ObjectClass::PUBLIC_KEY), Attribute::Id(self.id.clone())];
        let public = session.find_objects(&beside).map_err(AskError::failed("look for the public key"))?;
        let key = || self.token.key.to_string();
        let first = *public.first().ok_or_else(|| AskError::NoPublic { key: key() })?;
        let said = session
            .get_attributes(first, &[AttributeType::EcPoint])
            .map_err(AskError::failed("tell the public key"))?;
        let point =
            said.into_iter().find_map(|said| if let Attribute::EcPoint(point) = said { Some(point) } else { None });
        let point = point.unwrap_or_default();
        // Older tokens leave the octet string's head out.
        let bare = point.strip_prefix(&POINT_PREFIX).filter(|bare| bare.len() == 32).unwrap_or(&point);
        let other = || AskError::OtherType { key: key(), what: format!("of another curve ({} bytes)", point.len()) };
        bare.try_into().map_err(|_| other())
    }

    /// The signature of some bytes.
    pub(super) fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, AskError> {
        let by = Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Ed25519));
        self.token.session.sign(&by, self.private, bytes).map_err(AskError::failed("sign"))
    }
}
