//! What votes say together.

use forewarn_domain::{Answer, TrackId};
use proptest::prelude::*;

use super::*;

fn attribute() -> AttributeId {
    AttributeId::new("dust_mask").unwrap()
}

fn secs(at: f64) -> Timestamp {
    Timestamp::from_secs_f64(at)
}

fn reading(at: f64, quality: f32, answer: Answer) -> Reading {
    let bbox = BBox::new(at as f32, 0.0, at as f32 + 20.0, 20.0);
    Reading { track: TrackId(1), attribute: attribute(), at: secs(at), bbox, quality, answer }
}

fn votes(looks: &[(f64, f32)]) -> Votes {
    let mut votes = Votes::default();
    for (at, p) in looks {
        votes.add(&reading(*at, 0.8, Answer::Probability(*p)));
    }
    votes
}

const STANDARD: Standard = Standard { min_votes: 4, spread_us: 1_500_000, confidence: 0.8 };

fn told(votes: &Votes, now: f64) -> (Verdict, Option<Unclear>) {
    let finding = votes.finding(&attribute(), &STANDARD, secs(now));
    (finding.verdict, finding.unclear)
}

/// Looks twice a second from `from` until `to`, each with the probability `p`.
fn looks(from: f64, to: f64, p: f32) -> Vec<(f64, f32)> {
    let n_looks = ((to - from) / 0.5).ceil() as u32;
    (0..n_looks).map(|n| (from + 0.5 * f64::from(n), p)).collect()
}

#[test]
fn it_takes_enough_votes_over_enough_time() {
    let cannot = |reason| (Verdict::CannotTell, Some(reason));
    assert_eq!(told(&Votes::default(), 0.0), cannot(Unclear::NotLooked));
    assert_eq!(told(&votes(&looks(0.0, 1.5, 0.02)), 1.0), cannot(Unclear::TooFewVotes));
    assert_eq!(told(&votes(&looks(0.0, 2.0, 0.02)), 1.5), (Verdict::No, None));
    assert_eq!(told(&votes(&looks(0.0, 2.0, 0.98)), 1.5), (Verdict::Yes, None));
    // Thirty looks at one moment are one look.
    let burst: Vec<_> = (0..30).map(|n| (f64::from(n) * 0.01, 0.01)).collect();
    assert_eq!(told(&votes(&burst), 0.3), cannot(Unclear::TooFewVotes));
    // Nor do unsure looks become sure by their number alone while they are few.
    assert_eq!(told(&votes(&looks(0.0, 1.0, 0.38)), 1.0), cannot(Unclear::Undecided));
}

#[test]
fn contradictory_good_looks_cannot_tell() {
    let mixed =
        looks(0.0, 6.0, 0.02).into_iter().enumerate().map(|(i, (at, p))| (at, if i % 2 == 0 { p } else { 1.0 - p }));
    let mixed: Vec<_> = mixed.collect();
    assert_eq!(told(&votes(&mixed), 5.5), (Verdict::CannotTell, Some(Unclear::Contradictory)));
    // One slip of the model in a row of agreeing looks changes nothing.
    let mut slip = looks(0.0, 6.0, 0.02);
    slip[6].1 = 0.95;
    assert_eq!(told(&votes(&slip), 5.5).0, Verdict::No);
}

#[test]
fn a_verdict_flips_within_seconds_of_fresh_looks_and_fades_without_them() {
    let mut all = looks(0.0, 60.0, 0.02);
    all.extend(looks(60.0, 75.0, 0.98));
    let mut flipped_at = None;
    for (n, _) in all.iter().enumerate() {
        let (verdict, at) = (told(&votes(&all[..=n]), all[n].0).0, all[n].0);
        assert!(at >= 60.0 || n < 4 || verdict == Verdict::No, "{at}");
        if verdict == Verdict::Yes {
            flipped_at.get_or_insert(at);
        }
    }
    let flipped_at = flipped_at.unwrap();
    assert!((62.0..67.0).contains(&flipped_at), "{flipped_at}");
    let seen = votes(&looks(0.0, 4.0, 0.02));
    assert_eq!((told(&seen, 6.0).0, told(&seen, 40.0).0), (Verdict::No, Verdict::CannotTell));
}

#[test]
fn the_reason_is_what_the_looks_met_with_most() {
    let mut turned = votes(&looks(0.0, 2.0, 0.02));
    for n in 0..30 {
        let reason = if n % 3 == 0 { Unclear::Blurred } else { Unclear::TurnedAway };
        turned.add(&reading(2.0 + 0.5 * f64::from(n), 0.3, Answer::CannotTell(reason)));
    }
    assert_eq!(told(&turned, 17.0), (Verdict::CannotTell, Some(Unclear::TurnedAway)));
    let finding = turned.finding(&attribute(), &STANDARD, secs(17.0));
    assert_eq!((finding.votes, finding.looks, turned.fruitless()), (4, 34, 30));
}

#[test]
fn the_best_crop_is_the_best_of_the_verdict() {
    let mut votes = Votes::default();
    for (at, quality, p) in [(0.0, 0.5, 0.01), (0.6, 0.9, 0.01), (1.2, 1.0, 0.7), (1.8, 0.7, 0.01), (2.4, 0.9, 0.01)] {
        votes.add(&reading(at, quality, Answer::Probability(p)));
    }
    let best = votes.finding(&attribute(), &STANDARD, secs(2.4)).best.unwrap();
    assert_eq!((best.at, best.quality), (secs(0.6), 0.9));
}

#[test]
fn nonsense_counts_as_a_model_that_failed() {
    let mut votes = Votes::default();
    for (quality, p) in [(f32::NAN, 0.5), (0.5, f32::NAN), (2.0, 0.1), (0.5, -1.0)] {
        votes.add(&reading(0.0, quality, Answer::Probability(p)));
    }
    assert_eq!(told(&votes, 0.0), (Verdict::CannotTell, Some(Unclear::ModelFailed)));
}

fn read(texts: &[(f64, &str, f32)]) -> Finding {
    let mut votes = Votes::default();
    for (at, text, confidence) in texts {
        votes.add(&reading(*at, 0.9, Answer::Text { text: (*text).to_owned(), confidence: *confidence }));
    }
    votes.finding(&attribute(), &Standard { confidence: 0.7, ..Standard::default() }, secs(60.0))
}

#[test]
fn the_text_that_is_told_was_really_read() {
    let clear =
        read(&[(0.0, "苏A12345", 0.95), (0.5, "苏A12345", 0.9), (1.0, "苏A12345", 0.95), (1.5, "苏A12345", 0.9)]);
    assert_eq!((clear.text.as_deref(), clear.verdict, clear.votes), (Some("苏A12345"), Verdict::Yes, 4));
    let few = read(&[(0.0, "苏A12345", 0.95)]);
    assert_eq!((few.text.as_deref(), few.unclear), (Some("苏A12345"), Some(Unclear::TooFewVotes)));
    assert!(few.confidence < clear.confidence);
    // Each place has a majority, and no reading has all of them: the nearest reading is told, with little confidence.
    let torn = read(&[(0.0, "XBC", 0.9), (0.5, "AXC", 0.9), (1.0, "ABX", 0.9), (1.5, "XBC", 0.9), (2.0, "XBC", 0.9)]);
    assert_eq!((torn.text.as_deref(), torn.unclear), (Some("XBC"), Some(Unclear::Contradictory)));
    // What is never read surely is not told, however often it is read.
    let unsure: Vec<_> = (0..40).map(|n| (f64::from(n) * 0.5, "苏A12345", 0.6)).collect();
    assert_eq!(read(&unsure).unclear, Some(Unclear::Undecided));
    // A reading with one character more or less is outvoted.
    let cut = read(&[(0.0, "A12345", 0.4), (0.5, "苏A12345", 0.9), (1.0, "苏A12345", 0.9), (1.5, "苏A12345", 0.9)]);
    assert_eq!(cut.text.as_deref(), Some("苏A12345"));
}

fn any_answer() -> impl Strategy<Value = Answer> {
    let reasons = [Unclear::Blurred, Unclear::TurnedAway, Unclear::TooSmall, Unclear::Undecided];
    prop_oneof![
        4 => (0f32..=1.0).prop_map(Answer::Probability),
        1 => prop::sample::select(reasons.to_vec()).prop_map(Answer::CannotTell),
        1 => (prop::sample::select(vec!["苏A12345", "苏A12346", "A12345"]), 0f32..=1.0)
            .prop_map(|(text, confidence)| Answer::Text { text: text.to_owned(), confidence }),
    ]
}

fn any_readings() -> impl Strategy<Value = Vec<Reading>> {
    prop::collection::vec((0u32..200, 0f32..=1.0, any_answer()), 0..50).prop_map(|looks| {
        looks.into_iter().map(|(tick, quality, answer)| reading(f64::from(tick) * 0.1, quality, answer)).collect()
    })
}

fn of(readings: &[Reading]) -> Votes {
    let mut votes = Votes::default();
    for reading in readings {
        votes.add(reading);
    }
    votes
}

proptest! {
    #[test]
    fn the_order_of_looks_does_not_matter(readings in any_readings(), seed in any::<u64>()) {
        let mut shuffled: Vec<(u64, &Reading)> = readings
            .iter()
            .enumerate()
            .map(|(i, r)| (seed.wrapping_mul(6_364_136_223_846_793_005).rotate_left(i as u32 * 7) ^ i as u64, r))
            .collect();
        shuffled.sort_by_key(|(key, _)| *key);
        let shuffled: Vec<Reading> = shuffled.into_iter().map(|(_, reading)| reading.clone()).collect();
        let finding = |readings: &[Reading]| of(readings).finding(&attribute(), &STANDARD, secs(20.0));
        prop_assert_eq!(finding(&readings), finding(&shuffled));
        let (left, right) = readings.split_at(readings.len() / 2);
        let mut merged = of(left);
        merged.merge(of(right));
        prop_assert_eq!(finding(&readings), merged.finding(&attribute(), &STANDARD, secs(20.0)));
    }

    #[test]
    fn a_fresh_look_never_moves_the_verdict_the_other_way(
        readings in any_readings(),
        p in 0f32..0.5,
        quality in 0f32..=1.0,
    ) {
        let readings: Vec<Reading> = readings.into_iter().filter(|r| !matches!(r.answer, Answer::Text { .. })).collect();
        let before = of(&readings).finding(&attribute(), &STANDARD, secs(21.0));
        let mut more = of(&readings);
        more.add(&reading(21.0, quality, Answer::Probability(p)));
        let after = more.finding(&attribute(), &STANDARD, secs(21.0));
        prop_assert!(before.verdict == Verdict::Yes || after.verdict != Verdict::Yes, "{:?} {:?}", before, after);
        prop_assert!(before.verdict != Verdict::No || after.verdict == Verdict::No, "{:?} {:?}", before, after);
    }

    #[test]
    fn looks_that_cannot_tell_tell_nothing(readings in any_readings(), n in 0u32..40) {
        let before = of(&readings).finding(&attribute(), &STANDARD, secs(20.0));
        let mut more = of(&readings);
        for i in 0..n {
            more.add(&reading(20.0 + f64::from(i) * 0.001, 1.0, Answer::CannotTell(Unclear::TurnedAway)));
        }
        let after = more.finding(&attribute(), &STANDARD, secs(20.0));
        prop_assert_eq!((before.verdict, before.confidence, before.text), (after.verdict, after.confidence, after.text));
    }

    #[test]
    fn findings_are_sound(readings in any_readings(), now in 0f64..90.0) {
        let finding = of(&readings).finding(&attribute(), &STANDARD, secs(now));
        prop_assert!((0.0..=1.0).contains(&finding.confidence));
        prop_assert_eq!(finding.unclear.is_none(), finding.verdict != Verdict::CannotTell);
        prop_assert!(finding.votes <= finding.looks);
        let was_read = |text: &String| {
            readings.iter().any(|r| matches!(&r.answer, Answer::Text { text: read, .. } if read == text))
        };
        prop_assert!(finding.text.as_ref().is_none_or(was_read));
    }
}
