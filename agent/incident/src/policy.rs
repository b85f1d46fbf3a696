//! What holds for the incidents of one rule: the violation's file and the site's speakers and quiet hours.

use std::time::Duration;

use forewarn_domain::condition::Condition;
use forewarn_domain::violation::template::{self, Words};
use forewarn_domain::violation::{CaseTimes, Confirmation, EvidencePolicy, Language, Observation, Text, Warning};
use forewarn_domain::{
    CivilTime, IncidentId, Proof, Schedule, SpeakerId, SpokenText, Timestamp, Violation, ViolationId,
};

use crate::case::CasePolicy;
use crate::span::span;

/// The most warnings that one incident can have; a greater `warning.times` counts as this many, so that the
/// history of an incident stays bounded.
const MAX_WARNINGS: u32 = 100;

/// What holds for the incidents of one rule.
#[derive(Debug, Clone, PartialEq)]
pub struct RulePolicy {
    /// The violation as its file states it, the site's overrides applied.
    pub violation: Violation,
    /// Where warnings are played: the primary speaker first, then those to fall back on.
    pub speakers: Vec<SpeakerId>,
    /// What people call the place; its zone where nobody gave it a name.
    pub place: Option<String>,
    /// The language that is preferred.
    pub language: Language,
    /// When nothing may be announced.
    pub quiet_hours: Vec<Schedule>,
    /// What holds for cases; none where nobody follows them.
    pub case: Option<CasePolicy>,
}

impl RulePolicy {
    /// The policy of an incident whose rule is no longer in the site file: nobody is warned, and the incident counts as
    /// lost at once, because no more hits come.
    pub(crate) fn retired(violation: ViolationId) -> Self {
        Self {
            violation: Violation {
                id: violation,
                title: Text::default(),
                subject: Vec::new(),
                min_confidence: 0.0,
                parameters: std::collections::BTreeMap::new(),
                condition: Condition::All(Vec::new()),
                confirm: Confirmation::default(),
                warning: None,
                observe: Observation { lost_after_s: 0.0, ..Observation::default() },
                evidence: EvidencePolicy::default(),
                case: CaseTimes::default(),
            },
            speakers: Vec::new(),
            place: None,
            language: Language::default(),
            quiet_hours: Vec::new(),
            case: None,
        }
    }

    /// The warning, if the violation has one that some speaker can say.
    pub(crate) fn warning(&self) -> Option<&Warning> {
        let warning = self.violation.warning.as_ref().filter(|w| w.times > 0 && !self.speakers.is_empty())?;
        let has_words = warning.text.all().all(|text| text.in_language(self.language).is_some());
        (has_words || warning.audio.is_some()).then_some(warning)
    }

    /// What an incident is told: its text as it is said, and the text's name where several are tried.
    pub(crate) fn words(
        &self,
        warning: &Warning,
        incident: &IncidentId,
        words: &Words,
    ) -> (SpokenText, Option<String>) {
        let (text, name) = warning.text.of(incident);
        let silent = || SpokenText { language: self.language, text: String::new() };
        let SpokenText { language, text } = text.in_language(self.language).unwrap_or_else(silent);
        (SpokenText { language, text: template::fill(&text, words, language) }, name.map(str::to_owned))
    }

    /// How many warnings an incident may have.
    pub(crate) fn warnings(&self) -> usize {
        self.warning().map_or(0, |warning| warning.times.min(MAX_WARNINGS) as usize)
    }

    /// Whether quiet hours hold at `at`; they do not where the time of day is unknown.
    pub(crate) fn is_quiet(&self, at: Timestamp, civil: &dyn CivilTime) -> bool {
        self.quiet_hours.iter().any(|hours| hours.holds_at(at, civil) == Some(true))
    }

    /// Which of the warnings that are due is said first: the most urgent.
    pub(crate) fn urgency(&self) -> u8 {
        self.violation.warning.as_ref().map_or(0, |w| w.urgency)
    }

    pub(crate) fn cool_down(&self) -> Duration {
        self.violation.warning.as_ref().map_or(Duration::ZERO, |w| span(w.cool_down_s))
    }

    /// The least proof by which a warning counts as heard.
    pub(crate) fn least_proof(&self) -> Proof {
        self.violation.warning.as_ref().map_or(Proof::Assumed, |w| w.proof)
    }

    pub(crate) fn lost_after(&self) -> Duration {
        span(self.violation.observe.lost_after_s)
    }
}
