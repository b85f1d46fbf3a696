//! Keeps an eye on the file descriptors of the process: without them cameras, clips and loudspeakers fail, and GLib ends
//! the process.

use std::time::Duration;

use forewarn_domain::Timestamp;
use forewarn_engine::Engine;
use forewarn_hw::descriptors::Descriptors;
use forewarn_memory::{Due, Keeper};

use crate::telemetry;

/// How often they are counted.
const EVERY: Duration = Duration::from_secs(10);
/// The part of those that may be open from which it is a trouble.
const TOO_MANY: f64 = 0.8;

/// Counts descriptors.
#[derive(Debug)]
pub struct DescriptorWatch {
    due: Due,
    trouble: Option<String>,
}

impl Default for DescriptorWatch {
    fn default() -> Self {
        Self { due: Due::every(EVERY), trouble: None }
    }
}

impl Keeper for DescriptorWatch {
    fn name(&self) -> &'static str {
        "file descriptors"
    }

    fn turn(&mut self, _engine: &mut Engine, now: Timestamp) {
        if !self.due.take(now) {
            return;
        }
        self.trouble = match Descriptors::read() {
            Ok(now) => {
                telemetry::PROCESS_OPEN_FDS.of([]).set(now.open as f64);
                trouble_of(&now)
            }
            Err(error) => Some(format!("failed to count them: {error}")),
        };
    }

    fn trouble(&self) -> Option<String> {
        self.trouble.clone()
    }
}

/// The count is left out, so that the trouble is told once and not at every count.
fn trouble_of(now: &Descriptors) -> Option<String> {
    let limit = now.limit.filter(|_| now.used() >= TOO_MANY)?;
    Some(format!("most of the {limit} that may be open are; raise LimitNOFILE, or use fewer cameras"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_fifths_of_the_limit_are_a_trouble() {
        let trouble = |open, limit| trouble_of(&Descriptors { open, limit });
        assert_eq!(trouble(799, Some(1000)), None);
        assert!(trouble(800, Some(1000)).unwrap().contains("1000"));
        assert_eq!(trouble(1 << 20, None), None);
    }
}
