//! Ballots of yes and no.
//!
//! A calibrated probability becomes its log-odds, so that independent looks add up (naive Bayes). Each look is capped,
//! weighed by the quality of its crop, by how independent it is of the look before, and by its age: somebody who takes
//! a mask off, or puts one on after the warning, is judged by what is seen now. The halves of the sum tell whether good
//! looks contradict each other.

use forewarn_domain::{BestCrop, Timestamp, Unclear, Verdict};

use super::{MOST_LOOKS, Standard, better, corners, independence, is_enough, is_fresh};

/// A vote loses half of its weight in this time, in microseconds.
const HALF_LIFE_US: f32 = 3_000_000.0;
/// No single look is believed beyond these log-odds, about 19 to 1.
const MOST_PER_LOOK: f32 = 3.0;
/// Nor are all looks together, about 400 to 1: looks at one subject share their mistakes.
const MOST_IN_ALL: f32 = 6.0;
/// Log-odds nearer to zero than this say neither yes nor no (a probability between 0.4 and 0.6).
const UNDECIDED: f32 = 0.405;
/// The weaker side contradicts when it weighs this much, and this part of the stronger side.
const CONTRADICTS: f32 = 1.0;
const CONTRADICTING_PART: f32 = 0.4;

/// One look that said yes or no.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Ballot {
    at: Timestamp,
    /// Log-odds of yes, capped.
    log_odds: f32,
    crop: BestCrop,
}

impl Ballot {
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        self.at
            .cmp(&other.at)
            .then(self.log_odds.total_cmp(&other.log_odds))
            .then(self.crop.quality.total_cmp(&other.crop.quality))
            .then_with(|| corners(&self.crop.bbox, &other.crop.bbox))
    }
}

/// All ballots of one attribute of one subject, in the order of time.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Ballots(Vec<Ballot>);

/// What the ballots say.
pub(super) struct Said {
    pub(super) verdict: Verdict,
    pub(super) unclear: Option<Unclear>,
    pub(super) confidence: f32,
    pub(super) votes: u32,
    pub(super) first_at: Option<Timestamp>,
    pub(super) last_at: Option<Timestamp>,
    pub(super) best: Option<BestCrop>,
}

/// One side of the vote.
#[derive(Debug, Clone, Copy, Default)]
struct Side {
    /// Sum of log-odds, weighed by quality, independence and age.
    evidence: f32,
    /// Sum of independence: how many looks they are worth.
    looks: f32,
    first_at: Option<Timestamp>,
    last_at: Option<Timestamp>,
    best: Option<BestCrop>,
}

impl Ballots {
    /// Takes in a look; the reason if it says neither yes nor no.
    pub(super) fn add(&mut self, at: Timestamp, probability: f32, crop: BestCrop) -> Option<Unclear> {
        let log_odds = (probability / (1.0 - probability)).ln().clamp(-MOST_PER_LOOK, MOST_PER_LOOK);
        if log_odds.abs() < UNDECIDED {
            return Some(Unclear::Undecided);
        }
        self.0.push(Ballot { at, log_odds, crop });
        self.0.sort_by(Ballot::order);
        None
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
        self.0.sort_by(Ballot::order);
    }

    pub(super) fn keep_since(&mut self, from: Timestamp) {
        self.0.retain(|ballot| ballot.at >= from);
    }

    pub(super) fn forget(&mut self, now: Timestamp) {
        self.0.retain(|ballot| is_fresh(ballot.at, now));
        let surplus = self.0.len().saturating_sub(MOST_LOOKS);
        self.0.drain(..surplus);
    }

    pub(super) fn last_at(&self) -> Option<Timestamp> {
        self.0.last().map(|ballot| ballot.at)
    }

    pub(super) fn result(&self, standard: &Standard, now: Timestamp) -> Said {
        let (mut yes, mut no) = (Side::default(), Side::default());
        let (mut before, mut votes) = (None, 0);
        for ballot in self.0.iter().filter(|ballot| is_fresh(ballot.at, now)) {
            let side = if ballot.log_odds > 0.0 { &mut yes } else { &mut no };
            side.count(ballot, independence(before, ballot.at), now);
            before = Some(ballot.at);
            votes += 1;
        }
        let is_yes = yes.evidence >= no.evidence;
        let (strong, weak) = if is_yes { (yes, no) } else { (no, yes) };
        let confidence = certainty(strong.evidence - weak.evidence);
        let unclear = if votes == 0 {
            Some(Unclear::NotLooked)
        } else if weak.evidence >= CONTRADICTS && weak.evidence >= CONTRADICTING_PART * strong.evidence {
            Some(Unclear::Contradictory)
        } else if confidence < standard.confidence {
            Some(Unclear::Undecided)
        } else if !strong.reaches(standard) {
            Some(Unclear::TooFewVotes)
        } else {
            None
        };
        Said {
            verdict: match unclear {
                Some(_) => Verdict::CannotTell,
                None if is_yes => Verdict::Yes,
                None => Verdict::No,
            },
            unclear,
            confidence: if unclear.is_none() { confidence } else { 0.0 },
            votes,
            first_at: [yes.first_at, no.first_at].into_iter().flatten().min(),
            last_at: yes.last_at.max(no.last_at),
            best: strong.best.filter(|_| unclear.is_none()),
        }
    }
}

impl Side {
    fn count(&mut self, ballot: &Ballot, independence: f32, now: Timestamp) {
        let age_us = now.micros_since(ballot.at).max(0) as f32;
        let fresh = (-age_us / HALF_LIFE_US).exp2();
        self.evidence += ballot.log_odds.abs() * ballot.crop.quality * independence * fresh;
        self.looks += independence;
        self.first_at = self.first_at.or(Some(ballot.at));
        self.last_at = Some(ballot.at);
        self.best = Some(self.best.map_or(ballot.crop, |best| better(best, ballot.crop)));
    }

    fn reaches(&self, standard: &Standard) -> bool {
        let (Some(first), Some(last)) = (self.first_at, self.last_at) else { return false };
        is_enough(self.looks, standard.min_votes) && last.micros_since(first) >= standard.spread_us
    }
}

/// The probability that belongs to a margin of log-odds, 0.5 to 0.998.
fn certainty(margin: f32) -> f32 {
    1.0 / (1.0 + (-margin.clamp(0.0, MOST_IN_ALL)).exp())
}
