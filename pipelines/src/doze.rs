//! Dozing: while nothing moves, only key pictures are decoded, and what lies between them is kept undecoded, so that it can be
//! decoded after all.
//!
//! Whoever looks at the key pictures wakes the stream when something has moved; then what came since the key picture before
//! is decoded, in which nothing had moved yet, and nothing is lost. Besides, a stream wakes by itself when its pictures
//! become much larger than pictures at the same place of their group were while nothing moved, since what moves takes bits.
//! A camera that keeps its rate constant tells little by that; its rate is known by then, so it does not wake the stream
//! either.

use std::collections::VecDeque;
use std::time::Duration;

/// Most units that are kept of one group; a longer group is decoded.
pub(crate) const MAX_KEPT: usize = 80;
/// Most bytes that are kept of one group.
const MAX_KEPT_BYTES: usize = 8 << 20;
/// Groups that are kept: the one that comes in, and the one before.
const GROUPS: usize = 2;
/// A stream that woke by itself stays awake for so long.
const AWAKE_FOR: Duration = Duration::from_secs(3);
/// A picture is large from so many times the largest of its place, and so many bytes more.
const LARGE: usize = 2;
const LARGE_BYTES: usize = 512;
/// So many large pictures in a row are a sign of motion.
const IN_A_ROW: u32 = 2;
/// Groups from which sizes are learned before they are judged.
const LEARNED_GROUPS: u32 = 2;
/// Neighbours of a place in the group that count as the same place.
const NEAR: usize = 3;

/// What a live decoder is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Decode {
    /// This part of each group of pictures: 1 for all of it, 0 for the key picture alone.
    Part(f32),
    /// The key picture alone until something moves.
    Doze,
}

/// What becomes of a unit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Turn<T> {
    /// It goes the way of every unit.
    Awake,
    /// It goes the way of a unit of which only key pictures are wanted; it is kept.
    Asleep,
    /// These come first, from a key picture that was decoded before; then it goes the way of every unit.
    Woken(Vec<T>),
}

/// Keeps the units of a stream that dozes.
#[derive(Debug)]
pub(crate) struct Doze<T> {
    is_asleep: bool,
    groups: VecDeque<Vec<T>>,
    bytes: usize,
    sizes: Sizes,
    /// Until when it is awake by itself, in the stream's own time.
    awake_until: Option<Duration>,
}

impl<T> Default for Doze<T> {
    fn default() -> Self {
        Self { is_asleep: false, groups: VecDeque::new(), bytes: 0, sizes: Sizes::default(), awake_until: None }
    }
}

impl<T: Clone> Doze<T> {
    /// Takes in a unit of `bytes` that is shown `at`. `wanted` says whether the stream is to doze, and else whether all of
    /// it is wanted.
    pub(crate) fn take(
        &mut self,
        unit: &T,
        is_key: bool,
        bytes: usize,
        at: Option<Duration>,
        wanted: Wanted,
    ) -> Turn<T> {
        if is_key {
            return self.begin_group(unit, at, wanted);
        }
        if !self.is_asleep {
            return Turn::Awake;
        }
        match wanted {
            Wanted::Doze => {}
            // Nothing had moved in the key picture before the last.
            Wanted::All => return Turn::Woken(self.wake(GROUPS)),
            Wanted::Part => {
                self.wake(0);
                return Turn::Awake;
            }
        }
        let group = self.groups.back().map_or(0, Vec::len);
        let has_moved = self.sizes.take(group, bytes);
        if has_moved || group >= MAX_KEPT || self.bytes + bytes > MAX_KEPT_BYTES {
            self.awake_until = at.map(|at| at + AWAKE_FOR);
            return Turn::Woken(self.wake(1));
        }
        self.bytes += bytes;
        if let Some(group) = self.groups.back_mut() {
            group.push(unit.clone());
        }
        Turn::Asleep
    }

    /// Forgets what it keeps.
    pub(crate) fn clear(&mut self) {
        self.wake(0);
    }

    fn begin_group(&mut self, unit: &T, at: Option<Duration>, wanted: Wanted) -> Turn<T> {
        if wanted == Wanted::All && self.is_asleep {
            // As by the next unit; the group that ends here is the last that is kept.
            return Turn::Woken(self.wake(GROUPS));
        }
        let is_held = self.awake_until.is_some_and(|until| at.is_some_and(|at| at < until));
        if wanted != Wanted::Doze || is_held {
            self.wake(0);
            return Turn::Awake;
        }
        self.awake_until = None;
        if self.is_asleep {
            self.sizes.end_group();
        }
        self.is_asleep = true;
        self.bytes = 0;
        self.groups.push_back(vec![unit.clone()]);
        if self.groups.len() > GROUPS {
            self.groups.pop_front();
        }
        Turn::Asleep
    }

    /// Wakes, and gives the last so many groups.
    fn wake(&mut self, groups: usize) -> Vec<T> {
        self.is_asleep = false;
        self.bytes = 0;
        self.sizes.give_up_group();
        let left_out = self.groups.len().saturating_sub(groups);
        std::mem::take(&mut self.groups).into_iter().skip(left_out).flatten().collect()
    }
}

/// What is wanted of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All of it.
    All,
    /// A part of each group.
    Part,
    /// That it dozes.
    Doze,
}

/// How large pictures are, by their place in the group, while nothing moves.
#[derive(Debug, Default)]
struct Sizes {
    usual: Vec<usize>,
    group: Vec<usize>,
    learned_groups: u32,
    in_a_row: u32,
}

impl Sizes {
    /// Whether pictures have become large.
    fn take(&mut self, place: usize, bytes: usize) -> bool {
        self.group.push(bytes);
        let near = self.usual.iter().skip(place.saturating_sub(NEAR)).take(2 * NEAR + 1).max();
        let is_large = near.is_some_and(|&usual| bytes > LARGE * usual + LARGE_BYTES);
        self.in_a_row = if is_large { self.in_a_row + 1 } else { 0 };
        self.learned_groups >= LEARNED_GROUPS && self.in_a_row >= IN_A_ROW
    }

    /// The group has ended and nothing has moved in it.
    fn end_group(&mut self) {
        // The place of the key picture is not asked for.
        let group: Vec<usize> = std::iter::once(0).chain(self.group.drain(..)).collect();
        self.usual.resize(self.usual.len().max(group.len()), 0);
        for (usual, bytes) in self.usual.iter_mut().zip(group) {
            *usual = bytes.max(*usual - *usual / 8);
        }
        self.learned_groups = self.learned_groups.saturating_add(1);
        self.in_a_row = 0;
    }

    fn give_up_group(&mut self) {
        self.group.clear();
        self.in_a_row = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Groups of ten units of 40 ms, numbered from 0, of these sizes.
    fn play(doze: &mut Doze<u32>, units: std::ops::Range<u32>, bytes: usize, wanted: Wanted) -> Vec<Turn<u32>> {
        let at = |n: u32| Some(Duration::from_millis(40 * u64::from(n)));
        units.map(|n| doze.take(&n, n.is_multiple_of(10), bytes, at(n), wanted)).collect()
    }

    fn woken(turns: &[Turn<u32>]) -> Vec<Vec<u32>> {
        let of = |turn: &Turn<u32>| if let Turn::Woken(units) = turn { Some(units.clone()) } else { None };
        turns.iter().filter_map(of).collect()
    }

    #[test]
    fn whoever_wakes_it_gets_all_since_the_key_picture_before_the_last() {
        let mut doze = Doze::default();
        assert!(play(&mut doze, 0..20, 100, Wanted::All).iter().all(|turn| *turn == Turn::Awake));
        let turns = play(&mut doze, 15..20, 100, Wanted::Doze);
        assert!(turns.iter().all(|turn| *turn == Turn::Awake), "not before a key frame");
        assert!(play(&mut doze, 20..43, 100, Wanted::Doze).iter().all(|turn| *turn == Turn::Asleep));
        let turns = play(&mut doze, 43..50, 100, Wanted::All);
        assert_eq!(woken(&turns), [(30..43).collect::<Vec<_>>()]);
        assert!(turns[1..].iter().all(|turn| *turn == Turn::Awake));
    }

    #[test]
    fn it_is_woken_by_a_key_picture_as_well() {
        let mut doze = Doze::default();
        play(&mut doze, 0..30, 100, Wanted::Doze);
        assert_eq!(woken(&play(&mut doze, 30..32, 100, Wanted::All)), [(10..30).collect::<Vec<_>>()]);
    }

    #[test]
    fn large_pictures_wake_it_for_a_while_and_only_the_group_they_are_in_is_decoded() {
        let mut doze = Doze::default();
        play(&mut doze, 0..42, 100, Wanted::Doze);
        let turns = play(&mut doze, 42..45, 2000, Wanted::Doze);
        assert_eq!(turns, [Turn::Asleep, Turn::Woken(vec![40, 41, 42]), Turn::Awake]);
        assert!(play(&mut doze, 45..120, 100, Wanted::Doze)[..70].iter().all(|turn| *turn == Turn::Awake));
        assert!(play(&mut doze, 120..130, 100, Wanted::Doze).iter().all(|turn| *turn == Turn::Asleep));
    }

    #[test]
    fn sizes_that_come_with_every_group_and_single_large_pictures_wake_nobody() {
        let mut doze = Doze::default();
        for group in 0..8_u32 {
            for place in 0..10 {
                let bytes = if place > 5 { 20_000 } else { 300 } + if place == 2 && group == 5 { 9_000 } else { 0 };
                let (n, at) = (group * 10 + place, Duration::from_millis(u64::from(group * 400 + place * 40)));
                assert_eq!(doze.take(&n, place == 0, bytes, Some(at), Wanted::Doze), Turn::Asleep, "{n}");
            }
        }
    }

    #[test]
    fn a_group_that_is_too_long_to_be_kept_is_decoded() {
        let mut doze = Doze::default();
        let mut take =
            |n: u32| doze.take(&n, n == 0, 100, Some(Duration::from_millis(u64::from(n) * 40)), Wanted::Doze);
        let kept = MAX_KEPT as u32;
        assert!((0..kept).all(|n| take(n) == Turn::Asleep));
        assert_eq!(take(kept), Turn::Woken((0..kept).collect()));
        assert_eq!(take(kept + 1), Turn::Awake);
    }

    #[test]
    fn a_part_of_each_group_is_no_dozing() {
        let mut doze = Doze::default();
        play(&mut doze, 0..15, 100, Wanted::Doze);
        assert!(play(&mut doze, 15..40, 100, Wanted::Part).iter().all(|turn| *turn == Turn::Awake));
    }
}
