//! The template of a model: what it is asked, what counts as success, how the end of playing is known.

use std::collections::BTreeMap;
use std::path::Path;

use forewarn_base::setting::SettingError;
use serde::Deserialize;

use crate::speaker::programme::Codec;
use crate::speaker::template::{Pattern, Words, fill, names, unknown};

/// The templates that come with the program.
const SHIPPED: [(&str, &str); 3] = [
    ("clip-by-id", include_str!("templates/clip-by-id.toml")),
    ("raw-audio", include_str!("templates/raw-audio.toml")),
    ("text", include_str!("templates/text.toml")),
];
const MEND: &str = "see docs/speakers.md, \"Templates\"";

/// What is asked of a model.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Template {
    /// Placeholders of its own; `set` of the loudspeaker changes them.
    #[serde(default)]
    pub(super) values: Words,
    pub(super) play: Play,
    #[serde(default)]
    pub(super) success: Success,
    #[serde(default)]
    pub(super) end: End,
}

/// The request that lets it play.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Play {
    pub(super) method: Method,
    /// What follows `url`; from the root of the host where it begins with a slash.
    #[serde(default)]
    pub(super) path: String,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) body: Body,
}

/// A method of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Method {
    Get,
    Post,
    Put,
}

impl Method {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

/// What is sent along.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Body {
    /// Nothing.
    #[default]
    None,
    /// A text with placeholders, written as its media type asks.
    Text { r#type: String, text: String },
    /// The sound in pieces, in real time.
    Stream { codec: SoundCodec, r#type: String },
    /// A form whose one field is a WAV file.
    Wav {
        field: String,
        #[serde(default)]
        fields: BTreeMap<String, String>,
    },
}

/// How sound is encoded in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SoundCodec {
    Pcmu,
    Pcma,
}

impl SoundCodec {
    pub(super) fn codec(self) -> Codec {
        match self {
            Self::Pcmu => Codec::Pcmu,
            Self::Pcma => Codec::Pcma,
        }
    }
}

/// Which answer to the request is a good one.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Success {
    /// The statuses; any from 200 to 299 if there are none.
    pub(super) status: Vec<u16>,
    /// What must be in the answer.
    pub(super) answer: Option<Pattern>,
    /// What must not be in it: many devices answer 200 to what they do not do.
    pub(super) refusal: Option<Pattern>,
    /// A device that has said nothing for so long after it had all of the request has taken it.
    pub(super) silent_after_s: Option<f64>,
}

impl Success {
    pub(super) fn has(&self, status: u16) -> bool {
        if self.status.is_empty() { (200..300).contains(&status) } else { self.status.contains(&status) }
    }
}

/// How the end of playing is known.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum End {
    /// The device answers when it has played.
    #[default]
    Answer,
    /// It plays for so long: seconds, or the length of the sound or of the words. Nobody says that it did.
    Duration {
        #[serde(default)]
        seconds: Option<String>,
    },
    /// It is asked until it says that it is done.
    Poll {
        path: String,
        #[serde(default = "half_a_second")]
        every_s: f64,
        /// What it says while it plays; where it is given, `done` counts only after that.
        #[serde(default)]
        playing: Option<Pattern>,
        /// What it says when it has played.
        done: Pattern,
        /// What it says when it cannot.
        #[serde(default)]
        failed: Option<Pattern>,
    },
}

fn half_a_second() -> f64 {
    0.5
}

impl Template {
    /// One that comes with the program, by its name, or that of a file; with the values of the site.
    pub(super) fn load(name: &str, set: &Words, directory: &Path) -> Result<Self, SettingError> {
        let shipped = SHIPPED.iter().find(|(known, _)| *known == name).map(|(_, text)| *text);
        let path = directory.join(name);
        let text = match shipped {
            Some(text) => text.to_owned(),
            None => std::fs::read_to_string(&path).map_err(|error| {
                let mend = "name a file, or one of clip-by-id, raw-audio and text";
                SettingError::file("template", &path, error.to_string(), mend)
            })?,
        };
        let wrong = |why: String| SettingError::value("template", format!("{name}: {why}"), MEND);
        let mut template: Self = toml::from_str(&text).map_err(|error| wrong(error.to_string().trim().to_owned()))?;
        if let Some(name) = set.keys().find(|name| !template.values.contains_key(*name)) {
            let known = template.values.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            let why = format!("the template has no value \"{name}\"; it has {}", or_none(&known));
            return Err(SettingError::value("set", why, "leave it out, or use a placeholder of the template"));
        }
        template.values.extend(set.clone());
        template.check().map_err(wrong)?;
        Ok(template)
    }

    fn check(&self) -> Result<(), String> {
        for text in self.texts() {
            if let Some(name) = unknown(text, &self.values) {
                return Err(format!("nothing fills the placeholder {{{name}}}"));
            }
        }
        for name in self.play.headers.keys() {
            let is_token = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
            if !is_token {
                return Err(format!("\"{name}\" is no name of a header"));
            }
        }
        if self.play.method == Method::Get && self.play.body != Body::None {
            return Err("a GET carries no body; use POST".to_owned());
        }
        let is_sane = |seconds: f64| (0.05..=600.0).contains(&seconds);
        if let Some(seconds) = self.success.silent_after_s.filter(|seconds| !is_sane(*seconds)) {
            return Err(format!("silent_after_s: {seconds} is not within 0.05 to 600 seconds"));
        }
        match &self.end {
            End::Duration { seconds } => match seconds.as_ref().map(|text| (text, self.seconds(text))) {
                Some((text, None)) => Err(format!("end.seconds: \"{text}\" is not within 0.05 to 600 seconds")),
                Some(_) | None => Ok(()),
            },
            End::Poll { every_s, .. } if !is_sane(*every_s) => {
                Err(format!("end.every_s: {every_s} is not within 0.05 to 600 seconds"))
            }
            End::Answer | End::Poll { .. } => Ok(()),
        }
    }

    /// A number of seconds as it is written, by the values of template and site.
    pub(super) fn seconds(&self, text: &str) -> Option<f64> {
        let filled = fill(text, &self.values, crate::speaker::template::Escape::Plain);
        filled.trim().parse().ok().filter(|seconds| (0.05..=600.0).contains(seconds))
    }

    /// Whether a clip is asked for.
    pub(super) fn needs_clip(&self) -> bool {
        self.texts().into_iter().any(|text| names(text).any(|name| name == "clip"))
    }

    /// Whether the sound goes along.
    pub(super) fn carries_sound(&self) -> bool {
        matches!(self.play.body, Body::Stream { .. } | Body::Wav { .. })
    }

    /// Every text with placeholders.
    pub(super) fn texts(&self) -> Vec<&str> {
        let mut all = vec![self.play.path.as_str()];
        all.extend(self.play.headers.values().map(String::as_str));
        match &self.play.body {
            Body::Text { text, .. } => all.push(text),
            Body::Wav { fields, .. } => all.extend(fields.values().map(String::as_str)),
            Body::None | Body::Stream { .. } => {}
        }
        let mut patterns = vec![&self.success.answer, &self.success.refusal];
        if let End::Poll { path, playing, done, failed, .. } = &self.end {
            all.extend([path.as_str(), done.as_str()]);
            patterns.extend([playing, failed]);
        }
        all.extend(patterns.into_iter().flatten().map(Pattern::as_str));
        all
    }
}

fn or_none(list: &str) -> &str {
    if list.is_empty() { "none" } else { list }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str, set: &[(&str, &str)]) -> Result<Template, String> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("horn.toml"), text).unwrap();
        let set = set.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Template::load("horn.toml", &set, dir.path()).map_err(|error| error.line())
    }

    #[test]
    fn the_shipped_ones_are_right() {
        for (name, _) in SHIPPED {
            Template::load(name, &Words::new(), Path::new("/nowhere")).unwrap();
        }
        let set = [("seconds".to_owned(), "3.5".to_owned())].into();
        let clip = Template::load("clip-by-id", &set, Path::new("/nowhere")).unwrap();
        assert!(clip.needs_clip());
        assert_eq!(clip.seconds("{seconds}"), Some(3.5));
    }

    #[test]
    fn mistakes_are_named_with_the_template() {
        let play = "[play]\nmethod = \"POST\"\n";
        for (text, says) in [
            ("", "missing field `play`"),
            ("[play]\nmethod = \"SHOUT\"", "unknown variant `SHOUT`"),
            (&format!("{play}path = \"?c={{colour}}\""), "nothing fills the placeholder {colour}"),
            (&format!("{play}[play.headers]\n\"a b\" = \"c\""), "\"a b\" is no name of a header"),
            (&format!("{play}[end]\nby = \"duration\"\nseconds = \"soon\""), "\"soon\" is not within"),
            (&format!("{play}[end]\nby = \"poll\"\npath = \"/s\"\nevery_s = 0\ndone = \"x\""), "end.every_s: 0"),
            (&format!("{play}[play.body]\nkind = \"text\"\ntype = \"a/b\""), "missing field `text`"),
            ("[play]\nmethod = \"GET\"\n[play.body]\nkind = \"stream\"\ncodec = \"pcmu\"\ntype = \"a/b\"", "use POST"),
        ] {
            let told = load(text, &[]).unwrap_err();
            assert!(told.starts_with("template: horn.toml: ") && told.contains(says), "{told}");
        }
        let told = load(play, &[("volume", "3")]).unwrap_err();
        assert!(told.contains("the template has no value \"volume\"; it has none"), "{told}");
        let gone = Template::load("gone.toml", &Words::new(), Path::new("/nowhere")).unwrap_err().line();
        assert!(gone.contains("/nowhere/gone.toml") && gone.contains("clip-by-id, raw-audio"), "{gone}");
    }
}
