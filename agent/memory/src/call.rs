//! What somebody asks of the running agent, and waits to be answered.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forewarn_base::sync::lock;
use forewarn_domain::{AnnounceOutcome, AnnouncementId, CaseCommand, StreamId, Timestamp};
use forewarn_engine::{Engine, Silence, Sought};

/// How long somebody waits for the answer. The loop answers when a step is on the disk, or the disk refuses it.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is asked.
#[derive(Debug, Clone)]
pub enum Asked {
    /// To take a step of a case.
    Case(CaseCommand),
    /// To announce nothing in a zone for a while.
    Silence(Silence),
    /// To look for something at a camera.
    Look(StreamId, Sought),
}

/// A question to the incident loop, answered once.
#[derive(Debug)]
pub struct Call {
    asked: Asked,
    answer: SyncSender<Result<(), String>>,
}

impl Call {
    /// Hands what is asked over by `send`, which says whether anybody takes it, and waits for the answer.
    pub fn ask(asked: Asked, send: impl FnOnce(Self) -> bool) -> Result<(), String> {
        let (answer, answered): (_, Receiver<_>) = sync_channel(1);
        if !send(Self { asked, answer }) {
            return Err("the agent stops; ask again when it runs".to_owned());
        }
        let late = "the agent did not answer in time; look at what came of it before you ask again";
        answered.recv_timeout(PATIENCE).unwrap_or_else(|_| Err(late.to_owned()))
    }

    /// Has the engine do it. What it asks for then is carried out before the call is settled.
    pub fn put_to(&self, engine: &mut Engine, now: Timestamp) -> Result<(), String> {
        match &self.asked {
            Asked::Case(command) => engine.case(command, now).map_err(|error| error.to_string()),
            Asked::Silence(silence) => engine.silence(silence.clone(), now).map_err(|error| error.to_string()),
            Asked::Look(stream, sought) => {
                let is_there = engine.look(stream, sought.clone(), now);
                let why = || format!("camera {stream} is not watched yet: ask again in a moment");
                is_there.then_some(()).ok_or_else(why)
            }
        }
    }

    /// Answers. Nobody need wait any more.
    pub fn settle(&self, told: Result<(), String>) {
        let _ = self.answer.try_send(told);
    }
}

/// Who asks for an announcement beside incidents waits so long: others may be said before it.
const PATIENCE_OF_VOICES: Duration = Duration::from_secs(90);

/// Those who wait for what becomes of announcements that no incident asks for. Clones are the same ones.
#[derive(Debug, Clone, Default)]
pub struct Voices(Arc<Mutex<BTreeMap<AnnouncementId, SyncSender<AnnounceOutcome>>>>);

impl Voices {
    /// Has an announcement made by `offer`, and waits for what becomes of it.
    pub fn wait(
        &self,
        id: AnnouncementId,
        offer: impl FnOnce() -> Result<(), String>,
    ) -> Result<AnnounceOutcome, String> {
        let (answer, answered) = sync_channel(1);
        lock(&self.0).insert(id, answer);
        let late = "what became of the announcement is not known: others are said before it, or the speaker hangs";
        let outcome = offer().and_then(|()| answered.recv_timeout(PATIENCE_OF_VOICES).map_err(|_| late.to_owned()));
        lock(&self.0).remove(&id);
        outcome
    }

    /// Tells who waits for an announcement what became of it, where somebody does.
    pub fn settle(&self, id: AnnouncementId, outcome: &AnnounceOutcome) {
        if let Some(answer) = lock(&self.0).remove(&id) {
            let _ = answer.try_send(outcome.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use forewarn_domain::{CaseStage, IncidentId};

    use super::*;

    #[test]
    fn a_call_is_answered_once_and_one_that_nobody_takes_says_so() {
        let asked = || {
            Asked::Case(CaseCommand {
                incident: IncidentId::from_stored("i"),
                stage: CaseStage::Received,
                by: "ann".to_owned(),
                note: String::new(),
            })
        };
        let taken = |call: Call| {
            call.settle(Err("it is settled".to_owned()));
            call.settle(Ok(()));
            true
        };
        assert_eq!(Call::ask(asked(), taken), Err("it is settled".to_owned()));
        assert!(Call::ask(asked(), |_| false).unwrap_err().starts_with("the agent stops"));
        assert!(
            Call::ask(asked(), |call| {
                drop(call);
                true
            })
            .unwrap_err()
            .contains("in time")
        );
    }

    #[test]
    fn who_waits_for_an_announcement_is_told_of_that_one() {
        let voices = Voices::default();
        let played = AnnounceOutcome::Played {
            duration: Duration::from_secs(1),
            proof: forewarn_domain::Proof::Sent,
            receipt: forewarn_domain::Receipt::default(),
        };
        let told = voices.wait(AnnouncementId(7), || {
            voices.settle(
                AnnouncementId(8),
                &AnnounceOutcome::Played {
                    duration: Duration::ZERO,
                    proof: forewarn_domain::Proof::Sent,
                    receipt: forewarn_domain::Receipt::default(),
                },
            );
            voices.settle(AnnouncementId(7), &played);
            Ok(())
        });
        assert_eq!(told, Ok(played));
        assert_eq!(voices.wait(AnnouncementId(9), || Err("full".to_owned())), Err("full".to_owned()));
        assert!(voices.0.lock().unwrap().is_empty());
    }
}
