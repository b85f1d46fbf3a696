//! Tokens for programs: each with a role, what it is for, and an end. What is kept is a fingerprint, so that the file is of no
//! use to whoever reads it.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use forewarn_base::durable;
use forewarn_domain::WallTime;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::name::{LONGEST_NAME, is_name};
use super::reach::{Reach, ReachError};
use super::{Role, random};

/// Tokens at most.
const MOST: usize = 200;
/// What tokens begin with, by which people and scanners of secrets know them.
const MARK: &str = "fwt_";
/// The longest life.
const MOST_DAYS: u32 = 3650;

/// Something about a token cannot be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    /// The file.
    #[error("failed to {what} {}: {source}", path.display())]
    File { what: &'static str, path: PathBuf, source: io::Error },
    /// What stands in it.
    #[error("failed to read {}: {source}; fix it, or delete it, which ends all tokens", path.display())]
    Damaged { path: PathBuf, source: serde_json::Error },
    /// The name.
    #[error(
        "a token's name has 1 to {LONGEST_NAME} Latin letters, figures, `.`, `-` or `_`, and begins with a letter or a figure"
    )]
    Name,
    /// It is taken.
    #[error("there is a token {0} already")]
    Taken(String),
    /// It is not there.
    #[error("there is no token {0}")]
    Unknown(String),
    /// Too many.
    #[error("there are {MOST} tokens already; delete one first")]
    TooMany,
    /// It is good for nothing.
    #[error("name what the token is for, such as `incidents:read`")]
    NoScope,
    /// The cameras.
    #[error(transparent)]
    Reach(#[from] ReachError),
    /// It would not end.
    #[error("a token lasts 1 to {MOST_DAYS} days")]
    Days,
}

/// What tokens can be for: the first word of a path below `/api/v1`.
pub(crate) const SUBJECTS: [&str; 10] =
    ["incidents", "suppressions", "cameras", "live", "health", "events", "site", "speakers", "commands", "stats"];

/// The part of a path below a camera at which sessions of WebRTC are offered.
const WHEP: &str = "whep";

/// A subject that a token may read, or also change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Scope {
    subject: &'static str,
    is_writing: bool,
}

impl Scope {
    /// Whether it lets somebody do this. Whoever may change something may read it.
    fn lets(self, path: &str, changes: bool) -> bool {
        let mut parts = path.strip_prefix("/api/v1/").unwrap_or_default().split('/');
        // Whoever may look live may do so over WebRTC, where an offer of a session is posted and nothing is changed.
        let (of, changes) = match (parts.next(), parts.nth(1)) {
            (Some("cameras"), Some(WHEP)) => (Some("live"), false),
            (of, _) => (of, changes),
        };
        of == Some(self.subject) && (self.is_writing || !changes)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.subject, if self.is_writing { "write" } else { "read" })
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (subject, deed) = text.split_once(':').unwrap_or((text, ""));
        let subject = SUBJECTS.into_iter().find(|known| *known == subject);
        match (subject, deed) {
            (Some(subject), "read" | "write") => Ok(Self { subject, is_writing: deed == "write" }),
            _ => Err(format!("`{text}` is no scope; there are {} with `:read` or `:write`", SUBJECTS.join(", "))),
        }
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// One token, without what makes it one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Token {
    /// Its name.
    pub name: String,
    /// What it may do at most.
    pub role: Role,
    /// What it is for.
    pub scopes: Vec<Scope>,
    /// Who made it.
    pub made_by: String,
    /// When, RFC 3339 in UTC.
    pub created_at: String,
    /// When it ends, in seconds since 1970; a program must be given another one by then.
    pub ends_at_s: i64,
    /// The cameras that it reaches.
    #[serde(default, skip_serializing_if = "Reach::is_all")]
    pub cameras: Reach,
    fingerprint: String,
}

impl Token {
    /// Whether it is for this.
    pub(crate) fn lets(&self, path: &str, changes: bool) -> bool {
        self.scopes.iter().any(|scope| scope.lets(path, changes))
    }
}

/// What somebody wants a token to be.
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = WantedToken))]
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Its name.
    pub name: String,
    /// What it may do at most.
    pub role: Role,
    /// What it is for.
    #[cfg_attr(test, schema(value_type = Vec<String>, min_items = 1))]
    pub scopes: Vec<Scope>,
    /// How long it lasts.
    #[cfg_attr(test, schema(minimum = 1, maximum = 3650))]
    pub days: u32,
    /// The cameras that it reaches; all where nothing is said.
    #[serde(default)]
    pub cameras: Reach,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Content {
    tokens: Vec<Token>,
}

/// The tokens as they stand in their file.
#[derive(Debug)]
pub(crate) struct Tokens {
    path: PathBuf,
    list: Vec<Token>,
}

impl Tokens {
    /// Reads them; there are none where there is no file.
    pub(crate) fn read(path: &Path) -> Result<Self, TokenError> {
        let content = match fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|source| TokenError::Damaged { path: path.to_owned(), source })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Content::default(),
            Err(source) => return Err(TokenError::File { what: "read", path: path.to_owned(), source }),
        };
        Ok(Self { path: path.to_owned(), list: content.tokens })
    }

    pub(crate) fn all(&self) -> &[Token] {
        &self.list
    }

    /// Makes one. What it is, which is told once and never again.
    pub(crate) fn add(&mut self, wanted: Wanted, made_by: &str, now: WallTime) -> Result<String, TokenError> {
        let Wanted { name, role, mut scopes, days, cameras } = wanted;
        if !is_name(&name) {
            return Err(TokenError::Name);
        }
        if self.list.iter().any(|token| token.name == name) {
            return Err(TokenError::Taken(name));
        }
        if self.list.len() >= MOST {
            return Err(TokenError::TooMany);
        }
        scopes.sort_unstable();
        scopes.dedup();
        if scopes.is_empty() {
            return Err(TokenError::NoScope);
        }
        if !(1..=MOST_DAYS).contains(&days) {
            return Err(TokenError::Days);
        }
        cameras.check(role)?;
        let secret = format!("{MARK}{}", random::token());
        let ends_at_s = seconds(now) + Duration::from_hours(24 * u64::from(days)).as_secs() as i64;
        let (created_at, fingerprint) = (now.to_rfc3339(), random::fingerprint(&secret));
        let mut list = self.list.clone();
        let made_by = made_by.to_owned();
        list.push(Token { name, role, scopes, made_by, created_at, ends_at_s, cameras, fingerprint });
        self.keep(list)?;
        Ok(secret)
    }

    /// The token that this is, unless it has ended.
    pub(crate) fn of(&self, secret: &str, now: WallTime) -> Option<&Token> {
        let fingerprint = random::fingerprint(secret);
        self.list.iter().find(|token| token.fingerprint == fingerprint && seconds(now) < token.ends_at_s)
    }

    /// Deletes one.
    pub(crate) fn remove(&mut self, name: &str) -> Result<(), TokenError> {
        if self.list.iter().all(|token| token.name != name) {
            return Err(TokenError::Unknown(name.to_owned()));
        }
        let left = self.list.iter().filter(|token| token.name != name).cloned().collect();
        self.keep(left)
    }

    /// Deletes those that somebody made.
    pub(crate) fn remove_all_of(&mut self, maker: &str) -> Result<(), TokenError> {
        let left: Vec<Token> = self.list.iter().filter(|token| token.made_by != maker).cloned().collect();
        if left.len() == self.list.len() { Ok(()) } else { self.keep(left) }
    }

    fn keep(&mut self, list: Vec<Token>) -> Result<(), TokenError> {
        let content = Content { tokens: list };
        let write = || durable::replace(&self.path, &serde_json::to_vec_pretty(&content)?);
        write().map_err(|source| TokenError::File { what: "write", path: self.path.clone(), source })?;
        self.list = content.tokens;
        Ok(())
    }
}

fn seconds(at: WallTime) -> i64 {
    at.as_secs_f64() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(name: &str, scopes: &[&str], days: u32) -> Wanted {
        let scopes = scopes.iter().map(|scope| scope.parse().unwrap()).collect();
        Wanted { name: name.to_owned(), role: Role::Operator, scopes, days, cameras: Reach::ALL }
    }

    fn at(days: i64) -> WallTime {
        WallTime::from_micros(days * 86_400_000_000)
    }

    #[test]
    fn a_token_is_for_what_it_says_until_it_ends() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tokens.json");
        let mut tokens = Tokens::read(&path).unwrap();
        let secret = tokens.add(wanted("wall", &["incidents:write", "cameras:read"], 30), "ann", at(10)).unwrap();
        assert!(secret.starts_with("fwt_") && secret.len() == 68);
        let kept = fs::read_to_string(&path).unwrap();
        assert!(kept.contains("incidents:write") && !kept.contains(&secret[4..]), "{kept}");
        let tokens = Tokens::read(&path).unwrap();
        let token = tokens.of(&secret, at(39)).unwrap();
        for (path, changes, lets) in [
            ("/api/v1/incidents/7/opinion", true, true),
            ("/api/v1/incidents", false, true),
            ("/api/v1/cameras", false, true),
            ("/api/v1/cameras/gate/drawing", true, false),
            ("/api/v1/accounts", false, false),
            ("/api/v1/incidentsother", false, false),
            ("/incidents", false, false),
        ] {
            assert_eq!(token.lets(path, changes), lets, "{path}");
        }
        assert!(tokens.of(&secret, at(40)).is_none(), "it has ended");
        assert!(tokens.of("fwt_", at(11)).is_none() && tokens.of("", at(11)).is_none());
    }

    #[test]
    fn what_makes_no_token_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let mut tokens = Tokens::read(&dir.path().join("tokens.json")).unwrap();
        let mut add = |wanted| tokens.add(wanted, "ann", at(0)).map(|_| ()).map_err(|error| error.to_string());
        assert!(add(wanted("a b", &["live:read"], 1)).unwrap_err().contains("letters"));
        assert!(add(wanted("..", &["live:read"], 1)).unwrap_err().contains("begins with"));
        assert!(add(wanted("a", &[], 1)).unwrap_err().contains("incidents:read"));
        assert!(add(wanted("a", &["live:read"], 0)).unwrap_err().contains("1 to 3650 days"));
        add(wanted("a", &["live:read"], 1)).unwrap();
        assert!(add(wanted("a", &["live:read"], 1)).unwrap_err().contains("already"));
        assert!("accounts:write".parse::<Scope>().unwrap_err().contains("incidents, suppressions"));
        assert!(tokens.remove("b").is_err());
        tokens.remove_all_of("bob").unwrap();
        assert_eq!(tokens.all().len(), 1);
        tokens.remove_all_of("ann").unwrap();
        assert!(tokens.all().is_empty());
    }
}
