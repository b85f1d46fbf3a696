//! A violation as data: one TOML file says what is seen, how it is confirmed, what is said, how long to look
//! again, when to escalate and what evidence to keep.

pub mod template;
mod texts;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::texts::{NamedText, Texts};
pub use crate::announcement::Language;
use crate::{AttributeId, Class, Condition, Proof, SpokenText, ViolationId};

/// A text by language, `{ en = "…", zh = "…" }`; at least one of them is given.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub en: Option<String>,
    /// Chinese (Mandarin).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zh: Option<String>,
}

impl Text {
    /// The text in `language`, or in the other one if it is missing.
    pub fn in_language(&self, language: Language) -> Option<SpokenText> {
        let pick = |l| match l {
            Language::En => self.en.as_ref(),
            Language::Zh => self.zh.as_ref(),
        };
        let other = if language == Language::En { Language::Zh } else { Language::En };
        [language, other].into_iter().find_map(|l| pick(l).map(|text| SpokenText { language: l, text: text.clone() }))
    }
}

/// When a suspicion becomes an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Confirmation {
    /// Seconds for which the condition must have held, gaps forgiven.
    pub for_s: f64,
    /// Number of analysed frames in which it must have held.
    pub hits: u32,
    /// Seconds without a hit after which the suspicion is dropped.
    pub forgive_s: f64,
}

impl Default for Confirmation {
    fn default() -> Self {
        Self { for_s: 0.5, hits: 2, forgive_s: 2.0 }
    }
}

/// What the loudspeaker says, and how often.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Warning {
    /// What is said; `{plate}`, `{place}`, `{count}`, `{seconds_left}` and `{nth}` in it are filled in.
    pub text: Texts,
    /// A WAV or OGG file that is played instead of the text, beside the violation's file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<String>,
    /// How many times the subject is warned before the incident is escalated.
    #[serde(default = "Warning::default_times")]
    pub times: u32,
    /// Seconds to wait for proof of playback before the fall-back speaker is tried.
    #[serde(default = "Warning::default_timeout_s")]
    pub timeout_s: f64,
    /// Seconds after an announcement during which no other is made in the same zone.
    #[serde(default = "Warning::default_cool_down_s")]
    pub cool_down_s: f64,
    /// The least proof by which the warning counts as heard; what proves less counts as not delivered.
    #[serde(default = "Warning::default_proof")]
    pub proof: Proof,
    /// The higher it is, the earlier it is said where several wait, 0 to 9.
    #[serde(default, skip_serializing_if = "Warning::is_least")]
    pub urgency: u8,
}

impl Warning {
    fn default_times() -> u32 {
        2
    }
    fn default_timeout_s() -> f64 {
        20.0
    }
    fn default_cool_down_s() -> f64 {
        15.0
    }
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    fn is_least(urgency: &u8) -> bool {
        *urgency == 0
    }
    fn default_proof() -> Proof {
        Proof::Written
    }
}

/// How long to look again after a warning, and what counts as complied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Observation {
    /// Seconds of observation after proven playback before the subject counts as persisting.
    pub for_s: f64,
    /// Seconds for which the subject must be seen complying.
    pub complied_after_s: f64,
    /// Seconds for which the subject must not be seen, with a clear view of its place, before it counts as gone.
    pub gone_after_s: f64,
    /// Seconds without any view of the place (occlusion, stream outage) before the incident counts as lost.
    pub lost_after_s: f64,
    /// Seconds after the end during which the incident stays open for its last evidence.
    pub close_after_s: f64,
}

impl Default for Observation {
    fn default() -> Self {
        Self { for_s: 20.0, complied_after_s: 2.0, gone_after_s: 5.0, lost_after_s: 60.0, close_after_s: 5.0 }
    }
}

/// What evidence is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvidencePolicy {
    /// Seconds of video before the violation was first suspected, and before its outcome.
    pub pre_roll_s: f64,
    /// Seconds of video after the confirmation, and after the outcome.
    pub post_roll_s: f64,
    /// What is looked at more closely for the record alone, such as `plate`; it is no part of the condition.
    pub attributes: Vec<AttributeId>,
}

impl Default for EvidencePolicy {
    fn default() -> Self {
        Self { pre_roll_s: 5.0, post_roll_s: 5.0, attributes: Vec::new() }
    }
}

/// How long each step of the case may take after the escalation; what is absent is what the site says.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CaseTimes {
    /// Seconds until somebody has received it; 0 for as long as it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received_s: Option<f64>,
    /// Seconds from then until it is assigned; 0 for as long as it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assigned_s: Option<f64>,
    /// Seconds from then until who was named calls back; 0 for as long as it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub called_back_s: Option<f64>,
    /// Seconds from then until somebody is on site; 0 for as long as it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_site_s: Option<f64>,
}

impl CaseTimes {
    /// Where nothing is given, what `others` give.
    #[must_use]
    pub fn or(&self, others: &Self) -> Self {
        Self {
            received_s: self.received_s.or(others.received_s),
            assigned_s: self.assigned_s.or(others.assigned_s),
            called_back_s: self.called_back_s.or(others.called_back_s),
            on_site_s: self.on_site_s.or(others.on_site_s),
        }
    }

    /// Where neither a violation nor the site says otherwise.
    pub fn usual() -> Self {
        let all = |seconds: f64| Some(seconds);
        Self { received_s: all(30.0), assigned_s: all(60.0), called_back_s: all(120.0), on_site_s: all(300.0) }
    }
}

/// A violation as its file states it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Violation {
    /// Its name; equal to the file's name without the ending.
    pub id: ViolationId,
    /// What people call it.
    pub title: Text,
    /// Classes of the subjects; of the counted ones where the condition counts.
    pub subject: Vec<Class>,
    /// Detections of a lower score do not count as subjects (0 if absent).
    #[serde(default)]
    pub min_confidence: f32,
    /// Numbers that conditions name with a dollar sign and that a site may override.
    #[serde(default)]
    pub parameters: BTreeMap<String, f64>,
    /// What must hold.
    pub condition: Condition,
    /// When a suspicion becomes an incident.
    #[serde(default)]
    pub confirm: Confirmation,
    /// What is said; without it the incident is observed and escalated in silence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<Warning>,
    /// How long to look again.
    #[serde(default)]
    pub observe: Observation,
    /// What evidence is kept.
    #[serde(default)]
    pub evidence: EvidencePolicy,
    /// How long people may take from the escalation on.
    #[serde(default, skip_serializing_if = "is_plain")]
    pub case: CaseTimes,
}

fn is_plain(times: &CaseTimes) -> bool {
    *times == CaseTimes::default()
}
