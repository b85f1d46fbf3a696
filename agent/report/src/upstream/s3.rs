//! Evidence in a bucket of S3, or of a server that speaks as it does. Described for operators in `docs/recipients/s3.md`.
//!
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/>. A file goes in one piece, or in parts where it is large, of which
//! those that are there are not sent again. Each piece is checked by the server against `content-md5`, and what the server holds
//! then by its `etag`; the sha256 of the whole stands in its metadata.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use forewarn_base::hash::{hex, sha256_of_bytes};
use forewarn_base::http::{Answer, Ask};
use forewarn_base::setting::SettingError;
use forewarn_domain::WallTime;
use md5::{Digest as _, Md5};
use rusty_s3::actions::{CompleteMultipartUpload, CreateMultipartUpload, ListParts};
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle};

use super::Start;
use super::http::table::http_table;
use super::http::{Verdict, of_status};
use super::settings::{AdapterSettings, Surroundings, Usual};
use super::spending::Budget;
use super::upload::settings::{ClipsGo, UploadKeys};
use super::upload::{Carrier, Facts, Given, Passage, Step};

/// A question is signed for so long.
const SIGNED_FOR: Duration = Duration::from_hours(1);
/// Files up to this size go in one piece.
const WHOLE_BYTES: u64 = 8 << 20;
/// A part of a larger one; the least that there may be.
const PART_BYTES: u64 = 5 << 20;
/// Whether a file up to this size is there already is not asked: sending it costs as much.
const UNASKED_BYTES: u64 = 64 << 10;
/// The name of the metadata in which the sha256 of a file stands.
const META: &str = "x-amz-meta-sha256";

http_table! {
    @ "crate::upstream::upload::settings::default_timeout_s", "Seconds for a piece of 8 MiB and the answer, 1 to 3600.",
    /// A bucket as the site file describes it.
    pub struct S3Config {
        /// A file whose first line is the id of an access key, a blank, and its secret.
        secret;
        /// The bucket.
        pub bucket: String,
        /// Its region; what a server of one's own calls it, most often as it is here.
        #[serde(default = "usual_region")]
        pub region: String,
        /// Whether the bucket's name stands before the host's, as AWS wants it, and not in the path.
        #[serde(default)]
        pub virtual_host: bool,
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

fn usual_region() -> String {
    "us-east-1".to_owned()
}

impl AdapterSettings for S3Config {
    fn usual(&self) -> Usual {
        Usual::KEEPER
    }

    fn resolve_in(&self, around: Surroundings<'_>) -> Result<Arc<dyn Start>, SettingError> {
        let http = self.http();
        let style = if self.virtual_host { UrlStyle::VirtualHost } else { UrlStyle::Path };
        let url = http.address_like("write the server's address, like \"https://s3.example:9000\"")?;
        let no_bucket =
            |why: String| SettingError::value("bucket", why, "write the bucket's own name, like \"evidence\"");
        if self.bucket.is_empty() || !self.bucket.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
            return Err(no_bucket("its name has letters, digits, `-`, `_` and `.`".to_owned()));
        }
        let bucket = Bucket::new(url, style, self.bucket.clone(), self.region.clone());
        let bucket = bucket.map_err(|error| no_bucket(format!("it is none: {error}")))?;
        let missing = "write a file whose first line is \"ACCESS_KEY SECRET_KEY\"";
        let secret = http
            .secret(around)?
            .ok_or_else(|| SettingError::value("password_file", "nothing is taken without an access key", missing))?;
        let (key, secret) = secret.expose().split_once(' ').ok_or_else(|| {
            SettingError::value(http.secret_key(), "there are no two words separated by a blank", missing)
        })?;
        let credentials = Credentials::new(key, secret.trim());
        let carrier = S3 { bucket: Arc::new(bucket), credentials: Arc::new(credentials) };
        let keys = UploadKeys {
            http,
            prefix: self.prefix.as_deref(),
            thin: self.thin,
            clips: self.clips,
            piece_bytes: WHOLE_BYTES,
        };
        Ok(Arc::new(keys.open("S3 server", carrier, around)?))
    }
}

/// Brings files into a bucket.
#[derive(Clone)]
pub struct S3 {
    bucket: Arc<Bucket>,
    credentials: Arc<Credentials>,
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3").field("bucket", &self.bucket.name()).finish_non_exhaustive()
    }
}

impl Carrier for S3 {
    fn passage(&self, facts: &Facts, kept: Option<String>) -> Box<dyn Passage> {
        let (s3, facts) = (self.clone(), facts.clone());
        Box::new(OneFile { s3, facts, upload: kept, parts: Vec::new(), awaited: Awaited::Nothing })
    }
}

/// A part that the server has.
#[derive(Debug)]
struct Part {
    /// As the server names it.
    etag: String,
    /// Its hash, where the name is one.
    md5: Vec<u8>,
}

/// What was asked last.
#[derive(Debug, PartialEq, Eq)]
enum Awaited {
    Nothing,
    /// Whether the file is there.
    Presence,
    /// All of it off the disk.
    Whole,
    /// That the server takes all of it, of this hash.
    Taken(Vec<u8>),
    /// An upload in parts.
    Upload,
    /// Which parts are there.
    Parts,
    /// A part off the disk.
    Piece,
    /// That the server takes a part, of this hash.
    TakenPart(Vec<u8>),
    /// That it joins all parts.
    Joined,
}

#[derive(Debug)]
struct OneFile {
    s3: S3,
    facts: Facts,
    /// The upload in parts that was begun.
    upload: Option<String>,
    parts: Vec<Part>,
    awaited: Awaited,
}

impl Passage for OneFile {
    fn next(&mut self, given: Given, now: WallTime) -> Step {
        let awaited = std::mem::replace(&mut self.awaited, Awaited::Nothing);
        match (awaited, given) {
            (Awaited::Whole, Given::Bytes(bytes)) => self.put(bytes, now),
            (Awaited::Piece, Given::Bytes(bytes)) => self.put_part(bytes, now),
            (Awaited::Nothing, _) => self.begin(now),
            (awaited, Given::Answer(answer)) => self.answered(awaited, &answer, now),
            _ => Step::Refused(Verdict::later("what was not asked was answered")),
        }
    }

    fn kept(&self) -> Option<String> {
        self.upload.clone()
    }
}

impl OneFile {
    fn begin(&mut self, now: WallTime) -> Step {
        match &self.upload {
            Some(upload) => {
                self.awaited = Awaited::Parts;
                let action = ListParts::new(&self.s3.bucket, Some(&self.s3.credentials), &self.facts.key, upload);
                Step::Ask(Ask::get(signed(&action, now)))
            }
            None if self.facts.bytes <= UNASKED_BYTES => self.read_whole(),
            None => {
                self.awaited = Awaited::Presence;
                let action = self.s3.bucket.head_object(Some(&self.s3.credentials), &self.facts.key);
                Step::Ask(Ask { method: "HEAD", ..Ask::get(signed(&action, now)) })
            }
        }
    }

    fn answered(&mut self, awaited: Awaited, answer: &Answer, now: WallTime) -> Step {
        let is_unknown = answer.status == 404 && said(answer).is_none_or(|code| code != "NoSuchBucket");
        match awaited {
            Awaited::Presence if is_unknown => self.send(now),
            Awaited::Parts | Awaited::TakenPart(_) | Awaited::Joined if is_unknown && self.upload.is_some() => {
                // It was joined by an earlier try, or the server has forgotten it.
                (self.upload, self.parts) = (None, Vec::new());
                self.begin(now)
            }
            _ if !(200..300).contains(&answer.status) => Step::Refused(refusal(answer)),
            Awaited::Presence if self.is_there(answer) => Step::There,
            Awaited::Presence => self.send(now),
            Awaited::Taken(md5) => proven(answer, &hex(&md5)).map_or(Step::There, Step::Refused),
            Awaited::TakenPart(md5) => {
                if let Some(why) = proven(answer, &hex(&md5)) {
                    return Step::Refused(why);
                }
                let etag = answer.header("etag").unwrap_or_default().trim_matches('"').to_owned();
                self.parts.push(Part { etag, md5 });
                self.next_part(now)
            }
            Awaited::Upload => self.begun(answer),
            Awaited::Parts => self.listed(answer, now),
            Awaited::Joined => self.joined(answer),
            Awaited::Nothing | Awaited::Whole | Awaited::Piece => {
                Step::Refused(Verdict::later("what was not asked was answered"))
            }
        }
    }

    fn is_there(&self, answer: &Answer) -> bool {
        let size = answer.header("content-length").and_then(|text| text.parse().ok());
        answer.header(META) == Some(&self.facts.sha256) && size == Some(self.facts.bytes)
    }

    fn send(&mut self, now: WallTime) -> Step {
        if self.facts.bytes <= WHOLE_BYTES {
            return self.read_whole();
        }
        let mut action = CreateMultipartUpload::new(&self.s3.bucket, Some(&self.s3.credentials), &self.facts.key);
        action.headers_mut().insert(META, &self.facts.sha256);
        let ask = Ask::post(signed(&action, now), self.facts.media_type, Vec::new()).with(META, &self.facts.sha256);
        self.awaited = Awaited::Upload;
        Step::Ask(ask)
    }

    fn read_whole(&mut self) -> Step {
        self.awaited = Awaited::Whole;
        Step::Read { from: 0, bytes: self.facts.bytes }
    }

    fn put(&mut self, bytes: Vec<u8>, now: WallTime) -> Step {
        if sha256_of_bytes(&bytes) != self.facts.sha256 {
            return Step::Refused(Verdict::later("it was exchanged meanwhile"));
        }
        let (md5, sha256) = (Md5::digest(&bytes).to_vec(), &self.facts.sha256);
        let coded = STANDARD.encode(&md5);
        let mut action = self.s3.bucket.put_object(Some(&self.s3.credentials), &self.facts.key);
        action.headers_mut().insert("content-md5", coded.as_str());
        action.headers_mut().insert(META, sha256);
        let ask = Ask::post(signed(&action, now), self.facts.media_type, bytes);
        self.awaited = Awaited::Taken(md5);
        Step::Ask(Ask { method: "PUT", ..ask }.with("content-md5", coded).with(META, sha256))
    }

    fn next_part(&mut self, now: WallTime) -> Step {
        let from = self.parts.len() as u64 * PART_BYTES;
        let bytes = self.facts.bytes.saturating_sub(from).min(PART_BYTES);
        if bytes > 0 {
            self.awaited = Awaited::Piece;
            return Step::Read { from, bytes };
        }
        let etags = self.parts.iter().map(|part| part.etag.as_str());
        let (bucket, credentials) = (&self.s3.bucket, Some(&*self.s3.credentials));
        let upload = self.upload.as_deref().unwrap_or_default();
        let action = CompleteMultipartUpload::new(bucket, credentials, &self.facts.key, upload, etags);
        let url = signed(&action, now);
        self.awaited = Awaited::Joined;
        Step::Ask(Ask::post(url, "application/xml", action.body()))
    }

    fn put_part(&mut self, bytes: Vec<u8>, now: WallTime) -> Step {
        let md5 = Md5::digest(&bytes).to_vec();
        let coded = STANDARD.encode(&md5);
        let (credentials, number) = (Some(&*self.s3.credentials), self.parts.len() as u16 + 1);
        let upload = self.upload.as_deref().unwrap_or_default();
        let mut action = self.s3.bucket.upload_part(credentials, &self.facts.key, number, upload);
        action.headers_mut().insert("content-md5", coded.as_str());
        let ask = Ask::post(signed(&action, now), "application/octet-stream", bytes);
        self.awaited = Awaited::TakenPart(md5);
        Step::Ask(Ask { method: "PUT", ..ask }.with("content-md5", coded))
    }

    /// The upload has begun.
    fn begun(&mut self, answer: &Answer) -> Step {
        match CreateMultipartUpload::parse_response(&String::from_utf8_lossy(&answer.body)) {
            Ok(begun) => {
                self.upload = Some(begun.upload_id().to_owned());
                self.awaited = Awaited::Piece;
                Step::Read { from: 0, bytes: PART_BYTES }
            }
            Err(error) => Step::Refused(Verdict::later(format!("it began no upload in parts: {error}"))),
        }
    }

    /// The parts that are there, up to the first that is not or is not whole.
    fn listed(&mut self, answer: &Answer, now: WallTime) -> Step {
        self.parts.clear();
        for (number, size, etag) in parts_of(&String::from_utf8_lossy(&answer.body)) {
            let from = self.parts.len() as u64 * PART_BYTES;
            let bytes = self.facts.bytes.saturating_sub(from).min(PART_BYTES);
            if (number, size) != (self.parts.len() + 1, bytes) {
                break;
            }
            let md5 = of_hex(&etag).unwrap_or_default();
            self.parts.push(Part { etag, md5 });
        }
        self.next_part(now)
    }

    /// All parts are one file: its name is the hash of their hashes, where they are hashes.
    fn joined(&mut self, answer: &Answer) -> Step {
        let text = String::from_utf8_lossy(&answer.body);
        let Some(etag) = between(&text, "<ETag>", "</ETag>") else { return Step::Refused(refusal(answer)) };
        let etag = unquoted(etag);
        let all: Vec<u8> = self.parts.iter().flat_map(|part| part.md5.iter().copied()).collect();
        let expected = format!("{}-{}", hex(&Md5::digest(&all)), self.parts.len());
        if all.len() == self.parts.len() * 16 && etag != expected {
            self.upload = None;
            return Step::Refused(Verdict::later(format!(
                "what it holds has the hash {etag}, and should have {expected}"
            )));
        }
        Step::There
    }
}

fn signed<'a>(action: &impl S3Action<'a>, now: WallTime) -> String {
    // The clock shows no time that is out of the calendar.
    let at = jiff::Timestamp::from_microsecond(now.as_micros()).unwrap_or_default();
    action.sign_with_time(SIGNED_FOR, &at).into()
}

/// Why what the server holds is not known to be what was sent; none where its hash is that, or where the server ciphers what it
/// holds, so that its name is no hash: then it has checked `content-md5` itself.
fn proven(answer: &Answer, md5: &str) -> Option<Verdict> {
    let etag = answer.header("etag").unwrap_or_default().trim_matches('"');
    let is_ciphered = answer.header("x-amz-server-side-encryption").is_some_and(|how| how.starts_with("aws:kms"));
    let is_it = etag.eq_ignore_ascii_case(md5) || is_ciphered;
    (!is_it).then(|| Verdict::later(format!("what it holds has the hash \"{etag}\", and should have {md5}")))
}

/// Number, size and name of each part in a list. Servers differ in how they call the list, so only what stands in it is read.
fn parts_of(list: &str) -> Vec<(usize, u64, String)> {
    let part = |text: &str| {
        let etag = unquoted(between(text, "<ETag>", "</ETag>")?);
        let number = between(text, "<PartNumber>", "</PartNumber>")?.parse().ok()?;
        Some((number, between(text, "<Size>", "</Size>")?.parse().ok()?, etag))
    };
    list.split("<Part>").skip(1).filter_map(part).collect()
}

fn unquoted(etag: &str) -> String {
    etag.replace("&quot;", "\"").trim_matches('"').to_owned()
}

/// The code of an error.
fn said(answer: &Answer) -> Option<String> {
    between(&String::from_utf8_lossy(&answer.body), "<Code>", "</Code>").map(str::to_owned)
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    text.split_once(from)?.1.split_once(to).map(|(inside, _)| inside)
}

fn of_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |i: usize| u8::from_str_radix(text.get(i..i + 2)?, 16).ok();
    (text.len() == 32).then(|| (0..16).map(|i| digit(2 * i)).collect())?
}

/// What a refusal means. Source: "Error responses".
fn refusal(answer: &Answer) -> Verdict {
    let code = said(answer).unwrap_or_default();
    let later = |what: &str| Verdict::later(format!("status {}, {code}: {what}", answer.status));
    match code.as_str() {
        "NoSuchBucket" => later("there is no such bucket; make it, or look at `bucket` and `url`"),
        "InvalidAccessKeyId" => later("it does not know the access key; look at the secret's file"),
        "SignatureDoesNotMatch" => later("the secret key is another one; look at the secret's file and at `region`"),
        "AccessDenied" => {
            later("the access key may not write there; let it put objects, list parts and look at objects")
        }
        "RequestTimeTooSkewed" => later("its clock and that of this box differ by minutes; set this one"),
        "AuthorizationHeaderMalformed" | "PermanentRedirect" => {
            later("the bucket is elsewhere; look at `region` and `url`")
        }
        "EntityTooLarge" => Verdict::Never(format!("status {}, {code}: the file is too large for it", answer.status)),
        "" if matches!(answer.status, 404 | 405) => later("no S3 server answers there; look at `url`"),
        "" => match of_status(answer) {
            Verdict::Never(why) => Verdict::later(why),
            verdict => verdict,
        },
        _ => later("it cannot take it now"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_however_the_list_is_called() {
        let part = "<Part><PartNumber>1</PartNumber><ETag>&quot;4f08&quot;</ETag><Size>5242880</Size></Part>";
        for name in ["ListPartsResult", "ListPartsResponse"] {
            let list = format!("<{name}><MaxParts>1000</MaxParts>{part}<Part><Size>1</Size></Part></{name}>");
            assert_eq!(parts_of(&list), [(1, PART_BYTES, "4f08".to_owned())]);
        }
        assert!(parts_of("").is_empty());
    }

    #[test]
    fn a_hash_is_proven_by_the_name_or_by_a_server_that_ciphers() {
        let of = |headers: &[(&str, &str)]| {
            let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            proven(&Answer { status: 200, headers, body: Vec::new() }, "aa").is_none()
        };
        assert!(of(&[("etag", "\"AA\"")]) && of(&[("etag", "x"), ("x-amz-server-side-encryption", "aws:kms")]));
        assert!(!of(&[]) && !of(&[("etag", "\"ab\"")]) && !of(&[("x-amz-server-side-encryption", "AES256")]));
    }
}
