//! A look at every decoded frame, for those who cannot wait for the detector: full-rate luma; and at what comes beside the
//! video.

use std::fmt;
use std::sync::{Arc, Mutex};

use forewarn_base::sync::lock;
use forewarn_domain::{Frame, Timestamp};

use crate::LiveMetadata;
use crate::mpeg::Beside;

/// Is shown every decoded frame of a stream, in order, in the thread that decodes it, before the frame goes to its slot.
/// What takes long here slows the decoder down; a small copy of the luma plane does not.
#[derive(Clone)]
pub struct FrameTap(Arc<dyn Fn(&Frame) + Send + Sync>);

impl FrameTap {
    /// A tap that hands every frame to `taker`.
    pub fn new(taker: impl Fn(&Frame) + Send + Sync + 'static) -> Self {
        Self(Arc::new(taker))
    }

    pub(crate) fn show(&self, frame: &Frame) {
        (self.0)(frame);
    }
}

/// Is told what a transport stream carries beside its video, in the thread that reads the stream, before the frame beside
/// which it came is decoded. A bounded piece of work is all that it may do.
#[derive(Clone)]
pub struct MetadataTap(Arc<dyn Fn(LiveMetadata) + Send + Sync>);

impl MetadataTap {
    /// A tap that hands all of it to `taker`.
    pub fn new(taker: impl Fn(LiveMetadata) + Send + Sync + 'static) -> Self {
        Self(Arc::new(taker))
    }
}

/// What comes beside the video of one connection, and who is told.
pub(crate) struct BesideTap {
    tap: MetadataTap,
    beside: Mutex<Beside>,
}

impl BesideTap {
    pub(crate) fn new(tap: MetadataTap) -> Arc<Self> {
        Arc::new(Self { tap, beside: Mutex::default() })
    }

    /// Bytes of the container came.
    pub(crate) fn feed(&self, bytes: &[u8]) {
        lock(&self.beside).feed(bytes);
    }

    /// An access unit came out of the pipeline; whatever has an instant now is told to `whom`, if anybody wants it.
    pub(crate) fn unit(
        whom: Option<&Self>,
        running_ns: i64,
        unit: &gst::Buffer,
        map: impl Fn(i64) -> Option<Timestamp>,
    ) {
        let Some(Self { tap, beside }) = whom else { return };
        let mut beside = lock(beside);
        if let Ok(bytes) = unit.map_readable() {
            beside.unit(running_ns, &bytes);
        }
        let told = beside.take(map);
        drop(beside);
        for metadata in told {
            (tap.0)(metadata);
        }
    }
}

impl fmt::Debug for MetadataTap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MetadataTap")
    }
}

impl fmt::Debug for FrameTap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FrameTap")
    }
}
