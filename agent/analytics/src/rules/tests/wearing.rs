//! Closer looks: when they are asked for, what they tell, and what becomes of a subject that cannot be judged.

use expect_test::expect;
use forewarn_domain::{Answer, Reading, SeenHead, Unclear, Verdict};

use super::*;
use crate::{Tracker, TrackerConfig};

const BARE: &str = "{ all = [{ in_zone = {} }, { wearing = { item = \"dust_mask\", is = \"no\", min_votes = 4, spread_s = 1.5, confidence = 0.8 } }] }";

/// A person of 150 pixels, large enough for a look at the face.
fn worker(id: u64, at: f64, x: f32) -> Track {
    track(id, "person", at, [x - 30.0, 150.0, 60.0, 150.0])
}

fn answer(look: &Look, at: f64, answer: Answer) -> Reading {
    Reading {
        track: look.track,
        attribute: look.attribute.clone(),
        at: Timestamp::from_secs_f64(at),
        bbox: look.bbox,
        quality: 0.8,
        answer,
    }
}

/// Plays a scene whose looks are answered at once, and tells what became of each subject.
fn told(
    rules: &mut Rules,
    until_s: f64,
    scene: impl Fn(f64) -> Vec<Track>,
    says: impl Fn(f64, &Look) -> Answer,
) -> (String, Vec<(f64, Look)>, Vec<RuleHit>) {
    let mut spans: BTreeMap<SubjectId, Vec<(Sight, f64, f64)>> = BTreeMap::new();
    let (mut looked, mut last) = (Vec::new(), Vec::new());
    for at in frames(until_s) {
        let hits = rules.show(Timestamp::from_secs_f64(at), &scene(at), &UnknownCivilTime);
        for hit in &hits {
            let spans = spans.entry(hit.subject).or_default();
            match spans.last_mut() {
                Some(span) if span.0 == hit.sight => span.2 = at,
                _ => spans.push((hit.sight, at, at)),
            }
        }
        let looks = rules.take_looks();
        assert!(rules.take_looks().is_empty(), "each look is given out once");
        let readings: Vec<Reading> = looks.iter().map(|look| answer(look, at, says(at, look))).collect();
        rules.read(&readings);
        looked.extend(looks.into_iter().map(|look| (at, look)));
        last = hits;
    }
    let mut text = String::new();
    for (subject, spans) in spans {
        write!(text, "{subject}:").unwrap();
        for (sight, from, to) in spans {
            write!(text, " {from:.1}-{to:.1} {}", format!("{sight:?}").remove(0)).unwrap();
        }
        text.push('\n');
    }
    (text, looked, last)
}

#[test]
fn who_puts_the_mask_on_is_seen_to_comply_and_who_turns_away_is_not() {
    let scene = |at: f64| vec![worker(1, at, 250.0)];
    let complies = |at: f64, _: &Look| Answer::Probability(if at < 20.0 { 0.03 } else { 0.97 });
    let (story, looked, hits) = told(&mut rules(BARE, "yard"), 40.0, scene, complies);
    expect![[r#"
        1: 1.8-20.8 V 21.0-24.0 O 24.2-40.0 C
    "#]]
    .assert_eq(&story);
    assert_eq!((hits[0].findings.len(), hits[0].findings[0].verdict), (1, Verdict::Yes));
    assert!(looked.len() < 70, "{} looks in 40 s", looked.len());

    let turns = |at: f64, _: &Look| {
        if at < 20.0 { Answer::Probability(0.03) } else { Answer::CannotTell(Unclear::TurnedAway) }
    };
    let (story, _, hits) = told(&mut rules(BARE, "yard"), 60.0, scene, turns);
    expect![[r#"
        1: 1.8-29.2 V 29.4-60.0 O
    "#]]
    .assert_eq(&story);
    assert_eq!(hits[0].findings[0].unclear, Some(Unclear::TurnedAway));
}

#[test]
fn what_cannot_be_told_raises_nothing_however_it_is_asked() {
    let leaf = |is: &str| format!("{{ wearing = {{ item = \"hard_hat\", is = \"{is}\" }} }}");
    let night = "{ schedule = { from = \"22:00\", to = \"06:00\" } }";
    let (yes, no) = (leaf("yes"), leaf("no"));
    for condition in [
        yes.clone(),
        no.clone(),
        format!("{{ not = {yes} }}"),
        format!("{{ not = {no} }}"),
        format!("{{ all = [{no}, {night}] }}"),
        format!("{{ not = {{ any = [{yes}, {night}] }} }}"),
        format!("{{ not = {{ not = {{ all = [{{ in_zone = {{}} }}, {no}] }} }} }}"),
        format!("{{ any = [{yes}, {{ not = {{ in_zone = {{}} }} }}] }}"),
        format!("{{ count = {{ of = {no}, at_least = 1 }} }}"),
    ] {
        let scene = |at: f64| vec![worker(1, at, 250.0)];
        let blind = |_: f64, _: &Look| Answer::CannotTell(Unclear::TurnedAway);
        let (story, looked, _) = told(&mut rules(&condition, "yard"), 10.0, scene, blind);
        assert_eq!(story, "", "{condition}");
        assert!(!looked.is_empty(), "{condition}");
    }
    // Where the other part settles it, nothing need be told.
    let either = format!("{{ any = [{no}, {{ in_zone = {{}} }}] }}");
    let (story, ..) = told(
        &mut rules(&either, "yard"),
        2.0,
        |at| vec![worker(1, at, 250.0)],
        |_, _| Answer::CannotTell(Unclear::Blurred),
    );
    assert_eq!(story, "1: 0.0-2.0 V\n");
}

#[test]
fn looks_are_asked_for_only_where_they_can_help() {
    let n_looks = |scene: &dyn Fn(f64) -> Vec<Track>| {
        let blind = |_: f64, _: &Look| Answer::CannotTell(Unclear::TurnedAway);
        let (_, looked, _) = told(&mut rules(BARE, "yard"), 4.0, scene, blind);
        looked.iter().filter(|(_, look)| look.track == TrackId(1)).count()
    };
    assert!(n_looks(&|at| vec![worker(1, at, 250.0)]) >= 4);
    let outside = |at| vec![worker(1, at, 500.0)];
    let small = |at| vec![track(1, "person", at, [200.0, 200.0, 25.0, 60.0])];
    let cut = |at| vec![track(1, "person", at, [120.0, 0.0, 80.0, 300.0])];
    let dog = |at| vec![track(1, "dog", at, [200.0, 150.0, 60.0, 150.0])];
    let behind = |at| vec![worker(1, at, 250.0), track(2, "person", at, [230.0, 160.0, 60.0, 200.0])];
    let lost = |at| vec![Track { state: TrackState::Lost, ..worker(1, at, 250.0) }];
    let scenes: [&dyn Fn(f64) -> Vec<Track>; 6] = [&outside, &small, &cut, &dog, &behind, &lost];
    for (i, scene) in scenes.into_iter().enumerate() {
        assert_eq!(n_looks(scene), 0, "scene {i}");
    }
    // A van behind the person hides nothing.
    let van = |at| vec![worker(1, at, 250.0), track(2, "truck", at, [180.0, 80.0, 200.0, 200.0])];
    assert!(n_looks(&van) >= 4);
}

#[test]
fn a_plate_is_looked_for_on_a_vehicle_that_the_edge_cuts_off() {
    let condition = "{ all = [{ in_zone = {} }, { wearing = { item = \"plate\", is = \"yes\" } }] }";
    let cut = |at| vec![track(1, "truck", at, [0.0, 150.0, 260.0, 120.0])];
    let blind = |_: f64, _: &Look| Answer::CannotTell(Unclear::PartNotFound);
    let (_, looked, _) = told(&mut rules(condition, "yard"), 4.0, cut, blind);
    assert!(looked.len() >= 4, "{}", looked.len());
}

#[test]
fn open_and_undecided_subjects_come_first_and_fruitless_looks_become_rare() {
    let scene = |at: f64| vec![worker(1, at, 150.0), worker(2, at, 250.0), worker(3, at, 350.0)];
    // The first is bare, the second is masked, of the third nothing can be told.
    let says = |_: f64, look: &Look| match look.track.0 {
        1 => Answer::Probability(0.03),
        2 => Answer::Probability(0.97),
        _ => Answer::CannotTell(Unclear::Blurred),
    };
    let (story, looked, _) = told(&mut rules(BARE, "yard"), 60.0, scene, says);
    assert_eq!(story.lines().count(), 1, "{story}");
    let late: Vec<u64> = looked.iter().filter(|(at, _)| *at > 30.0).map(|(_, look)| look.track.0).collect();
    let count = |id: u64| late.iter().filter(|track| **track == id).count();
    assert!(count(1) > 3 * count(2), "{} {}", count(1), count(2));
    assert!((5..=10).contains(&count(2)) && (5..=10).contains(&count(3)), "{} {}", count(2), count(3));
}

#[test]
fn what_was_told_outlives_a_change_of_track() {
    // The track changes every 0.9 s, too soon for four looks at any one of them.
    let scene = |at: f64| vec![worker(1 + (at / 0.9) as u64, at, 150.0 + 20.0 * at as f32)];
    let (story, ..) = told(&mut rules(BARE, "yard"), 6.0, scene, |_, _| Answer::Probability(0.03));
    assert_eq!(story.lines().count(), 1, "{story}");
}

#[test]
fn readings_of_unknown_tracks_and_attributes_are_counted() {
    let mut rules = rules(BARE, "yard");
    rules.show(Timestamp::ZERO, &[worker(1, 0.0, 250.0)], &UnknownCivilTime);
    let look = rules.take_looks().remove(0);
    let reading = answer(&look, 0.0, Answer::Probability(0.5));
    let unknown = Reading { track: TrackId(9), ..reading.clone() };
    let unasked = Reading { attribute: AttributeId::new("hard_hat").unwrap(), ..reading.clone() };
    rules.read(&[reading, unknown, unasked]);
    assert_eq!(rules.reading_counts(), ReadingCounts { taken: 1, unknown_track: 1, unasked: 1 });
}

#[test]
fn a_crew_without_hats_is_counted_only_as_far_as_it_is_seen() {
    let condition = "{ count = { of = { wearing = { item = \"hard_hat\", is = \"no\" } }, at_least = 2 } }";
    let scene = |at: f64| vec![worker(1, at, 150.0), worker(2, at, 250.0), worker(3, at, 350.0)];
    let says = |at: f64, look: &Look| match look.track.0 {
        1 => Answer::Probability(0.03),
        2 if at < 10.0 => Answer::Probability(0.03),
        2 => Answer::CannotTell(Unclear::TurnedAway),
        _ => Answer::Probability(0.97),
    };
    let (story, ..) = told(&mut rules(condition, "yard"), 30.0, scene, says);
    expect![[r#"
        1: 1.4-13.0 V 13.2-30.0 O
    "#]]
    .assert_eq(&story);
}

#[test]
fn a_plate_is_read_for_the_record() {
    let mut violation = violation("{ stationary = { for_s = 6 } }");
    violation.evidence.attributes = vec![AttributeId::new("plate").unwrap()];
    let mut rules = Rules::new(vec![CompiledRule::compile(&violation, &binding("yard")).unwrap()]);
    let scene = |at: f64| vec![track(1, "car", at, [150.0, 150.0, 220.0, 160.0])];
    // One look in four misreads a digit as a letter that no plate has.
    let says = |at: f64, _: &Look| {
        let text = if ((at * FPS).round() as u32).is_multiple_of(8) { "苏A1234O" } else { "苏A12340" };
        Answer::Text { text: text.to_owned(), confidence: 0.95 }
    };
    let (story, looked, hits) = told(&mut rules, 20.0, scene, says);
    assert_eq!(story, "1: 6.0-20.0 V\n");
    let finding = &hits[0].findings[0];
    assert_eq!((finding.verdict, finding.text.as_deref()), (Verdict::Yes, Some("苏A12340")));
    assert!(finding.best.is_some() && finding.confidence >= 0.8 && finding.votes >= 4, "{finding:?}");
    assert!(looked[0].0 >= 2.8, "no looks before half of the time is over");
    assert!(looked.len() < 20, "{} looks at a plate that is known", looked.len());
}

#[test]
fn attributes_that_no_model_tells_are_refused_in_conditions_and_left_out_of_evidence() {
    let known = ["dust_mask", "plate"].map(|name| AttributeId::new(name).unwrap()).to_vec();
    let bound = RuleBinding { attributes: Some(known), ..binding("yard") };
    let compile = |condition: &str| CompiledRule::compile(&violation(condition), &bound);
    assert!(compile(BARE).is_ok());
    let error = compile("{ wearing = { item = \"dust_masc\", is = \"no\" } }").unwrap_err();
    expect![[r#"condition.wearing.item: no model of the site tells dust_masc; did you mean dust_mask?; name one that does in the site file, or leave the rule out"#]]
        .assert_eq(&format!("{}: {}", error.place, error.problem));
    let mut only_record = violation("{ in_zone = {} }");
    only_record.evidence.attributes = vec![AttributeId::new("logo").unwrap()];
    let mut rules = Rules::new(vec![CompiledRule::compile(&only_record, &bound).unwrap()]);
    rules.show(Timestamp::ZERO, &[worker(1, 0.0, 250.0)], &UnknownCivilTime);
    assert!(rules.take_looks().is_empty());
}

#[test]
fn a_van_is_one_class_for_the_rules_whatever_the_detector_calls_it() {
    let mut tracker = Tracker::new(TrackerConfig::default());
    let mut rules = rules("{ in_zone = {} }", "yard");
    let (mut of_tracks, mut of_hits) = (Vec::new(), Vec::new());
    for n in 0..300_u32 {
        let at = Timestamp::from_secs_f64(f64::from(n) / FPS);
        let names = [("car", 0.62), ("truck", 0.6), ("car", 0.55), ("bus", 0.6), ("truck", 0.5)];
        // The track is lost now and then, and a new one begins with a fresh vote and another name.
        let (name, score) = names[((n + n / 50) % 5) as usize];
        let bbox = BBox::new(200.0, 200.0, 300.0, 270.0);
        let detection = forewarn_domain::Detection { class: Class::new(name), score, bbox };
        let detections = if n % 50 > 30 { vec![] } else { vec![detection] };
        let tracks = tracker.update(at, SIZE, &detections).to_vec();
        let hits = rules.show(at, &tracks, &UnknownCivilTime);
        of_tracks.extend(tracks.into_iter().map(|track| track.class.to_string()));
        of_hits.extend(hits.into_iter().map(|hit| hit.class.to_string()));
    }
    of_tracks.dedup();
    of_hits.dedup();
    assert!(of_tracks.len() > 2, "the tracks change their name: {of_tracks:?}");
    assert_eq!(of_hits, ["car"]);
}

#[test]
fn who_is_small_in_the_picture_is_looked_at_where_closer_looks_see_a_larger_one() {
    let mut rules = rules(BARE, "yard");
    let looks_at = |rules: &mut Rules, at: f64| {
        rules.show(
            Timestamp::from_secs_f64(at),
            &[track(1, "person", at, [200.0, 200.0, 20.0, 45.0])],
            &UnknownCivilTime,
        );
        rules.take_looks().len()
    };
    assert_eq!((0..20).map(|n| looks_at(&mut rules, f64::from(n) * 0.2)).sum::<usize>(), 0, "a mask needs 100 pixels");
    rules.set_zoom(3.0);
    assert_eq!(looks_at(&mut rules, 4.0), 1);
    rules.set_zoom(1.0);
    assert_eq!((21..40).map(|n| looks_at(&mut rules, f64::from(n) * 0.2)).sum::<usize>(), 0, "the main stream is away");
}

#[test]
fn whose_head_was_found_is_looked_at_by_the_size_of_the_head_and_though_others_stand_around() {
    let mut rules = rules("{ wearing = { item = \"hard_hat\", is = \"no\" } }", "yard");
    let mut looks_with = |head: Option<BBox>, at: f64| {
        let heads =
            head.map(|bbox| (TrackId(1), SeenHead { bbox, class: Class::new("head"), score: 0.8, is_doubtful: false }));
        rules.set_heads(heads.clone().into_iter().collect());
        let people =
            [track(1, "person", at, [200.0, 200.0, 20.0, 45.0]), track(2, "person", at, [195.0, 201.0, 30.0, 50.0])];
        rules.show(Timestamp::from_secs_f64(at), &people, &UnknownCivilTime);
        let looks = rules.take_looks();
        assert!(looks.iter().all(|look| look.head == heads.clone().map(|(_, head)| head)), "{looks:?}");
        looks.len()
    };
    let head = |side: f32| Some(BBox::new(204.0, 201.0, 204.0 + side, 201.0 + side));
    assert_eq!((0..10).map(|n| looks_with(None, f64::from(n) * 0.5)).sum::<usize>(), 0);
    assert_eq!((10..20).map(|n| looks_with(head(8.0), f64::from(n) * 0.5)).sum::<usize>(), 0);
    assert!((20..30).map(|n| looks_with(head(12.0), f64::from(n) * 0.5)).sum::<usize>() > 3);
}
