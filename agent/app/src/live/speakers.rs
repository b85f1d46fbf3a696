//! One thread for each loudspeaker. A speaker that hangs holds back nobody but itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::Context as _;
use forewarn_domain::{AnnounceOutcome, Announcement, Clock, Loudspeaker, SpeakerId};
use forewarn_hw::SpeakerContext;

use super::{LoopEvent, Receiver, Sender, queue};
use crate::config::Site;
use crate::exit::{CommandError, ExitCode, OrExit as _};

/// Announcements that may wait for one speaker.
const QUEUE: usize = 8;

/// The queues by speaker.
pub type Queues = BTreeMap<SpeakerId, Sender<Announcement>>;

/// The site's loudspeakers, each on its thread.
pub struct Speakers {
    queues: Queues,
    threads: Vec<JoinHandle<()>>,
}

impl Speakers {
    /// Starts them all.
    pub fn start(site: &Site, clock: &Arc<dyn Clock>, to_loop: &Sender<LoopEvent>) -> Result<Self, CommandError> {
        let context = SpeakerContext {
            clock: Arc::clone(clock),
            audio_dir: site.violations_dir.clone(),
            base_dir: site.directory.clone(),
        };
        let mut speakers = Self { queues: BTreeMap::new(), threads: Vec::new() };
        for (id, config) in &site.speakers {
            let speaker = forewarn_hw::build(id, config, &context).or_exit(ExitCode::BadConfig)?;
            let (sender, announcements) = queue::bounded(&format!("speaker-{id}"), QUEUE);
            let (id_of_thread, to_loop) = (id.clone(), to_loop.clone());
            let thread = std::thread::Builder::new()
                .name(format!("speaker-{id}"))
                .spawn(move || play_all(&id_of_thread, speaker, &announcements, &to_loop))
                .context("failed to start a speaker's thread")?;
            speakers.queues.insert(id.clone(), sender);
            speakers.threads.push(thread);
        }
        Ok(speakers)
    }

    /// The queues, for the incident loop.
    pub fn queues(&self) -> Queues {
        self.queues.clone()
    }

    /// Whether a thread has ended that should not have.
    pub fn is_broken(&self) -> bool {
        self.threads.iter().any(JoinHandle::is_finished)
    }

    /// Takes no more announcements. What still sounds is cut off by the end of the process, and its incident is taken
    /// up again after the restart.
    pub fn stop(&mut self) {
        self.queues.clear();
        for thread in self.threads.drain(..).filter(JoinHandle::is_finished) {
            if thread.join().is_err() {
                tracing::error!("a speaker's thread panicked");
            }
        }
    }
}

/// Counts what became of an announcement, by the proof of its playback or the kind of its failure.
pub fn count(speaker: &SpeakerId, outcome: &AnnounceOutcome) {
    let (result, kind) = match outcome {
        AnnounceOutcome::Played { proof, .. } => ("played", proof.as_str()),
        AnnounceOutcome::Failed { kind, .. } => ("failed", kind.as_str()),
    };
    let speaker = speaker.to_string();
    metrics::counter!("forewarn_warnings_total", "speaker" => speaker, "outcome" => result, "kind" => kind)
        .increment(1);
}

fn play_all(
    id: &SpeakerId,
    mut speaker: Box<dyn Loudspeaker>,
    announcements: &Receiver<Announcement>,
    to_loop: &Sender<LoopEvent>,
) {
    while let Ok(announcement) = announcements.recv() {
        let outcome = AnnounceOutcome::from(speaker.play(&announcement));
        count(id, &outcome);
        if !to_loop.send(LoopEvent::Announced { id: announcement.id, speaker: id.clone(), outcome }) {
            return;
        }
    }
}
