//! `wearing`: what closer looks told of a track.

use forewarn_domain::AttributeId;
use forewarn_domain::condition::{self, Told};

use super::TrackCondition;
use crate::rules::error::{CompileError, Problem, nearest};
use crate::rules::lookup::{Lookup, micros};
use crate::rules::sighting::Sighting;
use crate::rules::truth::Held;
use crate::votes::Standard;

/// Closer looks told what the subject wears, or does not. Their votes are kept with the subject, for all rules.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::rules) struct Wearing {
    item: AttributeId,
    is: Told,
    standard: Standard,
}

impl Wearing {
    pub(super) fn compile(
        wearing: &condition::Wearing,
        lookup: &Lookup<'_>,
        place: &str,
    ) -> Result<Self, CompileError> {
        let condition::Wearing { item, is, min_votes, spread_s, confidence } = wearing;
        if let Some(known) = lookup.binding.attributes.as_ref().filter(|known| !known.contains(item)) {
            let nearest = nearest(item.as_str(), known.iter().map(AttributeId::as_str));
            let known = known.iter().map(ToString::to_string).collect();
            let problem = Problem::UnknownAttribute { attribute: item.clone(), nearest, known };
            return Err(lookup.error(format!("{place}.item"), problem));
        }
        let mut standard = Standard::default();
        if let Some(votes) = min_votes {
            let range = "write a whole number from 1 to 100";
            standard.min_votes = lookup.whole(votes, 100.0, range, &format!("{place}.min_votes"))?;
        }
        if let Some(spread) = spread_s {
            let range = "write seconds from 0 to 20: looks of longer ago are forgotten";
            let place = format!("{place}.spread_s");
            standard.spread_us = micros(lookup.number(Some(spread), 0.0, 0.0..=20.0, range, &place)?);
        }
        if let Some(least) = confidence {
            let range = "write a part from 0.5 (a toss-up) to 0.99";
            let place = format!("{place}.confidence");
            standard.confidence = lookup.number(Some(least), 0.0, 0.5..=0.99, range, &place)? as f32;
        }
        Ok(Self { item: item.clone(), is: *is, standard })
    }

    /// The attribute that is asked for.
    pub(in crate::rules) fn item(&self) -> &AttributeId {
        &self.item
    }

    /// From the first vote to the last, in microseconds.
    pub(super) fn spread_us(&self) -> i64 {
        self.standard.spread_us
    }

    /// What is asked of the votes.
    pub(in crate::rules) fn standard(&self) -> Standard {
        self.standard
    }
}

impl TrackCondition for Wearing {
    fn see(&mut self, seen: &Sighting<'_>) -> Held {
        seen.attributes.truth(&self.item, self.is, &self.standard, seen.at).into()
    }

    fn at_once(&mut self) {
        self.standard = self.standard.at_once();
    }
}
