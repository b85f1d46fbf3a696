//! Home Assistant: a device that it finds by itself. Described for operators in `docs/recipients/home-assistant.md`.
//!
//! Source: <https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload>.

mod voices;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use forewarn_base::setting::SettingError;
use forewarn_base::sync::lock;
use forewarn_domain::{IncidentState, StreamId, ViolationId};
use forewarn_wire::{Event, EventSource, Presence};
use serde_json::{Map, Value, json};

use self::voices::Voices;
use super::Start;
use super::ear::Wish;
use super::mqtt::listener::{USUAL, listener_table};
use super::mqtt::{Dialect, Pictures, Publication, Speaks};
use super::people::People;
use super::settings::{AdapterSettings, Surroundings, Usual};
use super::small::small;
use super::thin::MOST_PICTURE_BYTES;
use crate::outbox::QueuedReport;

listener_table! {
    /// Home Assistant behind a broker.
    pub struct HomeAssistantConfig {
        /// The loudspeakers over which it may speak, and with it whoever may publish on the broker; over none if absent.
        #[serde(default)]
        pub speakers: Vec<String>,
    }
}

impl AdapterSettings for HomeAssistantConfig {
    fn usual(&self) -> Usual {
        USUAL
    }

    fn resolve_in(&self, around: Surroundings<'_>) -> Result<Arc<dyn Start>, SettingError> {
        let (people, listener) = (Arc::clone(around.people), self.listener());
        let (voices, pictures) = (voices::named(&self.speakers, &people)?, listener.when_pictures());
        listener.open(around, "homeassistant", |prefix| Home { voices, ..Home::new(prefix, people, pictures) })
    }
}

/// The incidents of each rule that are open, over all connections of this process.
type Open = BTreeMap<(StreamId, ViolationId), BTreeSet<String>>;

/// Makes the dialect.
#[derive(Debug, Clone)]
pub struct Home {
    prefix: String,
    people: Arc<People>,
    pictures: Pictures,
    open: Arc<Mutex<Open>>,
    voices: Voices,
}

impl Home {
    fn new(prefix: String, people: Arc<People>, pictures: Pictures) -> Self {
        Self { prefix, people, pictures, open: Arc::default(), voices: Voices::new() }
    }
}

impl Speaks for Home {
    fn dialect(&self, source: &EventSource) -> Box<dyn Dialect> {
        Box::new(HomeAssistant {
            home: self.clone(),
            source: source.clone(),
            base: format!("forewarn/{}/home_assistant", source.site),
        })
    }
}

/// Says reports as states of entities.
#[derive(Debug)]
struct HomeAssistant {
    home: Home,
    source: EventSource,
    base: String,
}

/// The states that are told as events.
fn event_types() -> Vec<&'static str> {
    let reported = IncidentState::ALL.into_iter().filter(|state| *state != IncidentState::Suspected);
    reported.map(IncidentState::as_str).collect()
}

impl HomeAssistant {
    fn device(&self) -> String {
        format!("forewarn_{}", self.source.site)
    }

    fn snapshot_topic(&self) -> String {
        format!("{}/snapshot", self.base)
    }

    fn rule_topic(&self, camera: &StreamId, violation: &ViolationId) -> String {
        format!("{}/{camera}/{violation}", self.base)
    }

    fn components(&self) -> Map<String, Value> {
        let device = self.device();
        let of = |name: &str, mut keys: Value| {
            keys["unique_id"] = format!("{device}_{name}").into();
            (name.to_owned(), keys)
        };
        let mut components = Map::new();
        for (camera, violation) in &self.home.people.rules {
            let topic = self.rule_topic(camera, violation);
            components.extend([of(
                &format!("{camera}_{violation}"),
                json!({
                    "platform": "binary_sensor",
                    "device_class": "problem",
                    "name": format!("{} {camera}", self.home.people.title_of(violation)),
                    "state_topic": topic,
                    "json_attributes_topic": format!("{topic}/attributes"),
                }),
            )]);
        }
        components.extend([
            of(
                "last_incident",
                json!({
                    "platform": "sensor",
                    "name": "Last incident",
                    "icon": "mdi:alert",
                    "state_topic": format!("{}/last", self.base),
                    "value_template": "{{ value_json.state }}",
                    "json_attributes_topic": format!("{}/last", self.base),
                }),
            ),
            of(
                "incident",
                json!({
                    "platform": "event",
                    "name": "Incident",
                    "event_types": event_types(),
                    "state_topic": format!("{}/event", self.base),
                }),
            ),
        ]);
        if self.home.pictures != Pictures::Never {
            let keys = json!({
                "platform": "image",
                "name": "Last snapshot",
                "content_type": "image/jpeg",
                "image_topic": self.snapshot_topic(),
            });
            components.extend([of("snapshot", keys)]);
        }
        let spoken = voices::components(&self.home.voices, &self.base, &self.home.people);
        components.extend(spoken.into_iter().map(|(name, keys)| of(&name, keys)));
        components
    }

    fn config(&self) -> Value {
        let version = &self.source.agent_version;
        json!({
            "device": {
                "identifiers": [self.device()],
                "name": format!("Forewarn {}", self.source.site),
                "manufacturer": "Forewarn",
                "model": "Forewarn agent",
                "sw_version": version,
            },
            "origin": { "name": "forewarn", "sw_version": version },
            "availability_topic": format!("{}/available", self.base),
            "qos": 1,
            "components": self.components(),
        })
    }

    /// Whether a rule has an open incident after this report.
    fn is_on(&self, queued: &QueuedReport, state: IncidentState) -> bool {
        let incident = &queued.report.incident;
        let mut open = lock(&self.home.open);
        let of_rule = open.entry((incident.rule.stream.clone(), incident.rule.violation.clone())).or_default();
        if state.has_ended() {
            of_rule.remove(incident.id.as_str());
        } else {
            of_rule.insert(incident.id.to_string());
        }
        !of_rule.is_empty()
    }
}

impl Dialect for HomeAssistant {
    fn presence(&self, presence: Presence, _: Option<&str>) -> Publication {
        let word = if presence == Presence::Online { "online" } else { "offline" };
        Publication::text(format!("{}/available", self.base), word)
    }

    fn greeting(&mut self) -> Vec<Publication> {
        let topic = format!("{}/device/{}/config", self.home.prefix, self.device());
        vec![Publication::retained(topic, self.config().to_string())]
    }

    fn report(&mut self, queued: &QueuedReport) -> Vec<Publication> {
        let (report, rule) = (&queued.report, &queued.report.incident.rule);
        let step = report.incident.history.get(report.sequence as usize);
        let state = step.map_or(report.incident.state, |step| step.state);
        let incident = Event::from_report(report, &queued.source).data.incident;
        let mut facts = json!({
            "id": incident.id,
            "state": state,
            "camera": incident.camera,
            "violation": incident.violation,
            "title": self.home.people.title_of(&rule.violation),
            "zone": incident.zone,
            "subject": incident.subject.class,
            "count": incident.subject.count,
            "warnings_played": incident.warnings_played,
            "at": report.incident.wall(report.at).to_rfc3339(),
            "bundle": report.incident.bundle(),
        });
        let last = facts.to_string();
        facts["event_type"] = state.as_str().into();
        let topic = self.rule_topic(&rule.stream, &rule.violation);
        let mut messages = Vec::new();
        if self.home.pictures == Pictures::Along
            && let Some(picture) = self.home.people.picture(report)
        {
            messages.push(Publication::picture(self.snapshot_topic(), picture.bytes));
        }
        let word = if self.is_on(queued, state) { "ON" } else { "OFF" };
        messages.extend([
            Publication::retained(format!("{topic}/attributes"), last.clone()),
            Publication::text(topic, word),
            Publication::retained(format!("{}/last", self.base), last),
            Publication::passing(format!("{}/event", self.base), facts.to_string()),
        ]);
        messages
    }

    fn ears(&self) -> Vec<String> {
        voices::ears(&self.home.voices, &self.base)
    }

    fn heard(&self, topic: &str, payload: &[u8]) -> Option<Wish> {
        voices::heard(&self.home.voices, &self.base, (topic, payload))
    }

    fn told(&self, told: &str) -> Option<Publication> {
        Some(Publication::retained(voices::told(&self.base), told))
    }

    fn picture(&self, queued: &QueuedReport) -> Option<Publication> {
        let picture = self.home.people.picture(&queued.report)?;
        Some(Publication::picture(self.snapshot_topic(), small(&picture.bytes, MOST_PICTURE_BYTES)?))
    }
}

#[cfg(test)]
mod tests {
    use forewarn_wire::samples::{report, source};

    use super::*;

    fn spoken(open: &Home) -> Box<dyn Dialect> {
        open.dialect(&source())
    }

    fn home() -> Home {
        let rule = report(1, 1).incident.rule;
        let people = People { rules: vec![(rule.stream, rule.violation)], ..People::default() };
        Home::new("homeassistant".to_owned(), Arc::new(people), Pictures::Along)
    }

    fn queued(n: u64, sequence: u32) -> QueuedReport {
        QueuedReport { seq: 1, report: report(n, sequence), source: source() }
    }

    fn text(publication: &Publication) -> &str {
        std::str::from_utf8(&publication.payload).unwrap()
    }

    #[test]
    fn the_device_has_what_discovery_asks_for() {
        let greeting = spoken(&home()).greeting();
        assert_eq!(greeting[0].topic, "homeassistant/device/forewarn_north-gate/config");
        assert!(greeting[0].is_retained);
        let config: Value = serde_json::from_slice(&greeting[0].payload).unwrap();
        assert!(config["device"]["identifiers"][0].is_string() && config["origin"]["name"].is_string());
        let components = config["components"].as_object().unwrap();
        let platforms: BTreeMap<&str, &str> =
            components.iter().map(|(name, keys)| (name.as_str(), keys["platform"].as_str().unwrap())).collect();
        assert_eq!(
            platforms,
            BTreeMap::from([
                ("gate_illegal_parking", "binary_sensor"),
                ("incident", "event"),
                ("last_incident", "sensor"),
                ("snapshot", "image"),
            ])
        );
        let ids: BTreeSet<_> = components.values().map(|keys| keys["unique_id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), components.len());
        let available = spoken(&home()).presence(Presence::Offline, Some("connection_lost"));
        assert_eq!(
            (available.topic.as_str(), text(&available)),
            (config["availability_topic"].as_str().unwrap(), "offline")
        );
    }

    #[test]
    fn a_rule_is_on_while_one_of_its_incidents_is_open() {
        let home = home();
        let mut dialect = spoken(&home);
        let config: Value = serde_json::from_slice(&dialect.greeting()[0].payload).unwrap();
        let topic = config["components"]["gate_illegal_parking"]["state_topic"].as_str().unwrap().to_owned();
        let mut state = |n, sequence| {
            let messages = dialect.report(&queued(n, sequence));
            assert!(messages.len() <= 5);
            text(messages.iter().find(|message| message.topic == topic).unwrap()).to_owned()
        };
        assert_eq!([state(1, 1), state(2, 1), state(1, 6), state(2, 5), state(2, 6)], ["ON", "ON", "ON", "ON", "OFF"]);
        let event = spoken(&home).report(&queued(3, 5)).pop().unwrap();
        let event: Value = serde_json::from_slice(&event.payload).unwrap();
        assert_eq!(event["event_type"], "escalated");
        let types = config["components"]["incident"]["event_types"].as_array().unwrap();
        assert!(types.contains(&event["event_type"]));
    }
}
