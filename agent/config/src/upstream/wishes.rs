//! The keys of `[upstream.NAME]` by which it says of what it is told, when, and how often.

use std::sync::Arc;

use forewarn_domain::{IncidentState, Schedule};
use forewarn_report::{Filter, Manners, People, Seals, Usual};
use schemars::{SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;

use crate::check::Check;
use crate::header::check_schedule;
use crate::schema::schedules;

/// What may be named in the filter of an upstream.
pub(crate) struct Known<'a> {
    /// The violations that there are.
    pub(crate) violations: Vec<&'a str>,
    /// The cameras of the site.
    pub(crate) cameras: Vec<String>,
    /// By which names the console may be called; none where there is no console.
    pub(crate) console: Option<&'a [String]>,
    /// Whom messages in words are for.
    pub(crate) people: &'a Arc<People>,
}

/// The keys. In a table with others, of which they are a part.
#[derive(Debug, Default, Deserialize)]
pub(super) struct RawWishes {
    /// Of these violations alone.
    #[serde(default)]
    pub violations: Vec<Spanned<String>>,
    /// Of these cameras alone.
    #[serde(default)]
    pub cameras: Vec<Spanned<String>>,
    /// Of steps into these states alone.
    #[serde(default)]
    pub states: Option<Vec<Spanned<String>>>,
    /// Of what happens in one of these alone.
    #[serde(default)]
    pub hours: Vec<Spanned<Schedule>>,
    /// Nothing is sent in these.
    #[serde(default)]
    pub quiet_hours: Vec<Spanned<Schedule>>,
    /// Messages a minute, at most.
    #[serde(default)]
    pub max_per_minute: Option<Spanned<u32>>,
}

/// A state is entered that is reported.
fn is_reported(state: IncidentState) -> bool {
    state != IncidentState::Suspected
}

impl RawWishes {
    /// Checks the names, the states and the hours. Where no states are named, the kind's usual ones count.
    pub(super) fn check(self, check: &mut Check<'_>, known: &Known<'_>, usual: Usual) -> (Filter, Manners) {
        let (without_seals, seals_alone) = (usual.seals == Seals::Without, usual.seals == Seals::Alone);
        let mut filter = Filter { without_seals, seals_alone, civil: known.people.civil.clone(), ..Filter::default() };
        for name in &self.violations {
            let words = known.violations.iter().copied();
            let problem = format!("there is no violation \"{}\"", name.get_ref());
            check.named(name.span(), name.get_ref(), words, problem, "see `forewarn config violation`");
            filter.violations.extend(forewarn_domain::ViolationId::new(name.get_ref()).ok());
        }
        for name in &self.cameras {
            let words = known.cameras.iter().map(String::as_str);
            let problem = format!("there is no camera \"{}\"", name.get_ref());
            check.named(name.span(), name.get_ref(), words, problem, "name one that this file has");
            filter.cameras.extend(forewarn_domain::StreamId::new(name.get_ref()).ok());
        }
        filter.states = usual.states.iter().copied().collect();
        if let Some(states) = &self.states {
            if let (true, Some(first)) = (seals_alone, states.first()) {
                let problem = "it is told of evidence, as it is sealed, and of no states";
                check.fail::<()>(first.span(), problem, "leave `states` out");
            }
            let reported = || IncidentState::ALL.into_iter().filter(|state| is_reported(*state));
            for name in states {
                let problem = format!("\"{}\" is no state that is reported", name.get_ref());
                let words: Vec<_> = reported().map(IncidentState::as_str).collect();
                check.named(name.span(), name.get_ref(), words.into_iter(), problem, "see docs/mqtt.md, \"Events\"");
            }
            let is_named = |state: &IncidentState| states.iter().any(|name| name.get_ref() == state.as_str());
            filter.states = reported().filter(is_named).collect();
        }
        self.hours.iter().chain(&self.quiet_hours).for_each(|hours| check_schedule(check, hours));
        if let Some(most) = self.max_per_minute.as_ref().filter(|most| !(1..=6000).contains(most.get_ref())) {
            check.fail::<()>(most.span(), format!("{} is out of range", most.get_ref()), "write 1 to 6000");
        }
        let plain = |hours: Vec<Spanned<Schedule>>| hours.into_iter().map(Spanned::into_inner).collect();
        filter.hours = plain(self.hours);
        let manners = Manners {
            quiet_hours: plain(self.quiet_hours),
            civil: known.people.civil.clone(),
            max_per_minute: self.max_per_minute.map(Spanned::into_inner),
        };
        (filter, manners)
    }
}

/// The schema of the keys.
pub(super) fn schema(generator: &mut SchemaGenerator) -> Vec<(&'static str, Value)> {
    let names =
        |what: &str| json_schema!({ "type": "array", "items": { "type": "string" }, "description": what }).to_value();
    let mut hours = |what: &str| {
        let mut schema = schedules(generator);
        schema.insert("description".to_owned(), what.into());
        schema.to_value()
    };
    let states: Vec<_> = IncidentState::ALL.into_iter().filter(|state| is_reported(*state)).collect();
    let states = states.into_iter().map(IncidentState::as_str).collect::<Vec<_>>();
    vec![
        ("violations", names("Of these violations alone; of all if absent.")),
        ("cameras", names("Of these cameras alone; of all if absent.")),
        (
            "states",
            json_schema!({ "type": "array", "items": { "enum": states },
                "description": "Of steps into these states alone; of all if absent, on phones of escalations." })
            .to_value(),
        ),
        ("hours", hours("Of what happens in one of these schedules alone.")),
        ("quiet_hours", hours("Nothing is sent in these; it waits.")),
        (
            "max_per_minute",
            json_schema!({ "type": "integer", "minimum": 1, "maximum": 6000,
                "description": "Messages a minute, at most; what is more waits." })
            .to_value(),
        ),
    ]
}
