//! The only functions that assign the state of an incident. Each writes the step into the history, with its cause,
//! reports it once the incident is confirmed, and asks for the evidence that belongs to it.

use forewarn_domain::evidence::ClipSpan;
use forewarn_domain::{
    AnnounceOutcome, AnnouncementId, CaseCommand, Cause, EvidenceRequest, Moment, Proof, Report, Timestamp, Transition,
    Tried,
};

use super::{Context, Machine, lost_cause};
use crate::case;
use crate::interface::{Dismissed, Output};
use crate::span::span;
use crate::state::State;
use crate::table;

impl Machine {
    pub(super) fn transition_to_confirmed(&mut self, ctx: &mut Context<'_>) {
        let since = self.entry_time(ctx);
        if self.transition_to(State::Confirmed { since }, Cause::HeldLongEnough, ctx) {
            self.capture(Moment::Confirmed, Some(self.suspected_at()), ctx);
        }
    }

    pub(super) fn transition_to_warned(
        &mut self,
        announcement: AnnouncementId,
        speaker: usize,
        deadline: Timestamp,
        ctx: &mut Context<'_>,
    ) {
        let since = self.entry_time(ctx);
        self.transition_to(State::Warned { since, announcement, speaker, deadline }, Cause::WarningSent, ctx);
    }

    pub(super) fn transition_to_observing(&mut self, cause: Cause, ctx: &mut Context<'_>) {
        let since = self.entry_time(ctx);
        let deadline = ctx.now + span(ctx.policy.violation.observe.for_s);
        self.transition_to(State::Observing { since, deadline }, cause, ctx);
    }

    /// A warning was played: the subject has its time from now on, and the step says how far that is proven.
    pub(super) fn transition_to_heard(&mut self, proof: Proof, ctx: &mut Context<'_>) {
        let since = self.entry_time(ctx);
        let deadline = ctx.now + span(ctx.policy.violation.observe.for_s);
        let proof = Some(proof).filter(|proof| !proof.is_assumed());
        self.enter(State::Observing { since, deadline }, Cause::PlaybackProven, proof, ctx);
    }

    pub(super) fn transition_to_persisted(&mut self, ctx: &mut Context<'_>) {
        let since = self.entry_time(ctx);
        let entered = self.transition_to(State::Persisted { since }, Cause::StillViolating, ctx);
        // Without a warning that was heard there is no picture of a subject that goes on in spite of it.
        if entered && self.warnings.is_present_heard() {
            self.capture(Moment::AfterWarning, None, ctx);
        }
    }

    /// The subject complied or left; or nobody can tell, which is no compliance.
    pub(super) fn transition_to_ended(&mut self, cause: Cause, ctx: &mut Context<'_>) {
        let since = self.entry_time(ctx);
        let close_at = ctx.now + span(ctx.policy.violation.observe.close_after_s);
        let next = match cause {
            Cause::NoLongerJudged => State::Over { since, close_at },
            _ => State::Complied { since, close_at },
        };
        if self.transition_to(next, cause, ctx) {
            self.capture(Moment::Ended, Some(since), ctx);
        }
    }

    /// Leaves it to people: all warnings were given, there is none to be given, or somebody told it to.
    pub(super) fn transition_to_escalated(&mut self, told: Option<&CaseCommand>, ctx: &mut Context<'_>) {
        let since = self.entry_time(ctx);
        let cause = match told {
            Some(_) => Cause::ToldToEscalate,
            None if self.warnings.count() == 0 => Cause::NoWarningConfigured,
            None => Cause::WarningsUsedUp,
        };
        if self.transition_to(State::Escalated { since }, cause, ctx) {
            self.capture(Moment::Ended, Some(since), ctx);
            let policy = ctx.policy.case.as_ref();
            if policy.is_some() || told.is_some() {
                case::open(&mut self.record, policy, ctx.civil, ctx.now, told);
                ctx.outputs.extend(Report::of_case(self.record.clone()).map(Output::Report));
            }
        }
    }

    pub(super) fn transition_to_lost(&mut self, ctx: &mut Context<'_>) {
        let since = self.entry_time(ctx);
        let close_at = ctx.now + span(ctx.policy.violation.observe.close_after_s);
        if self.transition_to(State::Lost { since, close_at }, lost_cause(ctx), ctx) {
            self.capture(Moment::Ended, Some(since), ctx);
        }
    }

    pub(super) fn transition_to_closed(&mut self, cause: Cause, ctx: &mut Context<'_>) {
        let since = self.entry_time(ctx);
        let entered = self.transition_to(State::Closed { since }, cause, ctx);
        if entered && !self.record.was_confirmed() {
            ctx.outputs.push_back(Output::Dismissed(Dismissed {
                rule: self.record.rule.clone(),
                subject: self.subject,
                suspected_at: self.suspected_at(),
                at: since,
            }));
        }
    }

    /// Lets the next step tell what came of a speaker. A replay has none.
    pub(super) fn tell_tried(&mut self, id: AnnouncementId, outcome: &AnnounceOutcome, ctx: &Context<'_>) {
        if !matches!(outcome, AnnounceOutcome::Played { proof, .. } if proof.is_assumed()) {
            self.warnings.tell(id, |speaker| Tried::new(speaker, outcome, ctx.policy.least_proof()));
        }
    }

    fn transition_to(&mut self, next: State, cause: Cause, ctx: &mut Context<'_>) -> bool {
        self.enter(next, cause, None, ctx)
    }

    /// Enters a state if the table has the transition; a machine that asks for any other stays where it is.
    fn enter(&mut self, next: State, cause: Cause, proof: Option<Proof>, ctx: &mut Context<'_>) -> bool {
        let (from, to) = (self.state.kind(), next.kind());
        let is_permitted = table::permits(Some(from), to, cause);
        debug_assert!(is_permitted, "the table has no edge from {from} to {to} by {cause}");
        if !is_permitted {
            return false;
        }
        let at = self.entry_time(ctx);
        self.state = next;
        self.record.state = to;
        let tried = self.warnings.take_untold();
        self.record.history.push(Transition { state: to, at, cause, proof, tried });
        if self.record.was_confirmed() {
            let sequence = (self.record.history.len() - 1) as u32;
            ctx.outputs.push_back(Output::Report(Report {
                incident: self.record.clone(),
                sequence,
                at,
                seal: None,
                evidence: None,
            }));
        }
        true
    }

    /// When a state entered now was entered: a history never runs backwards, even if the clocks do.
    fn entry_time(&self, ctx: &Context<'_>) -> Timestamp {
        self.record.history.last().map_or(ctx.at, |last| last.at.max(ctx.at))
    }

    /// Asks for a snapshot, and for a clip that begins a pre-roll before `clip_from`.
    fn capture(&self, moment: Moment, clip_from: Option<Timestamp>, ctx: &mut Context<'_>) {
        let evidence = &ctx.policy.violation.evidence;
        let at = self.record.history.last().map_or(ctx.at, |last| last.at);
        let (pre_roll, post_roll) = (span(evidence.pre_roll_s), span(evidence.post_roll_s));
        let clip = clip_from.map(|from| ClipSpan { from: from - pre_roll, to: at + post_roll });
        ctx.outputs.push_back(Output::Capture(EvidenceRequest { incident: self.record.clone(), moment, at, clip }));
    }
}
