//! What the running agent is made of: parts that work by themselves, and that are stopped in one order.

use std::time::Duration;

/// A part of the running agent.
pub trait Part: Send {
    /// What it is called in the log.
    fn name(&self) -> &'static str;

    /// Whether it has ended, or a thread of it, though nobody stopped it.
    fn is_broken(&self) -> bool;

    /// Ends it, after the parts before it have ended. What it has begun is brought to an end as far as that goes
    /// quickly; in `left` the process ends.
    fn stop(&mut self, left: Duration) -> anyhow::Result<()>;
}

/// Stops all parts in their order, whatever becomes of one of them. `begin` is told which comes next and says how much time
/// is left. The first error.
pub fn stop_all(parts: &mut [Box<dyn Part>], begin: impl Fn(&'static str) -> Duration) -> anyhow::Result<()> {
    let mut outcome = Ok(());
    for part in parts {
        let left = begin(part.name());
        if let Err(error) = part.stop(left) {
            tracing::error!("{}: {error:#}", part.name());
            outcome = outcome.and(Err(error));
        }
    }
    outcome
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use anyhow::anyhow;

    use super::*;

    struct Fake(&'static str, Arc<Mutex<Vec<&'static str>>>);

    impl Part for Fake {
        fn name(&self) -> &'static str {
            self.0
        }
        fn is_broken(&self) -> bool {
            false
        }
        fn stop(&mut self, _left: Duration) -> anyhow::Result<()> {
            self.1.lock().unwrap().push(self.0);
            if self.0 == "streams" { Ok(()) } else { Err(anyhow!("{} failed", self.0)) }
        }
    }

    #[test]
    fn a_part_that_fails_to_stop_keeps_no_other_from_stopping() {
        let stopped = Arc::<Mutex<Vec<_>>>::default();
        let fake = |name| Box::new(Fake(name, stopped.clone())) as Box<dyn Part>;
        let outcome = stop_all(&mut [fake("streams"), fake("incidents"), fake("evidence")], |_| Duration::ZERO);
        assert_eq!(outcome.unwrap_err().to_string(), "incidents failed");
        assert_eq!(*stopped.lock().unwrap(), ["streams", "incidents", "evidence"]);
    }
}
