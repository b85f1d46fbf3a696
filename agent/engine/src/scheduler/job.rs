//! What the models are to look at next, and what it took.

use forewarn_domain::StreamId;

/// Something to run.
#[derive(Debug, Clone, PartialEq)]
pub enum Job {
    /// Look at the waiting frames of these streams, in one batch.
    Frames {
        /// The streams, the longest due first.
        streams: Vec<StreamId>,
        /// Tiles that may be looked at besides, over all of them.
        tiles: usize,
    },
    /// Look at up to so many crops.
    Crops {
        /// How many.
        most: usize,
    },
}

/// What a job looked at and what that took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spent {
    /// Whole frames.
    pub frames: usize,
    /// Tiles of them.
    pub tiles: usize,
    /// Crops.
    pub crops: usize,
    /// Processor seconds.
    pub cpu_s: f64,
    /// Seconds from its start to its end, which are more where the box is busy, and fewer with several threads.
    pub wall_s: f64,
}
