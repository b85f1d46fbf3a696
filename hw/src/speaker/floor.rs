//! Who may speak where: in each earshot one voice at a time, the most urgent first.
//!
//! An earshot is where people hear the same loudspeakers. Whoever wants to speak there waits; of those that wait the most
//! urgent is next, and of equals the one that came first. Who comes and is more urgent than the one that speaks has that one
//! cut. Pure: it is told what happens and answers who is to fall silent and who may begin.

use std::collections::BTreeMap;

use forewarn_domain::{AnnouncementId, SpeakerId};

/// Where a loudspeaker is heard: the `earshot` that the site names, or the loudspeaker alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Earshot {
    /// With all others of this name.
    Named(String),
    /// By nobody whom another loudspeaker reaches.
    Alone(SpeakerId),
}

/// Something that is to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wish {
    /// The announcement.
    pub(super) id: AnnouncementId,
    /// By which loudspeaker.
    pub(super) speaker: SpeakerId,
    /// How urgent it is.
    pub(super) urgency: u8,
}

/// What waits in one earshot and what is said there; the first of those that wait is next.
#[derive(Debug, Default)]
struct Stage {
    speaks: Option<Wish>,
    waits: Vec<Wish>,
}

/// All earshots in which somebody speaks or waits.
#[derive(Debug, Default)]
pub(super) struct Floor(BTreeMap<Earshot, Stage>);

impl Floor {
    /// Somebody wants to speak. Which announcement is to be broken off for it, if any is.
    pub(super) fn ask(&mut self, earshot: &Earshot, wish: Wish) -> Option<AnnouncementId> {
        let stage = self.0.entry(earshot.clone()).or_default();
        let cut = stage.speaks.as_ref().filter(|said| said.urgency < wish.urgency).map(|said| said.id);
        let turn = stage.waits.iter().position(|other| other.urgency < wish.urgency).unwrap_or(stage.waits.len());
        stage.waits.insert(turn, wish);
        cut
    }

    /// Whether this loudspeaker may speak now: nobody does, and the one that is next wants to speak by it.
    pub(super) fn is_free_for(&self, earshot: &Earshot, speaker: &SpeakerId) -> bool {
        let stage = self.0.get(earshot);
        stage.is_some_and(|stage| stage.speaks.is_none() && stage.waits.first().is_some_and(|w| &w.speaker == speaker))
    }

    /// One that waits begins to speak. False if it does not wait there, or somebody else speaks.
    pub(super) fn begin(&mut self, earshot: &Earshot, id: AnnouncementId) -> bool {
        let Some(stage) = self.0.get_mut(earshot).filter(|stage| stage.speaks.is_none()) else { return false };
        let Some(turn) = stage.waits.iter().position(|wish| wish.id == id) else { return false };
        stage.speaks = Some(stage.waits.remove(turn));
        true
    }

    /// Nothing comes of an announcement any more, or it has ended.
    pub(super) fn end(&mut self, earshot: &Earshot, id: AnnouncementId) {
        let Some(stage) = self.0.get_mut(earshot) else { return };
        stage.speaks.take_if(|said| said.id == id);
        stage.waits.retain(|wish| wish.id != id);
        if stage.speaks.is_none() && stage.waits.is_empty() {
            self.0.remove(earshot);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const SPEAKERS: [&str; 4] = ["horn", "wall", "gate", "yard"];

    fn speaker(n: usize) -> SpeakerId {
        SpeakerId::new(SPEAKERS[n]).unwrap()
    }

    /// Two loudspeakers share an earshot, two are alone.
    fn earshot(n: usize) -> Earshot {
        if n < 2 { Earshot::Named("kerb".to_owned()) } else { Earshot::Alone(speaker(n)) }
    }

    fn wish(id: u64, n: usize, urgency: u8) -> Wish {
        Wish { id: AnnouncementId(id), speaker: speaker(n), urgency }
    }

    #[test]
    fn the_more_urgent_cuts_and_equals_wait_in_their_order() {
        let (mut floor, kerb) = (Floor::default(), earshot(0));
        assert_eq!(floor.ask(&kerb, wish(1, 0, 0)), None);
        assert!(floor.is_free_for(&kerb, &speaker(0)) && !floor.is_free_for(&kerb, &speaker(1)));
        assert!(floor.begin(&kerb, AnnouncementId(1)));
        assert_eq!(floor.ask(&kerb, wish(2, 1, 0)), None, "an equal waits");
        assert_eq!(floor.ask(&kerb, wish(3, 1, 5)), Some(AnnouncementId(1)), "the other loudspeaker is cut");
        assert!(!floor.is_free_for(&kerb, &speaker(1)), "it still speaks");
        assert_eq!(floor.ask(&earshot(2), wish(4, 2, 9)), None, "who is alone cuts nobody");
        floor.end(&kerb, AnnouncementId(1));
        assert!(floor.is_free_for(&kerb, &speaker(1)) && floor.begin(&kerb, AnnouncementId(3)));
        assert_eq!(floor.ask(&kerb, wish(5, 0, u8::MAX)), Some(AnnouncementId(3)), "people before all");
        floor.end(&kerb, AnnouncementId(3));
        assert!(!floor.begin(&kerb, AnnouncementId(3)), "it does not wait any more");
        assert!(floor.begin(&kerb, AnnouncementId(5)) && !floor.begin(&kerb, AnnouncementId(2)));
        floor.end(&kerb, AnnouncementId(5));
        assert!(floor.is_free_for(&kerb, &speaker(1)), "the equal, which waited all the while");
    }

    /// What befalls a loudspeaker.
    #[derive(Debug, Clone)]
    enum Fate {
        Wanted {
            speaker: usize,
            urgency: u8,
        },
        /// It looks whether it may speak, and does if so.
        Looks(usize),
        /// What it says is over.
        Ended(usize),
        /// What came so many wishes ago is wanted no more.
        Withdrawn(usize),
    }

    fn fate() -> impl Strategy<Value = Fate> {
        let speaker = || 0..SPEAKERS.len();
        prop_oneof![
            4 => (speaker(), 0..4_u8).prop_map(|(speaker, urgency)| Fate::Wanted { speaker, urgency }),
            4 => speaker().prop_map(Fate::Looks),
            3 => speaker().prop_map(Fate::Ended),
            1 => (0..8_usize).prop_map(Fate::Withdrawn),
        ]
    }

    /// What each loudspeaker wants and says, by a list of its own.
    #[derive(Default)]
    struct World {
        floor: Floor,
        wanted: Vec<(usize, Wish)>,
        said: BTreeMap<usize, Wish>,
        n: u64,
        done: BTreeSet<u64>,
    }

    impl World {
        fn take(&mut self, fate: &Fate) {
            match *fate {
                Fate::Wanted { speaker: n, urgency } => {
                    self.n += 1;
                    let wish = wish(self.n, n, urgency);
                    let heard = self.said.iter().find(|(other, _)| earshot(**other) == earshot(n));
                    let less = heard.filter(|(_, said)| said.urgency < urgency).map(|(_, said)| said.id);
                    assert_eq!(
                        self.floor.ask(&earshot(n), wish.clone()),
                        less,
                        "what is less urgent is cut, and no other"
                    );
                    self.wanted.push((n, wish));
                }
                Fate::Looks(n) => self.look(n),
                Fate::Ended(n) => {
                    if let Some(said) = self.said.remove(&n) {
                        self.floor.end(&earshot(n), said.id);
                        assert!(self.done.insert(said.id.0));
                    }
                }
                Fate::Withdrawn(ago) => {
                    if let Some(at) = self.wanted.len().checked_sub(ago + 1) {
                        let (n, wish) = self.wanted.remove(at);
                        self.floor.end(&earshot(n), wish.id);
                        assert!(self.done.insert(wish.id.0));
                    }
                }
            }
        }

        fn look(&mut self, n: usize) {
            let here = || self.wanted.iter().filter(|(other, _)| earshot(*other) == earshot(n));
            let most = here().map(|(_, wish)| wish.urgency).max();
            let next = here().find(|(_, wish)| Some(wish.urgency) == most);
            let is_silent = !self.said.keys().any(|other| earshot(*other) == earshot(n));
            let may = is_silent && next.is_some_and(|(other, _)| *other == n);
            assert_eq!(self.floor.is_free_for(&earshot(n), &speaker(n)), may);
            if let Some((_, wish)) = next.cloned().filter(|_| may) {
                assert!(self.floor.begin(&earshot(n), wish.id));
                self.wanted.retain(|(_, other)| other.id != wish.id);
                self.said.insert(n, wish);
            }
        }
    }

    proptest! {
        /// In an earshot one speaks at a time, the most urgent of those that wait and the longest waiting of equals; nobody is
        /// forgotten, and nothing is left behind when all is said.
        #[test]
        fn one_speaks_at_a_time_and_everybody_has_a_turn(fates in prop::collection::vec(fate(), 0..60)) {
            let mut world = World::default();
            for fate in &fates {
                world.take(fate);
            }
            for _ in 0..=2 * world.n + 1 {
                for n in 0..SPEAKERS.len() {
                    world.take(&Fate::Ended(n));
                    world.look(n);
                }
            }
            prop_assert_eq!(world.done.len() as u64, world.n);
            prop_assert!(world.floor.0.is_empty());
        }
    }
}
