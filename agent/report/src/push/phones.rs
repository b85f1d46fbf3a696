//! The phones that are told by Web Push, and the site's key: one file of the storage directory.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use forewarn_base::sync::lock;
use forewarn_base::{durable, private};
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::phone::{AUTH_BYTES, KEY_BYTES, Phone};
use super::{SiteKey, base64, bytes_of};

/// Phones of one upstream, at most; each message is sent to each of them.
pub const MOST_PHONES: usize = 20;
/// The longest address of a push service.
const MOST_ENDPOINT_BYTES: usize = 1024;

/// Who reads and writes the file does so alone; the upstreams' threads and the console are in one process.
static ALONE: Mutex<()> = Mutex::new(());

/// A phone cannot be signed up or off.
#[derive(Debug, thiserror::Error)]
pub enum PhoneError {
    /// There is no such recipient.
    #[error("no recipient of Web Push is called {0}: name it under `[upstream]` in the site file")]
    Unknown(String),
    /// The address is none of a push service.
    #[error(
        "the address of the push service must be https:// without a name or password, name a public host, and have at most {MOST_ENDPOINT_BYTES} bytes"
    )]
    Endpoint,
    /// The keys are none.
    #[error("the keys of the subscription are none of a browser: sign up anew")]
    Keys,
    /// There are too many.
    #[error("{MOST_PHONES} phones are told, which is the most: sign one off first")]
    TooMany,
    /// The file cannot be read or written.
    #[error("failed to keep the phones of Web Push in {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Phones by the upstream that tells them.
type ByUpstream = BTreeMap<String, Vec<Phone>>;

/// What the file holds.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    /// The site's key, PKCS#8 in base64.
    key: String,
    phones: ByUpstream,
}

/// The phones of all upstreams.
#[derive(Debug, Clone)]
pub struct Phones {
    place: PathBuf,
}

impl Phones {
    /// Those of the file at `place`.
    pub fn at(place: &Path) -> Self {
        Self { place: place.to_owned() }
    }

    /// Makes it known that there is an upstream of this id, and the site's key where there is none.
    pub fn open(&self, upstream: &str) -> Result<SiteKey, PhoneError> {
        self.with(|kept| {
            let mut is_new = !kept.phones.contains_key(upstream);
            if kept.key.is_empty() {
                let made = SiteKey::generate().ok_or_else(|| io::Error::other("the system gives no random bytes"));
                kept.key = base64(&made.map_err(|source| self.failed(source))?);
                is_new = true;
            }
            kept.phones.entry(upstream.to_owned()).or_default();
            Ok((is_new, self.key_of(kept)?))
        })
    }

    /// The upstreams, with the phones of each, and the site's public key; none while there is none.
    pub fn all(&self) -> Result<Option<(String, ByUpstream)>, PhoneError> {
        self.with(|kept| {
            if kept.key.is_empty() {
                return Ok((false, None));
            }
            Ok((false, Some((self.key_of(kept)?.public(), kept.phones.clone()))))
        })
    }

    /// The phones of one upstream.
    pub fn of(&self, upstream: &str) -> Result<Vec<Phone>, PhoneError> {
        self.with(|kept| Ok((false, kept.phones.get(upstream).cloned().unwrap_or_default())))
    }

    /// Signs a phone up, or its new keys. An account cannot have the agent ask an address of the box's own network.
    pub fn add(&self, upstream: &str, phone: Phone) -> Result<(), PhoneError> {
        check(&phone)?;
        self.with(|kept| {
            let unknown = || PhoneError::Unknown(upstream.to_owned());
            let phones = kept.phones.get_mut(upstream).ok_or_else(unknown)?;
            phones.retain(|known| known.endpoint != phone.endpoint);
            if phones.len() >= MOST_PHONES {
                return Err(PhoneError::TooMany);
            }
            phones.push(phone);
            Ok((true, ()))
        })
    }

    /// Signs off those for whom this holds, of every upstream; how many that are.
    pub fn remove(&self, gone: impl Fn(&str, &Phone) -> bool) -> Result<usize, PhoneError> {
        self.with(|kept| {
            let count = |kept: &Kept| kept.phones.values().map(Vec::len).sum::<usize>();
            let before = count(kept);
            for (upstream, phones) in &mut kept.phones {
                phones.retain(|phone| !gone(upstream, phone));
            }
            let removed = before - count(kept);
            Ok((removed > 0, removed))
        })
    }

    /// Does something with what is kept, and writes it where that says so.
    fn with<T>(&self, work: impl FnOnce(&mut Kept) -> Result<(bool, T), PhoneError>) -> Result<T, PhoneError> {
        let _alone = lock(&ALONE);
        let mut kept: Kept = match std::fs::read(&self.place) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| self.failed(error.into()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Kept::default(),
            Err(error) => return Err(self.failed(error)),
        };
        let (is_changed, told) = work(&mut kept)?;
        if is_changed {
            let written = serde_json::to_vec(&kept).map_err(io::Error::from).and_then(|bytes| {
                private::create_dirs(private::folder_of(&self.place))?;
                durable::replace(&self.place, &bytes)
            });
            written.map_err(|source| self.failed(source))?;
        }
        Ok(told)
    }

    fn key_of(&self, kept: &Kept) -> Result<SiteKey, PhoneError> {
        let key = bytes_of(&kept.key).and_then(|pkcs8| SiteKey::of(&pkcs8));
        key.ok_or_else(|| self.failed(io::Error::other("it holds no key; delete it, and have phones sign up anew")))
    }

    fn failed(&self, source: io::Error) -> PhoneError {
        PhoneError::File { path: self.place.clone(), source }
    }
}

fn check(phone: &Phone) -> Result<(), PhoneError> {
    let url = Url::parse(&phone.endpoint).map_err(|_| PhoneError::Endpoint)?;
    let is_public = matches!(url.host(), Some(Host::Domain(name)) if name.contains('.') && name.rsplit('.').next() != Some("local"));
    let has_login = !url.username().is_empty() || url.password().is_some();
    if url.scheme() != "https" || !is_public || has_login || phone.endpoint.len() > MOST_ENDPOINT_BYTES {
        return Err(PhoneError::Endpoint);
    }
    let has = |text: &str, n: usize| bytes_of(text).is_some_and(|bytes| bytes.len() == n);
    if has(&phone.p256dh, KEY_BYTES) && has(&phone.auth, AUTH_BYTES) { Ok(()) } else { Err(PhoneError::Keys) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const P256DH: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";

    fn phone(endpoint: &str, by: &str) -> Phone {
        let (p256dh, auth) = (P256DH.to_owned(), "BTBZMqHH6r4Tts7J_aSIgg".to_owned());
        Phone { endpoint: endpoint.to_owned(), p256dh, auth, by: by.to_owned() }
    }

    #[test]
    fn the_key_is_made_once_for_the_owner_alone_and_phones_come_and_go() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("web-push.json");
        let phones = Phones::at(&place);
        assert!(phones.all().unwrap().is_none() && !place.exists());
        let key = phones.open("officers").unwrap().public();
        assert_eq!(std::fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!((Phones::at(&place).open("officers").unwrap().public(), key.len()), (key.clone(), 87));
        phones.add("officers", phone("https://push.example/1", "ann")).unwrap();
        phones.add("officers", phone("https://push.example/2", "bob")).unwrap();
        phones.add("officers", phone("https://push.example/1", "ann")).unwrap();
        let told: Vec<String> = phones.of("officers").unwrap().into_iter().map(|phone| phone.endpoint).collect();
        assert_eq!(told, ["https://push.example/2", "https://push.example/1"], "one that signs up again is told once");
        assert!(matches!(phones.add("others", phone("https://push.example/1", "ann")), Err(PhoneError::Unknown(_))));
        assert_eq!(phones.remove(|_, phone| phone.by == "ann").unwrap(), 1);
        assert_eq!(phones.all().unwrap().unwrap().1["officers"].len(), 1);
    }

    #[test]
    fn what_is_no_subscription_of_a_browser_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let phones = Phones::at(&dir.path().join("web-push.json"));
        phones.open("officers").unwrap();
        for endpoint in [
            "http://push.example/1",
            "https://ann:seven-herons@push.example/1",
            "https://ann@push.example/1",
            "https://10.0.0.1/x",
            "https://[::1]/x",
            "https://router/x",
            "https://nas.local/",
            "x",
        ] {
            assert!(matches!(phones.add("officers", phone(endpoint, "ann")), Err(PhoneError::Endpoint)), "{endpoint}");
        }
        let keyless = Phone { auth: "AAAA".to_owned(), ..phone("https://push.example/1", "ann") };
        assert!(matches!(phones.add("officers", keyless), Err(PhoneError::Keys)));
        for n in 0..MOST_PHONES {
            phones.add("officers", phone(&format!("https://push.example/{n}"), "ann")).unwrap();
        }
        assert!(matches!(phones.add("officers", phone("https://push.example/x", "ann")), Err(PhoneError::TooMany)));
        std::fs::write(dir.path().join("web-push.json"), "{").unwrap();
        assert!(matches!(phones.of("officers"), Err(PhoneError::File { .. })), "a damaged file is told, and stays");
    }
}
