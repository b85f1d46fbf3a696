//! What the incident loop sees, handed to those who keep it with clips.

use forewarn_domain::{Frame, Timestamp, Track};
use forewarn_engine::Engine;
use forewarn_evidence::Sights;
use forewarn_memory::Keeper;

/// Hands it over.
pub struct SightsKeeper(pub Sights);

impl Keeper for SightsKeeper {
    fn name(&self) -> &'static str {
        "sights"
    }

    fn observe(&mut self, frame: &Frame, tracks: &[Track]) {
        self.0.take(frame, tracks);
    }

    fn turn(&mut self, _engine: &mut Engine, _now: Timestamp) {}

    fn trouble(&self) -> Option<String> {
        None
    }
}
