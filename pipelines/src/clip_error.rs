//! Why there is no clip.

use forewarn_domain::Timestamp;

use crate::MissingElement;

/// Why there is no clip.
#[derive(Debug, thiserror::Error)]
pub enum ClipError {
    /// The span's end is not after its beginning.
    #[error("the clip's span from {from} to {to} is empty")]
    EmptySpan {
        /// Beginning.
        from: Timestamp,
        /// End.
        to: Timestamp,
    },
    /// No access unit lies in the span.
    #[error("no video was kept between {from} and {to}; the stream was away or the ring is too short")]
    NoVideo {
        /// Beginning.
        from: Timestamp,
        /// End.
        to: Timestamp,
    },
    /// Too many clips at a time.
    #[error("{limit} clips of this stream are being recorded already; the limit is ring.recorders")]
    TooManyRecorders {
        /// The limit.
        limit: usize,
    },
    /// A missing element.
    #[error(transparent)]
    MissingElement(#[from] MissingElement),
    /// The file system refused.
    #[error("failed to write the clip {path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// The reason.
        source: std::io::Error,
    },
    /// GStreamer refused.
    #[error("failed to mux the clip {path}: {reason}")]
    Mux {
        /// The file.
        path: String,
        /// The reason.
        reason: String,
    },
}
