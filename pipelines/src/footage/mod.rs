//! Footage: all of a camera's video, kept around the clock beside evidence, as the camera coded it, in a file a minute.
//!
//! - [`Footage`] is the place: it knows the files, lets the oldest go, and says whether there is room. It has a thread of
//!   its own.
//! - Each camera has a thread that writes what its ring hands over ([`writer`]). Its queue is bounded; where the disk does
//!   not keep up, pictures are left out of the footage and counted, and nobody else waits.
//! - [`cut`] takes a span out of the files, and [`stretches`] tells what there is of a camera, and where it has gaps.
//!   [`parts`] are its files, to be played one after the other.
//!
//! A file is fragmented MP4, written a second at a time, so that after a kill it plays up to there. What is not whole at its
//! end is cut off at the next start.

mod cell;
mod cut;
mod keep;
mod minutes;
mod mux;
mod parts;
mod place;
mod read;
#[cfg(test)]
mod tests;
mod why;
mod writer;

pub(crate) use cell::FootageCell;
pub(crate) use cut::reaches;
pub use cut::{Cut, CutError, Stretch, cut, stretches};
pub use keep::{FootageLimits, cameras};
pub use parts::{Part, parts};
pub use place::{Footage, FootageError};
pub use why::Why;
pub(crate) use writer::Writer;
pub use writer::{FootageCounts, FootageNow};
