//! Texts of warnings in which nothing of an incident is filled in, so that they can be said at any time.

use std::collections::BTreeSet;

use forewarn_domain::violation::{Text, Violation};
use forewarn_domain::{Prepared, SpeakerId};

use crate::{Camera, Rule};

/// What is ready to be said over a loudspeaker: the texts of warnings that it gives.
pub fn at_speaker(cameras: &[Camera], speaker: &SpeakerId) -> Vec<Prepared> {
    let warns = |camera: &Camera, rule: &Rule| camera.speakers.of(&rule.key.zone).contains(speaker);
    of_rules(cameras.iter().flat_map(|camera| camera.rules.iter().filter(move |rule| warns(camera, rule))))
}

/// Those of the warnings of some rules, each violation's once.
pub(crate) fn of_rules<'a>(rules: impl Iterator<Item = &'a Rule>) -> Vec<Prepared> {
    let mut known = BTreeSet::new();
    let violations = rules.map(|rule| &rule.violation);
    violations.filter(|violation| known.insert(violation.id.clone())).flat_map(of_violation).collect()
}

/// The texts of a violation's warning, but for those in which something of an incident would be filled in.
fn of_violation(violation: &Violation) -> Vec<Prepared> {
    let Some(warning) = &violation.warning else { return Vec::new() };
    let plain = |text: &Option<String>| text.clone().filter(|text| !text.contains('{'));
    let texts = warning.text.all().map(|text| Text { en: plain(&text.en), zh: plain(&text.zh) });
    texts
        .enumerate()
        .filter(|(n, text)| text.en.is_some() || text.zh.is_some() || (*n == 0 && warning.audio.is_some()))
        .map(|(n, text)| Prepared {
            id: if n == 0 { violation.id.to_string() } else { format!("{}.{}", violation.id, n + 1) },
            title: violation.title.clone(),
            text,
            sound: warning.audio.clone().filter(|_| n == 0),
        })
        .collect()
}
