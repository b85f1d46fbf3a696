//! What people do about an incident from its escalation on: the case, its stages and steps, and the commands that tell them.

use serde::{Deserialize, Serialize};

use crate::{IncidentId, Timestamp};

/// How far people are with a case, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseStage {
    /// It was sent to somebody.
    Sent,
    /// Somebody has read it.
    Received,
    /// Somebody is on the way, or named for it.
    Assigned,
    /// Whoever was named has called back.
    CalledBack,
    /// Somebody is at the place.
    OnSite,
    /// It is done.
    Settled,
    /// There was nothing to be done.
    Rejected,
}

impl CaseStage {
    /// Every stage, in order.
    pub const ALL: [Self; 7] =
        [Self::Sent, Self::Received, Self::Assigned, Self::CalledBack, Self::OnSite, Self::Settled, Self::Rejected];

    /// Whether nothing more is expected of anybody.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Settled | Self::Rejected)
    }

    /// The word used in files and topics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Received => "received",
            Self::Assigned => "assigned",
            Self::CalledBack => "called_back",
            Self::OnSite => "on_site",
            Self::Settled => "settled",
            Self::Rejected => "rejected",
        }
    }

    /// The stage of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.as_str() == word)
    }
}

impl std::fmt::Display for CaseStage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a case made a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseCause {
    /// The incident was escalated.
    IncidentEscalated,
    /// Somebody said so.
    Told,
    /// The limit passed, and whom the case lies with is reminded.
    LimitPassed,
    /// The limit passed again, and the next of the rota has the case.
    HandedOn,
    /// The limit passed again, and nobody is left to have the case.
    NobodyLeft,
}

impl CaseCause {
    /// The word used in files and topics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IncidentEscalated => "incident_escalated",
            Self::Told => "told",
            Self::LimitPassed => "limit_passed",
            Self::HandedOn => "handed_on",
            Self::NobodyLeft => "nobody_left",
        }
    }
}

/// One step of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseStep {
    /// The stage after it.
    pub stage: CaseStage,
    /// Why.
    pub cause: CaseCause,
    /// When.
    pub at: Timestamp,
    /// Who said so, where somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The upstream that it is told to, where a rota names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// What was said with it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// A case with its whole history: all that is needed to go on with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// The present stage; that of the last step.
    pub stage: CaseStage,
    /// Every step from `Sent` on.
    pub steps: Vec<CaseStep>,
    /// When whom it lies with is reminded, or the next is asked; none where nobody is waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// Whether the present stage's limit has passed once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_reminded: bool,
}

impl Case {
    /// The upstream that it lies with; none without a rota.
    pub fn with(&self) -> Option<&str> {
        self.steps.iter().rev().find_map(|step| step.to.as_deref())
    }
}

/// Somebody tells a step of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseCommand {
    /// The incident.
    pub incident: IncidentId,
    /// The stage that it has reached.
    pub stage: CaseStage,
    /// Who says so.
    pub by: String,
    /// In his words.
    #[serde(default)]
    pub note: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_is_found_by_its_word_and_stored_by_it() {
        for stage in CaseStage::ALL {
            assert_eq!(CaseStage::parse(stage.as_str()), Some(stage));
            assert_eq!(serde_json::to_value(stage).unwrap(), stage.as_str());
        }
        assert_eq!(CaseStage::parse("escalated"), None);
    }

    #[test]
    fn a_case_lies_with_whom_it_was_handed_last() {
        let step = |cause, to: Option<&str>| CaseStep {
            stage: CaseStage::Sent,
            cause,
            at: Timestamp::ZERO,
            by: None,
            to: to.map(str::to_owned),
            note: String::new(),
        };
        let mut case = Case { stage: CaseStage::Sent, steps: Vec::new(), due: None, is_reminded: false };
        assert_eq!(case.with(), None);
        case.steps.push(step(CaseCause::IncidentEscalated, Some("ann")));
        case.steps.push(step(CaseCause::HandedOn, Some("ben")));
        case.steps.push(step(CaseCause::Told, None));
        assert_eq!(case.with(), Some("ben"));
    }
}
