//! Replay of a file: every frame, in order, as fast as the consumer takes them.
//!
//! The pipeline is that of a camera, but its queues wait instead of dropping. The consumer's thread moves access
//! units into the ring when it pulls a frame: with a frame of time t, exactly the units up to the last one
//! (in decoding order) of time ≤ t are there. The same file gives the same frames, times and clips every time.
//!
//! A file that is neither H.264 nor H.265 (such as MPEG-4 in AVI) is replayed without an encoded branch:
//! [`FileReplay::codec`] is `None`, the ring stays empty, and no clip can be recorded.
//!
//! A damaged file gives its frames up to the damage and then an error.

mod config;
mod counted;
mod intray;
mod slots;
mod units;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use forewarn_domain::clock::Stopwatch;
use forewarn_domain::{Frame, FrameMeta, Timestamp};
use gst::prelude::*;

pub use config::{ReplayConfig, ReplayError};
use counted::Counted;
use intray::{Intray, Item, options, posted_error};
use slots::Slots;
pub(crate) use units::load_units;

use crate::frame_map::{Picture, frame_of_picture, running_time_ns};
use crate::ingest::{self, RawUnit};
use crate::unit::AccessUnit;
use crate::{Codec, EpochEnd, PreRollRing, SourceUrl, StreamFault, StreamFormat};

/// How often the bus is looked at while no frame comes.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// After an error, frames that are still under way come within this time.
const DRAIN_AFTER_ERROR: Duration = Duration::from_secs(2);
/// Without a frame for this long the replay is given up.
const GIVE_UP_AFTER: Duration = Duration::from_mins(1);
/// How much shorter than its index says a file may be before it counts as truncated.
const MISSING_END_NS: i64 = 1_000_000_000;

/// A file that is being replayed.
pub struct FileReplay {
    config: ReplayConfig,
    path: PathBuf,
    pipeline: gst::Pipeline,
    intray: Arc<Intray>,
    items: Option<Receiver<Item>>,
    ring: Arc<PreRollRing>,
    format: Option<StreamFormat>,
    /// The first frame, pulled when the file was opened.
    ahead: Option<Picture>,
    first_ns: i64,
    last: Option<Timestamp>,
    /// Time of the last unit that went into the ring.
    last_kept: Option<Timestamp>,
    /// Where in the file the last picture ends.
    ended_ns: i64,
    frames: u64,
    /// Frames of the files before this one.
    former_frames: u64,
    duration_ns: Option<i64>,
    /// For a stream that lacks times.
    counted: Option<(Counted, Slots)>,
    has_fields: bool,
    is_over: bool,
}

impl FileReplay {
    /// Opens `path` and decodes its first frame.
    pub fn open(path: &Path, config: ReplayConfig) -> Result<Self, ReplayError> {
        crate::init()?;
        let shown = path.display().to_string();
        forewarn_base::file::open(path).map_err(|source| ReplayError::Open { path: shown.clone(), source })?;
        let (intray, receiver) = Intray::new();
        let play = |fault| ReplayError::Play { path: shown.clone(), fault };
        let pipeline = ingest::open(&SourceUrl::file(path), options(&config), intray.clone()).map_err(play)?;
        let ring = Arc::new(PreRollRing::new(config.ring));
        let mut replay = Self {
            config,
            path: path.to_owned(),
            pipeline,
            intray,
            items: Some(receiver),
            ring,
            format: None,
            ahead: None,
            first_ns: 0,
            last: None,
            last_kept: None,
            ended_ns: 0,
            frames: 0,
            former_frames: 0,
            duration_ns: None,
            counted: None,
            has_fields: false,
            is_over: false,
        };
        // What keeps it from starting comes over the bus.
        let _ = replay.pipeline.set_state(gst::State::Playing);
        let Some(first) = replay.pull()? else {
            return Err(replay.no_frame());
        };
        if replay.intray.fork().is_some_and(|fork| fork.is_counted) {
            replay.counted = Some((Counted::default(), Slots::new(picture_ns(&first))));
        } else {
            replay.first_ns = time_of(&first).unwrap_or(0);
            replay.duration_ns = replay.pipeline.query_duration::<gst::ClockTime>().map(|d| d.nseconds() as i64);
        }
        replay.has_fields = is_field(&first);
        replay.ahead = Some(first);
        Ok(replay)
    }

    /// The codec of the encoded branch; `None` if there is none and so no clips.
    pub fn codec(&self) -> Option<Codec> {
        self.intray.fork().and_then(|fork| fork.codec)
    }

    /// Name of the decoder.
    pub fn decoder(&self) -> String {
        self.intray.fork().map_or_else(|| "none".to_owned(), |fork| fork.decoder)
    }

    /// The length that the file's index states.
    pub fn duration(&self) -> Option<Duration> {
        self.duration_ns.and_then(|ns| u64::try_from(ns).ok()).map(Duration::from_nanos)
    }

    /// Where clips are recorded from.
    pub fn ring(&self) -> Arc<PreRollRing> {
        self.ring.clone()
    }

    /// Whether the pictures are fields: every other row of interlaced video.
    pub fn has_fields(&self) -> bool {
        self.has_fields
    }

    /// Frames given so far.
    pub fn frames(&self) -> u64 {
        self.former_frames + self.frames
    }

    /// The next frame; `None` at the end of the last file, and after an error.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, ReplayError> {
        if self.is_over {
            return Ok(None);
        }
        let pulled = match self.ahead.take() {
            Some(first) => Ok(Some(first)),
            None => self.pull(),
        };
        let frame = pulled.and_then(|picture| picture.map(|picture| self.take(&picture)).transpose());
        match frame {
            Ok(Some(frame)) => Ok(Some(frame)),
            Ok(None) => {
                let end = self.check_end();
                self.finish();
                end?;
                self.go_on()
            }
            Err(error) => {
                self.finish();
                Err(error)
            }
        }
    }

    /// The first frame of the next file. One that is gone meanwhile is passed over: whoever keeps files lets the oldest go.
    fn go_on(&mut self) -> Result<Option<Frame>, ReplayError> {
        while let Some((start, path)) = self.config.following.pop_front() {
            let after_last = self.last.map_or(start, |last| last + Duration::from_micros(1));
            let config = ReplayConfig { start: start.max(after_last), ..self.config.clone() };
            match Self::open(&path, config) {
                Ok(mut next) => {
                    next.former_frames = self.frames();
                    *self = next;
                    return self.next_frame();
                }
                Err(ReplayError::Open { source, .. }) if source.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    fn take(&mut self, picture: &Picture) -> Result<Frame, ReplayError> {
        let step = Duration::from_micros(1);
        let number = picture.sample.buffer().and_then(ingest::count_of);
        let stated_ns = match &mut self.counted {
            Some((_, slots)) => {
                slots.learn(&self.intray.units());
                Some(slots.shown_ns(number))
            }
            None => time_of(picture),
        };
        if let (0, true, Some(ns)) = (self.frames, self.counted.is_some(), stated_ns) {
            self.first_ns = ns;
        }
        let stated = stated_ns.map(|ns| self.time_at(ns));
        // A frame without a time, or with one that goes back, still comes after the one before it.
        let captured_at = match (stated, self.last) {
            (Some(at), Some(last)) => at.max(last + step),
            (Some(at), None) => at,
            (None, last) => last.map_or(self.config.start, |last| last + Duration::from_millis(40)),
        };
        if let (Some((counted, _)), Some(number)) = (&mut self.counted, number) {
            counted.picture(number, captured_at);
        }
        self.note_end(picture, captured_at);
        self.fill_ring(captured_at);
        let meta = FrameMeta {
            stream: self.config.stream.clone(),
            sequence: self.frames(),
            captured_at,
            arrived_at: captured_at,
        };
        let (frame, showing) = frame_of_picture(picture, meta, false)
            .map_err(|fault| ReplayError::Play { path: self.path.display().to_string(), fault })?;
        self.frames += 1;
        self.last = Some(captured_at);
        Ok(frame.shown(showing))
    }

    fn time_at(&self, running_ns: i64) -> Timestamp {
        let us = running_ns.div_euclid(1000) - self.first_ns.div_euclid(1000);
        Timestamp::from_micros(self.config.start.as_micros().saturating_add(us))
    }

    /// Moves units into the ring, up to the last one in decoding order that is not after `until`.
    fn fill_ring(&mut self, until: Timestamp) {
        if self.counted.is_some() {
            return self.fill_by_count(false);
        }
        let due: Vec<RawUnit> = {
            let mut units = self.intray.units();
            let is_due = |unit: &RawUnit| unit.pts_ns.is_some_and(|ns| self.time_at(ns) <= until);
            let n = units.iter().rposition(is_due).map_or(0, |last| last + 1);
            units.drain(..n).collect()
        };
        for unit in due {
            self.keep(unit);
        }
    }

    fn fill_by_count(&mut self, end: bool) {
        let Some((counted, _)) = &mut self.counted else { return };
        let taken = counted.take(&mut self.intray.units(), end);
        for (unit, at) in taken {
            self.keep_at(unit, at);
        }
    }

    fn keep(&mut self, unit: RawUnit) {
        // One without a time, such as one that bears that of the one before it, is still referred to by others.
        let beside_last = || self.last_kept.map_or(self.config.start, |last| last + Duration::from_micros(1));
        let captured_at = unit.pts_ns.map_or_else(beside_last, |ns| self.time_at(ns));
        self.keep_at(unit, captured_at);
    }

    fn keep_at(&mut self, unit: RawUnit, captured_at: Timestamp) {
        self.last_kept = Some(captured_at);
        if unit.is_key {
            let format = StreamFormat::of(unit.codec, &unit.caps, unit.orientation);
            if self.format.as_ref().is_none_or(|old| format.differs_from(old)) {
                self.ring.end_epoch(EpochEnd::FormatChanged);
                self.ring.begin_epoch(format.clone());
                self.format = Some(format);
            }
        }
        let (is_key, entry, buffer) = (unit.is_key, unit.entry, unit.buffer);
        self.ring.push(AccessUnit { captured_at, is_key, entry, certificate: None, buffer });
    }

    /// The next sample in order; `None` at the end.
    fn pull(&mut self) -> Result<Option<Picture>, ReplayError> {
        let Some(items) = &self.items else { return Ok(None) };
        let watch = Stopwatch::start();
        let mut error = None;
        loop {
            match items.recv_timeout(LOOK_EVERY) {
                Ok(Item::Frame(picture)) => return Ok(Some(picture)),
                Ok(Item::Fault(fault)) => return Err(self.failure(fault)),
                Ok(Item::End) => {
                    return error
                        .or_else(|| posted_error(&self.pipeline, &self.intray, &self.path))
                        .map_or(Ok(None), |fault| Err(self.failure(fault)));
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
                Err(RecvTimeoutError::Timeout) => {}
            }
            error = error.or_else(|| posted_error(&self.pipeline, &self.intray, &self.path));
            match error.take() {
                // Without a fork nothing is under way.
                Some(fault) if watch.elapsed() >= DRAIN_AFTER_ERROR || self.intray.fork().is_none() => {
                    return Err(self.failure(fault));
                }
                None if watch.elapsed() >= GIVE_UP_AFTER => {
                    let fault = StreamFault::Stalled { after_s: GIVE_UP_AFTER.as_secs() };
                    return Err(self.failure(fault));
                }
                other => error = other,
            }
        }
    }

    fn failure(&self, fault: StreamFault) -> ReplayError {
        if self.frames == 0 && self.ahead.is_none() {
            return ReplayError::Play { path: self.path.display().to_string(), fault };
        }
        self.damaged(fault.to_string())
    }

    fn damaged(&self, reason: String) -> ReplayError {
        let at = self.last.map_or(0, |last| last.as_micros() - self.config.start.as_micros());
        let path = self.path.display().to_string();
        ReplayError::Damaged { path, frames: self.frames, at: Timestamp::from_micros(at), reason }
    }

    fn no_frame(&self) -> ReplayError {
        let fault = StreamFault::NoVideo { detail: "no picture could be decoded".to_owned() };
        ReplayError::Play { path: self.path.display().to_string(), fault }
    }

    /// Whether another track, such as sound, goes on to the end that the index states, where the video ends before.
    fn goes_on_beside(&self, stated_ns: i64) -> bool {
        let is_at_end = || self.intray.beside_ns() + MISSING_END_NS >= stated_ns;
        let watch = Stopwatch::start();
        while !is_at_end() && watch.elapsed() < DRAIN_AFTER_ERROR {
            let kinds = [gst::MessageType::Eos, gst::MessageType::Error];
            let bus = self.pipeline.bus();
            if bus.and_then(|bus| bus.timed_pop_filtered(gst::ClockTime::from_mseconds(20), &kinds)).is_some() {
                break;
            }
        }
        is_at_end()
    }

    /// Notes where a picture ends on the file's own time line, which need not begin at zero. It lasts as long as the file
    /// says, or as the one before it did.
    fn note_end(&mut self, picture: &Picture, captured_at: Timestamp) {
        let before_ns = self.last.map_or(0, |last| (captured_at.as_micros() - last.as_micros()).saturating_mul(1000));
        let stated_ns = picture.sample.buffer().and_then(gst::BufferRef::duration).map_or(0, |d| d.nseconds() as i64);
        if let Some(at) = place_in_file_ns(picture) {
            self.ended_ns = self.ended_ns.max(at.saturating_add(before_ns.max(stated_ns)));
        }
    }

    /// A container that is cut off often ends like a whole one; its index knows better.
    fn check_end(&self) -> Result<(), ReplayError> {
        match self.duration_ns {
            Some(stated_ns) if self.ended_ns + MISSING_END_NS < stated_ns && !self.goes_on_beside(stated_ns) => {
                let stated_s = stated_ns as f64 / 1e9;
                Err(self.damaged(format!("its index states {stated_s:.1} s but the video ends before")))
            }
            _ => Ok(()),
        }
    }

    fn finish(&mut self) {
        self.is_over = true;
        self.fill_by_count(true);
        let rest: Vec<RawUnit> = self.intray.units().drain(..).collect();
        for unit in rest {
            self.keep(unit);
        }
        self.ring.end_epoch(EpochEnd::StreamEnded);
        self.shut_down();
    }

    /// Threads that wait to hand a frame over are released before the pipeline waits for them.
    fn shut_down(&mut self) {
        self.items = None;
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

impl Drop for FileReplay {
    fn drop(&mut self) {
        self.shut_down();
    }
}

fn time_of(picture: &Picture) -> Option<i64> {
    running_time_ns(picture.sample.buffer()?, picture.sample.segment())
}

/// Where a picture stands on the time line of its file. Matroska counts from its first picture, and its length from zero.
fn place_in_file_ns(picture: &Picture) -> Option<i64> {
    let pts = picture.sample.buffer()?.pts()?;
    let segment = picture.sample.segment().and_then(|segment| segment.downcast_ref::<gst::ClockTime>());
    let place = segment.and_then(|segment| segment.to_stream_time(pts)).map_or(pts, |place| place.max(pts));
    i64::try_from(place.nseconds()).ok()
}

/// Time from one picture to the next as the coded video states it, else 40 ms.
fn picture_ns(picture: &Picture) -> i64 {
    let rate = picture.sample.caps().and_then(|caps| caps.structure(0)?.get::<gst::Fraction>("framerate").ok());
    let rate = rate.filter(|rate| rate.numer() > 0 && rate.denom() > 0);
    rate.map_or(40_000_000, |rate| 1_000_000_000 * i64::from(rate.denom()) / i64::from(rate.numer()))
}

fn is_field(picture: &Picture) -> bool {
    let caps = picture.sample.caps();
    caps.and_then(|caps| caps.structure(0)?.get::<String>("interlace-mode").ok())
        .is_some_and(|mode| mode == "alternate")
}
