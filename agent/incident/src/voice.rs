//! What is and was said in one zone of one stream: at most one announcement at a time, then a cool-down. What is more urgent
//! waits for neither: it cuts what is being said, where that can be cut.

use std::time::Duration;

use forewarn_domain::{AnnounceOutcome, AnnouncementId, Proof, Timestamp, ViolationId};
use serde::{Deserialize, Serialize};

/// An announcement that was heard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Heard {
    violation: ViolationId,
    /// The most urgent that this silence holds back.
    #[serde(default, skip_serializing_if = "is_least")]
    urgency: u8,
    /// When its playback ended.
    at: Timestamp,
    /// Incidents of the same violation count as warned by it until then.
    covers_until: Timestamp,
    /// The zone is silent until then.
    silent_until: Timestamp,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_least(urgency: &u8) -> bool {
    *urgency == 0
}

/// An announcement whose fate is not known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pending {
    pub(crate) id: AnnouncementId,
    pub(crate) violation: ViolationId,
    pub(crate) urgency: u8,
    pub(crate) deadline: Timestamp,
    pub(crate) cool_down: Duration,
    /// The least proof by which it counts as heard.
    pub(crate) least_proof: Proof,
}

/// Whether an incident may be announced in a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Now.
    Free,
    /// An announcement of the same violation, heard at this time, covers it.
    Covered(Timestamp),
    /// Not before an announcement as urgent that is pending or cooling down is over.
    Busy,
}

/// What is and was said in one zone. An announcement that failed was not heard and leaves no cool-down.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Voice {
    /// Each more urgent than the one before, for which it may have been cut.
    pending: Vec<Pending>,
    heard: Option<Heard>,
}

impl Voice {
    /// Notes that an announcement was sent.
    pub(crate) fn sent(&mut self, announcement: Pending) {
        // Of those as urgent none is waited for any more, or this one had not been admitted.
        self.pending.retain(|pending| pending.urgency < announcement.urgency);
        self.pending.push(announcement);
    }

    /// Notes that an announcement failed or was given up.
    pub(crate) fn failed(&mut self, id: AnnouncementId) {
        self.pending.retain(|pending| pending.id != id);
    }

    /// Notes that an announcement of a violation, which is so urgent, was heard until `at`.
    pub(crate) fn played(
        &mut self,
        id: AnnouncementId,
        (violation, urgency): (ViolationId, u8),
        at: Timestamp,
        cool_down: Duration,
    ) {
        self.failed(id);
        // A longer cool-down of another violation goes on, and holds back what the more urgent of both does.
        let former = self.heard.as_ref().filter(|heard| heard.silent_until > at);
        let urgency = former.map_or(urgency, |heard| heard.urgency.max(urgency));
        let silent_until = former.map_or(at, |heard| heard.silent_until).max(at + cool_down);
        self.heard = Some(Heard { violation, urgency, at, covers_until: at + cool_down, silent_until });
    }

    /// Notes the outcome of an announcement whose incident is closed; false if it is none of this zone's.
    pub(crate) fn settle(&mut self, id: AnnouncementId, outcome: &AnnounceOutcome, now: Timestamp) -> bool {
        let Some(at) = self.pending.iter().position(|pending| pending.id == id) else { return false };
        let pending = self.pending.remove(at);
        if matches!(outcome, AnnounceOutcome::Played { proof, .. } if proof.satisfies(pending.least_proof)) {
            self.played(id, (pending.violation, pending.urgency), now, pending.cool_down);
        }
        true
    }

    /// When nothing hinders an announcement that is so urgent any more.
    fn free_at(&self, urgency: u8) -> Option<Timestamp> {
        let pending = self.pending.iter().filter(|pending| pending.urgency >= urgency);
        let heard = self.heard.iter().filter(|heard| heard.urgency >= urgency);
        pending.map(|pending| pending.deadline).chain(heard.map(|heard| heard.silent_until)).max()
    }

    /// Whether an incident of a violation that is so urgent, and that was last covered by what was heard at `covered_at`, may be
    /// announced at `now`.
    pub(crate) fn admit(
        &self,
        (violation, urgency): (&ViolationId, u8),
        covered_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Admission {
        match (&self.heard, self.free_at(urgency)) {
            (Some(heard), _)
                if &heard.violation == violation && now < heard.covers_until && Some(heard.at) > covered_at =>
            {
                Admission::Covered(heard.at)
            }
            (_, Some(free_at)) if now < free_at => Admission::Busy,
            _ => Admission::Free,
        }
    }

    /// When [`Voice::admit`] will next answer anything but [`Admission::Busy`], if nothing changes.
    pub(crate) fn admits_at(&self, of: (&ViolationId, u8), covered_at: Option<Timestamp>, now: Timestamp) -> Timestamp {
        match (self.admit(of, covered_at, now), self.free_at(of.1)) {
            (Admission::Busy, Some(free_at)) => free_at,
            _ => now,
        }
    }

    /// What was heard last, to be kept over a restart.
    pub(crate) fn heard(&self) -> Option<&Heard> {
        self.heard.as_ref()
    }

    /// Takes in what was heard before a restart.
    pub(crate) fn restore(&mut self, heard: Heard) {
        if self.heard.as_ref().is_none_or(|known| known.at < heard.at) {
            self.heard = Some(heard);
        }
    }
}
