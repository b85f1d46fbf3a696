//! Votes: from single looks at one subject to what all of them say together.
//!
//! Looks at one subject are gathered over the life of its identity. Each that told yes or no is a ballot; each that
//! read a text is a ballot for that text; those that could not tell are remembered for their reason and never count
//! for either side. What the ballots say is computed anew for each question, as a pure function of the ballots and of
//! the time: the order in which they came does not matter.

mod ballots;
mod texts;

use forewarn_domain::{About, Answer, AttributeId, BBox, BestCrop, Finding, Reading, Timestamp, Unclear, Verdict};

use self::ballots::Ballots;
use self::texts::Texts;

/// Looks that are older than this are forgotten, in microseconds.
const MEMORY_US: i64 = 30_000_000;
/// The most looks of one kind that are remembered.
const MOST_LOOKS: usize = 96;
/// Two looks count in full when so much time lies between them, in microseconds: the same face in the same light a
/// moment later says little that is new.
const INDEPENDENT_US: i64 = 500_000;

/// What a violation asks of the votes before it believes them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Standard {
    /// The least number of independent looks for the verdict.
    pub min_votes: u32,
    /// The least time from the first look for the verdict to the last, in microseconds.
    pub spread_us: i64,
    /// The least confidence, 0.5 to 1.
    pub confidence: f32,
}

impl Standard {
    /// Of one look.
    pub(crate) fn at_once(self) -> Self {
        Self { min_votes: 1, spread_us: 0, ..self }
    }
}

impl Default for Standard {
    /// Three independent looks over a second, four out of five sure.
    fn default() -> Self {
        Self { min_votes: 3, spread_us: 1_000_000, confidence: 0.8 }
    }
}

/// All looks at one attribute of one subject.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Votes {
    ballots: Ballots,
    texts: Texts,
    /// Looks that could not tell, in the order of time.
    unclear: Vec<(Timestamp, Unclear)>,
}

impl Votes {
    /// Takes in what one look said. A probability or quality that is no number counts as a model that failed.
    pub(crate) fn add(&mut self, reading: &Reading) {
        let quality = reading.quality;
        let is_sound = |value: f32| (0.0..=1.0).contains(&value) && (0.0..=1.0).contains(&quality);
        let unclear = match &reading.answer {
            Answer::Probability(p) if is_sound(*p) => self.ballots.add(reading.at, *p, crop(reading)),
            Answer::Text { text, confidence } if is_sound(*confidence) && !text.is_empty() => {
                self.texts.add(text, *confidence, crop(reading));
                None
            }
            Answer::CannotTell(reason) => Some(*reason),
            Answer::Probability(_) | Answer::Text { .. } => Some(Unclear::ModelFailed),
        };
        if let Some(reason) = unclear {
            self.unclear.push((reading.at, reason));
            self.unclear.sort_unstable();
        }
        self.forget(reading.at);
    }

    /// Takes in the looks at what turned out to be the same subject.
    pub(crate) fn merge(&mut self, other: Self) {
        self.ballots.merge(other.ballots);
        self.texts.merge(other.texts);
        self.unclear.extend(other.unclear);
        self.unclear.sort_unstable();
        if let Some(latest) = self.latest() {
            self.forget(latest);
        }
    }

    /// Keeps only the looks from `from` on.
    pub(crate) fn keep_since(&mut self, from: Timestamp) {
        self.ballots.keep_since(from);
        self.texts.keep_since(from);
        self.unclear.retain(|(at, _)| *at >= from);
    }

    /// What all looks say at `now`.
    pub(crate) fn finding(&self, attribute: &AttributeId, standard: &Standard, now: Timestamp) -> Finding {
        let looks = |votes: u32| votes + self.unclear.iter().filter(|(at, _)| is_fresh(*at, now)).count() as u32;
        if let Some(read) = self.texts.result(standard) {
            return Finding {
                about: About::Attribute(attribute.clone()),
                verdict: if read.unclear.is_none() { Verdict::Yes } else { Verdict::CannotTell },
                unclear: read.unclear,
                confidence: read.confidence,
                votes: read.votes,
                looks: looks(read.votes),
                first_at: Some(read.first_at),
                last_at: Some(read.last_at),
                text: Some(read.text),
                best: Some(read.best),
                fly_within_m: None,
            };
        }
        let said = self.ballots.result(standard, now);
        let unclear = said.unclear.map(|reason| self.reason(reason, said.last_at, now));
        Finding {
            about: About::Attribute(attribute.clone()),
            verdict: said.verdict,
            unclear,
            confidence: said.confidence,
            votes: said.votes,
            looks: looks(said.votes),
            first_at: said.first_at,
            last_at: said.last_at,
            text: None,
            best: said.best,
            fly_within_m: None,
        }
    }

    /// Why it cannot be told: what the looks since the last vote say most often, else what the votes say themselves.
    fn reason(&self, of_votes: Unclear, voted_at: Option<Timestamp>, now: Timestamp) -> Unclear {
        if matches!(of_votes, Unclear::Contradictory) {
            return of_votes;
        }
        let since: Vec<Unclear> = self
            .unclear
            .iter()
            .filter(|(at, _)| is_fresh(*at, now) && voted_at.is_none_or(|voted| *at > voted))
            .map(|(_, reason)| *reason)
            .collect();
        // A look or two in between do not explain why votes are few; a row of them does.
        let explains = voted_at.is_none() || since.len() >= 3;
        let count = |reason: &Unclear| since.iter().filter(|r| *r == reason).count();
        let most = since.iter().max_by_key(|reason| (count(reason), **reason)).copied();
        most.filter(|_| explains).unwrap_or(of_votes)
    }

    /// How many of the latest looks in a row could not tell.
    pub(crate) fn fruitless(&self) -> u32 {
        let voted_at = self.ballots.last_at().max(self.texts.last_at());
        self.unclear.iter().filter(|(at, _)| voted_at.is_none_or(|voted| *at > voted)).count() as u32
    }

    fn latest(&self) -> Option<Timestamp> {
        let unclear = self.unclear.last().map(|(at, _)| *at);
        self.ballots.last_at().max(self.texts.last_at()).max(unclear)
    }

    fn forget(&mut self, now: Timestamp) {
        let latest = self.latest().map_or(now, |latest| latest.max(now));
        self.ballots.forget(latest);
        self.texts.bound();
        self.unclear.retain(|(at, _)| is_fresh(*at, latest));
        let surplus = self.unclear.len().saturating_sub(MOST_LOOKS);
        self.unclear.drain(..surplus);
    }
}

fn crop(reading: &Reading) -> BestCrop {
    BestCrop { at: reading.at, bbox: reading.bbox, quality: reading.quality }
}

fn is_fresh(at: Timestamp, now: Timestamp) -> bool {
    now.micros_since(at) <= MEMORY_US
}

/// The weight of a look by the time since the one before: 1 for the first and for those that are well apart.
fn independence(before: Option<Timestamp>, at: Timestamp) -> f32 {
    before.map_or(1.0, |before| (at.micros_since(before) as f32 / INDEPENDENT_US as f32).clamp(0.0, 1.0))
}

/// Whether so much independent weight counts as that many votes; looks that come a little early are let pass.
fn is_enough(weight: f32, votes: u32) -> bool {
    weight + 0.25 >= votes as f32
}

/// The better of two crops: by quality, then the earlier one.
fn better(a: BestCrop, b: BestCrop) -> BestCrop {
    let order = a.quality.total_cmp(&b.quality).then(b.at.cmp(&a.at)).then_with(|| corners(&b.bbox, &a.bbox));
    if order.is_ge() { a } else { b }
}

fn corners(a: &BBox, b: &BBox) -> std::cmp::Ordering {
    let (a, b) = (<[f32; 4]>::from(*a), <[f32; 4]>::from(*b));
    a.iter().zip(&b).map(|(a, b)| a.total_cmp(b)).find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
}

#[cfg(test)]
mod tests;
