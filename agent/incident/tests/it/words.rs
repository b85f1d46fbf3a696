//! What is said: places of the text that are filled in, and one of several texts for each incident.

use std::collections::BTreeSet;

use forewarn_domain::Sight::Violating;
use forewarn_domain::{About, AttributeId, Finding, Verdict};
use forewarn_incident::IncidentInput;

use crate::support::{PARKING, Stage, hit, policy, violation};

fn stage(text: &str, place: Option<&str>) -> Stage {
    let mut parking: toml::Table = toml::from_str(PARKING).unwrap();
    let text: toml::Table = toml::from_str(text).unwrap();
    parking["warning"].as_table_mut().unwrap().extend(text);
    let mut policy = policy(violation(&parking.to_string()), &["horn"]);
    policy.place = place.map(str::to_owned);
    Stage::new(policy)
}

fn plate(text: &str, verdict: Verdict) -> Finding {
    let about = About::Attribute(AttributeId::new("plate").unwrap());
    let text = Some(text.to_owned());
    let (confidence, votes, looks) = (0.9, 5, 5);
    Finding {
        about,
        verdict,
        unclear: None,
        confidence,
        votes,
        looks,
        first_at: None,
        last_at: None,
        text,
        best: None,
        fly_within_m: None,
    }
}

const ALL: &str = "text = { en = \"{plate}, leave {place}: {nth} warning, {count} of you, {seconds_left} s.\" }";

#[test]
fn a_text_is_filled_in_with_what_is_known_when_it_is_said() {
    let mut stage = stage(ALL, Some("the east gate"));
    stage.show(Violating, 1.0);
    let mut seen = hit(&stage.rule, 1, Violating, 1.5);
    seen.findings = vec![plate("A12345", Verdict::Yes)];
    stage.wait(0.5);
    stage.input(IncidentInput::Hit(seen));
    stage.show(Violating, 25.0);
    let said: Vec<&str> = stage.announced.iter().map(|announcement| announcement.text.text.as_str()).collect();
    assert_eq!(said[0], "your vehicle, leave the east gate: first warning, 1 of you, 20 s.");
    assert!(said[1].starts_with("A12345, leave the east gate: second warning"), "{said:?}");
    assert_eq!(stage.reports.last().unwrap().incident.said, None, "there is one text alone");
}

#[test]
fn the_zone_is_the_place_where_nobody_named_one() {
    let mut stage = stage("text = { en = \"Leave the {place}.\" }", None);
    stage.show(Violating, 1.0);
    assert_eq!(stage.announced[0].text.text, "Leave the kerb.");
}

#[test]
fn an_incident_says_one_of_several_texts_each_time_and_bears_its_name() {
    let two = "text = [{ name = \"kind\", en = \"Please go.\" }, { name = \"plain\", en = \"Go.\" }]";
    let mut names = BTreeSet::new();
    for begin in 0..16 {
        let mut stage = stage(two, None).starting_at(f64::from(begin) * 100.0);
        stage.show(Violating, 30.0);
        let said: BTreeSet<&str> = stage.announced.iter().map(|announcement| announcement.text.text.as_str()).collect();
        let name = stage.reports.last().unwrap().incident.said.clone().unwrap();
        assert!(stage.announced.len() > 1);
        assert_eq!(said, BTreeSet::from([if name == "kind" { "Please go." } else { "Go." }]));
        names.insert(name);
    }
    assert_eq!(names.len(), 2, "each text has its turn");
}
