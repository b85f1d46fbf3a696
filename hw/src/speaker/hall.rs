//! The loudspeakers of a site and the [`Floor`] that they share: whose thread waits, and what is cut.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex};

use forewarn_base::sync::{held, lock};
use forewarn_domain::{Announcement, AnnouncementId, Cut, SpeakerId};

use super::floor::{Earshot, Floor, Wish};

/// Who speaks and waits, and by what those that speak are cut.
#[derive(Default)]
struct State {
    floor: Floor,
    speaking: Vec<(AnnouncementId, Cut)>,
}

/// One for all loudspeakers of a site. Clones are the same.
#[derive(Clone, Default)]
pub struct Hall(Arc<(Mutex<State>, Condvar)>);

impl fmt::Debug for Hall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hall")
    }
}

impl Hall {
    /// Hands an announcement to the loudspeaker's thread by `put`, and cuts whoever speaks there and is less urgent. One that
    /// is not taken cuts nobody.
    pub fn offer<E>(
        &self,
        earshot: &Earshot,
        announcement: Announcement,
        put: impl FnOnce(Announcement) -> Result<(), E>,
    ) -> Result<(), E> {
        let Announcement { id, urgency, .. } = announcement;
        let wish = Wish { id, speaker: announcement.speaker.clone(), urgency };
        let mut state = lock(&self.0.0);
        put(announcement)?;
        if let Some(cut) = state.floor.ask(earshot, wish) {
            state.speaking.iter().filter(|(said, _)| *said == cut).for_each(|(_, cut)| cut.ask());
        }
        drop(state);
        self.0.1.notify_all();
        Ok(())
    }

    /// Waits until this loudspeaker may speak, which is so only when something was offered to it, and begins with what `next`
    /// takes out of that; with it comes by what it is cut.
    pub fn turn(
        &self,
        earshot: &Earshot,
        speaker: &SpeakerId,
        next: impl FnOnce() -> Option<Announcement>,
    ) -> Option<(Announcement, Cut)> {
        let waits = |state: &mut State| !state.floor.is_free_for(earshot, speaker);
        let mut state = held(self.0.1.wait_while(lock(&self.0.0), waits));
        let (announcement, cut) = (next()?, Cut::default());
        if state.floor.begin(earshot, announcement.id) {
            state.speaking.push((announcement.id, cut.clone()));
        }
        Some((announcement, cut))
    }

    /// It was said, or is said no more: the next one's turn.
    pub fn end(&self, earshot: &Earshot, id: AnnouncementId) {
        let mut state = lock(&self.0.0);
        state.floor.end(earshot, id);
        state.speaking.retain(|(said, _)| *said != id);
        drop(state);
        self.0.1.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;
    use crate::speaker::tests::announcement;

    fn said(id: u64, speaker: &str, urgency: u8) -> Announcement {
        let speaker = SpeakerId::new(speaker).unwrap();
        Announcement { id: AnnouncementId(id), speaker, urgency, ..announcement("Leave", None) }
    }

    #[test]
    fn a_thread_waits_for_the_other_loudspeaker_which_is_cut_for_what_is_more_urgent() {
        let (hall, kerb) = (Hall::default(), Earshot::Named("kerb".to_owned()));
        let taken = |_| Ok::<(), ()>(());
        let (horn, wall) = (said(1, "horn", 0), said(2, "wall", 5));
        hall.offer(&kerb, horn.clone(), taken).unwrap();
        let (_, cut) = hall.turn(&kerb, &horn.speaker, || Some(horn.clone())).unwrap();
        assert!(hall.offer(&kerb, said(3, "wall", 9), |_| Err("full")).is_err() && !cut.is_asked(), "it was not taken");
        let (began, has_begun) = sync_channel(1);
        std::thread::scope(|scope| {
            hall.offer(&kerb, wall.clone(), taken).unwrap();
            assert!(cut.is_asked());
            scope.spawn(|| {
                let (said, cut) = hall.turn(&kerb, &wall.speaker, || Some(wall.clone())).unwrap();
                began.send((said.id, cut.is_asked())).unwrap();
            });
            assert!(has_begun.try_recv().is_err(), "the horn has not ended");
            hall.end(&kerb, horn.id);
            assert_eq!(has_begun.recv().unwrap(), (wall.id, false));
        });
        hall.end(&kerb, wall.id);
    }
}
