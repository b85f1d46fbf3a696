//! The warnings of one incident: how often it was due, what was sent, what was heard.

use forewarn_domain::{AnnouncementId, SpeakerId, Timestamp, Tried};
use serde::{Deserialize, Serialize};

/// What became of one warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Fate {
    /// Not known.
    Pending,
    /// A speaker proved that it was played.
    Played,
    /// Another incident's warning was heard in its place.
    Covered,
    /// Every speaker that could be tried failed.
    NotDelivered,
    /// It was not allowed.
    Withheld,
}

/// An announcement that was sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Sent {
    id: AnnouncementId,
    has_outcome: bool,
    /// Where; unknown of one that an earlier version sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    speaker: Option<SpeakerId>,
}

/// One warning; several speakers may have been tried for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Warning {
    sent: Vec<Sent>,
    fate: Fate,
    /// How often it was cut for something more urgent.
    #[serde(default, skip_serializing_if = "is_zero")]
    cuts: u8,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(n: &u8) -> bool {
    *n == 0
}

/// So often a warning that was cut is said again by the same loudspeaker.
const AGAIN: u8 = 3;

/// The warnings of one incident, in order.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Warnings {
    given: Vec<Warning>,
    /// The speaker to be tried for the present warning as soon as the zone is free.
    owed: Option<usize>,
    /// When the latest warning that this incident counts as its own was heard.
    covered_at: Option<Timestamp>,
    /// The speakers that were tried and of which no step of the history tells yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    untold: Vec<Tried>,
}

/// What the proof of a playback means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Playback {
    /// It belongs to the latest warning.
    pub(crate) is_of_present_warning: bool,
    /// The warning was not heard before, neither this one nor one in its place.
    pub(crate) is_first: bool,
}

impl Warnings {
    /// How many warnings were due and dealt with, heard or not.
    pub(crate) fn count(&self) -> usize {
        self.given.len()
    }

    /// How many were proven to have been played.
    pub(crate) fn played(&self) -> u32 {
        self.given.iter().filter(|warning| warning.fate == Fate::Played).count() as u32
    }

    /// Whether one was due and no speaker played it.
    pub(crate) fn has_undelivered(&self) -> bool {
        self.given.iter().any(|warning| warning.fate == Fate::NotDelivered)
    }

    /// Whether the latest warning was heard.
    pub(crate) fn is_present_heard(&self) -> bool {
        self.given.last().is_some_and(|warning| matches!(warning.fate, Fate::Played | Fate::Covered))
    }

    /// The speaker to be tried for the present warning as soon as the zone is free.
    pub(crate) fn owed(&self) -> Option<usize> {
        self.owed
    }

    /// When the latest warning that this incident counts as its own was heard.
    pub(crate) fn covered_at(&self) -> Option<Timestamp> {
        self.covered_at
    }

    /// Whether an announcement is one of these.
    pub(crate) fn has_sent(&self, id: AnnouncementId) -> bool {
        self.given.iter().any(|warning| warning.sent.iter().any(|sent| sent.id == id))
    }

    /// The present warning is to be tried on this speaker.
    pub(crate) fn owe(&mut self, speaker: usize) {
        self.owed = Some(speaker);
    }

    /// An announcement was sent: for the warning that is owed, or for a new one.
    pub(crate) fn send(&mut self, id: AnnouncementId, speaker: SpeakerId) {
        let sent = Sent { id, has_outcome: false, speaker: Some(speaker) };
        match (self.owed.take(), self.given.last_mut()) {
            (Some(_), Some(present)) => present.sent.push(sent),
            (Some(_) | None, _) => self.given.push(Warning { sent: vec![sent], fate: Fate::Pending, cuts: 0 }),
        }
    }

    /// A warning that was heard at `heard_at` for another incident stands for the one that is owed, or a new one.
    pub(crate) fn cover(&mut self, heard_at: Timestamp) {
        self.covered_at = Some(heard_at);
        self.decide(Fate::Covered, Fate::Covered);
    }

    /// Nothing can or may be announced; a warning that had been tried before counts as not delivered.
    pub(crate) fn go_without(&mut self) {
        self.decide(Fate::NotDelivered, Fate::Withheld);
    }

    fn decide(&mut self, if_tried: Fate, if_new: Fate) {
        self.owed = None;
        match self.given.last_mut() {
            Some(present) if present.fate == Fate::Pending => present.fate = if_tried,
            Some(_) | None => self.given.push(Warning { sent: Vec::new(), fate: if_new, cuts: 0 }),
        }
    }

    /// Notes that the present warning was cut. Whether it is said again by the same loudspeaker.
    pub(crate) fn cut(&mut self) -> bool {
        let Some(present) = self.given.last_mut() else { return false };
        present.cuts = present.cuts.saturating_add(1);
        present.cuts <= AGAIN
    }

    /// Keeps what came of a speaker for the next step of the history.
    pub(crate) fn tell(&mut self, id: AnnouncementId, what: impl FnOnce(SpeakerId) -> Tried) {
        let mut sent = self.given.iter().flat_map(|warning| &warning.sent);
        if let Some(speaker) = sent.find(|sent| sent.id == id).and_then(|sent| sent.speaker.clone()) {
            self.untold.push(what(speaker));
        }
    }

    /// What the next step of the history tells of speakers.
    pub(crate) fn take_untold(&mut self) -> Vec<Tried> {
        std::mem::take(&mut self.untold)
    }

    /// Notes the outcome of an announcement; false if it had one already or is none of these.
    pub(crate) fn settle(&mut self, id: AnnouncementId) -> bool {
        let mut sent = self.given.iter_mut().flat_map(|warning| &mut warning.sent);
        let Some(sent) = sent.find(|sent| sent.id == id && !sent.has_outcome) else { return false };
        sent.has_outcome = true;
        true
    }

    /// Notes that an announcement was played until `now`; none if it had an outcome already.
    pub(crate) fn prove(&mut self, id: AnnouncementId, now: Timestamp) -> Option<Playback> {
        if !self.settle(id) {
            return None;
        }
        let index = self.given.iter().position(|warning| warning.sent.iter().any(|sent| sent.id == id))?;
        let is_of_present_warning = index + 1 == self.given.len();
        let warning = &mut self.given[index];
        let is_first = !matches!(warning.fate, Fate::Played | Fate::Covered);
        warning.fate = Fate::Played;
        self.covered_at = Some(now);
        if is_of_present_warning {
            self.owed = None;
        }
        Some(Playback { is_of_present_warning, is_first })
    }
}
