//! One connection of a live stream: takes what the pipeline gives, from GStreamer's threads.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use forewarn_base::sync::lock;
use forewarn_domain::clock::Stopwatch;
use forewarn_domain::{FrameMeta, Timestamp, WallTime};
use gst::prelude::*;

use crate::clock_map::{ClockMap, ClockMapConfig, ClockSource};
use crate::frame_map::{Picture, frame_of_picture, running_time_ns};
use crate::ingest::{ForkInfo, Intake, RawUnit, Talk};
use crate::quiet::Quiet;
use crate::stats::count;
use crate::stream::{Shared, wake};
use crate::tap::BesideTap;
use crate::thinning::Admission;
use crate::unit::AccessUnit;
use crate::{DecoderKind, EpochEnd, StreamEvent, StreamFault, StreamFormat};

/// Arrivals that are remembered until their pictures are decoded; when full, the oldest is forgotten.
const MAX_ARRIVALS: usize = 256;

/// Something that the stream's thread should tell.
pub(crate) enum Note {
    Event(StreamEvent),
    FirstFrame { event: StreamEvent, at: Timestamp },
}

struct State {
    clock_map: ClockMap,
    /// Access units until the clock of the connection is known, no more than that takes.
    pending: Vec<RawUnit>,
    arrivals: VecDeque<(i64, Timestamp)>,
    format: Option<StreamFormat>,
    fork: Option<ForkInfo>,
    notes: Vec<Note>,
    fault: Option<StreamFault>,
    hint: Option<StreamFault>,
    bus: Option<gst::Bus>,
    talk: Option<Arc<Talk>>,
    /// Weak, for it is the pipeline's.
    jitter_buffer: gst::glib::WeakRef<gst::Element>,
    last_frame_at: Option<Timestamp>,
    last_captured_at: Option<Timestamp>,
    /// Whether the stream counts as interrupted, though the connection goes on.
    is_silent: bool,
}

impl State {
    /// Notes that there was a picture, and tells of the first, and of the first after the connection had fallen silent.
    fn picture_came(&mut self, (width, height): (u32, u32), now: Timestamp) {
        let was_silent = std::mem::take(&mut self.is_silent);
        if self.last_frame_at.replace(now).is_none() || was_silent {
            let fork = self.fork.as_ref();
            let (codec, decoder) = fork.map_or((None, "none"), |fork| (fork.codec, fork.decoder.as_str()));
            let event = StreamEvent::Connected { width, height, codec, decoder: decoder.to_owned() };
            self.tell(Note::FirstFrame { event, at: now });
        }
    }

    fn tell(&mut self, note: Note) {
        self.notes.push(note);
        if let Some(bus) = &self.bus {
            wake(bus);
        }
    }
}

/// A connection.
pub(crate) struct Session {
    shared: Arc<Shared>,
    state: Mutex<State>,
    watch: Stopwatch,
    /// When the last frame was decoded, on `watch`; 0 before the first.
    active_us: AtomicU64,
    /// When the last coded data came, on `watch`; 0 before the first.
    data_us: AtomicU64,
    /// When the last access unit came, on `watch`; 0 before the first.
    unit_us: AtomicU64,
    /// When the decoder was given the first access unit after the last frame, on `watch`; 0 before the first.
    given_us: AtomicU64,
    has_key_frame: AtomicBool,
    /// What comes beside the video, where somebody wants it.
    beside: Option<Arc<BesideTap>>,
}

impl Session {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let config = &shared.config;
        let clock_map =
            ClockMap::new(ClockMapConfig { max_camera_skew: config.max_camera_skew, ..ClockMapConfig::default() });
        let state = State {
            clock_map,
            pending: Vec::new(),
            arrivals: VecDeque::new(),
            format: None,
            fork: None,
            notes: Vec::new(),
            fault: None,
            hint: None,
            bus: None,
            talk: None,
            jitter_buffer: gst::glib::WeakRef::new(),
            last_frame_at: None,
            last_captured_at: None,
            is_silent: false,
        };
        Self {
            beside: config.metadata.clone().map(BesideTap::new),
            shared,
            state: Mutex::new(state),
            watch: Stopwatch::start(),
            active_us: AtomicU64::new(0),
            data_us: AtomicU64::new(0),
            unit_us: AtomicU64::new(0),
            given_us: AtomicU64::new(0),
            has_key_frame: AtomicBool::new(false),
        }
    }

    pub(crate) fn set_bus(&self, bus: &gst::Bus) {
        self.lock().bus = Some(bus.clone());
    }

    /// How long nothing has come.
    pub(crate) fn quiet(&self) -> Quiet {
        let elapsed = self.watch.elapsed();
        let ago = |at_us: &AtomicU64| match at_us.load(Ordering::Relaxed) {
            0 => None,
            at_us => Some(elapsed.saturating_sub(Duration::from_micros(at_us))),
        };
        let is_given = self.given_us.load(Ordering::Relaxed) > self.active_us.load(Ordering::Relaxed);
        let (since_data, since_unit) = (ago(&self.data_us), ago(&self.unit_us));
        Quiet {
            age: elapsed,
            since_frame: ago(&self.active_us),
            since_data,
            since_unit,
            since_given: ago(&self.given_us).filter(|_| is_given),
            is_waiting: (since_unit.or(since_data)).is_some() && !is_given,
        }
    }

    fn elapsed_us(&self) -> u64 {
        (self.watch.elapsed().as_micros() as u64).max(1)
    }

    pub(crate) fn take_notes(&self) -> Vec<Note> {
        std::mem::take(&mut self.lock().notes)
    }

    pub(crate) fn fault(&self) -> Option<StreamFault> {
        self.lock().fault.clone()
    }

    /// A better explanation of `fault`, if one was hinted at.
    pub(crate) fn explained(&self, fault: &StreamFault) -> Option<StreamFault> {
        let is_vague = matches!(fault, StreamFault::NoVideo { .. } | StreamFault::Other { .. });
        self.lock().hint.clone().filter(|_| is_vague)
    }

    pub(crate) fn fork(&self) -> Option<ForkInfo> {
        self.lock().fork.clone()
    }

    /// What is heard between the RTSP source and its camera.
    pub(crate) fn heard(&self) -> Option<Arc<Talk>> {
        self.lock().talk.clone()
    }

    /// How many of a thousand packets of the video were lost for good so far; none where none can be, or was.
    pub(crate) fn lost_thousandths(&self) -> Option<u32> {
        let jitter_buffer = self.lock().jitter_buffer.upgrade()?;
        let stats = jitter_buffer.property::<gst::Structure>("stats");
        let [lost, passed] = ["num-lost", "num-pushed"].map(|name| stats.get::<u64>(name).unwrap_or_default());
        let thousandths = (lost * 1000).checked_div(lost + passed)?;
        u32::try_from(thousandths).ok().filter(|lost| *lost > 0)
    }

    pub(crate) fn last_frame_at(&self) -> Option<Timestamp> {
        self.lock().last_frame_at
    }

    /// The stream counts as interrupted from now on until the next picture, and clips begin anew; false where it did already.
    pub(crate) fn falls_silent(&self) -> bool {
        let mut state = self.lock();
        let was_silent = std::mem::replace(&mut state.is_silent, true);
        if !was_silent {
            state.format = None;
        }
        !was_silent
    }

    /// Whether a decoder was given a key frame and has not given a picture.
    pub(crate) fn is_decoder_silent(&self) -> bool {
        self.has_key_frame.load(Ordering::Relaxed) && self.active_us.load(Ordering::Relaxed) == 0
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Lets the clock map see a unit. True once the map is settled.
    fn observe(&self, state: &mut State, pts_ns: i64, now: Timestamp) -> bool {
        if state.clock_map.source().is_some() {
            state.clock_map.not_after(pts_ns, now);
            return true;
        }
        state.clock_map.observe(pts_ns, now);
        let Some(source) = state.clock_map.source() else { return false };
        if source == ClockSource::SenderReports {
            count(&self.shared.stats.clocks_from_sender_reports);
        }
        let skew_us = state.clock_map.camera_skew_us();
        tracing::info!(stream = %self.shared.config.stream, ?source, skew_us, "clock of the connection is set");
        true
    }

    /// Puts a unit into the ring, beginning a new epoch where the format is new.
    fn keep(&self, state: &mut State, unit: RawUnit) {
        let Some(captured_at) = unit.pts_ns.and_then(|pts| state.clock_map.map(pts)) else { return };
        if unit.is_key {
            let format = StreamFormat::of(unit.codec, &unit.caps, unit.orientation);
            let is_new = state.format.as_ref().is_none_or(|old| format.differs_from(old));
            if is_new {
                if state.format.is_some() {
                    count(&self.shared.stats.format_changes);
                    self.shared.ring.end_epoch(EpochEnd::FormatChanged);
                    let event = StreamEvent::FormatChanged { width: format.width, height: format.height };
                    state.tell(Note::Event(event));
                }
                self.shared.ring.begin_epoch(format.clone());
                state.format = Some(format);
            }
        }
        let (is_key, entry, buffer) = (unit.is_key, unit.entry, unit.buffer);
        self.shared.ring.push(AccessUnit { captured_at, is_key, entry, certificate: None, buffer });
    }
}

impl Intake for Session {
    fn stream_tap(&self) -> Option<Arc<BesideTap>> {
        self.beside.clone()
    }

    fn forked(&self, fork: ForkInfo) {
        self.lock().fork = Some(fork);
    }

    fn data(&self) {
        let is_first = self.data_us.swap(self.elapsed_us(), Ordering::Relaxed) == 0;
        // Until now there was no session to keep alive, and no key frame to wait for.
        if is_first && let Some(bus) = &self.lock().bus {
            wake(bus);
        }
    }

    fn is_silent(&self) -> bool {
        self.lock().is_silent
    }

    fn unit(&self, unit: RawUnit) {
        self.unit_us.store(self.elapsed_us(), Ordering::Relaxed);
        self.has_key_frame.fetch_or(unit.is_key, Ordering::Relaxed);
        let rests = self.shared.decoded_part.rests();
        if rests {
            // Nothing is waited for, and what decoding would cost is not asked.
            self.active_us.store(self.elapsed_us(), Ordering::Relaxed);
        } else {
            count(&self.shared.stats.units_in);
            if unit.is_key {
                count(&self.shared.stats.keys_in);
            }
        }
        let Some(pts_ns) = unit.pts_ns else { return count(&self.shared.stats.units_without_time) };
        let now = self.shared.clock.now();
        let mut state = self.lock();
        if state.arrivals.len() >= MAX_ARRIVALS {
            state.arrivals.pop_front();
        }
        state.arrivals.push_back((pts_ns, now));
        if !self.observe(&mut state, pts_ns, now) {
            return state.pending.push(unit);
        }
        for earlier in std::mem::take(&mut state.pending) {
            self.keep(&mut state, earlier);
        }
        BesideTap::unit(self.beside.as_deref(), pts_ns, &unit.buffer, |ns| state.clock_map.map(ns));
        self.keep(&mut state, unit);
        if rests && let Some(format) = &state.format {
            let size = (format.width, format.height);
            state.picture_came(size, now);
        }
    }

    fn frame(&self, picture: Picture) -> Result<gst::FlowSuccess, gst::FlowError> {
        let stats = &self.shared.stats;
        self.active_us.store(self.elapsed_us(), Ordering::Relaxed);
        if self.shared.decoded_part.rests() {
            // What the decoder still held, or what is no access unit and cannot be left out.
            return Ok(gst::FlowSuccess::Ok);
        }
        let sequence = stats.frames_decoded.fetch_add(1, Ordering::Relaxed);
        let now = self.shared.clock.now();
        let mut state = self.lock();
        let sample = &picture.sample;
        let pts_ns = sample.buffer().and_then(|buffer| running_time_ns(buffer, sample.segment()));
        if let Some(pts_ns) = pts_ns.filter(|_| state.fork.as_ref().is_none_or(|fork| fork.codec.is_none())) {
            self.observe(&mut state, pts_ns, now);
        }
        let Some((pts_ns, captured_at)) = pts_ns.and_then(|pts| Some((pts, state.clock_map.map(pts)?))) else {
            count(&stats.frames_dropped_unmapped);
            return Ok(gst::FlowSuccess::Ok);
        };
        // A tracker cannot use a picture that is not later than the one before it.
        if state.last_captured_at.is_some_and(|last| captured_at <= last) {
            count(&stats.frames_dropped_backwards);
            return Ok(gst::FlowSuccess::Ok);
        }
        state.last_captured_at = Some(captured_at);
        let arrived_at = state.arrivals.iter().find(|(pts, _)| *pts == pts_ns).map_or(now, |&(_, at)| at);
        let is_copied = state.fork.as_ref().is_some_and(|fork| fork.kind != DecoderKind::Software);
        let meta = FrameMeta { stream: self.shared.config.stream.clone(), sequence, captured_at, arrived_at };
        let (frame, showing) = match frame_of_picture(&picture, meta, is_copied) {
            Ok(made) => made,
            Err(fault) => {
                drop(state);
                Intake::fault(self, fault);
                return Err(gst::FlowError::Eos);
            }
        };
        state.picture_came(showing.shown_size((frame.width, frame.height)), now);
        drop(state);
        let Some(tap) = &self.shared.config.tap else {
            self.shared.slot.put_stored(frame, showing);
            return Ok(gst::FlowSuccess::Ok);
        };
        let frame = frame.shown(showing);
        tap.show(&frame);
        self.shared.slot.put(frame);
        Ok(gst::FlowSuccess::Ok)
    }

    fn talk(&self, talk: Arc<Talk>) {
        self.lock().talk = Some(talk);
    }

    fn lossy_way(&self, jitter_buffer: gst::glib::WeakRef<gst::Element>) {
        self.lock().jitter_buffer = jitter_buffer;
    }

    fn partial_frame(&self) {
        self.active_us.store(self.elapsed_us(), Ordering::Relaxed);
    }

    fn end(&self) {}

    fn fault(&self, fault: StreamFault) {
        let mut state = self.lock();
        state.fault.get_or_insert(fault);
        if let Some(bus) = &state.bus {
            wake(bus);
        }
    }

    fn hint(&self, fault: StreamFault) {
        self.lock().hint = Some(fault);
    }

    fn degraded(&self, fault: StreamFault) {
        let mut state = self.lock();
        state.tell(Note::Event(StreamEvent::Degraded { reason: fault }));
    }

    fn sender_report(&self, running_ns: i64, shown: WallTime) {
        // The camera tells what its clock on the wall shows; by ours it becomes an instant of the time line.
        let now = self.shared.clock.now();
        let ahead_us = shown.micros_after(self.shared.clock.wall(now));
        let taken_at = Timestamp::from_micros(now.as_micros().saturating_add(ahead_us));
        let mut state = self.lock();
        if state.clock_map.sender_report(running_ns, taken_at) {
            count(&self.shared.stats.clocks_from_sender_reports);
        }
        tracing::debug!(stream = %self.shared.config.stream, running_ns, %taken_at, "sender report");
    }

    fn decode_queue(&self, level: u32, admission: Admission) {
        self.shared.stats.decode_queue_level.store(u64::from(level), Ordering::Relaxed);
        match admission {
            Admission::LetIn => {
                if self.given_us.load(Ordering::Relaxed) <= self.active_us.load(Ordering::Relaxed) {
                    self.given_us.store(self.elapsed_us(), Ordering::Relaxed);
                }
            }
            Admission::LeftOut => count(&self.shared.stats.units_skipped_by_decoder),
            Admission::Thinned => count(&self.shared.stats.units_thinned),
        }
    }

    fn goes_back(&self, to_running_ns: Option<i64>) {
        let mut state = self.lock();
        state.last_captured_at = to_running_ns.and_then(|pts| state.clock_map.map(pts));
    }

    fn decode_cost(&self, is_key: bool, spent: Duration) {
        self.shared.stats.count_decoded(is_key, spent);
    }
}
