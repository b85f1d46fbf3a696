//! One incident: what it remembers, and how each state answers each input.

use std::collections::VecDeque;
use std::time::Duration;

use forewarn_domain::clock::ClockReading;
use forewarn_domain::{
    AnnounceOutcome, AnnouncementId, CaseCommand, Cause, CivilTime, FailureKind, Finding, IncidentId, IncidentRecord,
    IncidentState, Proof, Reckoning, RuleHit, Sight, Subject, SubjectId, Timestamp, Transition, Tried, Verdict,
};
use serde::{Deserialize, Serialize};

use crate::interface::{Output, TimeoutReason};
use crate::policy::RulePolicy;
use crate::span::span;
use crate::state::State;
use crate::voice::Voice;
use crate::watch::Watch;

mod transition;
mod warn;
mod warning;

use warning::Warnings;

/// What a machine is handed for one call.
pub(crate) struct Context<'a> {
    /// When the call is made; deadlines count from it.
    pub(crate) now: Timestamp,
    /// When what it tells happened: the frame's time for a hit, else `now`.
    pub(crate) at: Timestamp,
    pub(crate) policy: &'a RulePolicy,
    pub(crate) civil: &'a dyn CivilTime,
    /// The voice of the incident's zone.
    pub(crate) voice: &'a mut Voice,
    /// How the clock on the wall reads.
    pub(crate) clock: ClockReading,
    /// Whether the stream is interrupted.
    pub(crate) is_interrupted: bool,
    /// Somebody wants nothing to be announced there now.
    pub(crate) is_silenced: bool,
    /// The number of the latest announcement of the agent.
    pub(crate) latest_announcement: &'a mut AnnouncementId,
    pub(crate) outputs: &'a mut VecDeque<Output>,
}

/// The hits that may confirm a suspicion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Held {
    hits: u32,
    from: Timestamp,
    /// Time of the latest frame in which the condition held.
    to: Timestamp,
    /// When the suspicion lapses unless another such frame arrives.
    lapses_at: Timestamp,
}

/// One incident. It can be stored and taken up again; see [`crate::IncidentSnapshot`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) record: IncidentRecord,
    pub(crate) subject: SubjectId,
    state: State,
    held: Held,
    watch: Watch,
    warnings: Warnings,
}

impl Machine {
    /// Begins an incident with its first violating hit, of the frame of `at`.
    pub(crate) fn suspect(id: IncidentId, hit: &RuleHit, at: Timestamp, ctx: &mut Context<'_>) -> Self {
        let first = Transition::new(IncidentState::Suspected, at, Cause::ConditionHeld);
        let mut machine = Self {
            record: IncidentRecord {
                id,
                rule: hit.rule.clone(),
                state: IncidentState::Suspected,
                history: vec![first],
                subject: subject_of(hit),
                warnings_played: 0,
                warning_not_delivered: false,
                said: None,
                findings: hit.findings.clone(),
                clock: Reckoning::by(ctx.clock),
                case: None,
            },
            subject: hit.subject,
            state: State::Suspected { since: at },
            held: Held { hits: 0, from: at, to: at, lapses_at: ctx.now },
            watch: Watch::new(at, ctx.now),
            warnings: Warnings::default(),
        };
        machine.hold(ctx);
        machine
    }

    /// Whether nothing more will happen.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed { .. })
    }

    /// Whether a frame is not newer than what was seen already.
    pub(crate) fn is_late(&self, at: Timestamp) -> bool {
        self.watch.is_late(at)
    }

    /// Time of the newest frame that was seen.
    pub(crate) fn newest_frame_at(&self) -> Option<Timestamp> {
        self.watch.newest_frame_at()
    }

    /// Whether an announcement was made for this incident.
    pub(crate) fn has_sent(&self, id: AnnouncementId) -> bool {
        self.warnings.has_sent(id)
    }

    /// When the incident was first suspected.
    pub(crate) fn suspected_at(&self) -> Timestamp {
        self.record.history.first().map_or(Timestamp::ZERO, |first| first.at)
    }

    /// Answers a hit of a frame that is newer than all before.
    pub(crate) fn handle_hit(&mut self, hit: &RuleHit, ctx: &mut Context<'_>) {
        match self.state {
            State::Suspected { .. } => {
                self.see(hit, ctx);
                if ctx.at.since(self.held.to) > span(ctx.policy.violation.confirm.forgive_s) {
                    self.transition_to_closed(Cause::NotConfirmed, ctx);
                } else if hit.sight == Sight::Violating {
                    self.hold(ctx);
                }
            }
            State::Confirmed { .. } | State::Warned { .. } | State::Persisted { .. } => {
                self.see(hit, ctx);
                if let Some(cause) = self.watch.has_ended(&ctx.policy.violation.observe) {
                    self.transition_to_ended(cause, ctx);
                }
            }
            State::Observing { deadline, .. } => {
                self.see(hit, ctx);
                if let Some(cause) = self.watch.has_ended(&ctx.policy.violation.observe) {
                    self.transition_to_ended(cause, ctx);
                } else if ctx.now >= deadline && self.watch.is_clearly_violating(ctx.now) {
                    self.persist(ctx);
                }
            }
            State::Escalated { .. } => {
                self.see(hit, ctx);
                if let Some(cause) = self.watch.has_ended(&ctx.policy.violation.observe) {
                    self.transition_to_closed(cause, ctx);
                }
            }
            // The outcome is settled and the record stays as it was then; only the frame's time is noted, so that
            // a next incident of the subject begins with a newer frame.
            State::Complied { .. } | State::Lost { .. } | State::Over { .. } => {
                self.watch.see(hit.sight, ctx.at, ctx.now);
            }
            State::Closed { .. } => {}
        }
    }

    /// Answers that the stream was interrupted, or that it came back: what was seen before proves nothing of now.
    pub(crate) fn handle_interruption(&mut self) {
        match self.state {
            State::Suspected { .. }
            | State::Confirmed { .. }
            | State::Warned { .. }
            | State::Observing { .. }
            | State::Persisted { .. }
            | State::Escalated { .. } => self.watch.interrupt(),
            State::Complied { .. } | State::Lost { .. } | State::Over { .. } | State::Closed { .. } => {}
        }
    }

    /// Answers that the clock on the wall reads so now. Nobody was told of a suspicion, so it goes by the new clock; what
    /// was reported keeps its reckoning and notes that the clock was set.
    pub(crate) fn handle_clock(&mut self, reading: ClockReading, now: Timestamp) {
        if self.record.was_confirmed() {
            self.record.clock.note(now, reading);
        } else {
            self.record.clock = Reckoning::by(reading);
        }
    }

    /// Answers the outcome of an announcement that was made for this incident.
    pub(crate) fn handle_outcome(&mut self, id: AnnouncementId, outcome: &AnnounceOutcome, ctx: &mut Context<'_>) {
        match outcome {
            AnnounceOutcome::Played { proof, .. } if proof.satisfies(ctx.policy.least_proof()) => {
                self.handle_playback(id, *proof, outcome, ctx);
            }
            // What proves too little may have been heard by nobody, so the next speaker is tried.
            AnnounceOutcome::Played { .. } | AnnounceOutcome::Failed { .. } => self.handle_failure(id, outcome, ctx),
        }
    }

    fn handle_playback(&mut self, id: AnnouncementId, proof: Proof, outcome: &AnnounceOutcome, ctx: &mut Context<'_>) {
        let Some(playback) = self.warnings.prove(id, ctx.now) else { return };
        let of = (self.record.rule.violation.clone(), ctx.policy.urgency());
        ctx.voice.played(id, of, ctx.now, ctx.policy.cool_down());
        self.note_warnings();
        match self.state {
            // Any speaker's proof will do, also that of one already given up for the next.
            State::Warned { .. } if playback.is_of_present_warning => {
                self.tell_tried(id, outcome, ctx);
                self.transition_to_heard(proof, ctx);
            }
            // It was heard after all, so the subject gets its time from now on.
            State::Observing { .. } if playback.is_of_present_warning && playback.is_first => {
                self.tell_tried(id, outcome, ctx);
                self.transition_to_heard(proof, ctx);
            }
            // An earlier warning, or one whose effect is settled: it counts as heard and changes nothing else.
            State::Warned { .. }
            | State::Observing { .. }
            | State::Persisted { .. }
            | State::Complied { .. }
            | State::Escalated { .. }
            | State::Lost { .. }
            | State::Over { .. }
            // Nothing was announced yet, or nothing happens any more.
            | State::Suspected { .. }
            | State::Confirmed { .. }
            | State::Closed { .. } => {}
        }
    }

    fn handle_failure(&mut self, id: AnnouncementId, outcome: &AnnounceOutcome, ctx: &mut Context<'_>) {
        if !self.warnings.settle(id) {
            return;
        }
        ctx.voice.failed(id);
        match self.state {
            State::Warned { announcement, speaker, .. } if announcement == id && self.warnings.owed().is_none() => {
                self.tell_tried(id, outcome, ctx);
                // The loudspeaker works, and most of those who are meant hear it best.
                if matches!(outcome, AnnounceOutcome::Failed { kind: FailureKind::Cut, .. }) && self.warnings.cut() {
                    self.warnings.owe(speaker);
                    self.warn(ctx);
                } else {
                    self.fall_back(speaker, ctx);
                }
            }
            // A speaker already given up confirms that it failed, or nobody needs the warning any more.
            State::Warned { .. }
            | State::Observing { .. }
            | State::Persisted { .. }
            | State::Complied { .. }
            | State::Escalated { .. }
            | State::Lost { .. }
            | State::Over { .. }
            // Nothing was announced yet, or nothing happens any more.
            | State::Suspected { .. }
            | State::Confirmed { .. }
            | State::Closed { .. } => {}
        }
    }

    /// Leaves it to people before the warnings are used up, because somebody says so. Whether it could be: what nobody was told
    /// of, and what has ended, is left to nobody.
    pub(crate) fn hand_over(&mut self, told: &CaseCommand, ctx: &mut Context<'_>) -> bool {
        match self.state {
            State::Confirmed { .. } | State::Warned { .. } | State::Observing { .. } | State::Persisted { .. } => {
                self.transition_to_escalated(Some(told), ctx);
                true
            }
            State::Suspected { .. }
            | State::Complied { .. }
            | State::Escalated { .. }
            | State::Lost { .. }
            | State::Over { .. }
            | State::Closed { .. } => false,
        }
    }

    /// Does what is due at `now`, if anything is.
    pub(crate) fn handle_timeout(&mut self, ctx: &mut Context<'_>) {
        let is_lost = ctx.now >= self.watch.lost_at(ctx.policy.lost_after());
        match self.state {
            State::Suspected { .. } => {
                if ctx.now >= self.held.lapses_at {
                    self.transition_to_closed(Cause::NotConfirmed, ctx);
                }
            }
            State::Confirmed { .. } | State::Persisted { .. } => {
                if is_lost {
                    self.transition_to_lost(ctx);
                } else {
                    self.warn(ctx);
                }
            }
            State::Warned { announcement, speaker, deadline, .. } => {
                if is_lost {
                    self.transition_to_lost(ctx);
                } else if self.warnings.owed().is_some() {
                    self.warn(ctx);
                } else if ctx.now >= deadline {
                    ctx.voice.failed(announcement);
                    self.warnings.tell(announcement, Tried::in_vain);
                    self.fall_back(speaker, ctx);
                }
            }
            State::Observing { deadline, .. } => {
                if ctx.now >= deadline && self.watch.is_clearly_violating(ctx.now) {
                    self.persist(ctx);
                } else if is_lost || ctx.now >= deadline + ctx.policy.lost_after() {
                    self.transition_to_lost(ctx);
                }
            }
            State::Complied { close_at, .. } | State::Lost { close_at, .. } | State::Over { close_at, .. } => {
                if ctx.now >= close_at {
                    self.transition_to_closed(Cause::Settled, ctx);
                }
            }
            State::Escalated { .. } => {
                if is_lost {
                    self.transition_to_closed(lost_cause(ctx), ctx);
                }
            }
            State::Closed { .. } => {}
        }
    }

    /// When [`Machine::handle_timeout`] will next change something, seen from `now`, and why.
    pub(crate) fn timeout(
        &self,
        policy: &RulePolicy,
        voice: &Voice,
        now: Timestamp,
    ) -> Option<(Timestamp, TimeoutReason)> {
        let lost = (self.watch.lost_at(policy.lost_after()), TimeoutReason::SubjectLost);
        let warning_due = || {
            let of = (&self.record.rule.violation, policy.urgency());
            let at = voice.admits_at(of, self.warnings.covered_at(), now);
            (at, TimeoutReason::WarningDue)
        };
        match self.state {
            State::Suspected { .. } => Some((self.held.lapses_at, TimeoutReason::SuspicionLapses)),
            State::Confirmed { .. } | State::Persisted { .. } => Some(warning_due().min(lost)),
            State::Warned { .. } if self.warnings.owed().is_some() => Some(warning_due().min(lost)),
            State::Warned { deadline, .. } => Some((deadline, TimeoutReason::PlaybackUnproven).min(lost)),
            State::Observing { deadline, .. } => {
                let is_waiting = now >= deadline && !self.watch.is_clearly_violating(now);
                let end = if is_waiting { deadline + policy.lost_after() } else { deadline };
                Some((end, TimeoutReason::ObservationEnds).min(lost))
            }
            State::Complied { close_at, .. } | State::Lost { close_at, .. } | State::Over { close_at, .. } => {
                Some((close_at, TimeoutReason::Settles))
            }
            State::Escalated { .. } => Some(lost),
            State::Closed { .. } => None,
        }
    }

    /// Takes the incident up again after a restart of the agent at `now`.
    pub(crate) fn restart(&mut self, now: Timestamp) {
        self.watch.restart(now);
        match self.state {
            // Nobody can tell whether the announcement was played, so it is owed again.
            State::Warned { .. } => self.warnings.owe(0),
            State::Suspected { .. }
            | State::Confirmed { .. }
            | State::Observing { .. }
            | State::Persisted { .. }
            | State::Complied { .. }
            | State::Escalated { .. }
            | State::Lost { .. }
            | State::Over { .. }
            | State::Closed { .. } => {}
        }
    }

    /// Takes in what a frame shows of the subject.
    fn see(&mut self, hit: &RuleHit, ctx: &Context<'_>) {
        self.watch.see(hit.sight, ctx.at, ctx.now);
        // Who is not seen in this frame is still where the last fix was.
        let fix = hit.fix.or(self.record.subject.fix);
        self.record.subject = Subject { fix, ..subject_of(hit) };
        hit.findings.iter().for_each(|finding| self.note(finding, hit.fix.is_some()));
    }

    /// Keeps what was told last of each thing that is known. A subject that cannot be judged now does not undo what was told, and
    /// one that is not seen now not how near a camera would have to come.
    fn note(&mut self, finding: &Finding, is_located: bool) {
        let findings = &mut self.record.findings;
        match findings.iter_mut().find(|known| known.about == finding.about) {
            Some(known) if finding.verdict != Verdict::CannotTell || known.verdict == Verdict::CannotTell => {
                let hint = known.fly_within_m.filter(|_| !is_located && finding.verdict == Verdict::CannotTell);
                known.clone_from(finding);
                known.fly_within_m = finding.fly_within_m.or(hint);
            }
            Some(_) => {}
            None => findings.push(finding.clone()),
        }
    }

    /// Counts a frame in which the condition holds towards the confirmation.
    fn hold(&mut self, ctx: &mut Context<'_>) {
        let confirm = &ctx.policy.violation.confirm;
        self.held.hits = self.held.hits.saturating_add(1);
        self.held.to = ctx.at;
        // A gap of exactly the forgiven time is forgiven, so the suspicion lapses one tick later.
        self.held.lapses_at = ctx.now + span(confirm.forgive_s) + Duration::from_micros(1);
        let is_held_long_enough = ctx.at.since(self.held.from) >= span(confirm.for_s);
        if is_held_long_enough && self.held.hits >= confirm.hits {
            self.watch.reset_clocks();
            self.transition_to_confirmed(ctx);
            self.warn(ctx);
        }
    }

    /// The subject went on in spite of the warning: warn again, or leave it to people.
    fn persist(&mut self, ctx: &mut Context<'_>) {
        self.transition_to_persisted(ctx);
        self.warn(ctx);
    }

    fn note_warnings(&mut self) {
        self.record.warnings_played = self.warnings.played();
        self.record.warning_not_delivered = self.warnings.has_undelivered();
    }
}

/// Why a subject without a view is lost.
fn lost_cause(ctx: &Context<'_>) -> Cause {
    if ctx.is_interrupted { Cause::StreamInterrupted } else { Cause::OutOfSight }
}

fn subject_of(hit: &RuleHit) -> Subject {
    Subject { class: hit.class.clone(), track: hit.track, count: hit.count, bbox: hit.bbox, fix: hit.fix }
}
