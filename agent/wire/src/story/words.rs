//! The words of a timeline, in both languages side by side, so that none can lack one.

use forewarn_domain::violation::Language;
use forewarn_domain::{Cause, IncidentState};

pub(super) const RED: &str = "\u{1b}[1;31m";
pub(super) const GREEN: &str = "\u{1b}[1;32m";
pub(super) const YELLOW: &str = "\u{1b}[1;33m";
pub(super) const BLUE: &str = "\u{1b}[1;34m";
pub(super) const GREY: &str = "\u{1b}[2m";

/// Says things in one language.
#[derive(Debug, Clone, Copy)]
pub(super) struct Say(pub(super) Language);

impl Say {
    pub(super) fn pick<'a>(self, en: &'a str, zh: &'a str) -> &'a str {
        match self.0 {
            Language::En => en,
            Language::Zh => zh,
        }
    }

    /// A state in one word, and its colour.
    pub(super) fn state(self, state: IncidentState) -> (&'static str, &'static str) {
        let (colour, en, zh) = match state {
            IncidentState::Suspected => (GREY, "suspected", "疑似"),
            IncidentState::Confirmed => (YELLOW, "seen", "已确认"),
            IncidentState::Warned => (BLUE, "warned", "已警告"),
            IncidentState::Observing => (GREY, "watching", "观察中"),
            IncidentState::Persisted => (YELLOW, "persisted", "仍持续"),
            IncidentState::Complied => (GREEN, "complied", "已听从"),
            IncidentState::Escalated => (RED, "escalated", "已升级"),
            IncidentState::Lost => (GREY, "lost", "已丢失"),
            IncidentState::Over => (GREY, "over", "已过去"),
            IncidentState::Closed => (GREY, "closed", "已结束"),
        };
        (colour, self.pick(en, zh))
    }

    /// Why a state was entered, in a few words.
    pub(super) fn cause(self, cause: Cause) -> String {
        let zh = match cause {
            Cause::ConditionHeld => "条件成立",
            Cause::HeldLongEnough => "持续已够久",
            Cause::NotConfirmed => "确认前已停止",
            Cause::WarningSent => "警告已发送",
            Cause::PlaybackProven => "警告已播放",
            Cause::CoveredByRecentWarning => "刚播放过同类警告",
            Cause::WarningNotDelivered => "警告未能播放",
            Cause::QuietHours => "静默时段",
            Cause::NoWarningConfigured => "未配置警告或扬声器",
            Cause::StillViolating => "仍在违规",
            Cause::SeenComplying => "可见且不再违规",
            Cause::NoLongerSeen => "目标已离开",
            Cause::NoLongerJudged => "不再判断",
            Cause::WarningsUsedUp => "警告已用尽",
            Cause::ToldToEscalate => "人工提前升级",
            Cause::OutOfSight => "看不到该位置",
            Cause::StreamInterrupted => "视频中断",
            Cause::Settled => "取证结束",
        };
        match self.0 {
            Language::En if cause == Cause::NoWarningConfigured => "no warning or loudspeaker configured".to_owned(),
            Language::En => cause.as_str().replace('_', " "),
            Language::Zh => zh.to_owned(),
        }
    }
}

/// How many columns of a terminal a word takes: Chinese signs take two.
pub(super) fn columns(word: &str) -> usize {
    word.chars().map(|sign| if sign.is_ascii() { 1 } else { 2 }).sum()
}
