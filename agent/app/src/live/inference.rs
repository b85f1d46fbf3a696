//! The inference thread as a part of the agent: which streams it looks at, and who is told what it found.

use std::sync::Arc;
use std::time::Duration;

use forewarn_domain::{Clock, StreamId};
use forewarn_engine::power::PowerReading;
use forewarn_hw::power::{PowerNow, PowerWatch};
use forewarn_inference::{Decoders, Ends, Found, Inference, Lanes, Models, PowerDesk, Setup, Shared, StreamSetup};
use forewarn_pipelines::{Decode, StreamStatsSnapshot};
use forewarn_telemetry::queue::{Sender, Wait};
use forewarn_wire::story::Happening;

use super::LoopEvent;
use super::part::Part;
use super::streams::Streams;
use crate::config::{Camera, Site};

/// Starts the thread over the site's `streams`.
pub fn start(
    site: &Site,
    models: Models,
    streams: &Streams,
    shared: Shared,
    to_loop: Sender<LoopEvent, Wait>,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Inference> {
    let ends = Ends {
        decoders: Box::new(streams.clone()),
        shared,
        wakeup: streams.wakeup(),
        clock: Arc::clone(clock),
        tell: Box::new(move |found| to_loop.send(event(found))),
    };
    let input = &site.model.card.input;
    let setup = Setup {
        streams: site.cameras.iter().filter_map(|camera| lane(site, camera, streams)).collect(),
        input_px: (input.width, input.height),
        threads: site.model.threads,
        budget: site.inference.budget,
    };
    Ok(Inference::start(setup, models, ends)?)
}

/// Has `desk` told how warm the box is and what the battery has left, where the site asks for care.
pub fn watch_power(
    site: &Site,
    desk: &PowerDesk,
    streams: &Streams,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Option<PowerWatch>> {
    let Some(plan) = &site.power else { return Ok(None) };
    desk.begin(plan.limits);
    let desk = desk.clone();
    let tell = move |PowerNow { warm_c, left_percent }, now| desk.read(PowerReading { warm_c, left_percent }, now);
    Ok(Some(PowerWatch::start(plan.thermal_dir.clone(), streams.flights(), Arc::clone(clock), tell)?))
}

/// How the stream of a camera is looked at.
fn lane(site: &Site, camera: &Camera, streams: &Streams) -> Option<StreamSetup> {
    Some(StreamSetup {
        stream: camera.id.clone(),
        slot: streams.slot(&camera.id)?,
        settings: site.stream_settings(camera),
        tiles: camera.tiles,
        exclusions: Arc::clone(&camera.exclusions),
        is_whole: camera.falls.is_some(),
    })
}

/// Looks at these cameras as the site says now, and no more at those of them that it does not name.
pub fn adopt<'a>(lanes: &Lanes, site: &Site, ids: impl IntoIterator<Item = &'a StreamId>, streams: &Streams) {
    for id in ids {
        let camera = site.cameras.iter().find(|camera| camera.id == *id);
        match camera.and_then(|camera| lane(site, camera, streams)) {
            Some(setup) => lanes.add(setup),
            None => lanes.remove(id.clone()),
        }
    }
}

fn event(found: Found) -> LoopEvent {
    match found {
        Found::Analysed(analysed) => LoopEvent::Analysed(analysed),
        Found::Read { stream, readings } => LoopEvent::Read { stream, readings },
        Found::Failed { what, at } => LoopEvent::Happened(Happening::trouble(what, at)),
    }
}

impl Decoders for Streams {
    fn snapshots(&self) -> Vec<(StreamId, StreamStatsSnapshot)> {
        Self::snapshots(self)
    }

    fn decode(&self, stream: &StreamId, decode: Decode) {
        Self::decode(self, stream, decode);
    }
}

impl Part for Inference {
    fn name(&self) -> &'static str {
        "inference"
    }

    fn is_broken(&self) -> bool {
        self.has_ended()
    }

    fn stop(&mut self, _left: Duration) -> anyhow::Result<()> {
        Ok(self.stop()?)
    }
}
