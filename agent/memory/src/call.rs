//! What somebody asks of the running agent, and waits to be answered: a step of a case, for now.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use forewarn_domain::CaseCommand;

/// How long somebody waits for the answer. The loop answers when the step is on the disk, or the disk refuses it.
const PATIENCE: Duration = Duration::from_secs(5);

/// A question to the incident loop, answered once.
#[derive(Debug)]
pub struct CaseCall {
    /// The step that is told.
    pub command: CaseCommand,
    answer: SyncSender<Result<(), String>>,
}

impl CaseCall {
    /// Hands the step over by `send`, which says whether anybody takes it, and waits for the answer.
    pub fn ask(command: CaseCommand, send: impl FnOnce(Self) -> bool) -> Result<(), String> {
        let (answer, answered): (_, Receiver<_>) = sync_channel(1);
        if !send(Self { command, answer }) {
            return Err("the agent stops; tell it again when it runs".to_owned());
        }
        let late = "the agent did not answer in time; look at the case before you tell it again";
        answered.recv_timeout(PATIENCE).unwrap_or_else(|_| Err(late.to_owned()))
    }

    /// Answers. Nobody need wait any more.
    pub fn settle<E: ToString>(&self, told: Result<(), E>) {
        let _ = self.answer.try_send(told.map_err(|error| error.to_string()));
    }
}

#[cfg(test)]
mod tests {
    use forewarn_domain::{CaseStage, IncidentId};

    use super::*;

    #[test]
    fn a_call_is_answered_once_and_one_that_nobody_takes_says_so() {
        let command = || CaseCommand {
            incident: IncidentId::from_stored("i"),
            stage: CaseStage::Received,
            by: "ann".to_owned(),
            note: String::new(),
        };
        let taken = |call: CaseCall| {
            call.settle(Err::<(), _>("it is settled"));
            call.settle(Ok::<(), &str>(()));
            true
        };
        assert_eq!(CaseCall::ask(command(), taken), Err("it is settled".to_owned()));
        assert!(CaseCall::ask(command(), |_| false).unwrap_err().starts_with("the agent stops"));
        assert!(
            CaseCall::ask(command(), |call| {
                drop(call);
                true
            })
            .unwrap_err()
            .contains("in time")
        );
    }
}
