//! How the agent's parts fare: what each does, since when, and what to do about it.

pub mod words;

use std::collections::BTreeMap;

use forewarn_domain::{Timestamp, WallTime};
use serde::Serialize;

use crate::bilingual::Bilingual;

/// Whether a part works.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PartState {
    /// It does.
    Ok,
    /// It does, and not as well as it could.
    Warning,
    /// It does not.
    Trouble,
}

/// How a part fares now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartNow {
    /// Its name, such as `camera gate`.
    pub part: String,
    /// Whether it works.
    pub state: PartState,
    /// What it does or does not, for people.
    pub what: Bilingual,
    /// What to do about it; empty where nothing is to be done.
    pub to_do: Bilingual,
}

impl PartNow {
    /// It works.
    pub fn ok(part: impl Into<String>, what: Bilingual) -> Self {
        Self { part: part.into(), state: PartState::Ok, what, to_do: words::NOTHING }
    }

    /// It works, and not as well as it could.
    pub fn warning(part: impl Into<String>, what: Bilingual, to_do: Bilingual) -> Self {
        Self { part: part.into(), state: PartState::Warning, what, to_do }
    }

    /// It does not work.
    pub fn trouble(part: impl Into<String>, what: Bilingual, to_do: Bilingual) -> Self {
        Self { part: part.into(), state: PartState::Trouble, what, to_do }
    }

    /// In one line; `since` is the time since when it has been so.
    fn line(&self, since: &str) -> String {
        let Self { part, what, to_do, .. } = self;
        let mend = if to_do.en.is_empty() { String::new() } else { format!("; {to_do}") };
        format!("{part}: {what} (since {since}){mend}")
    }
}

/// A part got into another state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// How it fares now.
    pub now: PartNow,
    /// The state that it was in.
    pub was: PartState,
}

/// Remembers since when each part is in its state.
#[derive(Debug, Default)]
pub struct HealthBook {
    parts: BTreeMap<String, (Timestamp, PartNow)>,
}

impl HealthBook {
    /// All parts fare so at `now`. Tells which of them have turned; a new part was well before.
    pub fn take(&mut self, now: Timestamp, parts: Vec<PartNow>) -> Vec<Turn> {
        let mut before = std::mem::take(&mut self.parts);
        let mut turns = Vec::new();
        for part in parts {
            let (since, was) =
                before.remove(&part.part).map_or((now, PartState::Ok), |(since, before)| (since, before.state));
            let has_turned = was != part.state;
            if has_turned {
                turns.push(Turn { now: part.clone(), was });
            }
            self.parts.insert(part.part.clone(), (if has_turned { now } else { since }, part));
        }
        turns
    }

    /// The parts as they were last taken.
    pub fn parts(&self) -> impl Iterator<Item = &PartNow> {
        self.parts.values().map(|(_, part)| part)
    }

    /// What is told outside. `wall` says what the clock showed at an instant.
    pub fn report(&self, wall: impl Fn(Timestamp) -> WallTime) -> HealthReport {
        let mut report = HealthReport {
            is_healthy: true,
            troubles: Vec::new(),
            warnings: Vec::new(),
            well: Vec::new(),
            parts: Vec::new(),
        };
        for (since, part) in self.parts.values() {
            let since = wall(*since).to_rfc3339();
            let PartNow { part: name, state, what, to_do } = part.clone();
            let told = PartTold { part: words::part(&name), state, since: since.clone(), what, to_do };
            report.parts.push(told);
            match part.state {
                PartState::Ok => {
                    report.well.push(PartHealth { part: name, since, what: part.what.to_string() });
                }
                PartState::Warning => report.warnings.push(part.line(&since)),
                PartState::Trouble => report.troubles.push(part.line(&since)),
            }
        }
        report.is_healthy = report.troubles.is_empty();
        report
    }
}

/// The state of the agent's parts. Each stands in one of the lists.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Serialize)]
pub struct HealthReport {
    /// Whether every part works.
    pub is_healthy: bool,
    /// What does not work, since when, and what to do, for people.
    pub troubles: Vec<String>,
    /// What works and not as well as it could, likewise.
    pub warnings: Vec<String>,
    /// What works.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub well: Vec<PartHealth>,
    /// Every part, in both languages; the console's page is told it.
    #[serde(skip)]
    pub parts: Vec<PartTold>,
}

/// A part as the console's page shows it.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Serialize)]
pub struct PartTold {
    /// Its name.
    pub part: Bilingual,
    /// Whether it works.
    pub state: PartState,
    /// Since when it has been so, RFC 3339 in UTC.
    pub since: String,
    /// What it does or does not.
    pub what: Bilingual,
    /// What to do about it; empty where nothing is to be done.
    pub to_do: Bilingual,
}

impl HealthReport {
    /// The report of some parts alone, by their names.
    #[must_use]
    pub fn of(mut self, is_told: impl Fn(&str) -> bool) -> Self {
        let is_told_line = |line: &String| line.split_once(": ").is_some_and(|(part, _)| is_told(part));
        self.troubles.retain(is_told_line);
        self.warnings.retain(is_told_line);
        self.well.retain(|part| is_told(&part.part));
        self.parts.retain(|part| is_told(&part.part.en));
        self.is_healthy = self.troubles.is_empty();
        self
    }

    /// The report without the parts that are well.
    #[must_use]
    pub fn without_the_well(mut self) -> Self {
        self.well.clear();
        self
    }
}

/// How a part that works fares.
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Serialize)]
pub struct PartHealth {
    /// Its name.
    pub part: String,
    /// Since when it has worked, RFC 3339 in UTC.
    pub since: String,
    /// What it does, for people.
    pub what: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEND: Bilingual = Bilingual::fixed("look at its cable", "请检查线缆");

    fn en(what: &'static str) -> Bilingual {
        Bilingual { en: what.into(), ..Bilingual::none() }
    }

    fn at(seconds: f64) -> Timestamp {
        Timestamp::from_secs_f64(seconds)
    }

    #[test]
    fn a_trouble_has_its_begin_and_its_mend_and_is_told_once() {
        let mut book = HealthBook::default();
        let horn = |n: u32| PartNow::trouble("speaker horn", words::announcements_failed(n, "hung"), MEND);
        assert_eq!(
            book.take(at(1.0), vec![PartNow::ok("speaker horn", en("played")), PartNow::ok("clock", en("right"))]),
            []
        );
        let turned = book.take(at(2.0), vec![horn(2), PartNow::ok("clock", en("right"))]);
        assert_eq!(turned, [Turn { now: horn(2), was: PartState::Ok }]);
        assert_eq!(book.take(at(3.0), vec![horn(3), PartNow::ok("clock", en("right"))]), [], "it is told once");
        let report = serde_json::to_value(book.report(|at| WallTime::from_micros(at.as_micros()))).unwrap();
        assert_eq!(report["is_healthy"], false);
        assert_eq!(
            report,
            serde_json::json!({
                "is_healthy": false,
                "troubles": [
                    "speaker horn: the last 3 announcements failed; the latest hung (since 1970-01-01T00:00:02.000Z); look at its cable"
                ],
                "warnings": [],
                "well": [{ "part": "clock", "since": "1970-01-01T00:00:01.000Z", "what": "right" }],
            }),
            "each part stands there once"
        );
        let told = serde_json::to_value(book.report(|at| WallTime::from_micros(at.as_micros())).parts).unwrap();
        assert_eq!(
            told[1],
            serde_json::json!({
                "part": { "en": "speaker horn", "zh": "扬声器 horn" },
                "state": "trouble",
                "since": "1970-01-01T00:00:02.000Z",
                "what": { "en": "the last 3 announcements failed; the latest hung", "zh": "最近 3 次播报均失败（hung）" },
                "to_do": { "en": "look at its cable", "zh": "请检查线缆" },
            })
        );
        let turned = book.take(at(4.0), vec![PartNow::ok("speaker horn", en("played"))]);
        assert_eq!(
            turned.iter().map(|turn| (turn.now.state, turn.was)).collect::<Vec<_>>(),
            [(PartState::Ok, PartState::Trouble)]
        );
        assert_eq!(book.parts().count(), 1, "what is no part any more is forgotten");
    }

    #[test]
    fn a_report_of_some_parts_tells_of_no_other() {
        let mut book = HealthBook::default();
        let trouble = |part: &str| PartNow::trouble(part, en("away"), MEND);
        book.take(
            at(0.0),
            vec![trouble("camera gate"), trouble("camera yard"), PartNow::ok("footage gate", en("kept"))],
        );
        let of = |name: &str| {
            let report = book.report(|at| WallTime::from_micros(at.as_micros())).of(|part| part.ends_with(name));
            (report.is_healthy, report.troubles.len(), report.well.len(), report.parts.len())
        };
        assert_eq!((of("gate"), of("yard"), of("hall")), ((false, 1, 1, 2), (false, 1, 0, 1), (true, 0, 0, 0)));
    }

    #[test]
    fn a_warning_is_told_and_leaves_the_agent_healthy() {
        let mut book = HealthBook::default();
        assert_eq!(book.take(at(0.0), vec![PartNow::warning("budget", en("it is short"), words::NOTHING)]).len(), 1);
        let report = book.report(|at| WallTime::from_micros(at.as_micros()));
        assert!(report.is_healthy && report.troubles.is_empty());
        assert_eq!(report.warnings, ["budget: it is short (since 1970-01-01T00:00:00.000Z)"]);
    }
}
