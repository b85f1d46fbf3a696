//! The live streams of a site.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use forewarn_domain::{ClipSource, Clock, StreamId};
use forewarn_pipelines::{FrameSlot, FrameTap, LiveStream, StreamEvent, StreamStatsSnapshot, Wakeup, coding_in_words};
use forewarn_telemetry::queue::{Sender, Wait};

use super::LoopEvent;
use super::part::Part;
use crate::config::Site;
use crate::exit::{CommandError, ExitCode, OrExit as _};

/// All streams.
pub struct Streams {
    streams: Arc<BTreeMap<StreamId, LiveStream>>,
}

/// What can be read of the streams, and asked of their decoders, from any thread.
#[derive(Clone, Default)]
pub struct StreamsReader {
    streams: Arc<BTreeMap<StreamId, LiveStream>>,
}

impl StreamsReader {
    /// The counters of each stream now.
    pub fn snapshots(&self) -> Vec<(StreamId, StreamStatsSnapshot)> {
        self.streams.iter().map(|(id, stream)| (id.clone(), stream.stats())).collect()
    }

    /// Has so much of each of a stream's groups of pictures decoded.
    pub fn decode_part(&self, stream: &StreamId, part: f32) {
        if let Some(stream) = self.streams.get(stream) {
            stream.decode_part(part);
        }
    }
}

impl Streams {
    /// Starts them all; each connects and reconnects by itself. `taps` are shown every decoded frame of their streams.
    pub fn start(
        site: &Site,
        clock: &Arc<dyn Clock>,
        wakeup: &Arc<Wakeup>,
        to_loop: &Sender<LoopEvent, Wait>,
        mut taps: BTreeMap<StreamId, FrameTap>,
    ) -> Result<Self, CommandError> {
        let mut streams = BTreeMap::new();
        for camera in &site.cameras {
            let mut config = camera.stream_config();
            config.wakeup = Some(Arc::clone(wakeup));
            config.tap = taps.remove(&camera.id);
            let (id, to_loop) = (camera.id.clone(), to_loop.clone());
            let sink = Arc::new(move |event| {
                if !to_loop.send(LoopEvent::Stream { stream: id.clone(), event }) {
                    tracing::debug!(stream = %id, "the agent is stopping; nobody takes events of streams any more");
                }
            });
            let stream = LiveStream::start(config, Arc::clone(clock), sink).or_exit(ExitCode::Failed)?;
            streams.insert(camera.id.clone(), stream);
        }
        Ok(Self { streams: Arc::new(streams) })
    }

    /// The frame slot of each stream.
    pub fn slots(&self) -> Vec<(StreamId, Arc<FrameSlot>)> {
        self.streams.iter().map(|(id, stream)| (id.clone(), stream.slot())).collect()
    }

    /// Where the evidence of each stream comes from.
    pub fn clips(&self) -> Vec<(StreamId, Arc<dyn ClipSource>)> {
        self.streams.iter().map(|(id, stream)| (id.clone(), stream.clips())).collect()
    }

    /// The counters of each stream.
    pub fn stats(&self) -> StreamsReader {
        StreamsReader { streams: Arc::clone(&self.streams) }
    }
}

impl Part for Streams {
    fn name(&self) -> &'static str {
        "streams"
    }

    /// Each connects anew by itself; a stream that is down is no broken part.
    fn is_broken(&self) -> bool {
        false
    }

    /// Stops them all: first each is asked, so that none waits for another.
    fn stop(&mut self, _left: Duration) -> anyhow::Result<()> {
        self.streams.values().for_each(LiveStream::ask_to_stop);
        self.streams.values().for_each(LiveStream::stop);
        Ok(())
    }
}

/// Whether a stream delivers frames after an event, and what happened.
pub fn in_words(event: &StreamEvent) -> (bool, String) {
    match event {
        StreamEvent::Connected { width, height, codec, decoder } => {
            let codec = coding_in_words(*codec, decoder);
            (true, format!("connected, {codec} {width}x{height}, decoder {decoder}"))
        }
        StreamEvent::Interrupted { reason, retry_in } => {
            (false, format!("interrupted: {reason}; next attempt in {:.1} s", retry_in.as_secs_f64()))
        }
        StreamEvent::RetryFailed { attempt, reason, retry_in, .. } => {
            (false, format!("attempt {attempt} failed: {reason}; next in {:.1} s", retry_in.as_secs_f64()))
        }
        StreamEvent::Resumed { gap } => (true, format!("back after a gap of {:.1} s", gap.as_secs_f64())),
        StreamEvent::FormatChanged { width, height } => (true, format!("the picture is now {width}x{height}")),
        StreamEvent::Halved { away: Some(away) } => (true, away.to_string()),
        StreamEvent::Halved { away: None } => (true, "both its streams are there again".to_owned()),
        StreamEvent::Degraded { reason } => (true, format!("degraded: {reason}")),
        StreamEvent::Ended => (false, "ended".to_owned()),
    }
}
