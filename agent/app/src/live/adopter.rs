//! Takes up what changed in the site while the agent runs.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use forewarn_command::Reloads;
use forewarn_domain::{ClipSource, Clock, StreamId};
use forewarn_hw::sensor::Mailbox;
use forewarn_inference::Lanes;
use forewarn_report::Outbox;
use forewarn_telemetry::queue::{Sender, Wait};

use super::board::Board;
use super::sensors::Sensors;
use super::speakers::Speakers;
use super::streams::Streams;
use super::upstreams::Upstreams;
use super::{LoopEvent, inference};
use crate::config::Site;
use crate::config::adoption::Adoption;
use crate::config::changes::Concern;
use crate::exit::CommandError;

/// What the agent sees, speaks, measures and reports by. Clones are the same ones.
#[derive(Clone)]
pub struct Hands {
    /// The streams of the cameras.
    pub streams: Streams,
    /// The loudspeakers.
    pub speakers: Speakers,
    /// The sensors.
    pub sensors: Sensors,
    /// Where what is new of the sensors lies.
    pub mailbox: Arc<Mailbox>,
    /// The ways upstream.
    pub upstreams: Upstreams,
    /// Joins who asks for the site file to be read with who reads it.
    pub reloads: Reloads,
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
            streams: Streams::start(site, clock, to_loop)?,
            speakers: Speakers::start(site, clock, to_loop)?,
            sensors: Sensors::start(site, clock, &mailbox, to_loop)?,
            mailbox,
            reloads: Reloads::default(),
        })
    }
}

/// What the incident loop is told of another reading of the site.
pub struct Adopted {
    /// The site.
    pub site: Site,
    /// The streams that have ended; those of them that the site names go on as others.
    pub ended: BTreeSet<StreamId>,
    /// Where the clips of all streams come from now.
    pub clips: Vec<(StreamId, Arc<dyn ClipSource>)>,
}

impl fmt::Debug for Adopted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adopted").field("ended", &self.ended).finish_non_exhaustive()
    }
}

/// Has the running parts go on by another reading of the site.
pub struct Adopter {
    pub(super) to_loop: Sender<LoopEvent, Wait>,
    pub(super) hands: Hands,
    pub(super) lanes: Lanes,
    pub(super) outbox: Outbox,
    pub(super) board: Board,
    pub(super) clock: Arc<dyn Clock>,
}

impl Adopter {
    /// Goes on by what is adopted. What does not change is not touched.
    ///
    /// A loudspeaker is there before the incidents that speak by it, an upstream before they are told there, and rules
    /// before a new stream is looked at.
    pub fn adopt(&self, adoption: &Adoption) -> anyhow::Result<()> {
        let Adoption { site, concerns, streams: ended, .. } = adoption;
        let Hands { streams, speakers, sensors, upstreams, .. } = &self.hands;
        let of_upstreams: BTreeSet<_> = concerns.iter().filter_map(Concern::upstream).cloned().collect();
        let of_speakers: BTreeSet<_> = concerns.iter().filter_map(Concern::speaker).cloned().collect();
        let of_sensors: BTreeSet<_> = concerns.iter().filter_map(Concern::sensor).cloned().collect();
        if !of_upstreams.is_empty() {
            upstreams.adopt(site, &of_upstreams, &self.outbox, &self.clock)?;
        }
        speakers.adopt(site, &of_speakers).map_err(|error| error.error)?;
        streams.adopt(site, ended).map_err(|error| error.error)?;
        let adopted = Adopted { site: site.clone(), ended: ended.clone(), clips: streams.clips() };
        // An error means that the agent stops, which ends all of them.
        let _ = self.to_loop.send(LoopEvent::Adopted(Box::new(adopted)));
        inference::adopt(&self.lanes, site, concerns.iter().filter_map(Concern::camera), streams);
        sensors.adopt(&site.sensors, &of_sensors).map_err(|error| error.error)?;
        self.board.adopt(site, concerns);
        Ok(())
    }

    /// Who asks for the site file to be read.
    pub fn reloads(&self) -> &Reloads {
        &self.hands.reloads
    }

    /// Another way to the same parts.
    pub(super) fn again(&self) -> Self {
        let Self { to_loop, hands, lanes, outbox, board, clock } = self;
        Self {
            to_loop: to_loop.clone(),
            hands: hands.clone(),
            lanes: lanes.clone(),
            outbox: outbox.again(),
            board: board.clone(),
            clock: Arc::clone(clock),
        }
    }
}
