//! How many people there were, each once.
//!
//! A tracker loses people behind lorries, and when the drone turns away. Two pieces of one way may be one person if they do
//! not overlap in time, if somebody could have walked from the end of the one to the beginning of the other, and if both look
//! alike. What is counted are the chains of such pieces. How sure that is, the interval says: at least so many there were if
//! everybody who could be somebody seen before was; at most so many, if only those are one who stood at the same place a
//! moment later.

use std::collections::BTreeMap;

use forewarn_analytics::Appearance;
use forewarn_domain::{Fix, Verdict};
use forewarn_ground::{Position, way_between};

use crate::log::{Person, Told};

/// How fast people walk where they hurry, in metres a second.
const WALK_M_S: f64 = 2.0;
/// A gap that is bridged by place alone, in microseconds.
const SHORT_US: i64 = 3_000_000;
/// Two pieces are taken for one person from this likeness of colours on.
const ALIKE: f32 = 0.93;
/// Below this one they cannot be one.
const UNLIKE: f32 = 0.7;
/// Of one piece so many beginnings are looked at, the soonest: more make no other count.
const MOST_NEXT: usize = 32;
/// Who was noted less often is a glimpse, which may be nobody.
const LEAST_TIMES: u32 = 2;

/// How many wear something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Worn {
    /// Of whom it was told.
    pub with: usize,
    /// Of whom it was told that they do not.
    pub without: usize,
    /// Of whom nobody could tell.
    pub unclear: usize,
    /// Of how many of these it would have been told from nearer by.
    pub too_far: usize,
    /// Within how many metres the camera would have had to come to all of them.
    pub fly_within_m: Option<u32>,
}

/// How many there were.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Count {
    /// Each as the pieces that are taken for one person, in the order of time.
    pub people: Vec<Vec<usize>>,
    /// There were at least so many.
    pub least: usize,
    /// There were at most so many.
    pub most: usize,
    /// The most that were in view at once.
    pub at_once: usize,
    /// Glimpses that are nobody's for sure, and are counted in `most` alone.
    pub glimpses: usize,
    /// What they wear, by attribute.
    pub worn: BTreeMap<String, Worn>,
}

/// One piece may go on as another.
struct Link {
    from: usize,
    to: usize,
    gap_us: i64,
    likeness: Option<f32>,
    is_short: bool,
}

/// Counts people, who are in the order of their first sight.
pub fn count(pieces: &[Person]) -> Count {
    let sure: Vec<usize> = (0..pieces.len()).filter(|at| pieces[*at].times >= LEAST_TIMES).collect();
    let looks: Vec<Option<Appearance>> = pieces.iter().map(Person::appearance).collect();
    let links = links(pieces, &looks);
    let is_sure = |link: &&Link| pieces[link.from].times >= LEAST_TIMES && pieces[link.to].times >= LEAST_TIMES;
    let is_alike = |link: &&Link| link.is_short || link.likeness.is_some_and(|likeness| likeness >= ALIKE);
    let next = chosen(links.iter().filter(is_sure).filter(is_alike));
    let people = chains(&sure, &next);
    let at_once = at_once(pieces, &sure);
    let joined = most_joined(pieces.len(), links.iter().filter(is_sure));
    let shortly = chosen(links.iter().filter(|link| link.is_short));
    let least = (sure.len() - joined).max(at_once).min(people.len());
    let most = (pieces.len() - shortly.len()).max(people.len());
    let worn = worn(pieces, &people);
    Count { least, most, at_once, glimpses: pieces.len() - sure.len(), worn, people }
}

fn links(pieces: &[Person], looks: &[Option<Appearance>]) -> Vec<Link> {
    let mut links = Vec::new();
    for (from, a) in pieces.iter().enumerate() {
        let later = pieces.iter().enumerate().skip(from + 1).filter(|(_, b)| b.first > a.last && b.camera == a.camera);
        let possible = later.filter_map(|(to, b)| {
            let gap_us = b.first.micros_after(a.last);
            let likeness = looks[from].as_ref().zip(looks[to].as_ref()).and_then(|(a, b)| a.likeness(b));
            if likeness.is_some_and(|likeness| likeness < UNLIKE) {
                return None;
            }
            let reach_m = WALK_M_S * gap_us as f64 / 1e6;
            let is_near = a.to.as_ref().zip(b.from.as_ref()).map(|(a, b)| is_within(a, b, reach_m));
            (is_near != Some(false)).then(|| {
                let is_short = gap_us <= SHORT_US && is_near == Some(true);
                Link { from, to, gap_us, likeness, is_short }
            })
        });
        links.extend(possible.take(MOST_NEXT));
    }
    links
}

/// Whether two places may be so near, as far as both are known.
fn is_within(a: &Fix, b: &Fix, reach_m: f64) -> bool {
    let place = |fix: &Fix| Position { lat_deg: fix.lat_deg, lon_deg: fix.lon_deg, height_m: 0.0 };
    let (east, north) = way_between(&place(a), &place(b));
    east.hypot(north) <= reach_m + a.ellipse.major_m.hypot(b.ellipse.major_m)
}

/// The best links of which no two begin or end with the same piece: what goes on at once first, then the most alike.
fn chosen<'a>(links: impl Iterator<Item = &'a Link>) -> BTreeMap<usize, usize> {
    let mut links: Vec<&Link> = links.collect();
    let unlikeness = |link: &Link| 1.0 - link.likeness.unwrap_or(0.0);
    links.sort_by(|a, b| {
        let order = b.is_short.cmp(&a.is_short).then(unlikeness(a).total_cmp(&unlikeness(b)));
        order.then(a.gap_us.cmp(&b.gap_us)).then((a.from, a.to).cmp(&(b.from, b.to)))
    });
    let (mut next, mut ends) = (BTreeMap::new(), std::collections::BTreeSet::new());
    for link in links {
        if !next.contains_key(&link.from) && ends.insert(link.to) {
            next.insert(link.from, link.to);
        }
    }
    next
}

fn chains(pieces: &[usize], next: &BTreeMap<usize, usize>) -> Vec<Vec<usize>> {
    let begun: std::collections::BTreeSet<usize> = next.values().copied().collect();
    let firsts = pieces.iter().filter(|piece| !begun.contains(piece));
    firsts.map(|first| std::iter::successors(Some(*first), |piece| next.get(piece).copied()).collect()).collect()
}

/// How many links there can be at most of which no two begin or end with the same piece: a matching, by augmenting paths.
fn most_joined<'a>(n: usize, links: impl Iterator<Item = &'a Link>) -> usize {
    fn finds(from: usize, ways: &[Vec<usize>], before: &mut [Option<usize>], tried: &mut [bool]) -> bool {
        ways[from].iter().any(|&to| {
            if std::mem::replace(&mut tried[to], true) {
                return false;
            }
            let is_free = before[to].is_none_or(|other| finds(other, ways, before, tried));
            if is_free {
                before[to] = Some(from);
            }
            is_free
        })
    }
    let mut ways = vec![Vec::new(); n];
    for link in links {
        ways[link.from].push(link.to);
    }
    let mut before = vec![None; n];
    (0..n).filter(|from| finds(*from, &ways, &mut before, &mut vec![false; n])).count()
}

/// The most that were in view at one instant.
fn at_once(pieces: &[Person], sure: &[usize]) -> usize {
    let mut steps: Vec<(i64, i32)> =
        sure.iter().flat_map(|at| [(pieces[*at].first.as_micros(), 1), (pieces[*at].last.as_micros(), -1)]).collect();
    // Whoever ends at an instant was there with whoever begins at it.
    steps.sort_by_key(|(at, step)| (*at, -step));
    let mut now = 0;
    let heights = steps.into_iter().map(|(_, step)| {
        now += step;
        now
    });
    heights.max().and_then(|most| usize::try_from(most).ok()).unwrap_or(0)
}

fn worn(pieces: &[Person], people: &[Vec<usize>]) -> BTreeMap<String, Worn> {
    let mut worn: BTreeMap<String, Worn> = BTreeMap::new();
    let asked: std::collections::BTreeSet<&String> = pieces.iter().flat_map(|piece| piece.told.keys()).collect();
    for attribute in asked {
        let of = worn.entry(attribute.clone()).or_default();
        for person in people {
            let told = person.iter().filter_map(|piece| pieces[*piece].told.get(attribute)).copied().reduce(Told::and);
            match told.map(|told| told.verdict) {
                Some(Verdict::Yes) => of.with += 1,
                Some(Verdict::No) => of.without += 1,
                Some(Verdict::CannotTell) | None => {
                    of.unclear += 1;
                    let near_m = person.iter().filter_map(|piece| pieces[*piece].fly_within_m.get(attribute));
                    if let Some(near_m) = near_m.copied().reduce(f32::max) {
                        of.too_far += 1;
                        of.fly_within_m = of.fly_within_m.into_iter().chain([near_m as u32]).min();
                    }
                }
            }
        }
    }
    worn
}

#[cfg(test)]
mod tests {
    use forewarn_domain::{Class, Ellipse, StreamId, WallTime};

    use super::*;

    /// Somebody seen from one second to another, who walks from one place east of the origin to another.
    fn piece((from_s, to_s): (f64, f64), (from_m, to_m): (f64, f64), look: [u8; 2]) -> Person {
        let fix = |m: f64| {
            let ellipse = Ellipse { major_m: 1.0, minor_m: 1.0, bearing_deg: 0.0 };
            Some(Fix { lat_deg: 0.0, lon_deg: m / 111_320.0, height_m: 0.0, ellipse, gcj02: None })
        };
        Person {
            key: format!("{from_s}-{from_m}"),
            camera: StreamId::new("c").unwrap(),
            class: Class::new("person"),
            first: WallTime::from_secs_f64(from_s),
            last: WallTime::from_secs_f64(to_s),
            times: (to_s - from_s) as u32 + 1,
            from: fix(from_m),
            to: fix(to_m),
            tallest_px: 50.0,
            fly_within_m: BTreeMap::new(),
            look: look.to_vec(),
            told: BTreeMap::new(),
        }
    }

    fn wearing(mut person: Person, verdict: Verdict) -> Person {
        person.told.insert("hard_hat".to_owned(), Told { verdict, confidence: 0.9 });
        person
    }

    const RED: [u8; 2] = [250, 30];
    const BLUE: [u8; 2] = [30, 250];

    #[test]
    fn whoever_goes_on_a_moment_later_or_comes_back_alike_is_one() {
        let gap = count(&[piece((0.0, 5.0), (0.0, 5.0), RED), piece((6.0, 9.0), (6.0, 9.0), RED)]);
        assert_eq!((gap.people.len(), gap.least, gap.most), (1, 1, 1));
        let back = count(&[piece((0.0, 5.0), (0.0, 5.0), RED), piece((60.0, 65.0), (6.0, 9.0), RED)]);
        assert_eq!((back.people.len(), back.least, back.most), (1, 1, 2), "perhaps another one in red");
    }

    #[test]
    fn whoever_looks_otherwise_is_too_far_or_there_at_once_is_another() {
        let other = count(&[piece((0.0, 5.0), (0.0, 5.0), RED), piece((60.0, 65.0), (6.0, 9.0), BLUE)]);
        assert_eq!((other.people.len(), other.least, other.most), (2, 2, 2));
        let far = count(&[piece((0.0, 5.0), (0.0, 5.0), RED), piece((6.0, 9.0), (60.0, 65.0), RED)]);
        assert_eq!((far.people.len(), far.least, far.most), (2, 2, 2));
        let both = count(&[piece((0.0, 5.0), (0.0, 5.0), RED), piece((4.0, 9.0), (4.0, 9.0), RED)]);
        assert_eq!((both.people.len(), both.least, both.at_once), (2, 2, 2));
    }

    #[test]
    fn a_glimpse_raises_the_upper_end_alone() {
        let glimpse = count(&[piece((0.0, 5.0), (0.0, 5.0), RED), piece((2.0, 2.0), (80.0, 80.0), BLUE)]);
        assert_eq!((glimpse.people.len(), glimpse.least, glimpse.most, glimpse.glimpses), (1, 1, 2, 1));
        assert_eq!(count(&[]), Count::default());
    }

    #[test]
    fn what_somebody_wears_is_told_of_the_person_and_not_of_each_piece() {
        let bare = || wearing(piece((0.0, 5.0), (0.0, 5.0), RED), Verdict::CannotTell);
        let worn = count(&[
            bare(),
            wearing(piece((6.0, 9.0), (6.0, 9.0), RED), Verdict::Yes),
            wearing(piece((7.0, 9.0), (70.0, 71.0), BLUE), Verdict::No),
        ]);
        assert_eq!(worn.worn["hard_hat"], Worn { with: 1, without: 1, ..Worn::default() });
        assert_eq!(count(&[bare()]).worn["hard_hat"], Worn { unclear: 1, ..Worn::default() });
    }

    #[test]
    fn whoever_was_too_small_is_told_with_the_distance_that_would_do() {
        let far = |way, look, within_m: f32| {
            let mut piece = wearing(piece((0.0, 5.0), way, look), Verdict::CannotTell);
            piece.fly_within_m.insert("hard_hat".to_owned(), within_m);
            piece
        };
        // Of the third it was something else that lacked.
        let people = [
            far((0.0, 1.0), RED, 31.8),
            far((70.0, 71.0), RED, 24.9),
            wearing(piece((0.0, 5.0), (300.0, 301.0), BLUE), Verdict::CannotTell),
        ];
        let worn = count(&people).worn["hard_hat"];
        assert_eq!(worn, Worn { unclear: 3, too_far: 2, fly_within_m: Some(24), ..Worn::default() });
    }
}
