//! What the links at hand tell of those that are not, and of the order in which they were made.

mod custody;

use std::collections::BTreeMap;
use std::fmt;

use crate::key::PublicKey;
use crate::link::{Earlier, Removed};

/// A link whose signature fits the key that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Where it lies, for people.
    pub lies_in: String,
    /// Its number.
    pub number: u64,
    /// sha256 of the link before.
    pub previous: Option<String>,
    /// sha256 of itself.
    pub sha256: String,
    /// Who signed it.
    pub key: PublicKey,
    /// What it is.
    pub what: What,
}

/// What a link is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The seal of a bundle.
    Seal {
        /// The seal of the same incident before.
        supersedes: Option<Earlier>,
    },
    /// The word that a bundle was deleted.
    Removal {
        /// Its incident.
        incident: String,
        /// Its seals.
        seals: Vec<Removed>,
    },
    /// The word that another key follows.
    KeyChange(PublicKey),
    /// The word that the bundle of an incident is held.
    Hold(String),
    /// The word that it is held no longer.
    Release(String),
    /// The word that somebody looked at it, or took something out of it.
    Access(String),
}

/// The last link, as the store remembers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its number.
    pub number: u64,
    /// Its sha256.
    pub sha256: String,
}

/// What a chain tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// The first and the last number, of links that are there or vouched for.
    pub span: Option<(u64, u64)>,
    /// Links that are there.
    pub links: usize,
    /// Seals whose bundles the device says it deleted.
    pub removed: usize,
    /// The keys, in their order.
    pub keys: Vec<PublicKey>,
    /// Incidents whose bundles are held.
    pub held: Vec<String>,
    /// What does not hold.
    pub problems: Vec<Problem>,
}

/// One way in which a chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Links in the middle are gone.
    Missing {
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
    /// The last links are gone.
    CutOff {
        /// The first that is gone.
        from: u64,
        /// The last, by the chain's head.
        to: u64,
    },
    /// The head is older than what is there.
    HeadPutBack {
        /// The head's number.
        head: u64,
        /// The last number that is there.
        last: u64,
    },
    /// The head is another link of the same number.
    OtherHead {
        /// The number.
        number: u64,
        /// Where the link lies that is there.
        lies_in: String,
    },
    /// One link lies in two places.
    Doubled {
        /// The number.
        number: u64,
        /// Where.
        places: [String; 2],
    },
    /// Two different links bear one number.
    Forked {
        /// The number.
        number: u64,
        /// Where they lie.
        places: [String; 2],
    },
    /// A link does not follow upon the one that has the number before.
    OutOfOrder {
        /// The number.
        number: u64,
        /// Where it lies.
        lies_in: String,
    },
    /// The seal before, of the same incident, is another than the one that is there.
    OtherEarlier {
        /// The number.
        number: u64,
        /// Where it lies.
        lies_in: String,
        /// The number of the one before.
        earlier: u64,
    },
    /// Signed by a key to which nobody handed over.
    OtherKey {
        /// The number.
        number: u64,
        /// Where it lies.
        lies_in: String,
        /// Who signed it.
        key: PublicKey,
        /// Who signs there.
        expected: PublicKey,
    },
    /// A bundle was deleted that was held.
    DeletedUnderHold {
        /// The number of the link that says so.
        number: u64,
        /// The incident.
        incident: String,
        /// The number of the link by which it was held.
        held_by: u64,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers = |from: &u64, to: &u64| match to - from {
            0 => format!("link {from} is"),
            _ => format!("links {from} to {to} are"),
        };
        match self {
            Self::Missing { from, to } => write!(
                f,
                "{} missing: what was sealed there was taken away, and the device says nothing of having deleted it",
                numbers(from, to)
            ),
            Self::CutOff { from, to } => {
                write!(f, "the end of the chain is cut off: {} missing, the chain's head is {to}", numbers(from, to))
            }
            Self::HeadPutBack { head, last } => {
                write!(f, "the chain's head was put back: it says {head}, and link {last} is there")
            }
            Self::OtherHead { number, lies_in } => {
                write!(f, "{lies_in}: link {number} is not the one that the chain's head names")
            }
            Self::Doubled { number, places: [a, b] } => write!(f, "link {number} is there twice: {a} and {b}"),
            Self::Forked { number, places: [a, b] } => {
                write!(f, "two different links bear the number {number}: {a} and {b}")
            }
            Self::OutOfOrder { number, lies_in } => {
                write!(f, "{lies_in}: link {number} does not follow upon the link {} that is there", number - 1)
            }
            Self::OtherEarlier { number, lies_in, earlier } => {
                write!(
                    f,
                    "{lies_in}: link {number} takes the place of another link {earlier} than the one that is there"
                )
            }
            Self::OtherKey { number, lies_in, key, expected } => write!(
                f,
                "{lies_in}: link {number} is signed by another key: {key}; the chain is signed by {expected}, which never \
                 handed over to it"
            ),
            Self::DeletedUnderHold { number, incident, held_by } => write!(
                f,
                "link {number}: the evidence of {incident} was deleted though it was held since link {held_by} and nobody \
                 had released it"
            ),
        }
    }
}

/// What is known of one number.
struct At<'a> {
    sha256: &'a str,
    previous: Option<&'a str>,
    known: Option<&'a Known>,
}

impl Judgement {
    /// Of a chain that grew beyond link `number` while it was read: what is missing behind that came past the reader.
    #[must_use]
    pub fn grown_since(mut self, number: u64) -> Self {
        self.problems.retain_mut(|problem| match problem {
            Problem::Missing { from, to } | Problem::CutOff { from, to } => {
                *to = number.min(*to);
                *from <= number
            }
            _ => true,
        });
        self
    }
}

/// Judges links. Without a head, what came before the first and after the last cannot be told.
pub fn judge(known: &[Known], head: Option<&Head>) -> Judgement {
    let mut by_number: BTreeMap<u64, At<'_>> = BTreeMap::new();
    let mut told = Judgement { links: known.len(), ..Judgement::default() };
    for link in known {
        let at = At { sha256: &link.sha256, previous: link.previous.as_deref(), known: Some(link) };
        let Some(first) = by_number.get(&link.number).and_then(|at| at.known) else {
            by_number.insert(link.number, at);
            continue;
        };
        let (number, places) = (link.number, [first.lies_in.clone(), link.lies_in.clone()]);
        let is_same = first.sha256 == link.sha256;
        told.problems.push(if is_same {
            Problem::Doubled { number, places }
        } else {
            Problem::Forked { number, places }
        });
    }
    for link in known {
        let What::Removal { seals, .. } = &link.what else { continue };
        for seal in seals {
            let at = At { sha256: &seal.sha256, previous: seal.previous.as_deref(), known: None };
            by_number.entry(seal.number).or_insert_with(|| {
                told.removed += 1;
                at
            });
        }
    }
    let (Some(first), Some(last)) = (by_number.keys().next().copied(), by_number.keys().last().copied()) else {
        if let Some(head) = head {
            told.problems.push(Problem::CutOff { from: 1, to: head.number });
        }
        return told;
    };
    told.span = Some((first, last));
    told.problems.extend(gaps(&by_number, head));
    told.problems.extend(breaks(&by_number, head));
    let (keys, others) = keys(&by_number);
    told.keys = keys;
    told.problems.extend(others);
    let (held, broken) = custody::held(&by_number);
    told.held = held;
    told.problems.extend(broken);
    told
}

fn gaps(by_number: &BTreeMap<u64, At<'_>>, head: Option<&Head>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut next = if head.is_some() { 1 } else { by_number.keys().next().copied().unwrap_or(1) };
    for &number in by_number.keys() {
        if number > next {
            problems.push(Problem::Missing { from: next, to: number - 1 });
        }
        next = number.saturating_add(1);
    }
    match head {
        Some(head) if head.number >= next => problems.push(Problem::CutOff { from: next, to: head.number }),
        Some(head) if head.number + 1 < next => {
            problems.push(Problem::HeadPutBack { head: head.number, last: next - 1 });
        }
        _ => {}
    }
    problems
}

fn breaks(by_number: &BTreeMap<u64, At<'_>>, head: Option<&Head>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (&number, at) in by_number {
        let Some(known) = at.known else { continue };
        let lies_in = known.lies_in.clone();
        if head.is_some_and(|head| head.number == number && head.sha256 != at.sha256) {
            problems.push(Problem::OtherHead { number, lies_in: lies_in.clone() });
        }
        if let What::Seal { supersedes: Some(Earlier { number: earlier, sha256 }) } = &known.what
            && by_number.get(earlier).is_some_and(|at| at.sha256 != sha256)
        {
            problems.push(Problem::OtherEarlier { number, lies_in, earlier: *earlier });
        }
    }
    let mut before: Option<(u64, &str)> = None;
    for (&number, at) in by_number {
        let follows = match before {
            Some((n, sha256)) if n + 1 == number => at.previous == Some(sha256),
            _ => (number == 1) == at.previous.is_none(),
        };
        if !follows {
            let lies_in = at.known.map_or_else(|| "a deleted bundle".to_owned(), |known| known.lies_in.clone());
            problems.push(Problem::OutOfOrder { number, lies_in });
        }
        before = Some((number, at.sha256));
    }
    problems
}

/// The keys in their order, and links that are signed by others.
fn keys(by_number: &BTreeMap<u64, At<'_>>) -> (Vec<PublicKey>, Vec<Problem>) {
    let (mut keys, mut problems) = (Vec::new(), Vec::new());
    for (&number, at) in by_number {
        let Some(known) = at.known else { continue };
        let expected = *keys.last().unwrap_or(&known.key);
        if keys.is_empty() {
            keys.push(known.key);
        }
        if known.key != expected {
            problems.push(Problem::OtherKey { number, lies_in: known.lies_in.clone(), key: known.key, expected });
        } else if let What::KeyChange(next) = known.what {
            keys.push(next);
        }
    }
    (keys, problems)
}

#[cfg(test)]
mod tests;
