//! One thread for each loudspeaker. A speaker that hangs holds back nobody but itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use forewarn_base::sync::lock;
use forewarn_base::thread::Thread;
use forewarn_domain::{AnnounceOutcome, Announcement, Clock, FailureKind, Loudspeaker, SpeakerId, SpokenText};
use forewarn_hw::{Earshot, Hall, Turns, Voice};
use forewarn_memory::Voices;
use forewarn_telemetry::queue::{GiveBack, QueueSpec, Receiver, Sender, Wait};

use super::LoopEvent;
use super::part::Part;
use crate::config::{Site, UnknownSpeaker};
use crate::exit::{CommandError, ExitCode, OrExit as _};
use crate::telemetry;

/// Announcements that may wait for one speaker.
pub const QUEUE: QueueSpec<GiveBack> = QueueSpec::new("speaker-ID", 8);

/// A loudspeaker on its thread.
struct Running {
    queue: Sender<Announcement, GiveBack>,
    thread: Thread,
    earshot: Earshot,
    voice: Voice,
}

/// The site's loudspeakers. Clones are the same ones.
#[derive(Clone)]
pub struct Speakers {
    running: Arc<Mutex<BTreeMap<SpeakerId, Running>>>,
    voices: Voices,
    hall: Hall,
    clock: Arc<dyn Clock>,
    to_loop: Sender<LoopEvent, Wait>,
}

/// Why an announcement was not taken: as a failure, and in words.
pub type Refused = (FailureKind, String);

fn full() -> Refused {
    (FailureKind::QueueFull, "too many announcements wait for the speaker".to_owned())
}

impl Speakers {
    /// Starts them all.
    pub fn start(site: &Site, clock: &Arc<dyn Clock>, to_loop: &Sender<LoopEvent, Wait>) -> Result<Self, CommandError> {
        let speakers = Self {
            running: Arc::default(),
            voices: Voices::default(),
            hall: Hall::default(),
            clock: Arc::clone(clock),
            to_loop: to_loop.clone(),
        };
        speakers.adopt(site, &site.speakers.iter().map(|(id, _)| id.clone()).collect())?;
        Ok(speakers)
    }

    /// Ends those of these ids, and starts those of them that the site names now. What waits for one that ends is said
    /// before. All others go on.
    pub fn adopt(&self, site: &Site, ids: &BTreeSet<SpeakerId>) -> Result<(), CommandError> {
        let context = site.speaker_context(Arc::clone(&self.clock));
        let build = |id: &SpeakerId, config| forewarn_hw::build(id, config, &context).or_exit(ExitCode::BadConfig);
        let named = site.speakers.iter().filter(|(id, _)| ids.contains(id));
        let built: Vec<_> = named
            .map(|(id, config)| Ok((id, config.earshot(id), Voice::of(id, config, &context), build(id, config)?)))
            .collect::<Result<_, CommandError>>()?;
        let mut running = self.lock();
        let mut former: BTreeMap<_, _> = running.extract_if(.., |id, _| ids.contains(id)).collect();
        for (id, earshot, voice, speaker) in built {
            let (queue, announcements) = QUEUE.open_for(id);
            let (to_loop, voices, hall) = (self.to_loop.clone(), self.voices.clone(), self.hall.clone());
            let (id_of_thread, of_thread) = (id.clone(), earshot.clone());
            // One device speaks with one voice: the new thread begins when the former one has said what waits for it.
            let before = former.remove(id).map(|Running { thread, .. }| thread);
            let work = move || {
                if let Some(Err(error)) = before.map(|mut thread| thread.join()) {
                    tracing::error!("{error}");
                }
                play_all((&id_of_thread, &of_thread), speaker, &announcements, (&to_loop, &voices, &hall));
            };
            let thread = Thread::spawn(QUEUE.name_for(id), work)?;
            running.insert(id.clone(), Running { queue, thread, earshot, voice });
        }
        Ok(())
    }

    /// Has an announcement made, before what is less urgent and is or would be heard there. It is not waited for.
    pub fn offer(&self, announcement: Announcement) -> Result<(), Refused> {
        let running = self.lock();
        let unknown = || UnknownSpeaker::among(&announcement.speaker, running.keys());
        let speaker =
            running.get(&announcement.speaker).ok_or_else(|| (FailureKind::Misconfigured, unknown().to_string()))?;
        self.hall.offer(&speaker.earshot, announcement, |one| speaker.queue.offer(one).map_err(|_| full()))
    }

    /// Has one made that no incident asks for, and waits for what becomes of it.
    pub fn say(&self, announcement: Announcement) -> Result<AnnounceOutcome, String> {
        self.voices.wait(announcement.id, || self.offer(announcement).map_err(|(_, why)| why))
    }

    /// What one of them plays for these words, or for a sound file in their place, as a WAV file; none where there is no such.
    pub fn wav(&self, speaker: &SpeakerId, text: SpokenText, sound: Option<String>) -> Option<Result<Vec<u8>, String>> {
        let voice = self.lock().get(speaker)?.voice.clone();
        Some(voice.wav(text, sound).map_err(|error| error.message))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<SpeakerId, Running>> {
        lock(&self.running)
    }
}

impl Part for Speakers {
    fn name(&self) -> &'static str {
        "loudspeakers"
    }

    fn is_broken(&self) -> bool {
        self.lock().values().any(|running| running.thread.has_ended())
    }

    /// Takes no more announcements. What still sounds is cut off by the end of the process, and its incident is taken
    /// up again after the restart.
    fn stop(&mut self, _left: Duration) -> anyhow::Result<()> {
        let running = std::mem::take(&mut *self.lock());
        let threads = running.into_values().map(|Running { thread, .. }| thread);
        let mut ended = threads.filter(Thread::has_ended);
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
    (id, earshot): (&SpeakerId, &Earshot),
    mut speaker: Box<dyn Loudspeaker>,
    announcements: &Receiver<Announcement>,
    (to_loop, voices, hall): (&Sender<LoopEvent, Wait>, &Voices, &Hall),
) {
    let mut turns = Turns::default();
    loop {
        if turns.is_empty() {
            let Ok(first) = announcements.recv() else { return };
            turns.add(first);
        }
        let next = || {
            while turns.has_room()
                && let Ok(another) = announcements.recv_timeout(Duration::ZERO)
            {
                turns.add(another);
            }
            turns.take_next()
        };
        let Some((announcement, cut)) = hall.turn(earshot, id, next) else { continue };
        let outcome = AnnounceOutcome::from(speaker.play(&announcement, &cut));
        hall.end(earshot, announcement.id);
        count(id, &outcome);
        voices.settle(announcement.id, &outcome);
        if !to_loop.send(LoopEvent::Announced { id: announcement.id, speaker: id.clone(), outcome }) {
            return;
        }
    }
}
