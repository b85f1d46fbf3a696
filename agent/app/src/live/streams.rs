//! The live streams of a site.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use forewarn_base::sync::lock;
use forewarn_domain::{ClipSource, Clock, StreamId, Viewing, Wake};
use forewarn_hw::telemetry::live;
use forewarn_pipelines::footage::{Footage, FootageNow};
use forewarn_pipelines::{
    Callee, Decode, FrameSlot, LiveStream, StreamConfig, StreamEvent, StreamStatsSnapshot, Wakeup, coding_in_words,
};
use forewarn_telemetry::queue::{Sender, Wait};

use super::LoopEvent;
use super::falls::Falls;
use super::part::Part;
use crate::config::{Camera, LiveTelemetry, Site};
use crate::exit::{CommandError, ExitCode, OrExit as _};
use crate::look::tap_of;

/// One stream, with what looks at every frame of it.
struct Running {
    live: LiveStream,
    falls: Option<Falls>,
    flight: Option<live::Heard>,
}

/// The streams of the site's cameras. Clones are the same ones.
#[derive(Clone)]
pub struct Streams {
    state: Arc<Mutex<State>>,
    clock: Arc<dyn Clock>,
    wakeup: Arc<Wakeup>,
    to_loop: Sender<LoopEvent, Wait>,
    flights: Arc<live::Mailbox>,
    /// Where all video of some cameras is kept; none before the first of them.
    footage: Arc<Mutex<Option<Arc<Footage>>>>,
}

#[derive(Default)]
struct State {
    running: BTreeMap<StreamId, Running>,
    /// What was counted of each before it ended or began anew.
    before: BTreeMap<StreamId, StreamStatsSnapshot>,
}

impl Streams {
    /// Starts them all; each connects and reconnects by itself.
    pub fn start(site: &Site, clock: &Arc<dyn Clock>, to_loop: &Sender<LoopEvent, Wait>) -> Result<Self, CommandError> {
        let (clock, to_loop) = (Arc::clone(clock), to_loop.clone());
        let (flights, footage) = (Arc::default(), Arc::default());
        let streams = Self { state: Arc::default(), clock, wakeup: Arc::default(), to_loop, flights, footage };
        streams.adopt(site, &site.cameras.iter().map(|camera| camera.id.clone()).collect())?;
        Ok(streams)
    }

    /// Ends those of these cameras, and starts those of them that the site names now. All others go on.
    pub fn adopt(&self, site: &Site, ids: &BTreeSet<StreamId>) -> Result<(), CommandError> {
        let former: Vec<_> = self.lock().running.extract_if(.., |id, _| ids.contains(id)).collect();
        for (_, running) in &former {
            running.live.ask_to_stop();
        }
        for (id, Running { live, .. }) in former {
            live.stop();
            let mut state = self.lock();
            let before = state.before.entry(id).or_default();
            *before = live.stats().after(before);
        }
        for camera in site.cameras.iter().filter(|camera| ids.contains(&camera.id)) {
            let running = self.begin(site, camera)?;
            self.lock().running.insert(camera.id.clone(), running);
        }
        Ok(())
    }

    fn begin(&self, site: &Site, camera: &Camera) -> Result<Running, CommandError> {
        let id = camera.id.clone();
        let watch = camera.falls.clone().map(|watch| Falls::start(&id, watch, &self.to_loop)).transpose()?;
        let (falls, tap) = watch.unzip();
        let footage = camera.has_footage.then(|| self.footage_of(site)).transpose()?;
        let to_loop = self.to_loop.clone();
        let sink = Arc::new(move |event| {
            if !to_loop.send(LoopEvent::Stream { stream: id.clone(), event }) {
                tracing::debug!(stream = %id, "the agent is stopping; nobody takes events of streams any more");
            }
        });
        let start = |of: LiveTelemetry| live::start(&camera.id, of.source, of.given, &self.clock, &self.flights);
        let flight = camera.live.clone().map(start).transpose().or_exit(ExitCode::Failed)?;
        let metadata = flight.as_ref().and_then(live::Heard::beside).map(tap_of);
        let wakeup = Some(Arc::clone(&self.wakeup));
        let config = StreamConfig { wakeup, tap, metadata, footage, ..camera.stream_config() };
        let live = LiveStream::start(config, Arc::clone(&self.clock), sink).or_exit(ExitCode::Failed)?;
        Ok(Running { live, falls, flight })
    }

    fn footage_of(&self, site: &Site) -> Result<Arc<Footage>, CommandError> {
        let mut footage = lock(&self.footage);
        let begin = || Footage::start(site.storage.dir.footage(), site.footage, Arc::clone(&self.clock));
        let begun = footage.clone().map_or_else(begin, Ok).or_exit(ExitCode::Failed)?;
        Ok(Arc::clone(footage.insert(begun)))
    }

    /// What is told of footage: of each camera that has it, and bytes of all on the disk.
    pub fn footage(&self) -> (Vec<(StreamId, FootageNow)>, Option<u64>) {
        let of = |(id, running): (&StreamId, &Running)| Some((id.clone(), running.live.footage()?));
        let told = self.lock().running.iter().filter_map(of).collect();
        (told, lock(&self.footage).as_ref().map(|footage| footage.level().0))
    }

    /// Where what is heard of flights lies.
    pub fn flights(&self) -> Arc<live::Mailbox> {
        Arc::clone(&self.flights)
    }

    /// Is rung by each frame of any stream.
    pub fn wakeup(&self) -> Arc<Wakeup> {
        Arc::clone(&self.wakeup)
    }

    /// The frame slot of a stream.
    pub fn slot(&self, stream: &StreamId) -> Option<Arc<FrameSlot>> {
        Some(self.lock().running.get(stream)?.live.slot())
    }

    /// A stream's video for people, as it comes.
    pub fn view(&self, stream: &StreamId, is_small: bool, wake: Wake) -> Option<Box<dyn Viewing>> {
        Some(self.lock().running.get(stream)?.live.view(is_small, wake))
    }

    /// Shows the same by WebRTC.
    pub fn callee(&self, stream: &StreamId, is_small: bool) -> Option<Callee> {
        Some(self.lock().running.get(stream)?.live.callee(is_small))
    }

    /// Where the evidence of each stream comes from.
    pub fn clips(&self) -> Vec<(StreamId, Arc<dyn ClipSource>)> {
        self.lock().running.iter().map(|(id, running)| (id.clone(), running.live.clips())).collect()
    }

    /// The counters of each stream now. Where it began anew they go on.
    pub fn snapshots(&self) -> Vec<(StreamId, StreamStatsSnapshot)> {
        let state = self.lock();
        let of = |(id, running): (&StreamId, &Running)| {
            let stats = running.live.stats();
            (id.clone(), state.before.get(id).map_or(stats, |before| stats.after(before)))
        };
        state.running.iter().map(of).collect()
    }

    /// Frames that were decoded in all, and frames that were dropped for newer ones.
    pub fn frames(&self) -> (u64, u64) {
        let mut all = self.lock().before.clone();
        all.extend(self.snapshots());
        let sum = |counted: fn(&StreamStatsSnapshot) -> u64| all.values().map(counted).sum();
        (sum(|stats| stats.frames_decoded), sum(|stats| stats.frames_dropped_newest_wins))
    }

    /// Has so much of a stream decoded.
    pub fn decode(&self, stream: &StreamId, decode: Decode) {
        if let Some(running) = self.lock().running.get(stream) {
            running.live.decode(decode);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl Part for Streams {
    fn name(&self) -> &'static str {
        "streams"
    }

    /// Each connects anew by itself; a stream that is down is no broken part.
    fn is_broken(&self) -> bool {
        let is_broken = |running: &Running| {
            running.falls.as_ref().is_some_and(Falls::is_broken)
                || running.flight.as_ref().is_some_and(live::Heard::is_broken)
        };
        self.lock().running.values().any(is_broken)
    }

    /// Stops them all: first each is asked, so that none waits for another. Their counters can still be read.
    fn stop(&mut self, _left: Duration) -> anyhow::Result<()> {
        let mut state = self.lock();
        state.running.values().for_each(|running| running.live.ask_to_stop());
        for running in state.running.values_mut() {
            running.live.stop();
            (running.falls, running.flight) = (None, None);
        }
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
