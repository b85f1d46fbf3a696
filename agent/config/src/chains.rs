//! Which loudspeakers warn whom: those of the camera, and those of a zone that has its own.

use std::collections::BTreeMap;

use forewarn_domain::{SpeakerId, ZoneId};
use toml::Spanned;

use crate::check::Check;
use crate::zone::RawZone;

/// The loudspeakers of a camera and its zones, each list in the order in which they are tried.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chains {
    /// Those of the camera.
    pub usual: Vec<SpeakerId>,
    /// Those of the zones that have their own, which may be none.
    pub zones: BTreeMap<ZoneId, Vec<SpeakerId>>,
    /// Whether the camera names its own, be it with an empty list.
    is_given: bool,
}

impl Chains {
    /// The loudspeakers of a zone.
    pub fn of(&self, zone: &ZoneId) -> &[SpeakerId] {
        self.zones.get(zone).unwrap_or(&self.usual)
    }

    /// Whether it was written down whom a zone has, be it nobody.
    pub(crate) fn is_meant(&self, zone: &ZoneId) -> bool {
        self.is_given || self.zones.contains_key(zone)
    }

    /// All that are named, each once.
    pub fn all(&self) -> Vec<&SpeakerId> {
        let mut all: Vec<&SpeakerId> = Vec::new();
        for id in self.usual.iter().chain(self.zones.values().flatten()) {
            if !all.contains(&id) {
                all.push(id);
            }
        }
        all
    }

    /// Checks what a camera and its zones name of the `known` ones.
    pub(crate) fn check(
        usual: Option<&[Spanned<SpeakerId>]>,
        zones: &[RawZone],
        check: &mut Check<'_>,
        known: &[SpeakerId],
    ) -> Self {
        let is_given = usual.is_some();
        let usual = chain(usual.unwrap_or_default(), check, known);
        let own = |zone: &RawZone| {
            let chain = chain(zone.speakers.as_ref()?, check, known);
            Some((zone.id.get_ref().clone(), chain))
        };
        Self { usual, zones: zones.iter().filter_map(own).collect(), is_given }
    }
}

fn chain(raw: &[Spanned<SpeakerId>], check: &mut Check<'_>, known: &[SpeakerId]) -> Vec<SpeakerId> {
    for (i, speaker) in raw.iter().enumerate() {
        if raw[..i].iter().any(|before| before.get_ref() == speaker.get_ref()) {
            let problem = format!("`{}` stands there twice, and is its own fall-back", speaker.get_ref());
            check.doubt(speaker.span(), problem, "name each loudspeaker once");
        }
        let name = speaker.get_ref().as_str();
        let names = known.iter().map(SpeakerId::as_str);
        let problem = format!("there is no speaker `{name}`");
        check.named(speaker.span(), name, names, problem, "add a `[[speaker]]` of that id");
    }
    raw.iter().map(|speaker| speaker.get_ref().clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doubts::doubts;
    use crate::resolve;
    use crate::source::Source;

    /// Two horns at two kerbs of one picture.
    const SITE: &str = r#"
[site]
id = "north"
[[speaker]]
id = "east"
kind = "local"
[[speaker]]
id = "west"
kind = "local"
[[speaker]]
id = "hall"
kind = "local"
[[camera]]
id = "gate"
url = "rtsp://cam/1"
speakers = ["hall"]
[[camera.zone]]
id = "east-kerb"
polygon = [[0, 0], [0.4, 0], [0.4, 1]]
speakers = ["east", "hall"]
[[camera.zone]]
id = "west-kerb"
polygon = [[0.6, 0], [1, 0], [1, 1]]
speakers = ["west"]
[[camera.zone]]
id = "ward"
polygon = [[0.4, 0], [0.6, 0], [0.6, 1]]
speakers = []
"#;

    fn rules(zones: &[&str]) -> String {
        let rule = |zone: &&str| format!("[[camera.rule]]\nviolation = \"loitering\"\nzone = \"{zone}\"\n");
        SITE.to_owned() + &zones.iter().map(rule).collect::<String>()
    }

    fn read(text: &str) -> crate::Site {
        resolve(&Source::new("site.toml", text)).unwrap_or_else(|errors| panic!("{errors}"))
    }

    #[test]
    fn each_zone_has_its_loudspeakers_and_the_others_have_those_of_the_camera() {
        let site = read(&rules(&["east-kerb", "west-kerb", "ward", "whole"]));
        let policies = site.engine_setup().policies;
        let of = |zone: &str| {
            let (_, policy) = policies.iter().find(|(key, _)| key.zone.as_str() == zone).unwrap();
            policy.speakers.iter().map(SpeakerId::as_str).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(["east-kerb", "west-kerb", "ward", "whole"].map(of), ["east hall", "west", "", "hall"]);
        let all: Vec<_> = site.cameras[0].speakers.all().into_iter().map(SpeakerId::as_str).collect();
        assert_eq!(all, ["hall", "east", "west"]);
    }

    #[test]
    fn a_zone_that_nobody_gave_a_loudspeaker_is_told_and_a_name_that_is_none_refused() {
        let unheard = |text: &str| {
            let told = doubts(&read(text), |_| None);
            told.iter().any(|doubt| doubt.problem.contains("has no speaker, so nobody is warned"))
        };
        let of_camera = |list: &str| rules(&["whole"]).replace("speakers = [\"hall\"]\n", list);
        assert!(!unheard(&rules(&["east-kerb", "west-kerb", "whole"])));
        assert!(!unheard(&rules(&["ward"])), "it is written there that nobody is warned");
        assert!(unheard(&of_camera("")) && !unheard(&of_camera("speakers = []\n")));
        let text = rules(&["west-kerb"]).replace("[\"west\"]", "[\"wets\"]");
        let told = resolve(&Source::new("site.toml", text.as_str())).unwrap_err().to_string();
        assert!(told.contains("there is no speaker `wets`") && told.contains("`west`"), "{told}");
    }
}
