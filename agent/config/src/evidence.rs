//! `[evidence]`: who says beside this box when something was sealed, and in which token the key lies.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use forewarn_base::post::Peer;
use forewarn_base::secret::{PasswordSource, Secret};
use forewarn_base::setting::SettingError;
use forewarn_base::tls::TlsFiles;
use forewarn_domain::KeyToken;
use forewarn_hw::token::{KeyUri, Pkcs11Key};
use forewarn_seal::age::Recipient;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::check::Check;

pub(crate) const EXAMPLE: &str = r#"# [evidence]                     # an outsider's word on when evidence was sealed (RFC 3161)
# time_stamp_url = "http://stamps.example/tsa"
# time_stamp_ca = "stamps-ca.pem" # who vouches for it; without it any stamp is kept, and judged when somebody verifies it
# content_credentials = false     # pictures and clips without what they say of themselves (C2PA), 3 kB each
# seal_to = "age1..."            # pictures and clips for the holder of this key of `age` alone; this box shows none of them
# [evidence.token]               # the device's key in a smart card or security module (PKCS #11); see `forewarn key init`
# module = "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so"
# key = "pkcs11:token=box;object=seal"
# password_file = "token.pin"    # or password_env; its PIN
"#;

/// `[evidence]`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawEvidence {
    /// Address of a time stamp authority (RFC 3161), `http://` or `https://`. It is sent the hash of each seal, never more.
    #[schemars(with = "Option<String>")]
    pub time_stamp_url: Option<Spanned<String>>,
    /// Certificates (PEM) of those who vouch for that authority; stamps for which none of them does are not kept.
    #[schemars(with = "Option<PathBuf>")]
    pub time_stamp_ca: Option<Spanned<PathBuf>>,
    /// Whether pictures and clips carry content credentials (C2PA), which say wherever they go what they are. It is so if this
    /// is absent; each takes some 3 kB.
    pub content_credentials: Option<bool>,
    /// Public key of `age` (`age1…`), whose holder alone can open pictures and clips that are kept from now on. The box shows and
    /// sends none of them then.
    #[schemars(with = "Option<String>")]
    pub seal_to: Option<Spanned<String>>,
    /// The token that holds the device's key. Without it the key lies in the storage directory.
    #[schemars(with = "Option<RawToken>")]
    pub token: Option<Spanned<RawToken>>,
}

/// `[evidence.token]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawToken {
    /// The token's PKCS #11 library.
    #[schemars(with = "PathBuf")]
    pub module: Spanned<PathBuf>,
    /// Token and key by the path of a PKCS #11 URI (RFC 7512): `pkcs11:token=LABEL;object=NAME`.
    #[schemars(with = "String")]
    pub key: Spanned<String>,
    /// File whose first line is the token's PIN.
    pub password_file: Option<PathBuf>,
    /// Environment variable that holds the token's PIN.
    pub password_env: Option<String>,
}

/// Who stamps the times of seals, and where the key lies that makes them.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// Whom to ask; nobody if absent.
    pub time_stamps: Option<Peer>,
    /// The file of those who vouch for him.
    pub time_stamp_ca: Option<PathBuf>,
    /// Whether pictures and clips carry content credentials.
    pub has_credentials: bool,
    /// Who alone can open pictures and clips; whoever can read the files, if absent.
    pub sealed_to: Option<Recipient>,
    /// The token with the device's key; none if it lies in the storage directory.
    pub token: Option<Arc<dyn KeyToken>>,
}

impl RawToken {
    fn check(&self, place: Range<usize>, check: &mut Check<'_>) -> Option<Arc<dyn KeyToken>> {
        let path = check.path(self.module.get_ref());
        let module = if path.is_file() {
            Some(path)
        } else {
            let problem = format!("there is no file {}", path.display());
            check.fail(self.module.span(), problem, "name the token's PKCS #11 library, and install it")
        };
        let key: Result<KeyUri, _> = self.key.get_ref().parse();
        let key = key.map_err(|error| check.fail::<()>(self.key.span(), error.to_string(), error.mend())).ok();
        let pin = self.pin(check);
        let pin = pin.map_err(|error| check.fail_key::<()>(place, error.key(), error.to_string(), error.mend())).ok();
        Some(Arc::new(Pkcs11Key::new(module?, key?, &pin?)))
    }

    fn pin(&self, check: &Check<'_>) -> Result<Secret, SettingError> {
        let source = PasswordSource::of(self.password_file.as_deref(), self.password_env.as_deref())?;
        let none = || SettingError::value("password_file", "the token's PIN is missing", "add it, or `password_env`");
        source.ok_or_else(none)?.read(check.directory(), &|name| std::env::var(name).ok())
    }
}

impl RawEvidence {
    pub(crate) fn check(self, check: &mut Check<'_>) -> Evidence {
        let time_stamps = self.time_stamp_url.and_then(|url| {
            let peer = Peer::of("time_stamp_url", url.get_ref());
            peer.map_err(|error| check.fail::<()>(url.span(), error.to_string(), error.mend())).ok()
        });
        let time_stamp_ca = self.time_stamp_ca.and_then(|file| {
            let path = check.path(file.get_ref());
            // Whatever is no authority there is a mistake that is better told now than at the first stamp.
            let read = TlsFiles { ca_file: Some(&path), ..TlsFiles::default() }.load(check.directory(), "localhost");
            match read {
                Ok(_) => Some(path),
                Err(error) => check.fail(file.span(), error.to_string(), error.mend()),
            }
        });
        let token = self.token.and_then(|token| token.get_ref().check(token.span(), check));
        let sealed_to = self.seal_to.and_then(|word| {
            let read: Result<Recipient, _> = word.get_ref().trim().parse();
            let mend = "make a pair with `age-keygen -o key.txt` on another machine, and keep key.txt there";
            // What was typed may be the secret, and is not shown.
            read.map_err(|error| check.fail::<()>(word.span(), error.to_string(), mend)).ok()
        });
        let has_credentials = self.content_credentials.unwrap_or(true);
        Evidence { time_stamps, time_stamp_ca, has_credentials, sealed_to, token }
    }
}

#[cfg(test)]
mod tests {
    use crate::source::Source;

    fn evidence(keys: &str) -> Result<super::Evidence, String> {
        let text =
            format!("[site]\nid = \"north\"\n[evidence]\n{keys}\n[[camera]]\nid = \"gate\"\nurl = \"file:gate.mp4\"\n");
        let site = crate::site::resolve(&Source::new("site.toml", text));
        site.map(|site| site.evidence).map_err(|errors| errors.to_string())
    }

    fn token(module: &str, pin: &str) -> String {
        let src = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
        format!("[evidence.token]\nmodule = \"{src}/{module}\"\nkey = \"pkcs11:token=box;object=seal\"\n{pin}")
    }

    #[test]
    fn pictures_are_sealed_to_a_public_key_and_a_secret_one_is_refused() {
        let word = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
        let found = evidence(&format!("seal_to = \"{word}\"")).unwrap();
        assert_eq!(found.sealed_to.unwrap().to_string(), word);
        assert_eq!(evidence("").unwrap().sealed_to, None);
        let told = evidence("seal_to = \"AGE-SECRET-KEY-1QQQ\"").unwrap_err();
        assert!(told.contains("secret identity") && told.contains("age-keygen -y"), "{told}");
        let told = evidence(&format!("seal_to = \"{}q\"", &word[..61])).unwrap_err();
        assert!(told.contains("mistyped"), "{told}");
    }

    #[test]
    fn a_key_in_a_token_is_named_and_its_pin_shown_nowhere() {
        let found = evidence(&token("site.rs", "password_env = \"PATH\"")).unwrap();
        let told = format!("{:?}", found.token.unwrap());
        assert!(told.starts_with("Pkcs11Key(pkcs11:token=box;object=seal by ") && !told.contains("/bin"), "{told}");
        assert!(evidence("").unwrap().token.is_none());
    }

    #[test]
    fn an_address_is_checked_and_a_file_of_nobody_is_a_mistake() {
        let found = evidence("time_stamp_url = \"http://stamps.example/tsa\"").unwrap();
        assert_eq!(found.time_stamps.unwrap().name(), "stamps.example:80");
        assert!(evidence("").unwrap().time_stamps.is_none());
        for (keys, words) in [
            ("time_stamp_url = \"stamps\"", "site.toml:4: time_stamp_url: this is no URL: relative URL"),
            ("time_stamp_url = \"ftp://stamps.example\"", "the scheme is \"ftp\""),
            ("time_stamp_ca = \"nowhere.pem\"", "nowhere.pem"),
            ("time_stamp_uri = \"x\"", "time_stamp_url"),
            ("[evidence.token]\nmodule = \"/dev/null\"", "missing field `key`"),
            (&token("nowhere.so", "password_env = \"PATH\""), "module: there is no file"),
            (&token("site.rs", ""), "the token's PIN is missing"),
            (&token("site.rs", "password_env = \"FOREWARN_UNSET\""), "no variable FOREWARN_UNSET"),
            (&token("site.rs", "password_env = \"PATH\"").replace(";object=seal", ""), "must name a token and a key"),
        ] {
            let errors = evidence(keys).unwrap_err();
            assert!(errors.contains(words), "{keys}: {errors}");
        }
    }
}
