//! What the templates of devices are written in: texts with placeholders, and patterns of answers.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use forewarn_domain::violation::Language;
use forewarn_domain::{Announcement, FailureKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::PlayError;
use super::programme::Programme;
use crate::xml;
use forewarn_base::random::random;

/// The placeholders that every announcement fills.
const KNOWN: [&str; 7] = ["text", "language", "clip", "incident", "attempt", "announcement", "nonce"];

/// What the placeholders stand for.
pub(super) type Words = BTreeMap<String, String>;

/// How a value is written where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escape {
    /// As it is.
    Plain,
    /// In an address or a form.
    Url,
    /// Inside a string of JSON.
    Json,
    /// In the text of an XML element, or an attribute.
    Xml,
}

impl Escape {
    /// That of a media type.
    pub(super) fn of(media_type: &str) -> Self {
        let kind = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match kind.as_str() {
            "application/x-www-form-urlencoded" => Self::Url,
            _ if kind.ends_with("json") => Self::Json,
            _ if kind.ends_with("xml") => Self::Xml,
            _ => Self::Plain,
        }
    }

    fn write(self, value: &str) -> String {
        match self {
            Self::Plain => value.to_owned(),
            Self::Url => value.bytes().fold(String::new(), |mut out, byte| {
                let is_plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
                let _ = if is_plain { write!(out, "{}", char::from(byte)) } else { write!(out, "%{byte:02X}") };
                out
            }),
            Self::Json => {
                let quoted = serde_json::Value::from(value).to_string();
                quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
            }
            Self::Xml => xml::escaped(value),
        }
    }
}

/// The pieces of a text: what stands there, and the names of placeholders.
fn pieces(text: &str) -> Vec<(&str, Option<&str>)> {
    let (mut found, mut rest) = (Vec::new(), text);
    let mut from = 0;
    while let Some(open) = rest[from..].find('{').map(|at| from + at) {
        let name = rest[open + 1..].split('}').next().unwrap_or_default();
        let is_name =
            !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if is_name && rest[open + 1 + name.len()..].starts_with('}') {
            found.push((&rest[..open], Some(name)));
            (rest, from) = (&rest[open + name.len() + 2..], 0);
        } else {
            from = open + 1;
        }
    }
    found.push((rest, None));
    found
}

/// The names of a text's placeholders.
pub(super) fn names(text: &str) -> impl Iterator<Item = &str> {
    pieces(text).into_iter().filter_map(|(_, name)| name)
}

/// The first placeholder of a text that nothing fills.
pub(super) fn unknown<'t>(text: &'t str, own: &Words) -> Option<&'t str> {
    names(text).find(|name| !KNOWN.contains(name) && !own.contains_key(*name))
}

/// The text with what its placeholders stand for; a name for which there is nothing stays empty.
pub(super) fn fill(text: &str, words: &Words, escape: Escape) -> String {
    let mut filled = String::new();
    for (plain, name) in pieces(text) {
        filled.push_str(plain);
        if let Some(value) = name.and_then(|name| words.get(name)) {
            filled.push_str(&escape.write(value));
        }
    }
    filled
}

/// An announcement lacks what a template asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Lack {
    #[error("no clip of the device stands for {what}; add it to `clips`, or set `clip` for all that have none")]
    Clip { what: String },
    #[error("the announcement has no words and the template says some; give the violation a text")]
    Text,
}

impl From<Lack> for PlayError {
    fn from(lack: Lack) -> Self {
        Self::device(FailureKind::Misconfigured, lack)
    }
}

/// The device's clips by the sound files of violations, and the one for everything else.
#[derive(Debug, Clone, Default)]
pub(super) struct Clips {
    pub(super) by_file: BTreeMap<String, String>,
    pub(super) otherwise: Option<String>,
}

impl Clips {
    pub(super) fn is_empty(&self) -> bool {
        self.by_file.is_empty() && self.otherwise.is_none()
    }

    /// The words of an announcement for these texts; an error where they ask for what it does not have.
    pub(super) fn words(
        &self,
        own: &Words,
        announcement: &Announcement,
        programme: &Programme<'_>,
        texts: &[&str],
    ) -> Result<Words, Lack> {
        let asks = |what: &str| texts.iter().any(|text| names(text).any(|name| name == what));
        let clip = programme.clip(&self.by_file).or(self.otherwise.as_ref());
        if asks("clip") && clip.is_none() {
            let what = announcement.audio.as_ref().map_or_else(|| "a text".to_owned(), |file| format!("\"{file}\""));
            return Err(Lack::Clip { what });
        }
        if asks("text") && programme.text().is_none() {
            return Err(Lack::Text);
        }
        Ok(words_of(own, announcement, programme, clip))
    }
}

/// The words of one announcement beside those of the site and the template. `nonce` differs from every other time.
fn words_of(own: &Words, announcement: &Announcement, programme: &Programme<'_>, clip: Option<&String>) -> Words {
    let mut words = own.clone();
    let language = match announcement.text.language {
        Language::En => "en",
        Language::Zh => "zh",
    };
    let text = programme.text().map(|spoken| spoken.text).unwrap_or_default();
    let nonce = format!("{:016x}", random());
    let values = [
        ("text", text),
        ("language", language.to_owned()),
        ("clip", clip.cloned().unwrap_or_default()),
        ("incident", announcement.incident.to_string()),
        ("attempt", announcement.attempt.to_string()),
        ("announcement", announcement.id.0.to_string()),
        ("nonce", nonce),
    ];
    words.extend(values.map(|(name, value)| (name.to_owned(), value)));
    words
}

/// A pattern of answers: the texts between `*` occur, in this order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(super) struct Pattern(pub(super) String);

impl Pattern {
    /// Whether an answer fits, once the placeholders of the pattern are filled.
    pub(super) fn fits(&self, answer: &str, words: &Words) -> bool {
        let filled = fill(&self.0, words, Escape::Plain);
        let mut parts = filled.split('*');
        parts.try_fold(answer, |rest, part| rest.find(part).map(|at| &rest[at + part.len()..])).is_some()
    }

    /// How it is written.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The beginning of what a device answered, in one line.
pub(super) fn shown(answer: &str) -> String {
    const MOST: usize = 200;
    let line = answer.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = line.chars().take(MOST).map(|c| if c.is_control() { '?' } else { c }).collect();
    if cut.len() < line.len() { format!("{cut}…") } else { cut }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Words {
        [("text", "请离开 \"A&B\""), ("volume", "80")].map(|(k, v)| (k.to_owned(), v.to_owned())).into()
    }

    #[test]
    fn placeholders_are_filled_as_the_place_asks() {
        for (text, escape, filled) in [
            ("{text}!", Escape::Plain, "请离开 \"A&B\"!"),
            ("?v={volume}&t={text}", Escape::Url, "?v=80&t=%E8%AF%B7%E7%A6%BB%E5%BC%80%20%22A%26B%22"),
            ("{\"say\": \"{text}\", \"v\": {volume}}", Escape::Json, "{\"say\": \"请离开 \\\"A&B\\\"\", \"v\": 80}"),
            ("<t>{text}</t>", Escape::Xml, "<t>请离开 &quot;A&amp;B&quot;</t>"),
            ("{} {Text} {", Escape::Plain, "{} {Text} {"),
        ] {
            assert_eq!(fill(text, &words(), escape), filled);
        }
        assert_eq!(unknown("{text} {volume} {clip} {colour}", &words()), Some("colour"));
        assert_eq!(unknown("{\"a\": {text}}", &words()), None);
        let escapes = ["application/json; charset=utf-8", "text/xml", "text/plain"].map(Escape::of);
        assert_eq!(escapes, [Escape::Json, Escape::Xml, Escape::Plain]);
    }

    #[test]
    fn patterns_look_for_their_parts_in_order() {
        let fits = |pattern: &str, answer: &str| Pattern(pattern.to_owned()).fits(answer, &words());
        assert!(fits("OK", "HTTP OK\n") && fits("\"state\"*\"idle\"", "{\"state\": \"idle\"}"));
        assert!(fits("volume={volume}", "volume=80") && fits("", "anything"));
        assert!(!fits("\"state\"*\"idle\"", "{\"idle\": \"state\"}") && !fits("ok", "OK"));
    }

    #[test]
    fn answers_are_shown_in_one_short_line() {
        assert_eq!(shown("<html>\n  <b>no</b>\r\n"), "<html> <b>no</b>");
        assert_eq!(shown(&"x".repeat(300)).chars().count(), 201);
    }
}
