//! One stream as the scheduler sees it.

use forewarn_domain::Timestamp;

use super::phase::Phase;
use super::plan::Demand;
use super::{Decoding, Planned, Rank, StreamRest, StreamSettings};

#[derive(Debug)]
pub(super) struct Stream {
    pub(super) rest: StreamRest,
    pub(super) decoding: Decoding,
    /// When the frame that waits arrived.
    pub(super) fresh: Option<Timestamp>,
    looks: Option<Phase>,
    glances: Option<Phase>,
    pub(super) planned: Planned,
}

impl Stream {
    pub(super) fn new(settings: StreamSettings) -> Self {
        Self {
            rest: StreamRest::new(settings),
            decoding: Decoding::default(),
            fresh: None,
            looks: None,
            glances: None,
            planned: Planned::full(1.0 / settings.interval.as_secs_f64()),
        }
    }

    pub(super) fn demand(&self, now: Timestamp, (cost_s, time_s): (f64, f64), share: f64) -> Demand {
        let rank = self.rest.rank(now);
        let least = 1.0 / self.rest.longest().as_secs_f64();
        let most = (share / self.rest.settings().interval.as_secs_f64()).max(least);
        let target = if rank == Rank::Still { least } else { most };
        let brief_s = self.rest.settings().brief.as_secs_f64();
        Demand { rank, least, target, cost_s, time_s, brief_s, decoding: self.decoding }
    }

    /// A frame is taken for a glance.
    pub(super) fn glanced(&mut self, arrived_at: Timestamp) {
        self.fresh = Some(arrived_at);
        self.glances = Some(Phase::after(self.glances, arrived_at, self.rest.settings().interval));
    }

    /// A look at the frame that waits begins.
    pub(super) fn looked(&mut self, now: Timestamp) {
        let arrived_at = self.fresh.take().unwrap_or(now);
        self.looks = Some(Phase::after(self.looks, arrived_at, self.planned.interval()));
        self.rest.looked(now);
    }

    /// When its next look is due; at once if it was never looked at.
    pub(super) fn due(&self) -> Timestamp {
        self.looks.map_or(Timestamp::ZERO, |phase| phase.due(self.planned.interval()))
    }

    /// From when on a frame that arrives is worth a glance: for a look, or to see whether something moves.
    pub(super) fn glance_due(&self) -> Timestamp {
        let to_look = if self.fresh.is_some() { None } else { Some(self.due()) };
        let to_glance = self.glances.map_or(Timestamp::ZERO, |phase| phase.due(self.rest.settings().interval));
        to_look.map_or(to_glance, |due| if self.rest.settings().is_gated { due.min(to_glance) } else { due })
    }
}
