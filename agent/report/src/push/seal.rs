//! A message that only the phone can read: RFC 8291 with the content coding aes128gcm of RFC 8188, in one record.

use ring::agreement::{self, ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey};
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::{aead, hmac};

use super::bytes_of;
use super::phone::{AUTH_BYTES, KEY_BYTES, Phone};

/// The longest text of a message: services take 4096 bytes, of which 86 are the header, 16 the tag and 1 the end.
/// Source: RFC 8030, section 7.2.
pub const MOST_BYTES: usize = RECORD_BYTES as usize - HEADER_BYTES - 16 - 1;

/// The size of the one record.
const RECORD_BYTES: u32 = 4096;
/// Salt, record size, length of the key, key.
const HEADER_BYTES: usize = SALT_BYTES + 4 + 1 + KEY_BYTES;
const SALT_BYTES: usize = 16;
/// What stands behind the last record's text. Source: RFC 8188, section 2.
const LAST_RECORD: u8 = 2;

/// A message cannot be made unreadable for others, and so is not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// It is too long.
    #[error("the message has {0} bytes, and push services take {MOST_BYTES}")]
    Long(usize),
    /// The phone's key is none.
    #[error("the key of the phone is none: sign it up anew")]
    Key,
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    Random,
}

/// Makes a message that this phone alone can read.
pub fn seal(phone: &Phone, text: &[u8]) -> Result<Vec<u8>, SealError> {
    let theirs = bytes_of(&phone.p256dh).filter(|key| key.len() == KEY_BYTES).ok_or(SealError::Key)?;
    let auth = bytes_of(&phone.auth).filter(|auth| auth.len() == AUTH_BYTES).ok_or(SealError::Key)?;
    let random = SystemRandom::new();
    let mut salt = [0; SALT_BYTES];
    random.fill(&mut salt).map_err(|_| SealError::Random)?;
    let private = EphemeralPrivateKey::generate(&ECDH_P256, &random).map_err(|_| SealError::Random)?;
    let ours = private.compute_public_key().map_err(|_| SealError::Random)?;
    let keys = Keys { theirs: &theirs, ours: ours.as_ref(), auth: &auth, salt: &salt };
    agreement::agree_ephemeral(private, &UnparsedPublicKey::new(&ECDH_P256, &theirs), |secret| keys.seal(secret, text))
        .map_err(|_| SealError::Key)?
}

/// What a message is sealed by, beside the secret that both sides agree on.
struct Keys<'a> {
    theirs: &'a [u8],
    ours: &'a [u8],
    auth: &'a [u8],
    salt: &'a [u8],
}

impl Keys<'_> {
    fn seal(&self, secret: &[u8], text: &[u8]) -> Result<Vec<u8>, SealError> {
        if text.len() > MOST_BYTES {
            return Err(SealError::Long(text.len()));
        }
        // Each key is as long as a hash or shorter, so that one round of HKDF (RFC 5869) gives it: HMAC over what it is for,
        // and 1.
        let info = [b"WebPush: info\0", self.theirs, self.ours, &[1]].concat();
        let secret = mac(mac(self.auth, secret).as_ref(), &info);
        let from = mac(self.salt, secret.as_ref());
        let key = mac(from.as_ref(), b"Content-Encoding: aes128gcm\0\x01");
        let nonce = mac(from.as_ref(), b"Content-Encoding: nonce\0\x01");
        let key = key.as_ref().get(..aead::AES_128_GCM.key_len()).ok_or(SealError::Key)?;
        let key = aead::UnboundKey::new(&aead::AES_128_GCM, key).map_err(|_| SealError::Key)?;
        let nonce = nonce.as_ref().get(..aead::NONCE_LEN).ok_or(SealError::Key)?;
        let nonce = aead::Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Key)?;
        let mut sealed = [text, &[LAST_RECORD]].concat();
        let key = aead::LessSafeKey::new(key);
        key.seal_in_place_append_tag(nonce, aead::Aad::empty(), &mut sealed).map_err(|_| SealError::Key)?;
        let id_bytes = [KEY_BYTES as u8];
        Ok([self.salt, &RECORD_BYTES.to_be_bytes(), &id_bytes, self.ours, &sealed].concat())
    }
}

fn mac(key: &[u8], text: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        bytes_of(text).unwrap()
    }

    /// RFC 8291, appendix A.
    #[test]
    fn a_message_is_that_of_the_specification() {
        let theirs = bytes("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4");
        let ours = bytes("BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8");
        let (auth, salt) = (bytes("BTBZMqHH6r4Tts7J_aSIgg"), bytes("DGv6ra1nlYgDCS1FRnbzlw"));
        let secret = bytes("kyrL1jIIOHEzg3sM2ZWRHDRB62YACZhhSlknJ672kSs");
        let keys = Keys { theirs: &theirs, ours: &ours, auth: &auth, salt: &salt };
        let sealed = keys.seal(&secret, b"When I grow up, I want to be a watermelon").unwrap();
        let expected = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8w\
                        EqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
        assert_eq!(super::super::base64(&sealed), expected);
    }

    #[test]
    fn the_longest_message_fits_and_a_key_that_is_none_is_told() {
        let theirs = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
        let phone =
            Phone { p256dh: theirs.to_owned(), auth: "BTBZMqHH6r4Tts7J_aSIgg==".to_owned(), ..Phone::default() };
        assert_eq!(seal(&phone, &[b'a'; MOST_BYTES]).unwrap().len(), 4096);
        assert_eq!(seal(&phone, &[b'a'; MOST_BYTES + 1]), Err(SealError::Long(3994)));
        let off_the_curve = format!("BA{}", "A".repeat(85));
        for p256dh in ["", "BCVx", off_the_curve.as_str()] {
            assert_eq!(
                seal(&Phone { p256dh: p256dh.to_owned(), ..phone.clone() }, b"a"),
                Err(SealError::Key),
                "{p256dh}"
            );
        }
        assert_eq!(seal(&Phone { auth: "BTBZ".to_owned(), ..phone }, b"a"), Err(SealError::Key));
    }
}
