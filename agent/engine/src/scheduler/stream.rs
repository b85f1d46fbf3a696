//! One stream as the scheduler sees it.

use forewarn_domain::Timestamp;

use super::plan::Demand;
use super::{Decoding, Planned, Rank, StreamRest, StreamSettings};

#[derive(Debug)]
pub(super) struct Stream {
    pub(super) rest: StreamRest,
    pub(super) decoding: Decoding,
    /// Whether a frame waits.
    pub(super) is_fresh: bool,
    pub(super) glanced_at: Option<Timestamp>,
    pub(super) planned: Planned,
}

impl Stream {
    pub(super) fn new(settings: StreamSettings) -> Self {
        Self {
            rest: StreamRest::new(settings),
            decoding: Decoding::default(),
            is_fresh: false,
            glanced_at: None,
            planned: Planned::full(1.0 / settings.interval.as_secs_f64()),
        }
    }

    pub(super) fn demand(&self, now: Timestamp, cost_s: f64, time_s: f64) -> Demand {
        let rank = self.rest.rank(now);
        let least = 1.0 / self.rest.longest().as_secs_f64();
        let target = if rank == Rank::Still { least } else { 1.0 / self.rest.settings().interval.as_secs_f64() };
        Demand { rank, least, target, cost_s, time_s, decoding: self.decoding }
    }

    /// When its next look is due; at once if it was never looked at.
    pub(super) fn due(&self) -> Timestamp {
        self.rest.looked_at().map_or(Timestamp::ZERO, |at| at + self.planned.interval())
    }

    /// When its next frame is worth a glance: for a look, or to see whether something moves.
    pub(super) fn glance_due(&self) -> Timestamp {
        let to_look = if self.is_fresh { None } else { Some(self.due()) };
        let to_glance = self.glanced_at.map_or(Timestamp::ZERO, |at| at + self.rest.settings().interval);
        to_look.map_or(to_glance, |due| if self.rest.settings().is_gated { due.min(to_glance) } else { due })
    }
}
