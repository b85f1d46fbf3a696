//! The port through which people see a stream's video as it comes: encoded as the camera encoded it.

use std::sync::Arc;

use crate::Timestamp;

/// Is called when something new can be taken. It must not wait: a stream's own thread calls it.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// A piece of live video, as a browser takes it: fragmented MP4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ViewPiece {
    /// How the pictures that follow are coded; comes first, and whenever that changes.
    Start {
        /// By the name that browsers know (RFC 6381).
        codec: String,
        /// Width and height in pixels as they are coded.
        size_px: (u32, u32),
        /// The instant that is zero on the line of the fragments.
        origin: Timestamp,
        /// `ftyp` and `moov`.
        header: Vec<u8>,
    },
    /// One picture.
    Picture {
        /// When it was taken.
        captured_at: Timestamp,
        /// Whether decoding can begin here.
        is_key: bool,
        /// `moof` and `mdat`.
        fragment: Vec<u8>,
    },
    /// The stream has ended, or goes on as another one.
    Over,
}

/// Live video that somebody sees. Dropping it ends that.
///
/// What is not taken in time is given up up to a key picture: whoever looks can never hold the stream up.
pub trait Viewing: Send {
    /// The next piece; none until [`Wake`] is called.
    fn take(&mut self) -> Option<ViewPiece>;

    /// Pictures that were given up because they were not taken in time.
    fn given_up(&self) -> u64;
}
