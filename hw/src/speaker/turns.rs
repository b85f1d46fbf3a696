//! Whose turn it is at a loudspeaker: the most urgent of those that wait, and of equals the one that came first.

use std::collections::VecDeque;

use forewarn_domain::Announcement;

/// So many are sorted; what comes beyond waits in the queue before.
const ROOM: usize = 16;

/// Announcements that wait for one loudspeaker.
#[derive(Debug, Default)]
pub struct Turns(VecDeque<Announcement>);

impl Turns {
    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether another one can be sorted in.
    pub fn has_room(&self) -> bool {
        self.0.len() < ROOM
    }

    /// One more waits.
    pub fn add(&mut self, announcement: Announcement) {
        let place = self.0.iter().position(|other| other.urgency < announcement.urgency).unwrap_or(self.0.len());
        self.0.insert(place, announcement);
    }

    /// The next one that is said.
    pub fn take_next(&mut self) -> Option<Announcement> {
        self.0.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speaker::tests::announcement;

    #[test]
    fn the_most_urgent_goes_first_and_equals_in_their_order() {
        let mut turns = Turns::default();
        for (text, urgency) in [("a", 0), ("b", 5), ("c", 0), ("d", Announcement::OF_PEOPLE), ("e", 5)] {
            turns.add(Announcement { urgency, ..announcement(text, None) });
        }
        let order: String = std::iter::from_fn(|| turns.take_next()).map(|said| said.text.text).collect();
        assert_eq!(order, "dbeac");
        assert!(turns.is_empty() && turns.has_room());
        (0..ROOM).for_each(|_| turns.add(announcement("x", None)));
        assert!(!turns.has_room());
    }
}
