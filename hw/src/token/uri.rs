//! The name of a key in a token: the path of a PKCS #11 URI (RFC 7512).

use std::fmt;
use std::str::FromStr;

/// A text names no key in a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyUriError {
    /// It is of another kind.
    #[error("it is no PKCS #11 URI")]
    NoUri,
    /// It says something that is not used.
    #[error("`{0}` is no attribute that is used here")]
    Unused(String),
    /// It says one thing twice.
    #[error("`{0}` stands there twice")]
    Twice(String),
    /// A value cannot be read.
    #[error("the value of `{0}` is empty, or not spelt as in an address")]
    Spelling(String),
    /// It has a module or a PIN in it.
    #[error("what stands behind the `?` is not read from here")]
    Query,
    /// It names no token, or no key.
    #[error("it must name a token and a key")]
    Incomplete,
}

impl KeyUriError {
    /// What to do about it.
    pub fn mend(&self) -> &'static str {
        match self {
            Self::Query => {
                "leave it out; the library is named by `module`, and the PIN by `password_file` or `password_env`"
            }
            _ => {
                "write \"pkcs11:token=LABEL;object=NAME\"; `serial` may stand for or beside `token`, and `id` for or beside \
                 `object`"
            }
        }
    }
}

/// Which key of which token is meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyUri {
    token: Option<String>,
    serial: Option<String>,
    object: Option<String>,
    id: Option<Vec<u8>>,
}

impl KeyUri {
    /// Whether a token of this label and serial number is meant.
    pub(super) fn fits_token(&self, label: &str, serial: &str) -> bool {
        let fits =
            |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found.trim_end());
        fits(&self.token, label) && fits(&self.serial, serial)
    }

    /// The label of the key.
    pub(super) fn object(&self) -> Option<&str> {
        self.object.as_deref()
    }

    /// The id of the key.
    pub(super) fn id(&self) -> Option<&[u8]> {
        self.id.as_deref()
    }
}

impl FromStr for KeyUri {
    type Err = KeyUriError;

    fn from_str(text: &str) -> Result<Self, KeyUriError> {
        let path = text.strip_prefix("pkcs11:").ok_or(KeyUriError::NoUri)?;
        if path.contains('?') {
            return Err(KeyUriError::Query);
        }
        let mut uri = Self::default();
        for part in path.split(';') {
            let (name, value) = part.split_once('=').ok_or(KeyUriError::NoUri)?;
            let spelling = || KeyUriError::Spelling(name.to_owned());
            let bytes = unescaped(value).filter(|bytes| !bytes.is_empty()).ok_or_else(spelling)?;
            let text = |bytes| String::from_utf8(bytes).map_err(|_| spelling());
            let is_twice = match name {
                "token" => uri.token.replace(text(bytes)?).is_some(),
                "serial" => uri.serial.replace(text(bytes)?).is_some(),
                "object" => uri.object.replace(text(bytes)?).is_some(),
                "id" => uri.id.replace(bytes).is_some(),
                "type" if value == "private" => false,
                // Tools list them with every key; token or serial number say as much.
                "manufacturer" | "model" => false,
                _ => return Err(KeyUriError::Unused(part.to_owned())),
            };
            if is_twice {
                return Err(KeyUriError::Twice(name.to_owned()));
            }
        }
        let is_whole = (uri.token.is_some() || uri.serial.is_some()) && (uri.object.is_some() || uri.id.is_some());
        if is_whole { Ok(uri) } else { Err(KeyUriError::Incomplete) }
    }
}

impl fmt::Display for KeyUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |name, value: &Option<String>| value.as_ref().map(|value| format!("{name}={}", escaped(value)));
        let id = self.id.as_ref().map(|id| id.iter().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat());
        let parts = [
            text("token", &self.token),
            text("serial", &self.serial),
            text("object", &self.object),
            id.map(|id| format!("id={id}")),
        ];
        write!(f, "pkcs11:{}", parts.into_iter().flatten().collect::<Vec<_>>().join(";"))
    }
}

fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn unescaped(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'%' {
            let digits = rest.get(..2).and_then(|digits| std::str::from_utf8(digits).ok())?;
            // A sign is no digit.
            let digits = Some(digits).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &rest[2..];
        } else {
            bytes.push(byte);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tools_print_is_read_and_told_again() {
        let listed = "pkcs11:model=SoftHSM%20v2;manufacturer=SoftHSM%20project;serial=2e6e;token=my%20box;id=%01%ff;\
                      object=seal;type=private";
        let uri: KeyUri = listed.parse().unwrap();
        assert_eq!(uri.to_string(), "pkcs11:token=my%20box;serial=2e6e;object=seal;id=%01%FF");
        assert_eq!(uri.to_string().parse(), Ok(uri.clone()));
        assert_eq!((uri.object(), uri.id()), (Some("seal"), Some(&[1, 255][..])));
        // Labels are filled up with spaces.
        assert!(uri.fits_token("my box                          ", "2e6e"));
        assert!(!uri.fits_token("my box", "2e6f") && !uri.fits_token("box", "2e6e"));
    }

    #[test]
    fn what_names_no_key_is_refused_with_a_mend() {
        let parse = |text: &str| text.parse::<KeyUri>().unwrap_err();
        assert_eq!(parse("seal"), KeyUriError::NoUri);
        assert_eq!(parse("pkcs11:"), KeyUriError::NoUri);
        assert_eq!(parse("pkcs11:token=box"), KeyUriError::Incomplete);
        assert_eq!(parse("pkcs11:object=seal"), KeyUriError::Incomplete);
        assert_eq!(parse("pkcs11:token=box;token=b;object=seal"), KeyUriError::Twice("token".to_owned()));
        assert_eq!(parse("pkcs11:token=box;object=%4"), KeyUriError::Spelling("object".to_owned()));
        assert_eq!(parse("pkcs11:token=box;id=%+1"), KeyUriError::Spelling("id".to_owned()));
        assert_eq!(parse("pkcs11:token=box;object="), KeyUriError::Spelling("object".to_owned()));
        assert_eq!(parse("pkcs11:token=%ff;object=seal"), KeyUriError::Spelling("token".to_owned()));
        assert_eq!(parse("pkcs11:token=b;object=s;type=cert"), KeyUriError::Unused("type=cert".to_owned()));
        let with_pin = parse("pkcs11:token=box;object=seal?pin-value=1234");
        assert!(with_pin.mend().contains("password_file") && !with_pin.to_string().contains("1234"));
    }
}
