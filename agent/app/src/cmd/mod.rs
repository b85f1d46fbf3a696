//! The commands, one module each.

pub mod again;
pub mod bench;
pub mod check;
pub mod config;
pub mod dataset;
pub mod detect;
pub mod evaluate;
pub mod evidence;
pub mod export;
pub mod feedback;
pub mod heatmap;
pub mod index;
pub mod keep;
pub mod key;
pub mod mission;
pub mod models;
pub mod rehearse;
pub mod reload;
pub mod replay;
pub mod run;
pub mod say;
pub mod sim;
pub mod snapshot;
pub mod suppress;
pub mod update;
pub mod upkeep;
