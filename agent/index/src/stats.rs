//! How well warnings work: given, heard, heeded, and how soon; by violation, zone, hour and text.
//!
//! A share is told with Wilson's interval of 95 % (E. B. Wilson, "Probable inference, the law of succession, and statistical
//! inference", 1927), which holds for few incidents, too, and never leaves 0 to 1.

mod interval;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use forewarn_domain::{Cause, IncidentRecord, IncidentState, Timestamp, ViolationId};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;

pub use interval::wilson;
pub use table::table;

/// What one confirmed incident tells of its warnings.
#[derive(Debug, Clone, PartialEq)]
pub struct Warned {
    /// What it was.
    pub violation: ViolationId,
    /// The camera and the zone.
    pub zone: String,
    /// When it was confirmed, by the clock on the wall.
    pub confirmed_at: Timestamp,
    /// The text that was said; none where there is one alone.
    pub text: Option<String>,
    /// Whether a warning was sent to a loudspeaker.
    pub was_sent: bool,
    /// Whether one was heard, or stood for one that was heard in the zone a moment before.
    pub was_heard: bool,
    /// What became of it; none while that is open, and where nobody could tell.
    pub has_complied: Option<bool>,
    /// Seconds from the first warning that was heard until the subject had complied.
    pub complied_after_s: Option<f64>,
}

impl Warned {
    /// The camera.
    fn camera(&self) -> &str {
        self.zone.split_once('/').map_or(self.zone.as_str(), |(camera, _)| camera)
    }

    /// What a record tells; none if it was never confirmed.
    pub fn of_record(record: &IncidentRecord) -> Option<Self> {
        let confirmed = record.first_entered(IncidentState::Confirmed)?;
        let is_heard = |cause| matches!(cause, Cause::PlaybackProven | Cause::CoveredByRecentWarning);
        let heard = record.history.iter().find(|step| is_heard(step.cause)).map(|step| step.at);
        let outcome = record.history.iter().rev().find(|step| step.state.is_outcome());
        let has_complied = outcome.and_then(|step| match step.state {
            IncidentState::Complied => Some(true),
            IncidentState::Escalated => Some(false),
            // Who was lost from sight, or did it for a moment, neither heeded a warning nor went on in spite of it.
            _ => None,
        });
        let complied_at = outcome.filter(|_| has_complied == Some(true)).map(|step| step.at);
        Some(Self {
            violation: record.rule.violation.clone(),
            zone: format!("{}/{}", record.rule.stream, record.rule.zone),
            confirmed_at: Timestamp::from_micros(record.wall(confirmed).as_micros()),
            text: record.said.clone(),
            was_sent: record.first_entered(IncidentState::Warned).is_some(),
            was_heard: heard.is_some(),
            has_complied,
            complied_after_s: heard.zip(complied_at).map(|(heard, at)| at.since(heard).as_secs_f64()),
        })
    }
}

/// One row of the figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// What it is of: a violation, a zone, an hour, a text.
    pub name: String,
    /// Confirmed incidents.
    pub incidents: u32,
    /// Those for which a warning was sent to a loudspeaker.
    pub sent: u32,
    /// Those of which a warning was heard.
    pub heard: u32,
    /// Of these, those in which the subject complied.
    pub complied: u32,
    /// Of these, those that were escalated.
    pub escalated: u32,
    /// Complied, of those that complied or were escalated after a warning was heard; none without one of either.
    pub share: Option<f64>,
    /// Where the true share lies with a likelihood of 95 %.
    pub between: Option<(f64, f64)>,
    /// Median of the seconds from the first warning that was heard until the subject had complied.
    pub median_s: Option<f64>,
    /// The seconds within which nine of ten complied.
    pub p90_s: Option<f64>,
}

/// Which text of a violation works better.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The violation.
    pub violation: ViolationId,
    /// The text whose share is surely above that of each other; none where the incidents do not say yet.
    pub winner: Option<String>,
}

/// All figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stats {
    /// Of all incidents together.
    pub all: Row,
    /// By violation.
    pub violations: Vec<Row>,
    /// By camera and zone.
    pub zones: Vec<Row>,
    /// By the hour of the day at the site.
    pub hours: Vec<Row>,
    /// By violation and text, where several are tried.
    pub texts: Vec<Row>,
    /// Which text works better, where several are tried.
    pub verdicts: Vec<Verdict>,
}

/// Of which incidents figures are wanted; of all where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Of these cameras.
    pub cameras: Option<Vec<String>>,
    /// Of this violation.
    pub violation: Option<String>,
    /// Confirmed on days from the first to the last.
    pub days: (Option<Date>, Option<Date>),
}

/// The names that a site knows, beside those of its incidents.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Its cameras.
    pub cameras: Vec<String>,
    /// Its violations.
    pub violations: Vec<String>,
}

/// Something is wanted that cannot be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum WantedError {
    /// A name that nobody knows.
    #[error("{what} {name}: neither the site nor an incident has that name; there are {known}")]
    Unknown {
        /// Of what it is the name.
        what: &'static str,
        /// The name.
        name: String,
        /// Those that are known.
        known: String,
    },
    /// No day.
    #[error("--from {from} comes after --to {to}")]
    NoDay {
        /// The first day.
        from: Date,
        /// The last one.
        to: Date,
    },
}

impl Wanted {
    /// Whether it can be: names are known to the site or to one of its incidents.
    pub fn check(&self, all: &[Warned], known: &Known) -> Result<(), WantedError> {
        if let (Some(from), Some(to)) = self.days
            && from > to
        {
            return Err(WantedError::NoDay { from, to });
        }
        let is_known = |what, name: &String, of_site: &[String], of_incidents: fn(&Warned) -> &str| {
            let names: BTreeSet<&str> =
                of_site.iter().map(String::as_str).chain(all.iter().map(of_incidents)).collect();
            if names.contains(name.as_str()) {
                return Ok(());
            }
            let known = names.into_iter().collect::<Vec<_>>().join(", ");
            Err(WantedError::Unknown { what, name: name.clone(), known })
        };
        for name in self.cameras.iter().flatten() {
            is_known("--camera", name, &known.cameras, Warned::camera)?;
        }
        self.violation
            .iter()
            .try_for_each(|name| is_known("--violation", name, &known.violations, |one| one.violation.as_str()))
    }
}

/// Those of them that are wanted; days are those of a time zone.
pub fn within(mut all: Vec<Warned>, wanted: &Wanted, zone: &TimeZone) -> Vec<Warned> {
    let Wanted { cameras, violation, days: (from, to) } = wanted;
    all.retain(|one| {
        let is_of = |cameras: &Vec<String>| cameras.iter().any(|camera| camera == one.camera());
        if !cameras.as_ref().is_none_or(is_of) || violation.as_ref().is_some_and(|id| one.violation.as_str() != id) {
            return false;
        }
        let Ok(at) = jiff::Timestamp::from_microsecond(one.confirmed_at.as_micros()) else { return false };
        let day = at.to_zoned(zone.clone()).date();
        from.is_none_or(|from| from <= day) && to.is_none_or(|to| day <= to)
    });
    all
}

/// The figures of these incidents; hours are those of a time zone.
pub fn stats(incidents: &[Warned], zone: &TimeZone) -> Stats {
    let hour = |one: &Warned| {
        let at = jiff::Timestamp::from_microsecond(one.confirmed_at.as_micros()).ok()?;
        Some(format!("{:02}:00", at.to_zoned(zone.clone()).hour()))
    };
    let text = |one: &Warned| Some(format!("{}/{}", one.violation, one.text.as_ref()?));
    Stats {
        all: row("all".to_owned(), &incidents.iter()),
        violations: rows(incidents, |one| Some(one.violation.to_string())),
        zones: rows(incidents, |one| Some(one.zone.clone())),
        hours: rows(incidents, hour),
        texts: rows(incidents, text),
        verdicts: verdicts(incidents),
    }
}

fn rows(incidents: &[Warned], name: impl Fn(&Warned) -> Option<String>) -> Vec<Row> {
    let mut groups: BTreeMap<String, Vec<&Warned>> = BTreeMap::new();
    for one in incidents {
        if let Some(name) = name(one) {
            groups.entry(name).or_default().push(one);
        }
    }
    groups.into_iter().map(|(name, group)| row(name, &group.into_iter())).collect()
}

fn row<'a>(name: String, incidents: &(impl Iterator<Item = &'a Warned> + Clone)) -> Row {
    let count = |is_counted: fn(&Warned) -> bool| incidents.clone().filter(|one| is_counted(one)).count() as u32;
    let complied = count(|one| one.was_heard && one.has_complied == Some(true));
    let escalated = count(|one| one.was_heard && one.has_complied == Some(false));
    let decided = complied + escalated;
    let mut after_s: Vec<f64> = incidents.clone().filter_map(|one| one.complied_after_s).collect();
    after_s.sort_by(f64::total_cmp);
    Row {
        name,
        incidents: count(|_| true),
        sent: count(|one| one.was_sent),
        heard: count(|one| one.was_heard),
        complied,
        escalated,
        share: (decided > 0).then(|| f64::from(complied) / f64::from(decided)),
        between: wilson(complied, decided),
        median_s: quantile(&after_s, 0.5),
        p90_s: quantile(&after_s, 0.9),
    }
}

/// The least of the sorted values that is not below this part of them.
fn quantile(sorted: &[f64], part: f64) -> Option<f64> {
    let rank = (part * sorted.len() as f64).ceil().max(1.0) as usize;
    sorted.get(rank - 1).copied()
}

/// Which text wins, of each violation of which several were said.
fn verdicts(incidents: &[Warned]) -> Vec<Verdict> {
    let mut tried: BTreeMap<&ViolationId, BTreeMap<&str, Vec<&Warned>>> = BTreeMap::new();
    for one in incidents {
        if let Some(text) = &one.text {
            tried.entry(&one.violation).or_default().entry(text).or_default().push(one);
        }
    }
    let verdict = |(violation, texts): (&ViolationId, BTreeMap<&str, Vec<&Warned>>)| {
        let known: Vec<_> =
            texts.iter().map(|(text, group)| (*text, row(String::new(), &group.iter().copied()).between)).collect();
        let beats_all = |text: &str, low: f64| {
            known.iter().all(|(other, between)| *other == text || between.is_some_and(|(_, high)| high < low))
        };
        let winner = known.iter().find(|(text, between)| between.is_some_and(|(low, _)| beats_all(text, low)));
        let winner = winner.filter(|_| known.len() > 1).map(|(text, _)| (*text).to_owned());
        Verdict { violation: violation.clone(), winner }
    };
    tried.into_iter().map(verdict).collect()
}

#[cfg(test)]
mod tests;
