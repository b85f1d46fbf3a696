//! Takes up what changed in the site while the agent runs.

use std::collections::BTreeSet;
use std::sync::Arc;

use forewarn_domain::Clock;
use forewarn_report::Outbox;
use forewarn_telemetry::queue::{Sender, Wait};

use super::LoopEvent;
use super::board::Board;
use super::health::Shown;
use super::sensors::Sensors;
use super::speakers::Speakers;
use super::upstreams::Upstreams;
use crate::config::Site;
use crate::config::changes::Concern;

/// Has the running parts go on by another reading of the site.
pub struct Adopter {
    pub(super) to_loop: Sender<LoopEvent, Wait>,
    pub(super) speakers: Speakers,
    pub(super) sensors: Sensors,
    pub(super) upstreams: Upstreams,
    pub(super) outbox: Outbox,
    pub(super) board: Board,
    pub(super) shown: Shown,
    pub(super) clock: Arc<dyn Clock>,
}

impl Adopter {
    /// Goes on by `site`, which differs from what was before in `concerns` and nothing else. What does not change is not
    /// touched.
    ///
    /// A loudspeaker is there before the incidents that speak by it, and an upstream before they are told there.
    pub fn adopt(&self, site: &Site, concerns: &BTreeSet<Concern>) -> anyhow::Result<()> {
        let (mut speakers, mut sensors, mut upstreams) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for concern in concerns {
            match concern {
                Concern::Speaker(id) => drop(speakers.insert(id.clone())),
                Concern::Sensor(id) => drop(sensors.insert(id.clone())),
                Concern::Upstream(id) => drop(upstreams.insert(id.clone())),
                Concern::Watching(_) | Concern::Camera(_) | Concern::Model | Concern::Other => {}
            }
        }
        if !upstreams.is_empty() {
            self.upstreams.adopt(site, &upstreams, &self.outbox, &self.clock)?;
        }
        self.speakers.adopt(site, &speakers).map_err(|error| error.error)?;
        // An error means that the agent stops, which ends all of them.
        let _ = self.to_loop.send(LoopEvent::Adopted(Box::new(site.clone())));
        self.sensors.adopt(&site.sensors, &sensors).map_err(|error| error.error)?;
        self.shown.adopt(site);
        let mut notices = self.board.lock();
        notices.speakers.retain(|id, _| !speakers.contains(id));
        notices.unread.retain(|id, _| !sensors.contains(id));
        Ok(())
    }

    /// Another way to the same parts.
    pub(super) fn again(&self) -> Self {
        let Self { to_loop, speakers, sensors, upstreams, outbox, board, shown, clock } = self;
        Self {
            to_loop: to_loop.clone(),
            speakers: speakers.clone(),
            sensors: sensors.clone(),
            upstreams: upstreams.clone(),
            outbox: outbox.again(),
            board: board.clone(),
            shown: shown.clone(),
            clock: Arc::clone(clock),
        }
    }
}
