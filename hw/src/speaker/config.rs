//! How a site file describes a loudspeaker: what every kind takes, and beside it what its own kind needs.

use std::borrow::Cow;
use std::path::Path;

use forewarn_domain::SpeakerId;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::adapters::{AdapterConfig, Mistake};
use super::common::{COMMON_KEYS, ProgrammeConfig, SpeakerDoubt, is_file};
use super::error::ConfigError;
use super::floor::Earshot;

/// The most characters of the name of an earshot.
const MOST_OF_NAME: usize = 64;

fn is_name(text: &str) -> bool {
    let fits = (1..=MOST_OF_NAME).contains(&text.chars().count());
    fits && text.trim() == text && !text.chars().any(char::is_control)
}

/// One loudspeaker of the site.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SpeakerConfig {
    /// What every kind takes.
    #[serde(flatten)]
    pub common: ProgrammeConfig,
    /// What its kind needs.
    #[serde(flatten)]
    pub adapter: AdapterConfig,
}

impl<'de> Deserialize<'de> for SpeakerConfig {
    /// Takes the common keys out first: serde cannot refuse unknown keys where structures share a table.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut own = toml::Table::deserialize(deserializer)?;
        if own.get("volume").and_then(toml::Value::as_array).is_some_and(Vec::is_empty) {
            return Err(D::Error::custom(
                "`volume` names no hours: leave it out, or write `[{ hours = { … }, db = -6 }]`",
            ));
        }
        let taken = COMMON_KEYS.iter().filter_map(|key| own.remove_entry(*key));
        let common: toml::Table = taken.collect();
        let common = common.try_into().map_err(|e| D::Error::custom(e.message()))?;
        let adapter = own.try_into::<AdapterConfig>().map_err(|e| D::Error::custom(with_common_keys(e.message())))?;
        Ok(Self { common, adapter })
    }
}

/// A kind knows only its own keys, so the common ones are added where it says which there are.
fn with_common_keys(message: &str) -> String {
    if !message.starts_with("unknown field") {
        return message.to_owned();
    }
    COMMON_KEYS.iter().fold(message.to_owned(), |message, key| format!("{message}, `{key}`"))
}

impl JsonSchema for SpeakerConfig {
    fn schema_name() -> Cow<'static, str> {
        "SpeakerConfig".into()
    }

    /// Each kind with the common keys among its own.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let common = ProgrammeConfig::json_schema(generator);
        let mut schema = AdapterConfig::json_schema(generator);
        let common = common.get("properties").and_then(|properties| properties.as_object());
        let kinds = schema.get_mut("oneOf").and_then(|kinds| kinds.as_array_mut());
        for kind in kinds.into_iter().flatten() {
            if let (Some(common), Some(own)) = (common, kind.get_mut("properties").and_then(|own| own.as_object_mut()))
            {
                own.extend(common.clone());
            }
        }
        schema
    }
}

impl SpeakerConfig {
    /// Judges what the types cannot: ranges, settings that contradict each other, files that are named. Relative paths
    /// count from `base_dir`.
    pub fn check(&self, id: &SpeakerId, base_dir: &Path) -> Result<(), ConfigError> {
        let wrong = |key: &'static str, reason: String| ConfigError::Value { speaker: id.clone(), key, reason };
        let seconds = |key, value: f64| {
            let sane = (0.1..=3600.0).contains(&value);
            if sane { Ok(()) } else { Err(wrong(key, format!("{value} is not within 0.1 to 3600 seconds"))) }
        };
        let speech = &self.common.speech;
        seconds("stall_s", self.common.stall_s)?;
        seconds("speech.time_limit_s", speech.time_limit_s)?;
        if !(80..=450).contains(&speech.rate_wpm) {
            return Err(wrong("speech.rate_wpm", format!("{} is not within 80 to 450", speech.rate_wpm)));
        }
        if !(1..=200).contains(&speech.volume) {
            return Err(wrong("speech.volume", format!("{} is not within 1 to 200", speech.volume)));
        }
        if let Some(wrong_db) = self.common.volume.iter().map(|volume| volume.db).find(|db| !(-40.0..=6.0).contains(db))
        {
            return Err(wrong("volume", format!("db = {wrong_db} is not within -40 to 6")));
        }
        if let Some(range_m) = self.common.range_m.filter(|range_m| !(1.0..=2_000.0).contains(range_m)) {
            return Err(wrong("range_m", format!("{range_m} is not within 1 to 2000 metres")));
        }
        if let Some(earshot) = self.common.earshot.as_ref().filter(|name| !is_name(name)) {
            let why = format!("{earshot:?} is no name: write 1 to {MOST_OF_NAME} characters in one line");
            return Err(wrong("earshot", why));
        }
        for (key, voice) in [("speech.voice_en", &speech.voice_en), ("speech.voice_zh", &speech.voice_zh)] {
            if is_file(voice) {
                let described = base_dir.join(format!("{voice}.json"));
                if let Some(missing) = [base_dir.join(voice), described].iter().find(|file| !file.is_file()) {
                    let why = format!(
                        "there is no file {}: a voice of Piper is two files, .onnx and .onnx.json",
                        missing.display()
                    );
                    return Err(wrong(key, why));
                }
                continue;
            }
            let fits = |c: char| c.is_ascii_alphanumeric() || "-_+/".contains(c);
            if voice.is_empty() || voice.starts_with('-') || !voice.chars().all(fits) {
                return Err(wrong(
                    key,
                    format!(
                        "\"{voice}\" is no voice: `espeak-ng --voices` lists them, and one of Piper ends with .onnx"
                    ),
                ));
            }
        }
        let settings = self.adapter.settings();
        settings.check(base_dir).map_err(|Mistake(key, reason)| wrong(key, reason))?;
        if let Some(heard_by) = &self.common.heard_by {
            let heard = heard_by.resolve(base_dir).map_err(Mistake::from);
            heard.map_err(|Mistake(key, reason)| wrong(key, reason))?;
            if !settings.is_sounded_here(base_dir) {
                let why = "it has no effect: the device makes the sound by itself, so there is nothing to compare with";
                return Err(wrong("heard_by", why.to_owned()));
            }
        }
        if !self.common.volume.is_empty() && !settings.is_sounded_here(base_dir) {
            let why = "it has no effect: the device makes the sound by itself, and is as loud as it is set";
            return Err(wrong("volume", why.to_owned()));
        }
        Ok(())
    }

    /// Where it is heard.
    pub fn earshot(&self, id: &SpeakerId) -> Earshot {
        self.common.earshot.clone().map_or_else(|| Earshot::Alone(id.clone()), Earshot::Named)
    }

    /// What is correct and may still not be meant.
    pub fn doubts(&self) -> Vec<SpeakerDoubt> {
        let speech = &self.common.speech;
        let mut doubts: Vec<_> = self.adapter.settings().doubt().into_iter().collect();
        // Another program has voices of its own.
        if speech.program.file_stem().is_some_and(|name| name == "espeak-ng") {
            for (key, voice, prefixes, language, good) in [
                ("speech.voice_en", &speech.voice_en, &["en", "mb-en", "mb-us"][..], "English", "en-gb"),
                ("speech.voice_zh", &speech.voice_zh, &["cmn-latn-pinyin"][..], "Mandarin", "cmn-latn-pinyin"),
            ] {
                let name = voice.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
                // A file may have any name.
                if !is_file(voice) && !prefixes.iter().any(|prefix| name.starts_with(prefix)) {
                    doubts.push(SpeakerDoubt {
                        key,
                        problem: format!("the voice \"{voice}\" does not speak {language}"),
                        mend: format!("set `{key} = \"{good}\"`, or leave it out"),
                    });
                }
            }
        }
        doubts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<SpeakerConfig, String> {
        let config: SpeakerConfig = toml::from_str(text).map_err(|e| e.message().to_owned())?;
        config.check(&SpeakerId::new("gate").unwrap(), Path::new(".")).map_err(|e| e.to_string())?;
        Ok(config)
    }

    #[test]
    fn short_descriptions_get_the_defaults() {
        for text in ["kind = \"local\"", "kind = \"rtp\"\naddress = \"239.1.2.3:5004\""] {
            assert_eq!(parse(text).unwrap().common, ProgrammeConfig::default(), "{text}");
        }
        let common = parse("kind = \"local\"\nchime = false\nspeech = { rate_wpm = 120 }").unwrap().common;
        assert!(!common.chime && common.speech.rate_wpm == 120 && common.stall_s == 3.0);
    }

    #[test]
    fn mistakes_are_named() {
        let cases = [
            ("kind = \"horn\"", "unknown variant `horn`"),
            (
                "kind = \"local\"\nspeech = { voice_en = \"none.onnx\" }",
                "there is no file ./none.onnx: a voice of Piper is two files",
            ),
            ("kind = \"local\"\nloudness = 3", "unknown field `loudness`"),
            (
                "kind = \"local\"\nvolume = [{ hours = { from = \"22:00\", to = \"07:00\" }, db = -60 }]",
                "not within -40 to 6",
            ),
            ("kind = \"local\"\nvolume = [{ hours = { from = \"22:00\" }, db = -6 }]", "missing field `to`"),
            (
                "kind = \"local\"\nchimes = true",
                "`wav_real_time`, `chime`, `earshot`, `heard_by`, `range_m`, `speech`, `stall_s`, `volume`",
            ),
            ("kind = \"local\"\nvolume = []", "`volume` names no hours: leave it out"),
            ("kind = \"local\"\nearshot = \" \"", "\" \" is no name: write 1 to 64 characters"),
            (
                "kind = \"http\"\nurl = \"http://10.0.0.5/\"\ntemplate = \"text\"\n\
                 volume = [{ hours = { from = \"22:00\", to = \"07:00\" }, db = -6 }]",
                "it has no effect: the device makes the sound by itself",
            ),
            (
                "kind = \"dji\"\nurl = \"mqtt://10.0.0.5\"\ngateway = \"4TADKAQ000002J\"\n\
                 volume = [{ hours = { from = \"22:00\", to = \"07:00\" }, db = -6 }]",
                "it has no effect: the device makes the sound by itself",
            ),
            ("kind = \"local\"\nrange_m = 0", "0 is not within 1 to 2000 metres"),
            ("kind = \"local\"\nspeech = { rate = 3 }", "unknown field `rate`"),
            ("kind = \"local\"\nstall_s = 0.0", "stall_s"),
            ("kind = \"local\"\nspeech = { rate_wpm = 20 }", "80 to 450"),
            ("kind = \"local\"\nspeech = { volume = 300 }", "1 to 200"),
            ("kind = \"local\"\nspeech = { voice_en = \"--path=x\" }", "is no voice"),
            ("chime = true", "missing field `kind`"),
        ];
        for (text, part) in cases {
            let error = parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn the_common_keys_are_those_of_the_structure_and_stand_in_each_kind_of_the_schema() {
        let hours = "{ from = \"22:00\", to = \"07:00\" }";
        let heard_by = "{ url = \"rtsp://10.0.0.6/cam\" }";
        let all = format!(
            "kind = \"local\"\nearshot = \"kerb\"\nrange_m = 60\nheard_by = {heard_by}\nvolume = [{{ hours = {hours}, db = -6 }}]"
        );
        let keys = toml::Table::try_from(parse(&all).unwrap().common).unwrap();
        assert_eq!(keys.keys().collect::<Vec<_>>(), COMMON_KEYS);
        let schema = schemars::schema_for!(SpeakerConfig);
        let kinds = schema.get("oneOf").unwrap().as_array().unwrap();
        for kind in kinds {
            let own = kind["properties"].as_object().unwrap();
            assert!(COMMON_KEYS.iter().chain(&["kind"]).all(|key| own.contains_key(*key)), "{own:?}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let config = parse("kind = \"rtp\"\naddress = \"10.0.0.5:5004\"\nchime = false").unwrap();
        assert_eq!(parse(&toml::to_string(&config).unwrap()), Ok(config));
    }

    #[test]
    fn loudspeakers_of_one_earshot_are_heard_together_and_others_alone() {
        let id = SpeakerId::new("gate").unwrap();
        let earshot = |more: &str| parse(&format!("kind = \"local\"\n{more}")).unwrap().earshot(&id);
        assert_eq!(earshot("earshot = \"the kerb\""), Earshot::Named("the kerb".to_owned()));
        assert_eq!(earshot(""), Earshot::Alone(id.clone()));
        let raw = "kind = \"http\"\nurl = \"http://10.0.0.5/\"\ntemplate = \"raw-audio\"\n\
                   volume = [{ hours = { from = \"22:00\", to = \"07:00\" }, db = -6 }]";
        assert!(parse(raw).is_ok(), "this box makes the sound");
    }

    #[test]
    fn a_voice_of_another_language_is_doubted() {
        let doubts = |text: &str| parse(text).unwrap().doubts();
        assert_eq!(doubts("kind = \"local\""), []);
        assert_eq!(doubts("kind = \"local\"\nspeech = { voice_zh = \"cmn-latn-pinyin+f3\" }"), []);
        for voice in ["cmn", "zh", "yue", "en-gb"] {
            let found = doubts(&format!("kind = \"local\"\nspeech = {{ voice_zh = \"{voice}\" }}"));
            let [doubt] = &found[..] else { panic!("{found:?}") };
            assert!(doubt.key == "speech.voice_zh" && doubt.problem.contains("does not speak Mandarin"), "{doubt:?}");
        }
    }
}
