//! One thread for each loudspeaker. A speaker that hangs holds back nobody but itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use forewarn_base::thread::Thread;
use forewarn_domain::{AnnounceOutcome, Announcement, Clock, Loudspeaker, SpeakerId};
use forewarn_hw::SpeakerContext;
use forewarn_telemetry::queue::{GiveBack, QueueSpec, Receiver, Sender, Wait};

use super::LoopEvent;
use super::part::Part;
use crate::config::Site;
use crate::exit::{CommandError, ExitCode, OrExit as _};
use crate::telemetry;

/// Announcements that may wait for one speaker.
pub const QUEUE: QueueSpec<GiveBack> = QueueSpec::new("speaker-ID", 8);

/// The queues by speaker.
pub type Queues = BTreeMap<SpeakerId, Sender<Announcement, GiveBack>>;

/// The site's loudspeakers, each on its thread.
pub struct Speakers {
    queues: Queues,
    threads: Vec<Thread>,
}

impl Speakers {
    /// Starts them all.
    pub fn start(site: &Site, clock: &Arc<dyn Clock>, to_loop: &Sender<LoopEvent, Wait>) -> Result<Self, CommandError> {
        let context = SpeakerContext {
            clock: Arc::clone(clock),
            audio_dir: site.violations_dir.clone(),
            base_dir: site.directory.clone(),
        };
        let mut speakers = Self { queues: BTreeMap::new(), threads: Vec::new() };
        for (id, config) in &site.speakers {
            let speaker = forewarn_hw::build(id, config, &context).or_exit(ExitCode::BadConfig)?;
            let (sender, announcements) = QUEUE.open_for(id);
            let (id_of_thread, to_loop) = (id.clone(), to_loop.clone());
            let work = move || play_all(&id_of_thread, speaker, &announcements, &to_loop);
            speakers.threads.push(Thread::spawn(QUEUE.name_for(id), work)?);
            speakers.queues.insert(id.clone(), sender);
        }
        Ok(speakers)
    }

    /// The queues, for the incident loop.
    pub fn queues(&self) -> Queues {
        self.queues.clone()
    }
}

impl Part for Speakers {
    fn name(&self) -> &'static str {
        "loudspeakers"
    }

    fn is_broken(&self) -> bool {
        self.threads.iter().any(Thread::has_ended)
    }

    /// Takes no more announcements. What still sounds is cut off by the end of the process, and its incident is taken
    /// up again after the restart.
    fn stop(&mut self, _left: Duration) -> anyhow::Result<()> {
        self.queues.clear();
        let mut ended = self.threads.drain(..).filter(Thread::has_ended);
        Ok(ended.try_for_each(|mut thread| thread.join().map(drop))?)
    }
}

/// Counts what became of an announcement, by the proof of its playback or the kind of its failure.
pub fn count(speaker: &SpeakerId, outcome: &AnnounceOutcome) {
    let (result, kind) = match outcome {
        AnnounceOutcome::Played { proof, .. } => ("played", proof.as_str()),
        AnnounceOutcome::Failed { kind, .. } => ("failed", kind.as_str()),
    };
    telemetry::WARNINGS.of([speaker, &result, &kind]).increment(1);
}

fn play_all(
    id: &SpeakerId,
    mut speaker: Box<dyn Loudspeaker>,
    announcements: &Receiver<Announcement>,
    to_loop: &Sender<LoopEvent, Wait>,
) {
    while let Ok(announcement) = announcements.recv() {
        let outcome = AnnounceOutcome::from(speaker.play(&announcement));
        count(id, &outcome);
        if !to_loop.send(LoopEvent::Announced { id: announcement.id, speaker: id.clone(), outcome }) {
            return;
        }
    }
}
