//! The loudspeakers over which Home Assistant may speak: what it finds of them, and what it asks for.
//!
//! Source: <https://www.home-assistant.io/integrations/notify.mqtt/> and <https://www.home-assistant.io/integrations/button.mqtt/>.

use std::collections::BTreeMap;

use forewarn_base::setting::SettingError;
use forewarn_domain::{Prepared, SpeakerId};
use serde_json::{Value, json};

use crate::upstream::ear::Wish;
use crate::upstream::people::People;

/// Each of them, with what is ready to be said there. There is none unless the site file names it.
pub(super) type Voices = BTreeMap<SpeakerId, Vec<Prepared>>;

/// Those that the site file names.
pub(super) fn named(speakers: &[String], people: &People) -> Result<Voices, SettingError> {
    let find = |name: &String| {
        let found = people.loudspeakers.iter().find(|(id, _)| id.as_str() == name);
        found.map(|(id, ready)| (id.clone(), ready.clone())).ok_or_else(|| {
            SettingError::value("speakers", format!("there is no speaker \"{name}\""), "name one that this file has")
        })
    };
    speakers.iter().map(find).collect()
}

/// What stands before the loudspeaker in the topic of a text that is to be spoken.
const SPEAK: &str = "speak";
/// The same of the name of what is ready to be said.
const PLAY: &str = "play";

fn topic(base: &str, what: &str, speaker: &SpeakerId) -> String {
    format!("{base}/{what}/{speaker}")
}

/// Where it is told what became of the latest wish.
pub(super) fn told(base: &str) -> String {
    format!("{base}/told")
}

/// The topics on which Home Assistant asks.
pub(super) fn ears(voices: &Voices, base: &str) -> Vec<String> {
    voices.keys().flat_map(|speaker| [SPEAK, PLAY].map(|what| topic(base, what, speaker))).collect()
}

/// What it asks for by a message on one of them.
pub(super) fn heard(voices: &Voices, base: &str, (at, payload): (&str, &[u8])) -> Option<Wish> {
    let text = || String::from_utf8_lossy(payload).into_owned();
    voices.keys().find_map(|speaker| {
        let is_on = |what: &str| at == topic(base, what, speaker);
        let speaker = speaker.clone();
        if is_on(SPEAK) {
            Some(Wish::Speak { speaker, text: text() })
        } else if is_on(PLAY) {
            Some(Wish::Play { speaker, prepared: text() })
        } else {
            None
        }
    })
}

/// The entities: for each loudspeaker one that is sent a text, and a button for each of what is ready to be said there; for
/// all together what became of the latest.
pub(super) fn components(voices: &Voices, base: &str, people: &People) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for (speaker, ready) in voices {
        let text = json!({
            "platform": "notify",
            "name": format!("Speak over {speaker}"),
            "icon": "mdi:bullhorn",
            "command_topic": topic(base, SPEAK, speaker),
            "retain": false,
        });
        found.push((format!("speak_{speaker}"), text));
        found.extend(ready.iter().map(|one| {
            let title = one.title.in_language(people.language).map_or_else(|| one.id.clone(), |title| title.text);
            let button = json!({
                "platform": "button",
                "name": format!("{title} over {speaker}"),
                "icon": "mdi:bullhorn",
                "command_topic": topic(base, PLAY, speaker),
                "payload_press": one.id,
                "retain": false,
            });
            (format!("play_{speaker}_{}", one.id.replace('.', "_")), button)
        }));
    }
    if !voices.is_empty() {
        let latest = json!({
            "platform": "sensor",
            "name": "Last spoken",
            "icon": "mdi:bullhorn",
            "state_topic": told(base),
            "value_template": "{{ value_json.outcome }}",
            "json_attributes_topic": told(base),
        });
        found.push(("last_spoken".to_owned(), latest));
    }
    found
}
