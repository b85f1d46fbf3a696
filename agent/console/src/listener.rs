//! The listeners there are, by which pages, ports and threads tell one from the other.

use std::fmt;

/// What is listened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// Prometheus and supervisors.
    Metrics,
    /// People.
    Console,
}

impl Listener {
    /// The name of its thread and of its table in the site file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Metrics => "metrics",
            Self::Console => "console",
        }
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
