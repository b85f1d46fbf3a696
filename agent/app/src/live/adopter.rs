//! Takes up what changed in the site while the agent runs.

use std::collections::BTreeSet;
use std::sync::Arc;

use forewarn_domain::Clock;
use forewarn_hw::sensor::Mailbox;
use forewarn_report::Outbox;
use forewarn_telemetry::queue::{Sender, Wait};

use super::LoopEvent;
use super::board::Board;
use super::sensors::Sensors;
use super::speakers::Speakers;
use super::upstreams::Upstreams;
use crate::config::Site;
use crate::config::changes::Concern;
use crate::exit::CommandError;

/// What the agent speaks by, measures by and reports by. Clones are the same ones.
#[derive(Clone)]
pub struct Hands {
    /// The loudspeakers.
    pub speakers: Speakers,
    /// The sensors.
    pub sensors: Sensors,
    /// Where what is new of the sensors lies.
    pub mailbox: Arc<Mailbox>,
    /// The ways upstream.
    pub upstreams: Upstreams,
}

impl Hands {
    /// Starts those of a site.
    pub fn start(
        site: &Site,
        outbox: &Outbox,
        clock: &Arc<dyn Clock>,
        to_loop: &Sender<LoopEvent, Wait>,
    ) -> Result<Self, CommandError> {
        let mailbox = Arc::default();
        Ok(Self {
            upstreams: Upstreams::start(site, outbox, clock)?,
            speakers: Speakers::start(site, clock, to_loop)?,
            sensors: Sensors::start(site, clock, &mailbox, to_loop)?,
            mailbox,
        })
    }
}

/// Has the running parts go on by another reading of the site.
pub struct Adopter {
    pub(super) to_loop: Sender<LoopEvent, Wait>,
    pub(super) hands: Hands,
    pub(super) outbox: Outbox,
    pub(super) board: Board,
    pub(super) clock: Arc<dyn Clock>,
}

impl Adopter {
    /// Goes on by `site`, which differs from what was before in `concerns` and nothing else. What does not change is not
    /// touched.
    ///
    /// A loudspeaker is there before the incidents that speak by it, and an upstream before they are told there.
    pub fn adopt(&self, site: &Site, concerns: &BTreeSet<Concern>) -> anyhow::Result<()> {
        let Hands { speakers, sensors, upstreams, .. } = &self.hands;
        let of_upstreams: BTreeSet<_> = concerns.iter().filter_map(Concern::upstream).cloned().collect();
        let of_speakers: BTreeSet<_> = concerns.iter().filter_map(Concern::speaker).cloned().collect();
        let of_sensors: BTreeSet<_> = concerns.iter().filter_map(Concern::sensor).cloned().collect();
        if !of_upstreams.is_empty() {
            upstreams.adopt(site, &of_upstreams, &self.outbox, &self.clock)?;
        }
        speakers.adopt(site, &of_speakers).map_err(|error| error.error)?;
        // An error means that the agent stops, which ends all of them.
        let _ = self.to_loop.send(LoopEvent::Adopted(Box::new(site.clone())));
        sensors.adopt(&site.sensors, &of_sensors).map_err(|error| error.error)?;
        self.board.adopt(site, concerns);
        Ok(())
    }

    /// Another way to the same parts.
    pub(super) fn again(&self) -> Self {
        let Self { to_loop, hands, outbox, board, clock } = self;
        Self {
            to_loop: to_loop.clone(),
            hands: hands.clone(),
            outbox: outbox.again(),
            board: board.clone(),
            clock: Arc::clone(clock),
        }
    }
}
