//! Updates that the site has agreed to: signed, tried, and undone by themselves where the agent does not fare well with them.
//!
//! - [`version`], [`manifest`]: what a bundle says of itself, and whether this box may take it. Pure.
//! - [`state`]: what is in force, what is tried, and what comes next. Pure; its file's rename is the one point at which
//!   anything is decided.
//! - `examine`: whether what a bundle brings works here, asked of the program that will run.
//! - `gate`: whether an agent fares at least as well as before. Pure.
//! - [`bundle`]: the file that carries an update.
//! - [`folder`]: the folder of state and slots, and what is done in it at each start.
//! - [`command`]: `forewarn update`.

pub mod bundle;
pub mod command;
mod error;
mod examine;
pub mod folder;
mod gate;
pub mod manifest;
mod moment;
mod placing;
mod source;
pub mod state;
#[cfg(test)]
mod testing;
pub mod version;

pub use error::{UpdateError, Whose};
pub use moment::Moment;
pub use placing::Brought;
