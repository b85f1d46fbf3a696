//! The thread behind a live stream: connects, watches for stalls, reconnects with back-off, reports.

use std::sync::Arc;
use std::time::Duration;

use forewarn_base::backoff::{Backoff, seed_of};
use forewarn_domain::Timestamp;
use forewarn_domain::clock::Stopwatch;
use gst::prelude::*;

use crate::event::fault_of_error;
use crate::ingest::{self, Door, ForkInfo, IngestOptions, KeepAlive};
use crate::mux::Running;
use crate::quiet::Quiet;
use crate::session::{Note, Session};
use crate::stats::count;
use crate::stream::Shared;
use crate::{DecoderKind, EpochEnd, SourceKind, StreamEvent, StreamFault};

/// A connection that lasted this long is a good one: the back-off starts anew.
const STEADY_AFTER: Duration = Duration::from_secs(10);

/// How a connection ended.
enum Outcome {
    Stopped,
    FileEnded,
    Broken(StreamFault),
}

/// A reason that goes on is told again after this time.
const TOLD_AGAIN_AFTER: Duration = Duration::from_hours(1);
/// Without a picture to begin with for this long it is told that one is waited for.
const KEY_FRAME_TOLD_AFTER: Duration = Duration::from_secs(15);
/// A connection is so old before it is told how many of a thousand packets it loses, if it loses as many.
const LOSSES_TOLD_AFTER: Duration = Duration::from_secs(15);
const LOSSES_TOLD_FROM: u32 = 5;
/// A session by WebRTC outlives so much silence: as long its publisher takes it for alive (RFC 7675), and offers no other.
const SESSION_OUTLIVES: Duration = Duration::from_secs(30);

/// An outage that goes on.
struct Outage {
    since: Timestamp,
    failed_attempts: u32,
    /// The reasons that were told, and how long ago the latest was.
    told: Vec<StreamFault>,
    since_told: Stopwatch,
}

impl Outage {
    fn begun(since: Timestamp, reason: &StreamFault) -> Self {
        Self { since, failed_attempts: 1, told: vec![reason.clone()], since_told: Stopwatch::start() }
    }

    /// Whether a reason is to be told.
    fn is_news(&mut self, reason: &StreamFault) -> bool {
        let is_news = !self.told.contains(reason) || self.since_told.elapsed() >= TOLD_AGAIN_AFTER;
        if is_news {
            self.told.push(reason.clone());
            self.since_told = Stopwatch::start();
        }
        is_news
    }
}

/// What a stream's thread remembers from one connection to the next.
struct Supervisor<'a> {
    shared: &'a Arc<Shared>,
    backoff: Backoff,
    excluded_decoders: Vec<String>,
    /// Before the first connection the stream counts as out since its start, but reports no gap.
    outage: Option<Outage>,
    last_frame_at: Timestamp,
    door: Door,
}

/// Keeps the stream connected until it is stopped or has ended.
pub(crate) fn run(shared: &Arc<Shared>) {
    let started_at = shared.clock.now();
    let seed = seed_of(shared.config.stream.as_str(), started_at.as_micros() as u64);
    let mut supervisor = Supervisor {
        shared,
        backoff: Backoff::new(shared.config.backoff, seed),
        excluded_decoders: Vec::new(),
        outage: None,
        last_frame_at: started_at,
        door: Door::default(),
    };
    supervisor.keep_connected();
    shared.ring.end_epoch(EpochEnd::StreamEnded);
    shared.emit(StreamEvent::Ended);
    if !shared.is_beside {
        shared.slot.close();
    }
}

impl Supervisor<'_> {
    fn keep_connected(&mut self) {
        while !self.shared.is_stopping() {
            let watch = Stopwatch::start();
            let outcome = self.connect();
            match outcome {
                Outcome::Stopped | Outcome::FileEnded => return,
                Outcome::Broken(fault) => {
                    self.shared.ring.end_epoch(EpochEnd::Interrupted);
                    if watch.elapsed() >= STEADY_AFTER.max(self.shared.config.stall_after * 2) {
                        self.backoff.reset();
                    }
                    let retry_in = self.report(fault);
                    if self.shared.wait_for_stop(retry_in) {
                        return;
                    }
                }
            }
        }
    }

    /// Counts and reports a failure; says how long to wait.
    fn report(&mut self, fault: StreamFault) -> Duration {
        count(&self.shared.stats.failed_attempts);
        // Who sends to this box comes when it likes: nobody is spared by waiting longer, and it would be missed.
        let is_sent_here = self.shared.config.source.listens_at().is_some();
        let retry_in = if is_sent_here { self.shared.config.backoff.first } else { self.backoff.next_wait() };
        if let Some(outage) = &mut self.outage {
            outage.failed_attempts += 1;
            let (attempt, is_news) = (outage.failed_attempts, outage.is_news(&fault));
            self.shared.emit(StreamEvent::RetryFailed { attempt, reason: fault, retry_in, is_news });
        } else {
            self.outage = Some(Outage::begun(self.last_frame_at, &fault));
            self.shared.emit(StreamEvent::Interrupted { reason: fault, retry_in });
        }
        retry_in
    }

    /// One connection, from building the pipeline to its end.
    fn connect(&mut self) -> Outcome {
        let session = Arc::new(Session::new(self.shared.clone()));
        let outcome = match ingest::open(&self.shared.config.source, self.options(), session.clone()) {
            Ok(pipeline) => self.watch(&Running(pipeline), &session),
            Err(fault) => Outcome::Broken(fault),
        };
        self.last_frame_at = session.last_frame_at().unwrap_or(self.last_frame_at);
        self.exclude_failed_hardware(&outcome, &session);
        outcome
    }

    fn options(&self) -> IngestOptions {
        let config = &self.shared.config;
        IngestOptions {
            credentials: config.credentials.clone(),
            transport: config.transport,
            latency_ms: config.latency_ms,
            is_any_certificate_accepted: config.is_any_certificate_accepted,
            decoder: config.decoder.clone(),
            excluded_decoders: self.excluded_decoders.clone(),
            decoder_threads: config.decoder_threads,
            decode_queue: config.decode_queue,
            decoded_part: self.shared.decoded_part.clone(),
            is_live: true,
            is_decoded: true,
            is_any_codec_accepted: false,
            turned: config.turned,
            masks: config.masks.clone(),
            door: self.door.clone(),
        }
    }

    /// Runs the pipeline and waits for what happens on its bus.
    fn watch(&mut self, pipeline: &Running, session: &Arc<Session>) -> Outcome {
        let Some(bus) = pipeline.0.bus() else { return Outcome::Broken(StreamFault::other("there is no bus")) };
        session.set_bus(&bus);
        if self.shared.set_bus(Some(bus.clone())) {
            return Outcome::Stopped;
        }
        // A failure to start is also posted as an error, which says more.
        let config = &self.shared.config;
        let mut keep_alive = KeepAlive::of(&pipeline.0, session.heard(), &config.source, config.transport);
        let (mut is_wait_told, mut is_loss_told) = (false, false);
        let has_started = pipeline.0.set_state(gst::State::Playing).is_ok();
        let outcome = loop {
            self.pass_on(session);
            if self.shared.is_stopping() {
                break Outcome::Stopped;
            }
            if let Some(fault) = session.fault() {
                break Outcome::Broken(fault);
            }
            let stall_after = self.shared.config.stall_after;
            let quiet = session.quiet();
            let Some(left) = quiet.time_left(stall_after).or_else(|| self.bear_with(session, quiet)) else {
                break Outcome::Broken(StreamFault::Stalled { after_s: quiet.without_frame().as_secs() });
            };
            if quiet.is_waiting && !is_wait_told && quiet.without_frame() >= KEY_FRAME_TOLD_AFTER {
                is_wait_told = true;
                self.shared.emit(StreamEvent::Degraded { reason: why_it_waits(session) });
            }
            is_loss_told = is_loss_told || self.tell_losses(session, quiet);
            let to_request = keep_alive.as_mut().filter(|_| quiet.is_playing()).map(KeepAlive::tick);
            let to_tell = KEY_FRAME_TOLD_AFTER.checked_sub(quiet.without_frame()).filter(|_| quiet.is_waiting);
            let next = [Some(left), to_request, to_tell].into_iter().flatten().min();
            let timeout = next.filter(|_| has_started).unwrap_or_default();
            let message = bus.timed_pop(gst::ClockTime::from_nseconds(timeout.as_nanos() as u64));
            match message.as_ref().map(|message| message.view()) {
                Some(gst::MessageView::Error(error)) => break self.outcome_of_error(error, session),
                Some(gst::MessageView::Eos(_)) => break self.outcome_of_end(session),
                Some(gst::MessageView::Latency(_)) => {
                    let _ = pipeline.0.recalculate_latency();
                }
                None if !has_started => break Outcome::Broken(StreamFault::other("the pipeline did not start")),
                _ => {}
            }
        };
        self.shared.set_bus(None);
        outcome
    }

    /// Tells of a way that loses packets, if pictures come over it all the same; says whether it did.
    fn tell_losses(&self, session: &Session, quiet: Quiet) -> bool {
        let comes = quiet.since_frame.is_some_and(|since| since < KEY_FRAME_TOLD_AFTER);
        let is_time = comes && quiet.age >= LOSSES_TOLD_AFTER;
        let lost = is_time.then(|| session.lost_thousandths()).flatten().filter(|lost| *lost >= LOSSES_TOLD_FROM);
        if let Some(lost_thousandths) = lost {
            self.shared.emit(StreamEvent::Degraded { reason: StreamFault::LossyPictures { lost_thousandths } });
        }
        lost.is_some()
    }

    /// Counts a stream that has stalled as interrupted, and says how much longer its session is waited for: none if it is over.
    fn bear_with(&mut self, session: &Session, quiet: Quiet) -> Option<Duration> {
        let last_frame_at = session.last_frame_at()?;
        let is_session = self.shared.config.source.kind() == SourceKind::Whip;
        let left = SESSION_OUTLIVES.checked_sub(quiet.without_frame()).filter(|left| is_session && !left.is_zero())?;
        if session.falls_silent() {
            self.shared.ring.end_epoch(EpochEnd::Interrupted);
            let reason = StreamFault::Stalled { after_s: quiet.without_frame().as_secs() };
            self.outage = Some(Outage::begun(last_frame_at, &reason));
            self.shared.emit(StreamEvent::Interrupted { reason, retry_in: left });
        }
        Some(left)
    }

    /// What streaming threads noticed becomes events of this thread.
    fn pass_on(&mut self, session: &Session) {
        for note in session.take_notes() {
            match note {
                Note::Event(event) => self.shared.emit(event),
                Note::FirstFrame { event, at } => {
                    count(&self.shared.stats.connections);
                    self.shared.emit(event);
                    if let Some(outage) = self.outage.take() {
                        let gap = at.since(outage.since);
                        self.shared.stats.count_gap(gap);
                        self.shared.emit(StreamEvent::Resumed { gap });
                    }
                }
            }
        }
    }

    fn outcome_of_error(&self, error: &gst::message::Error, session: &Session) -> Outcome {
        let fork = session.fork();
        let decoder = fork.as_ref().and_then(ForkInfo::decoder_element);
        let fault = fault_of_error(error, &self.shared.config.source, decoder);
        let mut fault = session.fault().or_else(|| session.explained(&fault)).unwrap_or(fault);
        let is_http = self.shared.config.source.kind() == SourceKind::Http;
        if is_http && matches!(fault, StreamFault::Other { .. }) {
            // It says no more of a connection that it cannot make, or that breaks.
            fault = StreamFault::Unreachable { detail: "the connection broke".to_owned() };
        }
        let is_vague =
            matches!(fault, StreamFault::Unreachable { .. }) || (is_http && fault == StreamFault::Unauthorized);
        let reason = if is_vague && session.last_frame_at().is_none() {
            ingest::reason(&self.shared.config.source)
        } else {
            None
        };
        Outcome::Broken(reason.unwrap_or(fault))
    }

    fn outcome_of_end(&mut self, session: &Session) -> Outcome {
        self.pass_on(session);
        let is_file = self.shared.config.source.kind() == SourceKind::File;
        match session.fault() {
            Some(fault) => Outcome::Broken(fault),
            None if is_file && session.last_frame_at().is_some() => Outcome::FileEnded,
            None => Outcome::Broken(StreamFault::EndOfStream),
        }
    }

    /// After a hardware decoder failed, the next attempt takes another, at the latest the software one.
    ///
    /// A decoder that gave no picture is blamed only if it was given a key frame: without one no decoder gives any.
    fn exclude_failed_hardware(&mut self, outcome: &Outcome, session: &Session) {
        let Some(fork) = session.fork().filter(|fork| fork.kind != DecoderKind::Software) else { return };
        let reason = match outcome {
            Outcome::Broken(fault @ StreamFault::Decoder { .. }) => fault.clone(),
            Outcome::Broken(StreamFault::Stalled { .. }) if session.is_decoder_silent() => {
                StreamFault::Decoder { decoder: fork.decoder.clone(), detail: "it gave no picture".to_owned() }
            }
            _ => return,
        };
        self.excluded_decoders.push(fork.decoder);
        self.shared.emit(StreamEvent::Degraded { reason });
    }
}

/// Why nothing could be decoded for [`KEY_FRAME_TOLD_AFTER`], though units come.
fn why_it_waits(session: &Session) -> StreamFault {
    let after_s = KEY_FRAME_TOLD_AFTER.as_secs();
    match session.lost_thousandths() {
        Some(lost_thousandths) => StreamFault::LossyWay { after_s, lost_thousandths },
        None => StreamFault::NoKeyFrame { after_s },
    }
}

#[cfg(test)]
mod tests {
    use forewarn_domain::{Clock, Orientation, StreamId};

    use super::*;
    use crate::entry::Entry;
    use crate::ingest::{Intake, RawUnit};
    use crate::{Codec, StreamConfig};

    struct Noon;

    impl Clock for Noon {
        fn now(&self) -> Timestamp {
            Timestamp::from_micros(12 * 3_600_000_000)
        }
    }

    /// The decoders that are set aside after a stall of a connection that brought these units and no picture.
    fn blamed(units_are_key: &[bool]) -> Vec<String> {
        crate::init().unwrap();
        let config = StreamConfig::new(StreamId::new("gate").unwrap(), "rtsp://127.0.0.1/stream".parse().unwrap());
        let shared = Arc::new(Shared::new(config, Arc::new(Noon), Arc::new(|_| {})));
        let mut supervisor = Supervisor {
            shared: &shared,
            backoff: Backoff::new(shared.config.backoff, 1),
            excluded_decoders: Vec::new(),
            outage: None,
            last_frame_at: Timestamp::ZERO,
            door: Door::default(),
        };
        let session = Session::new(shared.clone());
        session.forked(ForkInfo {
            codec: Some(Codec::H264),
            decoder: "vah264dec".to_owned(),
            kind: DecoderKind::VaApi,
            is_counted: false,
            element: gst::glib::WeakRef::new(),
        });
        for (i, &is_key) in units_are_key.iter().enumerate() {
            let caps = gst::Caps::new_empty_simple(Codec::H264.media_type());
            let buffer = gst::Buffer::from_slice([0; 4]);
            let (pts_ns, orientation) = (Some(i as i64 * 40_000_000), Orientation::UPRIGHT);
            let entry = if is_key { Entry::Clean } else { Entry::No };
            session.unit(RawUnit {
                codec: Codec::H264,
                caps,
                buffer,
                pts_ns,
                dts_ns: None,
                count: 0,
                is_key,
                entry,
                orientation,
            });
        }
        let stalled = Outcome::Broken(StreamFault::Stalled { after_s: 15 });
        supervisor.exclude_failed_hardware(&stalled, &session);
        supervisor.excluded_decoders
    }

    #[test]
    fn a_hardware_decoder_is_blamed_only_for_a_key_frame() {
        assert_eq!(blamed(&[]), [""; 0]);
        assert_eq!(blamed(&[false, false]), [""; 0], "nothing that could be decoded");
        assert_eq!(blamed(&[false, true]), ["vah264dec"]);
    }
}
