//! Each way to tamper with a chain is found and told in its own words.

use proptest::prelude::*;

use super::*;
use crate::key::DeviceKey;

fn sha(number: u64) -> String {
    format!("{number:064x}")
}

fn link(key: PublicKey, number: u64) -> Known {
    let previous = (number > 1).then(|| sha(number - 1));
    let lies_in = format!("bundle-{number}");
    Known { lies_in, number, previous, sha256: sha(number), key, what: What::Seal { supersedes: None } }
}

fn key() -> PublicKey {
    DeviceKey::generate().unwrap().public()
}

fn head(number: u64) -> Head {
    Head { number, sha256: sha(number) }
}

fn told(known: &[Known], head: Option<&Head>) -> Vec<String> {
    judge(known, head).problems.iter().map(ToString::to_string).collect()
}

fn chain(key: PublicKey, n: u64) -> Vec<Known> {
    (1..=n).map(|number| link(key, number)).collect()
}

#[test]
fn a_whole_chain_holds_with_deletions_and_a_change_of_key() {
    let (old, new) = (key(), key());
    let mut links = chain(old, 7);
    links[5].what = What::KeyChange(new);
    links[6].key = new;
    links[4].what = What::Seal { supersedes: Some(Earlier { number: 3, sha256: sha(3) }) };
    let removed = |number| Removed { number, sha256: sha(number), previous: (number > 1).then(|| sha(number - 1)) };
    links[6].what = What::Removal { incident: "a".to_owned(), seals: vec![removed(1), removed(2)] };
    let left = &links[2..];
    let judgement = judge(left, Some(&head(7)));
    assert_eq!(judgement.problems, []);
    assert_eq!((judgement.span, judgement.removed, judgement.keys), (Some((1, 7)), 2, vec![old, new]));
    assert_eq!(told(&links[2..5], None), [""; 0], "a part of a chain holds by itself");
    assert_eq!(judge(&[], None), Judgement::default());
}

#[test]
fn what_is_taken_away_is_missed() {
    let mut links = chain(key(), 6);
    links.remove(3);
    assert!(told(&links, Some(&head(6)))[0].starts_with("link 4 is missing: what was sealed there was taken away"));
    links.remove(2);
    assert!(told(&links, None)[0].starts_with("links 3 to 4 are missing"));
    let cut = "the end of the chain is cut off: links 5 to 6 are missing, the chain's head is 6";
    assert_eq!(told(&chain(key(), 4), Some(&head(6))), [cut]);
    assert!(told(&chain(key(), 3)[1..], Some(&head(3)))[0].starts_with("link 1 is missing"));
    assert_eq!(told(&[], Some(&head(2))).len(), 1);
}

#[test]
fn what_is_put_elsewhere_doubled_or_replaced_is_told() {
    let (ours, theirs) = (key(), key());
    let links = chain(ours, 4);
    let mut doubled = links.clone();
    doubled.push(Known { lies_in: "copy".to_owned(), ..links[1].clone() });
    assert_eq!(told(&doubled, Some(&head(4))), ["link 2 is there twice: bundle-2 and copy"]);
    let mut forked = links.clone();
    forked.push(Known { lies_in: "copy".to_owned(), sha256: sha(9), ..links[1].clone() });
    assert_eq!(told(&forked, Some(&head(4))), ["two different links bear the number 2: bundle-2 and copy"]);
    // Only who has the key could bear other numbers, and even then the hashes do not fit.
    let mut reordered = links.clone();
    (reordered[1].number, reordered[2].number) = (3, 2);
    let words = told(&reordered, Some(&head(4)));
    assert!(words.contains(&"bundle-3: link 2 does not follow upon the link 1 that is there".to_owned()), "{words:?}");
    let mut resigned = links.clone();
    (resigned[2].key, resigned[2].sha256) = (theirs, sha(33));
    let words = told(&resigned, Some(&head(4)));
    assert!(words[0].starts_with("bundle-4: link 4 does not follow"), "{words:?}");
    assert!(words[1].starts_with(&format!("bundle-3: link 3 is signed by another key: {theirs}")), "{words:?}");
    let mut last = links.clone();
    last[3].sha256 = sha(44);
    assert_eq!(told(&last, Some(&head(4))), ["bundle-4: link 4 is not the one that the chain's head names"]);
    assert_eq!(told(&links, Some(&head(2))), ["the chain's head was put back: it says 2, and link 4 is there"]);
    let mut earlier = links;
    earlier[3].what = What::Seal { supersedes: Some(Earlier { number: 2, sha256: sha(22) }) };
    assert!(told(&earlier, Some(&head(4)))[0].contains("takes the place of another link 2"));
}

proptest! {
    #[test]
    fn whatever_is_taken_out_of_a_chain_is_named(n in 1u64..30, out in prop::collection::btree_set(1u64..30, 1..10)) {
        let all = chain(key(), n);
        let left: Vec<Known> = all.iter().filter(|link| !out.contains(&link.number)).cloned().collect();
        let gone: Vec<u64> = (1..=n).filter(|number| out.contains(number)).collect();
        let mut named = Vec::new();
        for problem in judge(&left, Some(&head(n))).problems {
            match problem {
                Problem::Missing { from, to } | Problem::CutOff { from, to } => named.extend(from..=to),
                other => prop_assert!(false, "{other}"),
            }
        }
        prop_assert_eq!(named, gone);
    }
}

#[test]
fn what_was_held_and_is_deleted_all_the_same_is_told() {
    let mut links = chain(key(), 5);
    let of = |what: &dyn Fn(String) -> What| what("a".to_owned());
    links[1].what = of(&What::Hold);
    links[2].what = What::Hold("b".to_owned());
    assert_eq!(judge(&links, None).held, ["a", "b"]);
    links[4].what = What::Removal { incident: "a".to_owned(), seals: Vec::new() };
    let broken = "link 5: the evidence of a was deleted though it was held since link 2 and nobody had released it";
    assert_eq!(told(&links, None), [broken]);
    links[3].what = of(&What::Release);
    let judgement = judge(&links, None);
    assert_eq!((judgement.problems, judgement.held), (Vec::new(), vec!["b".to_owned()]));
}

#[test]
fn what_a_growing_chain_got_past_its_reader_is_not_missed_and_what_was_taken_away_is() {
    let mut links = chain(key(), 9);
    // Read while the head went from 5 to 9: links 6 and 7 came into folders that had been read by then.
    links.drain(5..7);
    let read = |links: &[Known]| judge(links, Some(&head(9))).grown_since(5).problems;
    assert_eq!(read(&links), []);
    assert_eq!(read(&links[..5]), [], "all that came did so past the reader");
    assert_eq!(read(&links[..4]), [Problem::CutOff { from: 5, to: 5 }]);
    links.remove(2);
    assert_eq!(read(&links), [Problem::Missing { from: 3, to: 3 }]);
}
