//! Ballots for texts, such as a plate read in several frames.
//!
//! The characters are voted on place by place among the readings of one length, but what is reported is always a text
//! that was really read: the one that agrees best with the vote. A text does not fade, because a plate does not change.

use std::collections::BTreeMap;

use forewarn_domain::{BestCrop, Timestamp, Unclear};

use super::{Standard, better, independence, is_enough};

/// The most different texts that are remembered for one subject.
const MOST_TEXTS: usize = 24;
/// What a perfect look is worth alone: looks at one plate share their mistakes, so that it takes several to be sure.
const MOST_PER_LOOK: f32 = 0.5;
/// With a smaller part of the votes for one of its characters a text is contradicted.
const CONTRADICTED: f32 = 0.65;
/// The most looks at one text whose times are remembered.
const MOST_TIMES: usize = 32;
/// The most characters of a text that are looked at.
const MOST_CHARS: usize = 32;

/// All looks that read one text.
#[derive(Debug, Clone, PartialEq)]
struct Text {
    /// When, how sure and how good each look was, in the order of time.
    looks: Vec<(Timestamp, f32, BestCrop)>,
}

/// All texts that were read of one subject.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Texts(BTreeMap<String, Text>);

/// What the readings say.
pub(super) struct Read {
    pub(super) text: String,
    pub(super) unclear: Option<Unclear>,
    pub(super) confidence: f32,
    pub(super) votes: u32,
    pub(super) first_at: Timestamp,
    pub(super) last_at: Timestamp,
    pub(super) best: BestCrop,
}

impl Text {
    /// Weight of the looks, and how many independent ones they are worth.
    fn weight(&self) -> (f32, f32) {
        let mut before = None;
        self.looks.iter().fold((0.0, 0.0), |(weight, n), (at, confidence, crop)| {
            let independence = independence(before, *at);
            before = Some(*at);
            (weight + confidence * crop.quality * independence, n + independence)
        })
    }

    /// The probability that not every look is wrong, each worth half of what it claims at most, and what the looks claim on
    /// average: what is read wrongly in a small picture is read wrongly again and again, only never surely.
    fn certainty(&self) -> (f32, f32) {
        let mut before = None;
        let (mut doubt, mut claimed, mut n) = (1.0, 0.0, 0.0);
        for (at, confidence, crop) in &self.looks {
            let independence = independence(before, *at);
            before = Some(*at);
            doubt *= 1.0 - MOST_PER_LOOK * confidence * crop.quality * independence;
            claimed += confidence * independence;
            n += independence;
        }
        (1.0 - doubt, if n > 0.0 { claimed / n } else { 0.0 })
    }

    fn sort(&mut self) {
        self.looks.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.quality.total_cmp(&b.2.quality)));
        let surplus = self.looks.len().saturating_sub(MOST_TIMES);
        self.looks.drain(..surplus);
    }
}

impl Texts {
    pub(super) fn add(&mut self, text: &str, confidence: f32, crop: BestCrop) {
        let known = self.0.entry(text.to_owned()).or_insert_with(|| Text { looks: Vec::new() });
        known.looks.push((crop.at, confidence, crop));
        known.sort();
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (text, looks) in other.0 {
            let known = self.0.entry(text).or_insert_with(|| Text { looks: Vec::new() });
            known.looks.extend(looks.looks);
            known.sort();
        }
        self.bound();
    }

    pub(super) fn keep_since(&mut self, from: Timestamp) {
        for text in self.0.values_mut() {
            text.looks.retain(|(at, ..)| *at >= from);
        }
        self.0.retain(|_, text| !text.looks.is_empty());
    }

    /// Forgets the weakest texts beyond the bound.
    pub(super) fn bound(&mut self) {
        while self.0.len() > MOST_TEXTS {
            let weakest = self.0.iter().min_by(|a, b| a.1.weight().0.total_cmp(&b.1.weight().0).then(b.0.cmp(a.0)));
            let Some(weakest) = weakest.map(|(text, _)| text.clone()) else { return };
            self.0.remove(&weakest);
        }
    }

    pub(super) fn last_at(&self) -> Option<Timestamp> {
        self.0.values().filter_map(|text| text.looks.last()).map(|(at, ..)| *at).max()
    }

    pub(super) fn result(&self, standard: &Standard) -> Option<Read> {
        let ranked = self.0.iter().map(|(text, looks)| (self.agreement(text), looks.weight().0, text, looks));
        let (agreement, _, text, looks) =
            ranked.max_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)).then(b.2.cmp(a.2)))?;
        let all = || self.0.values().flat_map(|text| &text.looks);
        let (certainty, claimed) = looks.certainty();
        let confidence = (agreement * certainty).min(claimed);
        let (first, last) = (looks.looks.first()?.0, looks.looks.last()?.0);
        let unclear =
            if !is_enough(looks.weight().1, standard.min_votes) || last.micros_since(first) < standard.spread_us {
                Some(Unclear::TooFewVotes)
            } else if agreement < CONTRADICTED {
                Some(Unclear::Contradictory)
            } else if confidence < standard.confidence {
                Some(Unclear::Undecided)
            } else {
                None
            };
        Some(Read {
            text: text.clone(),
            unclear,
            confidence,
            votes: all().count() as u32,
            first_at: all().map(|(at, ..)| *at).min()?,
            last_at: all().map(|(at, ..)| *at).max()?,
            best: looks.looks.iter().map(|(.., crop)| *crop).reduce(better)?,
        })
    }

    /// The part of the votes that agree with `text` in its most disputed character and in its length, 0 to 1.
    fn agreement(&self, text: &str) -> f32 {
        let weights: Vec<(Vec<char>, f32)> =
            self.0.iter().map(|(other, looks)| (other.chars().take(MOST_CHARS).collect(), looks.weight().0)).collect();
        let chars: Vec<char> = text.chars().take(MOST_CHARS).collect();
        let part = |agrees: &dyn Fn(&[char]) -> bool, among: &dyn Fn(&[char]) -> bool| {
            let sum = |test: &dyn Fn(&[char]) -> bool| -> f32 {
                weights.iter().filter(|(other, _)| test(other)).map(|(_, weight)| weight).sum()
            };
            let all = sum(among);
            if all > 0.0 { sum(&|other| among(other) && agrees(other)) / all } else { 0.0 }
        };
        let is_as_long = |other: &[char]| other.len() == chars.len();
        let of_length = part(&is_as_long, &|_| true);
        (0..chars.len()).map(|i| part(&|other| other[i] == chars[i], &is_as_long)).fold(of_length, f32::min)
    }
}
