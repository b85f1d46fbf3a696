//! What every kind of loudspeaker has in its table of the site file, whatever it is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use forewarn_domain::Schedule;
use forewarn_domain::violation::Language;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::hearing::HearingConfig;

/// What every kind of loudspeaker takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProgrammeConfig {
    /// Whether a two-tone chime comes first.
    pub chime: bool,
    /// Where it is heard: loudspeakers of one earshot never speak at the same time. None hears another one if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub earshot: Option<String>,
    /// The microphone that hears it: what was said counts as heard where it lies in its sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heard_by: Option<HearingConfig>,
    /// It flies with the camera that names it, and is heard so many metres away: farther subjects are not warned by it, and of a
    /// text it says the first sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range_m: Option<f64>,
    /// How text is spoken.
    pub speech: SpeechConfig,
    /// How loud it is at some hours; the first that holds counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volume: Vec<VolumeConfig>,
    /// Seconds without progress after which playing has failed.
    pub stall_s: f64,
}

/// Hours in which everything is louder or softer than usual.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VolumeConfig {
    /// The hours.
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub hours: Schedule,
    /// How much louder it is in them, in dB; softer below 0. -40 to 6.
    pub db: f64,
}

/// What is correct in a loudspeaker's table and may still not be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpeakerDoubt {
    /// The key.
    pub key: &'static str,
    /// What may go wrong.
    pub problem: String,
    /// What to do about it.
    pub mend: String,
}

/// The keys of [`ProgrammeConfig`].
pub(super) const COMMON_KEYS: [&str; 7] = ["chime", "earshot", "heard_by", "range_m", "speech", "stall_s", "volume"];

impl Default for ProgrammeConfig {
    fn default() -> Self {
        let speech = SpeechConfig::default();
        Self { chime: true, earshot: None, heard_by: None, range_m: None, speech, volume: Vec::new(), stall_s: 3.0 }
    }
}

/// How espeak-ng speaks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SpeechConfig {
    /// The program: a name that is looked for in `PATH`, or a path.
    pub program: PathBuf,
    /// Words a minute, 80 to 450.
    pub rate_wpm: u16,
    /// Loudness in percent, 1 to 200: 100 is -16 LUFS, half of it 6 dB softer.
    pub volume: u16,
    /// espeak-ng's voice for English, or a voice of Piper by the path of its `.onnx`, relative to the site file.
    pub voice_en: String,
    /// espeak-ng's voice for Chinese, or a voice of Piper.
    pub voice_zh: String,
    /// Seconds that making the speech may take.
    pub time_limit_s: f64,
}

impl SpeechConfig {
    /// The voice for a language.
    pub(super) fn voice(&self, language: Language) -> &str {
        match language {
            Language::En => &self.voice_en,
            Language::Zh => &self.voice_zh,
        }
    }
}

/// Whether a voice is one of Piper's, in a file.
pub(super) fn is_file(voice: &str) -> bool {
    Path::new(voice).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("onnx"))
}

impl Default for SpeechConfig {
    fn default() -> Self {
        Self {
            program: "espeak-ng".into(),
            rate_wpm: 150,
            volume: 100,
            voice_en: "en-gb".to_owned(),
            // The voices `cmn` and `zh` read Chinese characters as English spellings of their sounds.
            voice_zh: "cmn-latn-pinyin".to_owned(),
            time_limit_s: 10.0,
        }
    }
}
