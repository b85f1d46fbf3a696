//! Who is let in: whoever knows the secret, for this site, in time, and once. Pure.

use std::collections::BTreeMap;
use std::fmt;

use forewarn_base::secret::Secret;
use forewarn_domain::WallTime;
use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::command::Command;
use crate::reply::Outcome;

/// The longest message.
const MOST_BYTES: usize = 16 << 10;
/// The longest id, and the longest name of who asks.
const MOST_CHARS: usize = 64;
/// A command may expire so far ahead; its id is remembered until then.
pub(crate) const MOST_AHEAD_S: i64 = 600;
/// Ids that are remembered at a time.
const MOST_SEEN: usize = 2_000;
/// Hexadecimal digits of a signature.
const DIGITS: usize = 64;

/// Why a command is not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is no command.
    #[error("this is no command: {0}; docs/commands.md says how one is written")]
    NoCommand(String),
    /// Its signature is not made with this secret.
    #[error(
        "its signature is not that of the shared secret: sign the text behind the space, byte for byte, with HMAC-SHA256 and the \
         first line of the secret's file, without the line's end"
    )]
    Forged,
    /// The broker had kept it.
    #[error(
        "the broker had kept it, and nobody knows for how long: publish commands without the retain flag, and clear the topic"
    )]
    Retained,
    /// It is for another site.
    #[error("it is for the site {0}: send it to that one's topic")]
    OtherSite(String),
    /// It has expired.
    #[error("it expired {0} s ago: check both clocks, and send a new one")]
    Expired(i64),
    /// It expires too late.
    #[error(
        "it expires in {0} s, and at most {MOST_AHEAD_S} s are taken: `expires_s` is in seconds since the Unix epoch"
    )]
    TooFarAhead(i64),
    /// What came in its time is not known any more.
    #[error("whether it was here before is not known any more: send one with a new id that expires later")]
    Forgotten,
    /// It was let in before.
    #[error("a command of this id was here before, and {0}: each is done once; to ask again, send one with a new id")]
    Seen(&'static str),
    /// It waited for others to be done.
    #[error("it waited {0} s for what was asked before: ask again")]
    Late(u64),
    /// Too many are remembered.
    #[error("more than {MOST_SEEN} commands came within ten minutes: send fewer")]
    TooMany,
}

/// What is remembered of a command that was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// When it expires, and may be forgotten.
    pub expires_s: i64,
    /// What became of it; none while that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
}

/// What a gate remembers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// The commands that were let in and have not expired, by their ids.
    #[serde(default)]
    pub seen: BTreeMap<String, Seen>,
    /// Commands that expire by then may have been let in and forgotten, though a clock that was set back calls them valid.
    #[serde(default)]
    pub forgotten_s: i64,
}

impl Memory {
    /// Of nothing, though commands may have been let in until now.
    pub fn lost(now: WallTime) -> Self {
        Self { seen: BTreeMap::new(), forgotten_s: seconds(now).saturating_add(MOST_AHEAD_S) }
    }
}

/// A message that was not let in.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// Why.
    pub refusal: Refusal,
    /// The command, where it is known who sent it.
    pub command: Option<Box<Command>>,
    /// The id that it bears, whoever sent it.
    pub id: Option<String>,
}

/// Lets commands in.
pub struct Gate {
    /// None where no secret is shared, and nobody is let in.
    key: Option<hmac::Key>,
    site: String,
    memory: Memory,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("site", &self.site).field("memory", &self.memory).finish_non_exhaustive()
    }
}

impl Gate {
    /// For commands of a site that are signed with a secret, with what an earlier gate remembered.
    pub fn new(secret: Option<&Secret>, site: &str, memory: Memory) -> Self {
        let key = secret.map(|secret| hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes()));
        Self { key, site: site.to_owned(), memory }
    }

    /// What must be known after a restart.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Lets a command in that is to be done. Before it is, [`Gate::memory`] must be on the disk.
    pub fn admit(&mut self, message: &[u8], is_retained: bool, now: WallTime) -> Result<Command, Refused> {
        let (id, read) = self.read(message);
        let refused = |refusal, command| Refused { refusal, command, id };
        match read {
            Err(refusal) => Err(refused(refusal, None)),
            Ok(command) => match self.judge(&command, is_retained, seconds(now)) {
                Ok(()) => Ok(command),
                Err(refusal) => Err(refused(refusal, Some(Box::new(command)))),
            },
        }
    }

    /// Notes what became of a command.
    pub fn settle(&mut self, id: &str, outcome: Outcome) {
        if let Some(seen) = self.memory.seen.get_mut(id) {
            seen.outcome = Some(outcome);
        }
    }

    /// The id of a message, and its command if it was signed with the secret.
    fn read(&self, message: &[u8]) -> (Option<String>, Result<Command, Refusal>) {
        let no_command = |why: String| (None, Err(Refusal::NoCommand(why)));
        if message.len() > MOST_BYTES {
            return no_command(format!("it has {} bytes, and at most {MOST_BYTES} are taken", message.len()));
        }
        let text = std::str::from_utf8(message).map(str::trim_end);
        let Some((digits, text)) =
            text.ok().and_then(|text| text.split_once(' ')).filter(|(digits, _)| digits.len() == DIGITS)
        else {
            return no_command(format!("it does not begin with the {DIGITS} digits of a signature and a space"));
        };
        let parsed = serde_json::from_str::<serde_json::Value>(text).unwrap_or_default();
        let id = parsed.get("id").and_then(|id| id.as_str()).filter(|id| is_fit(id)).map(str::to_owned);
        let tag = self.key.as_ref().zip(bytes_of(digits));
        let is_signed = tag.is_some_and(|(key, tag)| hmac::verify(key, text.as_bytes(), &tag).is_ok());
        if !is_signed {
            return (id, Err(Refusal::Forged));
        }
        let n_asked = parsed.get("ask").and_then(|ask| ask.as_object()).map_or(1, serde_json::Map::len);
        if n_asked != 1 {
            let such = r#"{"look": {"camera": "gate"}}"#;
            let why = format!("`ask` holds the one thing that is asked, such as {such}, and here it holds {n_asked}");
            return (id, Err(Refusal::NoCommand(why)));
        }
        let command = serde_json::from_str::<Command>(text).map_err(|error| Refusal::NoCommand(error.to_string()));
        let fit = command.and_then(|command| {
            let unfit = [("id", &command.id), ("by", &command.by)].into_iter().find(|(_, text)| !is_fit(text));
            let Some((key, _)) = unfit else { return Ok(command) };
            Err(Refusal::NoCommand(format!("`{key}` must have 1 to {MOST_CHARS} printable characters")))
        });
        (id, fit)
    }

    fn judge(&mut self, command: &Command, is_retained: bool, now_s: i64) -> Result<(), Refusal> {
        self.forget(now_s);
        if command.site != self.site {
            return Err(Refusal::OtherSite(command.site.clone()));
        }
        if let Some(seen) = self.memory.seen.get(&command.id) {
            return Err(Refusal::Seen(match seen.outcome {
                Some(Outcome::Done) => "was done",
                Some(_) => "could not be done",
                None => "the agent stopped before it was known what came of it",
            }));
        }
        if is_retained {
            return Err(Refusal::Retained);
        }
        let ahead_s = command.expires_s.saturating_sub(now_s);
        match ahead_s {
            ..=0 => return Err(Refusal::Expired(ahead_s.saturating_neg())),
            1..=MOST_AHEAD_S if command.expires_s <= self.memory.forgotten_s => return Err(Refusal::Forgotten),
            1..=MOST_AHEAD_S => {}
            _ => return Err(Refusal::TooFarAhead(ahead_s)),
        }
        if self.memory.seen.len() >= MOST_SEEN {
            return Err(Refusal::TooMany);
        }
        self.memory.seen.insert(command.id.clone(), Seen { expires_s: command.expires_s, outcome: None });
        Ok(())
    }

    /// Forgets what has expired, and that it did.
    fn forget(&mut self, now_s: i64) {
        let Memory { seen, forgotten_s } = &mut self.memory;
        let expired = seen.extract_if(.., |_, seen| seen.expires_s <= now_s);
        *forgotten_s = expired.map(|(_, seen)| seen.expires_s).fold(*forgotten_s, i64::max);
    }
}

fn seconds(now: WallTime) -> i64 {
    now.as_micros().div_euclid(1_000_000)
}

fn is_fit(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= MOST_CHARS && !text.chars().any(char::is_control)
}

/// The bytes of a signature.
fn bytes_of(digits: &str) -> Option<Vec<u8>> {
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.as_bytes().chunks(2).map(pair).collect()
}
