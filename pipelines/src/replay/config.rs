//! How a file is replayed, and why that failed.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use forewarn_domain::mask::Mask;
use forewarn_domain::{Orientation, StreamId, Timestamp};

use crate::{DecoderPreference, RingLimits, StreamFault};

/// How a file is replayed.
#[derive(Debug, Clone)]
pub struct ReplayConfig {
    /// Name of the stream that it stands for.
    pub stream: StreamId,
    /// Time of the first frame.
    pub start: Timestamp,
    /// How the camera was mounted: its pictures are turned so beside what the video says.
    pub turned: Orientation,
    /// What is hidden in every picture.
    pub masks: Arc<[Mask]>,
    /// Bounds of the ring.
    pub ring: RingLimits,
    /// Which decoder to take. Decoders differ in no pixel by their standards, but only software is tested.
    pub decoder: DecoderPreference,
    /// Threads of the decoder.
    pub decoder_threads: u32,
    /// Files that go on where the first one ends, each with the time of its first frame. Clips are of the first alone.
    pub following: VecDeque<(Timestamp, PathBuf)>,
}

impl ReplayConfig {
    /// The defaults: from time zero, decoded in software by one thread.
    pub fn new(stream: StreamId) -> Self {
        Self {
            stream,
            start: Timestamp::ZERO,
            turned: Orientation::UPRIGHT,
            masks: Arc::default(),
            ring: RingLimits::default(),
            decoder: DecoderPreference::Software,
            decoder_threads: 1,
            following: VecDeque::new(),
        }
    }
}

/// Why a replay failed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// GStreamer is not there.
    #[error(transparent)]
    Init(#[from] crate::InitError),
    /// The file cannot be read.
    #[error("failed to open {path}: {source}")]
    Open {
        /// The file.
        path: String,
        /// The reason.
        source: std::io::Error,
    },
    /// No frame could be had.
    #[error("failed to play {path}: {fault}")]
    Play {
        /// The file.
        path: String,
        /// The reason.
        fault: StreamFault,
    },
    /// The file ended before its time, or an element gave up in the middle.
    #[error("{path} is damaged after {frames} frames ({at} into it): {reason}")]
    Damaged {
        /// The file.
        path: String,
        /// Frames that were good.
        frames: u64,
        /// Time of the last good frame, from the file's first.
        at: Timestamp,
        /// What was found.
        reason: String,
    },
}
