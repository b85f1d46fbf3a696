//! Evidence by tus, the open protocol for uploads that go on where they stopped. Described for operators in
//! `docs/recipients/tus.md`.
//!
//! Source: <https://tus.io/protocols/resumable-upload>, version 1.0.0. Few servers check hashes while they take a file
//! (extension `checksum`); from others the file is read back and hashed.

use std::fmt;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use forewarn_base::http::{Answer, Ask};
use forewarn_base::secret::Secret;
use forewarn_base::setting::SettingError;
use forewarn_base::sync::lock;
use forewarn_domain::WallTime;
use ring::digest;
use url::Url;

use super::Start;
use super::http::table::http_table;
use super::http::{Verdict, of_status, with_words};
use super::settings::{AdapterSettings, Surroundings, Usual};
use super::spending::Budget;
use super::upload::settings::{ClipsGo, UploadKeys};
use super::upload::{Carrier, Facts, Given, Passage, Step};

/// A piece of a file.
const PIECE_BYTES: u64 = 1 << 20;
/// The version that is spoken.
const VERSION: &str = "1.0.0";

http_table! {
    @ "crate::upstream::upload::settings::default_timeout_s", "Seconds for a piece of 1 MiB and the answer, 1 to 3600.",
    /// A server that takes files by tus, as the site file describes it.
    pub struct TusConfig {
        /// A file whose first line is a token that is sent as `authorization: Bearer`; none where the server asks for none.
        secret;
        /// Whether a file is read back and hashed where the server checks no hashes itself.
        #[serde(default = "yes")]
        pub read_back: bool,
        /// What the name of every file begins with; the site's id and `/` if absent.
        #[serde(default)]
        pub prefix: Option<String>,
        /// For a link that is slow or metered: what pictures and clips may take of it.
        #[serde(default)]
        pub thin: Option<Budget>,
        /// When clips go: `at_once`, or `landed`, when the vehicle says that it stands on the ground.
        #[serde(default)]
        pub clips: ClipsGo,
    }
}

fn yes() -> bool {
    true
}

impl AdapterSettings for TusConfig {
    fn usual(&self) -> Usual {
        Usual::KEEPER
    }

    fn resolve_in(&self, around: Surroundings<'_>) -> Result<Arc<dyn Start>, SettingError> {
        let http = self.http();
        let tus = Tus {
            url: http.address_like("write where files are made, like \"https://files.example/files/\"")?,
            token: http.secret(around)?,
            reads_back: self.read_back,
            offer: Arc::default(),
        };
        let keys = UploadKeys {
            http,
            prefix: self.prefix.as_deref(),
            thin: self.thin,
            clips: self.clips,
            piece_bytes: PIECE_BYTES,
        };
        Ok(Arc::new(keys.open("tus server", tus, around)?))
    }
}

/// What a server checks while it takes a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Checked {
    Sha256,
    Sha1,
    Nothing,
}

impl Checked {
    /// The best that a server names.
    fn of(names: &str) -> Self {
        let has = |name: &str| names.split(',').any(|one| one.trim() == name);
        if has("sha256") {
            return Self::Sha256;
        }
        if has("sha1") { Self::Sha1 } else { Self::Nothing }
    }

    fn header(self, bytes: &[u8]) -> Option<String> {
        let (name, algorithm) = match self {
            Self::Sha256 => ("sha256", &digest::SHA256),
            Self::Sha1 => ("sha1", &digest::SHA1_FOR_LEGACY_USE_ONLY),
            Self::Nothing => return None,
        };
        Some(format!("{name} {}", STANDARD.encode(digest::digest(algorithm, bytes))))
    }
}

/// Brings files over by tus.
#[derive(Clone)]
pub struct Tus {
    url: Url,
    token: Option<Secret>,
    reads_back: bool,
    /// What the server checks; none until it has said so.
    offer: Arc<Mutex<Option<Checked>>>,
}

impl fmt::Debug for Tus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tus").field("reads_back", &self.reads_back).finish_non_exhaustive()
    }
}

impl Carrier for Tus {
    fn passage(&self, facts: &Facts, kept: Option<String>) -> Box<dyn Passage> {
        let (tus, facts) = (self.clone(), facts.clone());
        Box::new(OneFile { tus, facts, place: kept, offset: 0, awaited: Awaited::Nothing })
    }
}

/// What was asked last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaited {
    Nothing,
    /// What the server can do.
    Offer,
    /// A place for the file.
    Place,
    /// How much of the file is there.
    Offset,
    /// A piece off the disk.
    Piece,
    /// That the server takes so many bytes.
    Taken(u64),
    /// The hash of what is there.
    Hash,
}

#[derive(Debug)]
struct OneFile {
    tus: Tus,
    facts: Facts,
    /// Where the server keeps it.
    place: Option<String>,
    /// How much of it is there.
    offset: u64,
    awaited: Awaited,
}

impl Passage for OneFile {
    fn next(&mut self, given: Given, _: WallTime) -> Step {
        match (std::mem::replace(&mut self.awaited, Awaited::Nothing), given) {
            (Awaited::Nothing, _) => self.begin(),
            (Awaited::Piece, Given::Bytes(bytes)) => self.send(bytes),
            (Awaited::Hash, Given::Document { status, bytes, sha256 }) => self.read_back(status, bytes, &sha256),
            (awaited, Given::Answer(answer)) => self.answered(awaited, &answer),
            _ => Step::Refused(Verdict::later("what was not asked was answered")),
        }
    }

    fn kept(&self) -> Option<String> {
        self.place.clone()
    }
}

impl OneFile {
    fn ask(&mut self, method: &'static str, url: &str, awaited: Awaited) -> Ask {
        self.awaited = awaited;
        let ask = Ask { method, ..Ask::get(url) }.with("tus-resumable", VERSION);
        match &self.tus.token {
            Some(token) => ask.with("authorization", format!("Bearer {}", token.expose())),
            None => ask,
        }
    }

    fn begin(&mut self) -> Step {
        if lock(&self.tus.offer).is_none() {
            let url = self.tus.url.to_string();
            return Step::Ask(self.ask("OPTIONS", &url, Awaited::Offer));
        }
        match self.place.clone() {
            Some(place) => Step::Ask(self.ask("HEAD", &place, Awaited::Offset)),
            None => self.create(),
        }
    }

    fn create(&mut self) -> Step {
        let (url, facts) = (self.tus.url.to_string(), self.facts.clone());
        let coded = |text: &str| STANDARD.encode(text);
        let metadata = format!(
            "filename {},filetype {},sha256 {}",
            coded(&facts.key),
            coded(facts.media_type),
            coded(&facts.sha256)
        );
        let ask = self.ask("POST", &url, Awaited::Place).with("upload-length", facts.bytes.to_string());
        Step::Ask(ask.with("upload-metadata", metadata))
    }

    fn answered(&mut self, awaited: Awaited, answer: &Answer) -> Step {
        let (status, is_good) = (answer.status, (200..300).contains(&answer.status));
        let told = answer.header("upload-offset").and_then(|text| text.trim().parse::<u64>().ok());
        match (awaited, told) {
            (Awaited::Offer, _) if is_good => self.offered(answer),
            (Awaited::Place, _) if is_good => self.placed(answer),
            (Awaited::Offset, Some(offset)) if is_good && offset <= self.facts.bytes => {
                self.offset = offset;
                self.go_on()
            }
            (Awaited::Taken(to), Some(offset)) if is_good && offset == to => {
                self.offset = offset;
                self.go_on()
            }
            (Awaited::Offset, _) if is_good || matches!(status, 403 | 404 | 410) => {
                // The server has forgotten it, or holds something else there.
                (self.place, self.offset) = (None, 0);
                self.create()
            }
            (Awaited::Taken(_), _) if matches!(status, 404 | 410) => self.begin(),
            // Another try has gone on meanwhile.
            (Awaited::Taken(_), _) if status == 409 => self.begin(),
            _ => Step::Refused(refusal(answer)),
        }
    }

    fn offered(&mut self, answer: &Answer) -> Step {
        let extensions = answer.header("tus-extension").unwrap_or_default();
        let has = |name: &str| extensions.split(',').any(|one| one.trim() == name);
        if answer.header("tus-version").is_none_or(|versions| !versions.contains(VERSION)) || !has("creation") {
            let why = "it does not speak tus 1.0.0 with the extension creation; look at `url`";
            return Step::Refused(Verdict::later(why));
        }
        let names = answer.header("tus-checksum-algorithm").unwrap_or_default();
        *lock(&self.tus.offer) = Some(if has("checksum") { Checked::of(names) } else { Checked::Nothing });
        self.begin()
    }

    /// The server has a place for the file, which must be its own: the token goes there, too.
    fn placed(&mut self, answer: &Answer) -> Step {
        let place = answer.header("location").and_then(|place| self.tus.url.join(place).ok());
        match place {
            Some(place) if place.origin() == self.tus.url.origin() => {
                (self.place, self.offset) = (Some(place.into()), 0);
                self.go_on()
            }
            Some(place) => {
                let elsewhere = place.host_str().unwrap_or_default();
                let why = format!(
                    "it sends files to {}://{elsewhere}, which is another address; let it answer with its own",
                    place.scheme()
                );
                Step::Refused(Verdict::later(why))
            }
            None => Step::Refused(Verdict::later("it does not say where it keeps the file")),
        }
    }

    fn go_on(&mut self) -> Step {
        let bytes = self.facts.bytes.saturating_sub(self.offset).min(PIECE_BYTES);
        if bytes > 0 {
            self.awaited = Awaited::Piece;
            return Step::Read { from: self.offset, bytes };
        }
        let is_checked = lock(&self.tus.offer).is_some_and(|checked| checked != Checked::Nothing);
        if is_checked || !self.tus.reads_back {
            return Step::There;
        }
        let place = self.place.clone().unwrap_or_default();
        Step::ReadBack(self.ask("GET", &place, Awaited::Hash))
    }

    fn send(&mut self, bytes: Vec<u8>) -> Step {
        let (place, offset) = (self.place.clone().unwrap_or_default(), self.offset);
        let sum = lock(&self.tus.offer).and_then(|checked| checked.header(&bytes));
        let ask = self.ask("PATCH", &place, Awaited::Taken(offset + bytes.len() as u64));
        let ask = ask.with("content-type", "application/offset+octet-stream").with("upload-offset", offset.to_string());
        let ask = match sum {
            Some(sum) => ask.with("upload-checksum", sum),
            None => ask,
        };
        Step::Ask(Ask { body: bytes, ..ask })
    }

    fn read_back(&mut self, status: u16, bytes: u64, sha256: &str) -> Step {
        if status != 200 {
            let why = format!(
                "status {status}: it checks no hashes and gives no file back, so that nobody knows what it holds; let it give \
                 files back, or leave that to it by read_back = false"
            );
            return Step::Refused(Verdict::later(why));
        }
        if (bytes, sha256) == (self.facts.bytes, self.facts.sha256.as_str()) {
            return Step::There;
        }
        // It begins anew.
        self.place = None;
        let why = format!("what it gave back are {bytes} bytes of hash {sha256}, and not what was sent");
        Step::Refused(Verdict::later(why))
    }
}

fn refusal(answer: &Answer) -> Verdict {
    let later = |what: &str| Verdict::later(with_words(answer, what));
    match answer.status {
        404 | 405 => later("no tus server takes files there; look at the path in `url`, most often /files/"),
        412 => later("it speaks another version of tus"),
        423 => later("somebody else writes this file"),
        460 => later("the piece was damaged on its way"),
        413 => Verdict::Never(with_words(answer, "the file is too large for it")),
        _ => match of_status(answer) {
            Verdict::Never(why) => Verdict::later(why),
            Verdict::Delivered => later("its answer says nothing of the file"),
            verdict @ Verdict::Later { .. } => verdict,
        },
    }
}
