//! Between the pipeline's threads and the consumer of a replay.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use forewarn_base::sync::lock;
use forewarn_domain::WallTime;
use gst::prelude::*;

use super::config::ReplayConfig;
use crate::event::fault_of_error;
use crate::frame_map::Picture;
use crate::ingest::{Door, ForkInfo, IngestOptions, Intake, RawUnit};
use crate::thinning::Admission;
use crate::{RtspTransport, SourceUrl, StreamFault};

/// Decoded frames that wait for the consumer; when full, the decoder waits. A look takes as long as the decoding of some frames,
/// for which the decoder would stand still.
const FRAME_QUEUE: usize = 6;
/// Access units that wait for the decoder; when full, the parser waits.
const DECODE_QUEUE: u32 = 8;

/// What comes out of the pipeline.
pub(super) enum Item {
    Frame(Picture),
    End,
    Fault(StreamFault),
}

/// What the pipeline's threads hand over.
pub(super) struct Intray {
    items: SyncSender<Item>,
    units: Mutex<VecDeque<RawUnit>>,
    fork: Mutex<Option<ForkInfo>>,
    beside_ns: AtomicI64,
}

impl Intray {
    /// The tray with the receiving end of its items.
    pub(super) fn new() -> (Arc<Self>, Receiver<Item>) {
        let (items, receiver) = sync_channel(FRAME_QUEUE);
        (
            Arc::new(Self { items, units: Mutex::default(), fork: Mutex::default(), beside_ns: AtomicI64::new(0) }),
            receiver,
        )
    }

    pub(super) fn units(&self) -> MutexGuard<'_, VecDeque<RawUnit>> {
        lock(&self.units)
    }

    /// How far the tracks that are not watched have come.
    pub(super) fn beside_ns(&self) -> i64 {
        self.beside_ns.load(Ordering::Relaxed)
    }

    pub(super) fn fork(&self) -> Option<ForkInfo> {
        lock(&self.fork).clone()
    }
}

impl Intake for Intray {
    fn forked(&self, fork: ForkInfo) {
        *lock(&self.fork) = Some(fork);
    }

    /// Never blocks; the decode queue behind the fork bounds how many can be ahead of the frames.
    fn unit(&self, unit: RawUnit) {
        self.units().push_back(unit);
    }

    fn frame(&self, picture: Picture) -> Result<gst::FlowSuccess, gst::FlowError> {
        self.items.send(Item::Frame(picture)).map(|()| gst::FlowSuccess::Ok).map_err(|_| gst::FlowError::Flushing)
    }

    fn end(&self) {
        let _ = self.items.send(Item::End);
    }

    fn beside(&self, running_ns: i64) {
        self.beside_ns.fetch_max(running_ns, Ordering::Relaxed);
    }

    fn fault(&self, fault: StreamFault) {
        let _ = self.items.send(Item::Fault(fault));
    }

    fn hint(&self, _fault: StreamFault) {}
    fn degraded(&self, fault: StreamFault) {
        tracing::warn!(%fault, "the file is played, but not as well as it could be");
    }
    fn sender_report(&self, _running_ns: i64, _shown: WallTime) {}
    fn decode_queue(&self, _level: u32, _admission: Admission) {}
    fn decode_cost(&self, _is_key: bool, _spent: Duration) {}
}

/// The error that an element has posted, if one has.
pub(super) fn posted_error(pipeline: &gst::Pipeline, intray: &Intray, path: &Path) -> Option<StreamFault> {
    let message = pipeline.bus()?.pop_filtered(&[gst::MessageType::Error])?;
    let gst::MessageView::Error(error) = message.view() else { return None };
    let fork = intray.fork();
    let decoder = fork.as_ref().and_then(ForkInfo::decoder_element);
    Some(fault_of_error(error, &SourceUrl::file(path), decoder))
}

/// How the pipeline of a replay is built.
pub(super) fn options(config: &ReplayConfig) -> IngestOptions {
    IngestOptions {
        credentials: None,
        transport: RtspTransport::default(),
        latency_ms: 0,
        is_any_certificate_accepted: false,
        decoder: config.decoder.clone(),
        excluded_decoders: Vec::new(),
        decoder_threads: config.decoder_threads,
        decode_queue: DECODE_QUEUE,
        decoded_part: Arc::default(),
        is_live: false,
        is_decoded: true,
        is_any_codec_accepted: true,
        turned: config.turned,
        masks: config.masks.clone(),
        door: Door::default(),
    }
}
