//! Signs of life for the service manager, given by the incident loop itself: a loop that is stuck gives none, and the
//! manager starts the agent again.

use forewarn_base::supervisor::Supervisor;
use forewarn_domain::Timestamp;
use forewarn_engine::Engine;

use crate::keeper::{Due, Keeper};

/// Gives signs of life.
#[derive(Debug)]
pub struct Heartbeat {
    supervisor: Supervisor,
    due: Option<Due>,
}

impl Heartbeat {
    /// For the manager that started this process, as often as it wants.
    pub fn of_environment() -> Self {
        let supervisor = Supervisor::of_environment();
        Self { due: supervisor.wants_life_every().map(Due::every), supervisor }
    }
}

impl Keeper for Heartbeat {
    fn name(&self) -> &'static str {
        "signs of life"
    }

    fn turn(&mut self, _engine: &mut Engine, now: Timestamp) {
        if self.due.as_mut().is_some_and(|due| due.take(now)) {
            self.supervisor.lives();
        }
    }

    fn trouble(&self) -> Option<String> {
        None
    }
}
