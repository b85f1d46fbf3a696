//! The inference thread as a part of the agent: which streams it looks at, and who is told what it found.

use std::sync::Arc;
use std::time::Duration;

use forewarn_domain::{Clock, StreamId};
use forewarn_inference::{Decoders, Ends, Found, Inference, Models, Setup, Shared, StreamSetup};
use forewarn_pipelines::{FrameSlot, StreamStatsSnapshot, Wakeup};
use forewarn_telemetry::queue::{Sender, Wait};
use forewarn_wire::story::Happening;

use super::LoopEvent;
use super::part::Part;
use super::streams::{Streams, StreamsReader};
use crate::config::Site;

/// Starts the thread over the site's `streams`.
pub fn start(
    site: &Site,
    models: Models,
    streams: &Streams,
    shared: Shared,
    wakeup: Arc<Wakeup>,
    to_loop: Sender<LoopEvent, Wait>,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Inference> {
    let ends = Ends {
        decoders: Box::new(streams.stats()),
        shared,
        wakeup,
        clock: Arc::clone(clock),
        tell: Box::new(move |found| to_loop.send(event(found))),
    };
    Ok(Inference::start(setup(site, streams.slots()), models, ends)?)
}

/// How the streams of the site's cameras are looked at.
fn setup(site: &Site, slots: Vec<(StreamId, Arc<FrameSlot>)>) -> Setup {
    let of_slot = |(stream, slot)| {
        let camera = site.cameras.iter().find(|camera| camera.id == stream)?;
        let (settings, is_whole) = (site.stream_settings(camera), camera.falls.is_some());
        Some(StreamSetup { stream, slot, settings, tiles: camera.tiles, is_whole })
    };
    let input = &site.model.card.input;
    Setup {
        streams: slots.into_iter().filter_map(of_slot).collect(),
        input_px: (input.width, input.height),
        threads: site.model.threads,
        budget: site.inference.budget,
    }
}

fn event(found: Found) -> LoopEvent {
    match found {
        Found::Analysed(analysed) => LoopEvent::Analysed(analysed),
        Found::Read { stream, readings } => LoopEvent::Read { stream, readings },
        Found::Failed { what, at } => LoopEvent::Happened(Happening::trouble(what, at)),
    }
}

impl Decoders for StreamsReader {
    fn snapshots(&self) -> Vec<(StreamId, StreamStatsSnapshot)> {
        self.snapshots()
    }

    fn decode_part(&self, stream: &StreamId, part: f32) {
        self.decode_part(stream, part);
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
