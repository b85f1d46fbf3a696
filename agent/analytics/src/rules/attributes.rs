//! What closer looks told of one identity, attribute by attribute.

use std::collections::BTreeMap;

use forewarn_domain::condition::Told;
use forewarn_domain::{AttributeId, Finding, Reading, Timestamp, Verdict};

use super::truth::Truth;
use crate::votes::{Standard, Votes};

/// What became of the readings that were handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadingCounts {
    /// They count for a subject.
    pub taken: u64,
    /// Their track is not known any more.
    pub unknown_track: u64,
    /// No rule asks for their attribute.
    pub unasked: u64,
}

/// All that closer looks told of one identity.
#[derive(Debug, Clone, Default)]
pub(super) struct Attributes(BTreeMap<AttributeId, Known>);

/// What is known of one attribute.
#[derive(Debug, Clone, Default)]
struct Known {
    votes: Votes,
    asked_at: Option<Timestamp>,
}

impl Attributes {
    pub(super) fn read(&mut self, reading: &Reading) {
        self.0.entry(reading.attribute.clone()).or_default().votes.add(reading);
    }

    /// Notes that a look was asked for.
    pub(super) fn ask(&mut self, attribute: &AttributeId, at: Timestamp) {
        self.0.entry(attribute.clone()).or_default().asked_at = Some(at);
    }

    pub(super) fn asked_at(&self, attribute: &AttributeId) -> Option<Timestamp> {
        self.0.get(attribute)?.asked_at
    }

    /// How many of the latest looks in a row could not tell.
    pub(super) fn fruitless(&self, attribute: &AttributeId) -> u32 {
        self.0.get(attribute).map_or(0, |known| known.votes.fruitless())
    }

    /// What is known at `now`.
    pub(super) fn finding(&self, attribute: &AttributeId, standard: &Standard, now: Timestamp) -> Finding {
        let nothing = Votes::default();
        self.0.get(attribute).map_or(&nothing, |known| &known.votes).finding(attribute, standard, now)
    }

    /// Whether `is` was told of an attribute.
    pub(super) fn truth(&self, attribute: &AttributeId, is: Told, standard: &Standard, now: Timestamp) -> Truth {
        match (self.finding(attribute, standard, now).verdict, is) {
            (Verdict::CannotTell, _) => Truth::CannotTell,
            (Verdict::Yes, is) => Truth::from(is == Told::Yes),
            (Verdict::No, is) => Truth::from(is == Told::No),
        }
    }

    /// Takes in what was told of what turned out to be the same subject.
    pub(super) fn merge(&mut self, other: Self) {
        for (attribute, theirs) in other.0 {
            let ours = self.0.entry(attribute).or_default();
            ours.votes.merge(theirs.votes);
            ours.asked_at = ours.asked_at.max(theirs.asked_at);
        }
    }

    /// Keeps only what was told from `from` on.
    pub(super) fn keep_since(&mut self, from: Timestamp) {
        self.0.values_mut().for_each(|known| known.votes.keep_since(from));
    }
}
