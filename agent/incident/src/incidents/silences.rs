//! Where somebody wants nothing to be announced for a while.

use std::collections::BTreeMap;

use forewarn_domain::{RuleKey, StreamId, Timestamp, ZoneId};

use super::Incidents;
use crate::interface::Silence;

/// A silence cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SilenceRefusal {
    /// Nothing is watched there, so that there is nothing to silence.
    #[error("nothing is watched in {place}: name a camera that has rules, and one of the zones that they name")]
    Unknown {
        /// The camera, with the zone where one was named.
        place: String,
    },
}

/// Whether the announcements of a rule are silenced.
pub(super) fn holds(
    silences: &BTreeMap<(StreamId, Option<ZoneId>), Timestamp>,
    rule: &RuleKey,
    now: Timestamp,
) -> bool {
    // A stream has a handful of them at most, which spares the copies of a key to look up.
    silences.iter().any(|((stream, zone), until)| {
        *stream == rule.stream && zone.as_ref().is_none_or(|zone| *zone == rule.zone) && now < *until
    })
}

impl Incidents {
    /// Announces nothing in a zone until a time. What is being said is said to its end; what is due meanwhile counts as in
    /// quiet hours.
    pub fn silence(&mut self, silence: Silence, now: Timestamp) -> Result<(), SilenceRefusal> {
        self.advance(now);
        self.handle_silence(silence)
    }

    pub(super) fn handle_silence(&mut self, silence: Silence) -> Result<(), SilenceRefusal> {
        let Silence { stream, zone, until } = silence;
        let is_meant = |rule: &RuleKey| rule.stream == stream && zone.as_ref().is_none_or(|zone| *zone == rule.zone);
        // Places that nobody watches are not kept, or anybody could make the list as long as he liked.
        if !self.world.rules.keys().any(is_meant) {
            let zone = zone.map(|zone| format!(", zone {zone}")).unwrap_or_default();
            return Err(SilenceRefusal::Unknown { place: format!("camera {stream}{zone}") });
        }
        let place = (stream, zone);
        if until > self.world.now {
            self.world.silences.insert(place, until);
        } else {
            self.world.silences.remove(&place);
        }
        Ok(())
    }
}
