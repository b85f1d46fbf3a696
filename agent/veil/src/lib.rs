//! Copies of evidence that can be shown to others: faces, bystanders or number plates are hidden in all its pictures.
//!
//! A clip is gone through twice. First some of its frames are looked at, and what was seen is joined to tracks over the whole
//! clip, forwards and backwards; then every frame is covered where a track is or may be, and encoded, once and without sound.
//! [`preview`] hides nothing: it makes small copies of clips for players that cannot play the clips.
//! `tracks`, `cover` and `blocks` decide and do no I/O.

mod blocks;
mod clip;
mod cover;
mod error;
mod export;
mod eyes;
mod looks;
mod openable;
mod photo;
mod preview;
mod tracks;

pub use error::ExportError;
pub use export::{Exported, Made, Progress, export};
pub use eyes::{Care, Eyes, EyesError, Looker, Seen, Sight, What};
pub use openable::{CLIPS, PICTURES_AND_CLIPS, sealed_files};
pub use preview::preview;
