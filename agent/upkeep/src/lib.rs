//! What is done for a box from outside: one file to bring it back from, one by which somebody helps from afar, and clips of
//! what it keeps.
//!
//! - [`backup`] and [`restore`]: configuration, databases and what is learned, while the agent runs.
//! - [`support`]: log, metrics, configuration and versions, with every secret blotted out.
//! - `footage`: clips of what is kept around the clock.
//! - [`command`]: `forewarn clip`, `backup`, `restore` and `support`.
//! - [`secrets`]: where secrets stand in a site file, and how they are blotted out of any text. Pure.

pub mod backup;
pub mod command;
mod error;
mod footage;
pub mod restore;
pub mod secrets;
pub mod support;

pub use error::UpkeepError;
