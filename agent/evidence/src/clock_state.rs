//! How far the clock of the box could be believed when something was sealed.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use forewarn_domain::WallTime;

/// Whether something keeps the clock of the box with that of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Synchronised {
    /// The kernel says so.
    Yes,
    /// The kernel says that nothing does.
    No,
    /// Nobody tells.
    Unknown,
}

impl From<Option<bool>> for Synchronised {
    fn from(told: Option<bool>) -> Self {
        match told {
            Some(true) => Self::Yes,
            Some(false) => Self::No,
            None => Self::Unknown,
        }
    }
}

/// Somebody set the clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClockStep {
    /// When, by the clock as it read when this was written; RFC 3339 in UTC.
    pub at: String,
    /// By how many seconds; below zero where it was set back.
    pub by_s: f64,
}

impl ClockStep {
    /// A clock that showed `at` after it had been set by so many microseconds.
    pub fn new(at: WallTime, by_us: i64) -> Self {
        Self { at: at.to_rfc3339(), by_s: by_us as f64 / 1e6 }
    }
}

/// What is known of the clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClockState {
    /// Whether it is synchronised.
    pub synchronised: Synchronised,
    /// How it was last set, as far as the agent remembers; null if it knows of nothing.
    pub last_step: Option<ClockStep>,
}

impl fmt::Display for ClockState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.synchronised {
            Synchronised::Yes => "synchronised",
            Synchronised::No => "NOT synchronised, so that its times are the box's own word",
            Synchronised::Unknown => "whether synchronised nobody could tell",
        })?;
        match &self.last_step {
            Some(ClockStep { at, by_s }) => {
                let direction = if *by_s < 0.0 { "back" } else { "forward" };
                write!(f, "; last set {direction} by {:.3} s, at {at}", by_s.abs())
            }
            None => f.write_str("; the agent knows of no time when it was set"),
        }
    }
}

/// Tells how the clock stands now.
#[derive(Clone)]
pub struct ClockTeller(Arc<dyn Fn() -> ClockState + Send + Sync>);

impl ClockTeller {
    /// One that asks `tell` at each seal.
    pub fn new(tell: impl Fn() -> ClockState + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    pub(crate) fn tell(&self) -> ClockState {
        (self.0)()
    }
}

impl fmt::Debug for ClockTeller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClockTeller")
    }
}
