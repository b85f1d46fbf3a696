//! What an upstream wants to be told of.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use forewarn_domain::{
    CaseCause, CaseStep, CivilTime, IncidentState, Report, Schedule, StreamId, Timestamp, ViolationId,
};

/// What an upstream wants to be told of; of everything by default. Each part that is empty lets everything through.
#[derive(Clone, Default)]
pub struct Filter {
    /// Of these violations alone.
    pub violations: BTreeSet<ViolationId>,
    /// Of these cameras alone.
    pub cameras: BTreeSet<StreamId>,
    /// Of steps into these states alone.
    pub states: BTreeSet<IncidentState>,
    /// Neither of seals nor of steps of cases that nobody in particular is told of.
    pub without_seals: bool,
    /// Of seals and nothing else.
    pub seals_alone: bool,
    /// Its name where a rota names it: then it is told of cases alone, each when it is its turn.
    pub on_duty: Option<String>,
    /// Of what happens in one of these alone.
    pub hours: Vec<Schedule>,
    /// The time of day at the site; where it is unknown, every schedule holds.
    pub civil: Option<Arc<dyn CivilTime>>,
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { violations, cameras, states, without_seals, seals_alone, on_duty, hours, civil: _ } = self;
        f.debug_struct("Filter")
            .field("violations", violations)
            .field("cameras", cameras)
            .field("states", states)
            .field("without_seals", without_seals)
            .field("seals_alone", seals_alone)
            .field("on_duty", on_duty)
            .field("hours", hours)
            .finish_non_exhaustive()
    }
}

impl Filter {
    /// Whether a report is for it.
    pub fn wants(&self, report: &Report) -> bool {
        if let Some(name) = &self.on_duty {
            let to = report.case_step().and_then(|step| step.to.as_deref());
            return to == Some(name) && self.wants_kind(report);
        }
        if self.seals_alone && report.seal.is_none() {
            return false;
        }
        if report.is_of_case() {
            return self.wants_kind(report) && (!self.without_seals || self.wants_reminder(report));
        }
        if report.seal.is_some() {
            return !self.without_seals && self.wants_kind(report) && self.wants_time(report, report.at);
        }
        let step = report.incident.history.get(report.sequence as usize);
        let state = step.map_or(report.incident.state, |step| step.state);
        self.wants_kind(report) && self.wants_state(state) && self.wants_time(report, report.at)
    }

    /// Whether a report that stands for all steps of its incident so far is for it: one of them is.
    pub fn wants_any(&self, report: &Report) -> bool {
        if let Some(name) = &self.on_duty {
            let steps = report.incident.case.as_deref().map(|case| case.steps.as_slice()).unwrap_or_default();
            return self.wants_kind(report) && steps.iter().any(|step| step.to.as_deref() == Some(name));
        }
        let mut steps = report.incident.history.iter();
        self.wants_kind(report) && steps.any(|step| self.wants_state(step.state) && self.wants_time(report, step.at))
    }

    /// People are told of a limit that passed where no rota says whom to remind, and where nobody is left.
    fn wants_reminder(&self, report: &Report) -> bool {
        let is_for_all =
            |step: &CaseStep| matches!(step.cause, CaseCause::LimitPassed | CaseCause::NobodyLeft) && step.to.is_none();
        report.case_step().is_some_and(is_for_all)
            && self.states.contains(&IncidentState::Escalated)
            && self.wants_time(report, report.at)
    }

    fn wants_kind(&self, report: &Report) -> bool {
        let rule = &report.incident.rule;
        (self.violations.is_empty() || self.violations.contains(&rule.violation))
            && (self.cameras.is_empty() || self.cameras.contains(&rule.stream))
    }

    fn wants_state(&self, state: IncidentState) -> bool {
        self.states.is_empty() || self.states.contains(&state)
    }

    fn wants_time(&self, report: &Report, at: Timestamp) -> bool {
        let Some(civil) = self.civil.as_deref().filter(|_| !self.hours.is_empty()) else { return true };
        let shown = Timestamp::from_micros(report.incident.wall(at).as_micros());
        self.hours.iter().any(|hours| hours.holds_at(shown, civil) != Some(false))
    }
}

#[cfg(test)]
mod tests {
    use forewarn_domain::{LocalTime, Weekday};
    use forewarn_wire::samples::{CLOSING, case_report, report, seal_report};

    use super::*;

    /// A site at which it is always the same time of day.
    struct At(u16);

    impl CivilTime for At {
        fn local(&self, _: Option<&str>, _: Timestamp) -> Option<LocalTime> {
            Some(LocalTime { weekday: Weekday::Mon, minute: self.0 })
        }
    }

    #[test]
    fn each_part_lets_through_what_it_names_and_everything_where_it_names_nothing() {
        let all = Filter::default();
        assert!(all.wants(&report(1, 1)) && all.wants(&seal_report(1, 5)) && all.wants_any(&report(1, 1)));
        let escalated = Filter { states: BTreeSet::from([IncidentState::Escalated]), ..Filter::default() };
        let wanted: Vec<u32> = (0..=CLOSING).filter(|sequence| escalated.wants(&report(1, *sequence))).collect();
        assert_eq!(wanted, [5]);
        assert!(escalated.wants(&seal_report(1, 5)), "a seal is no step");
        assert!(!Filter { without_seals: true, ..escalated.clone() }.wants(&seal_report(1, 5)));
        let keeper = Filter { seals_alone: true, ..Filter::default() };
        let wanted = [report(1, 1), case_report(1), seal_report(1, 5)].map(|report| keeper.wants(&report));
        assert_eq!((wanted, keeper.wants_any(&report(1, CLOSING))), ([false, false, true], true));
        assert!(escalated.wants_any(&report(1, CLOSING)) && !escalated.wants_any(&report(1, 3)));
        let (mut reminder, people) = (case_report(1), Filter { without_seals: true, ..escalated.clone() });
        reminder.sequence -= 1;
        assert!(all.wants(&case_report(1)) && !people.wants(&case_report(1)), "machines are told of every step");
        assert!(!people.wants(&reminder), "the rota says whom to remind");
        reminder.incident.case.as_mut().unwrap().steps[1].to = None;
        assert!(people.wants(&reminder), "nobody does, so that all are");
        for (name, is_wanted) in [("officer-1", true), ("officer-2", false)] {
            let filter = Filter { on_duty: Some(name.to_owned()), ..Filter::default() };
            let mut sent = case_report(1);
            sent.sequence -= 2;
            assert_eq!((filter.wants(&sent), filter.wants_any(&sent)), (is_wanted, is_wanted));
            assert!(
                !filter.wants(&case_report(1)) && !filter.wants(&report(1, 5)) && !filter.wants(&seal_report(1, 5))
            );
        }
        let (violation, camera) = (report(1, 1).incident.rule.violation, report(1, 1).incident.rule.stream);
        for (violations, cameras, is_wanted) in [
            (BTreeSet::from([violation.clone()]), BTreeSet::new(), true),
            (BTreeSet::from([ViolationId::new("smoking").unwrap()]), BTreeSet::new(), false),
            (BTreeSet::from([violation]), BTreeSet::from([camera]), true),
            (BTreeSet::new(), BTreeSet::from([StreamId::new("yard").unwrap()]), false),
        ] {
            let filter = Filter { violations, cameras, ..Filter::default() };
            assert_eq!((filter.wants(&report(1, 1)), filter.wants_any(&report(1, 1))), (is_wanted, is_wanted));
        }
        let night: Schedule = serde_json::from_str(r#"{"from":"22:00","to":"06:00"}"#).unwrap();
        for (minute, is_wanted) in [(23 * 60, true), (12 * 60, false)] {
            let filter = Filter { hours: vec![night.clone()], civil: Some(Arc::new(At(minute))), ..Filter::default() };
            assert_eq!((filter.wants(&report(1, 1)), filter.wants_any(&report(1, 1))), (is_wanted, is_wanted));
        }
    }
}
