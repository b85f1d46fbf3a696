//! The class of an identity: voted over its whole life, through changes of track id.
//!
//! The tracker votes within one track and begins anew with each; here the votes go on, and the class changes only when
//! another one leads clearly, so that a van is not a car, a truck and a car in turn.

use forewarn_domain::Class;

/// What is left of old votes with each new one: half after 70 sightings.
const KEPT: f32 = 0.99;
/// Another class takes over when it has this many times the votes of the present one, and this much more.
const LEAD: f32 = 1.3;
const MARGIN: f32 = 0.5;

/// Votes for the class of one identity.
#[derive(Debug, Clone)]
pub(super) struct ClassVotes {
    /// Sums of scores, in the order of first appearance.
    votes: Vec<(Class, f32)>,
}

impl ClassVotes {
    pub(super) fn new() -> Self {
        Self { votes: Vec::new() }
    }

    /// Takes in a sighting of `seen` and tells the class, which was `present` before.
    pub(super) fn see(&mut self, present: &Class, seen: &Class, score: f32) -> Class {
        for (_, weight) in &mut self.votes {
            *weight *= KEPT;
        }
        self.add(seen, if score.is_finite() { score.clamp(0.0, 1.0) } else { 0.0 });
        self.class(present)
    }

    /// Takes in the votes of what turned out to be the same subject and tells the class.
    pub(super) fn merge(&mut self, other: Self, present: &Class) -> Class {
        for (class, weight) in other.votes {
            self.add(&class, weight);
        }
        self.class(present)
    }

    fn add(&mut self, class: &Class, weight: f32) {
        match self.votes.iter_mut().find(|(known, _)| known == class) {
            Some((_, votes)) => *votes += weight,
            None => self.votes.push((class.clone(), weight)),
        }
    }

    fn class(&self, present: &Class) -> Class {
        let of_present = self.votes.iter().find(|(class, _)| class == present).map_or(0.0, |(_, weight)| *weight);
        // Of equal classes the earlier one leads.
        let best = self.votes.iter().rev().max_by(|a, b| a.1.total_cmp(&b.1));
        let leads = |(_, weight): &&(Class, f32)| *weight > of_present * LEAD + MARGIN;
        best.filter(leads).map_or_else(|| present.clone(), |(class, _)| class.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(names: &[&str]) -> Vec<String> {
        let (mut votes, mut class) = (ClassVotes::new(), Class::new(names[0]));
        let see = |name: &&str| {
            class = votes.see(&class, &Class::new(name), 0.6);
            class.to_string()
        };
        names.iter().map(see).collect()
    }

    #[test]
    fn a_class_that_flips_stays_what_it_was() {
        let names: Vec<&str> = (0..200).map(|n| if n % 2 == 0 { "car" } else { "truck" }).collect();
        assert!(seen(&names).iter().all(|class| class == "car"));
    }

    #[test]
    fn a_clear_majority_takes_over_once() {
        let names: Vec<&str> = (0..60).map(|n| if n < 6 || n % 7 == 0 { "car" } else { "truck" }).collect();
        let classes = seen(&names);
        assert_eq!((classes[5].as_str(), classes[59].as_str()), ("car", "truck"));
        assert_eq!(classes.windows(2).filter(|pair| pair[0] != pair[1]).count(), 1);
    }
}
