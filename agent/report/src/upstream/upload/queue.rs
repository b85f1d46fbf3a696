//! What is still to be brought over, and what of it is next. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::bundle::{Rank, Wanted};
use super::{Passage, Step};

/// A file on its way, or before it.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) wanted: Wanted,
    /// The first seal that wants it.
    first: i64,
    /// It, once it has begun.
    pub(super) passage: Option<Box<dyn Passage>>,
    /// What it wants next, where that has not been done.
    pub(super) step: Option<Step>,
}

/// All of them, and the seals that wait for them.
#[derive(Debug, Default)]
pub(super) struct Queue {
    tasks: BTreeMap<String, Task>,
    /// What is missing of each seal, by its place in the outbox.
    seals: BTreeMap<i64, BTreeSet<String>>,
}

impl Queue {
    /// A seal wants these files. Whether that is none.
    pub(super) fn put(&mut self, seal: i64, files: Vec<Wanted>) -> bool {
        let mut missing = BTreeSet::new();
        for wanted in files {
            let key = wanted.facts.key.clone();
            missing.insert(key.clone());
            match self.tasks.get_mut(&key) {
                Some(task) if task.wanted.facts == wanted.facts => {}
                Some(task) => *task = Task { first: task.first, ..Task::new(wanted, seal) },
                None => drop(self.tasks.insert(key, Task::new(wanted, seal))),
            }
        }
        let is_none = missing.is_empty();
        if !is_none {
            self.seals.insert(seal, missing);
        }
        is_none
    }

    /// What is next: words before pictures before clips, of earlier seals first.
    pub(super) fn next(&self) -> Option<(&str, Rank)> {
        let order = |(_, task): &(&String, &Task)| (task.wanted.rank, task.first);
        self.tasks.iter().min_by_key(order).map(|(key, task)| (key.as_str(), task.wanted.rank))
    }

    /// How long the piece is that a file waits for; none where it has not begun or waits for nothing.
    pub(super) fn waits_for(&self, key: &str) -> Option<u64> {
        match self.tasks.get(key)?.step {
            Some(Step::Read { bytes, .. }) => Some(bytes),
            _ => None,
        }
    }

    pub(super) fn task(&mut self, key: &str) -> Option<&mut Task> {
        self.tasks.get_mut(key)
    }

    /// The server has a file: the seals of which nothing is missing any more.
    pub(super) fn done(&mut self, key: &str) -> Vec<i64> {
        self.tasks.remove(key);
        for missing in self.seals.values_mut() {
            missing.remove(key);
        }
        let whole: Vec<i64> = self.seals.iter().filter(|(_, missing)| missing.is_empty()).map(|(n, _)| *n).collect();
        self.seals.retain(|_, missing| !missing.is_empty());
        whole
    }

    /// The server will never have a file: the seals that wanted it.
    pub(super) fn give_up(&mut self, key: &str) -> Vec<i64> {
        self.tasks.remove(key);
        let of_it: Vec<i64> = self.seals.iter().filter(|(_, missing)| missing.contains(key)).map(|(n, _)| *n).collect();
        self.seals.retain(|_, missing| !missing.contains(key));
        let wanted: BTreeSet<&String> = self.seals.values().flatten().collect();
        self.tasks.retain(|key, _| wanted.contains(key));
        of_it
    }

    /// How many files wait, and their bytes.
    pub(super) fn waiting(&self) -> (u64, u64) {
        (self.tasks.len() as u64, self.tasks.values().map(|task| task.wanted.facts.bytes).sum())
    }
}

impl Task {
    fn new(wanted: Wanted, first: i64) -> Self {
        Self { wanted, first, passage: None, step: None }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Facts;
    use super::super::bundle::Source;
    use super::*;

    fn wanted(rank: Rank, key: &str, sha256: &str) -> Wanted {
        let facts = Facts { key: key.to_owned(), media_type: "a/b", bytes: 10, sha256: sha256.to_owned() };
        Wanted { rank, facts, source: Source::Made(Vec::new()) }
    }

    #[test]
    fn words_of_later_seals_overtake_clips_and_a_seal_is_whole_with_its_last_file() {
        let mut queue = Queue::default();
        assert!(queue.put(1, Vec::new()), "nothing is missing of it");
        assert!(!queue.put(2, vec![wanted(Rank::Clip, "a.mp4", "1"), wanted(Rank::Words, "a.json", "1")]));
        queue.put(3, vec![wanted(Rank::Words, "b.json", "1"), wanted(Rank::Thumbnail, "b.jpg", "1")]);
        let mut order = Vec::new();
        while let Some(key) = queue.next().map(|(key, _)| key.to_owned()) {
            order.push((queue.done(&key), key));
        }
        let keys: Vec<_> = order.iter().map(|(_, key)| key.as_str()).collect();
        assert_eq!(keys, ["a.json", "b.json", "b.jpg", "a.mp4"]);
        assert_eq!(order.iter().map(|(seals, _)| seals.as_slice()).collect::<Vec<_>>(), [&[][..], &[], &[3], &[2]]);
    }

    #[test]
    fn a_later_version_takes_the_place_and_one_that_is_given_up_takes_its_seals_with_it() {
        let mut queue = Queue::default();
        queue.put(1, vec![wanted(Rank::Words, "a.json", "1"), wanted(Rank::Clip, "a.mp4", "1")]);
        queue.task("a.json").unwrap().step = Some(Step::There);
        queue.put(2, vec![wanted(Rank::Words, "a.json", "2"), wanted(Rank::Clip, "a.mp4", "1")]);
        let task = queue.task("a.json").unwrap();
        assert!(task.step.is_none() && task.wanted.facts.sha256 == "2");
        assert_eq!(queue.waiting(), (2, 20));
        assert_eq!(queue.done("a.json"), Vec::<i64>::new());
        queue.put(3, vec![wanted(Rank::Words, "b.json", "1")]);
        assert_eq!(queue.give_up("a.mp4"), [1, 2]);
        assert_eq!((queue.waiting(), queue.next()), ((1, 10), Some(("b.json", Rank::Words))));
    }
}
