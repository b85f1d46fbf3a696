//! What flights saw nothing of.

use forewarn_domain::StreamId;

use super::Engine;
use crate::GroundDoubt;

impl Engine {
    /// What is hardly meant of the flight of a stream's camera, now that it is over.
    pub fn ground_doubts(&self, stream: &StreamId) -> Vec<GroundDoubt> {
        let brain = self.streams.get(stream);
        brain.and_then(|brain| Some(brain.ground.as_ref()?.doubts(false, &brain.zones).collect())).unwrap_or_default()
    }

    /// What no flight that goes on will make right, in words; none where there is nothing.
    pub fn ground_trouble(&self) -> Option<String> {
        let flying =
            self.streams.iter().filter_map(|(stream, brain)| Some((stream, brain.ground.as_ref()?, &brain.zones)));
        let told = flying.flat_map(|(stream, ground, zones)| {
            ground.doubts(true, zones).map(move |doubt| format!("camera {stream}: {}", doubt.without_count()))
        });
        let told: Vec<String> = told.collect();
        (!told.is_empty()).then(|| told.join("; "))
    }
}
