//! How an incident comes to its warning: whether it may be said now, by which loudspeaker, in which words.

use forewarn_domain::violation::template::Words;
use forewarn_domain::{Announcement, AnnouncementId, Cause, Finding, Verdict};

use super::{Context, Machine};
use crate::interface::Output;
use crate::policy::RulePolicy;
use crate::span::span;
use crate::state::State;
use crate::voice::{Admission, Pending};

/// The attribute that is a number plate.
const PLATE: &str = "plate";

impl Machine {
    pub(super) fn warn(&mut self, ctx: &mut Context<'_>) {
        let is_first = matches!(self.state, State::Confirmed { .. });
        let is_owed = self.warnings.owed().is_some();
        if !is_owed && self.warnings.count() >= ctx.policy.warnings() {
            if is_first {
                self.transition_to_observing(Cause::NoWarningConfigured, ctx);
            } else {
                self.transition_to_escalated(None, ctx);
            }
            return;
        }
        if ctx.is_silenced || ctx.policy.is_quiet(ctx.now, ctx.civil) {
            self.warnings.go_without();
            self.note_warnings();
            self.transition_to_observing(Cause::QuietHours, ctx);
            return;
        }
        let of = (&self.record.rule.violation, ctx.policy.urgency());
        match ctx.voice.admit(of, self.warnings.covered_at(), ctx.now) {
            Admission::Busy => {}
            Admission::Covered(heard_at) => {
                self.warnings.cover(heard_at);
                self.transition_to_observing(Cause::CoveredByRecentWarning, ctx);
            }
            Admission::Free => self.announce(self.warnings.owed().unwrap_or(0), ctx),
        }
    }

    /// The speaker of this index failed: the next one's turn.
    pub(super) fn fall_back(&mut self, speaker: usize, ctx: &mut Context<'_>) {
        if speaker + 1 < ctx.policy.speakers.len() {
            self.warnings.owe(speaker + 1);
            self.warn(ctx);
        } else {
            self.give_up_warning(ctx);
        }
    }

    /// No speaker is left to try.
    pub(super) fn give_up_warning(&mut self, ctx: &mut Context<'_>) {
        self.warnings.go_without();
        self.note_warnings();
        self.transition_to_observing(Cause::WarningNotDelivered, ctx);
    }

    pub(super) fn announce(&mut self, speaker: usize, ctx: &mut Context<'_>) {
        match (ctx.policy.warning(), ctx.policy.speakers.get(speaker)) {
            (Some(warning), Some(name)) => {
                let id = AnnouncementId(ctx.latest_announcement.0.saturating_add(1));
                *ctx.latest_announcement = id;
                let deadline = ctx.now + span(warning.timeout_s);
                self.warnings.send(id, name.clone());
                let (text, said) = ctx.policy.words(warning, &self.record.id, &self.blanks(ctx.policy));
                self.record.said = said;
                ctx.voice.sent(Pending {
                    id,
                    violation: self.record.rule.violation.clone(),
                    urgency: warning.urgency,
                    deadline,
                    cool_down: ctx.policy.cool_down(),
                    least_proof: warning.proof,
                });
                self.transition_to_warned(id, speaker, deadline, ctx);
                ctx.outputs.push_back(Output::Announce(Announcement {
                    id,
                    incident: self.record.id.clone(),
                    speaker: name.clone(),
                    text,
                    audio: warning.audio.clone(),
                    attempt: self.warnings.count() as u32,
                    deadline,
                    urgency: warning.urgency,
                }));
            }
            // The site lost its warning or its speakers over a restart.
            (None, _) | (_, None) => self.give_up_warning(ctx),
        }
    }

    /// What is filled in into the text of the present warning.
    pub(super) fn blanks(&self, policy: &RulePolicy) -> Words {
        let record = &self.record;
        // The latest word on it counts, as with every finding.
        let is_plate = |finding: &&Finding| finding.about.as_str() == PLATE && finding.verdict == Verdict::Yes;
        let plate = record.findings.iter().rev().find(is_plate);
        Words {
            plate: plate.and_then(|finding| finding.text.clone()),
            place: policy.place.clone().unwrap_or_else(|| record.rule.zone.as_str().replace(['-', '_'], " ")),
            count: record.subject.count,
            seconds_left: policy.violation.observe.for_s.round().max(0.0) as u32,
            nth: self.warnings.count() as u32,
        }
    }
}
